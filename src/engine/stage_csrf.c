/* stage_csrf.c: protected operations carry the token of this very session, in time; compared in constant time. */
#include "base/secret.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

static enum verdict refuse(struct message *message, const char *cause)
{
	message->error = ERROR_CSRF_INVALID;
	message->event = EVENT_csrf_violation;
	message->cause = cause;
	return VERDICT_REFUSE;
}

enum verdict stage_csrf(struct message *message)
{
	const struct principal *who = message->conn != NULL ? message->conn->principal : NULL;
	struct fw_slice token;

	message->csrf_node = 0;
	if (message->rule == NULL)
		return VERDICT_PASS;
	message->csrf_node = json_member(&message->json, 0, "csrf_token", 10);
	if (!message->rule->csrf || message->role == NULL)
		return VERDICT_PASS;
	if (message->csrf_node == 0)
		return refuse(message, "no csrf_token");
	if (message->conn == NULL || (message->engine->trial != NULL && message->engine->trial->any_csrf))
		return VERDICT_PASS; /* explain: there is no session to compare with */
	token = json_text(&message->json, message->csrf_node, &message->engine->arena);
	if (who == NULL || who->csrf_size == 0 || token.data == NULL ||
	    !secret_equal(token, slice(who->csrf, who->csrf_size)))
		return refuse(message, "not the token of this session");
	if (message->engine->now.monotonic_ns >= who->csrf_until_ns)
		return refuse(message, "token expired");
	return VERDICT_PASS;
}
