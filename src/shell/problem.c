#include "shell/problem.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

bool problem_is_error(const char *text)
{
	const char *error = strstr(text, ": error: "), *warning = strstr(text, ": warning: ");

	return warning == NULL || (error != NULL && error < warning);
}

/* "file:line:column: level: message\nsource\ncaret", or "--option: level: message", in its parts. */
void problem_write(struct json_writer *writer, const char *name, const char *text)
{
	bool is_error = problem_is_error(text);
	const char *before = strstr(text, is_error ? ": error: " : ": warning: "), *message, *end;
	size_t name_size = strlen(name);
	long line = 0, column = 0;
	char *after;

	if (before == NULL)
		before = text;
	message = before != text ? before + (is_error ? 9 : 11) : text;
	if (strncmp(text, name, name_size) == 0 && text[name_size] == ':' && text + name_size < before) {
		line = strtol(text + name_size + 1, &after, 10);
		column = line != 0 && *after == ':' ? strtol(after + 1, NULL, 10) : 0;
	}
	json_write_open(writer, '{');
	json_write_key(writer, "level");
	json_write_string(writer, is_error ? "error" : "warning");
	json_write_key(writer, "line");
	json_write_integer(writer, line);
	json_write_key(writer, "column");
	json_write_integer(writer, column);
	/* Where it was said: the file, a variable, an option. */
	json_write_key(writer, "origin");
	json_write_text(writer, slice(text, line != 0 ? name_size : (size_t)(before - text)));
	end = strchr(message, '\n');
	json_write_key(writer, "message");
	json_write_text(writer, slice(message, end != NULL ? (size_t)(end - message) : strlen(message)));
	json_write_key(writer, "text");
	json_write_string(writer, text);
	json_write_close(writer, '}');
}
