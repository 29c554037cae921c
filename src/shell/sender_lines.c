/* A batch of records as others want it who do not read lines: an Alertmanager, and people by mail. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "shell/sender_parts.h"

enum { ARENA_LABELS = 8, LABEL = 64, WORDS = 128 };
#define SECOND_US ((uint64_t)1000000)
#define LATE_S ((uint64_t)300)

static bool put(struct sender *sender, struct buf *out, struct fw_slice text)
{
	return text.size == 0 || buf_append(out, &sender->pool, text.data, text.size) == 0;
}

static struct fw_slice member(const struct json *json, uint32_t object, const char *name, struct arena *arena)
{
	uint32_t node = object != UINT32_MAX ? json_member(json, object, name, strlen(name)) : 0;

	if (node == 0)
		return slice(NULL, 0);
	return json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : json_raw(json, node);
}

/* UINT32_MAX: it has none. */
static uint32_t details_of(const struct json *json)
{
	uint32_t details = json_member(json, 0, "details", 7);

	return details != 0 && json->nodes[details].kind == JSON_OBJECT ? details : UINT32_MAX;
}

/* --- Alertmanager, API v2: labels name an alert, and who says the same labels means the same one. */

/* address="192.0.2.1", details.rule="x": names without dots. */
static void write_labels(struct json_writer *w, struct fw_slice labels)
{
	while (labels.size != 0) {
		const uint8_t *equals = memchr(labels.data, '=', labels.size), *end;
		char name[LABEL];
		size_t size;

		if (equals == NULL || (size = (size_t)(equals - labels.data)) >= LABEL || size + 2 > labels.size)
			return;
		for (size_t i = 0; i < size; i++)
			name[i] = ascii_is_alpha(labels.data[i]) || ascii_is_digit(labels.data[i])
					  ? (char)labels.data[i]
					  : '_';
		name[size] = '\0';
		labels = slice_from(labels, size + 2);
		end = memchr(labels.data, '"', labels.size);
		if (end == NULL)
			return;
		json_write_key(w, name);
		json_write_text(w, slice(labels.data, (size_t)(end - labels.data)));
		labels = slice_from(labels, (size_t)(end - labels.data) + 1);
		labels = slice_from(labels, labels.size > 2 ? 2 : labels.size);
	}
}

static void write_member(struct json_writer *w, const char *key, struct fw_slice text)
{
	if (text.size == 0)
		return;
	json_write_key(w, key);
	json_write_text(w, text);
}

/* Until it is over it is told anew every repeat_interval. */
static void write_end(struct json_writer *w, const struct sender *sender, struct fw_slice time, bool resolved)
{
	uint64_t wall_us, more_s = (uint64_t)sender->policy->settings.alert_repeat + LATE_S;
	char text[ENCODE_RFC3339];

	if (time.size != ENCODE_RFC3339 || !decode_rfc3339((const char *)time.data, &wall_us))
		return;
	encode_rfc3339(resolved ? wall_us : wall_us + more_s * SECOND_US, text);
	json_write_key(w, "endsAt");
	json_write_text(w, slice(text, sizeof(text)));
}

static void write_alert(struct sender *sender, struct json_writer *w, const struct json *json)
{
	struct arena *arena = &sender->arena;
	uint32_t details = details_of(json);
	struct fw_slice time = member(json, 0, "timestamp", arena), level = member(json, 0, "level", arena);
	bool resolved = slice_is(member(json, 0, "event_type", arena), "alert_resolved");

	json_write_open(w, '{');
	json_write_key(w, "labels");
	json_write_open(w, '{');
	write_member(w, "alertname", member(json, details, "alert", arena));
	json_write_key(w, "job");
	json_write_string(w, "framewall");
	json_write_key(w, "instance");
	json_write_string(w, sender->host);
	write_labels(w, member(json, details, "labels", arena));
	json_write_close(w, '}');
	json_write_key(w, "annotations");
	json_write_open(w, '{');
	write_member(w, "summary", member(json, details, "summary", arena));
	if (!resolved)
		write_member(w, "severity", level);
	write_member(w, "value", member(json, details, "value", arena));
	write_member(w, "causes", member(json, details, "causes", arena));
	write_member(w, "event", member(json, details, "event", arena));
	write_member(w, "record", member(json, 0, "event_id", arena));
	json_write_close(w, '}');
	if (!resolved)
		write_member(w, "startsAt", time);
	write_end(w, sender, time, resolved);
	json_write_close(w, '}');
}

enum sender_lines sender_lines_alertmanager(struct sender *sender, const struct sender_batch *batch, struct buf *out)
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), line;
	struct json_writer w = { .out = out, .pool = &sender->pool };
	unsigned count = 0;

	buf_cut(out, 0);
	json_write_open(&w, '[');
	while (delivery_line(&lines, &line)) {
		struct json json;

		arena_reset(&sender->arena);
		if (json_parse(&sender->arena, slice(line.data, line.size - 1), 0, &json, NULL) != JSON_OK ||
		    details_of(&json) == UINT32_MAX)
			continue;
		write_alert(sender, &w, &json);
		count++;
	}
	json_write_close(&w, ']');
	if (w.failed)
		return SENDER_LINES_MEMORY;
	return count != 0 ? SENDER_LINES_MADE : SENDER_LINES_NONE;
}

/* --- mail */

/* A record of ours for people: what it is, then a line for each thing that is known of it. */
static bool describe(struct sender *sender, struct fw_slice line, struct buf *out)
{
	static const char *const members[] = { "event_type", "level",	   "timestamp", "source_ip",
					       "user_id",    "session_id", "event_id" };
	struct json json;
	uint32_t details;
	bool holds = true;

	arena_reset(&sender->arena);
	if (sender->exporter.format != EXPORT_jsonl ||
	    json_parse(&sender->arena, slice(line.data, line.size - 1), 0, &json, NULL) != JSON_OK)
		return put(sender, out, line);
	for (unsigned i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct fw_slice text = member(&json, 0, members[i], &sender->arena);

		if (text.size == 0 || slice_is(text, "null"))
			continue;
		holds = holds && put(sender, out, slice_text(members[i])) && put(sender, out, slice_text(": ")) &&
			put(sender, out, text) && put(sender, out, slice_text("\n"));
	}
	details = details_of(&json);
	for (uint32_t key = details + 1; details != UINT32_MAX && key < json.nodes[details].next;
	     key = json.nodes[key + 1].next) {
		bool is_text = json.nodes[key + 1].kind == JSON_STRING;

		holds = holds && put(sender, out, slice_text("  ")) &&
			put(sender, out, json_text(&json, key, &sender->arena)) && put(sender, out, slice_text(": ")) &&
			put(sender, out,
			    is_text ? json_text(&json, key + 1, &sender->arena) : json_raw(&json, key + 1)) &&
			put(sender, out, slice_text("\n"));
	}
	return holds && put(sender, out, slice_text("\n"));
}

/* What the first record is, in visible ASCII: it stands in a head. */
static void subject(struct sender *sender, const struct sender_batch *batch, char ret_text[WORDS])
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), line, alert, type;
	char more[32] = "";
	struct json json;

	snprintf(ret_text, WORDS, "%u records", batch->count);
	arena_reset(&sender->arena);
	if (!delivery_line(&lines, &line) || sender->exporter.format != EXPORT_jsonl ||
	    json_parse(&sender->arena, slice(line.data, line.size - 1), 0, &json, NULL) != JSON_OK)
		return;
	alert = member(&json, details_of(&json), "alert", &sender->arena);
	type = member(&json, 0, "event_type", &sender->arena);
	if (batch->count > 1)
		snprintf(more, sizeof(more), " and %u more", batch->count - 1);
	snprintf(ret_text, WORDS, "[%.*s] %.*s%s%.*s%s", (int)member(&json, 0, "level", &sender->arena).size,
		 (const char *)member(&json, 0, "level", &sender->arena).data, (int)type.size, (const char *)type.data,
		 alert.size != 0 ? ": " : "", (int)(alert.size < LABEL ? alert.size : LABEL),
		 alert.size != 0 ? (const char *)alert.data : "", more);
	for (char *at = ret_text; *at != '\0'; at++)
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
}

static bool put_base64(struct sender *sender, const struct buf *text, struct buf *out)
{
	enum { LINE = 57 };

	for (size_t at = 0; at < buf_size(text); at += LINE) {
		size_t size = buf_size(text) - at < LINE ? buf_size(text) - at : LINE;
		char line[LINE * 2];
		size_t made = encode_base64(buf_data(text) + at, size, 0, line);

		memcpy(line + made, "\r\n", 2);
		if (!put(sender, out, slice(line, made + 2)))
			return false;
	}
	return true;
}

static bool put_head(struct sender *sender, const struct sender_batch *batch, const char *date, const char *id,
		     struct buf *out)
{
	const struct receiver *receiver = sender->receiver;
	char line[1024], words[WORDS];
	int size;
	bool holds;

	subject(sender, batch, words);
	size = snprintf(line, sizeof(line),
			"Date: %s\r\nFrom: Framewall <%s>\r\nMessage-ID: <%s@%s>\r\nSubject: %s\r\n", date,
			receiver->from, id, sender->host, words);
	holds = size > 0 && size < (int)sizeof(line) && put(sender, out, slice(line, (size_t)size));
	for (size_t i = 0; i < receiver->to.count; i++)
		holds = holds && put(sender, out, slice_text(i == 0 ? "To: " : ",\r\n ")) &&
			put(sender, out, slice_text(receiver->to.items[i]));
	return holds &&
	       put(sender, out,
		   slice_text("\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
}

bool sender_lines_mail(struct sender *sender, const struct sender_batch *batch, const char *date, const char *id,
		       struct buf *text, struct buf *out)
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), line;

	buf_cut(out, 0);
	buf_cut(text, 0);
	while (delivery_line(&lines, &line))
		if (!describe(sender, line, text))
			return false;
	return put_head(sender, batch, date, id, out) && put_base64(sender, text, out);
}
