#include "cmd/capture_file.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/options.h"

enum { FIRST_ROOM = 1 << 18, SAID = 3 };

int capture_file_open(struct capture_file *file, const char *verb, const char *path)
{
	*file = (struct capture_file){ .verb = verb, .path = path != NULL ? path : "-" };
	arena_init(&file->arena, (size_t)LIMIT_CAPTURE_LINE * 8);
	file->in = strcmp(file->path, "-") != 0 ? fopen(file->path, "rb") : stdin;
	if (file->in == NULL)
		return options_could_not(verb, "cannot read \"%s\": %s", path, strerror(errno));
	file->room = FIRST_ROOM;
	file->octets = mem_alloc(file->room);
	if (file->octets != NULL)
		return OPTIONS_GO_ON;
	if (file->in != stdin)
		fclose(file->in);
	return options_could_not(verb, "out of memory");
}

/* More octets behind those that wait; false: there are none, or no room. */
static bool fill(struct capture_file *file)
{
	size_t got;

	if (file->at != 0) {
		memmove(file->octets, file->octets + file->at, file->end - file->at);
		file->end -= file->at;
		file->at = 0;
	}
	if (file->end == file->room && file->room < LIMIT_CAPTURE_LINE) {
		uint8_t *more = mem_resize(file->octets, file->room * 2);

		if (more == NULL) {
			file->failed = true;
			errno = ENOMEM;
			return false;
		}
		file->octets = more;
		file->room *= 2;
	}
	if (file->end == file->room)
		return false;
	got = fread(file->octets + file->end, 1, file->room - file->end, file->in);
	file->end += got;
	file->failed = file->failed || ferror(file->in) != 0;
	return got != 0;
}

/* Forgets what is read up to the next line end, of a line for which there is no room. */
static void skip_line(struct capture_file *file)
{
	const uint8_t *found;

	do {
		file->at = file->end = 0;
		if (!fill(file))
			return;
		found = memchr(file->octets, '\n', file->end);
	} while (found == NULL);
	file->at = (size_t)(found - file->octets) + 1;
}

static void say_bad(struct capture_file *file, const char *what)
{
	if (file->bad++ < SAID)
		fprintf(stderr, "framewall %s: %s:%llu: no message: %s\n", file->verb, file->path,
			(unsigned long long)file->number, what);
}

/* The next line without its end; false: there is none. */
static bool next_line(struct capture_file *file, struct fw_slice *ret_line)
{
	size_t searched = 0;
	const uint8_t *found;

	for (;;) {
		const uint8_t *from = file->octets + file->at;

		found = memchr(from + searched, '\n', file->end - file->at - searched);
		if (found != NULL) {
			*ret_line = slice(from, (size_t)(found - from));
			file->at += ret_line->size + 1;
			file->number++;
			return true;
		}
		searched = file->end - file->at;
		if (fill(file))
			continue;
		if (file->failed || file->end == file->at)
			return false;
		file->number++;
		if (file->end - file->at == file->room) {
			say_bad(file, "the line is too long");
			skip_line(file);
			searched = 0;
			continue;
		}
		*ret_line = slice(file->octets + file->at, file->end - file->at);
		file->at = file->end;
		return true;
	}
}

static bool is_blank(struct fw_slice line)
{
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

bool capture_file_next(struct capture_file *file, struct capture_line *ret)
{
	struct fw_slice line;
	const char *what;

	while (next_line(file, &line)) {
		if (is_blank(line))
			continue;
		arena_reset(&file->arena);
		if (!capture_read(&file->arena, line, ret, &what)) {
			say_bad(file, what);
			continue;
		}
		file->lost += ret->is_note;
		file->cut += !ret->is_note && ret->is_cut;
		if (ret->is_note || ret->is_cut)
			continue;
		file->messages++;
		return true;
	}
	return false;
}

int capture_file_close(struct capture_file *file)
{
	int reason = errno;

	if (file->in != stdin)
		fclose(file->in);
	mem_free(file->octets);
	arena_fini(&file->arena);
	if (file->bad > SAID)
		fprintf(stderr, "framewall %s: %s: %llu lines are no messages\n", file->verb, file->path,
			(unsigned long long)file->bad);
	if (file->failed)
		return options_could_not(file->verb, "cannot read \"%s\": %s", file->path, strerror(reason));
	if (file->messages == 0)
		return options_could_not(file->verb, "\"%s\" has no message", file->path);
	return OPTIONS_GO_ON;
}
