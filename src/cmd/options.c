#include "cmd/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "policy/config_suggest.h"

int options_usage(const char *verb, const char *format, ...)
{
	va_list arguments;
	char text[512];
	size_t size;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments); /* NOLINT: va_start is above; clang-tidy 14 forgets it */
	va_end(arguments);
	size = strlen(text);
	fprintf(stderr, "framewall %s: %s%s Try \"framewall %s --help\".\n", verb, text,
		size != 0 && text[size - 1] == '?' ? "" : ".", verb);
	return COMMAND_USAGE;
}

int options_could_not(const char *verb, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "framewall %s: ", verb);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments); /* NOLINT: va_start is above; clang-tidy 14 forgets it */
	va_end(arguments);
	fputc('\n', stderr);
	return COMMAND_COULD_NOT;
}

bool options_number(const char *verb, const char *name, const char *text, long min, long max, long *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *ret_value >= min && *ret_value <= max)
		return true;
	options_usage(verb, "%s is a whole number from %ld to %ld, not \"%s\"", name, min, max, text);
	return false;
}

/* "token issue … | token verify …": one line for each form that begins with the verb. */
static void print_forms(const char *verb, const char *synopsis)
{
	const char *before = "Usage: ";

	while (synopsis != NULL) {
		const char *bar = strstr(synopsis, " | ");

		if (strncmp(synopsis, verb, strlen(verb)) == 0) {
			printf("%sframewall %.*s\n", before,
			       (int)(bar != NULL ? bar - synopsis : (ptrdiff_t)strlen(synopsis)), synopsis);
			before = "       ";
		}
		synopsis = bar != NULL ? bar + 3 : NULL;
	}
}

static int help(const struct options *options)
{
	printf("framewall %s: %s\n\n", options->verb, command_help(options->verb));
	print_forms(options->verb, command_synopsis(options->verb));
	putchar('\n');
	for (size_t i = 0; i < options->row_count; i++) {
		const struct option_row *row = &options->rows[i];
		int width = printf("  %s%s%s", row->name, row->value != NULL ? " " : "",
				   row->value != NULL ? row->value : "");

		printf("%*s%s\n", width < 26 ? 26 - width : 1, "", row->help);
	}
	printf("  --help                  this text\n");
	return COMMAND_DONE;
}

static int unknown(const struct options *options, struct fw_slice name)
{
	struct config_suggest suggest;
	char hint[128];

	config_suggest_start(&suggest, name);
	for (size_t i = 0; i < options->row_count; i++)
		config_suggest_offer(&suggest, options->rows[i].name, strlen(options->rows[i].name));
	config_suggest_offer(&suggest, "--help", 6);
	fprintf(stderr, "framewall %s: unknown option \"%.*s\"%s", options->verb, (int)name.size,
		(const char *)name.data, suggest.best != NULL ? config_suggest_text(&suggest, hint) : ".");
	fprintf(stderr, " Try \"framewall %s --help\".\n", options->verb);
	return COMMAND_USAGE;
}

/* One option; *at moves on when its value is the next word. */
static int take(const struct options *options, int argc, char **argv, int *at)
{
	const char *word = argv[*at], *equals = strchr(word, '=');
	struct fw_slice name = slice(word, equals != NULL ? (size_t)(equals - word) : strlen(word));

	for (size_t i = 0; i < options->row_count; i++) {
		const struct option_row *row = &options->rows[i];

		if (!slice_is(name, row->name))
			continue;
		if (row->value == NULL) {
			if (equals != NULL)
				return options_usage(options->verb, "%s takes no value", row->name);
			*row->ret_flag = true;
			return OPTIONS_GO_ON;
		}
		if (equals == NULL && *at + 1 >= argc)
			return options_usage(options->verb, "%s needs a value: %s %s", row->name, row->name,
					     row->value);
		*row->ret_text = equals != NULL ? equals + 1 : argv[++*at];
		return OPTIONS_GO_ON;
	}
	return unknown(options, name);
}

static int take_operand(struct options *options, const char *word)
{
	if (options->operand_count == options->operand_room)
		return options_usage(
			options->verb,
			options->operand_room == 0 ? "it takes no \"%s\"" : "there is one word too many: \"%s\"", word);
	options->operands[options->operand_count++] = word;
	return OPTIONS_GO_ON;
}

int options_read(struct options *options, int argc, char **argv)
{
	bool only_operands = false;
	int result = OPTIONS_GO_ON;

	options->operand_count = 0;
	for (int i = 1; i < argc && result == OPTIONS_GO_ON; i++) {
		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
			result = take_operand(options, argv[i]);
		else if (strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			result = help(options);
		else
			result = take(options, argc, argv, &i);
	}
	return result;
}
