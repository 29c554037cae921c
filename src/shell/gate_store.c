#include "shell/gate_store.h"

#include <string.h>
#include <uv.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/issuer_keys.h"
#include "shell/log.h"

enum { USED_ROOM = 64 };

static struct fw_time now(void)
{
	return (struct fw_time){ .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() };
}

struct listing {
	struct gate_store *gate;
	uint32_t call;
};

static void tell_session(void *user, const struct store_session *session, bool held)
{
	struct listing *listing = user;
	struct ipc_store_done done = { .call = listing->call, .more = true, .held = held };

	/* Never waiting: a list that is too long is cut. */
	ipc_send(listing->gate->replies, IPC_STORE_DONE, &done, sizeof(done),
		 slice((const char *)session, sizeof(*session)), false);
}

static int64_t put_key(struct gate_store *gate, const struct ipc_store *message, struct fw_slice rest)
{
	char forgotten[STORE_KEY_ID];
	struct store_api_key key;

	if (rest.size != sizeof(key))
		return 0;
	memcpy(&key, rest.data, sizeof(key));
	return store_key_put(gate->store, &key, message->numbers[0], forgotten) == STORE_KEY_KEPT;
}

static int64_t block(struct gate_store *gate, struct fw_slice rest)
{
	struct store_block block;

	if (rest.size != sizeof(block))
		return 0;
	memcpy(&block, rest.data, sizeof(block));
	return store_block_put(gate->store, &block, now().monotonic_ns) == 0;
}

static int64_t revoke_user(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text,
			   struct fw_slice rest)
{
	struct store_revocation revocation = {
		.user = text, .reason = rest, .before_wall_us = message->numbers[0], .disabled = message->flag
	};
	uint32_t sessions;

	store_revoke(gate->store, &revocation, &sessions);
	return sessions;
}

static int64_t take_keys(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text,
			 struct fw_slice rest)
{
	uint32_t url_size;
	char *issuer = mem_text(text.data, text.size), *url;

	memcpy(&url_size, message->mark, sizeof(url_size));
	url = url_size <= rest.size ? mem_text(rest.data, url_size) : NULL;
	if (issuer != NULL && url != NULL && gate->keys != NULL)
		gate->keys_changed |=
			issuer_keys_put(gate->keys, &(struct issuer_keys_set){ .issuer = issuer,
									       .url = url,
									       .jwks = slice_from(rest, url_size),
									       .wall_us = message->numbers[0],
									       .age_s = message->numbers[1] });
	mem_free(issuer);
	mem_free(url);
	return 1;
}

static int64_t standing(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text)
{
	struct ipc_store_done done = { .call = message->call, .more = true };
	struct store_standing standing;
	bool known = store_standing(gate->store, &message->address, text, now().monotonic_ns, &standing);

	ipc_send(gate->replies, IPC_STORE_DONE, &done, sizeof(done), slice((const char *)&standing, sizeof(standing)),
		 false);
	return known;
}

static int64_t offend(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text,
		      struct fw_slice rest)
{
	struct ipc_store_done done = { .call = message->call, .more = true };
	const struct store_offence offence = { .address = message->address,
					       .user = text,
					       .event = EVENT_scenario_fired,
					       .points = (uint32_t)message->numbers[0],
					       .exempt = message->flag,
					       .of_user = message->mark[0] != 0,
					       .first_ns = message->numbers[1],
					       .said = rest };
	struct store_penalty penalty;

	store_offend(gate->store, &offence, now().monotonic_ns, &penalty);
	ipc_send(gate->replies, IPC_STORE_DONE, &done, sizeof(done), slice((const char *)&penalty, sizeof(penalty)),
		 false);
	return 1;
}

static int64_t list(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text)
{
	struct listing listing = { gate, message->call };

	store_session_list(gate->store, text, now(), (size_t)message->numbers[0], tell_session, &listing);
	return 1;
}

static int64_t revoke_session(struct gate_store *gate, const struct ipc_store *message, struct fw_slice text)
{
	struct listing listing = { gate, message->call };
	struct store_session session;
	bool there = store_session_revoke(gate->store, text, &session);

	if (there)
		tell_session(&listing, &session, false);
	return there;
}

static int64_t restrict_one(struct gate_store *gate, struct fw_slice rest)
{
	struct store_restriction restriction;

	if (rest.size != sizeof(restriction))
		return 0;
	memcpy(&restriction, rest.data, sizeof(restriction));
	return store_restrict(gate->store, &restriction, now().monotonic_ns);
}

bool gate_store_obey(struct gate_store *gate, const struct ipc_store *message, struct fw_slice tail)
{
	struct ipc_store_done done = { .call = message->call };
	struct fw_slice text = slice(tail.data, message->text_size), rest, wrong;
	struct store *store = gate->store;

	if (message->text_size > tail.size)
		return false;
	rest = slice_from(tail, message->text_size);
	switch ((enum ipc_store_op)message->op) {
	case IPC_STORE_BLOCK:
		done.result = block(gate, rest);
		break;
	case IPC_STORE_UNBLOCK:
		done.result = store_block_remove(store, &message->address, text, now().monotonic_ns);
		break;
	case IPC_STORE_STANDING:
		done.result = standing(gate, message, text);
		break;
	case IPC_STORE_OFFEND:
		done.result = offend(gate, message, text, rest);
		break;
	case IPC_STORE_LOGOUT:
		done.result = store_logout(store, message->mark, message->numbers[0], message->numbers[1]);
		break;
	case IPC_STORE_REVOKE:
		done.result = revoke_user(gate, message, text, rest);
		break;
	case IPC_STORE_RESTORE:
		done.result = store_restore(store, text);
		break;
	case IPC_STORE_KEY:
		done.result = put_key(gate, message, rest);
		break;
	case IPC_STORE_END_KEY:
		done.result = store_key_end_sessions(store, text);
		break;
	case IPC_STORE_END_USER:
		done.result = store_session_end_user(store, text);
		break;
	case IPC_STORE_END_SESSION:
		done.result = revoke_session(gate, message, text);
		break;
	case IPC_STORE_SESSIONS:
		done.result = list(gate, message, text);
		break;
	case IPC_STORE_COUNT:
		done.result = (int64_t)store_session_count(store);
		break;
	case IPC_STORE_LOG:
		done.result = log_set(gate->log, text, &wrong);
		break;
	case IPC_STORE_RESTRICT:
		done.result = restrict_one(gate, rest);
		break;
	case IPC_STORE_KEY_SET:
		done.result = take_keys(gate, message, text, rest);
		break;
	default:
		return false;
	}
	if (message->call != 0)
		ipc_send(gate->replies, IPC_STORE_DONE, &done, sizeof(done), slice(NULL, 0), false);
	return true;
}

static void tell_block(void *user, const struct store_block *block)
{
	struct gate_store *gate = user;
	struct ipc_blocked blocked = { *block };

	ipc_send(gate->figures, IPC_BLOCKED, &blocked, sizeof(blocked), slice(NULL, 0), false);
}

void gate_store_tell_blocks(struct gate_store *gate)
{
	store_block_list(gate->store, now().monotonic_ns, true, tell_block, gate);
}

void gate_store_tell_used(struct gate_store *gate)
{
	struct store_api_key keys[USED_ROOM];
	size_t count = store_key_used(gate->store, keys, USED_ROOM);

	for (size_t i = 0; i < count; i++) {
		struct ipc_key_used used = { .wall_us = keys[i].used_wall_us };

		memcpy(used.key_id, keys[i].id, sizeof(used.key_id));
		ipc_send(gate->figures, IPC_KEY_USED, &used, sizeof(used), slice(NULL, 0), false);
	}
	mem_wipe(keys, sizeof(keys));
}
