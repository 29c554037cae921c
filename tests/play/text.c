#include "text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_reserve(struct text *text, size_t size)
{
	size_t room = text->room != 0 ? text->room : 64;

	while (room < text->size + size + 1)
		room *= 2;
	if (room == text->room)
		return;
	text->data = realloc(text->data, room);
	if (text->data == NULL)
		abort();
	text->room = room;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
	text_reserve(text, size);
	if (size != 0)
		memcpy(text->data + text->size, bytes, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_say(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	int size;

	va_start(arguments, format);
	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size > 0) {
		text_reserve(text, (size_t)size);
		vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
		text->size += (size_t)size;
	}
	va_end(again);
}

void text_take(struct text *text, size_t size)
{
	if (size >= text->size) {
		text->size = 0;
	} else {
		memmove(text->data, text->data + size, text->size - size);
		text->size -= size;
	}
	if (text->data != NULL)
		text->data[text->size] = '\0';
}

void text_clear(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}

const char *text_get(const struct text *text)
{
	return text->data != NULL ? text->data : "";
}

void *text_memory(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		abort();
	return memory;
}

char *text_copy(const char *string)
{
	char *copy = strdup(string);

	if (copy == NULL)
		abort();
	return copy;
}

const char *text_skip(const char *line)
{
	while (*line == ' ' || *line == '\t')
		line++;
	return line;
}

/* One escape behind a backslash; returns the character behind it. */
static const char *text_escape(const char *at, struct text *ret_word)
{
	char octet = *at, hex[3] = { 0 };

	if (octet == 'x' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
		memcpy(hex, at + 1, 2);
		octet = (char)strtoul(hex, NULL, 16);
		at += 2;
	} else if (octet == 'n') {
		octet = '\n';
	} else if (octet == 'r') {
		octet = '\r';
	} else if (octet == 't') {
		octet = '\t';
	} else if (octet == '0') {
		octet = '\0';
	}
	text_add(ret_word, &octet, 1);
	return at + 1;
}

bool text_word(const char **line, struct text *ret_word, bool *ret_quoted)
{
	const char *at = text_skip(*line);

	ret_word->size = 0;
	text_add(ret_word, "", 0);
	if (ret_quoted != NULL)
		*ret_quoted = *at == '"';
	if (*at == '\0') {
		*line = at;
		return false;
	}
	if (*at != '"') {
		size_t size = strcspn(at, " \t");

		text_add(ret_word, at, size);
		*line = at + size;
		return true;
	}
	for (at++; *at != '\0' && *at != '"';) {
		if (*at == '\\' && at[1] != '\0')
			at = text_escape(at + 1, ret_word);
		else
			text_add(ret_word, at++, 1);
	}
	*line = *at == '"' ? at + 1 : at;
	return true;
}

void text_rest(const char *line, struct text *ret_rest)
{
	line = text_skip(line);
	if (*line == '"') {
		text_word(&line, ret_rest, NULL);
		return;
	}
	ret_rest->size = 0;
	text_say(ret_rest, line);
}

bool text_duration(const char *word, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ms", 1000000 }, { "us", 1000 }, { "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 }
	};
	uint64_t total = 0;

	if (*word == '\0')
		return false;
	while (*word != '\0') {
		char *end;
		uint64_t value = strtoull(word, &end, 10);
		size_t i;

		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strncmp(end, units[i].unit, strlen(units[i].unit)) == 0)
				break;
		if (end == word || i == sizeof(units) / sizeof(units[0]))
			return false;
		total += value * units[i].ns;
		word = end + strlen(units[i].unit);
	}
	*ret_ns = total;
	return true;
}

bool text_number(const char *word, uint64_t *ret_value)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return false;
	*ret_value = strtoull(word, &end, 0);
	return *end == '\0';
}
