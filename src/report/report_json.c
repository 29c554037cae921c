/* The report as one JSON object, in pieces: a record may have any number of users. */
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "report/report_parts.h"

enum { PIECE = 1 << 16 };

struct writing {
	const struct report *report;
	const struct report_out *out;
	struct pool pool;
	struct buf buf;
	struct json_writer w;
	bool failed;
};

static void flush(struct writing *writing)
{
	if (!writing->failed && !writing->w.failed && buf_size(&writing->buf) != 0)
		writing->failed = !writing->out->write(writing->out->user,
						       slice(buf_data(&writing->buf), buf_size(&writing->buf)));
	buf_cut(&writing->buf, 0);
}

static void write_time(struct json_writer *w, const char *key, uint64_t wall_us)
{
	char time[REPORT_TIME];

	json_write_key(w, key);
	report_time(wall_us, time);
	if (wall_us != 0)
		json_write_string(w, time);
	else
		json_write_null(w);
}

static void write_number(struct json_writer *w, const char *key, uint64_t number)
{
	json_write_key(w, key);
	json_write_integer(w, (int64_t)number);
}

static void write_figures(struct json_writer *w, const struct report *report)
{
	json_write_key(w, "report_period");
	json_write_open(w, '{');
	write_time(w, "start", report->start_us);
	write_time(w, "end", report->options->end_us);
	json_write_close(w, '}');
	write_number(w, "total_compliance_events", report->total);
	json_write_key(w, "events_by_type");
	json_write_open(w, '{');
	for (unsigned i = 0; i <= EVENT_TYPES; i++)
		if (report->events[i].count != 0)
			write_number(w, i < EVENT_TYPES ? fw_event_name((uint16_t)i) : "unknown",
				     report->events[i].count);
	json_write_close(w, '}');
	write_number(w, "unique_users", report->users);
	json_write_key(w, "totals");
	json_write_open(w, '{');
	write_number(w, "data_access_count", report->data_access);
	write_number(w, "admin_actions", report->admin);
	write_number(w, "auth_events", report->auth);
	write_time(w, "first_activity", report->first_us);
	write_time(w, "last_activity", report->last_us);
	json_write_close(w, '}');
}

static void write_completeness(struct json_writer *w, const struct report *report)
{
	const struct facts *facts = &report->facts;
	char words[REPORT_WORDS];

	json_write_key(w, "completeness");
	json_write_open(w, '{');
	json_write_key(w, "holds");
	json_write_boolean(w, report_holds(report));
	report_verdict_say(report, words);
	json_write_key(w, "says");
	json_write_string(w, words);
	write_number(w, "population", report->records);
	write_number(w, "sums", report->sums);
	write_number(w, "summed", report->summed);
	write_number(w, "first_sequence", report->first_sequence);
	write_number(w, "last_sequence", report->last_sequence);
	write_number(w, "verified_to", facts->verified.last);
	write_number(w, "signed_to", facts->verified.signed_size);
	write_number(w, "verified_before", facts->known);
	write_number(w, "first_bad", facts->verified.bad_first);
	write_number(w, "last_bad", facts->verified.bad_last);
	write_number(w, "no_records", facts->no_records);
	write_number(w, "disordered", facts->disordered);
	write_number(w, "missing", facts->missing);
	json_write_key(w, "gaps");
	json_write_open(w, '[');
	for (uint64_t i = 0; i < facts->gap_count && i < FACTS_GAPS; i++) {
		json_write_open(w, '{');
		write_number(w, "first", facts->gaps[i].first);
		write_number(w, "last", facts->gaps[i].last);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
	write_number(w, "gap_count", facts->gap_count);
	json_write_close(w, '}');
}

/* A name as the record has it, escaped, is a JSON text already. */
static bool write_name(struct writing *writing, uint32_t number)
{
	char room[NAME_ROOM + 2];
	enum name_kind kind;
	struct fw_slice text;

	if (!names_text(&writing->report->facts.names, number, room + 1, &text, &kind))
		return false;
	room[0] = '"';
	room[1 + text.size] = '"';
	json_write_raw(&writing->w, slice(room, text.size + 2));
	return true;
}

static void write_user(struct writing *writing, uint32_t number, const struct report_activity *activity)
{
	struct json_writer *w = &writing->w;

	if (!write_name(writing, number)) {
		writing->failed = true;
		return;
	}
	/* what json_write_key does behind its text */
	writing->failed = writing->failed || buf_append(&writing->buf, &writing->pool, ":", 1) != 0;
	w->comma = false;
	json_write_open(w, '{');
	write_number(w, "data_access_count", activity->data_access);
	write_number(w, "admin_actions", activity->admin);
	write_number(w, "auth_events", activity->auth);
	write_number(w, "events", activity->total);
	write_time(w, "first_activity", activity->first_us);
	write_time(w, "last_activity", activity->last_us);
	json_write_close(w, '}');
}

static void write_users(struct writing *writing)
{
	const struct report *report = writing->report;
	const struct report_activity *activity = report->activity.map;
	uint64_t most = report->options->users != 0 ? report->options->users : UINT64_MAX, count = 0;

	json_write_key(&writing->w, "user_activity");
	json_write_open(&writing->w, '{');
	for (uint32_t i = 1; i <= report->facts.names.count && !writing->failed; i++) {
		if (activity[i].total == 0 || activity[i].kind != NAME_USER || count++ >= most)
			continue;
		write_user(writing, i, &activity[i]);
		if (buf_size(&writing->buf) >= PIECE)
			flush(writing);
	}
	json_write_close(&writing->w, '}');
	write_number(&writing->w, "user_activity_left_out", count > most ? count - most : 0);
}

bool report_json(const struct report *report, const struct report_out *out)
{
	struct writing writing = { .report = report, .out = out };
	struct json_writer *w = &writing.w;

	pool_init(&writing.pool);
	*w = (struct json_writer){ .out = &writing.buf, .pool = &writing.pool };
	json_write_open(w, '{');
	write_time(w, "generated_at", report->options->now_us);
	write_figures(w, report);
	write_completeness(w, report);
	write_users(&writing);
	json_write_key(w, "tables");
	json_write_raw(w, slice(buf_data(&report->tables), buf_size(&report->tables)));
	json_write_close(w, '}');
	flush(&writing);
	writing.failed = writing.failed || w->failed;
	buf_clear(&writing.buf, &writing.pool);
	pool_fini(&writing.pool);
	return !writing.failed;
}
