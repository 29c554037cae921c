/* Figures by kind of event. */
#include "report/report_parts.h"

static void by_event(struct report *report)
{
	struct table table;

	table_open(&table, report, "events_by_type", "Events by type", "Event|Events|First sequence|Last sequence");
	for (unsigned i = 0; i <= EVENT_TYPES; i++) {
		const struct report_event *event = &report->events[i];

		if (event->count == 0 || !table_row(&table))
			continue;
		table_text(&table, i < EVENT_TYPES ? fw_event_name((uint16_t)i) : "unknown");
		table_number(&table, event->count);
		table_number(&table, event->first);
		table_number(&table, event->last);
		table_row_end(&table);
	}
	table_close(&table, report->total == 0 ? "No record is of this period." : NULL, NULL);
}

static void by_level(struct report *report)
{
	struct table table;

	table_open(&table, report, "levels", "Events by level", "Level|Events");
	for (unsigned i = FW_LEVEL_INFO; i <= FW_LEVEL_EMERGENCY; i++)
		if (table_row(&table)) {
			table_text(&table, fw_level_name((uint8_t)i));
			table_number(&table, report->levels[i]);
			table_row_end(&table);
		}
	table_close(&table, NULL, NULL);
}

static void figure(struct table *table, const char *name, uint64_t number)
{
	if (!table_row(table))
		return;
	table_text(table, name);
	table_number(table, number);
	table_row_end(table);
}

void report_tables(struct report *report)
{
	struct table table;

	table_open(&table, report, "summary", "Summary", "Figure|Number");
	figure(&table, "Compliance events", report->total);
	figure(&table, "Users", report->users);
	figure(&table, "Data access", report->data_access);
	figure(&table, "Actions of administrators", report->admin);
	figure(&table, "Authentication", report->auth);
	table_close(&table,
		    "Authentication: logins, refused ones, and ends of sessions. Data access: connections to which "
		    "messages from the server were passed on, a record each.",
		    NULL);
	by_event(report);
	by_level(report);
}
