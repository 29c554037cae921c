/* monitoring.alerts and monitoring.anomaly_thresholds: what is an alert, and what alerts say nothing of others. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <stdio.h>
#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"

enum {
#define ALERT_TEXT(name, help) ROW_##name,
#define ALERT_TEXTS(name, help) ROW_##name,
#define ALERT_MAP(name, help) ROW_##name,
#define ALERT_BOOLEAN(name, value, help) ROW_##name,
#define ALERT_INTEGER(name, value, min, max, unit, help) ROW_##name,
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	ROWS
};

static const char *const names[ROWS] = {
#define ALERT_TEXT(name, help) #name,
#define ALERT_TEXTS(name, help) #name,
#define ALERT_MAP(name, help) #name,
#define ALERT_BOOLEAN(name, value, help) #name,
#define ALERT_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
};

static const struct alert_rule fresh = {
#define ALERT_TEXT(name, help)
#define ALERT_TEXTS(name, help)
#define ALERT_MAP(name, help)
#define ALERT_BOOLEAN(name, value, help) .name = (value),
#define ALERT_INTEGER(name, value, min, max, unit, help) .name##_ = (value),
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	.alert_level = -1,
	.row = ALERT_NO_METRIC,
};

/* By enum alert_field_kind. */
static const char *const fields[ALERT_DETAIL] = { "address", "user", "session", "connection", "event" };
static const char detail_prefix[] = "details.";

static const struct {
	const char *name;
	bool counts;
} metrics[] = {
#define COUNTER(name, help) { #name, true },
#define GAUGE(name, help) { #name, false },
#include "tables/metrics.def"
};
enum { METRICS = sizeof(metrics) / sizeof(*metrics) };

#define OF_ALERTS (UINT64_C(1) << EVENT_alert_raised | UINT64_C(1) << EVENT_alert_resolved)
#define ALL_EVENTS (((UINT64_C(1) << (EVENT_TYPES - 1)) - 1) << 1 | 1)

static bool is_field(struct fw_slice text)
{
	for (unsigned i = 0; i < ALERT_DETAIL; i++)
		if (slice_is(text, fields[i]))
			return true;
	return slice_starts(text, detail_prefix) &&
	       config_check_id(slice_from(text, sizeof(detail_prefix) - 1), ALERT_NAME - 8);
}

static bool check_field(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	char shown[64];

	if (is_field(text))
		return true;
	config_report_error(config, place,
			    "\"%s\" is address, user, session, connection, event or details.MEMBER, not \"%s\"", path,
			    config_report_quote(config, text, shown));
	return false;
}

bool config_check_alert_label(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	char shown[64];

	if (slice_is(text, "alert") || slice_is(text, "level") || is_field(text))
		return true;
	config_report_error(config, place,
			    "\"%s\": a label is alert, level, address, user, session, connection, event or "
			    "details.MEMBER, not \"%s\"",
			    path, config_report_quote(config, text, shown));
	return false;
}

static bool check_event(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	unsigned type = config_event_find(text);
	char shown[64];

	if (type == EVENT_TYPES)
		config_report_error(config, place, "\"%s\": there is no event \"%s\"", path,
				    config_report_quote(config, text, shown));
	else if ((OF_ALERTS >> type & 1) != 0)
		config_report_error(config, place, "\"%s\": there are no alerts of alerts", path);
	return type != EVENT_TYPES && (OF_ALERTS >> type & 1) == 0;
}

static void check_level(struct config *config, struct config_place place, const char *name, const char *text)
{
	if (text != NULL && config_where_level(text) < 0)
		config_report_error(config, place, "\"%s\" is info, warning, critical or emergency", name);
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct alert_rule *rule = user;
	struct fw_slice text;

	switch (index) {
#define ALERT_TEXT(name, help)                                                                                         \
	case ROW_##name:                                                                                               \
		config_where_text(config, #name, place, value, &rule->name);                                           \
		break;
#define ALERT_TEXTS(name, help)                                                                                        \
	case ROW_##name:                                                                                               \
		config_value_texts(config, place, #name, value, index == ROW_on ? check_event : check_field,           \
				   &rule->name);                                                                       \
		break;
#define ALERT_MAP(name, help)                                                                                          \
	case ROW_##name:                                                                                               \
		config_where(config, place, value, &rule->name);                                                       \
		break;
#define ALERT_BOOLEAN(name, value_, help)                                                                              \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_boolean(config, place, #name, text, &rule->name);                                 \
		break;
#define ALERT_INTEGER(name, value_, min, max, unit, help)                                                              \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_integer(config, place, #name, text, min, max, unit, &rule->name##_);              \
		break;
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	default:
		break;
	}
	if (index == ROW_level)
		check_level(config, place, "level", rule->level);
	if (index == ROW_least)
		check_level(config, place, "least", rule->least);
}

static void digest_rule(struct alert_rule *rule)
{
	uint8_t *digest = rule->digest;

	memset(digest, 0, sizeof(rule->digest));
#define ALERT_TEXT(name, help) config_digest_text(digest, rule->name);
#define ALERT_TEXTS(name, help) config_digest_texts(digest, &rule->name);
#define ALERT_MAP(name, help) config_where_digest(digest, &rule->name);
#define ALERT_BOOLEAN(name, value, help) config_digest(digest, slice(&rule->name, sizeof(rule->name)));
#define ALERT_INTEGER(name, value, min, max, unit, help)                                                               \
	config_digest(digest, slice(&rule->name##_, sizeof(rule->name##_)));
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	config_digest(digest, slice(&rule->events, sizeof(rule->events)));
	config_digest(digest, slice(&rule->alert_level, sizeof(rule->alert_level)));
}

static void make_metric(struct config *config, struct config_place place, struct alert_rule *rule)
{
	char shown[64];

	rule->row = 0;
	while (rule->row < METRICS && strcmp(metrics[rule->row].name, rule->metric) != 0)
		rule->row++;
	if (rule->row == METRICS) {
		config_report_error(
			config, place,
			"\"metric\": there is none \"%s\" that an alert can be of: docs/reference/metrics.md",
			config_report_quote(config, slice_text(rule->metric), shown));
		return;
	}
	rule->counts = metrics[rule->row].counts;
	if ((rule->above_ < 0) == (rule->below_ < 0))
		config_report_error(config, place, "\"metric\" needs one of \"above\" and \"below\"");
	if (rule->on.count != 0 || rule->least != NULL || rule->by.count != 0 || rule->more_than_ != 0 ||
	    rule->resolve_after_ >= 0)
		config_report_error(config, place,
				    "\"on\", \"least\", \"by\", \"more_than\" and \"resolve_after\" have no meaning "
				    "with \"metric\"");
}

static void make_events(struct config *config, struct config_place place, struct alert_rule *rule)
{
	if (rule->above_ >= 0 || rule->below_ >= 0 || rule->for_ != 0)
		config_report_error(config, place, "\"above\", \"below\" and \"for\" need \"metric\"");
	if (rule->on.count == 0 && rule->least == NULL)
		config_report_error(config, place, "an alert needs \"on\", \"least\" or \"metric\"");
	for (size_t i = 0; i < rule->on.count; i++)
		rule->events |= UINT64_C(1) << config_event_find(slice_text(rule->on.items[i]));
	if (rule->on.count == 0)
		rule->events = ALL_EVENTS & ~OF_ALERTS;
	if (rule->by.count > ALERT_BY)
		config_report_error(config, place, "\"by\" has more than %d fields", (int)ALERT_BY);
	for (size_t i = 0; i < rule->by.count && i < ALERT_BY; i++) {
		struct alert_field *field = &rule->fields[rule->field_count++];

		*field = (struct alert_field){ .label = rule->by.items[i], .kind = ALERT_DETAIL };
		for (unsigned kind = 0; kind < ALERT_DETAIL; kind++)
			if (strcmp(fields[kind], field->label) == 0)
				field->kind = (uint8_t)kind;
		if (field->kind == ALERT_DETAIL)
			field->detail = field->label + sizeof(detail_prefix) - 1;
	}
}

static void read_rule(struct config *config, struct config_place place, struct fy_node *node)
{
	struct fw_policy *policy = config->policy;
	struct alert_rule *rule = &policy->alert_rules[policy->alert_rule_count++];
	unsigned before = config->errors;

	*rule = fresh;
	config_walk_map(config, node, "a rule of alerts", names, ROWS, set_member, rule);
	if (config->errors != before || config->short_of_memory)
		return;
	if (rule->name == NULL || !config_check_id(slice_text(rule->name), ALERT_NAME)) {
		config_report_error(config, place,
				    "\"name\" of an alert is 1 to %d letters, digits, \"_\", \"-\" and \".\"",
				    (int)ALERT_NAME);
		return;
	}
	for (const struct alert_rule *other = policy->alert_rules; other < rule; other++)
		if (other->name != NULL && strcmp(other->name, rule->name) == 0)
			config_report_error(config, place, "two alerts are named \"%s\"", rule->name);
	rule->alert_level = rule->level != NULL ? config_where_level(rule->level) : -1;
	rule->least_level = rule->least != NULL ? (uint8_t)config_where_level(rule->least) : 0;
	if (rule->metric != NULL)
		make_metric(config, place, rule);
	else
		make_events(config, place, rule);
	digest_rule(rule);
}

/* --- what the specification has besides rules */

/* NULL: there are too many, or memory is short. */
static struct alert_rule *add_rule(struct config *config, const char *name, uint64_t events, int level)
{
	struct fw_policy *policy = config->policy;
	struct alert_rule *rule = &policy->alert_rules[policy->alert_rule_count];

	for (unsigned i = 0; i < policy->alert_rule_count; i++)
		if (policy->alert_rules[i].name != NULL && strcmp(policy->alert_rules[i].name, name) == 0)
			return NULL; /* one of the user's own has that name, and is in its place */
	if (policy->alert_rule_count == LIMIT_ALERT_RULES_ALL)
		return NULL;
	policy->alert_rule_count++;
	*rule = fresh;
	rule->name = name;
	rule->events = events;
	rule->alert_level = level;
	return rule;
}

static bool immediate(const struct config *config, const char *name)
{
	const struct texts *list = &config->policy->settings.immediate_alert_events;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

static void add_thresholds(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	const struct {
		const char *name;
		int64_t most;
		uint64_t events;
		const char *summary;
	} rows[] = {
		{ "auth_failures", settings->threshold_auth_failures, UINT64_C(1) << EVENT_auth_failure,
		  "more credentials refused within an hour than monitoring.anomaly_thresholds allows" },
		{ "rate_limit_violations", settings->threshold_rate_limit_violations,
		  UINT64_C(1) << EVENT_rate_limit_violation,
		  "more messages over their rate within an hour than monitoring.anomaly_thresholds allows" },
		{ "invalid_messages", settings->threshold_invalid_messages, UINT64_C(1) << EVENT_invalid_message,
		  "more invalid messages within an hour than monitoring.anomaly_thresholds allows" },
		{ "suspicious_patterns", settings->threshold_suspicious_patterns,
		  UINT64_C(1) << EVENT_dangerous_content,
		  "more dangerous content within an hour than monitoring.anomaly_thresholds allows" },
		{ "new_ips", settings->threshold_new_ips, UINT64_C(1) << EVENT_websocket_connected,
		  "more addresses within an hour that were not seen for a day than monitoring.anomaly_thresholds "
		  "allows" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct alert_rule *rule =
			rows[i].most != 0 ? add_rule(config, rows[i].name, rows[i].events, FW_LEVEL_CRITICAL) : NULL;

		if (rule == NULL)
			continue;
		rule->more_than_ = rows[i].most;
		rule->new_addresses = rows[i].events == UINT64_C(1) << EVENT_websocket_connected;
		rule->immediate =
			immediate(config, "anomaly_detected") || (i == 0 && immediate(config, "mass_auth_failure"));
		rule->summary = rows[i].summary;
		digest_rule(rule);
	}
}

static const char admin_command[] = "admin_command", breach[] = "system_breach_attempt";

bool config_check_immediate(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	return slice_is(text, admin_command) || slice_is(text, breach) || slice_is(text, "mass_auth_failure") ||
	       slice_is(text, "anomaly_detected") || check_event(config, place, path, text);
}

/* Names of the specification that are no events of ours are what comes nearest to them. */
static void add_immediate(struct config *config)
{
	static const char *items[] = { "admin_command", "system_command" };
	const struct texts *list = &config->policy->settings.immediate_alert_events;

	for (size_t i = 0; i < list->count; i++) {
		const char *name = list->items[i];
		unsigned type = config_event_find(slice_text(name));
		struct alert_rule *rule = NULL;

		if (strcmp(name, admin_command) == 0) {
			rule = add_rule(config, name, UINT64_C(1) << EVENT_data_modification, FW_LEVEL_WARNING);
			if (rule != NULL) {
				rule->where.details[0].key = "type";
				rule->where.details[0].values = (struct texts){ items, 2 };
				rule->where.detail_count = 1;
				rule->summary = "a command of an administrator was passed on";
			}
		} else if (strcmp(name, breach) == 0) {
			rule = add_rule(config, name, UINT64_C(1) << EVENT_ledger_replaced, FW_LEVEL_EMERGENCY);
			if (rule != NULL)
				rule->summary = "the record did not hold and was set aside";
		} else if (type != EVENT_TYPES) {
			rule = add_rule(config, name, UINT64_C(1) << type, -1);
		}
		if (rule == NULL)
			continue;
		rule->immediate = true;
		digest_rule(rule);
	}
}

/* --- monitoring.alerts.inhibit */

enum { INHIBIT_SOURCE, INHIBIT_TARGET, INHIBIT_EQUAL, INHIBIT_MEMBERS };

static void read_matchers(struct config *config, struct config_place place, const char *name, struct fy_node *map,
			  struct alert_matchers *matchers)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (!config_yaml_is_map(config, place, name, map))
		return;
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct alert_matcher *matcher = &matchers->list[matchers->count];
		struct fw_slice label, text;

		if (!config_yaml_key(config, key, key.node, &label) || !config_walk_first(config, map, key.node) ||
		    !config_check_alert_label(config, key, name, label) ||
		    !config_yaml_is_text(config, key, name, fy_node_pair_value(pair), &text))
			continue;
		if (matchers->count == ALERT_MATCHERS) {
			config_report_error(config, key, "\"%s\" has more than %d labels", name, (int)ALERT_MATCHERS);
			return;
		}
		*matcher = (struct alert_matcher){ config_value_text(config, label), config_value_text(config, text) };
		matchers->count++;
	}
}

static void set_inhibition(struct config *config, void *user, unsigned index, struct config_place place,
			   struct fy_node *value)
{
	struct alert_inhibition *inhibition = user;

	if (index == INHIBIT_SOURCE)
		read_matchers(config, place, "source", value, &inhibition->source);
	else if (index == INHIBIT_TARGET)
		read_matchers(config, place, "target", value, &inhibition->target);
	else
		config_value_texts(config, place, "equal", value, config_check_alert_label, &inhibition->equal);
}

static void read_inhibition(struct config *config, struct config_place place, struct fy_node *node)
{
	static const char *const members[INHIBIT_MEMBERS] = { "source", "target", "equal" };
	struct alert_inhibition *inhibition =
		&config->policy->alert_inhibitions[config->policy->alert_inhibition_count++];

	config_walk_map(config, node, "an inhibition", members, INHIBIT_MEMBERS, set_inhibition, inhibition);
	if (inhibition->source.count == 0 || inhibition->target.count == 0)
		config_report_error(config, place,
				    "an inhibition needs \"source\" and \"target\", each with a label at least");
}

static void read_list(struct config *config, const struct config_section *section, const char *name, int most,
		      void (*read)(struct config *config, struct config_place place, struct fy_node *node))
{
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	char what[64];

	snprintf(what, sizeof(what), "\"monitoring.alerts.%s\"", name);
	if (section->key == NULL || !config_yaml_is_list(config, place, what, section->value))
		return;
	if (fy_node_sequence_item_count(section->value) > most) {
		config_report_error(config, place, "%s has more than %d entries", what, most);
		return;
	}
	while ((item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read(config, here, item);
		else
			config_report_error(config, here, "each entry of %s is a mapping", what);
	}
}

void config_alerts(struct config *config)
{
	struct fw_policy *policy = config->policy;

	policy->alert_rules = config_value_zero(config, LIMIT_ALERT_RULES_ALL, sizeof(*policy->alert_rules));
	policy->alert_inhibitions =
		config_value_zero(config, LIMIT_ALERT_INHIBITIONS, sizeof(*policy->alert_inhibitions));
	if (policy->alert_rules == NULL || policy->alert_inhibitions == NULL)
		return;
	read_list(config, config_topmost(config->alert_rules), "rules", LIMIT_ALERT_RULES, read_rule);
	policy->alert_rules_own = policy->alert_rule_count;
	read_list(config, config_topmost(config->alert_inhibitions), "inhibit", LIMIT_ALERT_INHIBITIONS,
		  read_inhibition);
	if (config->errors != 0 || config->short_of_memory)
		return;
	add_thresholds(config);
	add_immediate(config);
}
