/* login_introspect.c: tokens that say nothing themselves: their issuer is asked (RFC 7662), at the login and as long as
 * the connection lives. What he says is judged as the claims of a signed token are. */
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/jws.h"
#include "engine/conn_state.h"

#include <string.h>

enum { AGAIN_S = 5 }; /* after a time at which the issuer could not be asked */

const char login_introspect_inactive[] = "not active";

static const struct policy_issuer *asked_of(const struct fw_policy *policy)
{
	return policy->methods >> METHOD_OAUTH & 1 && policy->introspector < policy->issuer_count
		       ? &policy->issuers[policy->introspector]
		       : NULL;
}

bool login_introspect_wants(struct fw_conn *conn)
{
	const struct policy_issuer *issuer = asked_of(conn->policy);
	const struct login *login = conn->login;
	struct fw_slice token = slice(login->credential, login->credential_size);

	if (issuer == NULL || token.size == 0 || token.size > (size_t)conn->policy->settings.max_token_size)
		return false;
	/* A message that says method jwt means it; a header says Bearer of both. */
	if (login->kind != CREDENTIAL_OAUTH && (login->kind != CREDENTIAL_JWT || login->first_message))
		return false;
	arena_reset(&conn->engine->arena);
	if (!jwt_is_one(&conn->engine->arena, token))
		return true;
	return !policy_issuer_has_keys(issuer) &&
	       policy_issuer_find(conn->policy, jwt_claimed_issuer(&conn->engine->arena, token)) == issuer;
}

static void ask(struct fw_conn *conn, const struct policy_issuer *issuer, struct fw_slice token, bool again)
{
	event_need(conn, FW_NEED_INTROSPECT,
		   &(struct fw_need){ .user_id = slice_text(issuer->rules.issuer), .key = token, .number = again });
}

void login_introspect_ask(struct fw_conn *conn)
{
	const struct login *login = conn->login;

	conn->phase = PHASE_SESSION;
	/* A live connection gets no more time by an answer that was kept. */
	ask(conn, asked_of(conn->policy), slice(login->credential, login->credential_size), login->again);
}

/* NULL, or the cause. The claims are in the engine's arena. */
static const char *judge(struct fw_conn *conn, struct fw_slice text, struct identity *ret_identity)
{
	const struct policy_issuer *issuer = asked_of(conn->policy);
	struct json claims;

	*ret_identity = (struct identity){ 0 };
	arena_reset(&conn->engine->arena);
	if (issuer == NULL)
		return "its issuer is not asked any more";
	if (json_parse(&conn->engine->arena, text, 0, &claims, NULL) != JSON_OK || claims.nodes[0].kind != JSON_OBJECT)
		return "the issuer answered with no JSON object";
	return authn_claims(conn, issuer, &claims, ret_identity);
}

/* From now on it is asked again and again. */
static bool keep_token(struct fw_conn *conn, struct principal *made)
{
	const struct login *login = conn->login;

	made->token = mem_alloc(login->credential_size);
	if (made->token == NULL)
		return false;
	memcpy(made->token, login->credential, login->credential_size);
	made->token_size = (uint32_t)login->credential_size;
	return true;
}

static uint64_t in_seconds(const struct fw_conn *conn, int64_t seconds)
{
	return conn->engine->now.monotonic_ns + (uint64_t)seconds * SECOND_NS;
}

/* An answer that was kept for a while counts so much shorter. */
static void ask_later(struct fw_conn *conn, struct principal *who, const struct fw_answer *answer)
{
	const struct policy_issuer *issuer = asked_of(conn->policy);
	uint64_t rest_ns = (uint64_t)answer->retry_after_ms * (SECOND_NS / 1000);

	who->ask_ns = in_seconds(conn, issuer->introspection.cache);
	if (rest_ns != 0 && conn->engine->now.monotonic_ns + rest_ns < who->ask_ns)
		who->ask_ns = conn->engine->now.monotonic_ns + rest_ns;
	who->ask_until_ns = who->ask_ns + (uint64_t)issuer->provider.max_stale * SECOND_NS;
}

void login_introspect_answered(struct fw_conn *conn, const struct fw_answer *answer)
{
	char text[FW_STAGE_CAUSE];
	struct identity identity = { 0 };
	const char *cause;

	cause = answer->code == FW_ANSWER_YES ? judge(conn, answer->claims, &identity)
					      : login_cause_of(answer, login_introspect_inactive, text);
	if (cause != NULL) {
		login_refuse(conn, authn_refusal_text(conn->login->kind), cause);
		return;
	}
	login_open_session(conn, &identity);
	if (conn->login == NULL || conn->login->made == NULL)
		return;
	if (keep_token(conn, conn->login->made))
		ask_later(conn, conn->login->made, answer);
	else
		conn->broken = true;
}

/* A login takes the place of the question that is open: whatever becomes of it, that one is put again behind it. */
void login_introspect_displaced(struct fw_conn *conn)
{
	if (conn->need_kind == FW_NEED_INTROSPECT && conn->principal != NULL && conn->principal->token != NULL)
		conn->principal->ask_ns = conn->engine->now.monotonic_ns;
}

/* On a live connection, between two messages. */
void login_introspect_again(struct fw_conn *conn)
{
	const struct policy_issuer *issuer = asked_of(conn->policy);
	struct principal *who = conn->principal;

	if (issuer == NULL || conn->engine->now.monotonic_ns >= who->ask_until_ns) {
		ending_close(conn, CLOSE_REVOKED, NULL, "its issuer cannot be asked any more");
		return;
	}
	who->ask_ns = in_seconds(conn, issuer->introspection.cache); /* also when no answer ever comes */
	ask(conn, issuer, slice(who->token, who->token_size), true);
}

void login_introspect_rechecked(struct fw_conn *conn, const struct fw_answer *answer)
{
	struct principal *who = conn->principal;
	char text[FW_STAGE_CAUSE];
	struct identity identity = { 0 };
	const char *cause;

	if (conn->phase != PHASE_OPEN || who == NULL || who->token == NULL)
		return;
	if (answer->code != FW_ANSWER_YES && answer->code != FW_ANSWER_NO) {
		who->ask_ns = in_seconds(conn, AGAIN_S);
		return;
	}
	cause = answer->code == FW_ANSWER_YES ? judge(conn, answer->claims, &identity)
					      : login_cause_of(answer, login_introspect_inactive, text);
	if (cause == NULL && !slice_equal(identity.user_id, slice(who->user_id, who->user_id_size)))
		cause = "another user than the one logged in";
	if (cause == NULL && identity.role != who->role)
		cause = "its role was changed";
	if (cause != NULL)
		ending_close(conn, CLOSE_REVOKED, NULL, cause);
	else
		ask_later(conn, who, answer);
}
