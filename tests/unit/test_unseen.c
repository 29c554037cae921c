/* What has not been seen, estimated from what was: values, names, what is always so, ends, counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "learn/unseen.h"

static double new_of(const uint64_t *seen, unsigned count)
{
	struct unseen unseen = { 0 };

	for (unsigned i = 0; i < count; i++)
		unseen_add(&unseen, seen[i]);
	return unseen_new(&unseen);
}

#define NEW(...) new_of((const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void near(double value, double expected)
{
	if (!(fabs(value - expected) <= fabs(expected) * 0.01))
		fail_msg("%.10g is not about %.10g", value, expected);
}

static void values(void **state)
{
	struct learn_values list = { .count = 3 };

	(void)state;
	assert_true(NEW(0) == 0);
	assert_true(NEW(1000, 1000) < 1e-9);
	assert_true(NEW(500, 1, 1) == 2);
	/* none came once, but one came so seldom that another might not have come */
	near(NEW(500, 3), 3 * exp(-3));
	assert_true(NEW(500, 3) > NEW(500, 6) && NEW(500, 6, 6) > NEW(500, 6));
	for (unsigned i = 0; i < 3; i++)
		list.list[i].count = i == 2 ? 1 : 40;
	assert_true(unseen_values(&list) == 1);
}

/* Those that are always there say nothing of how many others are not. */
static void names(void **state)
{
	static struct learn_node below[3] = { { .total = 90 }, { .total = 1 }, { .total = 1 } };
	struct learn_member members[3] = { { .next = &members[1], .node = &below[0] },
					   { .next = &members[2], .node = &below[1] },
					   { .next = NULL, .node = &below[2] } };
	struct learn_node node = { .members = members, .member_count = 3, .most_members = 3 };
	uint64_t counts[2] = { 0, 0 };

	(void)state;
	node.kinds[JSON_OBJECT] = 90;
	assert_true(unseen_names(&node) == 2);
	assert_int_equal(unseen_places(&node), 4);
	unseen_members(&node, counts);
	assert_true(counts[0] == 2 && counts[1] == 1);
	node.kinds[JSON_OBJECT] = 1;
	assert_true(unseen_names(&node) < 1e-9);
}

static void otherwise(void **state)
{
	(void)state;
	near(unseen_otherwise(1, 1), 1.0 / 9);
	assert_true(unseen_otherwise(20, 1) < unseen_otherwise(10, 1));
	assert_true(unseen_otherwise(20, 0.1) < unseen_otherwise(20, 1));
	assert_true(unseen_otherwise(1000000, 1) < 1.1e-6);
}

static struct learn_ends ends_of(unsigned count, double (*value)(unsigned i, unsigned count))
{
	struct learn_ends ends = { .count = 0 };

	for (unsigned i = 0; i < count; i++)
		learn_ends_add(&ends, value(i * 7919 % count, count)); /* in no order: 7919 is prime */
	return ends;
}

static double even(unsigned i, unsigned count)
{
	return 1000.0 * i / count;
}

static double tail(unsigned i, unsigned count)
{
	return pow((double)count / (i + 1), 0.6) - 1;
}

static double capped(unsigned i, unsigned count)
{
	return fmin(round(tail(i, count) * 10), 100);
}

static double mirrored(unsigned i, unsigned count)
{
	return -tail(i, count);
}

static double infinite(unsigned i, unsigned count)
{
	return i == 0 ? (double)INFINITY : even(i, count);
}

static double same(unsigned i, unsigned count)
{
	return i == 0 ? 10 : count - count + 5;
}

static void ends(void **state)
{
	struct learn_ends flat = ends_of(1000, even), long_tail = ends_of(1000, tail), cap = ends_of(1000, capped);
	struct learn_ends other = ends_of(1000, mirrored), few = ends_of(12, tail);

	(void)state;
	/* evenly spread: hardly beyond; and not below what was seen */
	assert_true(unseen_end(&flat, true, 0.01) >= flat.high[0] && unseen_end(&flat, true, 0.01) < 1200);
	assert_true(unseen_end(&flat, false, 0.01) <= 0 && unseen_end(&flat, false, 0.01) > -200);
	/* a tail: far beyond, as far as it thins out; the true one has a hundredth beyond 1000 ^ 0.6 * 100 ^ 0.6 */
	assert_true(unseen_end(&long_tail, true, 0.01) > pow(100000, 0.6));
	assert_true(unseen_end(&long_tail, true, 0.01) > unseen_end(&long_tail, true, 0.1));
	near(unseen_end(&other, false, 0.01), -unseen_end(&long_tail, true, 0.01));
	/* but for one that many reach */
	assert_true(unseen_end(&cap, true, 0.01) == 100);
	/* of few nothing is told */
	assert_true(unseen_end(&few, true, 0.01) == few.high[0]);
}

static void odd_ends(void **state)
{
	struct learn_ends far = ends_of(100, infinite), one = ends_of(100, same), none = { .count = 0 };

	(void)state;
	assert_true(unseen_end(&far, true, 0.01) == (double)INFINITY);
	assert_true(unseen_end(&far, false, 0.01) == even(1, 100));
	assert_true(unseen_end(&one, true, 0.01) == 10 && unseen_end(&one, false, 0.01) == 5);
	assert_true(unseen_end(&none, true, 0.01) == 0);
	assert_false(unseen_rises(&none));
}

static double counter(unsigned i, unsigned count)
{
	return 100.0 + i + count;
}

static void rising(void **state)
{
	struct learn_ends ends = { .count = 0 };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		learn_ends_add(&ends, counter(i, 0));
	assert_false(unseen_rises(&ends)); /* one in 24 of any order */
	for (unsigned i = 4; i < 8; i++)
		learn_ends_add(&ends, counter(i, 0));
	assert_true(unseen_rises(&ends));
	for (unsigned i = 0; i < 5000; i++) /* now and then back */
		learn_ends_add(&ends, counter(8 + i - i % 3 * 2, 0));
	assert_true(unseen_rises(&ends));
	ends = ends_of(6000, even);
	assert_false(unseen_rises(&ends));
}

static void marks(void **state)
{
	struct learn_text text = { .others = "-.", .with_others = { 50, 1 }, .with_classes = { 50 } };

	(void)state;
	assert_true(unseen_marks(&text) == 1);
	text.with_others[1] = 50;
	assert_true(unseen_marks(&text) < 1e-9);
	text.with_classes[3] = 1;
	assert_true(unseen_marks(&text) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(names),    cmocka_unit_test(otherwise),
		cmocka_unit_test(ends),	  cmocka_unit_test(odd_ends), cmocka_unit_test(rising),
		cmocka_unit_test(marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
