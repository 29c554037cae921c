/* What the engine asks for is done here: records, the store's answers, dialling, the hub, the end. */
#include <string.h>

#include "base/close_reason.h"
#include "base/event_type.h"
#include "base/limit_kind.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/conn_io.h"
#include "shell/penalty.h"
#include "shell/session_need.h"
#include "state/threats.h"

enum { ASK_AGAIN_MS = 1000 }; /* after a time in which the keeper had no room for a question */

static enum fw_answer_code if_recorded(const struct worker *worker, enum fw_answer_code code)
{
	return code == FW_ANSWER_YES && ipc_is_stuck(worker->options->records) ? FW_ANSWER_UNRECORDED : code;
}

/* On a list that others publish: on one that blocks he is not counted. text: why, for the answer. */
static bool is_threat(struct worker *worker, const struct fw_addr *address, struct fw_answer *answer,
		      char text[THREATS_TEXT])
{
	struct threats_hit hit;

	if (!threats_admit(store_threats(worker->options->store), address, &hit))
		return false;
	if (hit.action != THREAT_COUNT)
		answer->cause = slice(text, threats_text(&hit, text));
	return hit.action == THREAT_BLOCK;
}

static void admit(struct connection *connection, const struct fw_need *asked, struct fw_answer *answer,
		  char text[THREATS_TEXT])
{
	struct worker *worker = connection->worker;

	answer->code = FW_ANSWER_FAILED;
	if (connection->admitted)
		return;
	connection->peer = asked->address; /* what a trusted proxy told, perhaps: limits and blocks are of this one */
	if (worker_overload_sheds(worker)) {
		answer->code = FW_ANSWER_OVERLOAD;
		return;
	}
	if (is_threat(worker, &connection->peer, answer, text)) {
		answer->code = FW_ANSWER_BLOCKED;
	} else {
		answer->code = store_arrive(worker->options->store, &connection->peer, worker_now(worker)->monotonic_ns,
					    &answer->retry_after_ms);
		if (answer->code != FW_ANSWER_YES) /* what a list flags is not why */
			answer->cause = slice(NULL, 0);
	}
	connection->admitted = answer->code == FW_ANSWER_YES;
	answer->code = if_recorded(worker, answer->code);
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_TRACE, connection->admitted ? "admitted" : "not admitted",
		     NULL);
}

/* The connection holds no session any more: from now on the session's idle time runs. */
static void leave_session(struct connection *connection)
{
	if (connection->held)
		store_session_leave(connection->worker->options->store, connection->session_key,
				    worker_now(connection->worker)->monotonic_ns);
	connection->held = false;
	mem_wipe(connection->session_key, sizeof(connection->session_key));
}

/* RFC 9449 11.1: each proof once. YES: there is none, or it is new. nonce: room for one that answer may need. */
static enum fw_answer_code take_proof(struct worker *worker, const struct fw_need *need, struct fw_answer *answer,
				      char nonce[STORE_NONCE])
{
	struct store *store = worker->options->store;
	uint64_t now_ns = worker_now(worker)->monotonic_ns;

	if (need->proof.size == 0)
		return FW_ANSWER_YES;
	if (need->proof.size != 32)
		return FW_ANSWER_FAILED;
	if ((need->wants_nonce || store_proof_is_older(store, need->proof_issued_wall_us)) &&
	    !store_nonce_holds(store, now_ns, need->nonce)) {
		answer->nonce = slice(nonce, STORE_NONCE);
		return store_nonce_make(store, now_ns, nonce) ? FW_ANSWER_NONCE : FW_ANSWER_FAILED;
	}
	return store_proof_take(store, need->proof.data, need->proof_until_wall_us, *worker_now(worker));
}

static void open_session(struct connection *connection, const struct fw_need *need, struct fw_answer *answer,
			 char nonce[STORE_NONCE])
{
	struct worker *worker = connection->worker;
	struct store_session session;
	char evicted[STORE_SESSION_ID];
	size_t evicted_size = 0;
	uint8_t key[32];

	answer->code = FW_ANSWER_FAILED;
	if (need->key.size != sizeof(key) || !session_need_read(need, &session))
		return;
	answer->code = take_proof(worker, need, answer, nonce);
	if (answer->code != FW_ANSWER_YES)
		return;
	memcpy(key, need->key.data, sizeof(key));
	if (need->ticket_ms != 0) {
		answer->code = store_ticket_open(worker->options->store, key, &session,
						 (uint64_t)need->ticket_ms * 1000000, *worker_now(worker));
		return;
	}
	answer->code = store_session_slot(worker->options->store, need->user_id, worker_now(worker)->monotonic_ns,
					  &answer->retry_after_ms);
	if (answer->code != FW_ANSWER_YES) {
		answer->cause = slice_text(limit_kind_cause(LIMIT_KIND_sessions));
		return;
	}
	leave_session(connection);
	answer->code =
		store_session_open(worker->options->store, key, &session, *worker_now(worker), evicted, &evicted_size);
	if (answer->code == FW_ANSWER_YES) {
		store_logged_in(worker->options->store, &connection->peer, need->user_id,
				worker_now(worker)->monotonic_ns);
		connection->held = true;
		connection->issued_wall_us = session.issued_wall_us;
		memcpy(connection->session_key, key, sizeof(key));
	}
	if (evicted_size != 0)
		worker_end_session(worker, slice(evicted, evicted_size), CLOSE_EVICTED);
}

static void take_session(struct connection *connection, const struct fw_need *need, struct store_session *session,
			 struct fw_answer *answer)
{
	struct worker *worker = connection->worker;

	answer->code = FW_ANSWER_FAILED;
	if (need->key.size != 32)
		return;
	answer->code = (need->ticket_ms != 0 ? store_ticket_take : store_session_take)(
		worker->options->store, need->key.data, *worker_now(worker), session);
	if (answer->code != FW_ANSWER_YES)
		return;
	session_need_answer(session, answer);
}

static void check_key(struct connection *connection, const struct fw_need *need, struct store_api_key *key,
		      struct fw_answer *answer)
{
	struct worker *worker = connection->worker;
	const char *cause;

	answer->code =
		store_key_check(worker->options->store, need->key_id, need->key.size == 32 ? need->key.data : NULL,
				&connection->peer, *worker_now(worker), key, &cause);
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

static void record_penalty(struct connection *connection, const struct fw_addr *address,
			   const struct store_penalty *penalty)
{
	struct worker *worker = connection->worker;
	struct fw_record record;

	worker_record(worker, EVENT_penalty, &record);
	if (!penalty_record(worker->policy, penalty, &record))
		return;
	record.source = *address;
	record.connection_id = fw_conn_principal(connection->conn).connection_id;
	ipc_send_record(worker->options->records, &record, (uint16_t)worker->index);
}

/* On the connection that did it; what is done about its address or user is the store's. */
static void obey_step(struct connection *connection, enum store_step step)
{
	switch (step) {
	case STORE_STEP_slow:
	case STORE_STEP_refuse:
		conn_io_slow(connection);
		break;
	case STORE_STEP_close:
		conn_io_end(connection, CLOSE_POLICY);
		break;
	default:
		break;
	}
}

static void obey_penalty(struct connection *connection, const struct store_penalty *penalty)
{
	struct worker *worker = connection->worker;
	const struct store_block *block = &penalty->block;

	if (penalty->exempt)
		return;
	obey_step(connection, penalty->step);
	if (penalty->step != STORE_STEP_block)
		return;
	if (worker->options->apart)
		worker_tell_blocked(worker, block);
	if (block->address.family != 0)
		worker_end_address(worker, &block->address);
	else
		worker_end_user(worker, slice(block->user, block->user_size), CLOSE_BLOCKED);
}

static void violation(struct connection *connection, const struct fw_need *need)
{
	struct worker *worker = connection->worker;
	struct fw_addr address = need->address;
	struct store_offence offence = penalty_offence(worker->policy, &address, need->user_id, (unsigned)need->number);
	struct store_penalty penalty;

	do {
		store_offend(worker->options->store, &offence, worker_now(worker)->monotonic_ns, &penalty);
		record_penalty(connection, &address, &penalty);
		obey_penalty(connection, &penalty);
	} while (penalty_next(worker->policy, &penalty, &offence));
}

static void need(struct connection *connection, const struct fw_need *asked)
{
	struct worker *worker = connection->worker;
	struct fw_answer answer = { .code = FW_ANSWER_FAILED };
	struct store_session session;
	char nonce[STORE_NONCE], listed[THREATS_TEXT];
	struct store_api_key key;
	uint32_t id = asked->id;

	switch (asked->kind) {
	case FW_NEED_ADMIT:
		admit(connection, asked, &answer, listed);
		break;
	case FW_NEED_AUTH_SLOT:
		answer.code = store_auth_slot(worker->options->store, &connection->peer,
					      worker_now(worker)->monotonic_ns, &answer.retry_after_ms);
		answer.code = if_recorded(worker, answer.code);
		break;
	case FW_NEED_SESSION_OPEN:
		open_session(connection, asked, &answer, nonce);
		break;
	case FW_NEED_SESSION_TAKE:
		take_session(connection, asked, &session, &answer);
		break;
	case FW_NEED_API_KEY:
		check_key(connection, asked, &key, &answer);
		break;
	case FW_NEED_VIOLATION:
		violation(connection, asked);
		return;
	case FW_NEED_PASSWORD:
		answer.code = store_account_slot(worker->options->store, asked->user_id, &connection->peer,
						 worker_now(worker)->monotonic_ns, &answer.retry_after_ms);
		answer.cause = slice_text(limit_kind_cause(LIMIT_KIND_account_logins));
		if (answer.code != FW_ANSWER_YES)
			break;
		/* fall through */
	case FW_NEED_INTROSPECT:
	case FW_NEED_KEYS:
	case FW_NEED_LOGOUT:
		if (worker_asks_ask(connection, asked))
			return;
		answer = (struct fw_answer){ .code = FW_ANSWER_LIMITED, .retry_after_ms = ASK_AGAIN_MS };
		break;
	}
	if (asked->kind == FW_NEED_SESSION_OPEN && answer.code == FW_ANSWER_YES && asked->ticket_ms == 0)
		conn_io_restrict(connection, asked->user_id); /* before a message that waits behind the login */
	fw_conn_supply(connection->conn, id, &answer);
}

static void opened(struct connection *connection)
{
	connection->settled = true;
	conn_io_restrict(connection, fw_conn_principal(connection->conn).user_id);
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_TRACE, "open", NULL);
	if (!connection->proxied && connection->member_link == NULL)
		worker_hub_join(connection->worker, connection);
}

static void over(struct connection *connection)
{
	connection->done = true;
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_TRACE, "over", NULL);
	worker_hub_leave(connection->worker, connection);
	leave_session(connection);
	conn_io_hang_up(connection, FW_CLIENT);
	conn_io_hang_up(connection, FW_UPSTREAM);
}

static void obey(struct connection *connection, const struct fw_event *event)
{
	enum fw_side side = event->side;

	switch (event->kind) {
	case FW_EV_RECORD:
		conn_io_tell_record(connection, &event->as.record);
		ipc_send_record(connection->worker->options->records, &event->as.record,
				(uint16_t)connection->worker->index);
		break;
	case FW_EV_NEED:
		need(connection, &event->as.need);
		break;
	case FW_EV_DIAL:
		conn_io_dial(connection, &event->as.dial);
		break;
	case FW_EV_MESSAGE:
		worker_hub_message(connection->worker, connection, &event->as.message);
		break;
	case FW_EV_OPEN:
		opened(connection);
		break;
	case FW_EV_HANGUP:
		if (side == FW_CLIENT)
			worker_hub_leave(connection->worker, connection);
		connection->sides[side].said_all = event->closed;
		conn_io_hang_up(connection, side);
		break;
	case FW_EV_DONE:
		over(connection);
		break;
	}
}

void conn_io_drain(struct connection *connection)
{
	const struct fw_event *event;

	while ((event = fw_conn_next_event(connection->conn)) != NULL)
		obey(connection, event);
}
