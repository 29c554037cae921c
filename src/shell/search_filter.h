/* search_filter.h: what somebody writes to name records, for the commands, the admin side and the library alike. No
 * state; any thread. */
#ifndef SHELL_SEARCH_FILTER_H
#define SHELL_SEARCH_FILTER_H
#include "record/filter.h"

struct search_texts { /* NULL: any */
	const char *type, *ip, *user, *level, *session, *connection, *text, *from, *to;
};
struct search_filter { /* points into the texts that it was made of */
	struct ledger_filter filter;
	char from[28], to[28];
};
/* What one of the texts is, and what it is not. name NULL: all hold. */
struct search_problem {
	const char *name, *want, *value;
};
struct search_problem search_filter_read(const struct search_texts *texts, struct search_filter *ret_filter);
#endif
