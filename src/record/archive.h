/* archive.h: a segment compressed with zstd: frames of 256 KiB of it, each with a checksum, and behind them a table of
 * their sizes in the form of zstd's seekable format, so that a reader comes to any octet by one frame. "zstd -d" makes
 * the segment of it again. One thread an archive. */
#ifndef RECORD_ARCHIVE_H
#define RECORD_ARCHIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/storage.h"

enum { ARCHIVE_FRAME = 262144 };

struct archive;
/* NULL with errno; EBADMSG: it is none. Takes fd, which is closed also on failure. */
struct archive *archive_open(int fd);
struct archive *archive_close(struct archive *archive); /* NULL-safe; returns NULL */
/* As pread of what was compressed. -1 with errno; EBADMSG: it is damaged. */
ssize_t archive_read(struct archive *archive, void *ret_bytes, size_t size, uint64_t offset);
uint64_t archive_size(const struct archive *archive); /* octets of what was compressed */
/* Makes an archive of a file and puts it in its place when it is whole and on the disk, and was read back and compared.
 * 0, or -1 with errno; then there is none. */
int archive_make(const struct storage *storage, const char *from, const char *to);
#endif
