#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum row_type { ROW_INTEGER, ROW_BOOLEAN, ROW_TEXT, ROW_CHOICE, ROW_TEXTS };

struct row {
	const char *path;
	enum row_type type;
	size_t offset; /* of the member in struct settings */
	int64_t value, min, max;
	const char *text; /* default of texts; words of a choice; unit of an integer */
};

#define MEMBER(member) offsetof(struct settings, member)
#define CONFIG_INTEGER(path, member, value, min, max, unit, help)                                                      \
	{ path, ROW_INTEGER, MEMBER(member), value, min, max, unit },
#define CONFIG_BOOLEAN(path, member, value, help) { path, ROW_BOOLEAN, MEMBER(member), value, 0, 0, "" },
#define CONFIG_TEXT(path, member, value, help) { path, ROW_TEXT, MEMBER(member), 0, 0, 0, value },
#define CONFIG_CHOICE(path, member, value, words, help) { path, ROW_CHOICE, MEMBER(member), value, 0, 0, words },
#define CONFIG_TEXTS(path, member, value, help) { path, ROW_TEXTS, MEMBER(member), 0, 0, 0, value },
static const struct row rows[] = {
#include "tables/config.def"
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

unsigned config_scalar_count(void)
{
	return ROWS;
}

const char *config_scalar_path(unsigned row)
{
	return rows[row].path;
}

static void *member(struct config *config, const struct row *row)
{
	return (uint8_t *)&config->policy->settings + row->offset;
}

/* The next word of a list written with separators; false at the end. */
static bool next_word(const char **text, char separator, struct fw_slice *ret_word)
{
	const char *start = *text, *end;

	while (start != NULL && *start == separator)
		start++;
	if (start == NULL || *start == '\0')
		return false;
	end = strchr(start, separator);
	*ret_word = slice(start, end != NULL ? (size_t)(end - start) : strlen(start));
	*text = start + ret_word->size;
	return true;
}

static void set_words(struct config *config, struct config_place place, const struct row *row, const char *text,
		      char separator, config_check *check)
{
	const char *rest = text;
	struct fw_slice word;
	struct texts texts = { NULL, 0 };
	size_t count = 0;

	while (next_word(&rest, separator, &word))
		count++;
	texts.items = config_value_zero(config, count, sizeof(*texts.items));
	if (texts.items == NULL)
		return;
	for (rest = text; next_word(&rest, separator, &word);) {
		word = slice_trim(word);
		if (check == NULL || check(config, place, row->path, word))
			texts.items[texts.count++] = config_value_text(config, word);
	}
	*(struct texts *)member(config, row) = texts;
}

void config_scalar_defaults(struct config *config)
{
	config->origins = arena_alloc(&config->scratch, sizeof(*config->origins) * ROWS);
	if (config->origins == NULL) {
		config->short_of_memory = true;
		return;
	}
	memset(config->origins, 0, sizeof(*config->origins) * ROWS);
	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		switch (row->type) {
		case ROW_INTEGER:
			*(int64_t *)member(config, row) = row->value;
			break;
		case ROW_BOOLEAN:
			*(bool *)member(config, row) = row->value != 0;
			break;
		case ROW_TEXT:
			*(const char **)member(config, row) = row->text;
			break;
		case ROW_CHOICE:
			*(uint8_t *)member(config, row) = (uint8_t)row->value;
			break;
		case ROW_TEXTS:
			set_words(config, (struct config_place){ 0 }, row, row->text, ' ', NULL);
			break;
		}
	}
}

static void set_choice(struct config *config, struct config_place place, const struct row *row, struct fw_slice text)
{
	const char *rest = row->text;
	struct config_suggest suggest;
	struct fw_slice word;
	char shown[64], hint[128], words[96];
	size_t n = 0;

	config_suggest_start(&suggest, text);
	for (uint8_t index = 0; next_word(&rest, '|', &word); index++) {
		if (slice_equal(word, text)) {
			*(uint8_t *)member(config, row) = index;
			return;
		}
		config_suggest_offer(&suggest, (const char *)word.data, word.size);
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%.*s", n != 0 ? ", " : "", (int)word.size,
				      (const char *)word.data);
		if (n >= sizeof(words))
			n = sizeof(words) - 1;
	}
	config_report_error(config, place, "\"%s\" must be one of: %s; not \"%s\"%s", row->path, words,
			    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
}

static void set_text(struct config *config, struct config_place place, const struct row *row, struct fw_slice text)
{
	config_check *check = config_check_of(row->path);

	if (check != NULL && !check(config, place, row->path, text))
		return;
	*(const char **)member(config, row) = config_value_text(config, text);
}

static void set_list(struct config *config, struct config_place place, const struct row *row, struct fw_slice text)
{
	char *copy = arena_alloc(&config->scratch, text.size + 1);

	if (copy == NULL) {
		config->short_of_memory = true;
		return;
	}
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	set_words(config, place, row, copy, ',', config_check_of(row->path));
}

static void set_from_text(struct config *config, struct config_place place, const struct row *row, struct fw_slice text)
{
	switch (row->type) {
	case ROW_INTEGER:
		config_value_integer(config, place, row->path, text, row->min, row->max, row->text,
				     member(config, row));
		break;
	case ROW_BOOLEAN:
		config_value_boolean(config, place, row->path, text, member(config, row));
		break;
	case ROW_TEXT:
		set_text(config, place, row, text);
		break;
	case ROW_CHOICE:
		set_choice(config, place, row, text);
		break;
	case ROW_TEXTS: /* only from outside the file */
		set_list(config, place, row, text);
		break;
	}
}

void config_scalar_set(struct config *config, unsigned number, struct config_place key, struct fy_node *value)
{
	const struct row *row = &rows[number];
	struct config_place place = config_yaml_place(value, key);
	struct fw_slice text;
	char what[96];
	bool plain = true;

	if (row->type == ROW_TEXTS) {
		config_value_texts(config, key, row->path, value, config_check_of(row->path), member(config, row));
		return;
	}
	snprintf(what, sizeof(what), "\"%s\"", row->path);
	if (!config_yaml_is_text(config, key, what, value, &text))
		return;
	/* In braces YAML needs quotes around a reference, whatever it stands for. */
	if (value != NULL && config_yaml_text(value, &plain).data != text.data)
		plain = true;
	if (!plain && (row->type == ROW_INTEGER || row->type == ROW_BOOLEAN)) {
		config_report_error(config, place, "%s is %s: write it without quotes", what,
				    row->type == ROW_INTEGER ? "a number" : "true or false");
		return;
	}
	set_from_text(config, place, row, text);
}

unsigned config_scalar_find(const char *path)
{
	unsigned i = 0;

	while (i < ROWS && strcmp(rows[i].path, path) != 0)
		i++;
	return i;
}

void config_scalar_text(struct config *config, unsigned number, struct config_place place, enum config_from from,
			const char *value)
{
	const struct row *row = &rows[number];
	struct fw_slice text = slice_text(value);
	char what[96];

	snprintf(what, sizeof(what), "\"%s\"", row->path);
	if (!config_expand(config, place, what, text, &text) || !config_value_visible(config, place, what, text))
		return;
	set_from_text(config, place, row, text);
	config->origins[number] = (struct config_origin){ from, place, config->secret };
	config->secret = false;
}

/* A login message may have what the upstream takes for a password. */
static bool is_secret(const struct row *row, const void *value)
{
	return strcmp(row->path, "upstream.login_message") == 0 && **(const char *const *)value != '\0';
}

void config_scalar_show(struct config *config, unsigned number, struct config_shown *shown)
{
	const struct row *row = &rows[number];
	const void *value = member(config, row);
	const char *rest = row->text;
	struct fw_slice word = { NULL, 0 };

	shown->path = row->path;
	if (config->origins[number].secret || is_secret(row, value)) {
		shown->type = CONFIG_TYPE_SECRET;
		return;
	}
	switch (row->type) {
	case ROW_INTEGER:
		shown->type = CONFIG_TYPE_INTEGER;
		shown->number = *(const int64_t *)value;
		break;
	case ROW_BOOLEAN:
		shown->type = CONFIG_TYPE_BOOLEAN;
		shown->number = *(const bool *)value;
		break;
	case ROW_TEXT:
		shown->type = CONFIG_TYPE_TEXT;
		shown->text = *(const char *const *)value;
		break;
	case ROW_CHOICE:
		for (unsigned i = 0; next_word(&rest, '|', &word) && i < *(const uint8_t *)value; i++)
			;
		shown->type = CONFIG_TYPE_TEXT;
		shown->text = config_value_text(config, word);
		break;
	case ROW_TEXTS:
		shown->type = CONFIG_TYPE_TEXTS;
		shown->texts = *(const struct texts *)value;
		break;
	}
}
