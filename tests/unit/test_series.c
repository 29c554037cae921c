/* watch/series: what is odd is told with its part, once; whatever comes, the figures stay figures; nobody trains it by
 * being odd. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "watch/series.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };

static uint64_t state;

static double unit(void)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (double)(state >> 11) * 0x1p-53;
}

/* A day's shape and some noise. */
static double ordinary(uint64_t at)
{
	return 100 + 50 * sin((double)(at % DAY) / DAY * 6.283185) + 4 * (unit() + unit() - 1);
}

static void train(struct series *series, uint64_t *at, unsigned samples)
{
	for (unsigned i = 0; i < samples; i++, *at += 5 * MINUTE)
		series_take(series, *at, ordinary(*at));
}

static void ordinary_days_are_quiet_and_a_peak_is_told_once(void **unused)
{
	struct series series;
	uint64_t at = 0;
	(void)unused;
	state = 1;
	series_reset(&series);
	train(&series, &at, 7 * 288);
	unsigned alerts = 0;
	for (unsigned i = 0; i < 7 * 288; i++, at += 5 * MINUTE)
		alerts += series_take(&series, at, ordinary(at)).score >= SERIES_ODD;
	assert_true(alerts <= 1); /* noise beats its own record now and then */
	struct series_verdict verdict = series_take(&series, at, 400);
	assert_true(verdict.score >= SERIES_ODD);
	assert_true(verdict.expected > 80 && verdict.expected < 120);
	assert_true(verdict.spread > 20 && verdict.spread < 60);
	for (unsigned i = 0; i < 10; i++)
		assert_true(series_take(&series, at += 5 * MINUTE, 400).score < SERIES_ODD);
}

static void a_day_that_is_flat_is_odd_by_its_hour_or_spread(void **unused)
{
	struct series series;
	uint64_t at = 0;
	(void)unused;
	state = 2;
	series_reset(&series);
	train(&series, &at, 7 * 288 + 48); /* four o'clock */
	bool told = false;
	for (unsigned i = 0; i < 144 && !told; i++, at += 5 * MINUTE)
		told = series_take(&series, at, 100 + 4 * (unit() + unit() - 1)).score >= SERIES_ODD;
	assert_true(told);
}

static void what_is_odd_teaches_next_to_nothing(void **unused)
{
	struct series series;
	uint64_t at = 0;
	(void)unused;
	state = 3;
	series_reset(&series);
	train(&series, &at, 7 * 288);
	double before = series.slow.mean;
	for (unsigned i = 0; i < 20; i++, at += 5 * MINUTE)
		series_take(&series, at, 1e9);
	assert_true(fabs(series.slow.mean - before) < 5);
	train(&series, &at, 288);
	assert_true(fabs(series.slow.mean - before) < 20);
}

static void a_frozen_one_judges_and_stays_as_it_is(void **unused)
{
	struct series series, copy;
	uint64_t at = 0;
	(void)unused;
	state = 4;
	series_reset(&series);
	train(&series, &at, 7 * 288);
	series.frozen = true;
	copy = series;
	assert_true(series_take(&series, at, 1000).score >= SERIES_ODD);
	assert_memory_equal(&series.slow, &copy.slow, sizeof(copy.slow));
	assert_memory_equal(series.hours, copy.hours, sizeof(copy.hours));
	assert_memory_equal(series.usual, copy.usual, sizeof(copy.usual));
	assert_memory_equal(series.top, copy.top, sizeof(copy.top));
	assert_true(series.most == copy.most && series.count == copy.count);
}

/* Any values in any order of time, with gaps and with what is no number. */
static void whatever_comes_the_figures_stay_figures(void **unused)
{
	static const double values[] = { 0,	-0.0,	1,   -1,       1e-300,	  -1e-300, 1e99, -1e99,
					 1e308, -1e308, NAN, INFINITY, -INFINITY, 5e-324,  3.7 };
	struct series series;
	(void)unused;
	assert_true(sizeof(series) <= 4096);
	for (unsigned run = 0; run < 200; run++) {
		state = run;
		series_reset(&series);
		uint64_t at = run % 2 ? UINT64_MAX - 50 : 0;
		for (unsigned i = 0; i < 2000; i++) {
			double value = unit() < 0.5 ? values[(size_t)(unit() * (sizeof(values) / sizeof(*values)))]
						    : unit() * pow(10, 40 * unit() - 20);
			if (run % 3 == 0 && unit() < 0.9)
				value = 5;
			at = unit() < 0.01 ? (uint64_t)(unit() * 1e19) : unit() < 0.1 ? at - HOUR : at + MINUTE;
			struct series_verdict verdict = series_take(&series, at, value);
			assert_true(verdict.score >= 0 && verdict.score <= 1);
			assert_true(verdict.part < SERIES_PARTS);
			assert_true(verdict.spread >= 0);
		}
		assert_true(series_check(&series));
	}
}

static void what_no_series_could_hold_is_not_taken(void **unused)
{
	struct series series;
	uint64_t at = 0;
	(void)unused;
	state = 5;
	series_reset(&series);
	train(&series, &at, 1000);
	struct series good = series;
	assert_true(series_check(&series));
	assert_memory_equal(&series, &good, sizeof(good));
	series.hours[7].variance = -1;
	assert_false(series_check(&series));
	assert_true(series.count == 0);
	series = good;
	series.top[SERIES_JUMP] = NAN;
	assert_false(series_check(&series));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_days_are_quiet_and_a_peak_is_told_once),
		cmocka_unit_test(a_day_that_is_flat_is_odd_by_its_hour_or_spread),
		cmocka_unit_test(what_is_odd_teaches_next_to_nothing),
		cmocka_unit_test(a_frozen_one_judges_and_stays_as_it_is),
		cmocka_unit_test(whatever_comes_the_figures_stay_figures),
		cmocka_unit_test(what_no_series_could_hold_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
