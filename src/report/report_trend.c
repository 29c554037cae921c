/* How it went over time: by hour, day or month, whichever gives a page of rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "report/report_parts.h"

#define HOUR_US (UINT64_C(3600) * 1000000)

enum { HOURS = 48, DAYS = 92, COLUMNS = 8 };

struct bucket {
	char name[16]; /* the beginning of a time */
	uint64_t hour; /* the one that was seen last of it */
	uint64_t counts[COLUMNS];
};

struct trend {
	struct report *report;
	size_t name_size;
	struct bucket *buckets;
	size_t count, room, last;
	bool failed;
};

static int compare(const void *one, const void *other)
{
	return strcmp(((const struct bucket *)one)->name, ((const struct bucket *)other)->name);
}

/* Buckets in the order in which they came; times of a record nearly follow each other, so that it is the last or one of
 * the last. */
static struct bucket *find(struct trend *trend, uint64_t us)
{
	char time[REPORT_TIME];
	struct bucket *larger;

	if (trend->count != 0 && trend->buckets[trend->last].hour == us / HOUR_US)
		return &trend->buckets[trend->last];
	report_time(us, time);
	time[trend->name_size] = '\0';
	for (size_t i = trend->count; i-- != 0;)
		if (strcmp(trend->buckets[i].name, time) == 0) {
			trend->last = i;
			trend->buckets[i].hour = us / HOUR_US;
			return &trend->buckets[i];
		}
	if (trend->count == trend->room) {
		larger = mem_resize(trend->buckets, (trend->room * 2 + 64) * sizeof(*larger));
		if (larger == NULL)
			return NULL;
		trend->buckets = larger;
		trend->room = trend->room * 2 + 64;
	}
	trend->last = trend->count++;
	trend->buckets[trend->last] = (struct bucket){ .hour = us / HOUR_US };
	memcpy(trend->buckets[trend->last].name, time, trend->name_size + 1);
	return &trend->buckets[trend->last];
}

static void count(void *user, const struct facts_row *row)
{
	struct trend *trend = user;
	enum report_class class = report_class_of(row->type);
	uint64_t events = facts_count(row);
	struct bucket *bucket;

	if (!report_holds_time(trend->report, facts_us(row)) || trend->failed)
		return;
	bucket = find(trend, facts_us(row));
	if (bucket == NULL) {
		trend->failed = true;
		return;
	}
	bucket->counts[0] += events;
	bucket->counts[1] += row->type == EVENT_auth_success;
	bucket->counts[2] += class == REPORT_CLASS_LOGON_REFUSED ? events : 0;
	bucket->counts[3] += class == REPORT_CLASS_REFUSED ? events : 0;
	bucket->counts[4] += report_is_denied(row->type) ? events : 0;
	bucket->counts[5] += class == REPORT_CLASS_FINDING && !report_is_denied(row->type) ? events : 0;
	bucket->counts[6] += row->type == EVENT_ip_blocked;
	bucket->counts[7] += row->type == EVENT_admin_action;
}

bool report_trend(struct report *report)
{
	uint64_t hours = report->total != 0 ? (report->last_us - report->first_us) / HOUR_US : 0;
	struct trend trend = { .report = report, .name_size = hours <= HOURS ? 13 : hours <= DAYS * 24 ? 10 : 7 };
	struct table table;

	if (!facts_rows(&report->facts, count, &trend) || trend.failed) {
		if (trend.failed)
			errno = ENOMEM;
		mem_free(trend.buckets);
		return false;
	}
	if (trend.count != 0)
		qsort(trend.buckets, trend.count, sizeof(*trend.buckets), compare);
	table_open(&table, report, "trend", "Trend",
		   "Time (UTC)|Events|Logins|Refused logins|Refused connections|Denied messages|Other "
		   "findings|Blocks|Admin");
	for (size_t i = 0; i < trend.count; i++) {
		if (!table_row(&table))
			continue;
		table_text(&table, trend.buckets[i].name);
		for (unsigned column = 0; column < COLUMNS; column++)
			table_number(&table, trend.buckets[i].counts[column]);
		table_row_end(&table);
	}
	table_close(&table, "Times without a record are left out.", NULL);
	mem_free(trend.buckets);
	return true;
}
