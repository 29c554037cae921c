#include "shell/keeper_store.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/gate.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define ANSWER_NS ((uint64_t)1000000000)

enum { ROOM_STEP_MS = 1, ROOM_STEPS = 2000 };

static struct store *store_of(struct keeper *keeper)
{
	return keeper->options.store;
}

/* Where there is a gate that is another process. */
static struct keeper_remote *remote_of(struct keeper *keeper)
{
	struct keeper_remote *remote = keeper->options.remote;

	return remote != NULL && remote->up ? remote : NULL;
}

bool keeper_store_push(struct keeper *keeper, struct ipc_store *message, struct fw_slice text, struct fw_slice rest)
{
	const struct timespec step = { 0, ROOM_STEP_MS * 1000000 };
	size_t size = text.size + rest.size;
	uint8_t *tail = mem_alloc(size + 1);
	bool sent = false;

	if (tail == NULL || text.size > UINT16_MAX) {
		mem_free(tail);
		return false;
	}
	if (text.size != 0)
		memcpy(tail, text.data, text.size);
	if (rest.size != 0)
		memcpy(tail + text.size, rest.data, rest.size);
	message->text_size = (uint16_t)text.size;
	for (unsigned i = 0; i < ROOM_STEPS && !sent; i++) {
		sent = ipc_send_to(keeper->options.remote->down, GATE_ALL, IPC_STORE, message, sizeof(*message),
				   slice(tail, size));
		if (!sent)
			nanosleep(&step, NULL);
	}
	mem_wipe(tail, size);
	mem_free(tail);
	return sent;
}

/* One of the things that come before the answer. */
typedef void more_function(void *user, const struct ipc_store_done *done, struct fw_slice tail);

/* Waits for the answer: what was asked for holds when an operator is told so. False: none came. */
static bool call(struct keeper *keeper, struct ipc_store *message, struct fw_slice text, struct fw_slice rest,
		 int64_t *ret_result, more_function *more, void *user)
{
	struct keeper_remote *remote = keeper->options.remote;
	uint64_t until = uv_hrtime() + ANSWER_NS, now;
	struct ipc_store_done done;
	struct fw_slice tail;
	enum ipc_type type;

	remote->calls = remote->calls + 1 != 0 ? remote->calls + 1 : 1;
	message->call = remote->calls;
	if (!keeper_store_push(keeper, message, text, rest))
		return false;
	for (;;) {
		while (ipc_receive(remote->replies, &type, &done, sizeof(done), &tail)) {
			if (type != IPC_STORE_DONE || done.call != message->call)
				continue; /* of one that was not waited for any more */
			if (!done.more) {
				*ret_result = done.result;
				return true;
			}
			if (more != NULL)
				more(user, &done, tail);
		}
		now = uv_hrtime();
		if (now >= until)
			break;
		ipc_wait(remote->replies, until - now);
	}
	log_warn(keeper->options.log, server, "the gate did not answer");
	return false;
}

struct sessions_wish {
	store_session_function *each;
	void *user;
};

static void take_session(void *user, const struct ipc_store_done *done, struct fw_slice tail)
{
	const struct sessions_wish *wish = user;
	struct store_session session;

	if (tail.size != sizeof(session))
		return;
	memcpy(&session, tail.data, sizeof(session));
	if (session.user_id_size <= STORE_NAME && session.role_size <= STORE_ROLE &&
	    session.session_id_size <= STORE_SESSION_ID && session.key_id_size <= STORE_KEY_ID &&
	    session.binding_size <= STORE_BINDING && session.origin_size <= STORE_ORIGIN)
		wish->each(wish->user, &session, done->held);
}

static void take_standing(void *user, const struct ipc_store_done *done, struct fw_slice tail)
{
	struct store_standing *standing = user;

	(void)done;
	if (tail.size != sizeof(*standing))
		return;
	memcpy(standing, tail.data, sizeof(*standing));
	standing->kind_count = standing->kind_count <= STORE_KINDS ? standing->kind_count : 0;
}

static struct fw_slice block_octets(const struct store_block *block)
{
	return slice((const char *)block, sizeof(*block));
}

static int64_t ask(struct keeper *keeper, struct ipc_store *message, struct fw_slice text, struct fw_slice rest)
{
	int64_t result = 0;

	return call(keeper, message, text, rest, &result, NULL, NULL) ? result : 0;
}

int keeper_store_block_add(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user, uint64_t life_ns,
			   const char *reason, struct store_block *ret_block)
{
	uint64_t now_ns = uv_hrtime();
	struct store_standing standing;

	if ((address->family != 0 ? store_block_add(store_of(keeper), address, now_ns, life_ns, reason)
				  : store_block_add_user(store_of(keeper), user, now_ns, life_ns, reason)) != 0)
		return -1;
	store_standing(store_of(keeper), address, user, now_ns, &standing);
	*ret_block = standing.block;
	if (remote_of(keeper) != NULL)
		ask(keeper, &(struct ipc_store){ .op = IPC_STORE_BLOCK }, slice(NULL, 0), block_octets(ret_block));
	return 0;
}

bool keeper_store_block_remove(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user)
{
	bool removed = store_block_remove(store_of(keeper), address, user, uv_hrtime());

	if (remote_of(keeper) != NULL)
		removed |= ask(keeper, &(struct ipc_store){ .op = IPC_STORE_UNBLOCK, .address = *address }, user,
			       slice(NULL, 0)) != 0;
	return removed;
}

/* The gate knows points and users of an address; what there is of a block the keeper knows, which outlives it, and the
 * points of a fall. */
bool keeper_store_standing(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user,
			   struct store_standing *ret_standing)
{
	bool known = store_standing(store_of(keeper), address, user, uv_hrtime(), ret_standing);
	struct store_standing of_gate = { 0 };
	int64_t result = 0;

	if (remote_of(keeper) == NULL ||
	    !call(keeper, &(struct ipc_store){ .op = IPC_STORE_STANDING, .address = *address }, user, slice(NULL, 0),
		  &result, take_standing, &of_gate) ||
	    result == 0)
		return known;
	ret_standing->score += of_gate.score;
	ret_standing->users = of_gate.users;
	ret_standing->threshold = of_gate.threshold;
	for (unsigned i = 0; i < of_gate.kind_count && ret_standing->kind_count < STORE_KINDS; i++)
		ret_standing->kinds[ret_standing->kind_count++] = of_gate.kinds[i];
	return true;
}

static void take_penalty(void *user, const struct ipc_store_done *done, struct fw_slice tail)
{
	struct store_penalty *penalty = user;

	(void)done;
	if (tail.size != sizeof(*penalty))
		return;
	memcpy(penalty, tail.data, sizeof(*penalty));
	if (penalty->step >= STORE_STEPS || penalty->block.user_size > STORE_NAME)
		*penalty = (struct store_penalty){ 0 };
	penalty->block.reason[sizeof(penalty->block.reason) - 1] = '\0';
}

/* The gate has the points, and knows whether an address is a shared one. Without a gate the keeper counts: a gate that
 * begins is told of the block. */
void keeper_store_offend(struct keeper *keeper, const struct store_offence *offence, struct store_penalty *ret_penalty)
{
	struct ipc_store message = { .op = IPC_STORE_OFFEND,
				     .address = offence->address,
				     .flag = offence->exempt,
				     .numbers = { offence->points, offence->first_ns },
				     .mark = { offence->of_user } };
	int64_t result = 0;

	*ret_penalty = (struct store_penalty){ 0 };
	if (remote_of(keeper) == NULL) {
		store_offend(store_of(keeper), offence, uv_hrtime(), ret_penalty);
		return;
	}
	if (call(keeper, &message, offence->user, offence->said, &result, take_penalty, ret_penalty) &&
	    ret_penalty->step == STORE_STEP_block && !ret_penalty->exempt)
		keeper_blocks_take(keeper, &ret_penalty->block);
}

bool keeper_store_logout(struct keeper *keeper, const uint8_t mark[16], uint64_t before_us, uint64_t until_us)
{
	struct ipc_store message = { .op = IPC_STORE_LOGOUT, .numbers = { before_us, until_us } };

	if (!store_logout(store_of(keeper), mark, before_us, until_us))
		return false;
	memcpy(message.mark, mark, sizeof(message.mark));
	return remote_of(keeper) == NULL || ask(keeper, &message, slice(NULL, 0), slice(NULL, 0)) != 0;
}

static void fill_revocation(struct ipc_store *message, const struct store_revocation *revocation)
{
	*message = (struct ipc_store){ .op = IPC_STORE_REVOKE,
				       .flag = revocation->disabled,
				       .numbers = { revocation->before_wall_us } };
}

enum store_revoked keeper_store_revoke(struct keeper *keeper, struct store_revocation *revocation,
				       uint32_t *ret_sessions)
{
	enum store_revoked revoked = store_revoke(store_of(keeper), revocation, ret_sessions);
	struct ipc_store message;

	if (revoked != STORE_REVOKED || remote_of(keeper) == NULL)
		return revoked;
	fill_revocation(&message, revocation);
	*ret_sessions = (uint32_t)ask(keeper, &message, revocation->user, revocation->reason);
	return revoked;
}

static struct fw_slice restriction_octets(const struct store_restriction *restriction)
{
	return slice((const char *)restriction, sizeof(*restriction));
}

bool keeper_store_restrict(struct keeper *keeper, const struct store_restriction *restriction)
{
	if (!store_restrict(store_of(keeper), restriction, uv_hrtime()))
		return false;
	if (remote_of(keeper) != NULL)
		ask(keeper, &(struct ipc_store){ .op = IPC_STORE_RESTRICT }, slice(NULL, 0),
		    restriction_octets(restriction));
	(void)keeper_figures_tell(&keeper->figures, IPC_RESTRICTED, &(struct ipc_empty){ 0 }, sizeof(struct ipc_empty));
	return true;
}

bool keeper_store_restore(struct keeper *keeper, struct fw_slice user)
{
	bool restored = store_restore(store_of(keeper), user);

	if (restored && remote_of(keeper) != NULL)
		ask(keeper, &(struct ipc_store){ .op = IPC_STORE_RESTORE }, user, slice(NULL, 0));
	return restored;
}

static struct fw_slice octets_of(const struct store_api_key *key)
{
	return slice((const char *)key, sizeof(*key));
}

enum store_key_kept keeper_store_key_put(struct keeper *keeper, const struct store_api_key *key, uint64_t now_us,
					 char ret_forgotten[STORE_KEY_ID])
{
	enum store_key_kept kept = store_key_put(store_of(keeper), key, now_us, ret_forgotten);

	if (kept == STORE_KEY_KEPT && remote_of(keeper) != NULL)
		ask(keeper, &(struct ipc_store){ .op = IPC_STORE_KEY, .numbers = { now_us } }, slice(NULL, 0),
		    octets_of(key));
	return kept;
}

uint32_t keeper_store_key_end_sessions(struct keeper *keeper, struct fw_slice id)
{
	if (remote_of(keeper) == NULL)
		return store_key_end_sessions(store_of(keeper), id);
	return (uint32_t)ask(keeper, &(struct ipc_store){ .op = IPC_STORE_END_KEY }, id, slice(NULL, 0));
}

uint32_t keeper_store_session_end_user(struct keeper *keeper, struct fw_slice user)
{
	if (remote_of(keeper) == NULL)
		return store_session_end_user(store_of(keeper), user);
	return (uint32_t)ask(keeper, &(struct ipc_store){ .op = IPC_STORE_END_USER }, user, slice(NULL, 0));
}

static void copy_session(void *user, const struct store_session *session, bool held)
{
	(void)held;
	*(struct store_session *)user = *session;
}

bool keeper_store_session_revoke(struct keeper *keeper, struct fw_slice session_id, struct store_session *ret_session)
{
	struct sessions_wish wish = { copy_session, ret_session };
	int64_t there = 0;

	*ret_session = (struct store_session){ .user_id_size = 0 };
	if (remote_of(keeper) == NULL)
		return store_session_revoke(store_of(keeper), session_id, ret_session);
	return call(keeper, &(struct ipc_store){ .op = IPC_STORE_END_SESSION }, session_id, slice(NULL, 0), &there,
		    take_session, &wish) &&
	       there != 0;
}

size_t keeper_store_session_count(struct keeper *keeper)
{
	if (remote_of(keeper) == NULL)
		return store_session_count(store_of(keeper));
	return (size_t)ask(keeper, &(struct ipc_store){ .op = IPC_STORE_COUNT }, slice(NULL, 0), slice(NULL, 0));
}

void keeper_store_session_list(struct keeper *keeper, struct fw_slice of, size_t limit, store_session_function *each,
			       void *user)
{
	struct fw_time now = { .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() };
	struct sessions_wish wish = { each, user };
	int64_t ignored;

	if (remote_of(keeper) == NULL)
		store_session_list(store_of(keeper), of, now, limit, each, user);
	else
		(void)call(keeper, &(struct ipc_store){ .op = IPC_STORE_SESSIONS, .numbers = { limit } }, of,
			   slice(NULL, 0), &ignored, take_session, &wish);
}

void keeper_store_log(struct keeper *keeper, struct fw_slice levels)
{
	if (remote_of(keeper) != NULL)
		ask(keeper, &(struct ipc_store){ .op = IPC_STORE_LOG }, levels, slice(NULL, 0));
}

struct telling {
	struct keeper *keeper;
	bool failed;
};

static void tell_key(void *user, const struct store_api_key *key)
{
	struct telling *telling = user;

	telling->failed |= !keeper_store_push(telling->keeper, &(struct ipc_store){ .op = IPC_STORE_KEY },
					      slice(NULL, 0), octets_of(key));
}

static void tell_revocation(void *user, const struct store_revocation *revocation)
{
	struct telling *telling = user;
	struct ipc_store message;

	fill_revocation(&message, revocation);
	telling->failed |= !keeper_store_push(telling->keeper, &message, revocation->user, revocation->reason);
}

static void tell_block(void *user, const struct store_block *block)
{
	struct telling *telling = user;

	telling->failed |= !keeper_store_push(telling->keeper, &(struct ipc_store){ .op = IPC_STORE_BLOCK },
					      slice(NULL, 0), block_octets(block));
}

static void tell_restriction(void *user, const struct store_restriction *restriction)
{
	struct telling *telling = user;

	telling->failed |= !keeper_store_push(telling->keeper, &(struct ipc_store){ .op = IPC_STORE_RESTRICT },
					      slice(NULL, 0), restriction_octets(restriction));
}

static void tell_logout(void *user, const uint8_t mark[16], uint64_t before_us, uint64_t until_us)
{
	struct telling *telling = user;
	struct ipc_store message = { .op = IPC_STORE_LOGOUT, .numbers = { before_us, until_us } };

	memcpy(message.mark, mark, sizeof(message.mark));
	telling->failed |= !keeper_store_push(telling->keeper, &message, slice(NULL, 0), slice(NULL, 0));
}

/* All that outlives a gate. Nothing else is sent to it before: order is kept. */
static void tell_all(struct keeper *keeper, uint32_t generation)
{
	struct keeper_remote *remote = keeper->options.remote;
	struct telling telling = { keeper, false };

	telling.failed =
		!keeper_store_push(keeper, &(struct ipc_store){ .op = IPC_STORE_BEGIN, .numbers = { generation } },
				   slice(NULL, 0), slice(NULL, 0));
	store_key_list(store_of(keeper), tell_key, &telling);
	store_revocation_list(store_of(keeper), tell_revocation, &telling);
	store_block_list(store_of(keeper), uv_hrtime(), true, tell_block, &telling);
	store_restriction_list(store_of(keeper), tell_restriction, &telling);
	store_logout_list(store_of(keeper), tell_logout, &telling);
	remote->send_keys(remote->user);
	threat_feeds_send_all(keeper->threats.feeds);
	/* A gate that does not know all takes no connections: it is ended, and begins anew. */
	if (!telling.failed)
		keeper_store_push(keeper, &(struct ipc_store){ .op = IPC_STORE_READY }, slice(NULL, 0), slice(NULL, 0));
}

static void begin(struct keeper *keeper, const struct ipc_gate_begins *begins)
{
	struct keeper_remote *remote = keeper->options.remote;

	if (begins->workers == 0 || begins->workers > LIMIT_WORKERS)
		return;
	remote->generation = begins->generation;
	tell_all(keeper, begins->generation);
	keeper_set_gate(keeper, NULL);
	remote->gate_stop(remote->gate);
	remote->gate = remote->gate_remote(remote->down, begins->workers);
	remote->up = remote->gate != NULL;
	keeper_set_gate(keeper, remote->gate);
	if (!begins->knows)
		keeper->figures.begun_us = clock_wall_us();
}

void keeper_store_gone(struct keeper *keeper, uint32_t generation)
{
	struct keeper_remote *remote = keeper->options.remote;

	if (generation < remote->generation)
		return;
	keeper_set_gate(keeper, NULL);
	remote->gate = remote->gate_stop(remote->gate);
	remote->up = false;
}

void keeper_store_who(struct keeper *keeper)
{
	keeper_store_push(keeper, &(struct ipc_store){ .op = IPC_STORE_WHO }, slice(NULL, 0), slice(NULL, 0));
}

void keeper_store_hear(struct keeper *keeper, enum ipc_type type, const void *message)
{
	const struct ipc_key_used *used = message;
	const struct ipc_blocked *blocked = message;

	if (type == IPC_GATE_BEGINS)
		begin(keeper, message);
	else if (type == IPC_BLOCKED)
		keeper_blocks_take(keeper, &blocked->block);
	else if (type == IPC_KEY_USED)
		store_key_touch(store_of(keeper), slice(used->key_id, sizeof(used->key_id)), used->wall_us);
}
