/* The history: checkpoints of a segment, one behind the other, an empty line behind each. A verifier reads them all, so
 * that half a one must not stay: what is behind the part that is known to be on the disk is kept in memory, and when
 * writing or syncing fails the file is cut there and written on from there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "record/ledger_parts.h"

static const char lead[] = "\xe2\x80\x94"; /* begins each signature */

enum { TAIL = 32768 }; /* more than two notes */
_Static_assert(TAIL > 3 * CHECKPOINT_SIZE, "TAIL");
struct tail {
	uint8_t bytes[TAIL];
	uint64_t offset; /* of the first note in bytes */
	struct fw_slice notes;
};

static bool history_path(const struct ledger *ledger, uint64_t segment, char ret_path[STORAGE_PATH])
{
	char name[SEGMENT_NAME];

	segment_name(segment, ".checkpoints", name);
	return storage_path(ledger->options.directory, name, ret_path);
}

static int open_history(struct ledger *ledger, uint64_t segment, int flags)
{
	struct ledger_notes *notes = &ledger->notes;
	char path[STORAGE_PATH];
	struct stat stat;

	if (!history_path(ledger, segment, path))
		return -1;
	notes->fd = ledger->storage->open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (notes->fd < 0)
		return -1;
	if (fstat(notes->fd, &stat) != 0) {
		ledger_notes_close(ledger);
		return -1;
	}
	notes->segment = segment;
	notes->synced = (uint64_t)stat.st_size;
	notes->written = 0;
	notes->torn = false;
	return 0;
}

void ledger_notes_close(struct ledger *ledger)
{
	if (ledger->notes.fd >= 0)
		close(ledger->notes.fd);
	ledger->notes.fd = -1;
	buf_clear(&ledger->notes.unsynced, &ledger->pool);
}

/* Back to what is known to be good. */
static int cut_back(struct ledger *ledger)
{
	struct ledger_notes *notes = &ledger->notes;

	if (!notes->torn)
		return 0;
	if (ledger->storage->truncate(notes->fd, (off_t)notes->synced) != 0)
		return -1;
	notes->written = 0;
	notes->torn = false;
	return 0;
}

static int flush(struct ledger *ledger, bool sync)
{
	struct ledger_notes *notes = &ledger->notes;
	size_t size = buf_size(&notes->unsynced);
	int reason;

	if (cut_back(ledger) != 0)
		return -1;
	notes->written += storage_write_all(ledger->storage, notes->fd, buf_data(&notes->unsynced) + notes->written,
					    size - notes->written);
	/* After a sync that failed a second one says nothing: what it was about is written anew. */
	if (notes->written != size || (sync && ledger->storage->sync(notes->fd) != 0)) {
		reason = errno;
		notes->torn = true;
		cut_back(ledger);
		errno = reason;
		return -1;
	}
	if (sync || ledger->options.sync == LEDGER_SYNC_NONE) {
		notes->synced += size;
		notes->written = 0;
		buf_clear(&notes->unsynced, &ledger->pool);
	}
	return 0;
}

/* The history of the segment that is written; that of the one before is left behind whole. */
static int turn_to_segment(struct ledger *ledger)
{
	struct ledger_notes *notes = &ledger->notes;

	if (notes->fd >= 0 && notes->segment == ledger->segment_first)
		return 0;
	if (notes->fd >= 0) {
		if (flush(ledger, ledger->options.sync != LEDGER_SYNC_NONE) != 0)
			return -1;
		ledger_notes_close(ledger);
	}
	return open_history(ledger, ledger->segment_first, O_CREAT);
}

int ledger_notes_add(struct ledger *ledger, struct fw_slice note, bool sync)
{
	struct ledger_notes *notes = &ledger->notes;
	size_t before;

	if (turn_to_segment(ledger) != 0)
		return -1;
	before = buf_size(&notes->unsynced);
	if (buf_append(&notes->unsynced, &ledger->pool, note.data, note.size) != 0 ||
	    buf_append(&notes->unsynced, &ledger->pool, "\n", 1) != 0) {
		buf_cut(&notes->unsynced, before);
		errno = ENOMEM;
		return -1;
	}
	if (flush(ledger, sync) == 0)
		return 0;
	buf_cut(&notes->unsynced, before);
	return -1;
}

/* The last octets of a history from the beginning of a note on. False with errno. */
static bool read_tail(const struct ledger *ledger, uint64_t segment, struct tail *ret_tail)
{
	char path[STORAGE_PATH];
	const uint8_t *at = ret_tail->bytes, *end;
	struct stat stat;
	ssize_t got = -1;
	int fd;

	if (!history_path(ledger, segment, path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	ret_tail->offset = 0;
	if (fstat(fd, &stat) == 0) {
		ret_tail->offset = stat.st_size > TAIL ? (uint64_t)(stat.st_size - TAIL) : 0;
		got = pread(fd, ret_tail->bytes, TAIL, (off_t)ret_tail->offset);
	}
	close(fd);
	if (got < 0)
		return false;
	end = ret_tail->bytes + got;
	/* Of the two empty lines of a note the one behind it has no signature after it. */
	while (ret_tail->offset != 0 && at < end) {
		at = memmem(at, (size_t)(end - at), "\n\n", 2);
		at = at != NULL ? at + 2 : end;
		if (!slice_starts(slice(at, (size_t)(end - at)), lead))
			break;
	}
	ret_tail->offset += (uint64_t)(at - ret_tail->bytes);
	ret_tail->notes = slice(at, (size_t)(end - at));
	return true;
}

/* The next note, and whether its empty line is there. */
static bool next_note(struct fw_slice *notes, struct fw_slice *ret_note, bool *ret_whole)
{
	const uint8_t *end = notes->data + notes->size;

	if (!checkpoint_next(notes, ret_note))
		return false;
	*ret_whole = ret_note->data + ret_note->size != end;
	return true;
}

bool ledger_notes_newest(const struct ledger *ledger, uint64_t segment, struct checkpoint *ret_checkpoint)
{
	struct fw_slice notes, note;
	struct tail tail;
	bool found = false, whole;

	if (!read_tail(ledger, segment, &tail))
		return false;
	for (notes = tail.notes; next_note(&notes, &note, &whole);)
		found = (whole && note_verify(&ledger->key, note) == NOTE_HOLDS &&
			 checkpoint_read(note, ret_checkpoint)) ||
			found;
	ret_checkpoint->origin = slice(NULL, 0); /* it was of the buffer here */
	return found;
}

/* Only the end can be torn: what is before the tail was written whole. */
int ledger_notes_mend(struct ledger *ledger, uint64_t segment, uint64_t *cut)
{
	struct fw_slice notes, note = { 0 };
	struct tail tail;
	uint64_t good;
	bool whole = true;

	if (!read_tail(ledger, segment, &tail))
		return errno == ENOENT ? 0 : -1;
	for (notes = tail.notes; next_note(&notes, &note, &whole);)
		;
	if (open_history(ledger, segment, 0) != 0)
		return -1;
	good = tail.offset + (uint64_t)(whole ? 0 : note.data - tail.notes.data);
	if (!whole) {
		*cut += ledger->notes.synced - good;
		ledger->notes.synced = good;
		ledger->notes.torn = true;
	}
	return flush(ledger, ledger->options.sync != LEDGER_SYNC_NONE);
}
