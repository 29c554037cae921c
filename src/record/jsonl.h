/* jsonl.h: one event record as one line of JSON. The line has the fields of checklist 2.3:
 * timestamp, sequence, event_type, level, severity, source_ip, user_id, session_id, connection_id, event_id, details{}.
 * Whatever a text holds (CR, LF, ANSI, invalid UTF-8), it cannot begin a second line. One thread. */
#ifndef RECORD_JSONL_H
#define RECORD_JSONL_H
#include <framewall/event.h>

#include "base/pool.h"

/* Appends the line with its LF. 0, or -1 when memory is short (nothing is appended then). */
int jsonl_format(const struct fw_record *record, uint64_t sequence, struct buf *out, struct pool *pool);
/* A text as a record keeps it: at most LIMIT_RECORD_TEXT octets, not cut within a character. */
struct fw_slice jsonl_cut(struct fw_slice text);
#endif
