/* stage_rbac.c: may this role send this type (in), or see it (out). Without a rule: no. */
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/outbound.h"

static bool allowed(const struct message *message, uint16_t permission, uint16_t role)
{
	if (permission != POLICY_NONE && !bits_has(&message->role->permissions, permission))
		return false;
	if (role == POLICY_NONE)
		return true;
	/* Permissions are what an API key is narrowed to: where none is asked for, it has none. */
	return (message->role->is >> role & 1) && !(message->role->narrowed && permission == POLICY_NONE);
}

const char *stage_rbac_missing(const struct message *message, uint16_t permission, uint16_t role)
{
	if (message->role == NULL || allowed(message, permission, role))
		return NULL;
	return permission != POLICY_NONE ? message->policy->permissions[permission] : message->policy->roles[role].name;
}

static bool restricted(const struct message *message, enum fw_restriction restriction)
{
	const struct fw_conn *conn = message->conn;

	return conn != NULL && conn->restricted != NULL &&
	       conn->restricted[restriction] > message->engine->now.monotonic_ns;
}

/* What a response took from this connection for a while: see monitoring.response. It breaks no rule by asking. */
static bool refused_for_now(struct message *message)
{
	if (message->outbound || (message->rule != NULL && message->rule->answered_here))
		return false;
	if (restricted(message, FW_RESTRICT_STEP_UP)) {
		message->error = ERROR_AUTH_FAILED;
		message->cause = "response: step_up";
	} else if (restricted(message, FW_RESTRICT_READ_ONLY) && (message->rule == NULL || !message->rule->reads)) {
		message->error = ERROR_PERMISSION_DENIED;
		message->cause = "response: isolate";
	} else {
		return false;
	}
	message->event = EVENT_permission_denied;
	message->blameless = true;
	return true;
}

enum verdict stage_rbac(struct message *message)
{
	const char *cause;

	if (message->parts != NULL)
		return outbound_rbac(message);
	if (refused_for_now(message))
		return VERDICT_REFUSE;
	if (message->type == FW_TYPE_OPAQUE)
		return VERDICT_PASS; /* an opaque route or binary message: the route itself was the permission */
	if (message->outbound) {
		const struct policy_outbound *rule = &message->policy->outbound[message->type];

		cause = stage_rbac_missing(message, rule->permission, rule->role);
	} else {
		const struct policy_message *rule = message->rule;

		cause = stage_rbac_missing(message, rule->permission, rule->role);
		if (cause == NULL && rule->when != NULL)
			cause = condition_fault(rule->when, message);
	}
	if (cause == NULL)
		return VERDICT_PASS;
	message->cause = cause;
	message->error = ERROR_PERMISSION_DENIED;
	message->event = message->outbound ? EVENT_outbound_withheld : EVENT_permission_denied;
	return VERDICT_REFUSE;
}
