/* base/mem: sizes at their ends, and the allocation that a test makes fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/mem.h"

/* AddressSanitizer ends the program where calloc should say no, unless it is told. */
const char *__asan_default_options(void);
__attribute__((used, visibility("default"))) const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void nothing_is_something_to_free(void **state)
{
	void *memory = mem_alloc(0);

	(void)state;
	assert_non_null(memory);
	mem_free(memory);
	memory = mem_zero(0, 8);
	assert_non_null(memory);
	memory = mem_resize(memory, 0);
	assert_non_null(memory);
	mem_free(memory);
	mem_free(NULL);
}

static void products_are_checked(void **state)
{
	static volatile size_t huge = SIZE_MAX / 2 + 1; /* not seen by the compiler, which would warn */
	uint8_t *cleared = mem_zero(3, 100);

	(void)state;
	assert_non_null(cleared);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(cleared[i], 0);
	mem_free(cleared);
	assert_null(mem_zero(huge, 2));
	assert_null(mem_zero(3, huge));
}

static void a_failed_resize_keeps_the_block(void **state)
{
	char *memory = mem_text("abc", 3), *bigger;

	(void)state;
	assert_non_null(memory);
	mem_fail_at(1);
	assert_null(mem_resize(memory, 1000));
	mem_fail_at(0);
	assert_string_equal(memory, "abc");
	bigger = mem_resize(memory, 1000);
	assert_non_null(bigger);
	assert_string_equal(bigger, "abc");
	mem_free(bigger);
}

/* What somebody who writes there ends with; 0: he may. */
static int ends_of(volatile uint8_t *place)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL); /* neither a sanitizer's report nor the next test */
		*place = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_table_is_cleared_and_ends_where_it_ends(void **state)
{
	static const struct {
		size_t count, size;
		enum mem_pages pages;
	} tables[] = { { 1, 64, MEM_SMALL },	  { 4096, 1, MEM_SMALL },   { 100, 192, MEM_SMALL },
		       { 1 << 20, 3, MEM_SMALL }, { 4096, 1024, MEM_HUGE }, { 10, 64, MEM_HUGE } };

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		size_t bytes = tables[i].count * tables[i].size;
		uint8_t *table = mem_table(tables[i].count, tables[i].size, tables[i].pages);

		assert_non_null(table);
		assert_int_equal((uintptr_t)table % 64, 0);
		for (size_t k = 0; k < bytes; k++)
			assert_int_equal(table[k], 0);
		assert_int_equal(ends_of(table), 0);
		assert_int_equal(ends_of(table + bytes - 1), 0);
		assert_int_not_equal(ends_of(table + bytes), 0);
		assert_int_not_equal(ends_of(table - sysconf(_SC_PAGESIZE)), 0);
		memset(table, 0xff, bytes);
		mem_table_free(table, tables[i].count, tables[i].size, tables[i].pages);
		assert_int_not_equal(ends_of(table), 0);
	}
	mem_table_free(NULL, 8, 8, MEM_SMALL);
	assert_null(mem_table(SIZE_MAX / 2 + 1, 2, MEM_SMALL));
	assert_null(mem_table(SIZE_MAX / 4, 2, MEM_HUGE));
	mem_fail_at(1);
	assert_null(mem_table(8, 8, MEM_SMALL));
	mem_fail_at(0);
}

static void text_ends_with_a_nul(void **state)
{
	char *text = mem_text("a\0bc", 4), *empty = mem_text(NULL, 0);

	(void)state;
	assert_memory_equal(text, "a\0bc\0", 5);
	assert_string_equal(empty, "");
	mem_free(text);
	mem_free(empty);
	assert_null(mem_text("a", SIZE_MAX)); /* no room for the NUL */
}

static void the_nth_allocation_fails_once(void **state)
{
	void *a, *b, *c, *d;

	(void)state;
	mem_fail_at(3);
	a = mem_alloc(1);
	b = mem_zero(1, 1);
	c = mem_text("x", 1);
	d = mem_alloc(1);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(c);
	assert_non_null(d);
	assert_int_equal(mem_fail_at(0), 4);
	assert_int_equal(mem_fail_at(0), 0);
	mem_free(a);
	mem_free(b);
	mem_free(d);
}

static void *allocate(void *user)
{
	(void)user;
	return mem_alloc(1);
}

static void a_failure_belongs_to_its_thread(void **state)
{
	pthread_t thread;
	void *memory;

	(void)state;
	mem_fail_at(1);
	assert_int_equal(pthread_create(&thread, NULL, allocate, NULL), 0);
	assert_int_equal(pthread_join(thread, &memory), 0);
	assert_non_null(memory);
	mem_free(memory);
	assert_null(mem_alloc(1));
	mem_fail_at(0);
}

static void wiping_leaves_nothing(void **state)
{
	uint8_t secret[32];

	(void)state;
	memset(secret, 0xa5, sizeof(secret));
	mem_wipe(secret + 1, sizeof(secret) - 2);
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], i == 0 || i == sizeof(secret) - 1 ? 0xa5 : 0);
	mem_wipe(NULL, 0);
}

static void lengths_do_not_wrap(void **state)
{
	size_t result = 7;

	(void)state;
	assert_true(size_add(SIZE_MAX - 1, 1, &result));
	assert_true(result == SIZE_MAX);
	assert_false(size_add(SIZE_MAX, 1, &result));
	assert_true(size_mul(SIZE_MAX / 2, 2, &result));
	assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_something_to_free),
		cmocka_unit_test(products_are_checked),
		cmocka_unit_test(a_failed_resize_keeps_the_block),
		cmocka_unit_test(a_table_is_cleared_and_ends_where_it_ends),
		cmocka_unit_test(text_ends_with_a_nul),
		cmocka_unit_test(the_nth_allocation_fails_once),
		cmocka_unit_test(a_failure_belongs_to_its_thread),
		cmocka_unit_test(wiping_leaves_nothing),
		cmocka_unit_test(lengths_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
