/* retention.h: what becomes of old segments of a ledger while it is written: those beyond so many are compressed, those
 * beyond so many more removed, when what they held has been verified, and a signed note of it is on the disk
 * (removed.h). The last segment is never touched. Any thread, one at a time. */
#ifndef RECORD_RETENTION_H
#define RECORD_RETENTION_H
#include "record/storage.h"

enum { RETENTION_WHY = 160 };

struct retention {
	const char *directory;
	const char *key_directory;
	uint64_t texts;		       /* segments that stay text; 0: all */
	uint64_t archives;	       /* compressed ones that are kept; 0: all */
	const struct storage *storage; /* NULL: the system's */
};

enum retention_step { RETENTION_NOTHING, RETENTION_ARCHIVED, RETENTION_REMOVED, RETENTION_FAILED };
/* Does one thing. *ret_first, *ret_last: the records that it was about. FAILED: ret_why, and nothing was removed. */
enum retention_step retention_advance(const struct retention *retention, uint64_t *ret_first, uint64_t *ret_last,
				      char ret_why[RETENTION_WHY]);
#endif
