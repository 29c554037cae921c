#include "record/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"

/* The seekable format: a skippable frame of entries (compressed size, size) and a footer. */
enum {
	LEVEL = 6,
	ENTRY = 8,
	HEADER = 8,
	FOOTER = 9,
	FRAMES_MOST = 1 << 22 /* a segment of 1 TiB */
};
static const uint32_t skippable = 0x184D2A5E, seekable = 0x8F92EAB1;

struct frame {
	uint64_t at, offset; /* of what is compressed; of what was */
	uint32_t size;	     /* compressed */
};

struct archive {
	int fd;
	ZSTD_DCtx *context;
	struct frame *frames; /* and one behind the last */
	size_t count, kept;   /* kept: the frame that text has; count: none */
	uint8_t *text, *packed;
	size_t packed_room;
};

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void write_u32(uint8_t *ret_bytes, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		ret_bytes[i] = (uint8_t)(value >> 8 * i);
}

static bool read_at(int fd, void *ret_bytes, size_t size, uint64_t offset)
{
	uint8_t *to = ret_bytes;

	while (size != 0) {
		ssize_t got = pread(fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got == 0 ? EBADMSG : errno;
			return false;
		}
		to += got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
	return true;
}

struct archive *archive_close(struct archive *archive)
{
	if (archive == NULL)
		return NULL;
	if (archive->fd >= 0)
		close(archive->fd);
	ZSTD_freeDCtx(archive->context);
	mem_free(archive->frames);
	mem_free(archive->text);
	mem_free(archive->packed);
	mem_free(archive);
	return NULL;
}

static bool fails(int reason)
{
	errno = reason;
	return false;
}

/* Every size is checked against the file's: nothing in it makes a reader allocate or seek beyond. */
static bool read_entries(struct archive *archive, const uint8_t *entries, uint64_t table_at)
{
	uint64_t at = 0, offset = 0;

	for (size_t i = 0; i < archive->count; i++) {
		uint32_t packed = read_u32(entries + i * ENTRY), size = read_u32(entries + i * ENTRY + 4);

		if (packed == 0 || packed > ZSTD_COMPRESSBOUND(ARCHIVE_FRAME) || size == 0 || size > ARCHIVE_FRAME ||
		    (size != ARCHIVE_FRAME && i + 1 != archive->count))
			return fails(EBADMSG);
		archive->frames[i] = (struct frame){ at, offset, packed };
		at += packed;
		offset += size;
		archive->packed_room = packed > archive->packed_room ? packed : archive->packed_room;
	}
	archive->frames[archive->count] = (struct frame){ at, offset, 0 };
	return at == table_at || fails(EBADMSG);
}

static bool read_table(struct archive *archive)
{
	uint8_t footer[FOOTER], header[HEADER], *entries;
	struct stat stat;
	uint64_t size, table;
	bool done;

	if (fstat(archive->fd, &stat) != 0)
		return false;
	size = (uint64_t)stat.st_size;
	if (size < HEADER + FOOTER)
		return fails(EBADMSG);
	if (!read_at(archive->fd, footer, FOOTER, size - FOOTER))
		return false;
	archive->count = read_u32(footer);
	table = HEADER + (uint64_t)archive->count * ENTRY + FOOTER;
	if (read_u32(footer + 5) != seekable || footer[4] != 0 || archive->count == 0 || archive->count > FRAMES_MOST ||
	    table > size)
		return fails(EBADMSG);
	if (!read_at(archive->fd, header, HEADER, size - table))
		return false;
	if (read_u32(header) != skippable || read_u32(header + 4) != table - HEADER)
		return fails(EBADMSG);
	entries = mem_alloc(archive->count * ENTRY);
	archive->frames = mem_zero(archive->count + 1, sizeof(*archive->frames));
	if (entries == NULL || archive->frames == NULL) {
		mem_free(entries);
		return fails(ENOMEM);
	}
	done = read_at(archive->fd, entries, archive->count * ENTRY, size - table + HEADER) &&
	       read_entries(archive, entries, size - table);
	mem_free(entries);
	return done;
}

struct archive *archive_open(int fd)
{
	struct archive *archive = mem_zero(1, sizeof(*archive));
	int reason;

	if (archive == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	archive->fd = fd;
	if (read_table(archive)) {
		archive->kept = archive->count;
		archive->context = ZSTD_createDCtx();
		archive->text = mem_alloc(ARCHIVE_FRAME);
		archive->packed = mem_alloc(archive->packed_room);
		errno = ENOMEM;
		if (archive->context != NULL && archive->text != NULL && archive->packed != NULL)
			return archive;
	}
	reason = errno;
	archive_close(archive);
	errno = reason;
	return NULL;
}

uint64_t archive_size(const struct archive *archive)
{
	return archive->frames[archive->count].offset;
}

static bool unpack(struct archive *archive, size_t number)
{
	const struct frame *frame = &archive->frames[number];
	size_t size = (size_t)(frame[1].offset - frame->offset), got;

	if (archive->kept == number)
		return true;
	archive->kept = archive->count;
	if (!read_at(archive->fd, archive->packed, frame->size, frame->at))
		return false;
	got = ZSTD_decompressDCtx(archive->context, archive->text, size, archive->packed, frame->size);
	if (ZSTD_isError(got) || got != size)
		return fails(EBADMSG);
	archive->kept = number;
	return true;
}

ssize_t archive_read(struct archive *archive, void *ret_bytes, size_t size, uint64_t offset)
{
	size_t number = (size_t)(offset / ARCHIVE_FRAME), from = (size_t)(offset % ARCHIVE_FRAME), left;

	if (offset >= archive_size(archive) || size == 0)
		return 0;
	if (!unpack(archive, number))
		return -1;
	left = (size_t)(archive->frames[number + 1].offset - offset);
	size = size < left ? size : left;
	memcpy(ret_bytes, archive->text + from, size);
	return (ssize_t)size;
}

struct making {
	const struct storage *storage;
	int from, to;
	ZSTD_CCtx *context;
	uint8_t *text, *packed, *entries;
	size_t count, room;
};

static bool note_frame(struct making *making, size_t packed, size_t size)
{
	if (making->count == making->room) {
		size_t room = making->room != 0 ? 2 * making->room : 256;
		uint8_t *larger = mem_resize(making->entries, HEADER + room * ENTRY + FOOTER);

		if (larger == NULL)
			return fails(ENOMEM);
		making->entries = larger;
		making->room = room;
	}
	write_u32(making->entries + HEADER + making->count * ENTRY, (uint32_t)packed);
	write_u32(making->entries + HEADER + making->count * ENTRY + 4, (uint32_t)size);
	making->count++;
	return true;
}

static bool write_table(struct making *making)
{
	size_t size = making->count * ENTRY;
	uint8_t *table = making->entries, *footer = table + HEADER + size;

	write_u32(table, skippable);
	write_u32(table + 4, (uint32_t)(size + FOOTER));
	write_u32(footer, (uint32_t)making->count);
	footer[4] = 0; /* no checksums here: the frames have their own */
	write_u32(footer + 5, seekable);
	return storage_write_all(making->storage, making->to, table, HEADER + size + FOOTER) == HEADER + size + FOOTER;
}

/* Octets of the file from offset on, as many as make a frame or are left. */
static ssize_t read_frame(const struct making *making, uint64_t offset)
{
	size_t size = 0;

	while (size < ARCHIVE_FRAME) {
		ssize_t got = pread(making->from, making->text + size, ARCHIVE_FRAME - size, (off_t)(offset + size));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

static bool write_frames(struct making *making)
{
	uint64_t offset = 0;
	ssize_t size;

	while ((size = read_frame(making, offset)) > 0) {
		size_t packed = ZSTD_compress2(making->context, making->packed, ZSTD_COMPRESSBOUND(ARCHIVE_FRAME),
					       making->text, (size_t)size);

		if (ZSTD_isError(packed))
			return fails(ENOMEM);
		if (storage_write_all(making->storage, making->to, making->packed, packed) != packed ||
		    !note_frame(making, packed, (size_t)size))
			return false;
		offset += (uint64_t)size;
	}
	if (size == 0 && making->count == 0)
		return fails(EINVAL); /* an empty file */
	return size == 0 && write_table(making);
}

static bool holds_the_same(struct making *making, const char *path)
{
	struct archive *archive = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t offset = 0;
	ssize_t size;
	bool same;

	if (fd >= 0)
		archive = archive_open(fd);
	if (archive == NULL)
		return false;
	while ((size = read_frame(making, offset)) > 0) {
		if (archive_read(archive, making->packed, (size_t)size, offset) != size ||
		    memcmp(making->packed, making->text, (size_t)size) != 0)
			break;
		offset += (uint64_t)size;
	}
	same = size == 0 && archive_size(archive) == offset;
	archive_close(archive);
	return same || fails(EBADMSG);
}

static bool make(struct making *making, const char *from, const char *fresh)
{
	making->from = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (making->from < 0)
		return false;
	making->to = making->storage->open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (making->to < 0)
		return false;
	making->context = ZSTD_createCCtx();
	making->text = mem_alloc(ARCHIVE_FRAME);
	making->packed = mem_alloc(ZSTD_COMPRESSBOUND(ARCHIVE_FRAME));
	if (making->context == NULL || making->text == NULL || making->packed == NULL)
		return fails(ENOMEM);
	ZSTD_CCtx_setParameter(making->context, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(making->context, ZSTD_c_checksumFlag, 1);
	return write_frames(making) && making->storage->sync(making->to) == 0 && holds_the_same(making, fresh);
}

int archive_make(const struct storage *storage, const char *from, const char *to)
{
	struct making making = { .storage = storage, .from = -1, .to = -1 };
	char fresh[STORAGE_PATH + 8];
	bool made;
	int reason;

	snprintf(fresh, sizeof(fresh), "%s.new", to);
	made = make(&making, from, fresh) && storage->rename(fresh, to) == 0;
	reason = errno;
	if (!made && making.to >= 0)
		storage->remove(fresh);
	if (making.from >= 0)
		close(making.from);
	if (making.to >= 0)
		close(making.to);
	ZSTD_freeCCtx(making.context);
	mem_free(making.text);
	mem_free(making.packed);
	mem_free(making.entries);
	errno = reason;
	return made ? 0 : -1;
}
