/* base/arena: alignment, the limit, what a reset keeps, giving back a tail, and no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

enum { MIB = 1 << 20, KEPT = 65536 };

static int begin(void **state)
{
	static struct arena arena;

	*state = &arena;
	arena_init(&arena, 4 * MIB);
	mem_fail_at(0);
	return 0;
}

static int end(void **state)
{
	mem_fail_at(0);
	arena_fini(*state);
	return 0;
}

static void takes_nothing_before_it_must(void **state)
{
	struct arena *arena = *state;

	assert_null(arena->blocks);
	arena_reset(arena);
	arena_fini(arena);
	assert_int_equal(mem_fail_at(0), 0);
	assert_int_equal(arena->total, 0);
	assert_non_null(arena_alloc(arena, 1)); /* of use after fini too */
	assert_int_equal(mem_fail_at(0), 1);
}

static void allocations_are_aligned_and_apart(void **state)
{
	uint8_t *memory[200];

	for (size_t i = 0; i < 200; i++) {
		memory[i] = arena_alloc(*state, i * 3);
		assert_non_null(memory[i]);
		assert_int_equal((uintptr_t)memory[i] % 16, 0);
		memset(memory[i], (int)i, i * 3);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t j = 0; j < i * 3; j++)
			assert_int_equal(memory[i][j], i);
		assert_true(i == 0 || memory[i] != memory[i - 1]); /* also of size 0 */
	}
}

static void blocks_double(void **state)
{
	struct arena *arena = *state;

	for (size_t used = 0; used < 2 * MIB; used += 512)
		memset(arena_alloc(arena, 512), 1, 512);
	assert_true(mem_fail_at(0) <= 10);
	assert_true(arena->total >= 2 * MIB && arena->total <= 4 * MIB);
}

static void the_limit_holds(void **state)
{
	struct arena *arena = *state;
	size_t got = 0;

	while (arena_alloc(arena, 1000) != NULL)
		got += 1008;
	assert_true(arena->total <= arena->limit);
	assert_true(got >= arena->limit - 20000); /* and it can be used up */
	assert_null(arena_alloc(arena, 1000));
	/* After a refusal it goes on. */
	arena_reset(arena);
	assert_non_null(arena_alloc(arena, 1000));
	assert_null(arena_alloc(arena, 4 * MIB + 1));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 15));
	assert_null(arena_alloc(arena, SIZE_MAX / 2));
	assert_non_null(arena_alloc(arena, 16));
}

static void a_small_limit(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 100);
	assert_null(arena_alloc(&arena, 101));
	assert_non_null(arena_alloc(&arena, 64));
	assert_non_null(arena_alloc(&arena, 32));
	assert_null(arena_alloc(&arena, 16));
	arena_fini(&arena);
	arena_init(&arena, 0);
	assert_null(arena_alloc(&arena, 0));
	arena_fini(&arena);
}

static void one_allocation_may_be_large(void **state)
{
	struct arena *arena = *state;
	uint8_t *memory = arena_alloc(arena, 3 * MIB);

	assert_non_null(memory);
	memset(memory, 7, 3 * MIB);
	arena_reset(arena);
	assert_int_equal(arena->total, 0); /* above 64 KiB nothing is kept */
	assert_null(arena->blocks);
}

static void a_reset_keeps_one_small_block(void **state)
{
	struct arena *arena = *state;
	void *first = arena_alloc(arena, 100), *again;

	for (unsigned i = 0; i < 1000; i++)
		assert_non_null(arena_alloc(arena, 1000));
	arena_reset(arena);
	assert_true(arena->total != 0 && arena->total <= KEPT);
	mem_fail_at(0);
	again = arena_alloc(arena, 100);
	assert_ptr_equal(again, first);
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 100), first);
	assert_int_equal(mem_fail_at(0), 0);
}

/* A message of usual size, again and again: nothing is allocated. */
static void the_usual_case_allocates_nothing(void **state)
{
	struct arena *arena = *state;

	assert_non_null(arena_alloc(arena, 8000));
	mem_fail_at(0);
	for (unsigned i = 0; i < 1000; i++) {
		arena_reset(arena);
		assert_non_null(arena_alloc(arena, 8000));
		assert_non_null(arena_alloc(arena, 4000));
	}
	assert_int_equal(mem_fail_at(0), 0);
}

static void a_tail_is_given_back(void **state)
{
	uint8_t *memory = arena_alloc(*state, 1000), *next;

	arena_trim(*state, memory, 1000, 100);
	next = arena_alloc(*state, 10);
	assert_ptr_equal(next, memory + 112);
	/* Not the newest any more: nothing happens. */
	arena_trim(*state, memory, 1000, 0);
	assert_ptr_equal(arena_alloc(*state, 1), next + 16);
	/* All of it used, none of it used. */
	memory = arena_alloc(*state, 64);
	arena_trim(*state, memory, 64, 64);
	next = arena_alloc(*state, 64);
	assert_ptr_equal(next, memory + 64);
	arena_trim(*state, next, 64, 0);
	assert_ptr_equal(arena_alloc(*state, 1), next + 16);
}

static void without_memory_it_stays_usable(void **state)
{
	struct arena *arena = *state;
	uint8_t *memory;

	mem_fail_at(1);
	assert_null(arena_alloc(arena, 10));
	assert_int_equal(arena->total, 0);
	memory = arena_alloc(arena, 10);
	assert_non_null(memory);
	memset(memory, 3, 10);
	mem_fail_at(1);
	assert_null(arena_alloc(arena, 100000));
	assert_ptr_equal(arena_alloc(arena, 10), memory + 16);
	assert_int_equal(memory[9], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_nothing_before_it_must, begin, end),
		cmocka_unit_test_setup_teardown(allocations_are_aligned_and_apart, begin, end),
		cmocka_unit_test_setup_teardown(blocks_double, begin, end),
		cmocka_unit_test_setup_teardown(the_limit_holds, begin, end),
		cmocka_unit_test_setup_teardown(a_small_limit, begin, end),
		cmocka_unit_test_setup_teardown(one_allocation_may_be_large, begin, end),
		cmocka_unit_test_setup_teardown(a_reset_keeps_one_small_block, begin, end),
		cmocka_unit_test_setup_teardown(the_usual_case_allocates_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_tail_is_given_back, begin, end),
		cmocka_unit_test_setup_teardown(without_memory_it_stays_usable, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
