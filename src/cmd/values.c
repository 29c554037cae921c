#include "cmd/values.h"

#include <inttypes.h>
#include <string.h>

#include "base/slice.h"

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
