/* state/marks: what is remembered until then, what finds no room, what is two parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "state/marks.h"

#define HOUR (UINT64_C(3600) * 1000000000)

static const struct hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };

static struct marks table(uint32_t cells)
{
	struct marks marks;

	assert_int_equal(marks_init(&marks, &key, cells), 0);
	return marks;
}

static uint64_t tag_of(const struct marks *marks, uint32_t subject)
{
	return marks_tag(marks, slice(&subject, sizeof(subject)), slice("from", 4));
}

static void test_until_then(void **state)
{
	struct marks marks = table(64);
	uint64_t tag = tag_of(&marks, 1);

	(void)state;
	assert_false(marks_has(&marks, tag, 0));
	marks_put(&marks, tag, 30 * HOUR + 5, 6 * HOUR);
	assert_true(marks_has(&marks, tag, 6 * HOUR));
	assert_true(marks_has(&marks, tag, 30 * HOUR + 5));
	assert_false(marks_has(&marks, tag, 31 * HOUR));
	assert_false(marks_has(&marks, tag_of(&marks, 2), 6 * HOUR));
	/* Once more: for longer, and in the same place. */
	for (unsigned i = 0; i < 1000; i++)
		marks_put(&marks, tag, (40 + i) * HOUR, 6 * HOUR);
	assert_true(marks_has(&marks, tag, 1039 * HOUR));
	for (uint32_t i = 2, found = 0; i < 40; i++) {
		marks_put(&marks, tag_of(&marks, i), 50 * HOUR, 6 * HOUR);
		found += marks_has(&marks, tag_of(&marks, i), 6 * HOUR);
		assert_int_equal(found, i - 1);
	}
	/* After centuries the clock of a word stands still at its end: nothing is remembered any more. */
	marks_put(&marks, tag, UINT64_MAX, UINT64_MAX - HOUR);
	assert_false(marks_has(&marks, tag, UINT64_MAX - HOUR));
	marks_fini(&marks);
}

static void test_parts(void **state)
{
	struct marks marks = table(64);
	uint64_t whole = marks_tag(&marks, slice("ab", 2), slice("c", 1));

	(void)state;
	assert_true(whole == marks_tag(&marks, slice("ab", 2), slice("c", 1)));
	assert_true(whole != marks_tag(&marks, slice("a", 1), slice("bc", 2)));
	assert_true(whole != marks_tag(&marks, slice("c", 1), slice("ab", 2)));
	assert_true(whole != marks_tag(&marks, slice("abc", 3), slice(NULL, 0)));
	marks_fini(&marks);
}

static void test_without_room(void **state)
{
	struct marks marks = table(1024);
	unsigned kept = 0;

	(void)state;
	marks_put(&marks, tag_of(&marks, 7), 100 * HOUR, HOUR);
	for (uint32_t i = 100; i < 10000; i++)
		marks_put(&marks, tag_of(&marks, i), 50 * HOUR, HOUR);
	for (uint32_t i = 100; i < 10000; i++)
		kept += marks_has(&marks, tag_of(&marks, i), HOUR);
	assert_in_range(kept, 900, 1023);
	assert_true(marks_has(&marks, tag_of(&marks, 7), HOUR)); /* nobody is forgotten for others */
	kept = 0;
	for (uint32_t i = 20000; i < 20500; i++) { /* those are past */
		marks_put(&marks, tag_of(&marks, i), 200 * HOUR, 51 * HOUR);
		kept += marks_has(&marks, tag_of(&marks, i), 51 * HOUR);
	}
	assert_int_equal(kept, 500);
	marks_fini(&marks);
}

static void test_memory_is_short(void **state)
{
	struct marks marks;

	(void)state;
	mem_fail_at(1);
	assert_int_equal(marks_init(&marks, &key, 64), -1);
	mem_fail_at(0);
	marks_fini(&marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until_then),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_without_room),
		cmocka_unit_test(test_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
