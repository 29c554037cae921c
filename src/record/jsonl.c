#include "record/jsonl.h"

#include "base/addr.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json.h"

enum { ESCAPED = 6, QUOTED = LIMIT_RECORD_TEXT * ESCAPED + 2 };

struct fw_slice jsonl_cut(struct fw_slice text)
{
	size_t size = LIMIT_RECORD_TEXT;

	if (text.size <= size)
		return text;
	for (int back = 0; back < 3 && (text.data[size] & 0xc0) == 0x80; back++)
		size--;
	return slice(text.data, size);
}

static size_t sequence_size(uint8_t first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static uint32_t decode(const uint8_t *bytes, size_t size)
{
	static const uint8_t first_bits[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = bytes[0] & first_bits[size];

	for (size_t i = 1; i < size; i++)
		point = point << 6 | (bytes[i] & 0x3f);
	return point;
}

/* Characters that would change how a line looks where it is read: C0 and C1 controls (a terminal obeys U+009B like
 * ESC [), line and paragraph separators, and the marks that reorder what stands around them. */
static bool must_escape(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029 ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x202a && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

static size_t write_escape(uint32_t point, char *to)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = '\\';
	to[1] = 'u';
	for (int i = 0; i < 4; i++)
		to[2 + i] = digits[point >> (12 - 4 * i) & 15];
	return ESCAPED;
}

static size_t write_replacement(char *to)
{
	static const uint8_t replacement[3] = { 0xef, 0xbf, 0xbd }; /* U+FFFD */

	memcpy(to, replacement, sizeof(replacement));
	return sizeof(replacement);
}

/* The text as a JSON string that is valid whatever the text is. */
static size_t quote(struct fw_slice text, char ret_quoted[QUOTED])
{
	size_t at = 0, size = 0;

	ret_quoted[size++] = '"';
	while (at < text.size) {
		const uint8_t *bytes = text.data + at;
		size_t length = sequence_size(bytes[0]);
		uint32_t point;

		if (length > text.size - at || !utf8_valid(bytes, length)) {
			size += write_replacement(ret_quoted + size);
			at++;
			continue;
		}
		at += length;
		point = decode(bytes, length);
		if (point == '"' || point == '\\')
			ret_quoted[size++] = '\\';
		if (must_escape(point)) {
			size += write_escape(point, ret_quoted + size);
		} else {
			memcpy(ret_quoted + size, bytes, length);
			size += length;
		}
	}
	ret_quoted[size++] = '"';
	return size;
}

static void write_text(struct json_writer *w, struct fw_slice text)
{
	char quoted[QUOTED];

	json_write_raw(w, slice(quoted, quote(jsonl_cut(text), quoted)));
}

static void write_member(struct json_writer *w, const char *key, struct fw_slice text)
{
	json_write_key(w, key);
	if (text.size != 0)
		write_text(w, text);
	else
		json_write_null(w);
}

static void write_source(struct json_writer *w, const struct fw_addr *source)
{
	char text[ADDR_TEXT];

	json_write_key(w, "source_ip");
	if (source->family == 0) {
		json_write_null(w);
		return;
	}
	addr_format(source, text);
	json_write_string(w, text);
}

static void write_details(struct json_writer *w, const struct fw_record *record)
{
	json_write_key(w, "details");
	json_write_open(w, '{');
	for (unsigned i = 0; i < record->detail_count && i < FW_RECORD_DETAILS; i++) {
		const struct fw_detail *detail = &record->details[i];

		json_write_key(w, detail->key);
		if (detail->kind == FW_DETAIL_TEXT)
			write_text(w, detail->text);
		else if (detail->kind == FW_DETAIL_INTEGER)
			json_write_integer(w, detail->number);
		else
			json_write_boolean(w, detail->number != 0);
	}
	json_write_close(w, '}');
}

int jsonl_format(const struct fw_record *record, uint64_t sequence, struct buf *out, struct pool *pool)
{
	struct json_writer w = { .out = out, .pool = pool };
	const char *name = fw_event_name(record->type), *level = fw_level_name(record->level);
	size_t before = buf_size(out);
	char time[ENCODE_RFC3339];

	encode_rfc3339(record->wall_us, time);
	json_write_open(&w, '{');
	json_write_key(&w, "timestamp");
	json_write_text(&w, slice(time, sizeof(time)));
	json_write_key(&w, "sequence");
	json_write_integer(&w, (int64_t)sequence);
	json_write_key(&w, "event_type");
	json_write_string(&w, name != NULL ? name : "unknown");
	json_write_key(&w, "level");
	json_write_string(&w, level != NULL ? level : "critical");
	json_write_key(&w, "severity");
	json_write_integer(&w, record->level);
	write_source(&w, &record->source);
	write_member(&w, "user_id", record->user_id);
	write_member(&w, "session_id", record->session_id);
	json_write_key(&w, "connection_id");
	if (record->connection_id != 0)
		json_write_integer(&w, (int64_t)record->connection_id);
	else
		json_write_null(&w);
	json_write_key(&w, "event_id");
	write_text(&w, slice(record->event_id, FW_EVENT_ID_SIZE));
	write_details(&w, record);
	json_write_close(&w, '}');
	if (!w.failed && buf_append(out, pool, "\n", 1) == 0)
		return 0;
	/* Half a line must not stay: the next one would be joined to it. */
	buf_cut(out, before);
	return -1;
}
