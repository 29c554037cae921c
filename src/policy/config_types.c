/* routes[].types: the types of message that a route of a dialect takes, and what each asks for. */
#include "policy/config_build.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/dialect.h"
#include "policy/contract.h"

enum { AS_DEFINED = 0xfffe, ANYBODY = POLICY_NONE };

/* Until the types are linked `message` holds the permission. */
static bool read_permission(struct config *config, struct config_place place, struct fy_node *value,
			    struct policy_route_type *type)
{
	struct fw_slice text;
	char shown[64];

	type->message = AS_DEFINED;
	if (config_yaml_kind(config, place, value) == CONFIG_NOTHING)
		return true;
	if (!config_yaml_is_text(config, place, "a permission", value, &text))
		return false;
	type->message = slice_is(text, "any") ? (uint16_t)ANYBODY : policy_permission_find(config->policy, text);
	if (type->message != POLICY_NONE || slice_is(text, "any"))
		return true;
	config_report_error(config, config_yaml_place(value, place),
			    "there is no permission \"%s\": no role has it by this name, nor does a category",
			    config_report_quote(config, text, shown));
	return false;
}

void config_types(struct config *config, struct config_place place, struct fy_node *value, struct policy_route *route)
{
	int count = fy_node_mapping_item_count(value);
	struct policy_route_type *types;
	struct fy_node_pair *pair;
	void *at = NULL;

	route->lists_types = true; /* an empty map is a list, too: clients may only listen */
	if (count == 0)
		return;
	if (count < 0 || count > LIMIT_ROUTE_TYPES) {
		config_report_error(config, place, "\"types\" has up to %d types", (int)LIMIT_ROUTE_TYPES);
		return;
	}
	types = config_value_zero(config, (size_t)count, sizeof(*types));
	route->types = types;
	while (types != NULL && (pair = fy_node_mapping_iterate(value, &at)) != NULL) {
		struct policy_route_type *type = &types[route->type_count];
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;

		if (!config_yaml_key(config, key, fy_node_pair_key(pair), &name) ||
		    !config_walk_first(config, value, fy_node_pair_key(pair)))
			continue;
		if (name.size == 0 || name.size > 2 * DIALECT_NAME ||
		    !config_value_visible(config, key, "a type", name)) {
			config_report_error(config, key, "a type has from 1 to %d octets", 2 * DIALECT_NAME);
			continue;
		}
		type->name = config_value_text(config, name);
		type->name_size = (uint16_t)name.size;
		type->pattern = memchr(name.data, '*', name.size) != NULL;
		if (type->name != NULL && read_permission(config, key, fy_node_pair_value(pair), type))
			route->type_count++;
	}
}

bool config_types_has(const struct config *config, struct fw_slice type)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->route_count; i++)
		for (unsigned k = 0; k < policy->routes[i].type_count; k++)
			if (slice_equal(type,
					slice(policy->routes[i].types[k].name, policy->routes[i].types[k].name_size)))
				return true;
	return false;
}

static const struct policy_guard *guard_of(const struct fw_policy *policy, const struct policy_route_type *type)
{
	for (unsigned i = 0; i < policy->guard_count; i++)
		if (slice_equal(slice(type->name, type->name_size),
				slice(policy->guards[i].name, policy->guards[i].name_size)))
			return &policy->guards[i];
	return NULL;
}

/* A type that is defined is what its definition says, under the permission that the route names. */
static void link_type(struct config *config, struct policy_message *message, struct policy_route_type *type)
{
	struct fw_policy *policy = config->policy;
	uint16_t permission = type->message;
	uint16_t defined = policy_message_find(policy, slice(type->name, type->name_size));

	if (defined != POLICY_NONE && policy->messages[defined].answered_here)
		defined = POLICY_NONE;
	if (defined != POLICY_NONE) {
		*message = policy->messages[defined];
	} else {
		*message = (struct policy_message){ .name = type->name,
						    .name_size = type->name_size,
						    .role = POLICY_NONE,
						    .open = true,
						    .max_bytes = (uint32_t)policy->settings.max_message_size,
						    .guard = guard_of(policy, type) };
		if (permission == AS_DEFINED)
			config_report_error(
				config, (struct config_place){ .node = config_topmost(config->routes)->key },
				"the type \"%s\" is not defined: name the permission that it asks for, or any",
				type->name);
	}
	if (permission != AS_DEFINED) {
		message->permission = permission;
		message->role = POLICY_NONE;
	}
}

void config_types_link(struct config *config)
{
	struct fw_policy *policy = config->policy;
	unsigned count = 0, next;
	struct policy_message *messages;

	for (unsigned i = 0; i < policy->route_count; i++)
		count += policy->routes[i].type_count;
	if (count == 0)
		return;
	if (count > LIMIT_TYPES_OF_ROUTES) {
		config_report_error(config, (struct config_place){ .node = config_topmost(config->routes)->key },
				    "all routes together have more than %d types", (int)LIMIT_TYPES_OF_ROUTES);
		return;
	}
	next = policy->message_count;
	messages = contract_extend(policy, count);
	if (messages == NULL) {
		config->short_of_memory = true;
		return;
	}
	for (unsigned i = 0; i < policy->route_count; i++)
		for (unsigned k = 0; k < policy->routes[i].type_count; k++) {
			struct policy_route_type *type = (struct policy_route_type *)&policy->routes[i].types[k];

			link_type(config, messages++, type);
			type->message = (uint16_t)next++;
		}
}
