#include "record/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { TAIL = 65536, PATH_ROOM = 4096 };

struct jsonl_file {
	int fd;
	uint64_t last_sequence;
	uint8_t *kept; /* what could not be written yet */
	size_t kept_size, kept_room;
};

static int make_folders(const char *directory)
{
	char path[PATH_ROOM];
	int length = snprintf(path, sizeof(path), "%s", directory);

	if (length <= 0 || (size_t)length >= sizeof(path)) {
		errno = length <= 0 ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	for (char *at = path + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -1;
		*at = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

static uint64_t sequence_in(const char *line)
{
	const char *at = strstr(line, "\",\"sequence\":");
	uint64_t sequence = 0;

	if (at == NULL)
		return 0;
	for (at += strlen("\",\"sequence\":"); *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(sequence, 10u, &sequence) ||
		    __builtin_add_overflow(sequence, (unsigned)(*at - '0'), &sequence))
			return 0;
	return sequence;
}

/* Reads the end of the file: where numbering goes on, and whether the last line is whole. */
static int look_back(struct jsonl_file *file, bool *ret_torn)
{
	char *tail = mem_alloc(TAIL + 1), *line;
	off_t end = lseek(file->fd, 0, SEEK_END);
	off_t from = end > TAIL ? end - TAIL : 0;
	ssize_t size;

	*ret_torn = false;
	if (tail == NULL || end < 0)
		goto failed;
	size = pread(file->fd, tail, TAIL, from);
	if (size < 0)
		goto failed;
	tail[size] = '\0';
	*ret_torn = size > 0 && tail[size - 1] != '\n';
	while (size > 0 && file->last_sequence == 0) {
		tail[size] = '\0';
		line = memrchr(tail, '\n', (size_t)size - (tail[size - 1] == '\n'));
		line = line != NULL ? line + 1 : tail;
		file->last_sequence = sequence_in(line);
		size = line - tail;
	}
	mem_free(tail);
	return 0;
failed:
	mem_free(tail);
	return -1;
}

struct jsonl_file *jsonl_open(const char *directory)
{
	struct jsonl_file *file = mem_zero(1, sizeof(*file));
	char path[PATH_ROOM];
	bool torn;

	if (file == NULL)
		return NULL;
	file->fd = -1;
	if (make_folders(directory) != 0)
		return jsonl_close(file);
	if ((size_t)snprintf(path, sizeof(path), "%s/security_audit.log", directory) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return jsonl_close(file);
	}
	file->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0 || look_back(file, &torn) != 0)
		return jsonl_close(file);
	/* A line that a crash cut short stays as it is; the next one begins on its own. */
	if (torn && jsonl_append(file, (const uint8_t *)"\n", 1) != 0 && errno == ENOMEM)
		return jsonl_close(file);
	return file;
}

uint64_t jsonl_last_sequence(const struct jsonl_file *file)
{
	return file->last_sequence;
}

size_t jsonl_waiting(const struct jsonl_file *file)
{
	return file->kept_size;
}

/* Room for the whole before anything is written: what then cannot be written can be kept. */
static int keep_room(struct jsonl_file *file, size_t size)
{
	size_t room = file->kept_room != 0 ? file->kept_room : 4096;
	uint8_t *larger;

	if (!size_add(file->kept_size, size, &size))
		goto failed;
	if (size <= file->kept_room)
		return 0;
	while (room < size)
		if (!size_mul(room, 2, &room))
			goto failed;
	larger = mem_resize(file->kept, room);
	if (larger == NULL)
		goto failed;
	file->kept = larger;
	file->kept_room = room;
	return 0;
failed:
	errno = ENOMEM;
	return -1;
}

static size_t write_all(int fd, const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t written = write(fd, bytes + done, size - done);

		if (written > 0)
			done += (size_t)written;
		else if (written < 0 && errno == EINTR)
			continue;
		else
			break;
	}
	return done;
}

int jsonl_append(struct jsonl_file *file, const uint8_t *lines, size_t size)
{
	size_t done;

	if (keep_room(file, size) != 0)
		return -1;
	if (file->kept_size == 0) { /* the common case copies nothing */
		done = write_all(file->fd, lines, size);
		lines += done;
		size -= done;
		if (size == 0)
			return 0;
	}
	if (size != 0)
		memcpy(file->kept + file->kept_size, lines, size);
	file->kept_size += size;
	done = write_all(file->fd, file->kept, file->kept_size);
	file->kept_size -= done;
	if (file->kept_size == 0) {
		mem_free(file->kept);
		file->kept = NULL;
		file->kept_room = 0;
		return 0;
	}
	memmove(file->kept, file->kept + done, file->kept_size);
	return -1;
}

struct jsonl_file *jsonl_close(struct jsonl_file *file)
{
	int reason = errno;

	if (file == NULL)
		return NULL;
	if (file->fd >= 0)
		close(file->fd);
	mem_free(file->kept);
	mem_free(file);
	errno = reason; /* of the caller's failure, not of closing */
	return NULL;
}
