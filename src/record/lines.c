#include "record/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/archive.h"

static int make_buffer(struct lines *lines)
{
	lines->buffer = mem_alloc(LINES_ROOM);
	if (lines->buffer != NULL)
		return 0;
	lines_close(lines);
	errno = ENOMEM;
	return -1;
}

int lines_open_archive(struct lines *lines, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*lines = (struct lines){ .fd = -1 };
	if (fd >= 0)
		lines->archive = archive_open(fd);
	return lines->archive != NULL ? make_buffer(lines) : -1;
}

uint64_t lines_size(const struct lines *lines)
{
	struct stat stat;

	if (lines->archive != NULL)
		return archive_size(lines->archive);
	return fstat(lines->fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
}

int lines_open(struct lines *lines, const char *path)
{
	*lines = (struct lines){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
	return lines->fd >= 0 ? make_buffer(lines) : -1;
}

void lines_close(struct lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	archive_close(lines->archive);
	mem_free(lines->buffer);
	*lines = (struct lines){ .fd = -1 };
}

void lines_seek(struct lines *lines, uint64_t offset)
{
	lines->start = lines->end = 0;
	lines->offset = offset;
}

static ssize_t read_at(struct lines *lines, uint8_t *to, size_t room, uint64_t offset)
{
	if (lines->archive != NULL)
		return archive_read(lines->archive, to, room, offset);
	return pread(lines->fd, to, room, (off_t)offset);
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
		got = read_at(lines, lines->buffer + lines->end, LINES_ROOM - lines->end, lines->offset + lines->end);
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
