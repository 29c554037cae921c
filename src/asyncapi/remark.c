/* remark.c: what is said of a document, each at its place, and memory. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "asyncapi/import.h"

static const struct {
	enum import_object object;
	const char *name, *reason;
} members[] = {
#define OBJECT(id)
#define MEMBER(object, name, reason) { OBJECT_##object, name, reason },
#include "tables/asyncapi.def"
#undef OBJECT
#undef MEMBER
};

void *import_alloc(struct import *import, size_t size)
{
	void *memory = arena_alloc(&import->arena, size);

	if (memory == NULL)
		import->short_of_memory = true;
	else
		memset(memory, 0, size);
	return memory;
}

const char *import_text(struct import *import, struct fw_slice text)
{
	char *copy = import_alloc(import, text.size + 1);

	if (copy != NULL && text.size != 0)
		memcpy(copy, text.data, text.size);
	return copy != NULL ? copy : "";
}

/* Ends of lines that YAML of before had. */
static bool ends_line(struct fw_slice text)
{
	return (text.size >= 2 && text.data[0] == 0xc2 && text.data[1] < 0xa0) ||
	       (text.size >= 3 && text.data[0] == 0xe2 && text.data[1] == 0x80 && (text.data[2] | 1) == 0xa9);
}

const char *import_shown(struct import *import, struct fw_slice text)
{
	enum { MOST = 80 };
	char shown[MOST + 4];
	size_t n = 0;

	while (n < text.size && n < MOST) {
		uint8_t c = text.data[n];

		shown[n] = c < 0x20 || c == 0x7f || ends_line(slice_from(text, n)) ? '?' : (char)c;
		n++;
	}
	if (n < text.size) {
		while (n > 0 && (text.data[n] & 0xc0) == 0x80)
			n--;
		memcpy(shown + n, "…", sizeof("…"));
		n += sizeof("…") - 1;
	}
	return import_text(import, slice(shown, n));
}

static void line_of(const struct document_node *place, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = place->key.data != NULL ? place->key_line : place->line;
	*ret_column = place->key.data != NULL ? place->key_column : place->column;
}

/* In a configuration the way to the document says nothing. */
const char *import_beside(const struct import *import, const char *file)
{
	const char *slash = strrchr(import->options->name, '/');
	size_t size = slash != NULL ? (size_t)(slash - import->options->name) + 1 : 0;

	return strncmp(file, import->options->name, size) == 0 ? file + size : file;
}

const char *import_place(struct import *import, const struct document_node *place)
{
	char text[512];
	unsigned line, column;

	line_of(place, &line, &column);
	snprintf(text, sizeof(text), "%s:%u:%u", import_beside(import, place->file), line, column);
	return import_text(import, slice_text(text));
}

static bool is_said(const struct import *import, const struct remark *remark)
{
	for (unsigned i = 0; i < import->remark_count; i++)
		if (import->remarks[i].place == remark->place && strcmp(import->remarks[i].text, remark->text) == 0)
			return true;
	return false;
}

__attribute__((format(printf, 4, 0))) static void say(struct import *import, const struct document_node *place,
						      bool error, const char *format, va_list arguments)
{
	struct remark remark = { place, error, import->remark_count, "" };
	char text[1024];

	/* NOLINTNEXTLINE: va_start is the caller's, which clang-tidy 14 forgets */
	vsnprintf(text, sizeof(text), format, arguments);
	if (import->remark_count == LIMIT_CONFIG_PROBLEMS)
		return;
	remark.text = import_text(import, slice_text(text));
	if (import->short_of_memory || is_said(import, &remark))
		return;
	if (import->remark_count == import->remark_room) {
		unsigned room = import->remark_room != 0 ? 2 * import->remark_room : 16;
		struct remark *more = import_alloc(import, room * sizeof(*more));

		if (more == NULL)
			return;
		if (import->remark_count != 0)
			memcpy(more, import->remarks, import->remark_count * sizeof(*more));
		import->remarks = more;
		import->remark_room = room;
	}
	import->remarks[import->remark_count++] = remark;
}

void import_error(struct import *import, const struct document_node *place, const char *format, ...)
{
	va_list arguments;

	import->errors++;
	va_start(arguments, format);
	say(import, place, true, format, arguments);
	va_end(arguments);
}

void import_note(struct import *import, const struct document_node *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(import, place, false, format, arguments);
	va_end(arguments);
}

static int by_place(const void *a, const void *b)
{
	const struct remark *one = a, *two = b;
	unsigned line1 = 0, column1 = 0, line2 = 0, column2 = 0;
	int files;

	if (one->place == NULL || two->place == NULL)
		return one->place == two->place ? (one->number < two->number ? -1 : 1) : (one->place == NULL ? -1 : 1);
	files = strcmp(one->place->file, two->place->file);
	if (files != 0)
		return files;
	line_of(one->place, &line1, &column1);
	line_of(two->place, &line2, &column2);
	if (line1 != line2)
		return line1 < line2 ? -1 : 1;
	if (column1 != column2)
		return column1 < column2 ? -1 : 1;
	return one->number < two->number ? -1 : 1;
}

static void put(const struct import *import, const struct remark *remark, bool whole, FILE *out)
{
	const char *file = remark->place != NULL ? remark->place->file : import->options->name;
	unsigned line, column;

	fputs(whole ? file : import_beside(import, file), out);
	if (remark->place != NULL) {
		line_of(remark->place, &line, &column);
		fprintf(out, ":%u:%u", line, column);
	}
	fprintf(out, ": %s: %s", remark->error ? "error" : "note", remark->text);
}

void import_give(struct import *import)
{
	if (import->remark_count > 1)
		qsort(import->remarks, import->remark_count, sizeof(*import->remarks), by_place);
	for (unsigned i = 0; i < import->remark_count && import->options->report != NULL; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		if (out == NULL) {
			import->short_of_memory = true;
			return;
		}
		put(import, &import->remarks[i], true, out);
		if (fclose(out) == 0 && text != NULL)
			import->options->report(import->options->report_user, text);
		free(text);
	}
}

void import_remarks(const struct import *import, FILE *out)
{
	for (unsigned i = 0; i < import->remark_count; i++) {
		fputs("#   ", out);
		put(import, &import->remarks[i], false, out);
		fputc('\n', out);
	}
}

void import_list(struct import *import, enum import_object object, const struct document_node *map)
{
	if (map == NULL || map->kind != DOCUMENT_MAP)
		return;
	for (const struct document_node *node = map->first; node != NULL; node = node->next) {
		size_t i = 0;

		while (i < sizeof(members) / sizeof(*members) &&
		       (members[i].object != object || !slice_is(node->key, members[i].name)))
			i++;
		if (i == sizeof(members) / sizeof(*members))
			import_note(import, node, "\"%s\" is not known here and has no effect",
				    import_shown(import, node->key));
		else if (*members[i].reason != '\0')
			import_note(import, node, "\"%s\": %s", members[i].name, members[i].reason);
	}
}
