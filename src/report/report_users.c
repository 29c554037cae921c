/* Who did what: users, and where refusals came from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "report/report_parts.h"

static struct report_activity *activity_of(const struct report *report, uint32_t number)
{
	return (struct report_activity *)report->activity.map + number;
}

/* A list of numbers of names, the most first; names that are as many stand in the order in which they came. */
struct rank {
	uint64_t weight;
	uint32_t number;
};

static int compare(const void *one, const void *other)
{
	const struct rank *a = one, *b = other;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

enum weight { BY_TOTAL, BY_REFUSED, BY_DENIED };

static uint64_t weigh(const struct report_activity *activity, enum weight weight)
{
	switch (weight) {
	case BY_REFUSED:
		return activity->refused;
	case BY_DENIED:
		return activity->denied;
	case BY_TOTAL:
	default:
		return activity->total;
	}
}

/* Into scratch memory: there may be any number. */
static bool rank(const struct report *report, enum name_kind kind, enum weight weight, struct scratch *scratch,
		 size_t *ret_count)
{
	*ret_count = 0;
	if (!scratch_grow(scratch, ((size_t)report->facts.names.count + 1) * sizeof(struct rank)))
		return false;
	for (uint32_t i = 1; i <= report->facts.names.count; i++) {
		const struct report_activity *activity = activity_of(report, i);
		uint64_t weighs = weigh(activity, weight);

		if (activity->kind == kind && activity->total != 0 && weighs != 0)
			((struct rank *)scratch->map)[(*ret_count)++] = (struct rank){ weighs, i };
	}
	qsort(scratch->map, *ret_count, sizeof(struct rank), compare);
	return true;
}

static bool list_users(struct report *report, struct scratch *scratch)
{
	struct table table;
	size_t count;

	if (!rank(report, NAME_USER, BY_TOTAL, scratch, &count))
		return false;
	table_open(&table, report, "users", "Users",
		   "User|Role at last login|Events|Data access|Admin|Authentication|Refused logins|Denied|First "
		   "activity|Last activity");
	for (size_t i = 0; i < count; i++) {
		uint32_t number = ((const struct rank *)scratch->map)[i].number;
		const struct report_activity *activity = activity_of(report, number);

		if (!table_row(&table))
			continue;
		table_name(&table, number);
		table_name(&table, activity->role);
		table_number(&table, activity->total);
		table_number(&table, activity->data_access);
		table_number(&table, activity->admin);
		table_number(&table, activity->auth);
		table_number(&table, activity->refused);
		table_number(&table, activity->denied);
		table_time(&table, activity->first_us);
		table_time(&table, activity->last_us);
		table_row_end(&table);
	}
	table_close(&table,
		    "The most active first. A user's id is shown as the record has it: what would change how a line "
		    "looks is escaped.",
		    "--format json names all in user_activity");
	return true;
}

static bool list_weights(struct report *report, struct scratch *scratch, const char *const texts[3],
			 enum name_kind kind, enum weight weight)
{
	struct table table;
	size_t count;

	if (!rank(report, kind, weight, scratch, &count))
		return false;
	table_open(&table, report, texts[0], texts[1], texts[2]);
	for (size_t i = 0; i < count; i++) {
		const struct rank *one = (const struct rank *)scratch->map + i;

		if (!table_row(&table))
			continue;
		table_name(&table, one->number);
		table_number(&table, one->weight);
		table_time(&table, activity_of(report, one->number)->first_us);
		table_time(&table, activity_of(report, one->number)->last_us);
		table_row_end(&table);
	}
	table_close(&table, count == 0 ? "There was none." : NULL, NULL);
	return true;
}

bool report_users(struct report *report)
{
	static const char *const tables[][3] = {
		{ "refused_logins_by_cause", "Refused logins by cause", "Cause|Refused logins|First seen|Last seen" },
		{ "refused_logins_by_source", "Refused logins by address",
		  "Address|Refused logins|First seen|Last seen" },
		{ "denied_by_user", "Access denied by user", "User|Denied messages|First seen|Last seen" },
	};
	struct scratch scratch = { 0 };
	bool made = list_users(report, &scratch) && list_weights(report, &scratch, tables[0], NAME_CAUSE, BY_REFUSED) &&
		    list_weights(report, &scratch, tables[1], NAME_SOURCE, BY_REFUSED) &&
		    list_weights(report, &scratch, tables[2], NAME_USER, BY_DENIED);
	int reason = errno;

	scratch_fini(&scratch);
	errno = reason;
	return made;
}
