#include <errno.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "report/report_parts.h"

enum { ARENA = 1 << 20 };

static const uint8_t classes[EVENT_TYPES] = {
#define EVENT(name, level, alias, class, alone, help) REPORT_CLASS_##class,
#include "tables/events.def"
#undef EVENT
};

enum report_class report_class_of(unsigned type)
{
	return type < EVENT_TYPES ? (enum report_class)classes[type] : REPORT_CLASSES;
}

void report_time(uint64_t wall_us, char ret_text[REPORT_TIME])
{
	encode_rfc3339(wall_us, ret_text);
	ret_text[ENCODE_RFC3339] = '\0';
}

static struct report_activity *activity_of(struct report *report, uint32_t number)
{
	return (struct report_activity *)report->activity.map + number;
}

static void count_name(struct report *report, uint32_t number, enum name_kind kind, const struct facts_row *row)
{
	struct report_activity *activity = activity_of(report, number);
	enum report_class class = report_class_of(row->type);
	uint64_t us = facts_us(row), events = facts_count(row);

	if (number == 0)
		return;
	if (activity->total == 0 || us < activity->first_us)
		activity->first_us = us;
	activity->total += events;
	if (us > activity->last_us)
		activity->last_us = us;
	activity->kind = kind;
	activity->data_access += row->type == EVENT_data_access;
	activity->admin += row->type == EVENT_admin_action;
	activity->auth += report_is_auth(class) ? events : 0;
	activity->refused += class == REPORT_CLASS_LOGON_REFUSED ? events : 0;
	activity->denied += report_is_denied(row->type) ? events : 0;
	if (facts_role(row) != 0)
		activity->role = facts_role(row);
}

static void count_event(struct report *report, const struct facts_row *row)
{
	struct report_event *event = &report->events[row->type < EVENT_TYPES ? row->type : EVENT_TYPES];
	uint64_t sequence = facts_sequence(row), events = facts_count(row);

	if (event->count == 0)
		event->first = sequence;
	event->count += events;
	event->last = sequence;
	if (report->records++ == 0)
		report->first_sequence = sequence;
	report->total += events;
	report->sums += events > 1;
	report->summed += events > 1 ? events : 0;
	report->last_sequence = sequence;
	report->levels[row->level <= FW_LEVEL_EMERGENCY ? row->level : FW_LEVEL_EMERGENCY] += events;
	report->data_access += row->type == EVENT_data_access;
	report->admin += row->type == EVENT_admin_action;
	report->auth += report_is_auth(report_class_of(row->type)) ? events : 0;
}

static void count(void *user, const struct facts_row *row)
{
	struct report *report = user;
	uint64_t us = facts_us(row);

	if (report->earliest_us == 0 || us < report->earliest_us)
		report->earliest_us = us;
	if (us > report->latest_us)
		report->latest_us = us;
	if (!report_holds_time(report, us))
		return;
	if (report->total == 0 || us < report->first_us)
		report->first_us = us;
	if (us > report->last_us)
		report->last_us = us;
	count_event(report, row);
	count_name(report, row->user, NAME_USER, row);
	count_name(report, row->source, NAME_SOURCE, row);
	count_name(report, row->cause, NAME_CAUSE, row);
}

static void count_users(struct report *report)
{
	for (uint32_t i = 1; i <= report->facts.names.count; i++) {
		const struct report_activity *activity = activity_of(report, i);

		report->users += activity->total != 0 && activity->kind == NAME_USER;
	}
}

static bool make(struct report *report)
{
	struct json_writer w = { .out = &report->tables, .pool = &report->pool };
	bool made;

	if (!scratch_grow(&report->activity,
			  ((size_t)report->facts.names.count + 1) * sizeof(struct report_activity)) ||
	    !facts_rows(&report->facts, count, report))
		return false;
	count_users(report);
	report->start_us = report->options->start_us != 0 ? report->options->start_us : report->earliest_us;
	json_write_open(&w, '[');
	report_completeness(report);
	report_tables(report);
	made = report_trend(report) && report_users(report) && report_lists(report);
	if (made)
		report_controls(report);
	w.comma = false;
	json_write_close(&w, ']');
	if (made && (report->no_memory || w.failed)) {
		errno = ENOMEM;
		return false;
	}
	return made;
}

static int try_make(const struct report_options *options, struct report *ret_report)
{
	int reason;

	*ret_report = (struct report){ .options = options };
	if (facts_open(&options->facts, &ret_report->facts) != 0)
		return -1;
	pool_init(&ret_report->pool);
	arena_init(&ret_report->arena, ARENA);
	if (make(ret_report))
		return 0;
	reason = errno;
	report_fini(ret_report);
	errno = reason;
	return -1;
}

int report_make(const struct report_options *options, struct report *ret_report)
{
	int result = try_make(options, ret_report);

	/* Rows of a segment may go in between, when the segment does. */
	return result != 0 && errno == ENOENT ? try_make(options, ret_report) : result;
}

void report_fini(struct report *report)
{
	scratch_fini(&report->activity);
	buf_clear(&report->tables, &report->pool);
	pool_fini(&report->pool);
	arena_fini(&report->arena);
	facts_fini(&report->facts);
}
