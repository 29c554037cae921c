/* Alerts and silences: shown, made, ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "shell/admin_parts.h"

#define SECOND_NS UINT64_C(1000000000)

enum { ID = 16, SECONDS_MOST = 365 * 86400, LINE = 512 };

static void write_time(struct json_writer *w, const char *key, uint64_t at_ns)
{
	admin_time_write(w, key, keeper_alerts_wall_us(at_ns));
}

static void write_alert(void *user, const struct alert_status *status)
{
	static const char *const states[] = { "quiet", "pending", "firing" }, *const mutes[] = { "", "silenced",
												 "inhibited" };
	struct json_writer *w = user;

	json_write_open(w, '{');
	admin_text_write(w, "alert", status->rule);
	admin_text_write(w, "id", status->id);
	admin_text_write(w, "state",
			 status->mute != ALERT_HEARD && status->state == ALERT_FIRING ? mutes[status->mute]
										      : states[status->state]);
	admin_text_write(w, "level", fw_level_name(status->level));
	admin_text_write(w, "labels", status->labels);
	write_time(w, "since", status->since_ns);
	if (status->told_ns != 0)
		write_time(w, "told_at", status->told_ns);
	json_write_key(w, "value");
	json_write_integer(w, status->value);
	admin_text_write_number(w, "causes", status->causes);
	admin_text_write_number(w, "suppressed", status->suppressed);
	json_write_close(w, '}');
}

/* A number of 53 bits in hexadecimal digits. */
static void silence_id(uint64_t id, char ret_text[ID + 1])
{
	snprintf(ret_text, ID + 1, "%014" PRIx64, id);
}

static void write_silence(void *user, const struct alert_silence *silence)
{
	struct json_writer *w = user;
	char id[ID + 1];

	silence_id(silence->id, id);
	json_write_open(w, '{');
	admin_text_write(w, "id", id);
	json_write_key(w, "matchers");
	json_write_open(w, '{');
	for (unsigned i = 0; i < silence->matcher_count; i++)
		admin_text_write(w, silence->matchers[i].label, silence->matchers[i].pattern);
	json_write_close(w, '}');
	write_time(w, "since", silence->since_ns);
	write_time(w, "until", silence->until_ns);
	admin_text_write(w, "reason", silence->reason);
	admin_text_write(w, "author", silence->author);
	json_write_close(w, '}');
}

void admin_alerts_list(struct admin_conn *conn)
{
	struct keeper_alerts *alerts = &conn->admin->keeper->alerts;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "alerts");
	json_write_open(&w, '[');
	keeper_alerts_each(alerts, write_alert, NULL, &w);
	json_write_close(&w, ']');
	json_write_key(&w, "silences");
	json_write_open(&w, '[');
	keeper_alerts_each(alerts, NULL, write_silence, &w);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static bool copy(struct fw_slice text, char *room, size_t most)
{
	if (text.size > most || !admin_text_is_line(text))
		return false;
	memcpy(room, text.data, text.size);
	room[text.size] = '\0';
	return true;
}

/* Those that an alert has: "alert", "level", a field. */
static bool is_label(struct fw_slice text)
{
	static const char *const labels[] = { "alert", "level", "address", "user", "session", "connection", "event" };

	for (unsigned i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (slice_is(text, labels[i]))
			return true;
	return slice_starts(text, "details.");
}

static bool read_matchers(struct admin_conn *conn, const struct json *json, uint32_t map, struct alert_silence *silence)
{
	struct arena *arena = &conn->admin->arena;

	if (map == 0 || json->nodes[map].kind != JSON_OBJECT || json->nodes[map].count == 0 ||
	    json->nodes[map].count > ALERT_MATCHERS)
		return false;
	for (uint32_t key = map + 1; key < json->nodes[map].next; key = json->nodes[key + 1].next) {
		unsigned n = silence->matcher_count++;

		if (json->nodes[key + 1].kind != JSON_STRING || !is_label(json_text(json, key, arena)) ||
		    !copy(json_text(json, key, arena), silence->matchers[n].label, ALERT_NAME) ||
		    !copy(json_text(json, key + 1, arena), silence->matchers[n].pattern, ALERT_PATTERN))
			return false;
	}
	return true;
}

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct alert_silence *silence, int64_t *ret_seconds)
{
	struct arena *arena = &conn->admin->arena;
	uint32_t matchers, seconds, reason, author;
	struct json json;

	if (json_parse(arena, conn->content, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {matchers, seconds, reason, author}";
	matchers = json_member(&json, 0, "matchers", 8);
	seconds = json_member(&json, 0, "seconds", 7);
	reason = json_member(&json, 0, "reason", 6);
	author = json_member(&json, 0, "author", 6);
	if (json.nodes[0].count != (unsigned)(matchers != 0) + (seconds != 0) + (reason != 0) + (author != 0))
		return "the body has a member besides matchers, seconds, reason, author";
	if (!read_matchers(conn, &json, matchers, silence))
		return "matchers must be an object of 1 to 6 labels: alert, level, address, user, session, connection, "
		       "event or "
		       "details.MEMBER, each with a text, in which * is any octets";
	if (seconds == 0 || !json_integer(&json, seconds, ret_seconds) || *ret_seconds < 1 ||
	    *ret_seconds > SECONDS_MOST)
		return "seconds must be a whole number from 1 to 31536000";
	if (reason == 0 || json.nodes[reason].kind != JSON_STRING ||
	    !copy(json_text(&json, reason, arena), silence->reason, ALERT_REASON))
		return "reason must be a line of 1 to 120 bytes";
	if (author == 0 || json.nodes[author].kind != JSON_STRING ||
	    !copy(json_text(&json, author, arena), silence->author, ALERT_AUTHOR))
		return "author must be a line of 1 to 64 bytes";
	return NULL;
}

static void record_state(struct admin *admin, enum admin_when state, const struct alert_silence *silence)
{
	struct json_writer w = admin_record_state(admin, state);

	json_write_open(&w, '{');
	write_time(&w, "until", silence->until_ns);
	admin_text_write(&w, "reason", silence->reason);
	json_write_close(&w, '}');
}

/* state: which of the two it is. */
static void record(struct admin_conn *conn, const char *action, const struct alert_silence *silence,
		   enum admin_when state)
{
	char matchers[LINE] = "", id[ID + 1];
	struct fw_record made;
	size_t used = 0;

	admin_record_init(&made, conn, EVENT_admin_action, action);
	silence_id(silence->id, id);
	admin_record_text(&made, "silence", slice_text(id));
	for (unsigned i = 0; i < silence->matcher_count; i++) {
		int size = snprintf(matchers + used, sizeof(matchers) - used, "%s%s=\"%s\"", i != 0 ? ", " : "",
				    silence->matchers[i].label, silence->matchers[i].pattern);

		used += size > 0 && (size_t)size < sizeof(matchers) - used ? (size_t)size : 0;
	}
	matchers[used] = '\0';
	admin_record_text(&made, "matchers", slice(matchers, used));
	admin_record_number(&made, "seconds", (int64_t)((silence->until_ns - silence->since_ns) / SECOND_NS));
	admin_record_text(&made, "reason", slice_text(silence->reason));
	admin_record_text(&made, "author", slice_text(silence->author));
	record_state(conn->admin, state, silence);
	admin_record_change(conn->admin, &made);
}

static void answer_not_kept(struct admin_conn *conn, const char *done, int reason)
{
	char text[LINE];

	snprintf(text, sizeof(text), "%s, but that does not outlive the server: alerts.json: %s", done,
		 strerror(reason));
	admin_answer_problem(conn, 507, text, "");
}

void admin_alerts_silence(struct admin_conn *conn)
{
	struct alert_silence silence = { 0 };
	int64_t seconds = 0;
	const char *wrong = read_wish(conn, &silence, &seconds);
	struct json_writer w;
	int reason;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	reason = keeper_alerts_silence(&conn->admin->keeper->alerts, &silence, (uint64_t)seconds, &silence.id);
	if (silence.id == 0) {
		admin_answer_problem(conn, 507, "there are as many silences as there may be", "");
		return;
	}
	record(conn, "alert silence", &silence, ADMIN_AFTER);
	if (reason != 0) {
		answer_not_kept(conn, "it is silenced", reason);
		return;
	}
	w = admin_answer_json(conn);
	write_silence(&w, &silence);
	admin_answer_written(conn, 201, &w);
}

static void copy_silence(void *user, const struct alert_silence *silence)
{
	struct alert_silence *wanted = user;

	if (silence->id == wanted->id)
		*wanted = *silence;
}

void admin_alerts_unsilence(struct admin_conn *conn)
{
	struct keeper_alerts *alerts = &conn->admin->keeper->alerts;
	struct alert_silence silence = { .id = 0 };
	char text[ID + 1], *end;
	size_t size;
	int reason;

	if (admin_text_decode(conn->rest, text, ID, &size)) {
		text[size] = '\0';
		silence.id = strtoull(text, &end, 16);
		if (*end != '\0')
			silence.id = 0;
	}
	keeper_alerts_each(alerts, NULL, copy_silence, &silence);
	if (silence.id == 0 || !keeper_alerts_unsilence(alerts, silence.id, &reason)) {
		admin_answer_problem(conn, 404, "there is no such silence", "");
		return;
	}
	record(conn, "alert unsilence", &silence, ADMIN_BEFORE);
	if (reason != 0) {
		answer_not_kept(conn, "it is not silenced any more", reason);
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}

bool admin_alerts_metrics(struct keeper *keeper, struct buf *out, struct pool *pool)
{
	struct alert_figures figures = keeper_alerts_counts(&keeper->alerts);
	struct admin_page_out page = { .out = out, .pool = pool };
	char labels[ID * 2];

	admin_series_one(&page, SERIES_alerts_raised_total, figures.raised);
	admin_series_one(&page, SERIES_alerts_resolved_total, figures.resolved);
	admin_series_one(&page, SERIES_alerts_suppressed_total, figures.suppressed);
	admin_series_one(&page, SERIES_alerts_shared_total, figures.shared);
	admin_series_one(&page, SERIES_alerts_muted, figures.muted);
	admin_series_one(&page, SERIES_alert_silences, figures.silences);
	admin_series_begin(&page, SERIES_alerts_firing);
	for (uint8_t level = 0; level < 4; level++) {
		snprintf(labels, sizeof(labels), "{level=\"%s\"}", fw_level_name(level));
		admin_series_add(&page, SERIES_alerts_firing, labels, figures.firing[level]);
	}
	return !page.failed;
}
