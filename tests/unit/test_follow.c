/* Records one after the other while the ledger grows: over segments, beside a writer, after some were taken away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_fixture.h"
#include "record/follow.h"
#include "record/segment.h"

static struct ledger *grown(struct fixture *fixture, unsigned count)
{
	struct ledger *ledger;

	fixture_start(fixture);
	fixture->options.segment_bytes = 4000;
	ledger = fixture_open(fixture);
	fixture_grow(fixture, ledger, count, 5);
	return ledger;
}

static uint64_t sequence_of(struct fw_slice line)
{
	struct segment_line parts;

	assert_true(segment_line(line, &parts));
	return parts.sequence;
}

/* Reads records first … last, and then that there are no more. */
static void expect(struct follow *follow, uint64_t until, uint64_t first, uint64_t last)
{
	struct fw_slice line;
	uint64_t gap;

	for (uint64_t sequence = first; sequence <= last; sequence++) {
		assert_int_equal(follow_next(follow, until, &line, &gap), FOLLOW_RECORD);
		assert_int_equal(sequence_of(line), sequence);
	}
	assert_int_equal(follow_next(follow, until, &line, &gap), FOLLOW_END);
}

static void grows(void **state)
{
	struct fixture fixture;
	struct ledger *ledger = grown(&fixture, 100);
	uint64_t last = ledger_durable(ledger);
	struct segment_list list;
	struct follow follow;

	(void)state;
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	assert_true(list.count > 5);
	segment_list_fini(&list);
	assert_true(follow_open(&follow, fixture.directory, 0));
	expect(&follow, 40, 1, 40); /* what is behind may not be on the disk */
	expect(&follow, last, 41, last);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t before = ledger_durable(ledger);

		fixture_grow(&fixture, ledger, 3, 3);
		expect(&follow, UINT64_MAX, before + 1, ledger_durable(ledger));
	}
	follow_seek(&follow, 7);
	expect(&follow, 9, 8, 9);
	follow_close(&follow);
	ledger_close(ledger, fixture.now);
	fixture_end(&fixture);
}

static void path_of(const struct fixture *fixture, uint64_t first, char ret_path[STORAGE_PATH])
{
	char name[SEGMENT_NAME];

	segment_name(first, ".log", name);
	assert_true(storage_path(fixture->directory, name, ret_path));
}

/* Segments that are taken away before they were read: said, with their numbers; behind them it goes on. */
static void gaps(void **state)
{
	struct fixture fixture;
	struct ledger *ledger = grown(&fixture, 100);
	struct segment_list list;
	struct follow follow;
	struct fw_slice line;
	char path[STORAGE_PATH];
	uint64_t first;

	(void)state;
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	for (unsigned i = 0; i < 2; i++) { /* the first two, then one in the middle while the one before is open */
		path_of(&fixture, list.firsts[i], path);
		assert_int_equal(unlink(path), 0);
	}
	assert_true(follow_open(&follow, fixture.directory, 0));
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_GAP);
	assert_int_equal(first, 1);
	assert_int_equal(follow.next, list.firsts[2]);
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_RECORD);
	path_of(&fixture, list.firsts[3], path);
	assert_int_equal(unlink(path), 0);
	for (uint64_t next = list.firsts[2] + 1; next < list.firsts[3]; next++)
		assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_RECORD);
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_GAP);
	assert_int_equal(first, list.firsts[3]);
	assert_int_equal(follow.next, list.firsts[4]);
	expect(&follow, UINT64_MAX, list.firsts[4], ledger_durable(ledger));
	segment_list_fini(&list);
	follow_close(&follow);
	ledger_close(ledger, fixture.now);
	fixture_end(&fixture);
}

static void write_to(const char *path, const char *text, int flags)
{
	FILE *file = fopen(path, flags != 0 ? "w" : "a");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

/* What is no line of a ledger, and half a line: the one is said, the other waited for. */
static void damage(void **state)
{
	struct fixture fixture;
	struct ledger *ledger = grown(&fixture, 2);
	uint64_t last = ledger_durable(ledger), first;
	struct follow follow;
	struct fw_slice line;
	char path[STORAGE_PATH];

	(void)state;
	ledger_close(ledger, fixture.now);
	assert_true(follow_open(&follow, fixture.directory, 0));
	path_of(&fixture, 1, path);
	expect(&follow, UINT64_MAX, 1, last);
	write_to(path, "no record\n{\"timestamp\":", 0);
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_DAMAGE);
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_END);
	write_to(path, "5}\n", 0);
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_DAMAGE);
	assert_int_equal(line.size, strlen("{\"timestamp\":5}"));
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_END);
	follow_close(&follow);
	assert_true(follow_open(&follow, "/nowhere/at/all", 0));
	assert_int_equal(follow_next(&follow, UINT64_MAX, &line, &first), FOLLOW_FAILED);
	follow_close(&follow);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(gaps),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
