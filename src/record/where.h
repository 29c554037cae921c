/* where.h: whether an event is one of those that a rule is about. Any thread; no state. */
#ifndef RECORD_WHERE_H
#define RECORD_WHERE_H
#include <framewall/event.h>

#include "base/event_where.h"

/* All that is named holds; types of events are the caller's. */
bool where_matches(const struct event_where *where, const struct fw_record *record);
/* A member of its details; NULL: it has none. */
const struct fw_detail *where_detail(const struct fw_record *record, const char *key);
#endif
