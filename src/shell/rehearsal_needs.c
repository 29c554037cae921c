/* rehearsal_needs.c: the engine's needs, answered by a store that begins empty and by the users that were named. What
 * would be asked of the world (an issuer) cannot be asked here. */
#include <string.h>

#include "base/limit_kind.h"
#include "base/slice.h"
#include "shell/penalty.h"
#include "shell/rehearsal_parts.h"
#include "shell/session_need.h"

static enum fw_answer_code open_session(struct rehearsal *r, const struct fw_need *need)
{
	struct store_session session;
	char evicted[STORE_SESSION_ID];
	size_t evicted_size;
	enum fw_answer_code code;

	if (need->key.size != sizeof(r->seat->session_key) || need->ticket_ms != 0 ||
	    !session_need_read(need, &session))
		return FW_ANSWER_FAILED;
	if (need->proof.size == 32 &&
	    store_proof_take(r->store, need->proof.data, need->proof_until_wall_us, r->now) != FW_ANSWER_YES)
		return FW_ANSWER_REPLAYED;
	if (r->seat->held)
		store_session_leave(r->store, r->seat->session_key, r->now.monotonic_ns);
	memcpy(r->seat->session_key, need->key.data, sizeof(r->seat->session_key));
	code = store_session_open(r->store, r->seat->session_key, &session, r->now, evicted, &evicted_size);
	r->seat->held = code == FW_ANSWER_YES;
	if (code == FW_ANSWER_YES)
		store_logged_in(r->store, &r->seat->address, need->user_id, r->now.monotonic_ns);
	return code == FW_ANSWER_CROWDED && r->trial.any_csrf ? FW_ANSWER_YES : code;
}

static void take_session(struct rehearsal *r, const struct fw_need *need, struct store_session *session,
			 struct fw_answer *answer)
{
	answer->code = FW_ANSWER_NO;
	if (need->key.size != 32 || need->ticket_ms != 0)
		return;
	answer->code = store_session_take(r->store, need->key.data, r->now, session);
	if (answer->code != FW_ANSWER_YES)
		return;
	session_need_answer(session, answer);
}

static void ask_password(const struct rehearsal *r, const struct fw_need *need, struct fw_answer *answer)
{
	answer->code = FW_ANSWER_NO;
	for (size_t i = 0; i < r->user_count; i++) {
		const struct rehearsal_user *user = &r->users[i];

		if (!slice_is(need->user_id, user->name) || !slice_is(need->key, user->password))
			continue;
		answer->code = FW_ANSWER_YES;
		answer->user_id = slice_text(user->name);
		answer->role = slice_text(user->role);
	}
}

static void violation(struct rehearsal *r, const struct fw_need *need)
{
	struct store_offence offence =
		penalty_offence(r->policy, &need->address, need->user_id, (unsigned)need->number);
	struct store_penalty penalty;

	do {
		store_offend(r->store, &offence, r->now.monotonic_ns, &penalty);
	} while (penalty_next(r->policy, &penalty, &offence));
}

void rehearsal_need(struct rehearsal *r, const struct fw_need *need)
{
	struct fw_answer answer = { .code = FW_ANSWER_FAILED };
	struct store_session session;
	const char *cause = NULL;
	struct store_api_key key;

	switch (need->kind) {
	case FW_NEED_ADMIT:
		r->seat->address = need->address;
		if (r->trial.any_csrf) { /* how many others there are is not asked */
			answer.code = FW_ANSWER_YES;
			break;
		}
		answer.code = store_arrive(r->store, &r->seat->address, r->now.monotonic_ns, &answer.retry_after_ms);
		r->seat->admitted = answer.code == FW_ANSWER_YES;
		break;
	case FW_NEED_AUTH_SLOT:
		answer.code = store_auth_slot(r->store, &need->address, r->now.monotonic_ns, &answer.retry_after_ms);
		break;
	case FW_NEED_SESSION_OPEN:
		answer.code = r->trial.any_csrf ? FW_ANSWER_YES
						: store_session_slot(r->store, need->user_id, r->now.monotonic_ns,
								     &answer.retry_after_ms);
		if (answer.code == FW_ANSWER_YES)
			answer.code = open_session(r, need);
		else
			answer.cause = slice_text(limit_kind_cause(LIMIT_KIND_sessions));
		break;
	case FW_NEED_SESSION_TAKE:
		take_session(r, need, &session, &answer);
		break;
	case FW_NEED_VIOLATION: /* no answer is awaited; when it is blocked the next connection is turned away */
		if (!r->trial.any_csrf)
			violation(r, need);
		return;
	case FW_NEED_API_KEY:
		answer.code = store_key_check(r->store, need->key_id, need->key.size == 32 ? need->key.data : NULL,
					      &r->seat->address, r->now, &key, &cause);
		answer.cause = slice_text(cause);
		break;
	case FW_NEED_PASSWORD:
		answer.code = store_account_slot(r->store, need->user_id, &r->seat->address, r->now.monotonic_ns,
						 &answer.retry_after_ms);
		if (answer.code == FW_ANSWER_YES)
			ask_password(r, need, &answer);
		else
			answer.cause = slice_text(limit_kind_cause(LIMIT_KIND_account_logins));
		break;
	case FW_NEED_INTROSPECT:
	case FW_NEED_KEYS:
	case FW_NEED_LOGOUT:
		answer.cause = slice_text("nobody is asked outside of a running server");
		break;
	}
	fw_conn_supply(r->seat->conn, need->id, &answer);
}
