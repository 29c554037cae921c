/* ledger_search.h: records of a ledger that a filter lets pass, over all segments. Reads only, also while
 * a server writes. Any thread. */
#ifndef RECORD_LEDGER_SEARCH_H
#define RECORD_LEDGER_SEARCH_H
#include "record/filter.h"

/* Gives each record's line without its LF; false ends the search. */
typedef bool ledger_found_function(void *user, struct fw_slice line);

enum { LEDGER_WHY = 160 };
struct ledger_query {
	const char *directory;
	const struct ledger_filter *filter;
	uint64_t before; /* records with a smaller number; 0: from the newest on */
	size_t limit;
	bool no_index;		       /* every line is read */
	const _Atomic bool *cancelled; /* NULL, or it becomes true when nobody waits any more: the search ends */
};
struct ledger_searched {
	bool by_index;	      /* but for what it had not yet */
	uint64_t indexed;     /* the last record that the index has */
	uint64_t read;	      /* records behind it, which were read one by one */
	char why[LEDGER_WHY]; /* the index was not used, or not to the end; empty: it was */
};
/* Newest first, at most limit of them. What the index finds is read in the segments, so that it can neither invent nor
 * change a record; where it is not to be had, does not hold or has not come so far, the lines themselves are read.
 * 0, or -1 with errno. */
int ledger_search(const struct ledger_query *query, ledger_found_function *found, void *user,
		  struct ledger_searched *ret_searched);
/* Oldest first, all that come behind the record with the number after (0: all that are kept). 0, or -1 with errno. */
int ledger_scan(const char *directory, const struct ledger_filter *filter, uint64_t after, ledger_found_function *found,
		void *user);
#endif
