/* config_fields.c: messages.TYPE.fields: who may set a field, who may see it, and what is shown to others. */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "policy/config_build.h"
#include "policy/contract.h"

enum { PATH_MOST = 128, MASK_MOST = 64 };

/* The type whose fields are read. */
struct target {
	struct fw_slice type;
	bool own;    /* the configuration defines it, */
	bool listed; /* and lists its fields */
};

static void read_roles(struct config *config, struct config_place place, const char *what, struct fy_node *value,
		       struct texts *ret_names, uint32_t *ret_roles)
{
	if (!config_value_texts(config, place, what, value, NULL, ret_names))
		return;
	for (size_t i = 0; i < ret_names->count; i++) {
		uint16_t role = config_rbac_role(config, place, slice_text(ret_names->items[i]));

		if (role != POLICY_NONE)
			*ret_roles |= (uint32_t)1 << role;
	}
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct policy_field_rule *rule = user;
	struct fw_slice text;

	if (index >= CONFIG_FIELD_TYPE)
		return; /* what the field is: see config_define_fields.c */
	if (index == CONFIG_FIELD_SET) {
		rule->sets = true;
		read_roles(config, place, "set", value, &rule->set_by, &rule->set);
	} else if (index == CONFIG_FIELD_SEE) {
		rule->sees = true;
		read_roles(config, place, "see", value, &rule->seen_by, &rule->see);
	} else if (config_yaml_is_text(config, place, "mask", value, &text)) {
		if (text.size > MASK_MOST)
			config_report_error(config, place, "a mask has at most %d octets", (int)MASK_MOST);
		else
			rule->mask = config_value_text(config, text);
	}
}

static bool is_path(struct fw_slice text)
{
	bool empty = true;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '.' && empty)
			return false;
		empty = text.data[i] == '.';
	}
	return !empty && text.size <= PATH_MOST;
}

static struct fw_slice first_of(struct fw_slice path)
{
	const uint8_t *end = memchr(path.data, '.', path.size);

	return slice(path.data, end != NULL ? (size_t)(end - path.data) : path.size);
}

/* What a client may set it must be able to send. */
static void check_settable(struct config *config, struct config_place place, struct fw_slice type, struct fw_slice path)
{
	uint16_t number = policy_message_find(config->policy, type);
	const struct policy_message *message = number != POLICY_NONE ? &config->policy->messages[number] : NULL;
	struct config_suggest suggest;
	char shown[64], hint[128];

	if (message == NULL && config_types_has(config, type))
		return; /* of a dialect: its fields are not listed */
	config_suggest_start(&suggest, first_of(path));
	for (unsigned i = 0; message != NULL && i < message->field_count; i++)
		config_suggest_offer(&suggest, message->fields[i].name, message->fields[i].name_size);
	if (message == NULL)
		config_report_error(config, place, "clients do not send this type: \"set\" has no effect on it");
	else if (message->answered_here)
		config_report_error(config, place, "this type is answered here: its fields are for everybody");
	else if (!message->has_schema && schema_field(message, first_of(path)) == NULL)
		config_report_error(config, place, "the type has no field \"%s\"%s",
				    config_report_quote(config, first_of(path), shown),
				    config_suggest_text(&suggest, hint));
}

/* Of a type whose definition lists its fields: config_define_fields has read them, and says what of them is unknown. */
static void read_rules_alone(struct config *config, struct fy_node *field, struct policy_field_rule *rule)
{
	for (unsigned i = 0; i < CONFIG_FIELD_TYPE; i++) {
		struct fy_node_pair *pair = config_yaml_pair(field, slice_text(config_field_members[i]));

		if (pair != NULL)
			set_member(config, rule, i, (struct config_place){ .node = fy_node_pair_key(pair) },
				   fy_node_pair_value(pair));
	}
}

static void read_field(struct config *config, const struct target *target, struct fy_node *key, struct fy_node *value,
		       struct policy_field_rule *rule)
{
	struct config_place place = { .node = key };
	struct fw_slice path;

	if (!config_yaml_key(config, place, key, &path))
		return;
	if (!is_path(path) || slice_is(path, "type")) {
		config_report_error(config, place,
				    "a field is a name, or names with dots between them, and not the type itself");
		return;
	}
	rule->name = config_value_text(config, path);
	if (!config_yaml_is_map(config, place, "a field", value))
		return;
	if (target->listed)
		read_rules_alone(config, value, rule);
	else /* beside a schema config_define has said what is too much */
		config_walk_map(config, value, "a field", config_field_members,
				target->own ? CONFIG_FIELD_MEMBERS : CONFIG_FIELD_TYPE, set_member, rule);
	if (rule->sets)
		check_settable(config, place, target->type, path);
	if (!rule->sets && !rule->sees)
		config_report_warning(config, place,
				      "nothing is said of this field; say who may set it, or who may see it: set, see");
	if (rule->mask != NULL && !rule->sees)
		config_report_warning(config, place,
				      "\"mask\" is for whom \"see\" leaves out: without it it has no effect");
}

/* In place of what the layer below says of the type. */
static struct policy_guard *guard_of(struct config *config, struct config_place place, struct fw_slice type)
{
	struct fw_policy *policy = config->policy;
	struct policy_guard *guard;

	for (unsigned i = 0; i < policy->guard_count; i++)
		if (slice_equal(type, slice(policy->guards[i].name, policy->guards[i].name_size)))
			return &policy->guards[i];
	if (policy->guard_count == LIMIT_GUARDED_TYPES || type.size > PATH_MOST) {
		config_report_error(config, place,
				    "there are more than %d types with such fields, or its name is too long",
				    (int)LIMIT_GUARDED_TYPES);
		return NULL;
	}
	guard = &policy->guards[policy->guard_count];
	guard->name = config_value_text(config, type);
	guard->name_size = (uint16_t)type.size;
	policy->guard_count += guard->name != NULL;
	return guard->name != NULL ? guard : NULL;
}

static bool any_rule(struct fy_node *fields)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(fields, &at)) != NULL)
		if (config_define_said(fy_node_pair_value(pair)).rules != 0)
			return true;
	return false;
}

void config_fields(struct config *config, struct config_place place, struct fw_slice type, struct fy_node *value)
{
	const struct policy_message *own = config_define_find(config, type);
	struct target target = { type, own != NULL, own != NULL && !own->has_schema };
	int count = fy_node_mapping_item_count(value);
	struct policy_guard *guard;
	struct policy_field_rule *rules;
	struct fy_node_pair *pair;
	void *at = NULL;

	if (target.listed && !any_rule(value))
		return;
	guard = guard_of(config, place, type);
	if (guard == NULL)
		return;
	if (count > LIMIT_GUARDED_FIELDS) {
		config_report_error(config, place, "there are more than %d fields", (int)LIMIT_GUARDED_FIELDS);
		return;
	}
	rules = config_value_zero(config, (size_t)count + 1, sizeof(*rules));
	guard->rules = rules;
	guard->count = 0;
	while (rules != NULL && (pair = fy_node_mapping_iterate(value, &at)) != NULL)
		if (target.listed ? config_define_said(fy_node_pair_value(pair)).rules != 0
				  : config_walk_first(config, value, fy_node_pair_key(pair)))
			read_field(config, &target, fy_node_pair_key(pair), fy_node_pair_value(pair),
				   &rules[guard->count++]);
}

void config_fields_link(struct config *config)
{
	struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->guard_count; i++) {
		const struct policy_guard *guard = &policy->guards[i];
		uint16_t type = policy_message_find(policy, slice(guard->name, guard->name_size));
		bool sets = false;

		for (unsigned k = 0; k < guard->count; k++) {
			sets = sets || guard->rules[k].sets;
			policy->hides = policy->hides || guard->rules[k].sees;
		}
		if (sets && type != POLICY_NONE)
			((struct policy_message *)&policy->messages[type])->guard = guard;
	}
}
