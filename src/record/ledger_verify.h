/* ledger_verify.h: does a ledger hold? Reads the files of a running server as well as those of one that has ended;
 * writes nothing, needs no private key. Any thread. */
#ifndef RECORD_LEDGER_VERIFY_H
#define RECORD_LEDGER_VERIFY_H
#include <framewall/types.h>

enum { LEDGER_FILE = 64, LEDGER_EXPORTED = 16 };

struct ledger_verify_options {
	const char *directory;
	const char *anchor;		/* a copy of the file "anchor" kept elsewhere; NULL: the one in the folder */
	const char *const *checkpoints; /* files of checkpoints kept elsewhere */
	size_t checkpoint_count;
};

struct ledger_report {
	bool holds;
	uint64_t first, last; /* records read */
	uint64_t signed_size; /* of the latest checkpoint: records up to this one cannot have been changed */
	uint64_t segments, checkpoints, epochs, exported;
	uint64_t torn;		/* octets behind the last whole line: a crash, or a record being written */
	uint64_t tiles_missing; /* they can be made of the records */
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
