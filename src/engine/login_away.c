/* login_away.c: logins that end although nothing is wrong with the credential: too many of them, no room, no record.
 * The client is told when to come again, in the handshake or in band. */
#include "base/limit_kind.h"
#include "base/slice.h"
#include "engine/conn_state.h"

static const char *cause_of(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer,
			    char ret_text[FW_STAGE_CAUSE])
{
	uint64_t *counters = conn->engine->counters;

	if (kind == FW_NEED_AUTH_SLOT) {
		counters[COUNT_rate_limited_address]++;
		return limit_kind_cause(LIMIT_KIND_logins);
	}
	if (slice_is(answer->cause, limit_kind_cause(LIMIT_KIND_sessions)))
		counters[COUNT_rate_limited_user]++;
	else if (slice_is(answer->cause, limit_kind_cause(LIMIT_KIND_account_logins)))
		counters[COUNT_rate_limited_account]++;
	return login_cause_of(answer, kind < FW_NEED_PASSWORD ? "no room for another session" : "busy", ret_text);
}

void login_limited(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer)
{
	char text[FW_STAGE_CAUSE];
	const char *cause = cause_of(conn, kind, answer, text);
	struct answer told = { .code = ERROR_RATE_LIMITED,
			       .retry_after_ms = answer->retry_after_ms != 0 ? answer->retry_after_ms : 1000 };

	if (!conn->login->first_message) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 429,
								 .code = "RATE_LIMITED",
								 .detail = error_code_text(ERROR_RATE_LIMITED),
								 .cause = cause,
								 .event = EVENT_rate_limit_violation,
								 .retry_after_ms = told.retry_after_ms });
	} else {
		ending_close(conn, CLOSE_AUTH_RATE, &told, cause);
	}
	login_free(conn);
}

/* On a live connection, too: who he is from now on could not be recorded. */
void login_turn_away(struct fw_conn *conn, const char *cause)
{
	if (!conn->login->first_message)
		http_answer_refuse(conn, &(struct http_refusal){ .status = 503,
								 .cause = cause,
								 .detail = "try again later",
								 .event = EVENT_overload,
								 .retry_after_ms = 5000 });
	else
		ending_close(conn, CLOSE_OVERLOAD, NULL, cause);
	login_free(conn);
}

/* For what he did: docs/internals/penalties.md. */
void login_blocked(struct fw_conn *conn)
{
	struct answer told = { .code = ERROR_IP_BLOCKED, .text = "User blocked" };

	if (!conn->login->first_message)
		http_answer_refuse(conn, &(struct http_refusal){ .status = 403,
								 .code = "IP_BLOCKED",
								 .detail = told.text,
								 .cause = "user",
								 .event = EVENT_blocked_attempt });
	else
		ending_close(conn, CLOSE_BLOCKED, &told, "user");
	login_free(conn);
}

/* He has as many sessions as he may, and they are not to give way. */
void login_crowded(struct fw_conn *conn)
{
	static const char cause[] = "sessions of this user";
	struct answer told = { .code = ERROR_CONNECTION_LIMIT, .text = "Too many sessions" };

	if (!conn->login->first_message)
		http_answer_refuse(conn, &(struct http_refusal){ .status = 429,
								 .code = "CONNECTION_LIMIT",
								 .detail = told.text,
								 .cause = cause,
								 .event = EVENT_connection_limit_exceeded });
	else
		ending_close(conn, CLOSE_CONNECTION_LIMIT, &told, cause);
	login_free(conn);
}

/* RFC 9449 9: all else holds; the client is told the nonce, and tries again. That is no failure that counts. */
void login_ask_nonce(struct fw_conn *conn, struct fw_slice nonce)
{
	static const char text[] = "The proof needs a nonce", cause[] = "dpop: nonce";
	struct answer answer = { .code = ERROR_AUTH_FAILED, .text = text, .dpop_nonce = nonce };

	if (!conn->login->first_message) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 401,
								 .code = "AUTH_FAILED",
								 .detail = text,
								 .cause = cause,
								 .event = EVENT_handshake_refused,
								 .dpop = true,
								 .nonce = nonce });
	} else {
		conn->phase = conn->login->again ? PHASE_OPEN : PHASE_LOGIN;
		if (conn->login->again)
			conn->phase_until_ns = UINT64_MAX;
		answer_error(conn, &answer);
	}
	login_free(conn);
}
