/* jsonl.h: one event record as one line of JSON, and the file of such lines. The line has the fields of checklist 2.3:
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

struct jsonl_file;
/* Opens DIRECTORY/security_audit.log for appending, making the folder (0700) when it is missing. NULL: errno says why.
 */
struct jsonl_file *jsonl_open(const char *directory);
/* The sequence of the last line that was in the file when it was opened, 0 when there is none. */
uint64_t jsonl_last_sequence(const struct jsonl_file *file);
/* Appends whole lines; retries short writes. 0, or -1 with errno; what was not written is kept and tried again by the
 * next call (size may be 0). Only with ENOMEM the lines are not kept: the caller still has them. */
int jsonl_append(struct jsonl_file *file, const uint8_t *lines, size_t size);
size_t jsonl_waiting(const struct jsonl_file *file);	 /* octets kept */
struct jsonl_file *jsonl_close(struct jsonl_file *file); /* NULL-safe */
#endif
