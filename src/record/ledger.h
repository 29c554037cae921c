/* ledger.h: the record that shows it when it is changed: segments of JSON lines, each chained to the one before; a
 * Merkle tree over all lines, kept as tiles; and signed checkpoints of it. What lies where and how it is verified:
 * docs/reference/ledger.md. Owns its files and buffers. One thread. It asks for no time: that is an argument.
 *
 * A record is acknowledged when ledger_durable has reached its sequence: from then on it is in its file, and with
 * LEDGER_SYNC_GROUP and LEDGER_SYNC_EACH on the disk. What could not be written is kept in memory and tried again. */
#ifndef RECORD_LEDGER_H
#define RECORD_LEDGER_H
#include <framewall/event.h>

#include "record/storage.h"

/* In the order of the choices of audit_logging.sync. */
enum ledger_sync { LEDGER_SYNC_GROUP, LEDGER_SYNC_EACH, LEDGER_SYNC_INTERVAL, LEDGER_SYNC_NONE };

struct ledger_time {
	uint64_t wall_us;
	uint64_t monotonic_ns;
};

struct ledger_options {
	const char *directory;	   /* of the record; made when it is missing */
	const char *key_directory; /* ledger.key and ledger.epoch */
	enum ledger_sync sync;
	uint64_t segment_bytes; /* a segment of this size is the last of its size; 0: no bound */
	uint64_t segment_ns;	/* the same of its age; 0: no bound */
	uint64_t epoch_ns;	/* life of a key; 0: until the next start */
	const char *copy;	/* NULL, or a file to which each checkpoint is appended: put it on another machine */
	const uint8_t *levels;	/* of the ledger's own events, by type; NULL: as events.def has them */
	struct fw_random random;
	const struct storage *storage; /* NULL: the system's */
};

struct ledger;
/* Opens or begins a ledger, repairs what a crash left and records that. NULL: ret_text says why, in a static buffer. */
struct ledger *ledger_open(const struct ledger_options *options, struct ledger_time now, const char **reterr_text);
/* Takes a record: the line (without LF, until the next call) in *ret_line, when that is not NULL. 0, or -1: memory is
 * short, nothing was taken. */
int ledger_add(struct ledger *ledger, const struct fw_record *record, struct fw_slice *ret_line);
/* Writes what was taken, syncs as the options say, begins new segments and epochs, makes a checkpoint when one is due.
 * 0, or -1 with errno: call again later. */
int ledger_commit(struct ledger *ledger, struct ledger_time now);
uint64_t ledger_sequence(const struct ledger *ledger); /* of the record taken last */
/* EVENT_TYPES words: records that the ledger made itself, about itself, by their type. */
const uint64_t *ledger_own_counts(const struct ledger *ledger);
uint64_t ledger_durable(const struct ledger *ledger); /* of the last one that is acknowledged */
/* Why there is no checkpoint of what was written, though one is due (errno); 0: there is nothing in its way. Records
 * are kept all the same, and it is tried again. */
int ledger_unsigned(const struct ledger *ledger);
size_t ledger_waiting(const struct ledger *ledger); /* octets that are not in a file */
/* Commits, makes the last checkpoint, closes. Returns the octets that could not be written and are lost. NULL-safe. */
size_t ledger_close(struct ledger *ledger, struct ledger_time now);
#endif
