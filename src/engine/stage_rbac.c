/* stage_rbac.c: may this role send this type (in), or see it (out). Without a rule: no. */
#include "engine/conn_state.h"
#include "engine/message.h"

static bool allowed(const struct message *message, uint16_t permission, uint16_t role)
{
	if (permission != POLICY_NONE && !bits_has(&message->role->permissions, permission))
		return false;
	if (role == POLICY_NONE)
		return true;
	/* Permissions are what an API key is narrowed to: where none is asked for, it has none. */
	return (message->role->is >> role & 1) && !(message->role->narrowed && permission == POLICY_NONE);
}

enum verdict stage_rbac(struct message *message)
{
	uint16_t permission, role;

	if (message->type == FW_TYPE_OPAQUE)
		return VERDICT_PASS; /* an opaque route or binary message: the route itself was the permission */
	if (message->role == NULL)
		return VERDICT_PASS; /* monitor without a login: nobody to ask about */
	if (message->outbound) {
		permission = message->policy->outbound[message->type].permission;
		role = message->policy->outbound[message->type].role;
	} else {
		permission = message->rule->permission;
		role = message->rule->role;
	}
	if (allowed(message, permission, role))
		return VERDICT_PASS;
	message->error = ERROR_PERMISSION_DENIED;
	message->event = message->outbound ? EVENT_outbound_withheld : EVENT_permission_denied;
	message->cause = permission != POLICY_NONE ? message->policy->permissions[permission]
						   : message->policy->roles[role].name;
	return VERDICT_REFUSE;
}
