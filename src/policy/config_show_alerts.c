/* check --print: monitoring.alerts.rules and inhibit, monitoring.response.rules, scenarios. */
#include "policy/config_show_entry.h"

static void give_where(struct entry *entry, const struct event_where *where)
{
	const char *const names[] = { "where.level", "where.user", "where.session", "where.text" };
	const char *const texts[] = { where->level, where->user, where->session, where->text };
	char name[64];
	size_t size;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (texts[i] != NULL)
			give_text(entry, names[i], texts[i]);
	if (where->ip.base.family != 0) {
		size = addr_format(&where->ip.base, name);
		snprintf(name + size, sizeof(name) - size, "/%u", where->ip.bits);
		give_text(entry, "where.ip", name);
	}
	for (unsigned i = 0; i < where->detail_count; i++) {
		snprintf(name, sizeof(name), "where.details.%.40s", where->details[i].key);
		give_texts(entry, name, &where->details[i].values);
	}
}

static void show_alerts(struct config *config)
{
	for (unsigned i = 0; i < config->policy->alert_rules_own; i++) {
		const struct alert_rule *rule = &config->policy->alert_rules[i];
		struct entry entry = entry_of(config, "monitoring.alerts.rules", config->alert_rules, i);

#define ALERT_TEXT(member, help)                                                                                       \
	if (rule->member != NULL)                                                                                      \
		give_text(&entry, #member, rule->member);
#define ALERT_TEXTS(member, help)                                                                                      \
	if (rule->member.count != 0)                                                                                   \
		give_texts(&entry, #member, &rule->member);
#define ALERT_MAP(member, help) give_where(&entry, &rule->member);
#define ALERT_BOOLEAN(member, value, help) give_boolean(&entry, #member, rule->member);
#define ALERT_INTEGER(member, value, min, max, unit, help)                                                             \
	if (rule->member##_ >= 0)                                                                                      \
		give_integer(&entry, #member, rule->member##_);
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	}
}

static void give_matchers(struct entry *entry, const char *side, const struct alert_matchers *matchers)
{
	char name[96];

	for (unsigned i = 0; i < matchers->count; i++) {
		snprintf(name, sizeof(name), "%s.%.60s", side, matchers->list[i].label);
		give_text(entry, name, matchers->list[i].pattern);
	}
}

static void show_inhibitions(struct config *config)
{
	for (unsigned i = 0; i < config->policy->alert_inhibition_count; i++) {
		const struct alert_inhibition *inhibition = &config->policy->alert_inhibitions[i];
		struct entry entry = entry_of(config, "monitoring.alerts.inhibit", config->alert_inhibitions, i);

		give_matchers(&entry, "source", &inhibition->source);
		give_matchers(&entry, "target", &inhibition->target);
		give_texts(&entry, "equal", &inhibition->equal);
	}
}

void config_show_alerts(struct config *config)
{
	show_alerts(config);
	show_inhibitions(config);
}

void config_show_responses(struct config *config)
{
	for (unsigned i = 0; i < config->policy->response_count; i++) {
		const struct response_rule *rule = &config->policy->responses[i];
		struct entry entry = entry_of(config, "monitoring.response.rules", config->responses, i);

#define RESPONSE_TEXT(member, help)                                                                                    \
	if (rule->member != NULL)                                                                                      \
		give_text(&entry, #member, rule->member);
#define RESPONSE_TEXTS(member, help)                                                                                   \
	if (rule->member.count != 0)                                                                                   \
		give_texts(&entry, #member, &rule->member);
#define RESPONSE_MAP(member, help) give_where(&entry, &rule->member);
#define RESPONSE_BOOLEAN(member, value, help) give_boolean(&entry, #member, rule->member);
#define RESPONSE_INTEGER(member, value, min, max, unit, help) give_integer(&entry, #member, rule->member##_);
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
	}
}

void config_show_scenarios(struct config *config)
{
	for (unsigned i = 0; i < config->policy->scenario_count; i++) {
		const struct scenario_rule *rule = &config->policy->scenarios[i];
		struct entry entry = entry_of(config, "scenarios", config->scenarios, i);

#define SCENARIO_TEXT(member, help)                                                                                    \
	if (rule->member != NULL)                                                                                      \
		give_text(&entry, #member, rule->member);
#define SCENARIO_TEXTS(member, help) give_texts(&entry, #member, &rule->member);
#define SCENARIO_MAP(member, help)
#define SCENARIO_INTEGER(member, value, min, max, unit, help) give_integer(&entry, #member, rule->member##_);
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
		give_where(&entry, &rule->where);
		if (rule->label != NULL)
			give_text(&entry, "labels", rule->label);
	}
}
