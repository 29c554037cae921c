/* report.h: what the record shows of a period, for auditors: figures, tables, and why they can be believed. What is
 * printed stands in one place, the tables, which every format shows: so the formats cannot differ. Reads the record; a
 * server may write it meanwhile. One thread a report. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include "base/arena.h"
#include "base/event_type.h"
#include "base/pool.h"
#include "report/facts.h"

enum report_framework { REPORT_SOC2, REPORT_ISO27001, REPORT_NIST_CSF, REPORT_OWASP, REPORT_FRAMEWORKS };
/* "soc2", …; REPORT_FRAMEWORKS: there is no such one. */
enum report_framework report_framework_find(const char *name);
const char *report_framework_name(enum report_framework framework);

struct report_options {
	struct facts_options facts;
	uint64_t start_us, end_us;	 /* both belong to the period */
	enum report_framework framework; /* REPORT_FRAMEWORKS: all of them */
	uint64_t rows;			 /* most rows of a table */
	uint64_t users;			 /* most users in the JSON's user_activity; 0: all of them */
	/* what the report says of how it came about */
	uint64_t now_us;
	const char *query, *by, *host, *clock;
};

struct report_activity { /* by number of a name */
	uint64_t total, data_access, admin, auth;
	uint64_t first_us, last_us;
	uint64_t refused, denied; /* logins, messages */
	uint32_t role;		  /* at the last login */
	uint32_t kind;		  /* enum name_kind */
};
struct report_event {
	uint64_t count, first, last; /* sequences */
};
struct report {
	const struct report_options *options;
	struct facts facts;
	uint64_t start_us; /* of the period: that of the record where none was said */
	/* of the period */
	uint64_t total;				     /* events */
	uint64_t records, sums, summed;		     /* records, those that sum up others, and how many */
	struct report_event events[EVENT_TYPES + 1]; /* the last: of names that this program does not know */
	uint64_t levels[FW_LEVEL_EMERGENCY + 1];
	uint64_t data_access, admin, auth;
	uint64_t first_sequence, last_sequence;
	uint64_t first_us, last_us;	 /* of all records in the period */
	uint64_t earliest_us, latest_us; /* of all that are kept */
	uint64_t users;
	struct scratch activity; /* struct report_activity of each name */
	struct pool pool;
	struct arena arena; /* of one record at a time */
	bool no_memory;	    /* for the tables */
	struct buf tables;  /* a JSON array of {id, title, note, columns, rows}, every cell a text */
};
/* 0; -1 with errno, and nothing to free. */
int report_make(const struct report_options *options, struct report *ret_report);
void report_fini(struct report *report);
/* The record is whole, and as it was written. */
bool report_holds(const struct report *report);

/* Writing: each piece goes to write; false from it ends it all. */
struct report_out {
	bool (*write)(void *user, struct fw_slice octets);
	void *user;
};
bool report_json(const struct report *report, const struct report_out *out);
bool report_csv(const struct report *report, const struct report_out *out);
bool report_html(const struct report *report, const struct report_out *out);
#endif
