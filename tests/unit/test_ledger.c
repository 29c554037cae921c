#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "record/lines.h"
#include "record/segment.h"

static struct fixture fixture;

static int set_up(void **state)
{
	(void)state;
	fixture_start(&fixture);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&fixture);
	return 0;
}

static void end(struct ledger *ledger)
{
	assert_int_equal(ledger_close(ledger, fixture.now), 0);
}

static void test_begins_and_goes_on(void **state)
{
	struct ledger_report report;
	struct ledger *ledger = fixture_open(&fixture);

	(void)state;
	assert_int_equal(ledger_sequence(ledger), 1); /* the key of its first epoch */
	assert_int_equal(ledger_durable(ledger), 1);
	fixture_grow(&fixture, ledger, 10, 3);
	end(ledger);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 11);
	assert_int_equal(report.signed_size, 11);
	for (unsigned start = 0; start < 5; start++) {
		ledger = fixture_open(&fixture);
		assert_int_equal(ledger_sequence(ledger), 11 + start * 300);
		fixture_grow(&fixture, ledger, 300, 7);
		end(ledger);
		report = fixture_assert_holds(&fixture);
		assert_int_equal(report.last, 311 + start * 300);
		assert_int_equal(report.signed_size, report.last);
		assert_int_equal(report.tiles_missing, 0);
	}
	assert_int_equal(report.segments, 1);
	assert_int_equal(report.epochs, 1);
}

/* Where lines of the ledger are, and that an ordinary reader of text reads them. */
static void test_lines_and_chain(void **state)
{
	struct ledger *ledger = fixture_open(&fixture);
	uint8_t chain[32] = { 0 }, next[32];
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	char path[160];
	bool whole;

	(void)state;
	fixture_grow(&fixture, ledger, 20, 20);
	end(ledger);
	assert_int_equal(lines_open(&lines, fixture_path(&fixture, "security_audit-00000000000000000001.log", path)),
			 0);
	for (uint64_t sequence = 1; sequence <= 21; sequence++) {
		assert_int_equal(lines_next(&lines, &line, &whole), 1);
		assert_true(whole);
		assert_true(segment_line(line, &parts));
		assert_int_equal(parts.sequence, sequence);
		segment_chain(chain, parts.hashed, next);
		assert_memory_equal(next, parts.chain, sizeof(next));
		memcpy(chain, next, sizeof(chain));
	}
	assert_int_equal(lines_next(&lines, &line, &whole), 0);
	lines_close(&lines);
	fixture_path(&fixture, "security_audit.log", path);
	assert_int_equal(access(path, R_OK), 0);
}

static void test_segments(void **state)
{
	struct ledger_report report;
	struct ledger *ledger;

	(void)state;
	fixture.options.segment_bytes = 20000;
	ledger = fixture_open(&fixture);
	fixture_grow(&fixture, ledger, 1000, 10);
	end(ledger);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 1001);
	assert_in_range(report.segments, 15, 25);
	fixture.options.segment_bytes = 0;
	fixture.options.segment_ns = 3600u * (uint64_t)1000000000;
	ledger = fixture_open(&fixture);
	fixture_grow(&fixture, ledger, 5, 5);
	fixture_pass(&fixture, 3600 * 1000);
	fixture_grow(&fixture, ledger, 5, 5);
	fixture_grow(&fixture, ledger, 5, 5);
	end(ledger);
	assert_int_equal(fixture_assert_holds(&fixture).segments, report.segments + 1);
}

static void test_epochs(void **state)
{
	struct ledger_report report;
	char old[160], key[4096] = "", now[4096] = "";
	struct ledger *ledger;

	(void)state;
	fixture.options.epoch_ns = 60 * (uint64_t)1000000000;
	ledger = fixture_open(&fixture);
	snprintf(old, sizeof(old), "%s/ledger.epoch", fixture.keys);
	assert_true(storage_read(old, key, sizeof(key)) > 0);
	for (unsigned i = 0; i < 4; i++) {
		fixture_grow(&fixture, ledger, 30, 10);
		fixture_pass(&fixture, 61000);
		assert_int_equal(ledger_commit(ledger, fixture.now), 0);
	}
	end(ledger);
	assert_true(storage_read(old, now, sizeof(now)) > 0);
	assert_string_not_equal(key, now);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 1 + 4 * 31);
	/* the last one has signed nothing yet but what ended the ledger: nothing was left to sign */
	assert_in_range(report.epochs, 4, 5);
	ledger = fixture_open(&fixture);
	fixture_grow(&fixture, ledger, 30, 10);
	end(ledger);
	assert_int_equal(fixture_assert_holds(&fixture).epochs, 5);
}

/* As kill -9 leaves it: nothing is closed, what was not written is gone. */
static void crash(unsigned records, unsigned unwritten)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct ledger *ledger = fixture_open(&fixture);

		fixture_grow(&fixture, ledger, records, 3);
		for (unsigned i = 0; i < unwritten; i++)
			fixture_add(&fixture, ledger, "lost");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_crash(void **state)
{
	struct ledger_report report;
	uint64_t before;

	(void)state;
	crash(20, 5);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 21);
	assert_int_equal(report.signed_size, 1);
	before = report.last;
	crash(20, 0);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, before + 1 + 20); /* and that it had to be repaired */
	end(fixture_open(&fixture));
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.signed_size, report.last);
}

static off_t size_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_size;
}

static bool contains(const char *path, const char *text)
{
	char bytes[65536];
	ssize_t size = storage_read(path, bytes, sizeof(bytes) - 1);

	assert_true(size > 0);
	bytes[size] = '\0';
	return strstr(bytes, text) != NULL;
}

static void test_torn_tail_is_cut_and_recorded(void **state)
{
	struct ledger_report report;
	char path[160];
	off_t size;

	(void)state;
	crash(20, 0);
	fixture_path(&fixture, "security_audit-00000000000000000001.log", path);
	size = size_of(path);
	assert_int_equal(truncate(path, size - 40), 0);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 20);
	assert_true(report.torn > 100);
	end(fixture_open(&fixture));
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 21);
	assert_int_equal(report.torn, 0);
	assert_true(contains(path, "\"event_type\":\"ledger_repaired\""));
	assert_true(contains(path, "\"details\":{\"unsigned\":19,\"cut\":"));
}

/* Records that were signed for are gone: a new ledger, and its second record says so. */
static void test_what_does_not_hold_is_set_aside(void **state)
{
	struct ledger *ledger = fixture_open(&fixture);
	struct ledger_report report;
	char path[160], key[160], before[256] = "", after[256] = "";

	(void)state;
	fixture_grow(&fixture, ledger, 50, 10);
	end(ledger);
	snprintf(key, sizeof(key), "%s/ledger.key", fixture.keys);
	assert_true(storage_read(key, before, sizeof(before)) > 0);
	fixture_path(&fixture, "security_audit-00000000000000000001.log", path);
	assert_int_equal(truncate(path, size_of(path) - 2000), 0);
	assert_false(fixture_verify(&fixture).holds);
	end(fixture_open(&fixture));
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 2);
	assert_true(contains(path, "\"event_type\":\"ledger_replaced\",\"level\":\"emergency\""));
	assert_true(storage_read(key, after, sizeof(after)) > 0);
	assert_string_not_equal(before, after);
}

static void test_lost_files_that_can_be_made_anew(void **state)
{
	struct ledger *ledger = fixture_open(&fixture);
	struct ledger_report report;
	char path[160];

	(void)state;
	fixture_grow(&fixture, ledger, 700, 10);
	end(ledger);
	/* a power failure may leave the newest files empty */
	assert_int_equal(truncate(fixture_path(&fixture, "checkpoint", path), 0), 0);
	assert_int_equal(truncate(fixture_path(&fixture, "tile/0/002.p/189", path), 0), 0);
	ledger = fixture_open(&fixture);
	assert_int_equal(ledger_sequence(ledger), 701);
	fixture_grow(&fixture, ledger, 10, 10);
	end(ledger);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, 711);
	assert_int_equal(report.tiles_missing, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(test_begins_and_goes_on),
		TEST(test_lines_and_chain),
		TEST(test_segments),
		TEST(test_epochs),
		TEST(test_crash),
		TEST(test_torn_tail_is_cut_and_recorded),
		TEST(test_what_does_not_hold_is_set_aside),
		TEST(test_lost_files_that_can_be_made_anew),
	};
#undef TEST

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
