/* config_inspect.c: validation.inspect: exceptions ("chat_message text FW-SQL-*"), points, and those of fields
 * ("chat_message text sql 20 4"); what a route has different. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "policy/config_suggest.h"

static const char *const ids[DETECT_RULES] = {
#define DETECT_RULE(name, class, id, points, reason) id,
#include "tables/detect_rules.def"
#undef DETECT_RULE
};

const char *const detect_class_words[DETECT_CLASSES] = {
#define DETECT_CLASS(name, word, help) #word,
#include "tables/detect_classes.def"
#undef DETECT_CLASS
};
static const char *const modes[] = { "off", "monitor", "refuse" }; /* enum inspect_mode */

enum { MOST_WORDS = 5, MOST_POINTS = 1000, EXCEPTION_WORDS = 3 };

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

	if (count < 2 || count > EXCEPTION_WORDS) {
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

static bool read_points(struct fw_slice text, int64_t *ret_points)
{
	*ret_points = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.data[i]))
			return false;
		*ret_points = *ret_points * 10 + (text.data[i] - '0');
		if (*ret_points > MOST_POINTS)
			return false;
	}
	return text.size != 0;
}

/* "sql 20 4" in the last three words. */
static bool read_class_points(const struct fw_slice *words, struct policy_points *ret_points)
{
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		ret_points->class = (uint8_t) class;
		if (slice_is(words[0], detect_class_words[class]))
			return read_points(words[1], &ret_points->refuse) && read_points(words[2], &ret_points->flag);
	}
	return false;
}

static bool check_points(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			 unsigned before, const char *form)
{
	struct fw_slice words[MOST_WORDS] = { 0 };
	struct policy_points points;
	char shown[64];

	if (split(text, words) == before + 3 && read_class_points(words + before, &points))
		return true;
	config_report_error(config, place,
			    "\"%s\": \"%s\" is not %sa class (xss, sql, shell, path, other) and the points at which it "
			    "refuses and flags, 0 to 1000",
			    path, config_report_quote(config, text, shown), form);
	return false;
}

bool config_check_field_points(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	return check_points(config, place, path, text, 2, "a message type, a field, ");
}

static bool check_route_points(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	return check_points(config, place, path, text, 0, "");
}

static void set_route(struct config *config, void *user, unsigned index, struct config_place key, struct fy_node *value)
{
	struct policy_route_inspect *inspect = user;
	struct policy_points points;
	struct fw_slice words[MOST_WORDS], text;
	char shown[64];

	if (index == 0) {
		if (!config_yaml_is_text(config, key, "mode", value, &text))
			return;
		for (unsigned mode = 0; mode < sizeof(modes) / sizeof(*modes); mode++)
			if (slice_is(text, modes[mode])) {
				inspect->has_mode = true;
				inspect->mode = (uint8_t)mode;
				return;
			}
		config_report_error(config, config_yaml_place(value, key),
				    "\"%s\" is no mode: there are off, monitor and refuse",
				    config_report_quote(config, text, shown));
		return;
	}
	if (!config_value_texts(config, key, "points", value, check_route_points, &inspect->points))
		return;
	for (size_t i = 0; i < inspect->points.count; i++) {
		if (split(slice_text(inspect->points.items[i]), words) != 3 || !read_class_points(words, &points))
			continue;
		inspect->own[points.class] = true;
		inspect->refuse[points.class] = points.refuse;
		inspect->flag[points.class] = points.flag;
	}
}

void config_inspect_route(struct config *config, struct config_place key, struct fy_node *value,
			  struct policy_route_inspect *inspect)
{
	static const char *const names[] = { "mode", "points" };

	if (config_yaml_is_map(config, key, "\"inspect\"", value))
		config_walk_map(config, value, "\"inspect\"", names, 2, set_route, inspect);
}

const char *config_inspect_mode(unsigned mode)
{
	return modes[mode];
}

static void derive_field_points(struct config *config)
{
	const struct texts *texts = &config->policy->settings.inspect_points;
	struct policy_inspect *inspect = &config->policy->inspect;

	if (texts->count != 0)
		inspect->points = config_value_zero(config, texts->count, sizeof(*inspect->points));
	for (size_t i = 0; i < texts->count && inspect->points != NULL; i++) {
		struct policy_points *points = &inspect->points[inspect->points_count];
		struct fw_slice words[MOST_WORDS] = { 0 };

		if (split(slice_text(texts->items[i]), words) != MOST_WORDS || !read_class_points(words + 2, points))
			continue; /* it was reported */
		points->type = config_value_text(config, words[0]);
		points->field = config_value_text(config, words[1]);
		if (points->type == NULL || points->field == NULL)
			return; /* short of memory */
		inspect->points_count++;
	}
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
	derive_field_points(config);
	if (texts->count == 0)
		return;
	inspect->exceptions = config_value_zero(config, texts->count, sizeof(*inspect->exceptions));
	for (size_t i = 0; i < texts->count && inspect->exceptions != NULL; i++) {
		struct policy_exception *exception = &inspect->exceptions[inspect->exception_count++];
		struct fw_slice words[MOST_WORDS] = { 0 };
		unsigned count = split(slice_text(texts->items[i]), words);

		exception->type = config_value_text(config, words[0]);
		exception->field = count == EXCEPTION_WORDS ? config_value_text(config, words[1]) : NULL;
		if (exception->type == NULL || (count == EXCEPTION_WORDS && exception->field == NULL))
			return; /* short of memory */
		for (unsigned rule = 0; rule < DETECT_RULES; rule++)
			if (is_rule(words[count - 1], ids[rule]))
				detect_rules_add(&exception->rules, rule);
	}
}
