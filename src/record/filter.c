#include "record/filter.h"

#include <string.h>

#include "base/slice.h"

bool filter_is_empty(const struct ledger_filter *filter)
{
	return filter->event_type == NULL && filter->level == NULL && filter->user_id == NULL &&
	       filter->session_id == NULL && filter->from == NULL && filter->to == NULL && filter->text == NULL &&
	       filter->source.base.family == 0 && filter->connection == 0;
}

bool filter_member(const struct json *json, struct arena *arena, const char *name, struct fw_slice *ret_text)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	*ret_text = slice(NULL, 0);
	if (node == 0 || json->nodes[node].kind != JSON_STRING)
		return true;
	*ret_text = json_text(json, node, arena);
	return ret_text->data != NULL;
}

static bool is_letter(uint8_t octet)
{
	return (octet >= '0' && octet <= '9') || ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z') || octet >= 0x80;
}

bool filter_word(struct fw_slice *text, struct fw_slice *ret_word)
{
	size_t from = 0, to;

	while (from < text->size && !is_letter(text->data[from]))
		from++;
	for (to = from; to < text->size && is_letter(text->data[to]);)
		to++;
	*ret_word = slice(text->data + from, to - from);
	*text = slice_from(*text, to);
	return ret_word->size != 0;
}

bool filter_texts(const struct json *json, struct arena *arena, filter_text_function *function, void *user)
{
	static const char *const names[] = { "user_id", "session_id", "event_id" };
	uint32_t details = json_member(json, 0, "details", 7);
	struct fw_slice text;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!filter_member(json, arena, names[i], &text))
			return false;
		function(user, text);
	}
	if (details == 0 || json->nodes[details].kind != JSON_OBJECT)
		return true;
	for (uint32_t key = details + 1; key < json->nodes[details].next; key = json->nodes[key + 1].next) {
		if (json->nodes[key + 1].kind != JSON_STRING)
			continue;
		text = json_text(json, key + 1, arena);
		if (text.data == NULL)
			return false;
		function(user, text);
	}
	return true;
}

static bool member_is(struct arena *arena, const struct json *json, const char *name, const char *want)
{
	struct fw_slice text;

	return want == NULL || (filter_member(json, arena, name, &text) && text.size != 0 && slice_is(text, want));
}

static bool is_within(const struct json *json, const struct ledger_filter *filter)
{
	uint32_t node = json_member(json, 0, "timestamp", 9);
	struct fw_slice time;

	if (node == 0 || json->nodes[node].kind != JSON_STRING)
		return false;
	time = slice(json->text + json->nodes[node].offset, json->nodes[node].size);
	return (filter->from == NULL ||
		(strlen(filter->from) <= time.size && memcmp(time.data, filter->from, strlen(filter->from)) >= 0)) &&
	       (filter->to == NULL ||
		(strlen(filter->to) <= time.size && memcmp(time.data, filter->to, strlen(filter->to)) <= 0));
}

static bool source_is(struct arena *arena, const struct json *json, const struct addr_net *want)
{
	struct fw_slice text;
	struct fw_addr source;

	return want->base.family == 0 || (filter_member(json, arena, "source_ip", &text) && addr_parse(text, &source) &&
					  addr_net_has(want, &source));
}

static bool connection_is(const struct json *json, uint64_t want)
{
	uint32_t node = json_member(json, 0, "connection_id", 13);
	uint64_t value = 0;

	if (want == 0)
		return true;
	if (node == 0 || json->nodes[node].kind != JSON_NUMBER)
		return false;
	for (uint32_t i = 0; i < json->nodes[node].size; i++) {
		uint8_t digit = json->text[json->nodes[node].offset + i];

		if (digit < '0' || digit > '9' || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(digit - '0'), &value))
			return false;
	}
	return value == want;
}

struct wanted {
	struct fw_slice words[FILTER_WORDS];
	unsigned count;
	uint32_t found; /* a bit for each */
};

static void look_for(void *user, struct fw_slice text)
{
	struct wanted *wanted = user;
	struct fw_slice word;

	while (filter_word(&text, &word))
		for (unsigned i = 0; i < wanted->count; i++)
			if (slice_equal_nocase(word, wanted->words[i]))
				wanted->found |= (uint32_t)1 << i;
}

static bool is(struct fw_slice text, const char *want)
{
	return want == NULL || (text.size != 0 && slice_is(text, want));
}

static bool record_has(const struct fw_record *record, const char *want)
{
	struct wanted wanted = { .count = 0 };
	struct fw_slice rest = slice_text(want), word;

	while (wanted.count < FILTER_WORDS && filter_word(&rest, &word))
		wanted.words[wanted.count++] = word;
	if (wanted.count == 0)
		return true;
	look_for(&wanted, record->user_id);
	look_for(&wanted, record->session_id);
	look_for(&wanted, slice(record->event_id, sizeof(record->event_id)));
	for (unsigned i = 0; i < record->detail_count; i++)
		if (record->details[i].kind == FW_DETAIL_TEXT)
			look_for(&wanted, record->details[i].text);
	return wanted.found == UINT32_MAX >> (FILTER_WORDS - wanted.count);
}

bool filter_matches_record(const struct ledger_filter *filter, const struct fw_record *record)
{
	const char *type = fw_event_name(record->type), *level = fw_level_name(record->level);

	return (filter->event_type == NULL || (type != NULL && strcmp(type, filter->event_type) == 0)) &&
	       (filter->level == NULL || (level != NULL && strcmp(level, filter->level) == 0)) &&
	       is(record->user_id, filter->user_id) && is(record->session_id, filter->session_id) &&
	       (filter->connection == 0 || filter->connection == record->connection_id) &&
	       (filter->source.base.family == 0 ||
		(record->source.family != 0 && addr_net_has(&filter->source, &record->source))) &&
	       (filter->text == NULL || record_has(record, filter->text));
}

static bool texts_have(struct arena *arena, const struct json *json, const char *want)
{
	struct wanted wanted = { .count = 0 };
	struct fw_slice rest = slice_text(want), word;

	while (wanted.count < FILTER_WORDS && filter_word(&rest, &word))
		wanted.words[wanted.count++] = word;
	if (wanted.count == 0)
		return true;
	return filter_texts(json, arena, look_for, &wanted) &&
	       wanted.found == UINT32_MAX >> (FILTER_WORDS - wanted.count);
}

bool filter_matches(const struct ledger_filter *filter, struct arena *arena, struct fw_slice line)
{
	struct json json;
	bool match;

	/* Most lines are of another type: that shows without reading the whole. */
	if (filter->event_type != NULL &&
	    memmem(line.data, line.size, filter->event_type, strlen(filter->event_type)) == NULL)
		return false;
	match = json_parse(arena, line, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT &&
		member_is(arena, &json, "event_type", filter->event_type) &&
		member_is(arena, &json, "level", filter->level) &&
		member_is(arena, &json, "user_id", filter->user_id) &&
		member_is(arena, &json, "session_id", filter->session_id) && is_within(&json, filter) &&
		connection_is(&json, filter->connection) && source_is(arena, &json, &filter->source) &&
		texts_have(arena, &json, filter->text);
	arena_reset(arena);
	return match;
}
