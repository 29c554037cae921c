/* index.h: the index of the record, brought up to what is in the segments, so that a search need not read all of them.
 * It is only ever made of the record, and only one program at a time writes it. One thread. */
#ifndef RECORD_INDEX_H
#define RECORD_INDEX_H
#include "record/index_db.h"

enum index_step {
	INDEX_STEP_CURRENT, /* it has all that there is */
	INDEX_STEP_MORE,    /* there is more: call again */
	INDEX_STEP_ANEW,  /* what there was did not fit and was removed, it is made from the first record on: say why */
	INDEX_STEP_STUCK, /* the record is no record behind what it has: say why */
	INDEX_STEP_FAILED /* call again later: say why */
};

struct index;
/* NULL: memory is short (ENOMEM), or another program writes the index of this folder (EWOULDBLOCK), or errno. */
struct index *index_open(const char *directory, uint64_t partition /* 0: INDEX_PARTITION */);
/* Takes at most records records, none behind the one with the number to, in one transaction. */
enum index_step index_advance(struct index *index, uint64_t to, size_t records, char ret_error[INDEX_ERROR]);
uint64_t index_last(const struct index *index); /* the record that it has come to */
/* When the first record was made that the latest step took, microseconds since 1970; 0: it took none. */
uint64_t index_took_from_us(const struct index *index);
/* It has all that there is, and nothing came for a while: what is kept for the next step is given back. */
void index_rest(struct index *index);
void index_remove(struct index *index);		/* the next step begins anew */
struct index *index_close(struct index *index); /* NULL-safe; returns NULL */
#endif
