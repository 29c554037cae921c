/* config_define.c: message types of the configuration's own: messages.TYPE with the permission that it asks for, of
 * clients, of servers, or of both. */
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"
#include "policy/config_rbac.h"
#include "policy/config_schema.h"
#include "policy/contract.h"

/* The topmost layer that defines a type says all of it. */
struct definition {
	struct fw_slice name;
	struct fy_node *key, *value;
	enum policy_direction direction;
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
	[CONFIG_MESSAGE_DIRECTION] = "direction",
	[CONFIG_MESSAGE_RECEIVE] = "receive",
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
	struct fy_node *receive = user == NULL ? member_of(value, CONFIG_MESSAGE_RECEIVE) : NULL;
	struct fw_slice text;

	if (receive != NULL)
		add_permission(config, value, key, receive);
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

static enum policy_direction read_direction(struct config *config, struct fy_node *value)
{
	static const char *const words[] = { "client", "server", "both" };
	struct fy_node_pair *pair = config_yaml_pair(value, slice_text("direction"));
	struct config_place place;
	struct fw_slice text;
	char shown[64];

	if (pair == NULL)
		return DIRECTION_CLIENT;
	place = (struct config_place){ .node = fy_node_pair_key(pair) };
	if (!config_yaml_is_text(config, place, "direction", fy_node_pair_value(pair), &text))
		return DIRECTION_CLIENT;
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_is(text, words[i]))
			return i;
	config_report_error(config, config_yaml_place(fy_node_pair_value(pair), place),
			    "\"%s\" is no direction: client says that clients send it, server that the server does, or "
			    "both",
			    config_report_quote(config, text, shown));
	return DIRECTION_CLIENT;
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
	if (!policy_type_is_name(name)) {
		config_report_error(
			config, place,
			"the name of a type has from 1 to %d octets, none of them a quote, a backslash or a "
			"control character",
			(int)POLICY_TYPE_NAME);
		return;
	}
	if (to == NULL)
		to = &all->list[all->count++];
	*to = (struct definition){ name, key, value, read_direction(config, value) };
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
	if (member == CONFIG_MESSAGE_CSRF && message->direction == DIRECTION_SERVER) {
		config_report_error(config, place, "a server sends no token: \"csrf\" is for what clients send");
		return;
	}
	if (member == CONFIG_MESSAGE_DIRECTION || member == CONFIG_MESSAGE_RECEIVE)
		return; /* read_direction, read_receive */
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

static void begin(struct config *config, const struct definition *definition, struct fy_node *value,
		  struct policy_message *message)
{
	const struct settings *settings = &config->policy->settings;
	int64_t most = settings->max_message_size;

	if (definition->direction == DIRECTION_SERVER ||
	    (definition->direction == DIRECTION_BOTH && settings->max_upstream_message > most))
		most = settings->max_upstream_message;
	config->text_most = most;
	*message = (struct policy_message){ .name = config_value_text(config, definition->name),
					    .name_size = (uint16_t)definition->name.size,
					    .permission = POLICY_NONE,
					    .role = POLICY_NONE,
					    .own = true,
					    .direction = (uint8_t)definition->direction,
					    .has_schema = member_of(value, CONFIG_MESSAGE_SCHEMA) != NULL ||
							  member_of(value, CONFIG_MESSAGE_SCHEMA_FILE) != NULL,
					    .max_bytes = (uint32_t)most };
}

/* What is unknown or there twice config_messages reports. */
static void read_definition(struct config *config, const struct definition *definition, struct policy_message *message)
{
	begin(config, definition, definition->value, message);
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

/* messages.TYPE.receive: what is different where the server sends it. */
static const enum config_message_member received[] = { CONFIG_MESSAGE_PERMISSION,  CONFIG_MESSAGE_ROLE,
						       CONFIG_MESSAGE_MAX_BYTES,   CONFIG_MESSAGE_SCHEMA,
						       CONFIG_MESSAGE_SCHEMA_FILE, CONFIG_MESSAGE_FIELDS };
enum { RECEIVED = sizeof(received) / sizeof(*received) };

static void set_received(struct config *config, void *user, unsigned index, struct config_place place,
			 struct fy_node *value)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	set_member(config, user, received[index], place, value);
	if (received[index] == CONFIG_MESSAGE_FIELDS && ((struct policy_message *)user)->has_schema)
		config_report_error(config, place, "what the fields are is said by the schema beside them");
	while (received[index] == CONFIG_MESSAGE_FIELDS && fy_node_is_mapping(value) &&
	       (pair = fy_node_mapping_iterate(value, &at)) != NULL)
		if (config_define_said(fy_node_pair_value(pair)).rules != 0)
			config_report_error(config, (struct config_place){ .node = fy_node_pair_key(pair) },
					    "who may see a field is said in the \"fields\" of the type, for both "
					    "directions");
}

/* What it does not say of fields is as clients send them. */
static void read_receive(struct config *config, const struct definition *definition, struct fy_node_pair *pair,
			 struct policy_message *message)
{
	struct fy_node *value = fy_node_pair_value(pair);
	struct config_place place = { .node = fy_node_pair_key(pair) };
	struct policy_message sent = *message;
	const char *names[RECEIVED];

	for (unsigned i = 0; i < RECEIVED; i++)
		names[i] = config_message_members[received[i]];
	if (!config_yaml_is_map(config, place, "\"receive\"", value))
		return;
	if (member_of(value, CONFIG_MESSAGE_PERMISSION) == NULL)
		config_report_error(config, place, "name the \"permission\" that who receives it needs, or any");
	begin(config, definition, value, message);
	config_walk_map(config, value, "\"receive\"", names, RECEIVED, set_received, message);
	if (message->has_schema || member_of(value, CONFIG_MESSAGE_FIELDS) != NULL)
		return;
	message->has_schema = sent.has_schema;
	message->schema = sent.schema;
	message->fields = sent.fields;
	message->field_count = sent.field_count;
}

/* sent: the same type as clients send it; NULL: they do not. */
static void serve(struct config *config, const struct definition *definition, const struct policy_message *sent,
		  struct policy_outbound *row)
{
	struct fy_node_pair *receive = config_yaml_pair(definition->value, slice_text("receive"));
	struct policy_message *message = config_value_zero(config, 1, sizeof(*message));

	if (message == NULL)
		return;
	if (sent != NULL)
		*message = *sent;
	else
		read_definition(config, definition, message);
	if (sent != NULL && receive != NULL)
		read_receive(config, definition, receive, message);
	*row = (struct policy_outbound){ message->name,
					 message->name_size,
					 message->permission,
					 message->role,
					 message,
					 message->name != NULL && strchr(message->name, '*') != NULL };
}

static void check_direction(struct config *config, const struct definition *definition)
{
	struct fy_node_pair *receive = config_yaml_pair(definition->value, slice_text("receive"));

	if (receive != NULL && definition->direction != DIRECTION_BOTH) {
		struct policy_message unused = { .direction = DIRECTION_BOTH };

		read_receive(config, definition, receive, &unused);
		config_report_error(config, (struct config_place){ .node = fy_node_pair_key(receive) },
				    "\"receive\" is for types of \"direction: both\"; of direction server the type "
				    "itself says who receives it");
	}
	if (definition->direction != DIRECTION_CLIENT && config->policy->settings.builtin_messages &&
	    policy_outbound_find(config->policy, definition->name) != POLICY_NONE)
		config_report_error(config, (struct config_place){ .node = definition->key },
				    "servers send this type by the contract: \"validation.builtin_messages: false\" "
				    "makes its name yours");
}

const struct policy_message *config_define_find(const struct config *config, struct fw_slice name)
{
	uint16_t number = policy_message_find(config->policy, name);

	if (number != POLICY_NONE)
		return config->policy->messages[number].own ? &config->policy->messages[number] : NULL;
	number = policy_served_find(config->policy, name);
	return number != POLICY_NONE ? config->policy->outbound[number].message : NULL;
}

static void define(struct config *config, const struct definitions *all, struct policy_message *messages,
		   struct policy_outbound *rows)
{
	struct fw_policy *policy = config->policy;
	unsigned number = (unsigned)(messages - policy->messages), served = policy->served_first;

	for (unsigned i = 0; i < all->count && !config->short_of_memory; i++) {
		const struct definition *definition = &all->list[i];
		struct policy_message *sent = NULL;

		if (definition->direction != DIRECTION_SERVER) {
			sent = messages++;
			read_definition(config, definition, sent);
			if (sent->name != NULL)
				contract_name_own(policy, number++);
		}
		if (definition->direction != DIRECTION_CLIENT) {
			serve(config, definition, sent, rows);
			if (rows++->name != NULL)
				contract_name_served(policy, served++);
		}
	}
}

void config_define(struct config *config)
{
	struct fw_policy *policy = config->policy;
	struct definitions *all = arena_alloc(&config->scratch, sizeof(*all));
	unsigned sent = 0, served = 0;
	struct policy_message *messages;
	struct policy_outbound *rows = NULL;

	if (all == NULL) {
		config->short_of_memory = true;
		return;
	}
	all->count = 0;
	each(config, collect, all);
	for (unsigned i = 0; i < all->count; i++) {
		check_direction(config, &all->list[i]);
		sent += all->list[i].direction != DIRECTION_SERVER;
		served += all->list[i].direction != DIRECTION_CLIENT;
	}
	if (all->count == 0)
		return;
	messages = contract_extend(policy, sent);
	if (served != 0)
		rows = contract_serve(policy, served);
	if (messages == NULL || (served != 0 && rows == NULL)) {
		config->short_of_memory = true;
		return;
	}
	define(config, all, messages, rows);
}
