/* facts_kept.h: the files in which rows of a record's segments are kept, one a segment, and which of them are believed.
 * Anybody may read them while one process writes: a file is put in place whole. One thread. */
#ifndef REPORT_FACTS_KEPT_H
#define REPORT_FACTS_KEPT_H
#include "report/facts.h"

/* Where a record had come to. */
struct facts_point {
	uint64_t size; /* records */
	uint8_t chain[32];
	struct merkle_hash root;
	uint64_t segments, checkpoints, epochs;
};

struct facts_kept {
	int folder;	      /* -1: nothing is kept */
	bool writes;	      /* no other process does */
	int why;	      /* errno: it is not so */
	uint64_t read, noted; /* the last record that anybody had read; the same as it stands in the file */
	struct ledger_resume resume;
	/* of the segment that is read: what was before it, and its files then */
	uint64_t segment; /* 0: they are not known */
	struct facts_point before;
	uint8_t files[32];
};
/* Opens the folder and appends to parts what of it may be believed; resume is where to go on. bodies: what the files
 * hold is looked at, too. */
void facts_kept_open(struct facts_kept *kept, const struct facts_options *options, bool bodies,
		     struct facts_parts *parts);
/* resume is the beginning of a segment that is to be read. */
void facts_kept_segment(struct facts_kept *kept, const struct facts_options *options);
/* The segment was read, and resume is its end: its rows get a file. False: they are not kept (errno). */
bool facts_kept_add(struct facts_kept *kept, const struct facts_options *options, struct facts_building *building,
		    struct facts_part *part);
/* Up to there the record was read, for whoever asks the next time. Best effort. */
void facts_kept_note(struct facts_kept *kept, const struct facts_options *options, uint64_t read);
/* All is read from the beginning. */
void facts_kept_forget(struct facts_kept *kept);
/* The file of a part; -1 with errno. */
int facts_kept_file(int folder, const struct facts_part *part);
void facts_kept_close(struct facts_kept *kept);
#endif
