/* Rows that are kept: they say what all lines say, and are believed only while they may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/file.h>

#include "record/retention.h"
#include "record/segment.h"
#include "report_fixture.h"

static void kept_rows_say_the_same(void **state)
{
	struct world *world = *state;
	struct made first = make(world, false), second = make(world, false);

	assert_int_equal(first.known, 0);
	assert_true(first.holds);
	assert_int_equal(first.users, USERS);
	assert_true(second.known > RECORDS / 2);
	assert_true(second.known < second.total);
	assert_same(&first, &second);
	/* The ledger grows; what is new is read, and the segment that was the last. */
	for (unsigned i = 0; i < 12; i++) {
		uint64_t before;

		grow(world, i < 9 ? 97 : i * 150);
		first = make(world, false);
		before = first.known;
		second = make(world, true);
		assert_true(before != 0);
		assert_int_equal(second.known, 0);
		assert_int_equal(first.total, ledger_sequence(world->ledger));
		assert_same(&first, &second);
	}
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char octet;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static char *rows_path(const struct world *world, uint64_t segment, char ret_path[160])
{
	char name[SEGMENT_NAME];

	segment_name(segment, ".rows", name);
	snprintf(ret_path, 160, "%s/%s", world->kept, name);
	return ret_path;
}

static off_t size_of(const char *path)
{
	struct stat is;

	assert_int_equal(stat(path, &is), 0);
	return is.st_size;
}

/* The record before the last segment: all of these have their rows. */
static uint64_t closed(const struct world *world)
{
	struct segment_list list;
	uint64_t last;

	assert_int_equal(segment_list(world->fixture.directory, &list), 0);
	assert_true(list.count > 4);
	last = list.firsts[list.count - 1] - 1;
	segment_list_fini(&list);
	return last;
}

static uint64_t first_of(const struct world *world, size_t number)
{
	struct segment_list list;
	uint64_t first;

	assert_int_equal(segment_list(world->fixture.directory, &list), 0);
	assert_true(number < list.count);
	first = list.firsts[number];
	segment_list_fini(&list);
	return first;
}

static void kept_files_that_are_others_are_not_believed(void **state)
{
	struct world *world = *state;
	struct made whole = make(world, false), again;
	uint64_t second = first_of(world, 1);
	char path[160];
	off_t size = size_of(rows_path(world, second, path));

	/* every part of a file: magic, sizes, state, digests and codes, rows, names, lines */
	for (off_t at = 0; at < size; at += at < 1000 ? 211 : 6007) {
		flip(path, at);
		again = make(world, false);
		assert_int_equal(again.known, second - 1);
		assert_true(again.holds);
		assert_string_equal(again.json.octets, whole.json.octets);
		forget(&again);
		assert_int_equal(size_of(path), size);
	}
	for (unsigned i = 0; i < 2; i++) { /* cut off; another segment's */
		char command[400], other[160];

		if (i == 0)
			assert_int_equal(truncate(path, size - 1), 0);
		snprintf(command, sizeof(command), "cp %s %s", rows_path(world, 1, other), path);
		assert_int_equal(i == 0 ? 0 : system(command), 0);
		again = make(world, false);
		assert_int_equal(again.known, second - 1);
		assert_string_equal(again.json.octets, whole.json.octets);
		forget(&again);
	}
	again = make(world, false);
	assert_int_equal(again.known, closed(world));
	forget(&again);
	world->facts.key = slice(report_test_key, 20);
	again = make(world, false);
	assert_int_equal(again.known, 0);
	assert_same(&whole, &again);
}

static void advance(struct world *world)
{
	struct ledger_report report;

	assert_int_equal(facts_advance(&world->facts, &report), 0);
	assert_true(report.holds);
}

/* Before anybody asks for a report. */
static void rows_are_there_before_the_first_report(void **state)
{
	struct world *world = *state;
	struct made first, anew;

	for (unsigned i = 0; i < 4; i++) {
		advance(world);
		first = make(world, false);
		assert_int_equal(first.known, closed(world));
		anew = make(world, true);
		assert_same(&first, &anew);
		grow(world, 700);
	}
}

static void step(struct world *world, const struct retention *retention, enum retention_step want)
{
	uint64_t first = 0, last = 0;
	char why[RETENTION_WHY];

	(void)world;
	assert_int_equal(retention_advance(retention, &first, &last, why), want);
}

static void rows_outlive_compression_copying_and_removal(void **state)
{
	struct world *world = *state;
	struct retention retention = { .directory = world->fixture.directory,
				       .key_directory = world->fixture.keys,
				       .texts = 2 };
	struct made made, anew;
	char command[400];

	advance(world);
	for (unsigned i = 0; i < 3; i++)
		step(world, &retention, RETENTION_ARCHIVED);
	made = make(world, false);
	assert_int_equal(made.known, closed(world));
	forget(&made);
	snprintf(command, sizeof(command), "cd %s && cp -r record copy && rm -r record && mv copy record",
		 world->fixture.folder);
	assert_int_equal(ledger_commit(world->ledger, world->fixture.now), 0);
	ledger_close(world->ledger, world->fixture.now);
	assert_int_equal(system(command), 0);
	world->ledger = fixture_open(&world->fixture);
	made = make(world, false);
	assert_int_equal(made.known, closed(world));
	anew = make(world, true);
	assert_same(&made, &anew);
	retention.archives = 1;
	for (unsigned i = 0; i < 2; i++)
		step(world, &retention, RETENTION_REMOVED);
	for (unsigned i = 0; i < 2; i++) {
		made = make(world, false);
		assert_true(made.holds);
		assert_int_equal(made.known, closed(world));
		assert_int_equal(made.total, made.last - first_of(world, 0) + 1);
		anew = make(world, true);
		assert_same(&made, &anew);
		grow(world, 700);
		advance(world);
	}
	assert_int_not_equal(access(rows_path(world, 1, command), F_OK), 0);
}

/* In each octet of an archive, and of the checkpoints of a segment: rows that were kept hide nothing. */
static void a_change_of_what_has_rows_shows(void **state)
{
	static const char *const names[] = { "security_audit-00000000000000000001.log.zst",
					     "security_audit-00000000000000000001.checkpoints" };
	struct world *world = *state;
	struct retention retention = { .directory = world->fixture.directory,
				       .key_directory = world->fixture.keys,
				       .texts = 2 };
	struct ledger_report report;
	struct made made;
	char path[160];

	advance(world);
	step(world, &retention, RETENTION_ARCHIVED);
	for (unsigned i = 0; i < 2; i++) {
		off_t size = size_of(fixture_path(&world->fixture, names[i], path));

		for (off_t at = 30; at < size; at += size / 7 + 1) {
			advance(world);
			flip(path, at);
			assert_int_equal(facts_advance(&world->facts, &report), 0);
			assert_false(report.holds);
			made = make(world, false);
			assert_false(made.holds);
			assert_int_equal(made.known, 0);
			assert_true(made.total > RECORDS / 2); /* the other segments are counted all the same */
			forget(&made);
			flip(path, at);
		}
	}
	assert_int_equal(truncate(path, 0), 0); /* no checkpoints any more: it need not have them */
	made = make(world, false);
	assert_true(made.holds);
	forget(&made);
}

static void keep_copy(const struct world *world)
{
	char command[400];

	snprintf(command, sizeof(command), "cp -a %s %s/older", world->fixture.directory, world->fixture.folder);
	assert_int_equal(system(command), 0);
}

/* The record is closed, and the copy that was kept stands in its place. */
static void go_back(struct world *world)
{
	char command[400];

	ledger_close(world->ledger, world->fixture.now);
	world->ledger = NULL;
	snprintf(command, sizeof(command), "rm -r %s && mv %s/older %s", world->fixture.directory,
		 world->fixture.folder, world->fixture.directory);
	assert_int_equal(system(command), 0);
}

/* Nobody had asked for a report: the rows alone show it. */
static void a_record_that_was_cut_shows(void **state)
{
	struct world *world = *state;
	struct made made;

	keep_copy(world);
	grow(world, 2000);
	advance(world);
	go_back(world);
	for (unsigned i = 0; i < 3; i++) {
		made = make(world, i == 1);
		assert_false(made.holds);
		assert_true(made.read > made.last);
		forget(&made);
	}
}

/* One that is kept elsewhere is compared, whatever has rows. */
static void a_checkpoint_from_elsewhere_counts(void **state)
{
	struct world *world = *state;
	char path[160], anchor[160];
	const char *checkpoints[] = { path };
	struct made made;

	advance(world);
	made = make(world, false);
	assert_true(made.known != 0);
	forget(&made);
	world->facts.checkpoints = checkpoints;
	world->facts.checkpoint_count = 1;
	fixture_path(&world->fixture, "checkpoint", path);
	made = make(world, false);
	assert_true(made.holds);
	assert_int_equal(made.known, 0);
	forget(&made);
	world->facts.checkpoint_count = 0;
	world->facts.anchor = fixture_path(&world->fixture, "anchor", anchor);
	made = make(world, false);
	assert_true(made.holds);
	assert_int_equal(made.known, 0);
	forget(&made);
}

/* While somebody else writes the rows, they are read, and what is missing is made for this report alone. */
static void rows_are_written_by_one(void **state)
{
	struct world *world = *state;
	struct ledger_report report;
	struct made first, second;
	uint64_t had;
	int folder;

	advance(world);
	had = closed(world);
	grow(world, 900);
	folder = open(world->kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	assert_int_equal(flock(folder, LOCK_EX | LOCK_NB), 0);
	errno = 0;
	assert_int_equal(facts_advance(&world->facts, &report), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	for (unsigned i = 0; i < 2; i++) {
		first = make(world, false);
		assert_int_equal(first.known, had);
		assert_true(first.holds);
		assert_int_equal(first.total, ledger_sequence(world->ledger));
		forget(&first);
	}
	close(folder);
	first = make(world, false);
	second = make(world, false);
	assert_int_equal(second.known, closed(world));
	assert_same(&first, &second);
}

static void a_change_behind_a_report_shows_in_the_next(void **state)
{
	struct world *world = *state;
	struct made made = make(world, false);
	char path[160];

	forget(&made);
	made = make(world, false);
	assert_true(made.known != 0 && made.holds);
	forget(&made);
	/* in the first segment, of which an earlier report has its rows */
	flip(fixture_path(&world->fixture, "security_audit-00000000000000000001.log", path), 2000);
	made = make(world, false);
	assert_int_equal(made.known, 0);
	assert_false(made.holds);
	assert_true(made.total >= RECORDS - 1); /* the others are counted all the same */
	forget(&made);
	flip(path, 2000);
	made = make(world, false);
	assert_true(made.holds);
	forget(&made);
}

static void an_older_copy_shows(void **state)
{
	struct world *world = *state;
	struct made made;

	keep_copy(world);
	grow(world, 2000);
	made = make(world, false);
	assert_true(made.holds);
	forget(&made);
	go_back(world);
	for (unsigned i = 0; i < 2; i++) { /* it is not forgotten by saying it once */
		made = make(world, false);
		assert_false(made.holds);
		assert_true(made.read > made.last);
		forget(&made);
	}
	made = make(world, true);
	assert_false(made.holds);
	forget(&made);
}

/* Whoever asked has gone, or the server stops: no line is added to what is not built any more. */
static void one_that_is_not_wanted_any_more_ends(void **state)
{
	struct world *world = *state;
	_Atomic bool cancelled = true;
	struct report_options options = { .facts = world->facts,
					  .end_us = UINT64_C(253402300799999999),
					  .framework = REPORT_FRAMEWORKS,
					  .rows = 100 };
	struct report report;

	grow(world, 300);
	options.facts.anew = true;
	options.facts.cancelled = &cancelled;
	for (unsigned i = 0; i < 20; i++)
		assert_int_not_equal(report_make(&options, &report), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_rows_say_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_files_that_are_others_are_not_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_are_there_before_the_first_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_outlive_compression_copying_and_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_of_what_has_rows_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_record_that_was_cut_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_checkpoint_from_elsewhere_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_are_written_by_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_behind_a_report_shows_in_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_older_copy_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_not_wanted_any_more_ends, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
