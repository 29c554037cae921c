/* ledger_search.h: records of a ledger that a filter lets pass, over all segments. Reads only, also while
 * a server writes. Any thread. */
#ifndef RECORD_LEDGER_SEARCH_H
#define RECORD_LEDGER_SEARCH_H
#include <framewall/types.h>

struct ledger_filter { /* NULL: any. Texts as they stand in a record. */
	const char *event_type;
	const char *source_ip;
	const char *user_id;
	const char *level;
	const char *from; /* the beginning of a timestamp, "2026-11-24T10": records of it and later */
	const char *to;	  /* records of it and earlier */
};
/* Gives each record's line without its LF; false ends the search. */
typedef bool ledger_found_function(void *user, struct fw_slice line);
/* Newest first, at most limit of them. 0, or -1 with errno. */
int ledger_search(const char *directory, const struct ledger_filter *filter, size_t limit, ledger_found_function *found,
		  void *user);
/* Oldest first, all that come behind the record with the number after (0: all that are kept). 0, or -1 with errno. */
int ledger_scan(const char *directory, const struct ledger_filter *filter, uint64_t after, ledger_found_function *found,
		void *user);
#endif
