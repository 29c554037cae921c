/* follow.h: the records of a ledger one after the other from any of them on, over all segments, while a server writes
 * it. Reads only; knows of nothing but the files. What is not there any more is said, never passed over. One thread. */
#ifndef RECORD_FOLLOW_H
#define RECORD_FOLLOW_H
#include "record/lines.h"
#include "record/storage.h"

struct follow {
	char directory[STORAGE_PATH];
	uint64_t next;	  /* the record that is wanted next */
	uint64_t segment; /* that is open: its first record; 0: none is */
	struct lines lines;
};
enum follow_result {
	FOLLOW_RECORD,
	FOLLOW_END,    /* that is all, for now */
	FOLLOW_GAP,    /* some are gone: records *ret_first to next - 1 */
	FOLLOW_DAMAGE, /* a line that is no record: next stays */
	FOLLOW_FAILED  /* errno */
};
/* Begins behind the record with the number after (0: with the first). False: the path is too long. */
bool follow_open(struct follow *follow, const char *directory, uint64_t after);
void follow_close(struct follow *follow);
void follow_seek(struct follow *follow, uint64_t after);
/* The next record, if its number is at most until: those behind may not be on the disk. *ret_line is without LF, until
 * the next call. */
enum follow_result follow_next(struct follow *follow, uint64_t until, struct fw_slice *ret_line, uint64_t *ret_first);
#endif
