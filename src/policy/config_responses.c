/* monitoring.response: what is done when something is recorded. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"

enum {
#define RESPONSE_TEXT(name, help) ROW_##name,
#define RESPONSE_TEXTS(name, help) ROW_##name,
#define RESPONSE_MAP(name, help) ROW_##name,
#define RESPONSE_BOOLEAN(name, value, help) ROW_##name,
#define RESPONSE_INTEGER(name, value, min, max, unit, help) ROW_##name,
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
	ROWS
};

static const char *const names[ROWS] = {
#define RESPONSE_TEXT(name, help) #name,
#define RESPONSE_TEXTS(name, help) #name,
#define RESPONSE_MAP(name, help) #name,
#define RESPONSE_BOOLEAN(name, value, help) #name,
#define RESPONSE_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
};

static const struct response_rule fresh = {
#define RESPONSE_TEXT(name, help)
#define RESPONSE_TEXTS(name, help)
#define RESPONSE_MAP(name, help)
#define RESPONSE_BOOLEAN(name, value, help) .name = (value),
#define RESPONSE_INTEGER(name, value, min, max, unit, help) .name##_ = (value),
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
};

static const struct {
	const char *name;
	bool of_address;
} actions[RESPONSE_ACTIONS] = {
#define RESPONSE_ACTION(name, restriction, of_address, help) { #name, of_address },
#include "tables/response_actions.def"
#undef RESPONSE_ACTION
};

#define OF_RESPONSES (UINT64_C(1) << EVENT_response_applied | UINT64_C(1) << EVENT_response_ended)

const char *response_action_name(unsigned action)
{
	return action < RESPONSE_ACTIONS ? actions[action].name : "";
}

unsigned response_action_find(const char *name)
{
	unsigned action = 0;

	while (action < RESPONSE_ACTIONS && strcmp(actions[action].name, name) != 0)
		action++;
	return action;
}

bool response_action_of_address(unsigned action)
{
	return action < RESPONSE_ACTIONS && actions[action].of_address;
}

static bool check_event(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	unsigned type = config_event_find(text);
	char shown[64];

	if (type == EVENT_TYPES)
		config_report_error(config, place, "\"%s\": there is no event \"%s\"", path,
				    config_report_quote(config, text, shown));
	else if ((OF_RESPONSES >> type & 1) != 0)
		config_report_error(config, place, "\"%s\": there are no responses to responses", path);
	return type != EVENT_TYPES && (OF_RESPONSES >> type & 1) == 0;
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct response_rule *rule = user;
	struct fw_slice text;

	switch (index) {
#define RESPONSE_TEXT(name, help)                                                                                      \
	case ROW_##name:                                                                                               \
		config_where_text(config, #name, place, value, &rule->name);                                           \
		break;
#define RESPONSE_TEXTS(name, help)                                                                                     \
	case ROW_##name:                                                                                               \
		config_value_texts(config, place, #name, value, check_event, &rule->name);                             \
		break;
#define RESPONSE_MAP(name, help)                                                                                       \
	case ROW_##name:                                                                                               \
		config_where(config, place, value, &rule->name);                                                       \
		break;
#define RESPONSE_BOOLEAN(name, value_, help)                                                                           \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_boolean(config, place, #name, text, &rule->name);                                 \
		break;
#define RESPONSE_INTEGER(name, value_, min, max, unit, help)                                                           \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_integer(config, place, #name, text, min, max, unit, &rule->name##_);              \
		break;
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
	default:
		break;
	}
	if (index == ROW_action && rule->action != NULL && response_action_find(rule->action) == RESPONSE_ACTIONS)
		config_report_error(config, place, "\"action\" is block, revoke, slow, isolate, step_up or ticket");
	if (index == ROW_of && rule->of != NULL && strcmp(rule->of, "user") != 0 && strcmp(rule->of, "address") != 0)
		config_report_error(config, place, "\"of\" is user or address");
}

static void digest_rule(struct response_rule *rule)
{
	uint8_t *digest = rule->digest;

	memset(digest, 0, sizeof(rule->digest));
#define RESPONSE_TEXT(name, help) config_digest_text(digest, rule->name);
#define RESPONSE_TEXTS(name, help) config_digest_texts(digest, &rule->name);
#define RESPONSE_MAP(name, help) config_where_digest(digest, &rule->name);
#define RESPONSE_BOOLEAN(name, value, help) config_digest(digest, slice(&rule->name, sizeof(rule->name)));
#define RESPONSE_INTEGER(name, value, min, max, unit, help)                                                            \
	config_digest(digest, slice(&rule->name##_, sizeof(rule->name##_)));
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
}

/* Names are not compared with those of alerts and scenarios: thresholds make alerts of their own, and a file of its own
 * may have either. */
static void make(struct config *config, struct config_place place, struct response_rule *rule)
{
	if (rule->name == NULL || !config_check_id(slice_text(rule->name), RESPONSE_NAME)) {
		config_report_error(config, place,
				    "\"name\" of a response is 1 to %d letters, digits, \"_\", \"-\" and \".\"",
				    (int)RESPONSE_NAME);
		return;
	}
	for (const struct response_rule *other = config->policy->responses; other < rule; other++)
		if (other->name != NULL && strcmp(other->name, rule->name) == 0)
			config_report_error(config, place, "two responses are named \"%s\"", rule->name);
	if ((rule->on.count != 0) + (rule->alert != NULL) + (rule->scenario != NULL) != 1)
		config_report_error(config, place, "a response needs one of \"on\", \"alert\" and \"scenario\"");
	if (rule->action == NULL) {
		config_report_error(config, place, "a response needs \"action\"");
		return;
	}
	rule->does = (uint8_t)response_action_find(rule->action);
	rule->whose = rule->of == NULL		      ? RESPONSE_OF_WHO
		      : strcmp(rule->of, "user") == 0 ? RESPONSE_OF_USER
						      : RESPONSE_OF_ADDRESS;
	if (rule->whose == RESPONSE_OF_ADDRESS && !response_action_of_address(rule->does))
		config_report_error(config, place, "\"action\": %s is about a user", rule->action);
	if (!response_action_of_address(rule->does))
		rule->whose = RESPONSE_OF_USER;
	for (size_t i = 0; i < rule->on.count; i++)
		rule->events |= UINT64_C(1) << config_event_find(slice_text(rule->on.items[i]));
	if (rule->alert != NULL)
		rule->events = UINT64_C(1) << EVENT_alert_raised;
	if (rule->scenario != NULL)
		rule->events = UINT64_C(1) << EVENT_scenario_fired;
	digest_rule(rule);
}

static void read_rule(struct config *config, struct config_place place, struct fy_node *node)
{
	struct response_rule *rule = &config->policy->responses[config->policy->response_count++];
	unsigned before = config->errors;

	*rule = fresh;
	config_walk_map(config, node, "a response", names, ROWS, set_member, rule);
	if (config->errors == before && !config->short_of_memory)
		make(config, place, rule);
}

void config_responses(struct config *config)
{
	static const char what[] = "\"monitoring.response.rules\"";
	const struct config_section *section = config_topmost(config->responses);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;

	if (section->key == NULL || !config_yaml_is_list(config, place, what, section->value))
		return;
	if (fy_node_sequence_item_count(section->value) > LIMIT_RESPONSE_RULES) {
		config_report_error(config, place, "%s has more than %d entries", what, (int)LIMIT_RESPONSE_RULES);
		return;
	}
	config->policy->responses = config_value_zero(config, LIMIT_RESPONSE_RULES, sizeof(*config->policy->responses));
	while (config->policy->responses != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_rule(config, here, item);
		else
			config_report_error(config, here, "each entry of %s is a mapping", what);
	}
}

/* Their memory is the policy's arena. */
static struct policy_message *message_of(struct config *config, unsigned type)
{
	return (struct policy_message *)&config->policy->messages[type];
}

void config_responses_link(struct config *config)
{
	const struct texts *reads = &config->policy->settings.response_reads;
	struct config_place place = config->origins[config_scalar_find("monitoring.response.read_types")].place;

	for (unsigned i = 0; i < config->policy->message_count; i++)
		message_of(config, i)->reads = config->policy->messages[i].answered_here;
	for (size_t i = 0; i < reads->count; i++) {
		uint16_t type = policy_message_find(config->policy, slice_text(reads->items[i]));
		char shown[64];

		if (type != POLICY_NONE)
			message_of(config, type)->reads = true;
		else
			config_report_error(config, place,
					    "\"monitoring.response.read_types\": there is no message type \"%s\"",
					    config_report_quote(config, slice_text(reads->items[i]), shown));
	}
}
