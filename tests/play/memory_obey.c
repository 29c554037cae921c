/* What the engine asks for is done here as the gate does it, but with nothing outside: records become lines in memory,
 * needs are answered by the store, messages go to the hub. */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/limit_kind.h"
#include "base/mem.h"
#include "base/slice.h"
#include "memory.h"
#include "record/jsonl.h"
#include "shell/penalty.h"
#include "shell/session_need.h"

/* The allocation that was told to fail is one of the engine's, not of what the world does in between. */
static void obey_record(struct memory *memory, const struct fw_record *record)
{
	struct buf line = { 0 };
	uint64_t made;

	if (memory->world.options.failing)
		return;
	made = mem_fail_at(0);
	memory->world.allocations += made;
	if (jsonl_format(record, memory->sequence++, &line, &memory->pool) == 0)
		world_record(&memory->world, (const char *)buf_data(&line), buf_size(&line) - 1);
	buf_clear(&line, &memory->pool);
	if (memory->fault == FAULT_MEMORY) {
		memory->fault_number = memory->fault_number > made ? memory->fault_number - made : 0;
		mem_fail_at(memory->fault_number);
	}
}

static struct link *obey_link_of_session(struct memory *memory, const char *session_id, size_t size)
{
	for (struct link *link = memory->links; link != NULL; link = link->next) {
		struct fw_principal who = fw_conn_principal(link->conn);

		if (size != 0 && slice_equal(who.session_id, slice(session_id, size)))
			return link;
	}
	return NULL;
}

/* The connection holds no session any more: from now on the session's idle time runs. */
static void obey_leave_session(struct link *link)
{
	if (link->held)
		store_session_leave(link->memory->store, link->session_key, link->memory->now.monotonic_ns);
	link->held = false;
}

static void obey_session_open(struct memory *memory, struct link *link, const struct fw_need *need)
{
	struct store_session session;
	char evicted[STORE_SESSION_ID];
	size_t evicted_size = 0;
	struct link *other;

	link->answer.code = FW_ANSWER_FAILED;
	if (!session_need_read(need, &session))
		return;
	if (need->ticket_ms != 0) {
		link->answer.code = store_ticket_open(memory->store, need->key.data, &session,
						      (uint64_t)need->ticket_ms * 1000000, memory->now);
		return;
	}
	link->answer.code = store_session_slot(memory->store, need->user_id, memory->now.monotonic_ns,
					       &link->answer.retry_after_ms);
	if (link->answer.code != FW_ANSWER_YES) {
		link->answer.cause = slice_text(limit_kind_cause(LIMIT_KIND_sessions));
		return;
	}
	obey_leave_session(link);
	memcpy(link->session_key, need->key.data, sizeof(link->session_key));
	link->answer.code =
		store_session_open(memory->store, link->session_key, &session, memory->now, evicted, &evicted_size);
	link->held = link->answer.code == FW_ANSWER_YES;
	if (link->held) {
		store_login_known(memory->store, slice(session.user_id, session.user_id_size), &link->address,
				  memory->now.monotonic_ns);
		store_well_done(memory->store, &link->address, need->user_id, memory->now.monotonic_ns);
	}
	other = obey_link_of_session(memory, evicted, evicted_size);
	if (other != NULL) {
		other->end_due = true;
		other->end_reason = CLOSE_EVICTED;
	}
}

static void obey_session_take(struct memory *memory, struct link *link, const struct fw_need *need)
{
	struct fw_answer *answer = &link->answer;

	answer->code = (need->ticket_ms != 0 ? store_ticket_take : store_session_take)(memory->store, need->key.data,
										       memory->now, &link->session);
	if (answer->code != FW_ANSWER_YES)
		return;
	session_need_answer(&link->session, answer);
}

static void obey_api_key(struct memory *memory, struct link *link, const struct fw_need *need)
{
	struct fw_answer *answer = &link->answer;
	struct store_api_key *key = &link->api_key;
	const char *cause;

	answer->code = store_key_check(memory->store, need->key_id, need->key.size == 32 ? need->key.data : NULL,
				       &link->address, memory->now, key, &cause);
	if (answer->code != FW_ANSWER_YES) {
		answer->cause = slice_text(cause);
		return;
	}
	answer->user_id = slice(key->name, key->name_size);
	answer->role = slice(key->role, key->role_size);
	answer->key_id = slice(key->id, sizeof(key->id));
	answer->scopes = slice(key->scopes, key->scopes_size);
	answer->expires_wall_us = key->expires_wall_us;
	answer->issued_wall_us = key->created_wall_us;
}

static void obey_block(struct memory *memory, const struct store_block *block)
{
	for (struct link *link = memory->links; link != NULL; link = link->next) {
		struct fw_addr mine = addr_prefix(&link->address);

		if (block->address.family != 0
			    ? !addr_equal(&mine, &block->address)
			    : !slice_equal(fw_conn_principal(link->conn).user_id, slice(block->user, block->user_size)))
			continue;
		link->end_due = true;
		link->end_reason = CLOSE_BLOCKED;
	}
}

static void obey_penalty(struct memory *memory, struct link *from, const struct store_penalty *penalty)
{
	struct fw_record record = { .wall_us = memory->now.wall_us, .source = from->address };

	memset(record.event_id, '0', sizeof(record.event_id)); /* the gate writes this record, not the engine */
	if (penalty_record(memory->policy, penalty, &record))
		obey_record(memory, &record);
	if (penalty->exempt)
		return;
	if (penalty->step == STORE_STEP_slow || penalty->step == STORE_STEP_refuse)
		from->slow_ns = memory->now.monotonic_ns + PENALTY_SLOW_NS;
	if (penalty->step == STORE_STEP_close) {
		from->end_due = true;
		from->end_reason = CLOSE_POLICY;
	}
	if (penalty->step == STORE_STEP_block)
		obey_block(memory, &penalty->block);
}

static void obey_violation(struct memory *memory, struct link *from, const struct fw_need *need)
{
	struct store_offence offence =
		penalty_offence(memory->policy, &need->address, need->user_id, (unsigned)need->number);
	struct store_penalty penalty;

	do {
		store_offend(memory->store, &offence, memory->now.monotonic_ns, &penalty);
		obey_penalty(memory, from, &penalty);
	} while (penalty_next(memory->policy, &penalty, &offence));
}

/* Every other run answers needs only after the engine has nothing more to say, as a store across a network would. */
static bool obey_late(const struct memory *memory)
{
	return memory->world.options.cut.number % 2 != 0;
}

void memory_obey_supply(struct link *link)
{
	uint32_t id = link->need_id;
	struct fw_answer answer = link->answer;
	struct text texts = link->texts;

	link->need_due = false;
	link->texts = (struct text){ 0 };
	if (link->twice)
		fw_conn_supply(link->conn, id + 1, &answer); /* of a need that there is not */
	fw_conn_supply(link->conn, id, &answer);
	if (link->twice)
		fw_conn_supply(link->conn, id, &answer);
	text_clear(&texts);
}

static void obey_need(struct link *link, const struct fw_need *need)
{
	struct memory *memory = link->memory;
	uint64_t now = memory->now.monotonic_ns;

	if (need->kind == FW_NEED_VIOLATION) {
		obey_violation(memory, link, need);
		return;
	}
	if (link->need_due)
		world_wrong(&memory->world, "a second need while one is open");
	link->answer = (struct fw_answer){ .code = FW_ANSWER_FAILED };
	link->need_id = need->id;
	link->never = false;
	link->twice = need->kind >= FW_NEED_PASSWORD;
	if (memory->fault == FAULT_STORE) {
		/* The store cannot be asked. */
	} else if (need->kind == FW_NEED_PASSWORD &&
		   store_account_slot(memory->store, need->user_id, &link->address, now,
				      &link->answer.retry_after_ms) != FW_ANSWER_YES) {
		link->answer.code = FW_ANSWER_LIMITED;
		link->answer.cause = slice_text(limit_kind_cause(LIMIT_KIND_account_logins));
	} else if (link->twice) {
		memory_obey_ask(link, need);
	} else if ((need->kind == FW_NEED_SESSION_OPEN || need->kind == FW_NEED_SESSION_TAKE) &&
		   need->key.size != sizeof(link->session_key)) {
		world_wrong(&memory->world, "a session's key is not a SHA-256");
	} else if (need->kind == FW_NEED_ADMIT) {
		link->address = need->address;
		link->answer.code =
			store_handshake_slot(memory->store, &need->address, now, &link->answer.retry_after_ms);
		if (link->answer.code == FW_ANSWER_YES)
			link->answer.code = store_admit(memory->store, &need->address, now);
		link->admitted = link->answer.code == FW_ANSWER_YES;
	} else if (need->kind == FW_NEED_AUTH_SLOT) {
		link->answer.code = store_auth_slot(memory->store, &need->address, now, &link->answer.retry_after_ms);
	} else if (need->kind == FW_NEED_SESSION_OPEN) {
		obey_session_open(memory, link, need);
	} else if (need->kind == FW_NEED_SESSION_TAKE) {
		obey_session_take(memory, link, need);
	} else if (need->kind == FW_NEED_API_KEY) {
		obey_api_key(memory, link, need);
	}
	if (memory->fault == FAULT_RECORD && link->answer.code == FW_ANSWER_YES && need->kind <= FW_NEED_AUTH_SLOT)
		link->answer.code = FW_ANSWER_UNRECORDED;
	link->need_due = !link->never;
	if (link->never)
		return;
	if (!obey_late(memory) && memory->fault != FAULT_SILENT)
		memory_obey_supply(link);
}

void memory_obey_dialled(struct link *link)
{
	struct memory *memory = link->memory;
	struct peer *peer;

	link->dial_due = false;
	if (memory->world.upstream == UPSTREAM_DOWN) {
		fw_conn_dialled(link->conn, false);
		return;
	}
	peer = peer_new("", true);
	peer->link = link;
	link->side[FW_UPSTREAM] = peer;
	link->closed[FW_UPSTREAM] = false;
	world_add(&memory->world, peer);
	fw_conn_dialled(link->conn, true);
}

static void obey_deliver(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	struct memory *memory = user;

	for (struct link *link = memory->links; link != NULL; link = link->next) {
		uint64_t id = fw_conn_principal(link->conn).connection_id;

		if (link->joined && (only == 0 || id == only) && (except == 0 || id != except))
			fw_conn_send(link->conn, outbound, false, message);
	}
}

static struct hub_delivery obey_delivery(struct memory *memory)
{
	return (struct hub_delivery){ .deliver = obey_deliver, .user = memory };
}

static void obey_open(struct link *link)
{
	struct memory *memory = link->memory;
	struct hub_delivery to = obey_delivery(memory);

	if (link->proxied || link->joined)
		return;
	link->joined = true;
	hub_join(memory->hub, memory->policy, fw_conn_principal(link->conn), memory->now.wall_us, &to);
}

static void obey_leave(struct link *link)
{
	struct memory *memory = link->memory;
	struct hub_delivery to = obey_delivery(memory);

	if (!link->joined)
		return;
	link->joined = false;
	hub_leave(memory->hub, memory->policy, fw_conn_principal(link->conn), memory->now.wall_us, &to);
}

/* The event dies with the next call on any connection of the engine, and delivering is such a call. */
static void obey_message(struct link *link, const struct fw_incoming *incoming)
{
	struct memory *memory = link->memory;
	struct hub_delivery to = obey_delivery(memory);
	struct fw_incoming message = *incoming;
	char *payload = text_memory(message.payload.size + 1);

	if (message.payload.size != 0)
		memcpy(payload, message.payload.data, message.payload.size);
	message.payload.data = (uint8_t *)payload;
	if (message.type != FW_TYPE_OPAQUE && hub_message(memory->hub, memory->policy, fw_conn_principal(link->conn),
							  &message, memory->now.wall_us, &to) != 0) {
		link->end_due = true;
		link->end_reason = CLOSE_FAULT;
	}
	free(payload);
}

void memory_obey(struct link *link)
{
	const struct fw_event *event;
	unsigned count = 0;

	while ((event = fw_conn_next_event(link->conn)) != NULL) {
		if (link->done)
			world_wrong(&link->memory->world, "an event behind FW_EV_DONE");
		switch (event->kind) {
		case FW_EV_RECORD:
			obey_record(link->memory, &event->as.record);
			break;
		case FW_EV_NEED:
			obey_need(link, &event->as.need);
			break;
		case FW_EV_DIAL:
			link->memory->world.dials++;
			link->proxied = true;
			link->dial_due = true;
			if (!obey_late(link->memory) && link->memory->world.upstream != UPSTREAM_SILENT)
				memory_obey_dialled(link);
			break;
		case FW_EV_MESSAGE:
			obey_message(link, &event->as.message);
			break;
		case FW_EV_OPEN:
			obey_open(link);
			break;
		case FW_EV_HANGUP:
			link->hangup[event->side] = true;
			if (event->side == FW_CLIENT)
				obey_leave(link);
			break;
		case FW_EV_DONE:
			link->done = true;
			obey_leave(link);
			obey_leave_session(link);
			break;
		}
		if (++count > MEMORY_TURNS) {
			world_wrong(&link->memory->world, "events without end");
			return;
		}
	}
}
