/* facts_kept.h: the files in which facts are kept. One thread. */
#ifndef REPORT_FACTS_KEPT_H
#define REPORT_FACTS_KEPT_H
#include "report/facts.h"

struct facts_sizes {
	uint64_t rows, lines, names; /* octets */
};
struct facts_kept {
	int fds[3]; /* rows, lines, names; -1 */
	int folder; /* locked; -1: nothing is kept */
	struct facts_sizes sizes;
	uint64_t read; /* the last record that was read */
	struct ledger_resume resume;
	/* the record's last segment when it was opened, and the files before it: what is changed while they are read is
	 * not kept */
	uint64_t segment;
	uint8_t files[32];
};
/* Opens the files of a folder, for one process at a time, and says what of them may be believed: nothing when resume is
 * zero. False: nothing is to be kept. */
bool facts_kept_open(struct facts_kept *kept, const struct facts_options *options);
/* Keeps what the files hold now. Best effort: without it the next report reads all. */
void facts_kept_save(const struct facts_kept *kept, const struct facts_options *options);
/* Nothing of it is to be believed any more. */
void facts_kept_forget(struct facts_kept *kept);
/* fds are somebody else's by now. */
void facts_kept_close(struct facts_kept *kept);
#endif
