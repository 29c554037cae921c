/* login_keys.c: tokens of an issuer whose keys are fetched. One that names a key which is not known here waits once for
 * the issuer to be asked: it may have made the key since. */
#include "base/slice.h"
#include "engine/conn_state.h"

#include <string.h>

/* Why somebody else refused it: what he says, as a text that ends. */
const char *login_cause_of(const struct fw_answer *answer, const char *otherwise, char ret_text[FW_STAGE_CAUSE])
{
	size_t size = answer->cause.size < FW_STAGE_CAUSE ? answer->cause.size : FW_STAGE_CAUSE - 1;

	if (size == 0)
		return otherwise;
	memcpy(ret_text, answer->cause.data, size);
	ret_text[size] = '\0';
	return ret_text;
}

/* Keys that came since count: the same policy but for them (policy_with_keys), so that all else of this connection
 * stays as it is. It moves to the newest one as every connection does, when the login is done. */
const char *login_keys_verify(struct fw_conn *conn, struct fw_slice credential, struct identity *ret_identity)
{
	struct fw_policy *own = conn->policy, *newest = conn->engine->policy;
	const char *cause;

	arena_reset(&conn->engine->arena);
	if (policy_root(newest) == policy_root(own))
		conn->policy = newest;
	cause = authn_verify(conn, conn->login->kind, credential, ret_identity);
	conn->policy = own;
	return cause;
}

/* The token names a key that its issuer may have made since its keys were fetched. Nothing else in it says what is
 * asked, or whom. */
void login_keys_ask(struct fw_conn *conn, const struct identity *identity)
{
	conn->login->asked_keys = true;
	conn->phase = PHASE_SESSION;
	event_need(conn, FW_NEED_KEYS,
		   &(struct fw_need){ .user_id = slice_text(identity->keys_of->rules.issuer), .key = identity->kid });
}

void login_keys_answered(struct fw_conn *conn, const struct fw_answer *answer)
{
	char text[FW_STAGE_CAUSE];

	if (answer->code == FW_ANSWER_YES)
		login_verify(conn);
	else
		login_refuse(conn, authn_refusal_text(conn->login->kind),
			     login_cause_of(answer, "keys of the issuer not fetched", text));
}
