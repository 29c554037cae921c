/* line.h: a record's line, as the record has it and `audit export --format jsonl` writes it, read back. No state; one
 * thread an arena. */
#ifndef SCENARIO_LINE_H
#define SCENARIO_LINE_H
#include <framewall/event.h>

#include "base/arena.h"

enum line_result { LINE_OK, LINE_BAD, LINE_MEMORY };
/* The line without its LF. Texts are the line's or the arena's, which is the caller's to reset. ret_times: events that
 * it stands for, more than one where it is a sum. Of an event that this program does not know LINE_OK and type
 * EVENT_TYPES. */
enum line_result line_read(struct arena *arena, struct fw_slice line, struct fw_record *ret_record,
			   uint64_t *ret_times);
#endif
