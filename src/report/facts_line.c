#include "report/facts_line.h"

#include <pthread.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "record/segment.h"

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* The members of a line stand in one order, and nothing but the program writes them: so it is read in one go. */
struct cursor {
	const char *at, *end;
};

static bool skip(struct cursor *cursor, const char *text)
{
	size_t size = strlen(text);

	if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, text, size) != 0)
		return false;
	cursor->at += size;
	return true;
}

/* A text up to its quote, which is passed. */
static bool take_text(struct cursor *cursor, struct fw_slice *ret_text)
{
	const char *from = cursor->at;

	for (; cursor->at < cursor->end; cursor->at++) {
		if (*cursor->at == '"') {
			*ret_text = slice(from, (size_t)(cursor->at - from));
			cursor->at++;
			return true;
		}
		if (*cursor->at == '\\')
			cursor->at++;
	}
	return false;
}

/* A text in quotes, or null (then empty). */
static bool take_value(struct cursor *cursor, struct fw_slice *ret_text)
{
	*ret_text = slice(NULL, 0);
	if (skip(cursor, "null"))
		return true;
	return skip(cursor, "\"") && take_text(cursor, ret_text);
}

/* What is no text: up to the comma or bracket behind it. */
static void take_word(struct cursor *cursor)
{
	while (cursor->at < cursor->end && *cursor->at != ',' && *cursor->at != '}')
		cursor->at++;
}

/* By length and letters: a slot holds the types that share it, the first one and where the next is. */
enum { SLOTS = 256 };

struct type_slots {
	uint8_t first[SLOTS], next[EVENT_TYPES]; /* type + 1; 0: none */
};

static unsigned slot_of(struct fw_slice name)
{
	return name.size == 0 ? 0
			      : (unsigned)(name.size * 31 + name.data[0] * 7u + name.data[name.size / 2] * 3u +
					   name.data[name.size - 1]) %
					SLOTS;
}

static struct type_slots type_slots;

static void fill_type_slots(void)
{
	for (unsigned i = 0; i < EVENT_TYPES; i++) {
		unsigned slot = slot_of(slice_text(fw_event_name((uint16_t)i)));

		type_slots.next[i] = type_slots.first[slot];
		type_slots.first[slot] = (uint8_t)(i + 1);
	}
}

static uint8_t find_type(struct fw_slice name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint8_t at;

	pthread_once(&once, fill_type_slots);
	for (at = type_slots.first[slot_of(name)]; at != 0; at = type_slots.next[at - 1])
		if (slice_is(name, fw_event_name((uint16_t)(at - 1))))
			return (uint8_t)(at - 1);
	return EVENT_TYPES;
}

static bool find_level(struct fw_slice name, uint8_t *ret_level)
{
	for (*ret_level = FW_LEVEL_INFO; *ret_level <= FW_LEVEL_EMERGENCY; (*ret_level)++)
		if (slice_is(name, fw_level_name(*ret_level)))
			return true;
	return false;
}

/* The next member of details: false at their end. A value that is no text is empty, and stands in ret_word. */
static bool next_detail(struct cursor *cursor, struct fw_slice *ret_name, struct fw_slice *ret_text,
			struct fw_slice *ret_word)
{
	const char *from;

	*ret_word = slice(NULL, 0);
	if (!skip(cursor, "\"") && !skip(cursor, ",\""))
		return false;
	if (!take_text(cursor, ret_name) || !skip(cursor, ":"))
		return false;
	*ret_text = slice(NULL, 0);
	if (skip(cursor, "\""))
		return take_text(cursor, ret_text);
	from = cursor->at;
	take_word(cursor);
	*ret_word = slice(from, (size_t)(cursor->at - from));
	return true;
}

/* A number of events; 1: it is none that a sum could have. More than fits is that. */
static uint32_t read_count(struct fw_slice word)
{
	uint64_t count = 0;

	for (size_t i = 0; i < word.size; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return 1;
		count = count * 10 + (word.data[i] - '0');
		if (count > UINT32_MAX)
			return UINT32_MAX;
	}
	return count != 0 ? (uint32_t)count : 1;
}

static void read_details(struct facts_line *line)
{
	struct cursor cursor = { (const char *)line->details.data + 1,
				 (const char *)line->details.data + line->details.size };
	struct fw_slice name, text, word;

	line->count = 1;
	while (next_detail(&cursor, &name, &text, &word)) {
		if (word.size != 0 && event_type_is_summed(line->type) && slice_is(name, "count"))
			line->count = read_count(word);
		else if (slice_is(name, "cause"))
			line->cause = text;
		else if (line->cause.size == 0 && (slice_is(name, "action") || slice_is(name, "change")))
			line->cause = text;
		else if (slice_is(name, "role"))
			line->role = text;
	}
}

/* Nothing but the program writes the record; but a report is also made of what somebody changed. */
static bool is_printable(struct fw_slice text)
{
	uint64_t controls = 0, high = 0, octets;
	size_t i;

	/* eight at a time; whether any is below 0x20, or 0x7f: the highest bit of one of the eight says so */
	for (i = 0; i + sizeof(octets) <= text.size; i += sizeof(octets)) {
		memcpy(&octets, text.data + i, sizeof(octets));
		controls |= (octets - EACH(0x20)) & ~octets & EACH(0x80);
		high |= octets & EACH(0x80);
		octets ^= EACH(0x7f);
		controls |= (octets - EACH(0x01)) & ~octets & EACH(0x80);
	}
	for (; i < text.size; i++) {
		controls |= text.data[i] < 0x20 || text.data[i] == 0x7f;
		high |= text.data[i] & 0x80;
	}
	return controls == 0 && (high == 0 || utf8_valid(text.data, text.size));
}

bool facts_line_read(struct fw_slice text, struct facts_line *ret_line)
{
	struct segment_line parts;
	struct fw_slice type, level, ignored;
	struct cursor cursor;

	*ret_line = (struct facts_line){ 0 };
	if (!segment_line(text, &parts) || !is_printable(text) ||
	    !decode_rfc3339((const char *)text.data + SEGMENT_TIME, &ret_line->wall_us))
		return false;
	ret_line->sequence = parts.sequence;
	cursor = (struct cursor){ (const char *)text.data + SEGMENT_TIME + ENCODE_RFC3339 + sizeof("\",\"sequence\":") -
					  1,
				  (const char *)parts.hashed.data + parts.hashed.size };
	take_word(&cursor);
	if (!skip(&cursor, ",\"event_type\":\"") || !take_text(&cursor, &type) || !skip(&cursor, ",\"level\":\"") ||
	    !take_text(&cursor, &level) || !find_level(level, &ret_line->level) || !skip(&cursor, ",\"severity\":"))
		return false;
	take_word(&cursor);
	if (!skip(&cursor, ",\"source_ip\":") || !take_value(&cursor, &ret_line->source) ||
	    !skip(&cursor, ",\"user_id\":") || !take_value(&cursor, &ret_line->user) ||
	    !skip(&cursor, ",\"session_id\":") || !take_value(&cursor, &ignored) ||
	    !skip(&cursor, ",\"connection_id\":"))
		return false;
	take_word(&cursor);
	if (!skip(&cursor, ",\"event_id\":") || !take_value(&cursor, &ignored) || !skip(&cursor, ",\"details\":{") ||
	    cursor.end[-1] != '}')
		return false;
	ret_line->type = find_type(type);
	ret_line->details = slice(cursor.at - 1, (size_t)(cursor.end - cursor.at) + 1);
	read_details(ret_line);
	return true;
}

struct fw_slice facts_line_detail(struct fw_slice details, const char *name)
{
	struct cursor cursor = { (const char *)details.data + 1, (const char *)details.data + details.size };
	struct fw_slice found, text, word;

	while (details.size != 0 && next_detail(&cursor, &found, &text, &word))
		if (slice_is(found, name))
			return text;
	return slice(NULL, 0);
}
