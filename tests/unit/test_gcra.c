/* base/gcra: a bucket of "60 a minute" by example, against a bucket that counts tokens, and from several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/gcra.h"

#define SECOND UINT64_C(1000000000)

static void a_burst_and_then_the_rate(void **state)
{
	const struct gcra rate = gcra_per(60, 60 * SECOND);
	const uint64_t start = 1000 * SECOND;
	uint64_t cell = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_true(gcra_take(&cell, &rate, start) == 0);
	assert_true(gcra_take(&cell, &rate, start) == SECOND);
	assert_true(gcra_take(&cell, &rate, start) == SECOND); /* what is refused is not counted */
	assert_true(gcra_take(&cell, &rate, start + SECOND - 1) == 1);
	assert_true(gcra_take(&cell, &rate, start + SECOND) == 0);
	assert_true(gcra_take(&cell, &rate, start + SECOND) == SECOND);
	/* A long rest fills the bucket, but no more than full. */
	for (int i = 0; i < 60; i++)
		assert_true(gcra_take(&cell, &rate, start + 100000 * SECOND) == 0);
	assert_true(gcra_take(&cell, &rate, start + 100000 * SECOND) != 0);
}

static void one_event_has_no_burst(void **state)
{
	const struct gcra rate = gcra_per(1, 5 * SECOND);
	uint64_t cell = 0;

	(void)state;
	assert_true(gcra_take(&cell, &rate, 1) == 0);
	assert_true(gcra_take(&cell, &rate, 1) == 5 * SECOND);
	assert_true(gcra_take(&cell, &rate, 1 + 5 * SECOND) == 0);
}

static void a_rate_beyond_the_clock_is_still_one(void **state)
{
	const struct gcra fast = gcra_per(UINT64_C(1) << 40, SECOND);
	uint64_t cell = 0;

	(void)state;
	assert_true(fast.interval_ns == 1);
	assert_true(gcra_take(&cell, &fast, 7) == 0);
}

static void time_that_stands_still_or_goes_back_gives_nothing(void **state)
{
	const struct gcra rate = gcra_per(3, 3 * SECOND);
	uint64_t cell = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(gcra_take(&cell, &rate, 50 * SECOND) == 0);
	assert_true(gcra_take(&cell, &rate, 40 * SECOND) == 11 * SECOND);
	assert_true(gcra_take(&cell, &rate, 50 * SECOND) == SECOND);
}

/* A bucket as the books draw it: tokens drip in, one event takes one. In units of 1/interval so that nothing is
 * rounded. */
static void it_is_a_token_bucket(void **state)
{
	(void)state;
	srand(5);
	for (int round = 0; round < 300; round++) {
		uint64_t burst = 1 + (uint64_t)rand() % 20, interval = 1 + (uint64_t)rand() % 1000;
		const struct gcra rate = { interval, (burst - 1) * interval };
		uint64_t cell = 0, now = burst * interval, level = burst * interval;

		for (int i = 0; i < 1000; i++) {
			uint64_t passed = (uint64_t)rand() % (2 * interval);
			uint64_t wait;

			now += passed;
			level = level + passed < burst * interval ? level + passed : burst * interval;
			wait = gcra_take(&cell, &rate, now);
			if (level >= interval) {
				assert_true(wait == 0);
				level -= interval;
			} else {
				assert_true(wait == interval - level);
			}
		}
	}
}

static void the_shared_cell_answers_the_same(void **state)
{
	const struct gcra rate = gcra_per(7, 90 * SECOND);
	_Atomic uint64_t shared = 0;
	uint64_t cell = 0, now = 1000 * SECOND;

	(void)state;
	srand(6);
	for (int i = 0; i < 10000; i++) {
		now += (uint64_t)rand() % (20 * SECOND);
		assert_true(gcra_take(&cell, &rate, now) == gcra_take_shared(&shared, &rate, now));
	}
}

/* Octets: several at once, as many as so many single ones. */
static void many_at_once_are_as_many_single_ones(void **state)
{
	const struct gcra rate = gcra_per(100, 60 * SECOND), slow = gcra_per(1, 60 * SECOND);
	uint64_t one = 0, many = 0, now = 1000 * SECOND;
	_Atomic uint64_t shared = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 10000; i++) {
		uint64_t count = (uint64_t)rand() % 130, before = one, wait = 0;

		now += (uint64_t)rand() % (30 * SECOND);
		for (uint64_t k = 0; k < count && wait == 0; k++)
			wait = gcra_take(&one, &rate, now);
		if (wait != 0)
			one = before;
		assert_true((gcra_take_many(&many, &rate, count, now) == 0) == (wait == 0));
		assert_true((gcra_take_many_shared(&shared, &rate, count, now) == 0) == (wait == 0));
		assert_true(one == many && many == shared);
		wait = gcra_wait(many, &rate, count, now);
		if (count > 100)
			assert_true(wait == UINT64_MAX);
		else if (wait != 0)
			assert_true(gcra_wait(many, &rate, count, now + wait - 1) == 1 &&
				    gcra_wait(many, &rate, count, now + wait) == 0);
	}
	one = 0;
	assert_true(gcra_take_many(&one, &slow, UINT64_MAX, now) == UINT64_MAX && one == 0);
	assert_true(gcra_take_many(&one, &slow, UINT64_C(1) << 40, now) == UINT64_MAX && one == 0);
	assert_true(gcra_take_many(&one, &slow, 0, now) == 0 && gcra_take_many(&one, &slow, 1, now) == 0);
}

static _Atomic uint64_t contended;
static const struct gcra contended_rate = { SECOND, 4999 * SECOND };

static void *take_many(void *user)
{
	uintptr_t allowed = 0;

	(void)user;
	for (int i = 0; i < 5000; i++)
		allowed += gcra_take_shared(&contended, &contended_rate, 10 * SECOND) == 0;
	return (void *)allowed;
}

static void threads_share_one_burst(void **state)
{
	pthread_t threads[4];
	uintptr_t allowed = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		allowed += (uintptr_t)result;
	}
	assert_int_equal(allowed, 5000);
}

static void what_is_spent_stays_spent_under_another_rate(void **state)
{
	const struct gcra slow = gcra_per(4, 60 * SECOND), fast = gcra_per(60, 60 * SECOND), none = { 0, 0 };
	uint64_t now = 100 * SECOND, cell = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(gcra_take(&cell, &slow, now), 0);
	cell = gcra_convert(cell, &slow, &fast, now);
	for (int i = 0; i < 57; i++)
		assert_int_equal(gcra_take(&cell, &fast, now), 0);
	assert_int_not_equal(gcra_take(&cell, &fast, now), 0);
	/* More than there may be: as much as there may be, so that the next is one interval away. */
	cell = gcra_convert(cell, &fast, &slow, now);
	assert_int_equal(gcra_take(&cell, &slow, now), slow.interval_ns);
	assert_int_equal(gcra_take(&cell, &slow, now + slow.interval_ns), 0);
	/* What is over, and what no limit counted, is nothing. */
	assert_int_equal(gcra_convert(now, &slow, &fast, now), now);
	assert_int_equal(gcra_convert(now + 5, &none, &fast, now), now + 5);
	assert_int_equal(gcra_convert(now + 5, &fast, &none, now), now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_the_rate),
		cmocka_unit_test(one_event_has_no_burst),
		cmocka_unit_test(a_rate_beyond_the_clock_is_still_one),
		cmocka_unit_test(time_that_stands_still_or_goes_back_gives_nothing),
		cmocka_unit_test(it_is_a_token_bucket),
		cmocka_unit_test(the_shared_cell_answers_the_same),
		cmocka_unit_test(many_at_once_are_as_many_single_ones),
		cmocka_unit_test(threads_share_one_burst),
		cmocka_unit_test(what_is_spent_stays_spent_under_another_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
