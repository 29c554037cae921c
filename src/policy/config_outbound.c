/* config_outbound.c: routes[].outbound: what becomes of a server's messages besides who may receive their types. */
#include "policy/config_build.h"

#include "base/slice.h"

enum { SECRETS, UNKNOWN_TYPES, INVALID, MEMBERS };
static const char *const member_names[MEMBERS] = { "secrets", "unknown_types", "invalid" };
static const char *const action_names[UNEXPECTED_ACTIONS] = { "pass", "flag", "stop" };

const char *config_outbound_action(unsigned action)
{
	return action_names[action];
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct policy_route *route = user;
	struct fw_slice text;
	char shown[64];

	if (index == SECRETS) {
		config_secrets_read(config, place, value, &route->secrets_out);
		return;
	}
	if (!config_yaml_is_text(config, place, member_names[index], value, &text))
		return;
	for (unsigned i = 0; i < UNEXPECTED_ACTIONS; i++)
		if (slice_is(text, action_names[i])) {
			*(index == INVALID ? &route->invalid_out : &route->unknown_out) = (uint8_t)i;
			return;
		}
	config_report_error(config, config_yaml_place(value, place),
			    "\"%s\" is nothing that is done with such a message: there are pass, flag and stop",
			    config_report_quote(config, text, shown));
}

void config_outbound(struct config *config, struct config_place place, struct fy_node *value,
		     struct policy_route *route)
{
	if (config_yaml_is_map(config, place, "\"outbound\"", value))
		config_walk_map(config, value, "\"outbound\"", member_names, MEMBERS, set_member, route);
}
