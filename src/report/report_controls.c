/* Controls of frameworks and what the record has as evidence for each. */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "report/report_parts.h"

static const char *const names[REPORT_FRAMEWORKS] = { "soc2", "iso27001", "nist-csf", "owasp" };
static const char *const titles[REPORT_FRAMEWORKS] = { "SOC 2 (Trust Services Criteria)", "ISO/IEC 27001:2022, Annex A",
						       "NIST Cybersecurity Framework 2.0",
						       "OWASP ASVS 5.0 and WebSocket cheat sheet" };

static const struct control {
	enum report_framework framework;
	const char *id, *title, *mechanism, *events, *test;
} controls[] = {
#define CONTROL(framework, id, title, mechanism, events, test)                                                         \
	{ REPORT_##framework, id, title, mechanism, events, test },
#include "tables/controls.def"
#undef CONTROL
};

enum report_framework report_framework_find(const char *name)
{
	unsigned i = 0;

	while (i < REPORT_FRAMEWORKS && strcmp(names[i], name) != 0)
		i++;
	return (enum report_framework)i;
}

const char *report_framework_name(enum report_framework framework)
{
	return framework < REPORT_FRAMEWORKS ? names[framework] : NULL;
}

/* Adds up the events whose names stand in the row. */
static struct report_event evidence(const struct report *report, const char *events)
{
	struct report_event sum = { 0 };

	while (*events != '\0') {
		size_t size = strcspn(events, " ");

		for (unsigned i = 0; i < EVENT_TYPES; i++) {
			const struct report_event *event = &report->events[i];

			if (!slice_is(slice(events, size), fw_event_name((uint16_t)i)) || event->count == 0)
				continue;
			if (sum.count == 0 || event->first < sum.first)
				sum.first = event->first;
			if (event->last > sum.last)
				sum.last = event->last;
			sum.count += event->count;
		}
		events += size + (events[size] == ' ');
	}
	return sum;
}

static void add(struct table *table, const struct control *control)
{
	struct report_event sum = evidence(table->report, control->events);
	bool counted = control->events[0] != '\0';
	char range[64] = "";

	if (!table_row(table))
		return;
	if (sum.count != 0)
		snprintf(range, sizeof(range), "%llu to %llu", (unsigned long long)sum.first,
			 (unsigned long long)sum.last);
	table_text(table, control->id);
	table_text(table, control->title);
	table_text(table, control->mechanism);
	table_text(table, counted ? control->events : "no record shows it");
	if (counted)
		table_number(table, sum.count);
	else
		table_text(table, "");
	table_text(table, range);
	table_text(table, control->test);
	table_row_end(table);
}

void report_controls(struct report *report)
{
	for (unsigned framework = 0; framework < REPORT_FRAMEWORKS; framework++) {
		struct table table;
		char id[64];

		if (report->options->framework != REPORT_FRAMEWORKS && report->options->framework != framework)
			continue;
		snprintf(id, sizeof(id), "controls_%s", names[framework]);
		table_open(&table, report, id, titles[framework],
			   "Control|About|Mechanism|Events that are evidence|Number|Sequences|Test");
		for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
			if (controls[i].framework == framework)
				add(&table, &controls[i]);
		table_close(&table,
			    "The records support evidence for a control; whether it is met is for the auditor to say. "
			    "They are found by audit search or audit export with --type EVENT, --from and --to of the "
			    "period.",
			    NULL);
	}
}
