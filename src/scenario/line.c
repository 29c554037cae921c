#include "scenario/line.h"

#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "codec/json.h"

struct reading {
	struct arena *arena;
	struct json json;
	bool short_of_memory;
};

/* A text of an object; empty where there is none. */
static struct fw_slice text_of(struct reading *reading, uint32_t object, const char *name)
{
	uint32_t node = json_member(&reading->json, object, name, strlen(name));
	struct fw_slice text = { NULL, 0 };

	if (node == 0 || reading->json.nodes[node].kind != JSON_STRING)
		return text;
	text = json_text(&reading->json, node, reading->arena);
	reading->short_of_memory |= text.data == NULL;
	return text;
}

static uint8_t level_of(struct fw_slice name)
{
	uint8_t level = 0;

	while (level < FW_LEVEL_EMERGENCY && !slice_is(name, fw_level_name(level)))
		level++;
	return level;
}

static uint16_t type_of(struct fw_slice name)
{
	uint16_t type = 0;

	while (type < EVENT_TYPES && !slice_is(name, fw_event_name(type)))
		type++;
	return type;
}

/* A key with a NUL behind it, as those of a record have. */
static const char *key_of(struct reading *reading, uint32_t node)
{
	struct fw_slice text = json_text(&reading->json, node, reading->arena);
	char *key = text.data != NULL ? arena_alloc(reading->arena, text.size + 1) : NULL;

	reading->short_of_memory |= key == NULL;
	if (key == NULL)
		return "";
	memcpy(key, text.data, text.size);
	key[text.size] = '\0';
	return key;
}

static bool detail_of(struct reading *reading, uint32_t value, struct fw_detail *ret_detail)
{
	switch (reading->json.nodes[value].kind) {
	case JSON_STRING:
		ret_detail->kind = FW_DETAIL_TEXT;
		ret_detail->text = json_text(&reading->json, value, reading->arena);
		reading->short_of_memory |= ret_detail->text.data == NULL;
		return true;
	case JSON_NUMBER:
		ret_detail->kind = FW_DETAIL_INTEGER;
		return json_integer(&reading->json, value, &ret_detail->number);
	case JSON_TRUE:
	case JSON_FALSE:
		ret_detail->kind = FW_DETAIL_BOOLEAN;
		ret_detail->number = reading->json.nodes[value].kind == JSON_TRUE;
		return true;
	default:
		return false;
	}
}

static void read_details(struct reading *reading, uint32_t object, struct fw_record *record)
{
	const struct json *json = &reading->json;

	for (uint32_t key = object + 1; key < json->nodes[object].next; key = json->nodes[key + 1].next) {
		struct fw_detail *detail = &record->details[record->detail_count];

		if (record->detail_count == FW_RECORD_DETAILS)
			return;
		if (!detail_of(reading, key + 1, detail))
			continue;
		detail->key = key_of(reading, key);
		record->detail_count++;
	}
}

/* A sum says when the last of its events was; other records may have a count, too, of something else. */
static uint64_t times_of(const struct fw_record *record)
{
	const struct fw_detail *count = NULL;
	bool is_sum = false;

	for (unsigned i = 0; i < record->detail_count; i++) {
		if (strcmp(record->details[i].key, "count") == 0)
			count = &record->details[i];
		is_sum |= strcmp(record->details[i].key, "first_at") == 0;
	}
	return is_sum && count != NULL && count->kind == FW_DETAIL_INTEGER && count->number > 0
		       ? (uint64_t)count->number
		       : 1;
}

enum line_result line_read(struct arena *arena, struct fw_slice line, struct fw_record *ret_record, uint64_t *ret_times)
{
	struct reading reading = { .arena = arena };
	enum json_result parsed = json_parse(arena, line, 0, &reading.json, NULL);
	struct fw_slice time, id;
	uint32_t node;
	int64_t number;

	*ret_record = (struct fw_record){ 0 };
	*ret_times = 1;
	if (parsed == JSON_MEMORY)
		return LINE_MEMORY;
	if (parsed != JSON_OK || reading.json.nodes[0].kind != JSON_OBJECT)
		return LINE_BAD;
	time = text_of(&reading, 0, "timestamp");
	if (time.size != ENCODE_RFC3339 || !decode_rfc3339((const char *)time.data, &ret_record->wall_us))
		return LINE_BAD;
	ret_record->type = type_of(text_of(&reading, 0, "event_type"));
	ret_record->level = level_of(text_of(&reading, 0, "level"));
	ret_record->user_id = text_of(&reading, 0, "user_id");
	ret_record->session_id = text_of(&reading, 0, "session_id");
	(void)addr_parse(text_of(&reading, 0, "source_ip"), &ret_record->source);
	id = text_of(&reading, 0, "event_id");
	if (id.size == FW_EVENT_ID_SIZE)
		memcpy(ret_record->event_id, id.data, id.size);
	node = json_member(&reading.json, 0, "connection_id", 13);
	if (node != 0 && json_integer(&reading.json, node, &number) && number > 0)
		ret_record->connection_id = (uint64_t)number;
	node = json_member(&reading.json, 0, "details", 7);
	if (node != 0 && reading.json.nodes[node].kind == JSON_OBJECT)
		read_details(&reading, node, ret_record);
	*ret_times = times_of(ret_record);
	return reading.short_of_memory ? LINE_MEMORY : LINE_OK;
}
