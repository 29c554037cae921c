#include "script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *path;
	char *at;
	unsigned number;
	struct text *reterr;
	bool failed;
};

static void script_fail(struct reader *reader, const char *what)
{
	if (!reader->failed)
		text_format(reader->reterr, "%s:%u: %s", reader->path, reader->number, what);
	reader->failed = true;
}

/* The next line, cut out of the file's text; NULL at the end. A backslash at its end joins the next line. */
static char *script_cut(struct reader *reader)
{
	char *line = reader->at, *end;

	if (*line == '\0')
		return NULL;
	for (;;) {
		reader->number++;
		end = strchr(reader->at, '\n');
		if (end == NULL) {
			reader->at += strlen(reader->at);
			return line;
		}
		reader->at = end + 1;
		if (end == line || end[-1] != '\\')
			break;
		end[-1] = ' ';
		end[0] = ' ';
	}
	*end = '\0';
	return line;
}

static char *script_here(struct reader *reader, const char *mark)
{
	struct text here = { 0 };
	char *line;

	text_add(&here, "", 0);
	while ((line = script_cut(reader)) != NULL) {
		if (strcmp(text_skip(line), mark) == 0)
			return here.data;
		text_say(&here, line);
		text_say(&here, "\n");
	}
	script_fail(reader, "here-document without its end");
	return here.data;
}

static void script_trim(char *words)
{
	size_t size = strlen(words);

	while (size != 0 && (words[size - 1] == ' ' || words[size - 1] == '\t' || words[size - 1] == '\r'))
		words[--size] = '\0';
}

/* Does the line open a block? JSON that ends in "{" is not valid, so a "{" at the end always opens one. */
static bool script_opens(char *words)
{
	size_t size = strlen(words);

	if (size < 2 || strcmp(words + size - 2, " {") != 0)
		return false;
	words[size - 2] = '\0';
	script_trim(words);
	return true;
}

static struct line *script_block(struct reader *reader, bool inner, bool *ret_else);

static struct line *script_line(struct reader *reader, const char *words)
{
	struct line *line = text_memory(sizeof(*line));
	char *mark;
	bool otherwise = false;

	line->number = reader->number;
	line->words = text_copy(words);
	script_trim(line->words);
	mark = strstr(line->words, "<<");
	if (mark != NULL && mark[2] != '\0' && strchr(mark, ' ') == NULL && strchr(mark, '"') == NULL) {
		char *name = text_copy(mark + 2);

		*mark = '\0';
		script_trim(line->words);
		line->here = script_here(reader, name);
		free(name);
	} else if (script_opens(line->words)) {
		line->opens = true;
		line->body = script_block(reader, true, &otherwise);
		if (otherwise)
			line->other = script_block(reader, true, &otherwise);
	}
	return line;
}

static struct line *script_block(struct reader *reader, bool inner, bool *ret_else)
{
	struct line *first = NULL, **tail = &first;
	char *line;

	*ret_else = false;
	while (!reader->failed && (line = script_cut(reader)) != NULL) {
		const char *words = text_skip(line);

		if (*words == '\0' || *words == '#' || *words == '\r')
			continue;
		if (*words == '}') {
			if (!inner)
				script_fail(reader, "\"}\" without a block");
			*ret_else = strncmp(text_skip(words + 1), "else", 4) == 0;
			return first;
		}
		*tail = script_line(reader, words);
		tail = &(*tail)->next;
	}
	if (inner)
		script_fail(reader, "a block without its \"}\"");
	return first;
}

static char *script_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct text text = { 0 };
	char piece[4096];
	size_t size;

	if (file == NULL)
		return NULL;
	text_add(&text, "", 0);
	while ((size = fread(piece, 1, sizeof(piece), file)) != 0)
		text_add(&text, piece, size);
	fclose(file);
	return text.data;
}

static char *script_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = text_copy(slash != NULL ? slash + 1 : path), *dot = strrchr(name, '.');

	if (dot != NULL)
		*dot = '\0';
	return name;
}

/* The marks in front: `play "title"` and `virtual`. */
static void script_marks(struct script *script)
{
	for (struct line *line = script->lines; line != NULL; line = line->next) {
		const char *at = line->words;
		struct text word = { 0 };

		text_word(&at, &word, NULL);
		if (strcmp(text_get(&word), "virtual") == 0)
			script->virtual = true;
		if (strcmp(text_get(&word), "play") == 0) {
			text_rest(at, &word);
			free(script->title);
			script->title = text_copy(text_get(&word));
		}
		text_clear(&word);
	}
}

struct script *script_read(const char *path, struct text *reterr)
{
	char *text = script_file(path);
	struct script *script;
	struct reader reader = { .path = path, .at = text, .reterr = reterr };
	bool otherwise;

	if (text == NULL) {
		text_format(reterr, "%s: %s", path, strerror(errno));
		return NULL;
	}
	script = text_memory(sizeof(*script));
	script->path = text_copy(path);
	script->name = script_name(path);
	script->title = text_copy(script->name);
	script->lines = script_block(&reader, false, &otherwise);
	script_marks(script);
	free(text);
	return reader.failed ? script_free(script) : script;
}

static void script_free_lines(struct line *line)
{
	while (line != NULL) {
		struct line *next = line->next;

		script_free_lines(line->body);
		script_free_lines(line->other);
		free(line->words);
		free(line->here);
		free(line);
		line = next;
	}
}

struct script *script_free(struct script *script)
{
	if (script == NULL)
		return NULL;
	script_free_lines(script->lines);
	free(script->path);
	free(script->name);
	free(script->title);
	free(script);
	return NULL;
}
