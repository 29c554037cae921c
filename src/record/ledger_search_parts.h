/* ledger_search_parts.h: what the two ways of searching share. */
#ifndef RECORD_LEDGER_SEARCH_PARTS_H
#define RECORD_LEDGER_SEARCH_PARTS_H
#include <stdatomic.h>

#include "record/index_db.h"
#include "record/ledger_search.h"

struct search {
	const struct ledger_query *query;
	ledger_found_function *found;
	void *user;
	struct arena arena;
	size_t left;	 /* that may still be given */
	uint64_t before; /* records with a smaller number are still to come */
	uint64_t read;	 /* lines that were read one by one */
	bool enough;	 /* nobody wants more */
};
static inline bool search_is_over(struct search *search)
{
	const _Atomic bool *cancelled = search->query->cancelled;

	search->enough = search->enough || (cancelled != NULL && atomic_load_explicit(cancelled, memory_order_relaxed));
	return search->enough;
}
/* Gives a line; false when nobody wants more. */
bool search_give(struct search *search, struct fw_slice line);

/* index_search.c: what the index says of records up to the last one that it has, which are below search->before. Then
 * search->before says from where on nothing was looked at: where the index begins, or, when it is not OK, sooner. */
enum index_result index_search(struct search *search, struct index_db *db, const struct index_state *state,
			       char ret_error[INDEX_ERROR]);
#endif
