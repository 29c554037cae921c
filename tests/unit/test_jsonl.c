#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/event_type.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "record/jsonl.h"

static struct pool pool;

static struct fw_record record_of(uint16_t type)
{
	struct fw_record record = {
		.wall_us = (uint64_t)1700000000123456,
		.type = type,
		.level = event_type_level(type),
		.connection_id = 4711,
		.source = { 4, { 192, 0, 2, 1 } },
		.user_id = slice_text("alice"),
		.session_id = slice_text("0123456789abcdef"),
	};

	memcpy(record.event_id, "00112233445566aa", FW_EVENT_ID_SIZE);
	return record;
}

static void add_text(struct fw_record *record, const char *key, struct fw_slice text)
{
	record->details[record->detail_count++] =
		(struct fw_detail){ .key = key, .kind = FW_DETAIL_TEXT, .text = text };
}

static void test_a_whole_line(void **state)
{
	struct fw_record record = record_of(EVENT_auth_failure);
	struct buf out = { 0 };

	(void)state;
	add_text(&record, "cause", slice_text("signature"));
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "count", .kind = FW_DETAIL_INTEGER, .number = -3 };
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "first", .kind = FW_DETAIL_BOOLEAN, .number = 1 };
	assert_int_equal(jsonl_format(&record, 7, &out, &pool), 0);
	assert_int_equal(buf_append(&out, &pool, "", 1), 0);
	assert_string_equal(
		(const char *)buf_data(&out),
		"{\"timestamp\":\"2023-11-14T22:13:20.123456Z\",\"sequence\":7,\"event_type\":\"auth_failure\","
		"\"level\":\"warning\",\"severity\":1,\"source_ip\":\"192.0.2.1\",\"user_id\":\"alice\","
		"\"session_id\":\"0123456789abcdef\",\"connection_id\":4711,\"event_id\":\"00112233445566aa\","
		"\"details\":{\"cause\":\"signature\",\"count\":-3,\"first\":true}}\n");
	buf_clear(&out, &pool);

	record = (struct fw_record){ .type = EVENT_system_changes };
	memcpy(record.event_id, "0000000000000000", FW_EVENT_ID_SIZE);
	assert_int_equal(jsonl_format(&record, 1, &out, &pool), 0);
	assert_int_equal(buf_append(&out, &pool, "", 1), 0);
	assert_non_null(strstr((const char *)buf_data(&out),
			       "\"source_ip\":null,\"user_id\":null,\"session_id\":null,\"connection_id\":null,"));
	buf_clear(&out, &pool);
}

/* Formats one text and gives it back as a reader of the line sees it. */
static struct fw_slice round_trip(struct arena *arena, struct fw_slice text)
{
	struct fw_record record = record_of(EVENT_invalid_message);
	struct json_error error;
	struct buf out = { 0 };
	struct fw_slice line;
	struct json json;
	uint8_t *copy;
	uint32_t details, value;

	add_text(&record, "text", text);
	record.user_id = text;
	assert_int_equal(jsonl_format(&record, 1, &out, &pool), 0);
	copy = arena_alloc(arena, buf_size(&out));
	memcpy(copy, buf_data(&out), buf_size(&out));
	line = slice(copy, buf_size(&out));
	buf_clear(&out, &pool);
	assert_ptr_equal(memchr(line.data, '\n', line.size), line.data + line.size - 1);
	for (size_t i = 0; i + 1 < line.size; i++)
		assert_true(line.data[i] >= 0x20 && line.data[i] != 0x7f);
	line.size--;
	assert_int_equal(json_parse(arena, line, 0, &json, &error), JSON_OK);
	assert_int_equal(json.nodes[0].count, 11);
	details = json_member(&json, 0, "details", 7);
	assert_int_equal(json.nodes[details].count, 1);
	value = json_member(&json, details, "text", 4);
	assert_int_equal(json.nodes[value].kind, JSON_STRING);
	return json_text(&json, value, arena);
}

static void test_no_text_breaks_a_line(void **state)
{
	static const struct {
		const char *text, *read;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\r\n{\"event_type\":\"auth_success\"}", "a\r\n{\"event_type\":\"auth_success\"}" },
		{ "\"},\"x\":{\"\\", "\"},\"x\":{\"\\" },
		{ "\x1b[2J\x07\x7f", "\x1b[2J\x07\x7f" },
		{ "\xc2\x9b"
		  "2J",
		  "\xc2\x9b"
		  "2J" },
		{ "\xe2\x80\xa8\xe2\x80\xae", "\xe2\x80\xa8\xe2\x80\xae" },
		{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80" },
		{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd." },
		{ "\xc3\n", "\xef\xbf\xbd\n" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fw_slice read = round_trip(&arena, slice_text(rows[i].text));

		assert_int_equal(read.size, strlen(rows[i].read));
		assert_memory_equal(read.data, rows[i].read, read.size);
		arena_reset(&arena);
	}
	assert_int_equal(round_trip(&arena, slice("a\0b", 3)).size, 3);
	arena_fini(&arena);
}

static void test_random_octets(void **state)
{
	uint8_t bytes[LIMIT_RECORD_TEXT + 40];
	uint64_t seed = 1;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int round = 0; round < 3000; round++) {
		struct fw_slice read;
		size_t size;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bytes[i] = (uint8_t)(seed >> (round % 2 ? 56 : 33));
		}
		size = (size_t)(seed >> 40) % sizeof(bytes);
		read = round_trip(&arena, slice(bytes, size));
		if (utf8_valid(bytes, size) && size <= LIMIT_RECORD_TEXT)
			assert_true(slice_equal(read, slice(bytes, size)));
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
	char text[LIMIT_RECORD_TEXT + 8];
	struct fw_slice read;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	memset(text, 'x', sizeof(text));
	assert_int_equal(jsonl_cut(slice(text, LIMIT_RECORD_TEXT)).size, LIMIT_RECORD_TEXT);
	assert_int_equal(jsonl_cut(slice(text, LIMIT_RECORD_TEXT + 1)).size, LIMIT_RECORD_TEXT);
	for (size_t before = 1; before < 4; before++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + LIMIT_RECORD_TEXT - before, "\xf0\x9f\x98\x80", 4);
		read = round_trip(&arena, slice(text, sizeof(text)));
		assert_int_equal(read.size, LIMIT_RECORD_TEXT - before);
		assert_true(utf8_valid(read.data, read.size));
	}
	arena_fini(&arena);
}

static void test_short_memory_leaves_no_half_line(void **state)
{
	struct fw_record record = record_of(EVENT_auth_failure);
	struct pool own;
	struct buf out = { 0 };
	char text[LIMIT_RECORD_TEXT];
	unsigned failed = 0;

	(void)state;
	memset(text, 1, sizeof(text)); /* six octets each in the line */
	for (int i = 0; i < FW_RECORD_DETAILS; i++)
		add_text(&record, "text", slice(text, sizeof(text)));
	for (uint64_t n = 1; n < 20; n++) {
		pool_init(&own);
		assert_int_equal(buf_append(&out, &own, "before\n", 7), 0);
		mem_fail_at(n);
		if (jsonl_format(&record, 1, &out, &own) != 0) {
			failed++;
			assert_int_equal(buf_size(&out), 7);
			assert_memory_equal(buf_data(&out), "before\n", 7);
		}
		mem_fail_at(0);
		buf_clear(&out, &own);
		pool_fini(&own);
	}
	assert_true(failed > 0);
}

static int start_pool(void **state)
{
	(void)state;
	pool_init(&pool);
	return 0;
}

static int end_pool(void **state)
{
	(void)state;
	pool_fini(&pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_line, start_pool, end_pool),
		cmocka_unit_test_setup_teardown(test_no_text_breaks_a_line, start_pool, end_pool),
		cmocka_unit_test_setup_teardown(test_random_octets, start_pool, end_pool),
		cmocka_unit_test_setup_teardown(test_long_texts_are_cut_between_characters, start_pool, end_pool),
		cmocka_unit_test_setup_teardown(test_short_memory_leaves_no_half_line, start_pool, end_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
