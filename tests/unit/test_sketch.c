/* watch/sketch: against a count of everything, on streams with and without something that stands out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "watch/sketch.h"

enum { NAMES = 5000, ADDED = 200000 };

static uint64_t counts[NAMES];
static struct sketch sketch, other;

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return *seed >> 33;
}

/* Skewed: half of all are of the first few names. */
static unsigned draw(uint64_t *seed, bool skewed)
{
	unsigned most = NAMES;

	while (skewed && most > 4 && random_next(seed) % 3 != 0)
		most /= 2;
	return (unsigned)(random_next(seed) % most);
}

static void holds(const struct sketch *counted)
{
	unsigned order[SKETCH_PLACES], count = sketch_order(counted, order);
	uint64_t total = 0;

	for (unsigned i = 0; i < NAMES; i++)
		total += counts[i];
	assert_int_equal(counted->total, total);
	for (unsigned i = 1; i < count; i++)
		assert_true(counted->places[order[i - 1]].count >= counted->places[order[i]].count);
	for (unsigned i = 0; i < count; i++) {
		const struct sketch_place *place = &counted->places[i];
		char name[SKETCH_NAME + 1] = "";
		uint64_t really;

		memcpy(name, place->name, place->size);
		really = counts[strtoul(name + 1, NULL, 10)];
		assert_true(place->count >= really && place->count - place->over <= really);
		assert_true(place->over <= total / SKETCH_PLACES);
	}
	for (unsigned i = 0; i < NAMES; i++) { /* who is more than one in so many has a place */
		bool there = false;
		char name[16];

		if (counts[i] <= total / SKETCH_PLACES)
			continue;
		snprintf(name, sizeof(name), "n%u", i);
		for (unsigned place = 0; place < count; place++)
			there |= slice_is(slice(counted->places[place].name, counted->places[place].size), name);
		assert_true(there);
	}
}

static void add_many(struct sketch *to, uint64_t *seed, bool skewed)
{
	for (unsigned i = 0; i < ADDED; i++) {
		unsigned which = draw(seed, skewed);
		uint64_t count = 1 + random_next(seed) % 5;
		char name[16];

		snprintf(name, sizeof(name), "n%u", which);
		counts[which] += count;
		sketch_add(to, slice_text(name), count);
	}
}

static void test_streams(void **state)
{
	uint64_t seed = 20261129;

	(void)state;
	for (unsigned skewed = 0; skewed < 2; skewed++) {
		memset(counts, 0, sizeof(counts));
		memset(&sketch, 0, sizeof(sketch));
		add_many(&sketch, &seed, skewed != 0);
		holds(&sketch);
	}
}

static void test_few_are_counted_as_they_are(void **state)
{
	char name[SKETCH_NAME + 10];
	unsigned order[SKETCH_PLACES];

	(void)state;
	memset(&sketch, 0, sizeof(sketch));
	memset(&other, 0, sizeof(other));
	sketch_add(&sketch, slice_text("a"), 3);
	sketch_add(&sketch, slice_text("b"), 5);
	sketch_add(&sketch, slice_text(""), 7); /* nobody */
	sketch_add(&sketch, slice_text("c"), 0);
	sketch_add(&other, slice_text("a"), 4);
	sketch_merge(&sketch, &other);
	assert_int_equal(sketch_order(&sketch, order), 2);
	assert_int_equal(sketch.places[order[0]].count, 7);
	assert_int_equal(sketch.places[order[0]].over, 0);
	memset(name, 'x', sizeof(name));
	sketch_add(&sketch, slice(name, sizeof(name)), 9);
	sketch_add(&sketch, slice(name, SKETCH_NAME), 1);
	assert_int_equal(sketch_order(&sketch, order), 3);
	assert_int_equal(sketch.places[order[0]].count, 10);
	assert_int_equal(sketch.places[order[0]].size, SKETCH_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_few_are_counted_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
