/* config_define.c: message types of the configuration's own: messages.TYPE with the permission that it asks for. */
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"
#include "policy/config_rbac.h"
#include "policy/config_schema.h"
#include "policy/contract.h"

enum { NAME_MOST = 128 };

/* The topmost layer that defines a type says all of it. */
struct definition {
	struct fw_slice name;
	struct fy_node *key, *value;
};
struct definitions {
	struct definition list[LIMIT_OWN_TYPES];
	unsigned count;
};

const char *const config_message_members[CONFIG_MESSAGE_MEMBERS] = {
	[CONFIG_MESSAGE_WHEN] = "when",
	[CONFIG_MESSAGE_RATE] = "messages_per_minute",
	[CONFIG_MESSAGE_FIELDS] = "fields",
	[CONFIG_MESSAGE_PERMISSION] = "permission",
	[CONFIG_MESSAGE_ROLE] = "role",
	[CONFIG_MESSAGE_MAX_BYTES] = "max_bytes",
	[CONFIG_MESSAGE_CSRF] = "csrf",
	[CONFIG_MESSAGE_SCHEMA] = "schema",
	[CONFIG_MESSAGE_SCHEMA_FILE] = "schema_file",
};

static struct fy_node *member_of(struct fy_node *message, enum config_message_member member)
{
	struct fy_node_pair *pair = config_yaml_pair(message, slice_text(config_message_members[member]));

	return pair != NULL ? fy_node_pair_value(pair) : NULL;
}

/* Every entry of messages, file first. */
static void each(struct config *config,
		 void (*found)(struct config *config, void *user, struct fy_node *key, struct fy_node *value),
		 void *user)
{
	for (unsigned layer = 0; layer < CONFIG_LAYERS; layer++) {
		struct fy_node *map = config->messages[layer].value;
		struct fy_node_pair *pair;
		void *at = NULL;

		while (config->messages[layer].key != NULL && fy_node_is_mapping(map) &&
		       (pair = fy_node_mapping_iterate(map, &at)) != NULL)
			found(config, user, fy_node_pair_key(pair), fy_node_pair_value(pair));
	}
}

static void add_permission(struct config *config, void *user, struct fy_node *key, struct fy_node *value)
{
	struct fy_node *permission = member_of(value, CONFIG_MESSAGE_PERMISSION);
	struct fw_slice text;

	(void)user;
	if (permission == NULL || !fy_node_is_scalar(permission))
		return;
	text = config_yaml_text(permission, NULL);
	if (text.size != 0 && !slice_is(text, "any"))
		config_rbac_permission(config, (struct config_place){ .node = key }, text);
}

void config_define_permissions(struct config *config)
{
	each(config, add_permission, NULL);
}

bool config_define_is_replaced(struct config *config, struct fy_node *key)
{
	struct fy_node *map =
		config->messages[CONFIG_OVERLAY].key != NULL ? config->messages[CONFIG_OVERLAY].value : NULL;
	struct fy_node_pair *pair = config_yaml_pair(map, config_yaml_text(key, NULL));

	return pair != NULL && member_of(fy_node_pair_value(pair), CONFIG_MESSAGE_PERMISSION) != NULL;
}

/* What only a definition has. */
static bool defines(struct fy_node *value)
{
	struct fy_node *fields = member_of(value, CONFIG_MESSAGE_FIELDS);
	struct fy_node_pair *pair;
	void *at = NULL;

	for (unsigned i = CONFIG_MESSAGE_PERMISSION; i < CONFIG_MESSAGE_MEMBERS; i++)
		if (member_of(value, i) != NULL)
			return true;
	while (fy_node_is_mapping(fields) && (pair = fy_node_mapping_iterate(fields, &at)) != NULL)
		if (config_define_said(fy_node_pair_value(pair)).definition != 0)
			return true;
	return false;
}

/* Types are compared as they are written, so what JSON writes with an escape would never be one. */
static bool name_holds(struct fw_slice name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '"' || name.data[i] == '\\')
			return false;
	return name.size != 0 && name.size <= NAME_MOST;
}

static void collect(struct config *config, void *user, struct fy_node *key, struct fy_node *value)
{
	struct definitions *all = user;
	struct config_place place = { .node = key };
	struct definition *to = NULL;
	struct fw_slice name = config_yaml_text(key, NULL);

	if (name.data == NULL || policy_message_find(config->policy, name) != POLICY_NONE)
		return; /* of the contract, or reported in config_messages */
	for (unsigned i = 0; i < all->count; i++)
		if (slice_equal(all->list[i].name, name))
			to = &all->list[i];
	if (member_of(value, CONFIG_MESSAGE_PERMISSION) == NULL) {
		if (defines(value))
			config_report_error(config, place,
					    to != NULL ? "an overlay that defines a type anew says all of it: "
							 "\"permission\" is missing"
						       : "name the \"permission\" that the type asks for, or any");
		return;
	}
	if (to == NULL && all->count == LIMIT_OWN_TYPES) {
		config_report_error(config, place, "there are more than %d message types", (int)LIMIT_OWN_TYPES);
		return;
	}
	if (!name_holds(name)) {
		config_report_error(
			config, place,
			"the name of a type has from 1 to %d octets, none of them a quote, a backslash or a "
			"control character",
			(int)NAME_MOST);
		return;
	}
	if (to == NULL)
		to = &all->list[all->count++];
	*to = (struct definition){ name, key, value };
}

/* Beside a schema fields say who may set and see them, and no more. */
static void check_rule_alone(struct config *config, struct fy_node *field)
{
	for (unsigned i = CONFIG_FIELD_TYPE; i < CONFIG_FIELD_MEMBERS; i++) {
		struct fy_node_pair *pair = config_yaml_pair(field, slice_text(config_field_members[i]));

		if (pair != NULL)
			config_report_error(config, (struct config_place){ .node = fy_node_pair_key(pair) },
					    "what the fields are is said by the schema: beside it they "
					    "have \"set\", \"see\" and \"mask\"");
	}
}

static void check_rules_alone(struct config *config, struct fy_node *fields)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while (fy_node_is_mapping(fields) && (pair = fy_node_mapping_iterate(fields, &at)) != NULL)
		check_rule_alone(config, fy_node_pair_value(pair));
}

static void set_member(struct config *config, struct policy_message *message, enum config_message_member member,
		       struct config_place place, struct fy_node *value)
{
	struct fw_slice text;
	int64_t bytes;

	if (member == CONFIG_MESSAGE_FIELDS &&
	    message->has_schema) { /* config_messages reads who may set and see them */
		check_rules_alone(config, value);
		return;
	}
	if (member == CONFIG_MESSAGE_FIELDS) {
		message->fields = config_define_fields(config, place, value, 1, &message->field_count);
		return;
	}
	if (member == CONFIG_MESSAGE_SCHEMA) {
		config_schema(config, place, value, message);
		return;
	}
	if (!config_yaml_is_text(config, place, config_message_members[member], value, &text))
		return;
	place = config_yaml_place(value, place);
	if (member == CONFIG_MESSAGE_PERMISSION && !slice_is(text, "any"))
		message->permission = policy_permission_find(config->policy, text);
	else if (member == CONFIG_MESSAGE_ROLE)
		message->role = config_rbac_role(config, place, text);
	else if (member == CONFIG_MESSAGE_MAX_BYTES &&
		 config_value_integer(config, place, "max_bytes", text, 16, 1073741824, "bytes", &bytes))
		message->max_bytes = (uint32_t)bytes;
	else if (member == CONFIG_MESSAGE_SCHEMA_FILE && message->schema != NULL)
		config_report_error(config, place, "a type has a \"schema\" or a \"schema_file\", not both");
	else if (member == CONFIG_MESSAGE_SCHEMA_FILE)
		config_schema_file(config, place, text, message);
	else if (member == CONFIG_MESSAGE_CSRF)
		(void)config_value_boolean(config, place, "csrf", text, &message->csrf);
}

/* What is unknown or there twice config_messages reports. */
static void read_definition(struct config *config, const struct definition *definition, struct policy_message *message)
{
	*message =
		(struct policy_message){ .name = config_value_text(config, definition->name),
					 .name_size = (uint16_t)definition->name.size,
					 .permission = POLICY_NONE,
					 .role = POLICY_NONE,
					 .own = true,
					 .has_schema = member_of(definition->value, CONFIG_MESSAGE_SCHEMA) != NULL ||
						       member_of(definition->value, CONFIG_MESSAGE_SCHEMA_FILE) != NULL,
					 .max_bytes = (uint32_t)config->policy->settings.max_message_size };
	if (message->name == NULL)
		return;
	for (unsigned i = CONFIG_MESSAGE_FIELDS; i < CONFIG_MESSAGE_MEMBERS; i++) {
		struct fy_node_pair *pair = config_yaml_pair(definition->value, slice_text(config_message_members[i]));

		if (pair != NULL)
			set_member(config, message, i, (struct config_place){ .node = fy_node_pair_key(pair) },
				   fy_node_pair_value(pair));
	}
	if (!message->has_schema && contract_token_field(&config->policy->arena, message) != FW_OK)
		config->short_of_memory = true;
	for (unsigned i = 0; i < message->field_count; i++)
		message->has_html = message->has_html || message->fields[i].class == CLASS_HTML;
}

void config_define(struct config *config)
{
	struct fw_policy *policy = config->policy;
	struct definitions *all = arena_alloc(&config->scratch, sizeof(*all));
	struct policy_message *messages;
	unsigned first = policy->message_count;

	if (all == NULL) {
		config->short_of_memory = true;
		return;
	}
	all->count = 0;
	each(config, collect, all);
	if (all->count == 0)
		return;
	messages = contract_extend(policy, all->count);
	if (messages == NULL) {
		config->short_of_memory = true;
		return;
	}
	for (unsigned i = 0; i < all->count && !config->short_of_memory; i++) {
		read_definition(config, &all->list[i], &messages[i]);
		if (messages[i].name != NULL)
			contract_name_own(policy, first + i);
	}
}
