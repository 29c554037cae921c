#include "record/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"

int lines_open(struct lines *lines, const char *path)
{
	int reason;

	*lines = (struct lines){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
	if (lines->fd < 0)
		return -1;
	lines->buffer = mem_alloc(LINES_ROOM);
	if (lines->buffer != NULL)
		return 0;
	reason = ENOMEM;
	lines_close(lines);
	errno = reason;
	return -1;
}

void lines_close(struct lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	mem_free(lines->buffer);
	*lines = (struct lines){ .fd = -1 };
}

void lines_seek(struct lines *lines, uint64_t offset)
{
	lines->start = lines->end = 0;
	lines->offset = offset;
}

/* Octets got, 0 at the end of the file or of the room. */
static ssize_t fill(struct lines *lines)
{
	ssize_t got;

	if (lines->start != 0) {
		memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
		lines->end -= lines->start;
		lines->start = 0;
	}
	do
		got = pread(lines->fd, lines->buffer + lines->end, LINES_ROOM - lines->end,
			    (off_t)(lines->offset + lines->end));
	while (got < 0 && errno == EINTR);
	lines->end += got > 0 ? (size_t)got : 0;
	return got;
}

int lines_next(struct lines *lines, struct fw_slice *ret_line, bool *ret_whole)
{
	size_t looked = 0, size;

	for (;;) {
		const uint8_t *from = lines->buffer + lines->start;
		const uint8_t *found = memchr(from + looked, '\n', lines->end - lines->start - looked);
		ssize_t got;

		if (found != NULL) {
			size = (size_t)(found - from);
			*ret_whole = true;
			break;
		}
		looked = lines->end - lines->start;
		got = fill(lines);
		if (got < 0)
			return -1;
		if (got == 0) {
			size = lines->end;
			*ret_whole = false;
			if (size == 0)
				return 0;
			break;
		}
	}
	*ret_line = slice(lines->buffer + lines->start, size);
	size += *ret_whole;
	lines->start += size;
	lines->offset += size;
	return 1;
}
