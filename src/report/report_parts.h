/* report_parts.h: the inside of a report, for its own files. */
#ifndef REPORT_REPORT_PARTS_H
#define REPORT_REPORT_PARTS_H
#include "codec/json.h"
#include "report/facts_line.h"
#include "report/report.h"

enum { REPORT_TIME = 28, REPORT_NUMBER = 24, REPORT_WORDS = 512 };

/* What kind of event it is: a row of event_classes.def. */
enum report_class {
#define EVENT_CLASS(name, ...) REPORT_CLASS_##name,
#include "tables/event_classes.def"
#undef EVENT_CLASS
	REPORT_CLASSES
};
enum report_class report_class_of(unsigned type); /* REPORT_CLASSES: unknown */
static inline bool report_is_auth(enum report_class class)
{
	return class == REPORT_CLASS_LOGON || class == REPORT_CLASS_LOGON_REFUSED || class == REPORT_CLASS_LOGOFF;
}
static inline bool report_is_denied(unsigned type)
{
	return type == EVENT_permission_denied || type == EVENT_csrf_violation;
}
static inline bool report_holds_time(const struct report *report, uint64_t wall_us)
{
	return wall_us >= report->options->start_us && wall_us <= report->options->end_us;
}

/* A table being written. */
struct table {
	struct report *report;
	struct json_writer w;
	uint64_t rows, left_out;
};
/* columns: names with a bar between them. */
void table_open(struct table *table, struct report *report, const char *id, const char *title, const char *columns);
/* False: it has as many rows as it may; the row is counted as left out. */
bool table_row(struct table *table);
void table_row_end(struct table *table);
void table_text(struct table *table, const char *text);
void table_slice(struct table *table, struct fw_slice text);
void table_number(struct table *table, uint64_t number);
void table_time(struct table *table, uint64_t wall_us); /* 0: empty */
void table_name(struct table *table, uint32_t number);
/* note: NULL or a sentence; rest: how to see what was left out. */
void table_close(struct table *table, const char *note, const char *rest);

void report_tables(struct report *report);	 /* report_tables.c */
bool report_lists(struct report *report);	 /* report_lists.c; false with errno */
bool report_trend(struct report *report);	 /* report_trend.c */
bool report_users(struct report *report);	 /* report_users.c */
void report_completeness(struct report *report); /* report_completeness.c */
void report_controls(struct report *report);	 /* report_controls.c */
void report_time(uint64_t wall_us, char ret_text[REPORT_TIME]);
/* What a person is to be told of the verification, in a sentence. */
void report_verdict_say(const struct report *report, char ret_text[REPORT_WORDS]);
#endif
