#include "cmd/check_tests.h"

#include <stdio.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/test_events.h"
#include "cmd/test_play.h"
#include "policy/policy_tests.h"
#include "shell/file.h"

struct counts {
	unsigned number, failed;
};

static uint64_t now_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u;
}

/* What came from a message is shown, not obeyed. */
static void print_shown(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void say_json(struct json_writer *w, const char *path, const struct policy_test *test,
		     const struct test_outcome *outcome)
{
	json_write_open(w, '{');
	json_write_key(w, "name");
	json_write_string(w, test->name);
	json_write_key(w, "holds");
	json_write_boolean(w, outcome->holds);
	json_write_key(w, "file");
	json_write_string(w, path);
	json_write_key(w, "line");
	json_write_integer(w, outcome->holds ? test->line : outcome->line);
	if (!outcome->holds) {
		json_write_key(w, "difference");
		json_write_string(w, outcome->difference);
	}
	json_write_close(w, '}');
}

static void say(const struct check_tests *asked, const struct policy_test *test, const struct test_outcome *outcome,
		const struct counts *counts)
{
	bool tap = asked->form == CHECK_TESTS_TAP;

	if (asked->form == CHECK_TESTS_JSON) {
		say_json(asked->writer, asked->path, test, outcome);
		return;
	}
	if (tap)
		printf("%s %u - ", outcome->holds ? "ok" : "not ok", counts->number);
	else
		printf("%s", outcome->holds ? "ok      " : "FAILED  ");
	print_shown(test->name);
	putchar('\n');
	if (outcome->holds)
		return;
	printf("%s%s:%u: ", tap ? "# " : "        ", asked->path, outcome->line);
	print_shown(outcome->difference);
	putchar('\n');
}

static void say_summary(const struct check_tests *asked, const struct counts *counts)
{
	unsigned passed = counts->number - counts->failed;

	if (asked->form == CHECK_TESTS_TAP)
		printf("1..%u\n", counts->number);
	else if (asked->form == CHECK_TESTS_TEXT)
		printf("%s: %u test%s, %u passed, %u failed\n", asked->path, counts->number,
		       counts->number == 1 ? "" : "s", passed, counts->failed);
}

static int play_all(const struct check_tests *asked, struct fw_policy *policy, const struct policy_tests *tests)
{
	uint64_t wall_us = tests->clock_us != 0 ? tests->clock_us : now_us();
	struct counts counts = { 0 };
	struct test_outcome outcome;

	for (unsigned i = 0; i < tests->count; i++) {
		const struct policy_test *test = &tests->tests[i];

		if ((test->events != NULL ? test_events(policy, test, &outcome)
					  : test_play(policy, tests, test, wall_us, &outcome)) != FW_OK)
			return FW_ERR_MEMORY;
		counts.number++;
		counts.failed += !outcome.holds;
		say(asked, test, &outcome, &counts);
	}
	say_summary(asked, &counts);
	return counts.failed == 0 ? FW_OK : FW_ERR_INVALID;
}

int check_tests(const struct check_tests *asked, struct fw_policy *policy)
{
	struct policy_tests tests;
	uint8_t *bytes;
	size_t size;
	int result;

	if (file_read(asked->path, LIMIT_CONFIG_BYTES * 2u, &bytes, &size) != 0)
		return FW_ERR_IO;
	result = policy_tests_load(asked->path, slice(bytes, size), asked->report, asked->user, &tests);
	if (asked->writer != NULL)
		json_write_open(asked->writer, '[');
	if (result == FW_OK)
		result = play_all(asked, policy, &tests);
	if (asked->writer != NULL)
		json_write_close(asked->writer, ']');
	policy_tests_free(&tests);
	mem_free(bytes);
	return result;
}
