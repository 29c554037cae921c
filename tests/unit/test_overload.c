/* Stages of overload: their borders, who is turned away by chance, and what the kernel says. */
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "shell/gate.h"
#include "shell/overload.h"

#define MIB ((uint64_t)1024 * 1024)
enum { DRAWS = 10000 };

static void test_borders(void **state)
{
	static const struct {
		uint64_t used;
		enum overload_stage stage;
	} rows[] = { { 0, OVERLOAD_none },
		     { 7499, OVERLOAD_none },
		     { 7500, OVERLOAD_shed },
		     { 8499, OVERLOAD_shed },
		     { 8500, OVERLOAD_refuse },
		     { 8999, OVERLOAD_refuse },
		     { 9000, OVERLOAD_close_idle },
		     { 9499, OVERLOAD_close_idle },
		     { 9500, OVERLOAD_close_largest },
		     { 10000, OVERLOAD_close_largest },
		     { UINT64_MAX, OVERLOAD_close_largest } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(overload_stage_of(rows[i].used, 10000), rows[i].stage);
	assert_int_equal(overload_stage_of(UINT64_MAX / 2, UINT64_MAX / 4 * 3), OVERLOAD_none);
	assert_string_equal(overload_name(OVERLOAD_shed), "shed");
	assert_string_equal(overload_name(OVERLOAD_none), "none");
}

/* Of DRAWS newcomers, evenly drawn. */
static unsigned shed_at(uint64_t used)
{
	struct overload overload = { .statm = -1 };
	unsigned shed = 0;

	atomic_store(&overload.used, used);
	atomic_store(&overload.limit, 10000);
	atomic_store(&overload.stage, overload_stage_of(used, 10000));
	for (unsigned i = 0; i < DRAWS; i++)
		shed += overload_sheds(&overload, (uint32_t)((uint64_t)UINT32_MAX * i / DRAWS));
	return shed;
}

static void test_chance(void **state)
{
	(void)state;
	assert_int_equal(shed_at(7499), 0);
	assert_int_equal(shed_at(7500), 0);
	assert_in_range(shed_at(8000), DRAWS / 2 - 2, DRAWS / 2 + 2);
	assert_in_range(shed_at(8499), DRAWS - 20, DRAWS - 1);
	assert_int_equal(shed_at(8500), DRAWS);
	assert_int_equal(shed_at(20000), DRAWS);
}

static void test_excess(void **state)
{
	struct overload overload = { .statm = -1 };

	(void)state;
	atomic_store(&overload.limit, 10000);
	atomic_store(&overload.used, 8000);
	assert_int_equal(overload_excess(&overload), 0);
	atomic_store(&overload.used, 9600);
	assert_int_equal(overload_excess(&overload), 600);
}

static void test_this_process(void **state)
{
	enum overload_stage before = OVERLOAD_close_largest;
	struct overload overload;

	(void)state;
	overload_open(&overload);
	assert_true(overload.statm >= 0);
	assert_true(overload.machine > 16 * MIB && overload.machine != UINT64_MAX);
	assert_false(
		overload_look(&overload, 1 << 20, 1000, &before)); /* a TiB: there is enough, as there was before */
	assert_int_equal(atomic_load(&overload.limit), MIB << 20);
	assert_true(atomic_load(&overload.used) > MIB / 4);
	assert_false(overload_look(&overload, 1, 1000, &before)); /* not due */
	assert_true(overload_look(&overload, 1, 1000 + OVERLOAD_EVERY_NS, &before));
	assert_int_equal(before, OVERLOAD_none);
	assert_int_equal(atomic_load(&overload.stage), OVERLOAD_close_largest);
	assert_true(overload_look(&overload, 0, 1000 + 2 * OVERLOAD_EVERY_NS, &before));
	assert_int_equal(atomic_load(&overload.limit), overload.machine / 4 * 3);
	overload_close(&overload);
	assert_false(
		overload_look(&overload, 1, UINT64_MAX / 2, &before)); /* the kernel does not tell: nothing is done */
	assert_int_equal(atomic_load(&overload.stage), OVERLOAD_none);
	overload_close(&overload);
}

/* What is in use stays about where a stage begins: that is told once, as is that it is over. */
static void test_told_once(void **state)
{
	enum overload_stage before;
	struct overload overload;
	uint64_t now = 1000, used, limit;
	unsigned told = 0;
	char *much = malloc(64 * MIB); /* against which what the allocator gives back is little */

	(void)state;
	assert_non_null(much);
	memset(much, 1, 64 * MIB);
	overload_open(&overload);
	overload.machine = UINT64_MAX;
	overload_look(&overload, 0, now, &before);
	used = atomic_load(&overload.used);
	for (unsigned i = 0; i < 20; i++) {
		limit = used * 100 / (i % 2 == 0 ? 77 : 73); /* two percent around the border of shed */
		overload.machine = limit / 3 * 4 + 4;
		told += (unsigned)overload_look(&overload, 0, now += OVERLOAD_EVERY_NS, &before);
	}
	assert_int_equal(told, 1);
	assert_int_equal(before, OVERLOAD_shed);
	assert_int_equal(atomic_load(&overload.stage), OVERLOAD_none); /* what is done is by what is */
	overload.machine = used * 4;
	assert_true(overload_look(&overload, 0, now += OVERLOAD_EVERY_NS, &before));
	assert_int_equal(atomic_load(&overload.told), OVERLOAD_none);
	assert_int_equal(much[1], 1);
	free(much);
	overload_close(&overload);
}

/* Giving memory back to the kernel takes its time: after it there is a rest, whatever is freed meanwhile. */
static void test_trim_rests(void **state)
{
	enum overload_stage before;
	struct overload overload;
	uint64_t now = 1000;

	(void)state;
	overload_open(&overload);
	overload_look(&overload, 1 << 20, now, &before);
	assert_int_equal(atomic_load(&overload.trims), 0); /* there is enough */
	overload_look(&overload, 1, now += OVERLOAD_EVERY_NS, &before);
	assert_int_equal(atomic_load(&overload.trims), 1);
	assert_in_range(atomic_load(&overload.rest_ns), now + 1, UINT64_MAX - 1);
	atomic_store(&overload.rest_ns, now + 2 * OVERLOAD_EVERY_NS);
	overload_freed(&overload);
	overload_look(&overload, 1, now += OVERLOAD_EVERY_NS, &before);
	assert_int_equal(atomic_load(&overload.trims), 1);
	overload_look(&overload, 1, now += OVERLOAD_EVERY_NS, &before);
	assert_int_equal(atomic_load(&overload.trims), 2);
	atomic_store(&overload.rest_ns, 0);
	overload_look(&overload, 1, now += OVERLOAD_EVERY_NS, &before); /* nothing was freed: not so soon */
	assert_int_equal(atomic_load(&overload.trims), 2);
	overload_close(&overload);
}

/* The keeper's half of a gate has no memory to look at, and no descriptor: each fall of a gate ends one and makes the
 * next. */
static void test_remote_gate(void **state)
{
	struct ipc_channel *down = ipc_channel_new(4096, NULL, NULL);
	int before = fcntl(STDIN_FILENO, F_GETFD);

	(void)state;
	assert_non_null(down);
	for (unsigned i = 0; i < 3; i++)
		assert_null(gate_stop(gate_remote(down, 1)));
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), before);
	ipc_channel_free(down);
}

/* Who has the large connections gives back, not each worker the same. */
static void test_shares(void **state)
{
	struct overload overload = { .statm = -1 };

	(void)state;
	atomic_store(&overload.limit, 10000);
	atomic_store(&overload.used, 10000);
	assert_int_equal(overload_share(&overload, 0, 2, 900), 500); /* what the other has it has not said */
	assert_int_equal(overload_share(&overload, 1, 2, 100), 100);
	assert_int_equal(overload_share(&overload, 0, 2, 900), 900);
	assert_int_equal(overload_share(&overload, 0, 2, 0), 0);
	assert_int_equal(overload_share(&overload, 1, 2, 0), 0);
	overload_no_share(&overload, 1);
	assert_int_equal(overload_share(&overload, 0, 2, 900), 500);
}

static void test_room(void **state)
{
	uint64_t used, needed;
	struct overload overload;

	(void)state;
	overload_open(&overload);
	assert_false(overload_has_room(&overload, 1, &used, &needed));
	assert_true(used > 1 && needed >= used);
	assert_true(overload_has_room(&overload, needed, &used, &needed));
	overload_close(&overload);
	assert_true(overload_has_room(&overload, 1, &used, &needed)); /* the kernel does not tell */
}

/* What was freed is the kernel's again, though there is enough, and that is not tried again while nothing is. */
static void test_settles(void **state)
{
	enum { PIECES = 4096, PIECE = 8192 };
	static char *pieces[PIECES];
	struct overload overload;
	unsigned before;
	uint64_t now = 1000, every = 10000000000;

	(void)state;
	overload_open(&overload);
	overload_settle(&overload, now);
	before = atomic_load(&overload.trims);
	for (unsigned i = 0; i < PIECES; i++)
		memset(pieces[i] = malloc(PIECE), 1, PIECE);
	overload_settle(&overload, now += every); /* what it has by now is not spare */
	for (unsigned i = 0; i < PIECES; i += 2)  /* so that they do not become the end of the heap */
		free(pieces[i]);
	atomic_store(&overload.rest_ns, 0);
	overload_settle(&overload, now += every);
	if (mallinfo2().arena == 0) { /* a sanitizer's */
		assert_int_equal(atomic_load(&overload.trims), before);
	} else {
		assert_int_equal(atomic_load(&overload.trims), before + 1);
		atomic_store(&overload.rest_ns, 0);
		overload_settle(&overload, now + every);
		assert_int_equal(atomic_load(&overload.trims), before + 1);
	}
	for (unsigned i = 1; i < PIECES; i += 2)
		free(pieces[i]);
	overload_close(&overload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_borders),	    cmocka_unit_test(test_chance),
		cmocka_unit_test(test_excess),	    cmocka_unit_test(test_this_process),
		cmocka_unit_test(test_remote_gate), cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_trim_rests),  cmocka_unit_test(test_shares),
		cmocka_unit_test(test_room),	    cmocka_unit_test(test_settles),
	};

	return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
