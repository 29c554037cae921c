/* segment.h: a ledger's segments: files of lines named by the sequence of their first record, and the form of a line:
 *     {"timestamp":"…","sequence":N,…,"chain":"64 hex digits"}
 * chain of record N is SHA-256(chain of record N - 1 as 32 octets || the line's octets before `,"chain":`); before the
 * first record it is 32 zero octets. Reads only; any thread. */
#ifndef RECORD_SEGMENT_H
#define RECORD_SEGMENT_H
#include <stdatomic.h>

#include "record/lines.h"
#include "record/merkle.h"

enum {
	SEGMENT_NAME = 64,
	SEGMENT_TIME = 14,	    /* octets before the timestamp of a line */
	SEGMENT_CHAIN = 10 + 64 + 2 /* octets of `,"chain":"…"}` */
};

#define SEGMENT_ARCHIVE ".log.zst" /* the suffix of one that is compressed */

/* "security_audit-00000000000000000001" and a suffix: ".log", SEGMENT_ARCHIVE, ".checkpoints". */
void segment_name(uint64_t first, const char *suffix, char ret_name[SEGMENT_NAME]);
/* The sequence in a name with that suffix, 0 when it is another file. */
uint64_t segment_first(const char *name, const char *suffix);

struct segment_list {
	uint64_t *firsts; /* ascending */
	size_t count;
};
/* The segments in a folder, as text or archived. 0, or -1 with errno. */
int segment_list(const char *directory, struct segment_list *ret_list);
/* The same of the files with another suffix. */
int segment_files(const char *directory, const char *suffix, struct segment_list *ret_list);
void segment_list_fini(struct segment_list *list);
/* The lines of a segment; of its text where there are both. 0, or -1 with errno. lines_close it either way. */
int segment_open(const char *directory, uint64_t first, struct lines *ret_lines);

/* The parts of a line without its LF. False: it has not the form of one. */
struct segment_line {
	struct fw_slice hashed; /* what stands before the chain */
	uint64_t sequence;
	uint8_t chain[32];
};
bool segment_line(struct fw_slice line, struct segment_line *ret_line);
void segment_chain(const uint8_t before[32], struct fw_slice hashed, uint8_t ret_chain[32]);
/* Whether the lines of a segment are still those that led from one chain to another. */
struct segment_span {
	uint64_t first, count; /* its records */
	uint8_t before[32], after[32];
	const _Atomic bool *cancelled; /* NULL, or when it becomes true the answer is no */
};
bool segment_holds(const char *directory, const struct segment_span *span);
/* `,"chain":"…"}`, SEGMENT_CHAIN octets. */
void segment_write_chain(const uint8_t chain[32], char ret_text[SEGMENT_CHAIN]);
#endif
