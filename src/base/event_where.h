/* event_where.h: which events a rule is about besides their types, in the words of `audit search`. Part of a policy; no
 * state, any thread. */
#ifndef BASE_EVENT_WHERE_H
#define BASE_EVENT_WHERE_H
#include "base/addr.h"
#include "base/texts.h"

enum { WHERE_DETAILS = 8, WHERE_TEXT = 256 };
struct event_where { /* NULL, 0: any */
	const char *level, *user, *session, *text;
	struct addr_net ip;
	struct {
		const char *key;
		struct texts values; /* one of them */
	} details[WHERE_DETAILS];
	unsigned detail_count;
};
#endif
