/* The world in memory: one engine, the real store and hub, a virtual clock, no socket. It keeps the promises that
 * <framewall/conn.h> asks of an embedder, and hands over octets so that a pointer kept too long is found: each piece is
 * a block of its own, given back as soon as fw_conn_next_event has returned NULL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/apikey.h"
#include "crypto/signing_key.h"
#include "memory.h"
#include "policy/config.h"
#include "shell/penalty.h"
#include "shell/store_quota.h"

#define NEVER_ENDS (600 * SECOND)
enum { TICKS = 1000, MEMORY_OCTETS = 2048, CLIENT_PORT = 8765, UPSTREAM_PORT = 9000 };
#define WALL_START ((uint64_t)1767225600 * 1000000) /* 2026-01-01 */

/* A policy is immutable: the thousands of runs of a play share those of its configurations. */
enum { KEPT = 8 };
static struct kept {
	struct fw_policy *policy;
	char *config;
} kept[KEPT];
static unsigned kept_next;

static void memory_fill(void *user, uint8_t *ret_bytes, size_t size)
{
	struct memory *memory = user;
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++) {
		if (i % 8 == 0) {
			memory->seed = memory->seed * 6364136223846793005u + 1442695040888963407u;
			word = memory->seed ^ (memory->seed >> 29) ^ (memory->seed >> 43);
		}
		ret_bytes[i] = (uint8_t)(word >> 8 * (i % 8));
	}
}

static struct store_options memory_store_options(const struct fw_policy *policy)
{
	const struct settings *s = &policy->settings;

	struct store_options options = {
		.max_connections_per_ip = (uint32_t)s->max_connections_per_ip,
		.max_connections = (uint32_t)s->max_connections,
		.auth_rate = policy->auth_rate,
		.handshake_rate = policy->handshake_rate,
		.account_rate = policy->account_rate,
		.session_rate = policy->session_rate,
		.ipv4_prefix = (unsigned)s->ipv4_prefix,
		.ipv6_prefix = (unsigned)s->ipv6_prefix,
		.max_sessions_per_user = (uint32_t)s->max_sessions_per_user,
		.sessions_refused = s->sessions_over_limit == OVER_LIMIT_REFUSE,
		.session_idle_ns = (uint64_t)s->session_timeout * 60 * SECOND,
		.session_absolute_us = (uint64_t)s->session_absolute_hours * 3600 * 1000000,
	};

	penalty_options(policy, &options);
	return options;
}

static void memory_close_side(struct link *link, enum fw_side side)
{
	struct peer *peer = link->side[side];

	link->closed[side] = true;
	link->side[side] = NULL;
	if (peer != NULL) {
		peer->eof = true;
		peer->link = NULL;
		peer->out.size = 0;
	}
}

/* Sends what waits for a side; octet by octet when input is cut so. */
static bool memory_output(struct link *link, enum fw_side side)
{
	struct memory *memory = link->memory;
	struct peer *peer = link->side[side];
	struct fw_slice waits = fw_conn_output(link->conn, side);
	bool moved = false;

	if (peer == NULL || link->closed[side] || peer->paused)
		return false;
	while (waits.size != 0) {
		size_t size = memory->world.options.cut.kind == CUT_OCTETS && waits.size > 3 ? 3 : waits.size;

		text_add(&peer->in, waits.data, size);
		fw_conn_sent(link->conn, side, size);
		waits = fw_conn_output(link->conn, side);
		moved = true;
	}
	memory_obey(link);
	if (moved)
		world_read(&memory->world, peer);
	if ((link->hangup[side] || link->done) && fw_conn_output(link->conn, side).size == 0) {
		memory_close_side(link, side);
		return true;
	}
	return moved;
}

/* Size of the piece that begins behind `done` of `size` octets. Octet by octet is for the first 2 KiB of what is sent.
 */
static size_t memory_piece(struct memory *memory, size_t size, size_t done)
{
	const struct cut *cut = &memory->world.options.cut;
	size_t left = size - done;

	if (cut->kind == CUT_OCTETS && done < MEMORY_OCTETS)
		return 1;
	if (cut->kind == CUT_OCTETS)
		return left < MEMORY_OCTETS / 2 ? left : MEMORY_OCTETS / 2;
	if (cut->kind == CUT_NONE || done != 0 || size < 2)
		return left;
	if (cut->kind == CUT_AT)
		return 1 + (cut->number - 1) % (size - 1);
	return 1 + (cut->number * 0x9e3779b97f4a7c15u >> 20) % (size - 1);
}

/* One piece of a peer's octets, in a block of its own. */
static void memory_receive(struct link *link, enum fw_side side, const char *octets, size_t size)
{
	struct memory *memory = link->memory;
	uint8_t *piece = text_memory(size);

	memcpy(piece, octets, size);
	if (memory->fault == FAULT_MEMORY && side == FW_CLIENT)
		mem_fail_at(memory->fault_number);
	fw_conn_receive(link->conn, side, piece, size);
	memory_obey(link);
	if (memory->fault == FAULT_MEMORY && side == FW_CLIENT && mem_fail_at(0) >= memory->fault_number)
		memory->fault = FAULT_NONE;
	free(piece);
}

static bool memory_takes(const struct link *link, enum fw_side side)
{
	return fw_conn_wants(link->conn, side) &&
	       (side != FW_CLIENT || link->slow_ns <= link->memory->now.monotonic_ns);
}

/* What a peer wants to send, in pieces, as far as the engine wants it; returns how much that was. */
static size_t memory_hand_over(struct link *link, enum fw_side side, const struct text *octets)
{
	struct memory *memory = link->memory;
	size_t done = 0, size;

	while (done < octets->size && !link->closed[side] && memory_takes(link, side)) {
		size = memory_piece(memory, octets->size, done);
		memory_receive(link, side, octets->data + done, size);
		done += size;
		if (memory->world.options.cut.kind != CUT_NONE) {
			memory_output(link, FW_CLIENT);
			memory_output(link, FW_UPSTREAM);
		}
	}
	return done;
}

static bool memory_send(struct link *link, enum fw_side side)
{
	struct memory *memory = link->memory;
	struct peer *peer = link->side[side];
	struct text octets = peer->out;
	size_t done;

	if (octets.size > memory->world.largest)
		memory->world.largest = octets.size;
	peer->out = (struct text){ 0 }; /* while it is handed over the peer may answer something */
	done = memory_hand_over(link, side, &octets);
	text_take(&octets, done);
	if (!link->closed[side]) {
		text_add(&octets, peer->out.data, peer->out.size);
		text_clear(&peer->out);
		peer->out = octets;
	} else {
		text_clear(&octets);
	}
	return done != 0;
}

static bool memory_input(struct link *link, enum fw_side side)
{
	struct peer *peer = link->side[side];
	bool moved = false;

	if (peer == NULL || link->closed[side])
		return false;
	if (peer->out.size != 0 && !peer->held && memory_takes(link, side))
		moved = memory_send(link, side);
	peer = link->side[side];
	if (peer != NULL && !link->closed[side] && (peer->gone || (peer->finish && peer->out.size == 0))) {
		peer->gone = true;
		memory_close_side(link, side);
		fw_conn_lost(link->conn, side);
		memory_obey(link);
		return true;
	}
	return moved;
}

/* A peer that does not read keeps no connection that is over. */
static bool memory_flush(struct link *link, enum fw_side side)
{
	uint64_t now = link->memory->now.monotonic_ns;

	if (link->closed[side] || (!link->hangup[side] && !link->done))
		return false;
	if (link->cut_ns[side] == 0)
		link->cut_ns[side] = now + MEMORY_FLUSH_S * SECOND;
	if (now < link->cut_ns[side])
		return false;
	memory_close_side(link, side);
	return true;
}

static bool memory_link_turn(struct link *link)
{
	bool moved = false;

	if (link->dial_due && link->memory->world.upstream != UPSTREAM_SILENT) {
		memory_obey_dialled(link);
		moved = true;
	}
	if (link->need_due && link->memory->fault != FAULT_SILENT) {
		memory_obey_supply(link);
		moved = true;
	}
	if (link->end_due) {
		link->end_due = false;
		fw_conn_end(link->conn, link->end_reason);
		moved = true;
	}
	memory_obey(link);
	for (unsigned side = FW_CLIENT; side <= FW_UPSTREAM; side++) {
		moved |= memory_output(link, side);
		moved |= memory_input(link, side);
		moved |= memory_flush(link, side);
	}
	if (fw_conn_deadline(link->conn) <= link->memory->now.monotonic_ns) {
		fw_conn_tick(link->conn);
		memory_obey(link);
		if (fw_conn_deadline(link->conn) <= link->memory->now.monotonic_ns)
			world_wrong(&link->memory->world, "fw_conn_tick leaves a deadline that is due");
		else
			moved = true;
	}
	return moved;
}

/* Done, and everything is sent (or its reader is gone): the connection is freed. */
static bool memory_bury(struct memory *memory)
{
	bool moved = false;

	for (struct link **at = &memory->links; *at != NULL;) {
		struct link *link = *at;
		bool waits = false;

		for (unsigned side = FW_CLIENT; side <= FW_UPSTREAM; side++)
			waits |= link->side[side] != NULL && fw_conn_output(link->conn, side).size != 0;
		if (!link->done || waits) {
			at = &link->next;
			continue;
		}
		*at = link->next;
		memory_close_side(link, FW_CLIENT);
		memory_close_side(link, FW_UPSTREAM);
		if (link->admitted)
			store_release(memory->store, &link->address);
		fw_conn_free(link->conn);
		text_clear(&link->texts);
		free(link);
		moved = true;
	}
	return moved;
}

static void memory_turn(struct world *world)
{
	struct memory *memory = (struct memory *)world;
	bool moved = true;

	fw_engine_time(memory->engine, memory->now);
	for (unsigned turn = 0; moved; turn++) {
		moved = false;
		for (struct link *link = memory->links; link != NULL; link = link->next)
			moved |= memory_link_turn(link);
		moved |= memory_bury(memory);
		if (turn > MEMORY_TURNS) {
			world_wrong(world, "the connections never come to rest");
			return;
		}
	}
}

static void memory_connect(struct world *world, struct peer *client, const char *from)
{
	struct memory *memory = (struct memory *)world;
	struct link *link = text_memory(sizeof(*link));
	struct fw_conn_options options = { .peer_port = 40000, .user = link };

	if (!addr_parse(slice_text(from != NULL ? from : "127.0.0.1"), &options.peer))
		world_wrong(world, "%s is no address", from);
	link->memory = memory;
	link->address = options.peer;
	link->closed[FW_UPSTREAM] = true;
	fw_engine_time(memory->engine, memory->now);
	link->conn = fw_conn_new(memory->engine, &options);
	if (link->conn == NULL) {
		client->eof = true;
		free(link);
		return;
	}
	link->side[FW_CLIENT] = client;
	client->link = link;
	link->next = memory->links;
	memory->links = link;
}

static uint64_t memory_next_deadline(struct memory *memory)
{
	uint64_t next = UINT64_MAX;

	for (struct link *link = memory->links; link != NULL; link = link->next) {
		uint64_t deadline = fw_conn_deadline(link->conn);

		if (deadline < next)
			next = deadline;
		if (link->slow_ns > memory->now.monotonic_ns && link->slow_ns < next)
			next = link->slow_ns;
		for (unsigned side = FW_CLIENT; side <= FW_UPSTREAM; side++)
			if (!link->closed[side] && link->cut_ns[side] != 0 && link->cut_ns[side] < next)
				next = link->cut_ns[side];
	}
	return next;
}

static void memory_wait(struct world *world, uint64_t ns)
{
	struct memory *memory = (struct memory *)world;
	uint64_t until = memory->now.monotonic_ns + ns, next;
	unsigned ticks = 0;

	while ((next = memory_next_deadline(memory)) <= until && world->wrong.size == 0) {
		if (next > memory->now.monotonic_ns) {
			memory->now.wall_us += (next - memory->now.monotonic_ns) / 1000;
			memory->now.monotonic_ns = next;
			ticks = 0;
		} else if (++ticks > TICKS) {
			world_wrong(world, "a deadline that does not move");
			return;
		}
		memory_turn(world);
	}
	memory->now.wall_us += (until - memory->now.monotonic_ns) / 1000;
	memory->now.monotonic_ns = until;
	memory_turn(world);
}

static uint64_t memory_wall(struct world *world)
{
	return ((struct memory *)world)->now.wall_us;
}

static void memory_records(struct world *world)
{
	(void)world;
}

static bool memory_end(struct world *world, struct peer *client, unsigned reason)
{
	struct link *link = client->link;

	if (link != NULL) {
		fw_engine_time(link->memory->engine, link->memory->now);
		fw_conn_end(link->conn, reason);
	}
	memory_turn(world);
	return true;
}

static bool memory_fault(struct world *world, enum fault_kind kind, uint64_t number)
{
	struct memory *memory = (struct memory *)world;

	if (world->options.failing && kind == FAULT_MEMORY)
		return true;
	memory->fault = kind;
	memory->fault_number = number;
	return true;
}

static bool memory_answer(struct world *world, struct said *said)
{
	struct memory *memory = (struct memory *)world;
	struct said *old;

	if (said != NULL) {
		said->next = memory->said;
		memory->said = said;
		return true;
	}
	while ((old = memory->said) != NULL) {
		memory->said = old->next;
		said_free(old);
	}
	return true;
}

/* What the keeper and the workers do. The allocation that is to fail is one of the engine's. */
static bool memory_key(struct world *world, const struct world_key *key)
{
	struct memory *memory = (struct memory *)world;
	uint64_t now_us = memory->now.wall_us, fail_at = world->options.fail_at;
	struct store_api_key made = { .created_wall_us = now_us, .name = "stored", .name_size = 6 };
	char forgotten[STORE_KEY_ID];
	struct apikey_parts parts;
	bool done;

	world->allocations += mem_fail_at(0);
	if (!apikey_parse(slice_text(key->key), &parts))
		return false;
	memcpy(made.id, parts.id.data, sizeof(made.id));
	memcpy(made.hash, parts.hash, sizeof(made.hash));
	made.role_size = strlen(strncpy(made.role, key->role, sizeof(made.role) - 1));
	made.scopes_size = strlen(strncpy(made.scopes, key->scopes, sizeof(made.scopes) - 1));
	made.network_count = key->network[0] != '\0' && addr_net_parse(slice_text(key->network), &made.networks[0]);
	made.expires_wall_us = key->ends_s != UINT64_MAX ? now_us + key->ends_s * 1000000 : 0;
	made.revoked_wall_us = key->revoked ? now_us : 0;
	done = store_key_put(memory->store, &made, now_us, forgotten) == STORE_KEY_KEPT;
	if (key->revoked)
		store_key_end_sessions(memory->store, parts.id);
	mem_fail_at(0);
	if (world->options.failing && fail_at != 0)
		mem_fail_at(fail_at > world->allocations ? fail_at - world->allocations : 0);
	fw_engine_time(memory->engine, memory->now);
	for (struct link *link = memory->links; link != NULL; link = link->next)
		if (key->revoked || key->ends_s != UINT64_MAX)
			fw_conn_key_ends(link->conn, parts.id, key->revoked ? 0 : made.expires_wall_us);
	return done;
}

static int memory_wants(struct world *world, struct peer *peer)
{
	struct link *link = peer->link;

	(void)world;
	return link != NULL ? memory_takes(link, peer->upstream ? FW_UPSTREAM : FW_CLIENT) : -1;
}

/* Everybody leaves. Whatever a connection waits for, it is over within minutes of virtual time. */
static void memory_leave_all(struct memory *memory)
{
	for (struct peer *peer = memory->world.peers; peer != NULL; peer = peer->next) {
		peer->paused = false;
		peer->gone = true;
	}
	memory_wait(&memory->world, 1);
	if (memory->links != NULL)
		memory_wait(&memory->world, NEVER_ENDS);
	if (memory->links != NULL)
		world_wrong(&memory->world, "a connection outlives both its ends");
}

static struct world *memory_stop(struct world *world, struct text *reterr, uint64_t *ret_allocations)
{
	struct memory *memory = (struct memory *)world;

	if (memory->engine != NULL && memory->store != NULL && memory->hub != NULL)
		memory_leave_all(memory);
	*ret_allocations += world->allocations + mem_fail_at(0);
	while (memory->links != NULL) {
		struct link *link = memory->links;

		memory->links = link->next;
		fw_conn_free(link->conn);
		text_clear(&link->texts);
		free(link);
	}
	memory_answer(world, NULL);
	hub_free(memory->hub);
	store_free(memory->store);
	fw_engine_free(memory->engine);
	fw_policy_unref(memory->policy);
	pool_fini(&memory->pool);
	text_add(reterr, world->wrong.data, world->wrong.size);
	world_fini(world);
	free(memory);
	return NULL;
}

static void memory_report(void *user, const char *line)
{
	text_format(user, "%s\n", line);
}

/* The key that assertions are signed with, as a data directory would have it. */
static void memory_sign(struct fw_policy *policy)
{
	char pem[SIGNING_KEY_PEM], kid[SIGNING_KEY_KID];
	struct jwt_key key;

	if (policy->settings.assertion &&
	    signing_key_read(slice(pem, signing_key_make(world_secret, pem)), &key, kid) == NULL)
		policy_add_assertion_key(policy, &key);
}

static void memory_drop(struct kept *entry)
{
	entry->policy = fw_policy_unref(entry->policy);
	free(entry->config);
	entry->config = NULL;
}

static struct fw_policy *memory_policy(const char *text, struct retelling *retelling, struct text *reterr)
{
	struct config_options config = { .name = "config",
					 .text = slice_text(text),
					 .default_jwt_secret = slice(world_secret, sizeof(world_secret)),
					 .report = memory_report,
					 .user = reterr };
	struct retold retold;
	struct kept *entry;
	int error;

	for (unsigned i = 0; i < KEPT; i++)
		if (kept[i].config != NULL && strcmp(kept[i].config, text) == 0)
			return fw_policy_ref(kept[i].policy);
	entry = &kept[kept_next++ % KEPT];
	memory_drop(entry);
	retell(retelling, &config, &retold);
	error = config_load(&config, &entry->policy);
	retold_clear(&retold);
	if (error != FW_OK)
		return NULL;
	memory_sign(entry->policy);
	reterr->size = 0;
	entry->config = text_copy(text);
	return fw_policy_ref(entry->policy);
}

void memory_forget(void)
{
	for (unsigned i = 0; i < KEPT; i++)
		memory_drop(&kept[i]);
}

/* What the manager and a worker do. The allocation that is to fail is one of the engine's. */
static bool memory_reload(struct world *world, const char *text, struct text *reterr)
{
	struct memory *memory = (struct memory *)world;
	uint64_t made = mem_fail_at(0), fail_at = world->options.fail_at;
	struct fw_policy *policy = memory_policy(text, world->options.retelling, reterr);
	struct store_options store;

	mem_fail_at(0);
	if (policy == NULL)
		return false;
	world->allocations += made;
	if (world->options.failing && fail_at != 0)
		mem_fail_at(fail_at > world->allocations ? fail_at - world->allocations : 0);
	store = memory_store_options(policy);
	store_configure(memory->store, &store);
	fw_policy_unref(memory->policy);
	memory->policy = policy;
	fw_engine_time(memory->engine, memory->now);
	fw_engine_set_policy(memory->engine, policy);
	/* Every other run leaves it to the connections when they move. */
	for (struct link *link = memory->links; link != NULL; link = link->next) {
		if (world->options.cut.number % 2 == 0)
			fw_conn_recheck(link->conn);
		memory_obey(link);
	}
	memory_turn(world);
	return true;
}

void memory_ports(uint16_t *ret_client, uint16_t *ret_upstream, uint64_t *ret_wall_us)
{
	*ret_wall_us = WALL_START;
	*ret_client = CLIENT_PORT;
	*ret_upstream = UPSTREAM_PORT;
}

static const struct world_operations memory_operations = {
	.turn = memory_turn,
	.connect = memory_connect,
	.wait = memory_wait,
	.wall_us = memory_wall,
	.records = memory_records,
	.end = memory_end,
	.reload = memory_reload,
	.fault = memory_fault,
	.answer = memory_answer,
	.key = memory_key,
	.wants = memory_wants,
	.stop = memory_stop,
};

struct world *memory_start(const struct world_options *options, struct text *reterr)
{
	struct fw_policy *policy = memory_policy(options->config, options->retelling, reterr);
	struct fw_engine_options engine;
	struct store_options store;
	struct memory *memory;
	uint64_t ignored = 0;

	if (policy == NULL)
		return NULL;
	memory = text_memory(sizeof(*memory));
	world_init(&memory->world, &memory_operations, options);
	memory_ports(&memory->world.client_port, &memory->world.upstream_port, &memory->now.wall_us);
	memory->policy = policy;
	memory->seed = 1;
	memory->now.monotonic_ns = 1000 * SECOND;
	pool_init(&memory->pool);
	mem_fail_at(options->fail_at);
	engine = (struct fw_engine_options){ .policy = policy, .random = { .fill = memory_fill, .user = memory } };
	store = memory_store_options(policy);
	memory->engine = fw_engine_new(&engine);
	memory->store = store_new(&store, &engine.random);
	memory->hub = hub_new();
	if (memory->engine == NULL || memory->store == NULL || memory->hub == NULL) {
		text_say(reterr, "memory is short");
		memory_stop(&memory->world, reterr, &ignored);
		return NULL;
	}
	store_quota(memory->engine, memory->store);
	return &memory->world;
}
