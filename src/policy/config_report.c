#include "policy/config_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

enum { LINE_ROOM = 120, PLACE_ROOM = 4096 }; /* octets of a source line that are shown; of a place */

struct config_note {
	size_t offset;	 /* in the file; overrides come last */
	unsigned number; /* order of finding, for equal offsets */
	bool warning;
	const char *text;
};

/* Where in the file, as people count: from 1, columns in characters. */
struct spot {
	size_t start, end; /* of the line's octets */
	unsigned line, column;
};

/* Counted from the last place on that was asked for where this one is behind it: most are asked for in their order, and
 * a file may have as many as it has lines. */
static struct spot spot_of(struct config *config, size_t offset)
{
	struct fw_slice text = config->text;
	struct spot spot = { .line = 1, .column = 1 };

	if (offset > text.size)
		offset = text.size;
	if (config->spot_text == text.data && config->spot_start <= offset) {
		spot.line = config->spot_line;
		spot.start = config->spot_start;
	}
	for (size_t i = spot.start; i < offset; i++) {
		if (text.data[i] != '\n')
			continue;
		spot.line++;
		spot.start = i + 1;
	}
	config->spot_text = text.data;
	config->spot_line = spot.line;
	config->spot_start = spot.start;
	spot.end = spot.start;
	while (spot.end < text.size && text.data[spot.end] != '\n')
		spot.end++;
	if (spot.end > spot.start && text.data[spot.end - 1] == '\r')
		spot.end--;
	for (size_t i = spot.start; i < offset; i++)
		spot.column += (text.data[i] & 0xc0) != 0x80;
	return spot;
}

/* Of a long line the part around the place is shown, from a whole character on. */
static void narrow(struct fw_slice text, struct spot *spot, size_t offset)
{
	if (spot->end - spot->start <= LINE_ROOM)
		return;
	if (offset > spot->end) /* at the CR of a line end */
		offset = spot->end;
	if (offset - spot->start > LINE_ROOM / 2)
		spot->start = offset - LINE_ROOM / 2;
	if (spot->end - spot->start > LINE_ROOM)
		spot->end = spot->start + LINE_ROOM;
	while (spot->start < offset && (text.data[spot->start] & 0xc0) == 0x80)
		spot->start++;
	while (spot->end > spot->start && spot->end < text.size && (text.data[spot->end] & 0xc0) == 0x80)
		spot->end--;
}

static bool word_character(uint8_t c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* From here on the line may hold a secret: behind the name "secret", or behind the word pointed at where all is hidden.
 */
static size_t secret_start(struct fw_slice text, const struct spot *spot, size_t offset, bool hide)
{
	static const char name[] = "secret";
	size_t start = spot->end;

	if (hide)
		for (start = offset; start < spot->end && word_character(text.data[start]);)
			start++;
	for (size_t i = spot->start; i + sizeof(name) - 1 <= start; i++)
		if (slice_is_nocase(slice(text.data + i, sizeof(name) - 1), name))
			return i + sizeof(name) - 1;
	return start;
}

/* The line without what could drive a terminal; tabs stay so that the caret stands below its place. */
static void print_line(FILE *out, struct fw_slice text, const struct spot *spot, size_t offset, size_t secret)
{
	for (size_t i = spot->start; i < spot->end && (i < secret || i < offset); i++) {
		uint8_t c = text.data[i];

		if (i >= secret)
			c = (c & 0xc0) == 0x80 ? 0 : '*';
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			c = ' ';
		if (c != 0)
			fputc(c, out);
	}
	if (secret < spot->end)
		fputs(" …", out);
	fputc('\n', out);
}

static void print_caret(FILE *out, struct fw_slice text, const struct spot *spot, size_t offset)
{
	for (size_t i = spot->start; i < offset && i < spot->end; i++)
		if ((text.data[i] & 0xc0) != 0x80)
			fputc(text.data[i] == '\t' ? '\t' : ' ', out);
	fputc('^', out);
}

static const char *keep(struct config *config, const char *text, size_t size)
{
	char *copy = arena_alloc(&config->scratch, size + 1);

	if (copy == NULL) {
		config->short_of_memory = true;
		return NULL;
	}
	memcpy(copy, text, size + 1);
	return copy;
}

static void add_note(struct config *config, size_t offset, const char *text, size_t size, bool warning)
{
	struct config_note *notes;
	size_t bytes;

	/* Doubling by copy: the arena forgets all of it at the end. */
	if ((config->note_count & (config->note_count - 1)) == 0) {
		if (!size_mul(config->note_count != 0 ? config->note_count * 2 : 1, sizeof(*notes), &bytes))
			return;
		notes = arena_alloc(&config->scratch, bytes);
		if (notes == NULL) {
			config->short_of_memory = true;
			return;
		}
		if (config->note_count != 0)
			memcpy(notes, config->notes, config->note_count * sizeof(*notes));
		config->notes = notes;
	}
	text = keep(config, text, size);
	if (text != NULL) {
		config->notes[config->note_count] = (struct config_note){ offset, config->note_count, warning, text };
		config->note_count++;
	}
}

static void print_in_file(struct config *config, FILE *out, size_t offset, const char *level, const char *message,
			  bool secret)
{
	struct spot spot = spot_of(config, offset);

	fprintf(out, "%s:%u:%u: %s: %s\n", config->options->name, spot.line, spot.column, level, message);
	narrow(config->text, &spot, offset);
	print_line(out, config->text, &spot, offset, secret_start(config->text, &spot, offset, secret));
	print_caret(out, config->text, &spot, offset);
}

size_t config_report_offset(struct config_place place)
{
	const struct fy_mark *mark;

	if (place.node == NULL || !fy_node_is_scalar(place.node))
		return 0;
	mark = fy_token_start_mark(fy_node_get_scalar_token(place.node));
	return mark != NULL ? mark->input_pos : 0;
}

unsigned config_report_line(struct config *config, size_t offset)
{
	return spot_of(config, offset).line;
}

__attribute__((format(printf, 5, 0))) static void report(struct config *config, const struct config_place *place,
							 size_t offset, const char *level, const char *format,
							 va_list arguments)
{
	char *text = NULL, message[512];
	size_t size = 0;
	FILE *out;

	if (config_report_is_full(config)) {
		config->unsaid++;
		return;
	}
	out = open_memstream(&text, &size);
	if (out == NULL) {
		config->short_of_memory = true;
		return;
	}
	/* NOLINTNEXTLINE: va_start is the caller's, which clang-tidy 14 forgets */
	vsnprintf(message, sizeof(message), format, arguments);
	config_expand_hide(config, message);
	if (place != NULL && place->origin != NULL)
		fprintf(out, "%s: %s: %s", place->origin, level, message);
	else
		print_in_file(config, out, offset, level, message, config->hiding);
	if (fclose(out) == 0 && text != NULL)
		add_note(config, place != NULL && place->origin != NULL ? SIZE_MAX : offset, text, size, *level == 'w');
	else
		config->short_of_memory = true;
	free(text);
}

void config_report_error(struct config *config, struct config_place place, const char *format, ...)
{
	va_list arguments;

	config->errors++;
	va_start(arguments, format);
	report(config, &place, config_report_offset(place), "error", format, arguments);
	va_end(arguments);
}

void config_report_warning(struct config *config, struct config_place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(config, &place, config_report_offset(place), "warning", format, arguments);
	va_end(arguments);
}

void config_report_error_at(struct config *config, size_t offset, const char *format, ...)
{
	va_list arguments;

	config->errors++;
	va_start(arguments, format);
	report(config, NULL, offset, "error", format, arguments);
	va_end(arguments);
}

static int by_place(const void *a, const void *b)
{
	const struct config_note *one = a, *two = b;

	if (one->offset != two->offset)
		return one->offset < two->offset ? -1 : 1;
	return one->number < two->number ? -1 : 1;
}

void config_report_give(struct config *config)
{
	char more[PLACE_ROOM];

	if (config->note_count == 0 || config->options->report == NULL)
		return;
	qsort(config->notes, config->note_count, sizeof(*config->notes), by_place);
	for (unsigned i = 0; i < config->note_count; i++)
		config->options->report(config->options->user, config->notes[i].text);
	if (config->unsaid == 0)
		return;
	snprintf(more, sizeof(more), "%s: error: %u more problems are not named", config->options->name,
		 config->unsaid);
	config->options->report(config->options->user, more);
}

const char *config_report_place(struct config *config, struct config_place place)
{
	struct spot spot = spot_of(config, config_report_offset(place));
	char text[PLACE_ROOM];

	snprintf(text, sizeof(text), "%s:%u:%u", config->options->name, spot.line, spot.column);
	return config_value_text(config, slice_text(place.origin != NULL ? place.origin : text));
}

static bool noted(const struct config *config, const char *text)
{
	for (unsigned i = 0; i < config->note_count; i++)
		if (strcmp(config->notes[i].text, text) == 0)
			return true;
	return false;
}

void config_report_adopt(struct config *config, const struct config *trial, size_t start, size_t end)
{
	bool clean = config->errors == 0;

	for (unsigned i = 0; i < trial->note_count; i++) {
		const struct config_note *note = &trial->notes[i];
		bool inside = note->offset >= start && note->offset < end;

		/* Outside only what the overlay broke counts: the rest was said of the file itself. */
		if (noted(config, note->text) || (!inside && (note->warning || !clean)))
			continue;
		config->errors += !note->warning;
		add_note(config, note->offset, note->text, strlen(note->text), note->warning);
	}
}

const char *config_report_quote(const struct config *config, struct fw_slice text, char ret_text[64])
{
	size_t n = 0;

	if (config->secret)
		return memcpy(ret_text, "(secret)", sizeof("(secret)"));
	while (n < text.size && n < 56) {
		ret_text[n] = text.data[n] < 0x20 || text.data[n] == 0x7f ? '?' : (char)text.data[n];
		n++;
	}
	if (n < text.size) {
		while (n > 0 && (text.data[n] & 0xc0) == 0x80)
			n--;
		memcpy(ret_text + n, "…", sizeof("…"));
	} else {
		ret_text[n] = '\0';
	}
	return ret_text;
}
