/* config_rules.c: validation.rules: expressions of one's own, looked for in the texts of messages beside what the
 * detectors know. An entry is a mapping, or the expression alone. */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"

enum { ID, PATTERN, CLASS, TYPE, FIELD, SCORE, ACTION, FLAGS, REASON, MEMBERS };
static const char *const member_names[MEMBERS] = { "id",    "pattern", "class", "type",	 "field",
						   "score", "action",  "flags", "reason" };
static const char *const actions[] = { "score", "flag", "refuse" }; /* enum rule_action */
enum { ID_MOST = 40, PATTERN_MOST = 4096, REASON_MOST = 200, SCORE_MOST = 1000, SCORE_USUAL = 10 };

const char *config_rule_action(unsigned action)
{
	return actions[action];
}

static bool id_holds(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) &&
		    memchr("-_.", text.data[i], 3) == NULL)
			return false;
	return text.size != 0 && text.size <= ID_MOST && !slice_starts(text, "FW-");
}

static bool read_flags(struct fw_slice text, uint8_t *ret_flags)
{
	*ret_flags = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == 'i')
			*ret_flags |= PATTERN_NO_CASE;
		else if (text.data[i] == 's')
			*ret_flags |= PATTERN_DOT_ALL;
		else if (text.data[i] == 'm')
			*ret_flags |= PATTERN_LINES;
		else
			return false;
	}
	return true;
}

static int word_of(struct fw_slice text, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (slice_is(text, words[i]))
			return (int)i;
	return -1;
}

/* NULL: it holds. */
static const char *set_text(struct config *config, struct policy_rule *rule, unsigned member, struct fw_slice text)
{
	int word;

	switch (member) {
	case ID:
		rule->id = config_value_text(config, text);
		return id_holds(text)
			       ? NULL
			       : "is no id: 1 to 40 letters, digits, \"-\", \"_\", \".\", which do not begin with FW-";
	case PATTERN:
		rule->pattern = config_value_text(config, text);
		return text.size != 0 && text.size <= PATTERN_MOST && memchr(text.data, 0, text.size) == NULL
			       ? NULL
			       : "is no expression of 1 to 4096 octets";
	case CLASS:
		word = word_of(text, detect_class_words, DETECT_CLASSES);
		rule->class = (uint8_t)word;
		return word >= 0 ? NULL : "is no class; there are xss, sql, shell, path and other";
	case SCORE:
		rule->score = 0;
		for (size_t i = 0; i < text.size && rule->score <= SCORE_MOST; i++)
			rule->score =
				ascii_is_digit(text.data[i]) ? rule->score * 10 + (text.data[i] - '0') : SCORE_MOST + 1;
		return text.size != 0 && rule->score >= 1 && rule->score <= SCORE_MOST
			       ? NULL
			       : "is no number of points from 1 to 1000";
	case ACTION:
		word = word_of(text, actions, sizeof(actions) / sizeof(*actions));
		rule->action = (uint8_t)word;
		return word >= 0 ? NULL : "is nothing that a rule does; there are score, flag and refuse";
	case FLAGS:
		return read_flags(text, &rule->flags) ? NULL
						      : "are no flags: i (capitals are as small letters), s (\".\" is "
							"the end of a line, too), m (lines)";
	default:
		rule->reason = config_value_text(config, text);
		return text.size != 0 && text.size <= REASON_MOST ? NULL : "is no reason of 1 to 200 octets";
	}
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place key,
		       struct fy_node *value)
{
	struct policy_rule *rule = user;
	struct fw_slice text;
	const char *wrong;
	char shown[64];

	if (index == TYPE || index == FIELD) {
		config_value_texts(config, key, member_names[index], value, NULL,
				   index == TYPE ? &rule->types : &rule->fields);
		return;
	}
	if (!config_yaml_is_text(config, key, member_names[index], value, &text))
		return;
	wrong = set_text(config, rule, index, text);
	if (wrong != NULL)
		config_report_error(config, config_yaml_place(value, key), "\"%s\" %s",
				    config_report_quote(config, text, shown), wrong);
}

static void read_rule(struct config *config, struct config_place place, struct fy_node *node, struct policy_rule *rules,
		      unsigned number)
{
	struct policy_rule *rule = &rules[number];
	unsigned before = config->errors;
	char id[24];
	struct fw_slice text;

	*rule = (struct policy_rule){ .class = DETECT_OTHER,
				      .score = SCORE_USUAL,
				      .flags = PATTERN_NO_CASE | PATTERN_DOT_ALL };
	if (config_yaml_kind(config, place, node) == CONFIG_MAP)
		config_walk_map(config, node, "a rule", member_names, MEMBERS, set_member, rule);
	else if (config_yaml_is_text(config, place, "a rule", node, &text))
		set_member(config, rule, PATTERN, place, node);
	if (config->errors != before || config->short_of_memory) {
		rule->pattern = NULL; /* it is no rule, which was said */
		return;
	}
	if (rule->pattern == NULL) {
		config_report_error(config, place, "a rule needs a \"pattern\"");
		return;
	}
	if (rule->id == NULL) {
		snprintf(id, sizeof(id), "rule-%u", number + 1);
		rule->id = config_value_text(config, slice_text(id));
	}
	for (unsigned i = 0; i < number && rule->id != NULL; i++)
		if (rules[i].id != NULL && strcmp(rules[i].id, rule->id) == 0)
			config_report_error(config, place, "two rules have the id \"%s\"", rule->id);
}

static bool make(struct policy_inspect *inspect, char ret_what[PATTERNS_WHAT])
{
	const char *expressions[LIMIT_RULES];
	unsigned flags[LIMIT_RULES];

	for (unsigned i = 0; i < inspect->rule_count; i++) {
		expressions[i] = inspect->rules[i].pattern;
		flags[i] = inspect->rules[i].flags;
	}
	inspect->patterns = patterns_make(expressions, flags, inspect->rule_count, ret_what);
	return inspect->patterns != NULL;
}

/* All at once they were no set: each by itself says what is wrong with it. */
static void judge_each(struct config *config, const struct config_section *section, struct config_place place)
{
	const struct policy_inspect *inspect = &config->policy->inspect;
	char what[PATTERNS_WHAT];

	for (unsigned i = 0; i < inspect->rule_count; i++) {
		const struct policy_rule *rule = &inspect->rules[i];
		struct fy_node *item = fy_node_sequence_get_by_index(section->value, (int)i);

		if (rule->pattern != NULL && !patterns_hold(rule->pattern, rule->flags, what))
			config_report_error(config, config_yaml_place(item, place), "the pattern of \"%s\": %s",
					    rule->id != NULL ? rule->id : "", what);
	}
}

void config_rules(struct config *config)
{
	const struct config_section *section = config_topmost(config->rules);
	struct config_place place = { .node = section->key };
	struct policy_inspect *inspect = &config->policy->inspect;
	unsigned before = config->errors;
	char what[PATTERNS_WHAT] = "";
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key == NULL || !config_yaml_is_list(config, place, "\"validation.rules\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_RULES) {
		config_report_error(config, place, "there are more than %d rules", (int)LIMIT_RULES);
		return;
	}
	inspect->rules = config_value_zero(config, (size_t)count, sizeof(*inspect->rules));
	if (inspect->rules == NULL)
		return;
	while ((item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		read_rule(config, config_yaml_place(item, place), item, inspect->rules, inspect->rule_count);
		inspect->rule_count++;
	}
	if (inspect->rule_count == 0 || config->short_of_memory || (config->errors == before && make(inspect, what)))
		return;
	judge_each(config, section, place);
	if (config->errors == before)
		config_report_error(config, place, "\"validation.rules\": %s", what);
}
