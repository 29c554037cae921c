/* The rows and lines of all parts, one after the other. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/lines.h"
#include "report/facts_kept.h"

enum { ROWS_READ = 4096, PARTS = 64 };

bool facts_parts_add(struct facts_parts *parts, const struct facts_part *part)
{
	struct facts_part *larger;

	if (parts->count % PARTS == 0) {
		larger = mem_resize(parts->list, (parts->count + PARTS) * sizeof(*larger));
		if (larger == NULL) {
			errno = ENOMEM;
			return false;
		}
		parts->list = larger;
	}
	parts->list[parts->count++] = *part;
	return true;
}

/* Its file, to be ended by close_part. */
static struct spool open_part(const struct facts *facts, const struct facts_part *part)
{
	return (struct spool){ .fd = part->is_kept ? facts_kept_file(facts->folder, part) : facts->loose };
}

static void close_part(const struct facts_part *part, const struct spool *file)
{
	int reason = errno;

	if (part->is_kept && file->fd >= 0)
		close(file->fd);
	errno = reason;
}

struct giving {
	const uint32_t *numbers; /* of the part's texts among all */
	size_t count;
	facts_row_function *each;
	void *user;
};

static uint32_t number_of(const struct giving *giving, uint32_t number)
{
	return number < giving->count ? giving->numbers[number] : 0;
}

static void give(const struct giving *giving, struct facts_row *row)
{
	row->user = number_of(giving, row->user);
	row->source = number_of(giving, row->source);
	row->cause = number_of(giving, row->cause);
	if (row->type == EVENT_auth_success)
		row->role_or_count = number_of(giving, row->role_or_count);
	giving->each(giving->user, row);
}

static bool give_rows(const struct giving *giving, const struct spool *file, const struct facts_part *part,
		      struct facts_row *room)
{
	bool whole = file->fd >= 0;

	for (uint64_t at = 0; at < part->count && whole;) {
		size_t count = part->count - at < ROWS_READ ? (size_t)(part->count - at) : ROWS_READ;

		whole = spool_read(file, part->offset + at * sizeof(*room), room, count * sizeof(*room));
		for (size_t i = 0; i < count && whole; i++)
			give(giving, &room[i]);
		at += count;
	}
	return whole;
}

bool facts_rows(const struct facts *facts, facts_row_function *each, void *user)
{
	struct facts_row *room = mem_alloc(ROWS_READ * sizeof(*room));
	bool whole = room != NULL;

	if (room == NULL)
		errno = ENOMEM;
	for (size_t i = 0; i < facts->parts.count && whole; i++) {
		const struct facts_part *part = &facts->parts.list[i];
		const struct spool file = open_part(facts, part);
		size_t end = i + 1 < facts->parts.count ? part[1].names : facts->number_count;

		whole = give_rows(&(struct giving){ (const uint32_t *)facts->numbers.map + part->names,
						    end - part->names, each, user },
				  &file, part, room);
		close_part(part, &file);
	}
	mem_free(room);
	return whole;
}

static bool give_lines(const struct spool *file, uint64_t at, uint64_t end, uint8_t *room, facts_line_function *each,
		       void *user)
{
	bool whole = file->fd >= 0;

	while (at < end && whole) {
		size_t part = end - at < LINES_ROOM ? (size_t)(end - at) : LINES_ROOM;
		const uint8_t *lf, *from = room;

		whole = spool_read(file, at, room, part);
		if (!whole)
			break;
		while ((lf = memchr(from, '\n', part - (size_t)(from - room))) != NULL) {
			each(user, slice(from, (size_t)(lf - from)));
			from = lf + 1;
		}
		if (from == room) { /* no line is as long: it is not what was written */
			errno = EIO;
			whole = false;
		}
		at += (uint64_t)(from - room);
	}
	return whole;
}

bool facts_lines(const struct facts *facts, facts_line_function *each, void *user)
{
	uint8_t *room = mem_alloc(LINES_ROOM);
	bool whole = room != NULL;

	if (room == NULL)
		errno = ENOMEM;
	for (size_t i = 0; i < facts->parts.count && whole; i++) {
		const struct facts_part *part = &facts->parts.list[i];
		const struct spool file = open_part(facts, part);
		uint64_t at = part->offset + part->sizes[FACTS_ROWS] + part->sizes[FACTS_NAMES];

		whole = give_lines(&file, at, at + part->sizes[FACTS_LINES], room, each, user);
		close_part(part, &file);
	}
	mem_free(room);
	return whole;
}
