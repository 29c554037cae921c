/* config_outbound.c: routes[].outbound: what becomes of a server's messages besides who may receive their types. */
#include "policy/config_build.h"

#include "base/slice.h"

enum { SECRETS, UNKNOWN_TYPES, INVALID, TYPE, MEMBERS };
static const char *const member_names[MEMBERS] = { "secrets", "unknown_types", "invalid", "type" };
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
	if (index == TYPE) {
		route->type_out = config_value_text(config, text);
		return;
	}
	for (unsigned i = 0; i < UNEXPECTED_ACTIONS; i++)
		if (slice_is(text, action_names[i])) {
			*(index == INVALID ? &route->invalid_out : &route->unknown_out) = (uint8_t)i;
			return;
		}
	config_report_error(config, config_yaml_place(value, place),
			    "\"%s\" is nothing that is done with such a message: there are pass, flag and stop",
			    config_report_quote(config, text, shown));
}

void config_outbound_link(struct config *config)
{
	const struct fw_policy *policy = config->policy;
	char shown[64];

	for (unsigned i = 0; i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];
		struct config_place place = { .node = config_topmost(config->routes)->key };

		if (route->type_out == NULL)
			continue;
		if (policy_served_find(policy, slice_text(route->type_out)) == POLICY_NONE)
			config_report_error(
				config, place,
				"\"outbound.type\" is \"%s\": no type of that name has the direction server "
				"or both",
				config_report_quote(config, slice_text(route->type_out), shown));
		if (route->opaque || route->dialect != 0 || route->dialect_by_subprotocol)
			config_report_error(
				config, place,
				"\"outbound.type\" is for plain JSON: a dialect knows where the type is, and "
				"an opaque route reads none");
	}
}

void config_outbound(struct config *config, struct config_place place, struct fy_node *value,
		     struct policy_route *route)
{
	if (config_yaml_is_map(config, place, "\"outbound\"", value))
		config_walk_map(config, value, "\"outbound\"", member_names, MEMBERS, set_member, route);
}
