/* facts.h: the records of a ledger as rows of 32 octets, made while it is verified, so that a report need not read the
 * lines again. With a folder to keep them in, each segment that gets no more records has its rows there, in a file of
 * its own, and the next report goes on behind the last of these: it believes one when its HMAC holds and the segment's
 * files are still those files (inode, size, time of its last change), or say the same (the chain leads from the same
 * beginning to the same end), as when they were compressed. One thread. */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H
#include <stdatomic.h>

#include "record/ledger_verify.h"
#include "report/facts_part.h"

/* Records of this type are kept as lines, too: they are listed one by one. */
bool facts_is_listed(unsigned type);

struct facts_options {
	const char *record;  /* the ledger's folder */
	const char *kept;    /* NULL, or a folder for the rows; made when it is missing */
	struct fw_slice key; /* of the HMAC */
	bool anew;	     /* all is read and verified, whatever is kept */
	/* as in ledger_verify_options; where there is one, all is read */
	const char *anchor;
	const char *const *checkpoints;
	size_t checkpoint_count;
	const _Atomic bool *cancelled; /* NULL, or when it becomes true facts_open fails soon (ECANCELED) */
};

enum { FACTS_GAPS = 100 };
struct facts_gap {
	uint64_t first, last; /* sequences that are missing */
};

struct facts_parts {
	struct facts_part *list; /* in the order of their records */
	size_t count;
};
/* False: memory is short (errno). */
bool facts_parts_add(struct facts_parts *parts, const struct facts_part *part);

struct facts {
	struct ledger_report verified;
	uint64_t known;	     /* records up to this one were verified before; 0: all were verified now */
	uint64_t read;	     /* up to which an earlier report had read, when this is more than there is now; else 0 */
	uint64_t no_records; /* lines that are none */
	uint64_t disordered; /* records that do not come behind the one before them */
	uint64_t missing;    /* records in all gaps */
	uint64_t gap_count;
	struct facts_gap gaps[FACTS_GAPS];
	uint64_t first, last; /* sequences of the first and last record in the files */

	struct facts_parts parts;
	int folder;		/* of those that are kept; -1 */
	int loose;		/* the file of all others, which has no name; -1 */
	struct names names;	/* of all parts; rows that are given have its numbers */
	struct scratch numbers; /* uint32_t: what each part's numbers 0, 1, 2 … are in names */
	size_t number_count;
};
/* 0; -1 with errno, and nothing to free. */
int facts_open(const struct facts_options *options, struct facts *ret_facts);
void facts_fini(struct facts *facts);
/* All rows in their order; false: it could not be read (errno). */
typedef void facts_row_function(void *user, const struct facts_row *row);
bool facts_rows(const struct facts *facts, facts_row_function *each, void *user);
/* All lines that are listed. */
typedef void facts_line_function(void *user, struct fw_slice line);
bool facts_lines(const struct facts *facts, facts_line_function *each, void *user);

/* For a server that goes on: what a report would keep is made before, of all segments but the last. 0, and ret_report
 * says whether these hold; -1 with errno: it could not be done, or (EWOULDBLOCK) somebody else does it. */
int facts_advance(const struct facts_options *options, struct ledger_report *ret_report);
#endif
