/* Old files of the record, compressed and removed: whatever stays is verified, searched and read as before, and after a
 * failure at any call of the disk, too. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "ledger_disk.h"
#include "record/archive.h"
#include "record/index.h"
#include "record/ledger_search.h"
#include "record/retention.h"
#include "record/segment.h"

enum { RECORDS = 1600, ROOM = 4 << 20 };

static struct fixture fixture;
static struct retention retention;
static uint8_t all[ROOM]; /* every line of the record, as text */
static size_t all_size;

static bool take(void *user, struct fw_slice line)
{
	(void)user;
	assert_true(all_size + line.size + 1 < ROOM);
	memcpy(all + all_size, line.data, line.size);
	all_size += line.size;
	all[all_size++] = '\n';
	return true;
}

/* All lines that are kept; their number. */
static uint64_t read_all(void)
{
	const struct ledger_filter any = { 0 };
	uint64_t count = 0;

	all_size = 0;
	assert_int_equal(ledger_scan(fixture.directory, &any, 0, take, NULL), 0);
	for (size_t i = 0; i < all_size; i++)
		count += all[i] == '\n';
	return count;
}

static int set_up(void **state)
{
	struct ledger *ledger;

	(void)state;
	fixture_start(&fixture);
	fixture.options.segment_bytes = 32 << 10;
	fixture.options.sync = LEDGER_SYNC_NONE; /* what is tested here syncs by itself */
	fixture.options.epoch_ns = 250000000;	 /* so that removed segments announce keys, too */
	ledger = fixture_open(&fixture);
	fixture_grow(&fixture, ledger, RECORDS, 10);
	assert_int_equal(ledger_close(ledger, fixture.now), 0);
	retention = (struct retention){
		.directory = fixture.directory, .key_directory = fixture.keys, .texts = 3, .archives = 0
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&fixture);
	return 0;
}

static size_t count_of(const char *suffix)
{
	struct segment_list list;
	size_t count;

	assert_int_equal(segment_files(fixture.directory, suffix, &list), 0);
	count = list.count;
	segment_list_fini(&list);
	return count;
}

static uint64_t first_of(void)
{
	struct segment_list list;
	uint64_t first;

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	assert_true(list.count != 0);
	first = list.firsts[0];
	segment_list_fini(&list);
	return first;
}

/* Until there is nothing to do; the last record that was removed. */
static uint64_t tidy(void)
{
	char why[RETENTION_WHY] = "";
	uint64_t first, last, removed = 0;

	for (unsigned i = 0; i < 200; i++) {
		enum retention_step step = retention_advance(&retention, &first, &last, why);

		if (step == RETENTION_FAILED)
			fail_msg("%s", why);
		if (step == RETENTION_NOTHING)
			return removed;
		assert_true(first != 0 && first <= last);
		removed = step == RETENTION_REMOVED ? last : removed;
	}
	fail_msg("it does not come to an end");
	return 0;
}

static uint64_t write_on(unsigned count)
{
	struct ledger *ledger = fixture_open(&fixture);
	uint64_t sequence;

	fixture_grow(&fixture, ledger, count, 10);
	sequence = ledger_sequence(ledger);
	assert_int_equal(ledger_close(ledger, fixture.now), 0);
	return sequence;
}

static void test_archives(void **state)
{
	size_t segments = count_of(".log"), size;
	uint64_t count = read_all();
	uint8_t *before = malloc(all_size);
	struct ledger_report report;

	(void)state;
	size = all_size;
	memcpy(before, all, size);
	assert_true(segments > 8);
	assert_int_equal(tidy(), 0);
	assert_int_equal(count_of(".log"), 3);
	assert_int_equal(count_of(SEGMENT_ARCHIVE), segments - 3);
	assert_int_equal(read_all(), count);
	assert_int_equal(all_size, size);
	assert_memory_equal(all, before, size);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, count);
	assert_int_equal(report.segments, segments);
	assert_int_equal(report.removed, 0);
	assert_true(report.epochs > 2);
	write_on(500);
	tidy();
	fixture_assert_holds(&fixture);
	free(before);
}

static bool count_line(void *user, struct fw_slice line)
{
	(void)line;
	++*(uint64_t *)user;
	return true;
}

static void test_searches(void **state)
{
	struct ledger_filter filter = { .user_id = "alice" };
	struct ledger_query query = { .directory = fixture.directory, .filter = &filter, .limit = 10 * RECORDS };
	struct ledger_searched searched;
	struct index *index = index_open(fixture.directory, 500);
	char why[INDEX_ERROR];
	uint64_t by_index = 0, by_lines = 0;

	(void)state;
	while (index_advance(index, UINT64_MAX, 300, why) == INDEX_STEP_MORE)
		tidy(); /* while it is indexed */
	index_close(index);
	assert_int_equal(ledger_search(&query, count_line, &by_index, &searched), 0);
	assert_string_equal(searched.why, "");
	query.no_index = true;
	assert_int_equal(ledger_search(&query, count_line, &by_lines, &searched), 0);
	assert_int_equal(by_index, by_lines);
	assert_int_equal(by_index, RECORDS);
	/* made of archives alone */
	index_db_remove(fixture.directory);
	index = index_open(fixture.directory, 500);
	while (index_advance(index, UINT64_MAX, 1000, why) == INDEX_STEP_MORE)
		;
	retention.archives = 2;
	assert_true(tidy() > 500);
	index_close(index);
	query.no_index = false;
	by_index = 0;
	assert_int_equal(ledger_search(&query, count_line, &by_index, &searched), 0);
	by_lines = 0;
	query.no_index = true;
	assert_int_equal(ledger_search(&query, count_line, &by_lines, &searched), 0);
	assert_int_equal(by_index, by_lines);
	assert_true(by_lines < RECORDS);
}

/* Removed from the start: what stays holds, goes on, and begins where the note says, also without tiles and checkpoint.
 */
static void test_removes(void **state)
{
	struct ledger_report report;
	char command[300];
	uint64_t removed, last;

	(void)state;
	retention.archives = 2;
	removed = tidy();
	assert_true(removed > 500);
	assert_int_equal(count_of(SEGMENT_ARCHIVE), 2);
	assert_int_equal(count_of(".log"), 3);
	assert_int_equal(count_of(".checkpoints"), 5);
	assert_int_equal(first_of(), removed + 1);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.removed, removed);
	assert_int_equal(report.first, removed + 1);
	last = write_on(700);
	removed = tidy();
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.removed, removed);
	assert_int_equal(report.last, last);
	/* reading it all anew, as after a power failure that took them */
	snprintf(command, sizeof(command), "rm -r %s/tile", fixture.directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(write_on(10), last + 10);
	report = fixture_assert_holds(&fixture);
	assert_int_equal(report.last, last + 10);
}

static void change_octet(const char *path, size_t at, uint8_t bit)
{
	int fd = open(path, O_RDWR);
	uint8_t octet;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &octet, 1, (off_t)at), 1);
	octet ^= bit;
	assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
	close(fd);
}

static size_t size_of(const char *path)
{
	struct stat is;

	assert_int_equal(stat(path, &is), 0);
	return (size_t)is.st_size;
}

/* Every octet of the note, and of an archive, matters. */
static void test_changed(void **state)
{
	char path[160], name[SEGMENT_NAME];
	struct ledger_report report;

	(void)state;
	retention.archives = 2;
	tidy();
	fixture_path(&fixture, "removed", path);
	for (size_t at = 0; at < size_of(path); at += 1 + at / 16) {
		change_octet(path, at, 1);
		report = fixture_verify(&fixture);
		assert_false(report.holds);
		assert_string_equal(report.file, "removed");
		change_octet(path, at, 1);
	}
	fixture_assert_holds(&fixture);
	segment_name(first_of(), SEGMENT_ARCHIVE, name);
	fixture_path(&fixture, name, path);
	for (size_t at = 0; at < size_of(path); at += 1 + at / 20) {
		change_octet(path, at, 4);
		report = fixture_verify(&fixture);
		if (report.holds) /* zstd has bits that say nothing: of its frames' descriptors */
			assert_true(at < 12);
		change_octet(path, at, 4);
	}
	for (size_t size = size_of(path); size > 0; size = size / 2) {
		assert_int_equal(truncate(path, (off_t)size - 1), 0);
		report = fixture_verify(&fixture);
		assert_false(report.holds);
		assert_int_equal(report.bad_first, first_of());
	}
	/* a note of another ledger, or none: the first record is missing */
	assert_int_equal(remove(fixture_path(&fixture, "removed", path)), 0);
	report = fixture_verify(&fixture);
	assert_false(report.holds);
	assert_int_equal(report.bad_first, 1);
}

/* What does not hold is not removed. */
static void test_keeps_what_does_not_hold(void **state)
{
	char path[160], name[SEGMENT_NAME], why[RETENTION_WHY];
	uint64_t first, last;

	(void)state;
	tidy();
	segment_name(1, SEGMENT_ARCHIVE, name);
	change_octet(fixture_path(&fixture, name, path), 500, 1);
	retention.archives = 2;
	assert_int_equal(retention_advance(&retention, &first, &last, why), RETENTION_FAILED);
	assert_non_null(strstr(why, "they do not hold"));
	assert_int_equal(first_of(), 1);
	assert_int_equal(access(path, F_OK), 0);
}

/* At each call of the disk one failure, or the end of the power: nothing is lost but what was to be removed. */
static void test_faults(void **state)
{
	static const enum disk_fault faults[] = { DISK_EIO, DISK_TORN, DISK_GONE };
	char why[RETENTION_WHY];
	uint64_t first, last;

	(void)state;
	tear_down(NULL);
	for (unsigned f = 0; f < 3; f++) {
		bool fired = true;

		for (uint64_t at = 1; fired; at += 1 + at / 3) {
			uint64_t end;

			set_up(NULL);
			end = read_all();
			retention.archives = 2;
			retention.storage = &disk_storage;
			disk_start(faults[f], at);
			for (unsigned i = 0; i < 30; i++)
				if (retention_advance(&retention, &first, &last, why) == RETENTION_NOTHING)
					break;
			fired = disk.fired;
			if (faults[f] == DISK_GONE)
				disk_cut_power(fixture.folder);
			retention.storage = NULL;
			assert_int_equal(fixture_assert_holds(&fixture).last, end);
			tidy();
			assert_int_equal(count_of(SEGMENT_ARCHIVE), 2);
			assert_int_equal(count_of(".log"), 3);
			assert_int_equal(count_of(".checkpoints"), 5);
			assert_int_equal(fixture_assert_holds(&fixture).last, end);
			assert_int_equal(write_on(1), end + 1);
			tear_down(NULL);
		}
	}
	set_up(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_archives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_searches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keeps_what_does_not_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
