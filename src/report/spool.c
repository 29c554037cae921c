#include "report/spool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "record/storage.h"

enum { ROOM = 1 << 18 };

bool spool_open(struct spool *spool, int fd)
{
	*spool = (struct spool){ .fd = fd };
	if (fd < 0)
		return false;
	spool->buffer = mem_alloc(ROOM);
	if (spool->buffer == NULL)
		errno = ENOMEM;
	return spool->buffer != NULL && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0;
}

void spool_fini(struct spool *spool)
{
	if (spool->buffer != NULL || spool->fd > 0)
		close(spool->fd);
	mem_free(spool->buffer);
	*spool = (struct spool){ .fd = -1 };
}

bool spool_flush(struct spool *spool)
{
	if (spool->failed == 0 &&
	    storage_write_all(&storage_system, spool->fd, spool->buffer, spool->held) != spool->held)
		spool->failed = errno != 0 ? errno : EIO;
	spool->held = 0;
	errno = spool->failed;
	return spool->failed == 0;
}

void spool_add(struct spool *spool, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	spool->size += size;
	while (size != 0) {
		size_t part = size < ROOM - spool->held ? size : ROOM - spool->held;

		memcpy(spool->buffer + spool->held, from, part);
		spool->held += part;
		from += part;
		size -= part;
		if (spool->held == ROOM)
			spool_flush(spool);
	}
}

bool spool_read(const struct spool *spool, uint64_t offset, void *ret_bytes, size_t size)
{
	uint8_t *to = ret_bytes;

	while (size != 0) {
		ssize_t got = pread(spool->fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0)
				errno = EIO; /* shorter than it was */
			return false;
		}
		to += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}
