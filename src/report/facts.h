/* facts.h: the records of a ledger as rows of 32 octets, made while it is verified, so that a report need not read the
 * lines again. With a folder to keep them in, the next report goes on behind the last full segment: for what is before,
 * it believes the rows when an HMAC over all of them holds and each file of the record there is still that file (inode,
 * size, time of its last change). One thread. */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H
#include <stdatomic.h>

#include "record/ledger_verify.h"
#include "report/names.h"

struct facts_row {
	uint32_t us_low, us_high;	    /* microseconds since 1970 */
	uint32_t user, source, cause, role; /* numbers of names; 0: none */
	uint32_t sequence_low;
	uint16_t sequence_high;
	uint8_t type; /* enum event_type; EVENT_TYPES: unknown */
	uint8_t level;
};
static inline uint64_t facts_us(const struct facts_row *row)
{
	return (uint64_t)row->us_high << 32 | row->us_low;
}
static inline uint64_t facts_sequence(const struct facts_row *row)
{
	return (uint64_t)row->sequence_high << 32 | row->sequence_low;
}
/* Records of this type are kept as lines, too: they are listed one by one. */
bool facts_is_listed(unsigned type);

struct facts_options {
	const char *record;  /* the ledger's folder */
	const char *kept;    /* NULL, or a folder for the rows; made when it is missing */
	struct fw_slice key; /* of the HMAC */
	bool anew;	     /* all is read and verified, whatever is kept */
	const char *anchor;  /* as in ledger_verify_options */
	const char *const *checkpoints;
	size_t checkpoint_count;
	const _Atomic bool *cancelled; /* NULL, or when it becomes true facts_open fails soon (ECANCELED) */
};

enum { FACTS_GAPS = 100 };
struct facts_gap {
	uint64_t first, last; /* sequences that are missing */
};

struct facts {
	struct ledger_report verified;
	uint64_t known;	     /* records that an earlier report verified; 0: all were verified now */
	uint64_t read;	     /* up to which an earlier report had read, when this is more than there is now; else 0 */
	uint64_t no_records; /* lines that are none */
	uint64_t disordered; /* records that do not come behind the one before them */
	uint64_t missing;    /* records in all gaps */
	uint64_t gap_count;
	struct facts_gap gaps[FACTS_GAPS];
	uint64_t first, last; /* sequences of the first and last record in the files */
	uint64_t row_count;

	struct spool rows, lines; /* lines: those that are listed, each with its LF */
	struct names names;
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
#endif
