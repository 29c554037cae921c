/* Texts of records that are hostile, lines that are none, times: what a report is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "report/facts_line.h"
#include "report/report_period.h"
#include "report/table_read.h"
#include "report_fixture.h"

static void hostile_names_stay_in_their_cells(void **state)
{
	static const char *const users[] = { "a\r\nb",	     "\x1b[31mred",	  "a\"b", "a\\",	  "\xff\xfe",
					     "\xed\xa0\x80", "\xe2\x80\xae-evil", "=1+1", "\xef\xbb\xbf", "<b>&amp;",
					     "\x7f",	     "{\"a\":[" };
	struct world *world = *state;
	char *large = malloc(100000);
	struct made made;
	struct arena arena;
	struct json json;

	assert_non_null(large);
	memset(large, '\x01', 100000);
	for (unsigned i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		add(world, EVENT_auth_success, users[i], strlen(users[i]));
	add(world, EVENT_auth_success, large, 100000);
	add(world, EVENT_auth_success, "a\0b", 3);
	free(large);
	assert_int_equal(ledger_commit(world->ledger, world->fixture.now), 0);
	made = make(world, false);
	assert_true(made.holds);
	/* those that are no UTF-8 have become replacement characters: two and three of them */
	assert_int_equal(made.users, USERS + sizeof(users) / sizeof(users[0]) + 2);
	for (size_t i = 0; i < made.whole.size; i++)
		assert_true((uint8_t)made.whole.octets[i] >= 0x20 && made.whole.octets[i] != 0x7f);
	arena_init(&arena, 1 << 26);
	assert_int_equal(json_parse(&arena, slice(made.whole.octets, made.whole.size), 0, &json, NULL), JSON_OK);
	arena_fini(&arena);
	forget(&made);
}

/* Every octet of a line cut off or changed: never read beyond it (the sanitizer sees to that), never taken for what it
 * is not. */
static void lines_that_are_none(void **state)
{
	static const char line[] =
		"{\"timestamp\":\"2026-11-24T16:40:01.730843Z\",\"sequence\":5,\"event_type\":\"auth_failure\","
		"\"level\":"
		"\"warning\",\"severity\":1,\"source_ip\":\"192.0.2.1\",\"user_id\":\"al\\\"ice\",\"session_id\":null,"
		"\"connection_id\":7,\"event_id\":\"0011223344556677\",\"details\":{\"count\":3,\"is\":true,\"cause\":"
		"\"a \\\\ cause\","
		"\"role\":\"user\"},\"chain\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}";
	struct facts_line got;
	size_t size = sizeof(line) - 1;

	(void)state;
	assert_true(facts_line_read(slice(line, size), &got));
	assert_int_equal(got.sequence, 5);
	assert_int_equal(got.type, EVENT_auth_failure);
	assert_int_equal(got.level, FW_LEVEL_WARNING);
	assert_true(slice_is(got.user, "al\\\"ice") && slice_is(got.source, "192.0.2.1"));
	assert_true(slice_is(got.cause, "a \\\\ cause") && slice_is(got.role, "user"));
	assert_true(slice_is(facts_line_detail(got.details, "role"), "user"));
	assert_int_equal(facts_line_detail(got.details, "count").size, 0);
	for (size_t i = 0; i < size; i++) {
		char *copy = malloc(size);

		assert_non_null(copy);
		memcpy(copy, line, i);
		assert_false(facts_line_read(slice(copy, i), &got));
		memcpy(copy, line, size);
		for (unsigned octet = 0; octet < 256; octet++) {
			copy[i] = (char)octet;
			if (facts_line_read(slice(copy, size), &got)) {
				assert_true(octet >= 0x20 && octet != 0x7f && octet < 0x80); /* alone no UTF-8 */
				(void)facts_line_detail(got.details, "none");
			}
		}
		free(copy);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text, *first, *last;
	} rows[] = {
		{ "2026", "2026-01-01T00:00:00.000000Z", "2026-12-31T23:59:59.999999Z" },
		{ "2026-11", "2026-11-01T00:00:00.000000Z", "2026-11-30T23:59:59.999999Z" },
		{ "2024-02", "2024-02-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z" },
		{ "2026-02Z", "2026-02-01T00:00:00.000000Z", "2026-02-28T23:59:59.999999Z" },
		{ "2026-11-24", "2026-11-24T00:00:00.000000Z", "2026-11-24T23:59:59.999999Z" },
		{ "2026-11-24T10", "2026-11-24T10:00:00.000000Z", "2026-11-24T10:59:59.999999Z" },
		{ "2026-11-24T10:15", "2026-11-24T10:15:00.000000Z", "2026-11-24T10:15:59.999999Z" },
		{ "2026-11-24T10:15:30Z", "2026-11-24T10:15:30.000000Z", "2026-11-24T10:15:30.999999Z" },
		{ "2026-11-24T10:15:30.5", "2026-11-24T10:15:30.500000Z", "2026-11-24T10:15:30.599999Z" },
		{ "2026-11-24T10:15:30.123456Z", "2026-11-24T10:15:30.123456Z", "2026-11-24T10:15:30.123456Z" },
	};
	static const char *const none[] = { "",
					    "Z",
					    "202",
					    "2026-",
					    "2026-1",
					    "2026-13",
					    "2026-00",
					    "2026-02-29",
					    "2026-11-31",
					    "2026-11-24T",
					    "2026-11-24T24",
					    "2026-11-24T10:60",
					    "2026-11-24 10:15",
					    "1969",
					    "2026-11-24T10:15:30.",
					    "2026-11-24T10:15:30.1234567",
					    "2026-11-24T10:15:61",
					    "2026-11-24T10:15:30+01:00" };
	uint64_t first, last;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(report_period_read(rows[i].text, &first, &last));
		encode_rfc3339(first, text);
		assert_memory_equal(text, rows[i].first, ENCODE_RFC3339);
		encode_rfc3339(last, text);
		assert_memory_equal(text, rows[i].last, ENCODE_RFC3339);
	}
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (report_period_read(none[i], &first, &last))
			fail_msg("\"%s\" was taken", none[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hostile_names_stay_in_their_cells, set_up, tear_down),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
