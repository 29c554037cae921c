/* A run of a ledger is repeated with a fault at its first call of the system, at its second one, and so on until a run
 * has none left. What was acknowledged must be there afterwards and hold; a failure must be on record; a ledger must
 * never be set aside for it. LEDGER_FAULT_STEP: from one call to the next that fails (1 in a long run). */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ledger_fixture.h"
#include "ledger_disk.h"
#include "record/lines.h"
#include "record/segment.h"

enum { RECORDS = 2000, BATCHES = 24, PATIENCE = 60, OFTEN = 120 };

static struct fixture fixture;
static char *taken[RECORDS]; /* lines by sequence; NULL: a record of the ledger's own */
static uint64_t acknowledged;
static bool failed; /* a commit has said so */
static unsigned step;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("fault %d at call %llu, sync %d: not %s", disk.fault, (unsigned long long)disk.at,    \
				 fixture.options.sync, #condition);                                                    \
	} while (0)

static void forget(uint64_t after)
{
	for (uint64_t sequence = after + 1; sequence < RECORDS; sequence++) {
		mem_free(taken[sequence]);
		taken[sequence] = NULL;
	}
}

static void acknowledge(struct ledger *ledger)
{
	uint64_t durable = ledger_durable(ledger);

	CHECK(durable >= acknowledged && durable <= ledger_sequence(ledger));
	acknowledged = durable;
}

/* NULL: not even after a while. */
static struct ledger *start(void)
{
	struct ledger *ledger = NULL;
	const char *text;

	for (unsigned i = 0; ledger == NULL && i < PATIENCE; i++) {
		fixture_pass(&fixture, 100);
		ledger = ledger_open(&fixture.options, fixture.now, &text);
	}
	if (ledger == NULL)
		return NULL;
	CHECK(ledger_sequence(ledger) >= acknowledged);
	forget(acknowledged); /* others may stand in the places of those that were not */
	acknowledge(ledger);
	return ledger;
}

static void add(struct ledger *ledger, unsigned number)
{
	struct fw_record record = { .wall_us = fixture.now.wall_us,
				    .type = EVENT_auth_failure,
				    .connection_id = number };
	struct fw_slice line;

	memcpy(record.event_id, "0011223344556677", FW_EVENT_ID_SIZE);
	assert_int_equal(ledger_add(ledger, &record, &line), 0);
	assert_true(ledger_sequence(ledger) < RECORDS);
	taken[ledger_sequence(ledger)] = mem_text((const char *)line.data, line.size);
}

static bool commit(struct ledger *ledger)
{
	bool done = ledger_commit(ledger, fixture.now) == 0;

	failed = failed || !done;
	acknowledge(ledger);
	return done;
}

/* Some batches, at times that make checkpoints, epochs and segments due. */
static void work(struct ledger *ledger, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++) {
		for (unsigned more = 0; more <= i % 4; more++)
			add(ledger, i);
		fixture_pass(&fixture, i % 5 == 4 ? 1100 : i % 3 == 2 ? 300 : 5);
		commit(ledger);
	}
}

/* Whatever it was, it has to be over after a while, when the disk is well again. */
static void recovers(struct ledger *ledger)
{
	bool well = false;

	for (unsigned i = 0; i < PATIENCE && !well; i++) {
		fixture_pass(&fixture, 200);
		well = commit(ledger) && ledger_durable(ledger) == ledger_sequence(ledger) &&
		       ledger_unsigned(ledger) == 0;
	}
	CHECK(well);
	CHECK(ledger_waiting(ledger) == 0);
}

static void stop(struct ledger *ledger)
{
	uint64_t sequence = ledger_sequence(ledger);

	if (ledger_close(ledger, fixture.now) == 0)
		acknowledged = sequence;
	else if (fixture.options.sync == LEDGER_SYNC_INTERVAL)
		acknowledged = 0; /* not more than a second of them: that is what was asked for */
}

static bool has_broken(void)
{
	char pattern[160];
	glob_t found;
	int result = glob(fixture_path(&fixture, "broken-*", pattern), 0, NULL, &found);

	globfree(&found);
	return result == 0;
}

struct counts {
	unsigned failed, replaced;
};

/* All lines as they were taken, one behind the other. */
static struct counts read_all(void)
{
	struct counts counts = { 0 };
	struct segment_list list;
	uint64_t sequence = 0;

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		char name[SEGMENT_NAME], path[160];
		struct fw_slice line;
		struct lines lines;
		bool whole;

		segment_name(list.firsts[i], ".log", name);
		assert_int_equal(lines_open(&lines, fixture_path(&fixture, name, path)), 0);
		while (lines_next(&lines, &line, &whole) == 1) {
			CHECK(whole);
			sequence++;
			counts.failed += memmem(line.data, line.size, "\"ledger_failed\"", 15) != NULL;
			counts.replaced += memmem(line.data, line.size, "\"ledger_replaced\"", 17) != NULL;
			if (sequence < RECORDS && taken[sequence] != NULL)
				CHECK(slice_is(line, taken[sequence]));
		}
		lines_close(&lines);
	}
	segment_list_fini(&list);
	CHECK(sequence >= acknowledged);
	return counts;
}

/* False: the fault lay behind the last call. */
static bool run(enum disk_fault fault, uint64_t at, enum ledger_sync sync)
{
	struct ledger *ledger;
	struct counts counts;
	bool fired;

	fixture_start(&fixture);
	fixture.options.sync = sync;
	fixture.options.storage = &disk_storage;
	fixture.options.segment_bytes = 4000;
	fixture.options.epoch_ns = 2 * (uint64_t)1000000000;
	acknowledged = 0;
	failed = false;
	disk_start(fault, at);
	for (unsigned phase = 0; phase < 2; phase++) {
		ledger = start();
		if (ledger == NULL)
			break; /* the power is cut, or it fails too often */
		work(ledger, phase == 0 ? BATCHES : BATCHES / 3);
		disk.healthy = disk.healthy || fault == DISK_OFTEN;
		if (fault != DISK_GONE)
			recovers(ledger);
		disk.healthy = false;
		stop(ledger);
	}
	fired = disk.fired;
	disk.healthy = true;
	if (fault == DISK_GONE && sync == LEDGER_SYNC_GROUP)
		disk_cut_power(fixture.folder);
	ledger = start();
	CHECK(ledger != NULL);
	add(ledger, 0);
	recovers(ledger);
	stop(ledger);
	CHECK(fixture_verify(&fixture).holds);
	counts = read_all();
	CHECK(counts.replaced == 0);
	CHECK(!has_broken());
	if (failed && fault != DISK_GONE)
		CHECK(counts.failed >= 1);
	forget(0);
	fixture_end(&fixture);
	return fired;
}

static void cut_last_segment(void)
{
	char name[SEGMENT_NAME], path[160];
	struct segment_list list;
	struct stat stat;

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	segment_name(list.firsts[list.count - 1], ".log", name);
	segment_list_fini(&list);
	assert_int_equal(lstat(fixture_path(&fixture, name, path), &stat), 0);
	assert_int_equal(truncate(path, stat.st_size - 100), 0);
}

/* A ledger that does not hold is set aside, in many steps: whichever fails, all of it is kept, and the new one says so.
 */
static bool run_replacement(enum disk_fault fault, uint64_t at, enum ledger_sync sync)
{
	struct ledger *ledger;
	struct counts counts;
	char path[160];
	glob_t found;
	bool fired;

	fixture_start(&fixture);
	fixture.options.sync = sync;
	fixture.options.storage = &disk_storage;
	fixture.options.segment_bytes = 4000;
	disk_start(fault, UINT64_MAX);
	acknowledged = 0;
	ledger = start();
	work(ledger, BATCHES);
	stop(ledger);
	cut_last_segment();
	forget(0);
	acknowledged = 0;
	disk.calls = 0;
	disk.at = at;
	ledger = start();
	if (ledger != NULL)
		stop(ledger);
	fired = disk.fired;
	disk.healthy = true;
	if (fault == DISK_GONE && sync == LEDGER_SYNC_GROUP)
		disk_cut_power(fixture.folder);
	ledger = start();
	CHECK(ledger != NULL);
	recovers(ledger);
	stop(ledger);
	CHECK(fixture_verify(&fixture).holds);
	counts = read_all();
	CHECK(counts.replaced == 1);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = { "broken-*/security_audit-*.log", "broken-*/*.checkpoints",
						     "broken-*/anchor" };
		static const size_t least[] = { 3, 3, 1 };

		CHECK(glob(fixture_path(&fixture, names[i], path), 0, NULL, &found) == 0 && found.gl_pathc >= least[i]);
		globfree(&found);
	}
	fixture_end(&fixture);
	return fired;
}

/* kill -9 at a call, when the tree has more than one level: the start that follows reads nothing of what was signed for
 * in segments before the last two. The first one is not even there. */
static bool run_tail(enum disk_fault fault, uint64_t at, enum ledger_sync sync)
{
	char name[SEGMENT_NAME], path[160], hidden[160];
	struct ledger *ledger;
	bool fired;

	fixture_start(&fixture);
	fixture.options.sync = sync;
	fixture.options.storage = &disk_storage;
	fixture.options.segment_bytes = 4000;
	disk_start(fault, UINT64_MAX);
	acknowledged = 0;
	ledger = start();
	for (unsigned i = 0; i < MERKLE_TILE + 20; i++) {
		add(ledger, i);
		if (i % 10 == 0)
			commit(ledger);
	}
	fixture_pass(&fixture, 1100);
	CHECK(commit(ledger));
	disk.calls = 0;
	disk.at = at;
	work(ledger, 6);
	stop(ledger);
	fired = disk.fired;
	disk.healthy = true;
	segment_name(1, ".log", name);
	fixture_path(&fixture, name, path);
	fixture_path(&fixture, "hidden", hidden);
	assert_int_equal(rename(path, hidden), 0);
	ledger = start();
	assert_int_equal(rename(hidden, path), 0);
	CHECK(ledger != NULL);
	stop(ledger);
	CHECK(read_all().replaced == 0);
	CHECK(fixture_verify(&fixture).holds);
	forget(0);
	fixture_end(&fixture);
	return fired;
}

static void sweep(bool (*one)(enum disk_fault, uint64_t, enum ledger_sync), enum disk_fault fault,
		  enum ledger_sync sync)
{
	uint64_t at = 1;

	if (fault == DISK_OFTEN)
		for (at = 2; at < OFTEN; at += (step + 4) / 5)
			one(fault, at, sync);
	else
		while (one(fault, at, sync))
			at += step;
}

static void test_faults(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < DISK_FAULTS; fault++)
		sweep(run, fault, LEDGER_SYNC_GROUP);
}

static void test_faults_unsynced(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < DISK_FAULTS; fault++) {
		sweep(run, fault, LEDGER_SYNC_INTERVAL);
		sweep(run, fault, LEDGER_SYNC_NONE);
	}
}

static void test_faults_of_a_replacement(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < DISK_FAULTS; fault++)
		sweep(run_replacement, fault, LEDGER_SYNC_GROUP);
}

static void test_start_reads_the_tail(void **state)
{
	(void)state;
	for (uint64_t at = 1; run_tail(DISK_GONE, at, LEDGER_SYNC_NONE);)
		at += step / 8 + 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_faults_unsynced),
		cmocka_unit_test(test_faults_of_a_replacement),
		cmocka_unit_test(test_start_reads_the_tail),
	};
	const char *text = getenv("LEDGER_FAULT_STEP"), *only = getenv("CMOCKA_TEST_FILTER");

	step = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 31;
	if (only != NULL)
		cmocka_set_test_filter(only);
	return cmocka_run_group_tests_name("ledger faults", tests, NULL, NULL);
}
