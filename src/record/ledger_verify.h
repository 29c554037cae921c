/* ledger_verify.h: does a ledger hold? Reads the files of a running server as well as those of one that has ended;
 * writes nothing, needs no private key. Any thread. */
#ifndef RECORD_LEDGER_VERIFY_H
#define RECORD_LEDGER_VERIFY_H
#include "crypto/note.h"
#include "record/merkle.h"

enum { LEDGER_FILE = 64, LEDGER_EXPORTED = 16, LEDGER_ANNOUNCED = 16 };

/* What was verified up to the beginning of the last segment: the next time it can go on from there. Plain octets, which
 * whoever keeps them has to guard: verifying believes them. That the segments before are still those files is his
 * business, too. All zero: from the beginning. */
struct ledger_resume {
	uint64_t segment; /* its first record; tree.size is the one before */
	struct merkle_tree tree;
	uint8_t chain[32];
	uint64_t holds_to;
	uint64_t segments, checkpoints, epochs;
	char epoch[NOTE_VERIFIER + 1]; /* its key */
	char announced[LEDGER_ANNOUNCED][NOTE_VERIFIER + 1];
	uint8_t vouched[LEDGER_ANNOUNCED];
	uint32_t announced_count;
	/* of the signatures with ML-DSA-65: see struct ledger_report; begun, strong: the epoch has signed a checkpoint,
	 * the last of these was signed so */
	uint64_t strong_to, strong, unchecked;
	uint8_t begun, strong_last;
};

/* A record whose chain holds; whether its checkpoint does shows later. False ends it all: ECANCELED. */
typedef bool ledger_record_function(void *user, struct fw_slice line, uint64_t sequence);
/* The beginning of a segment: options->resume is the state there (segment 0: none to go on from). */
typedef void ledger_segment_function(void *user);

struct ledger_verify_options {
	const char *directory;
	const char *anchor;		/* a copy of the file "anchor" kept elsewhere; NULL: the one in the folder */
	const char *const *checkpoints; /* files of checkpoints kept elsewhere */
	size_t checkpoint_count;
	ledger_record_function *record;	  /* NULL: nobody wants them */
	ledger_segment_function *segment; /* NULL, or with resume: of each that is read, and of until */
	void *user;
	struct ledger_resume *resume; /* NULL, or where to go on; afterwards where to go on the next time */
	uint64_t until; /* 0: to the end; else the first record of a segment: what stands before it alone, and resume
			   becomes the state there (segment 0: it has none) */
};

struct ledger_report {
	bool holds;
	uint64_t first, last; /* records read */
	uint64_t removed;     /* records before the first that were removed, as a signed note says */
	uint64_t signed_size; /* of the latest checkpoint: records up to this one cannot have been changed */
	uint64_t segments, checkpoints, epochs, exported;
	uint64_t strong_to;	    /* up to this record they are signed for with ML-DSA-65, too; 0: none is */
	uint64_t strong, unchecked; /* checkpoints that are; those which this OpenSSL cannot check */
	uint64_t torn;		    /* octets behind the last whole line: a crash, or a record being written */
	uint64_t tiles_missing;	    /* they can be made of the records */
	/* when it does not hold */
	uint64_t bad_first,
		bad_last;	/* the first record that is not as it was written is one of these; 0: no record is */
	char file[LEDGER_FILE]; /* where that shows */
	uint64_t offset;	/* octets before it in the file */
	const char *reason;	/* static text */
};
/* 0 when the report says all, or -1 with errno: it could not be read. */
int ledger_verify(const struct ledger_verify_options *options, struct ledger_report *ret_report);
#endif
