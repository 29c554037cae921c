#include "cmd/values.h"

#include <inttypes.h>
#include <string.h>

#include "base/slice.h"

static const char *const from_names[] = {
	[CONFIG_FROM_DEFAULT] = "default", [CONFIG_FROM_ENVIRONMENT] = "environment", [CONFIG_FROM_FILE] = "file",
	[CONFIG_FROM_OVERLAY] = "overlay", [CONFIG_FROM_VARIABLE] = "variable",	      [CONFIG_FROM_OPTION] = "option",
};

/* A text that YAML reads as the same text without quotes. */
static bool bare(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "~" };
	size_t size = strlen(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_is_nocase(slice_text(text), words[i]))
			return false;
	if (size == 0 ||
	    !((ascii_lower((uint8_t)text[0]) >= 'a' && ascii_lower((uint8_t)text[0]) <= 'z') || text[0] == '/'))
		return false;
	for (size_t i = 0; i < size; i++) {
		uint8_t c = ascii_lower((uint8_t)text[i]);
		bool colon = c == ':' && i + 1 < size && text[i + 1] != ' ';

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("_./-", c) != NULL || colon))
			return false;
	}
	return true;
}

void values_text(FILE *out, const char *text)
{
	if (bare(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((uint8_t)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\x%02x", (uint8_t)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void print_value(const struct config_shown *shown)
{
	switch (shown->type) {
	case CONFIG_TYPE_INTEGER:
		printf("%" PRId64, shown->number);
		break;
	case CONFIG_TYPE_BOOLEAN:
		fputs(shown->number != 0 ? "true" : "false", stdout);
		break;
	case CONFIG_TYPE_TEXT:
		values_text(stdout, shown->text);
		break;
	case CONFIG_TYPE_TEXTS:
		putchar('[');
		for (size_t i = 0; i < shown->texts.count; i++) {
			fputs(i != 0 ? ", " : "", stdout);
			values_text(stdout, shown->texts.items[i]);
		}
		putchar(']');
		break;
	case CONFIG_TYPE_SECRET:
		fputs("(secret)", stdout);
		break;
	}
}

void values_print(const char *file, const struct config_shown *shown)
{
	printf("%s: ", shown->path);
	print_value(shown);
	switch (shown->from) {
	case CONFIG_FROM_DEFAULT:
		printf("  # default\n");
		break;
	case CONFIG_FROM_ENVIRONMENT:
		printf("  # default in %s\n", shown->origin);
		break;
	case CONFIG_FROM_FILE:
		printf("  # %s:%u\n", file, shown->line);
		break;
	case CONFIG_FROM_OVERLAY:
		printf("  # %s:%u, overlay %s\n", file, shown->line, shown->origin);
		break;
	case CONFIG_FROM_VARIABLE:
	case CONFIG_FROM_OPTION:
		printf("  # %s\n", shown->origin);
		break;
	}
}

static void write_value(struct json_writer *w, const struct config_shown *shown)
{
	switch (shown->type) {
	case CONFIG_TYPE_INTEGER:
		json_write_integer(w, shown->number);
		break;
	case CONFIG_TYPE_BOOLEAN:
		json_write_boolean(w, shown->number != 0);
		break;
	case CONFIG_TYPE_TEXT:
		json_write_string(w, shown->text);
		break;
	case CONFIG_TYPE_TEXTS:
		json_write_open(w, '[');
		for (size_t i = 0; i < shown->texts.count; i++)
			json_write_string(w, shown->texts.items[i]);
		json_write_close(w, ']');
		break;
	case CONFIG_TYPE_SECRET:
		json_write_null(w);
		break;
	}
}

void values_write(struct json_writer *w, const char *file, const struct config_shown *shown)
{
	bool of_file = shown->from == CONFIG_FROM_FILE || shown->from == CONFIG_FROM_OVERLAY;

	json_write_open(w, '{');
	json_write_key(w, "path");
	json_write_string(w, shown->path);
	json_write_key(w, "value");
	write_value(w, shown);
	if (shown->type == CONFIG_TYPE_SECRET) {
		json_write_key(w, "secret");
		json_write_boolean(w, true);
	}
	json_write_key(w, "origin");
	json_write_open(w, '{');
	json_write_key(w, "from");
	json_write_string(w, from_names[shown->from]);
	if (of_file) {
		json_write_key(w, "file");
		json_write_string(w, file);
		json_write_key(w, "line");
		json_write_integer(w, shown->line);
	}
	if (shown->origin != NULL) {
		json_write_key(w, "name");
		json_write_string(w, shown->origin);
	}
	json_write_close(w, '}');
	json_write_close(w, '}');
}
