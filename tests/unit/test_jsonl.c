#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
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

static char folder[] = "/tmp/framewall-jsonl-XXXXXX";
static char records[128], path[160];

static int make_folder(void **state)
{
	(void)state;
	pool_init(&pool);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(records, sizeof(records), "%s/a/b", folder);
	snprintf(path, sizeof(path), "%s/security_audit.log", records);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	rmdir(records);
	*strrchr(records, '/') = '\0';
	rmdir(records);
	rmdir(folder);
	pool_fini(&pool);
	return 0;
}

static size_t read_file(char *ret_text, size_t room)
{
	FILE *file = fopen(path, "r");
	size_t size;

	assert_non_null(file);
	size = fread(ret_text, 1, room - 1, file);
	ret_text[size] = '\0';
	fclose(file);
	return size;
}

static void test_the_file(void **state)
{
	struct fw_record record = record_of(EVENT_auth_success);
	struct jsonl_file *file = jsonl_open(records);
	struct buf out = { 0 };
	struct stat stat_buf;
	char text[4096];

	(void)state;
	assert_non_null(file);
	assert_int_equal(jsonl_last_sequence(file), 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(jsonl_format(&record, 40 + i, &out, &pool), 0);
	assert_int_equal(jsonl_append(file, buf_data(&out), buf_size(&out)), 0);
	read_file(text, sizeof(text));
	assert_int_equal(strlen(text), buf_size(&out));
	assert_int_equal(stat(records, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 0777, 0700);
	assert_int_equal(stat(path, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 0777, 0600);
	jsonl_close(file);

	/* numbering goes on; a line that was cut short stays alone */
	assert_int_equal(truncate(path, stat_buf.st_size - 5), 0);
	file = jsonl_open(records);
	assert_non_null(file);
	assert_int_equal(jsonl_last_sequence(file), 43);
	jsonl_close(file);
	file = jsonl_open(records);
	assert_int_equal(jsonl_last_sequence(file), 43);
	assert_int_equal(jsonl_append(file, (const uint8_t *)"{}\n", 3), 0);
	read_file(text, sizeof(text));
	assert_string_equal(strrchr(text, ','), ",\"details\"\n{}\n");
	jsonl_close(file);
	buf_clear(&out, &pool);
}

static void test_not_a_link(void **state)
{
	struct jsonl_file *file = jsonl_open(records);

	(void)state;
	jsonl_close(file);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(jsonl_open(records));
	assert_int_equal(errno, ELOOP);
	assert_null(jsonl_close(NULL));
}

static void test_what_cannot_be_written_is_kept(void **state)
{
	struct rlimit limit = { 10, RLIM_INFINITY };
	struct jsonl_file *file = jsonl_open(records);
	char text[64];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_non_null(file);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(jsonl_append(file, (const uint8_t *)"12345678\nabcdefgh\n", 18), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(jsonl_waiting(file), 8);
	assert_int_equal(jsonl_append(file, (const uint8_t *)"ABCDEFGH\n", 9), -1);
	assert_int_equal(jsonl_append(file, NULL, 0), -1);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(jsonl_append(file, NULL, 0), 0);
	assert_int_equal(jsonl_waiting(file), 0);
	assert_int_equal(jsonl_append(file, (const uint8_t *)"end\n", 4), 0);
	read_file(text, sizeof(text));
	assert_string_equal(text, "12345678\nabcdefgh\nABCDEFGH\nend\n");
	jsonl_close(file);

	file = jsonl_open(records);
	mem_fail_at(1);
	assert_int_equal(jsonl_append(file, (const uint8_t *)"x", 1), -1);
	mem_fail_at(0);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(jsonl_waiting(file), 0);
	jsonl_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_line, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_no_text_breaks_a_line, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_random_octets, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_long_texts_are_cut_between_characters, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_short_memory_leaves_no_half_line, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_the_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_not_a_link, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_written_is_kept, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
