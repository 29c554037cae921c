/* config_inspect.c: validation.inspect: exceptions ("chat_message text FW-SQL-*") and points. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "policy/config_suggest.h"

static const char *const ids[DETECT_RULES] = {
#define DETECT_RULE(name, class, id, points, reason) id,
#include "tables/detect_rules.def"
#undef DETECT_RULE
};

enum { MOST_WORDS = 3 };

/* The words between blanks; 0: there are more than room. */
static unsigned split(struct fw_slice text, struct fw_slice words[MOST_WORDS])
{
	unsigned count = 0;
	size_t at = 0;

	while (at < text.size) {
		size_t from = at;

		while (at < text.size && text.data[at] != ' ')
			at++;
		if (at != from) {
			if (count == MOST_WORDS)
				return 0;
			words[count++] = slice(text.data + from, at - from);
		}
		at++;
	}
	return count;
}

/* FW-SQL-002, FW-SQL-* or *. */
static bool is_rule(struct fw_slice pattern, const char *id)
{
	if (pattern.size != 0 && pattern.data[pattern.size - 1] == '*')
		return strlen(id) >= pattern.size - 1 && memcmp(id, pattern.data, pattern.size - 1) == 0;
	return slice_is(pattern, id);
}

bool config_check_exception(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct fw_slice words[MOST_WORDS] = { 0 };
	unsigned count = split(text, words);
	struct config_suggest suggest;
	char shown[64], hint[128];

	if (count < 2) {
		config_report_error(config, place,
				    "\"%s\": \"%s\" is not a message type, a field or none, and a rule, as in "
				    "\"chat_message text FW-SQL-002\"",
				    path, config_report_quote(config, text, shown));
		return false;
	}
	config_suggest_start(&suggest, words[count - 1]);
	for (unsigned rule = 0; rule < DETECT_RULES; rule++) {
		if (is_rule(words[count - 1], ids[rule]))
			return true;
		config_suggest_offer(&suggest, ids[rule], strlen(ids[rule]));
	}
	config_report_error(config, place, "\"%s\": there is no rule \"%s\"%s", path,
			    config_report_quote(config, words[count - 1], shown), config_suggest_text(&suggest, hint));
	return false;
}

static void derive_points(struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

#define DETECT_CLASS(name, word, help)                                                                                 \
	policy->inspect.refuse[DETECT_##name] = settings->inspect_refuse_##word;                                       \
	policy->inspect.flag[DETECT_##name] = settings->inspect_flag_##word;
#include "tables/detect_classes.def"
#undef DETECT_CLASS
}

void config_inspect_derive(struct config *config)
{
	const struct texts *texts = &config->policy->settings.inspect_exceptions;
	struct policy_inspect *inspect = &config->policy->inspect;

	derive_points(config->policy);
	if (texts->count == 0)
		return;
	inspect->exceptions = config_value_zero(config, texts->count, sizeof(*inspect->exceptions));
	for (size_t i = 0; i < texts->count && inspect->exceptions != NULL; i++) {
		struct policy_exception *exception = &inspect->exceptions[inspect->exception_count++];
		struct fw_slice words[MOST_WORDS] = { 0 };
		unsigned count = split(slice_text(texts->items[i]), words);

		exception->type = config_value_text(config, words[0]);
		exception->field = count == MOST_WORDS ? config_value_text(config, words[1]) : NULL;
		if (exception->type == NULL || (count == MOST_WORDS && exception->field == NULL))
			return; /* short of memory */
		for (unsigned rule = 0; rule < DETECT_RULES; rule++)
			if (is_rule(words[count - 1], ids[rule]))
				detect_rules_add(&exception->rules, rule);
	}
}
