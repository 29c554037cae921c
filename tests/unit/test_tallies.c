/* Labelled figures on their way to a page: what a gate that was taken over may send, and the page in the other format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "shell/ipc.h"
#include "shell/keeper_tallies.h"
#include "shell/openmetrics.h"

static void test_words(void **state)
{
	struct keeper_tallies *tallies = calloc(1, sizeof(*tallies));
	struct ipc_tally_word words[3] = { { 5, 0 }, { 7, TALLY_WORDS }, { 9, UINT64_MAX } };

	(void)state;
	keeper_tallies_words(tallies, slice(words, sizeof(words)));
	keeper_tallies_words(tallies, slice(words, sizeof(words) - 1)); /* half a word is none */
	assert_int_equal(tallies->fixed.stops[0][0][0], 10);
	for (unsigned i = 1; i < TALLY_WORDS; i++)
		assert_int_equal(((const uint64_t *)&tallies->fixed)[i], 0);
	assert_int_equal(tallies->count, 0);
	free(tallies);
}

static void test_series_are_bounded(void **state)
{
	struct keeper_tallies *tallies = calloc(1, sizeof(*tallies));
	struct tally_series one = { .outbound = 3 };

	(void)state;
	/* names without an end, or with something behind it, are cut */
	memset(one.route, 'r', sizeof(one.route));
	memcpy(one.type, "type\0rest", 9);
	one.counts[DECISION_pass] = 1;
	keeper_tallies_series(tallies, slice(&one, sizeof(one)));
	keeper_tallies_series(tallies, slice(&one, sizeof(one)));
	assert_int_equal(tallies->count, 1);
	assert_int_equal(strlen(tallies->series[0].route), TALLY_NAME - 1);
	assert_string_equal(tallies->series[0].type, "type");
	assert_int_equal(tallies->series[0].outbound, 1);
	assert_int_equal(tallies->series[0].counts[DECISION_pass], 2);
	for (unsigned i = 0; i < KEEPER_SERIES + 100; i++) {
		snprintf(one.type, sizeof(one.type), "type %u", i);
		one.outbound = i & 1;
		keeper_tallies_series(tallies, slice(&one, sizeof(one)));
	}
	assert_int_equal(tallies->count, KEEPER_SERIES);
	assert_string_equal(tallies->series[KEEPER_SERIES].type, "other");
	assert_int_equal(tallies->series[KEEPER_SERIES].counts[DECISION_pass] +
				 tallies->series[KEEPER_SERIES + 1].counts[DECISION_pass],
			 101);
	free(tallies);
}

static void test_quantile(void **state)
{
	struct tally_histogram histogram = { .buckets = { 0 } };

	(void)state;
	assert_int_equal(keeper_tallies_quantile(&histogram, 0.5), 0);
	histogram.buckets[2] = 100; /* 500 to 1,000 ns */
	assert_int_equal(keeper_tallies_quantile(&histogram, 0.5), 750);
	histogram.buckets[TALLY_BUCKETS] = 100; /* longer than the last */
	assert_int_equal(keeper_tallies_quantile(&histogram, 0.99), 1000000000);
	assert_int_equal(keeper_tallies_count(&histogram), 200);
}

static void turned(const char *text, const char *expected)
{
	struct pool pool;
	struct buf out = { 0 };

	pool_init(&pool);
	assert_true(openmetrics_turn(slice_text(text), 1500000000250000, &out, &pool));
	assert_int_equal(buf_size(&out), strlen(expected));
	assert_memory_equal(buf_data(&out), expected, strlen(expected));
	buf_clear(&out, &pool);
	pool_fini(&pool);
}

static void test_openmetrics(void **state)
{
	(void)state;
	turned("# HELP a_total say \"it\"\n# TYPE a_total counter\na_total{x=\"a b\"} 3\na_total{x=\"}\"} 4\n",
	       "# TYPE a counter\n# HELP a say \\\"it\\\"\na_total{x=\"a b\"} 3\na_created{x=\"a b\"} "
	       "1500000000.250000\n"
	       "a_total{x=\"}\"} 4\na_created{x=\"}\"} 1500000000.250000\n");
	turned("# HELP b_seconds s\n# TYPE b_seconds histogram\nb_seconds_bucket{d=\"in\",le=\"+Inf\"} 1\n"
	       "b_seconds_count{d=\"in\"} 1\nb_seconds_sum{d=\"in\"} 2\n",
	       "# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n# HELP b_seconds s\n"
	       "b_seconds_bucket{d=\"in\",le=\"+Inf\"} 1\nb_seconds_count{d=\"in\"} 1\nb_seconds_sum{d=\"in\"} 2\n"
	       "b_seconds_created{d=\"in\"} 1500000000.250000\n");
	turned("# HELP c_info i\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n# HELP d_bytes b\n# TYPE d_bytes "
	       "gauge\nd_bytes 5\n",
	       "# TYPE c info\n# HELP c i\nc_info{v=\"1\"} 1\n# TYPE d_bytes gauge\n# UNIT d_bytes bytes\n# HELP "
	       "d_bytes b\n"
	       "d_bytes 5\n");
	turned("# HELP e_total", "# TYPE e_total \n# HELP e_total \n"); /* no page of ours; it ends */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_series_are_bounded),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_openmetrics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
