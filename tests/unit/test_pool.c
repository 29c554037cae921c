/* base/pool: sizes, what is kept and what is not, the queue in one buffer, and no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/pool.h"

enum { LARGEST = 1024 * 1024 };

static int begin(void **state)
{
	static struct pool pool;

	pool_init(&pool);
	*state = &pool;
	mem_fail_at(0);
	return 0;
}

static int end(void **state)
{
	mem_fail_at(0);
	pool_fini(*state);
	return 0;
}

static void sizes_are_powers_of_two(void **state)
{
	static const size_t asked[][2] = { { 0, 1024 },		{ 1, 1024 },	      { 1024, 1024 },
					   { 1025, 2048 },	{ 65536, 65536 },     { 65537, 131072 },
					   { 524289, 1048576 }, { 1048576, 1048576 }, { 1048577, 1048577 } };

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		size_t got = 0;
		uint8_t *memory = pool_take(*state, asked[i][0], &got);

		assert_non_null(memory);
		assert_int_equal(got, asked[i][1]);
		memset(memory, 0xa5, got);
		pool_give(*state, memory, got);
	}
}

static void what_was_given_is_taken_again(void **state)
{
	struct pool *pool = *state;

	for (size_t size = 1024; size <= LARGEST; size *= 2) {
		size_t got;
		void *first = pool_take(pool, size, &got), *second;

		assert_non_null(first);
		pool_give(pool, first, got);
		mem_fail_at(0);
		second = pool_take(pool, size - 1, &got);
		assert_ptr_equal(second, first);
		assert_int_equal(mem_fail_at(0), 0);
		pool_give(pool, second, got);
	}
}

static void larger_ones_are_not_kept(void **state)
{
	struct pool *pool = *state;
	size_t got;
	void *memory = pool_take(pool, 3 * LARGEST + 5, &got);

	assert_non_null(memory);
	assert_int_equal(got, 3 * LARGEST + 5);
	pool_give(pool, memory, got);
	for (unsigned i = 0; i < POOL_CLASSES; i++)
		assert_int_equal(pool->kept[i], 0);
}

/* A burst does not hold its memory: of one size not more than 1 MiB stays. */
static void a_bounded_number_is_kept(void **state)
{
	static void *taken[2000];
	struct pool *pool = *state;
	size_t got;

	for (unsigned i = 0; i < 2000; i++) {
		taken[i] = pool_take(pool, 1000, &got);
		assert_non_null(taken[i]);
	}
	for (unsigned i = 0; i < 2000; i++)
		pool_give(pool, taken[i], got);
	assert_int_equal(pool->kept[0], 1024);
	mem_fail_at(0);
	for (unsigned i = 0; i < 2000; i++)
		taken[i] = pool_take(pool, 1000, &got);
	assert_int_equal(mem_fail_at(0), 2000 - 1024);
	assert_int_equal(pool->kept[0], 0);
	for (unsigned i = 0; i < 2000; i++)
		pool_give(pool, taken[i], got);
	for (unsigned i = 0; i < 3; i++)
		taken[i] = pool_take(pool, LARGEST, &got);
	for (unsigned i = 0; i < 3; i++)
		pool_give(pool, taken[i], got);
	assert_int_equal(pool->kept[POOL_CLASSES - 1], 1);
}

static void nothing_may_be_given(void **state)
{
	pool_give(*state, NULL, 0);
	pool_give(*state, NULL, 1024);
}

static void short_of_memory(void **state)
{
	size_t got;

	mem_fail_at(1);
	assert_null(pool_take(*state, 1024, &got));
	mem_fail_at(1);
	assert_null(pool_take(*state, 2 * LARGEST, &got));
}

static void an_empty_queue_costs_nothing(void **state)
{
	struct buf buf = { 0 };

	assert_int_equal(buf_size(&buf), 0);
	assert_int_equal(buf_append(&buf, *state, NULL, 0), 0);
	assert_null(buf.base);
	buf_clear(&buf, *state);
	buf_consume(&buf, *state, 0);
	assert_int_equal(mem_fail_at(0), 0);
	/* Room for nothing is room. */
	assert_non_null(buf_reserve(&buf, *state, 0));
	buf_clear(&buf, *state);
}

static void behind_and_in_front(void **state)
{
	struct buf buf = { 0 };

	assert_int_equal(buf_append(&buf, *state, "abc", 3), 0);
	assert_int_equal(buf_append(&buf, *state, "def", 3), 0);
	buf_consume(&buf, *state, 2);
	assert_int_equal(buf_size(&buf), 4);
	assert_memory_equal(buf_data(&buf), "cdef", 4);
	memcpy(buf_reserve(&buf, *state, 2), "gh", 2);
	buf_added(&buf, 2);
	assert_memory_equal(buf_data(&buf), "cdefgh", 6);
	buf_consume(&buf, *state, 6);
	assert_null(buf.base);
	assert_int_equal(((struct pool *)*state)->kept[0], 1);
}

/* Against a plain array, with every mix of appending and consuming. */
static void it_is_a_queue(void **state)
{
	static uint8_t model[1 << 16];
	size_t start = 0, stop = 0;
	struct buf buf = { 0 };
	uint32_t seed = 5;

	while (stop < sizeof(model) - 700) {
		size_t add, take;

		seed = seed * 1103515245 + 12345;
		add = (seed >> 16) % 700;
		for (size_t i = 0; i < add; i++)
			model[stop + i] = (uint8_t)(stop + i * 7);
		assert_int_equal(buf_append(&buf, *state, model + stop, add), 0);
		stop += add;
		seed = seed * 1103515245 + 12345;
		take = stop - start != 0 ? (seed >> 16) % (stop - start + 1) : 0;
		buf_consume(&buf, *state, take);
		start += take;
		assert_int_equal(buf_size(&buf), stop - start);
		assert_int_equal(buf.base == NULL, stop == start);
		if (buf.base != NULL)
			assert_memory_equal(buf_data(&buf), model + start, stop - start);
		assert_true(buf.end <= buf.capacity);
	}
	buf_clear(&buf, *state);
}

/* What leaves in front makes room behind: no larger buffer is taken. */
static void room_in_front_is_used(void **state)
{
	uint8_t bytes[1024] = { 0 };
	struct buf buf = { 0 };

	assert_int_equal(buf_append(&buf, *state, bytes, 1024), 0);
	buf_consume(&buf, *state, 600);
	bytes[0] = 1;
	mem_fail_at(0);
	assert_int_equal(buf_append(&buf, *state, bytes, 600), 0);
	assert_int_equal(mem_fail_at(0), 0);
	assert_int_equal(buf.capacity, 1024);
	assert_int_equal(buf_data(&buf)[424], 1);
	buf_clear(&buf, *state);
}

/* Growth is by a factor: so many allocations, not one an append. */
static void growth_is_geometric(void **state)
{
	uint8_t bytes[512];
	struct buf buf = { 0 };
	unsigned grown = 0;
	size_t capacity = 0;

	for (size_t i = 0; i < 16384; i++) { /* 8 MiB */
		memset(bytes, (int)(i & 0xff), sizeof(bytes));
		assert_int_equal(buf_append(&buf, *state, bytes, sizeof(bytes)), 0);
		grown += buf.capacity != capacity;
		capacity = buf.capacity;
	}
	assert_true(grown <= 20);
	assert_true(capacity <= 2 * buf_size(&buf));
	for (size_t i = 0; i < 16384; i++)
		assert_int_equal(buf_data(&buf)[i * 512 + i % 512], i & 0xff);
	buf_clear(&buf, *state);
}

static void without_memory_all_stays(void **state)
{
	uint8_t bytes[2000] = { 9 };
	struct buf buf = { 0 };

	mem_fail_at(1);
	assert_int_equal(buf_append(&buf, *state, "a", 1), -1);
	assert_null(buf.base);
	assert_int_equal(buf_append(&buf, *state, "a", 1), 0);
	mem_fail_at(1);
	assert_int_equal(buf_append(&buf, *state, bytes, sizeof(bytes)), -1);
	mem_fail_at(1);
	assert_null(buf_reserve(&buf, *state, sizeof(bytes)));
	assert_int_equal(buf_size(&buf), 1);
	assert_int_equal(buf_data(&buf)[0], 'a');
	buf_clear(&buf, *state);
}

static void sizes_do_not_wrap(void **state)
{
	struct buf buf = { 0 };

	assert_int_equal(buf_append(&buf, *state, "abc", 3), 0);
	assert_null(buf_reserve(&buf, *state, SIZE_MAX));
	assert_null(buf_reserve(&buf, *state, SIZE_MAX - 3));
	assert_null(buf_reserve(&buf, *state, SIZE_MAX - SIZE_MAX / 3));
	/* Sizes are kept in 32 bits. */
	assert_null(buf_reserve(&buf, *state, UINT32_MAX));
	assert_null(buf_reserve(&buf, *state, (size_t)UINT32_MAX - 2));
	assert_null(buf_reserve(&buf, *state, ((size_t)UINT32_MAX + 1) * 2));
	assert_memory_equal(buf_data(&buf), "abc", 3);
	buf_clear(&buf, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sizes_are_powers_of_two, begin, end),
		cmocka_unit_test_setup_teardown(what_was_given_is_taken_again, begin, end),
		cmocka_unit_test_setup_teardown(larger_ones_are_not_kept, begin, end),
		cmocka_unit_test_setup_teardown(a_bounded_number_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(nothing_may_be_given, begin, end),
		cmocka_unit_test_setup_teardown(short_of_memory, begin, end),
		cmocka_unit_test_setup_teardown(an_empty_queue_costs_nothing, begin, end),
		cmocka_unit_test_setup_teardown(behind_and_in_front, begin, end),
		cmocka_unit_test_setup_teardown(it_is_a_queue, begin, end),
		cmocka_unit_test_setup_teardown(room_in_front_is_used, begin, end),
		cmocka_unit_test_setup_teardown(growth_is_geometric, begin, end),
		cmocka_unit_test_setup_teardown(without_memory_all_stays, begin, end),
		cmocka_unit_test_setup_teardown(sizes_do_not_wrap, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
