/* facts_line.h: what a report asks of a record, out of its line. Reads only; any thread. */
#ifndef REPORT_FACTS_LINE_H
#define REPORT_FACTS_LINE_H
#include <framewall/types.h>

#include "base/event_type.h"

/* Texts as they stand in the line, without quotes, escaped; empty: null or not there. */
struct facts_line {
	uint64_t wall_us;
	uint64_t sequence;
	uint8_t type;  /* enum event_type; EVENT_TYPES: one that this program does not know */
	uint8_t level; /* enum fw_level */
	struct fw_slice user, source;
	struct fw_slice details; /* the whole object, with braces */
	struct fw_slice cause;	 /* details.cause, or else action or change */
	struct fw_slice role;	 /* details.role */
	uint32_t count;		 /* events that it stands for: details.count of what may be summed up, else 1 */
};
/* False: the line is no record. */
bool facts_line_read(struct fw_slice line, struct facts_line *ret_line);
/* A text member of details; empty where there is none. */
struct fw_slice facts_line_detail(struct fw_slice details, const char *name);
#endif
