/* shell/log and base/log_level: who is heard, what a line may hold, how many there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "shell/log.h"

static struct {
	unsigned count;
	enum fw_log_level level;
	char module[32], text[8192];
} heard;

static void hear(void *user, enum fw_log_level level, const char *module, const char *text)
{
	assert_ptr_equal(user, &heard);
	heard.count++;
	heard.level = level;
	strcpy(heard.module, module);
	strcpy(heard.text, text);
}

static struct log log_lines;

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	log_init(&log_lines, hear, &heard);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_fini(&log_lines);
	return 0;
}

static bool set(const char *text)
{
	struct fw_slice wrong;

	return log_set(&log_lines, slice_text(text), &wrong);
}

static void levels_are_parsed(void **state)
{
	static const char *const bad[] = { "",
					   ",",
					   "loud",
					   "info,",
					   "=debug",
					   "gate",
					   "gate=",
					   "x=info",
					   "gate=info,record",
					   "gate=info;record=info",
					   "gate = loud" };
	uint8_t levels[LOG_MODULES] = { 0 };
	struct fw_slice wrong;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(log_level_parse(slice_text(bad[i]), levels, &wrong));
		for (unsigned k = 0; k < LOG_MODULES; k++)
			assert_int_equal(levels[k], 0);
	}
	assert_true(log_level_parse(slice_text("Debug"), levels, &wrong));
	for (unsigned k = 0; k < LOG_MODULES; k++)
		assert_int_equal(levels[k], LOG_LEVEL_DEBUG);
	assert_true(log_level_parse(slice_text("warn, gate=trace ,record = error"), levels, &wrong));
	assert_int_equal(levels[LOG_gate], LOG_LEVEL_TRACE);
	assert_int_equal(levels[LOG_record], LOG_LEVEL_ERROR);
	assert_int_equal(levels[LOG_connection], LOG_LEVEL_WARN);
	assert_false(log_level_parse(slice_text("info,gates=trace"), levels, &wrong));
	assert_int_equal(wrong.size, strlen("gates=trace"));
	assert_int_equal(levels[LOG_connection], LOG_LEVEL_WARN);
}

static int asked(int *count)
{
	return ++*count;
}

static void only_what_is_asked_for_is_said(void **state)
{
	int count = 0;

	(void)state;
	log_debug(&log_lines, gate, "%d", asked(&count));
	assert_int_equal(heard.count, 0);
	assert_int_equal(count, 0); /* nor was it made */
	log_info(&log_lines, gate, "%d", asked(&count));
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.level, FW_LOG_INFO);
	assert_string_equal(heard.module, "gate");
	assert_string_equal(heard.text, "1");
	assert_true(set("error,gate=trace"));
	log_trace(&log_lines, gate, "a trace");
	assert_int_equal(heard.level, FW_LOG_TRACE);
	log_warn(&log_lines, record, "a warning");
	assert_string_equal(heard.text, "a trace");
	log_error(&log_lines, record, "an error");
	assert_int_equal(heard.level, FW_LOG_ERROR);
	assert_false(set("loud"));
	log_error((struct log *)NULL, record, "to nobody");
}

static void check_escaped(const char *octets, const char *line)
{
	log_info(&log_lines, gate, "%s", octets);
	assert_string_equal(heard.text, line);
}

static void nothing_makes_a_line_of_its_own(void **state)
{
	(void)state;
	check_escaped("a\nb\r\nc", "a\\x0ab\\x0d\\x0ac");
	check_escaped("\x1b[31mred\x7f\t", "\\x1b[31mred\\x7f\\x09");
	check_escaped("back\\slash", "back\\x5cslash");
	check_escaped("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	check_escaped("\xc2\x85next\xc2\x9b", "\\xc2\\x85next\\xc2\\x9b");
	check_escaped("\xe2\x80\xa8line\xe2\x80\xae", "\\xe2\\x80\\xa8line\\xe2\\x80\\xae");
	check_escaped("\xe2\x81\xa6isolate", "\\xe2\\x81\\xa6isolate");
	check_escaped("\xff\xc3\xc0\xaf\xed\xa0\x80\xe2\x82", "\\xff\\xc3\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82");
}

static void a_line_is_bounded_and_whole(void **state)
{
	char text[4000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info(&log_lines, gate, "%s", text);
	assert_true(strlen(heard.text) < 600);
	memset(text, '\n', sizeof(text) - 1);
	log_info(&log_lines, gate, "%s", text);
	assert_true(strlen(heard.text) < 2100);
	for (unsigned cut = 0; cut < 4; cut++) {
		memset(text, 'x', cut);
		for (size_t i = cut; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		log_info(&log_lines, gate, "%s", text);
		assert_true(utf8_valid((const uint8_t *)heard.text, strlen(heard.text)));
	}
}

static void too_many_are_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * LIMIT_LOG_LINES; i++)
		log_info(&log_lines, hub, "line %u", i);
	/* A slow machine may refill the bucket on the way. */
	assert_true(heard.count >= LIMIT_LOG_LINES && heard.count < 3 * LIMIT_LOG_LINES);
	heard.count = 0;
	log_info(&log_lines, gate, "another module");
	assert_int_equal(heard.count, 1);
	while (heard.count < 3)
		log_info(&log_lines, hub, "again");
	assert_string_equal(heard.text, "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_parsed),
		cmocka_unit_test_setup_teardown(only_what_is_asked_for_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_makes_a_line_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_is_bounded_and_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_many_are_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
