/* scenarios: events that mean something together. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"

enum {
#define SCENARIO_TEXT(name, help) ROW_##name,
#define SCENARIO_TEXTS(name, help) ROW_##name,
#define SCENARIO_MAP(name, help) ROW_##name,
#define SCENARIO_INTEGER(name, value, min, max, unit, help) ROW_##name,
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
	ROWS
};

static const char *const names[ROWS] = {
#define SCENARIO_TEXT(name, help) #name,
#define SCENARIO_TEXTS(name, help) #name,
#define SCENARIO_MAP(name, help) #name,
#define SCENARIO_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
};

/* By enum scenario_action, enum scenario_field_kind. */
static const char *const actions[SCENARIO_ACTIONS] = { "record", "points", "close", "block", "revoke" };
static const char *const fields[SCENARIO_DETAIL] = { "address", "network", "user", "session", "connection", "event" };
static const char detail_prefix[] = "details.";

const char *scenario_action_name(unsigned action)
{
	return action < SCENARIO_ACTIONS ? actions[action] : "";
}

static unsigned find(const char *const *words, unsigned count, const char *word)
{
	unsigned found = 0;

	while (found < count && strcmp(words[found], word) != 0)
		found++;
	return found;
}

static bool check_event(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	unsigned type = config_event_find(text);
	char shown[64];

	if (type == EVENT_TYPES)
		config_report_error(config, place, "\"%s\": there is no event \"%s\"", path,
				    config_report_quote(config, text, shown));
	else if (type == EVENT_scenario_fired)
		config_report_error(config, place, "\"%s\": a scenario cannot be made of scenarios", path);
	return type != EVENT_TYPES && type != EVENT_scenario_fired;
}

static bool check_field(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	char shown[64];

	for (unsigned i = 0; i < SCENARIO_DETAIL; i++)
		if (slice_is(text, fields[i]))
			return true;
	if (slice_starts(text, detail_prefix) &&
	    config_check_id(slice_from(text, sizeof(detail_prefix) - 1), SCENARIO_NAME))
		return true;
	config_report_error(
		config, place,
		"\"%s\" is address, network, user, session, connection, event or details.MEMBER, not \"%s\"", path,
		config_report_quote(config, text, shown));
	return false;
}

static void make_field(const char *text, struct scenario_field *ret_field)
{
	ret_field->kind = (uint8_t)find(fields, SCENARIO_DETAIL, text);
	ret_field->detail = ret_field->kind == SCENARIO_DETAIL ? text + sizeof(detail_prefix) - 1 : NULL;
}

/* "mitre=T1110.003, reviewed=2026" */
static void read_labels(struct config *config, struct config_place place, struct fy_node *map,
			struct scenario_rule *rule)
{
	char *label = config_value_zero(config, SCENARIO_LABELS + 1, 1);
	struct fy_node_pair *pair;
	size_t used = 0;
	void *at = NULL;

	if (label == NULL || !config_yaml_is_map(config, place, "\"labels\"", map))
		return;
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct fw_slice name, text;

		if (!config_yaml_key(config, key, key.node, &name) || !config_walk_first(config, map, key.node) ||
		    !config_yaml_is_text(config, key, "a label", fy_node_pair_value(pair), &text))
			continue;
		if (used + name.size + text.size + 3 > SCENARIO_LABELS) {
			config_report_error(config, key, "\"labels\" are more than %d octets", (int)SCENARIO_LABELS);
			return;
		}
		if (used != 0) {
			memcpy(label + used, ", ", 2);
			used += 2;
		}
		memcpy(label + used, name.data, name.size);
		label[used + name.size] = '=';
		memcpy(label + used + name.size + 1, text.data, text.size);
		used += name.size + 1 + text.size;
	}
	rule->label = label;
}

static void set_map(struct config *config, unsigned index, struct config_place place, struct fy_node *value,
		    struct scenario_rule *rule)
{
	if (index == ROW_where)
		config_where(config, place, value, &rule->where);
	else
		read_labels(config, place, value, rule);
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct scenario_rule *rule = user;
	struct fw_slice text;

	switch (index) {
#define SCENARIO_TEXT(name, help)                                                                                      \
	case ROW_##name:                                                                                               \
		config_where_text(config, #name, place, value, &rule->name);                                           \
		break;
#define SCENARIO_TEXTS(name, help)                                                                                     \
	case ROW_##name:                                                                                               \
		config_value_texts(config, place, #name, value, index == ROW_on ? check_event : check_field,           \
				   &rule->name);                                                                       \
		break;
#define SCENARIO_MAP(name, help)                                                                                       \
	case ROW_##name:                                                                                               \
		set_map(config, index, place, value, rule);                                                            \
		break;
#define SCENARIO_INTEGER(name, value_, min, max, unit, help)                                                           \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_integer(config, place, #name, text, min, max, unit, &rule->name##_);              \
		break;
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
	default:
		break;
	}
	if (index == ROW_distinct && rule->distinct != NULL)
		rule->has_distinct = check_field(config, place, "distinct", slice_text(rule->distinct));
	if (index == ROW_level && rule->level != NULL && config_where_level(rule->level) < 0)
		config_report_error(config, place, "\"level\" is info, warning, critical or emergency");
	if (index == ROW_action && rule->action != NULL &&
	    find(actions, SCENARIO_ACTIONS, rule->action) == SCENARIO_ACTIONS)
		config_report_error(config, place, "\"action\" is record, points, close, block or revoke");
}

static bool groups_by(const struct scenario_rule *rule, unsigned kind)
{
	for (unsigned i = 0; i < rule->group_count; i++)
		if (rule->group[i].kind == kind)
			return true;
	return false;
}

/* What is done is done to somebody: to the user where there is one, and never to all of a network. */
static void check_action(struct config *config, struct config_place place, struct scenario_rule *rule)
{
	rule->of_user = groups_by(rule, SCENARIO_USER);
	if (rule->does != SCENARIO_RECORD && rule->does != SCENARIO_REVOKE && !rule->of_user &&
	    !groups_by(rule, SCENARIO_ADDRESS))
		config_report_error(config, place,
				    "\"action\": %s is about an address or a user: \"group_by\" names neither",
				    actions[rule->does]);
	if (rule->does == SCENARIO_REVOKE && !rule->of_user)
		config_report_error(config, place, "\"action\": revoke is about a user: \"group_by\" does not name it");
	if ((rule->does == SCENARIO_POINTS) != (rule->points_ != 0))
		config_report_error(config, place, "\"points\" and \"action\": points need one another");
	if (rule->for_ != 0 && rule->does != SCENARIO_BLOCK)
		config_report_error(config, place, "\"for\" has no meaning without \"action\": block");
}

static void check_names(struct config *config, struct config_place place, const struct scenario_rule *rule)
{
	if (!config_check_id(slice_text(rule->name), SCENARIO_NAME))
		config_report_error(config, place,
				    "\"name\" of a scenario is 1 to %d letters, digits, \"_\", \"-\" and \".\"",
				    (int)SCENARIO_NAME);
	for (const struct scenario_rule *other = config->policy->scenarios; other < rule; other++)
		if (other->name != NULL && strcmp(other->name, rule->name) == 0)
			config_report_error(config, place, "two scenarios are named \"%s\"", rule->name);
}

static void digest_rule(struct scenario_rule *rule)
{
	uint8_t *digest = rule->digest;

#define SCENARIO_TEXT(name, help) config_digest_text(digest, rule->name);
#define SCENARIO_TEXTS(name, help) config_digest_texts(digest, &rule->name);
#define SCENARIO_MAP(name, help)
#define SCENARIO_INTEGER(name, value, min, max, unit, help)                                                            \
	config_digest(digest, slice(&rule->name##_, sizeof(rule->name##_)));
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
	config_where_digest(digest, &rule->where);
	config_digest_text(digest, rule->label);
}

static void make(struct config *config, struct config_place place, struct scenario_rule *rule)
{
	if (rule->group_by.count > SCENARIO_GROUP_FIELDS) {
		config_report_error(config, place, "\"group_by\" has more than %d fields", (int)SCENARIO_GROUP_FIELDS);
		return;
	}
	for (size_t i = 0; i < rule->on.count; i++)
		rule->events |= UINT64_C(1) << config_event_find(slice_text(rule->on.items[i]));
	for (size_t i = 0; i < rule->group_by.count; i++)
		make_field(rule->group_by.items[i], &rule->group[rule->group_count++]);
	if (rule->has_distinct)
		make_field(rule->distinct, &rule->value);
	if (rule->has_distinct && rule->capacity_ > SCENARIO_VALUES_MOST)
		config_report_error(config, place, "\"capacity\" with \"distinct\" is at most %d",
				    (int)SCENARIO_VALUES_MOST);
	if (rule->action == NULL)
		rule->action = actions[SCENARIO_RECORD];
	rule->does = (uint8_t)find(actions, SCENARIO_ACTIONS, rule->action);
	rule->record_level = rule->level != NULL ? config_where_level(rule->level) : -1;
	check_action(config, place, rule);
}

static void read_scenario(struct config *config, struct config_place place, struct fy_node *node)
{
	struct scenario_rule *rule = &config->policy->scenarios[config->policy->scenario_count++];
	unsigned before = config->errors;

	*rule = (struct scenario_rule){
#define SCENARIO_TEXT(member, help)
#define SCENARIO_TEXTS(member, help)
#define SCENARIO_MAP(member, help)
#define SCENARIO_INTEGER(member, value, min, max, unit, help) .member##_ = (value),
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
	};
	config_walk_map(config, node, "a scenario", names, ROWS, set_member, rule);
	if (config->errors != before || config->short_of_memory)
		return;
	if (rule->name == NULL || rule->on.count == 0) {
		config_report_error(config, place, "a scenario needs \"name\" and \"on\"");
		return;
	}
	check_names(config, place, rule);
	make(config, place, rule);
	digest_rule(rule);
}

void config_scenarios(struct config *config)
{
	const struct config_section *section = config_topmost(config->scenarios);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key == NULL || !config_yaml_is_list(config, place, "\"scenarios\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_SCENARIOS) {
		config_report_error(config, place, "there are more than %d scenarios", (int)LIMIT_SCENARIOS);
		return;
	}
	config->policy->scenarios = config_value_zero(config, (size_t)count, sizeof(*config->policy->scenarios));
	while (config->policy->scenarios != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_scenario(config, here, item);
		else
			config_report_error(config, here, "each scenario is a mapping with name and on");
	}
}
