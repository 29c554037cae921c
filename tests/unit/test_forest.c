/* watch/forest: what lies where few lie scores more; memory and figures stay in bounds whatever comes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "watch/forest.h"

static struct forest forest;
static uint64_t state;

static float unit(void)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (float)(state >> 40) * 0x1p-24f;
}

static void fill(unsigned vectors)
{
	for (unsigned i = 0; i < vectors; i++) {
		float near = unit(), vector[3] = { 10 + near, 100 + 20 * near + unit(), unit() * unit() };
		assert_true(forest_take(&forest, vector) < 0.9f);
	}
}

static void far_away_scores_more_than_in_the_middle(void **unused)
{
	(void)unused;
	state = 1;
	forest_reset(&forest, 3, 1);
	assert_true(sizeof(forest) <= 128 * 1024);
	fill(2 * FOREST_WINDOW);
	fill(1000);
	const float middle[] = { 10.5f, 110.5f, 0.1f }, far[] = { 14, 60, 3 };
	float inside = forest_take(&forest, middle), outside = forest_take(&forest, far);
	assert_true(outside > inside + 0.2f);
	assert_true(outside > 0.5f);
}

static void the_first_two_windows_say_nothing(void **unused)
{
	(void)unused;
	state = 2;
	forest_reset(&forest, 3, 7);
	for (unsigned i = 0; i < 2 * FOREST_WINDOW; i++) {
		float vector[3] = { unit() * 1000, unit(), unit() };
		assert_true(forest_take(&forest, vector) == 0);
	}
}

static void a_frozen_one_judges_and_stays_as_it_is(void **unused)
{
	static struct forest copy;
	(void)unused;
	state = 3;
	forest_reset(&forest, 3, 1);
	fill(3 * FOREST_WINDOW + 7);
	forest.frozen = true;
	copy = forest;
	const float far[] = { 14, 60, 3 };
	for (unsigned i = 0; i < 1000; i++)
		assert_true(forest_take(&forest, far) > 0.5f);
	assert_memory_equal(&forest, &copy, sizeof(copy));
}

static void whatever_comes_the_score_is_a_score(void **unused)
{
	static const float values[] = { 0, -1, NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 1e-40f, 7 };
	(void)unused;
	for (unsigned run = 0; run < 20; run++) {
		state = run;
		forest_reset(&forest, run, run); /* also none, and more than there may be */
		for (unsigned i = 0; i < 2000; i++) {
			float vector[FOREST_SIZES];
			for (unsigned j = 0; j < FOREST_SIZES; j++)
				vector[j] = unit() < 0.05f ? values[(size_t)(unit() * 8.99f)]
					    : run % 2	   ? 5
							   : unit() * 1e6f;
			float score = forest_take(&forest, vector);
			assert_true(score >= 0 && score <= 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_away_scores_more_than_in_the_middle),
		cmocka_unit_test(the_first_two_windows_say_nothing),
		cmocka_unit_test(a_frozen_one_judges_and_stays_as_it_is),
		cmocka_unit_test(whatever_comes_the_score_is_a_score),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
