/* ledger_parts.h: the inside of a ledger, for its own files. */
#ifndef RECORD_LEDGER_PARTS_H
#define RECORD_LEDGER_PARTS_H
#include "base/event_type.h"
#include "base/limits.h"
#include "base/pool.h"
#include "crypto/note.h"
#include "record/checkpoint.h"
#include "record/ledger.h"
#include "record/segment.h"

#define LEDGER_RETRY_NS ((uint64_t)100000000)
#define LEDGER_SECOND_NS ((uint64_t)1000000000)
#define LEDGER_STRONG_NS ((uint64_t)60000000000)

struct ledger_tile { /* full, not yet in its file */
	struct ledger_tile *next;
	unsigned level;
	uint64_t index;
	struct merkle_hash hashes[MERKLE_TILE];
};

/* ledger_notes.c: the checkpoints of a segment. Those behind synced are kept until they are known to be on the disk. */
struct ledger_notes {
	int fd; /* -1: none is open */
	uint64_t segment;
	uint64_t synced; /* octets */
	struct buf unsynced;
	size_t written; /* of unsynced */
	bool torn;	/* behind synced the file may hold anything */
};

struct ledger {
	struct ledger_options options;
	char *texts[3]; /* of options */
	uint8_t levels[EVENT_TYPES];
	const struct storage *storage;
	struct pool pool;

	/* ledger_keys.c */
	struct note_key key;	    /* of the ledger: never changes */
	struct note_key epoch;	    /* signs beside it until it is erased */
	struct note_key next_epoch; /* announced, not yet signed for */
	uint64_t epoch_number;
	uint64_t epoch_began_ns;

	/* what was taken */
	uint64_t sequence;
	uint64_t own[EVENT_TYPES]; /* of these, made here */
	uint8_t chain[32];
	struct merkle_tree tree;
	struct ledger_tile *tiles, **tiles_end;
	unsigned tile_count;

	/* ledger_write.c: lines first … sequence; written octets of them are in the file but perhaps not on the disk */
	struct buf lines;
	uint64_t first;
	size_t written;
	int fd; /* of the segment; -1: there is none yet */
	uint64_t segment_first;
	uint64_t segment_size;	   /* octets in the file, counting none of lines */
	uint64_t segment_began_us; /* by the clock of its first record, so that restarts do not make it young again */
	bool condemned;		   /* a sync failed: nothing more goes into this file */
	bool write_failed;	   /* the latest attempt */
	uint64_t synced_ns;
	uint64_t failed_since_us; /* 0: writing works */
	int failed_reason;
	uint64_t failed_waited; /* records, at most at one time */
	uint64_t durable;

	/* ledger_checkpoint.c */
	uint64_t checkpoint_size;
	uint64_t checkpoint_ns;
	uint64_t checkpoint_synced_ns;
	uint64_t strong_ns; /* when one was signed with ML-DSA-65, too; 0: none of this epoch since the start */
	uint64_t sign_tried_ns;
	int unsigned_reason;

	struct ledger_notes notes;
};

/* ledger_keys.c. NULL, or what failed (errno). */
const char *ledger_keys_open(struct ledger *ledger);
/* Retires keys and checkpoints: the next ledger of this folder is another one. */
int ledger_keys_set_aside(struct ledger *ledger, const char *suffix);
/* Announces a new epoch's key in a record, has the old key sign that, and erases the old one. */
int ledger_keys_next_epoch(struct ledger *ledger, struct ledger_time now);

/* ledger_open.c: what a crash left, made whole. NULL, or what failed (errno). */
const char *ledger_recover(struct ledger *ledger, struct ledger_time now);

/* ledger_write.c */
int ledger_write(struct ledger *ledger, struct ledger_time now, bool sync);
void ledger_end_full_segment(struct ledger *ledger, struct ledger_time now);
void ledger_point_link(struct ledger *ledger);

/* ledger_checkpoint.c */
void ledger_keep_tile(void *ledger, unsigned level, uint64_t index, const struct merkle_hash *hashes);
bool ledger_read_tile(void *directory, unsigned level, uint64_t index, unsigned width,
		      struct merkle_hash ret_hashes[MERKLE_TILE]);
int ledger_write_full_tiles(struct ledger *ledger);
/* Of all that was taken, which is written and synced first. must_stay: it is on the disk when this returns. */
int ledger_checkpoint(struct ledger *ledger, struct ledger_time now, bool must_stay);

/* ledger_notes.c: a note with the empty line behind it, into the history of the present segment. */
int ledger_notes_add(struct ledger *ledger, struct fw_slice note, bool sync);
/* The newest note of a segment's history that holds, without its origin; false: there is none. */
bool ledger_notes_newest(const struct ledger *ledger, uint64_t segment, struct checkpoint *ret_checkpoint);
/* Opens a history that a crash may have left with half a note, which is cut off; its octets are added to *cut. */
int ledger_notes_mend(struct ledger *ledger, uint64_t segment, uint64_t *cut);
void ledger_notes_close(struct ledger *ledger);

/* ledger_lost.c: what was lost at the last stop, 0 when nothing was. Best effort: without the file standard error told.
 */
void ledger_lost_prepare(struct ledger *ledger);
void ledger_lost_read(const struct ledger *ledger, uint64_t *ret_records, uint64_t *ret_octets);
void ledger_lost_write(struct ledger *ledger, uint64_t records, uint64_t octets);

/* ledger.c: a record of the ledger's own. */
struct fw_record ledger_own_record(struct ledger *ledger, uint16_t type, struct ledger_time now);
int ledger_add_own(struct ledger *ledger, const struct fw_record *record); /* as ledger_add */
void ledger_detail_text(struct fw_record *record, const char *key, struct fw_slice text);
void ledger_detail_number(struct fw_record *record, const char *key, uint64_t number);
#endif
