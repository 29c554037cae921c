/* base/utf8: against a reading of Unicode table 3-7 row by row, whole and in pieces, and at each place of a long text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

/* Table 3-7, as printed: the ranges of each octet of a well-formed sequence. */
static const struct {
	uint8_t size;
	uint8_t range[4][2];
} rows[] = {
	{ 1, { { 0x00, 0x7f } } },
	{ 2, { { 0xc2, 0xdf }, { 0x80, 0xbf } } },
	{ 3, { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, { 0x80, 0xbf } } },
	{ 3, { { 0xe1, 0xec }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 3, { { 0xed, 0xed }, { 0x80, 0x9f }, { 0x80, 0xbf } } },
	{ 3, { { 0xee, 0xef }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf0, 0xf0 }, { 0x90, 0xbf }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf1, 0xf3 }, { 0x80, 0xbf }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf4, 0xf4 }, { 0x80, 0x8f }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
};

/* How many octets of a row match, at most its size. */
static size_t match(unsigned row, const uint8_t *bytes, size_t size)
{
	size_t n = 0;

	while (n < rows[row].size && n < size && bytes[n] >= rows[row].range[n][0] && bytes[n] <= rows[row].range[n][1])
		n++;
	return n;
}

/* Offset of the first octet that cannot be, or size; ret_due: octets that the last code point still lacks. */
static size_t table_check(const uint8_t *bytes, size_t size, unsigned *ret_due)
{
	size_t at = 0;

	*ret_due = 0;
	while (at < size) {
		size_t best = 0;
		unsigned row = 0;

		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			size_t n = match(i, bytes + at, size - at);

			if (n > best) {
				best = n;
				row = i;
			}
		}
		at += best;
		if (best == rows[row].size)
			continue;
		if (best != 0)
			*ret_due = (unsigned)(rows[row].size - best);
		return at;
	}
	return at;
}

static uint64_t seed = 7;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void check(const uint8_t *bytes, size_t size)
{
	unsigned due;
	size_t expect = table_check(bytes, size, &due);
	struct utf8 state = { 0 };
	size_t got = utf8_check(&state, bytes, size);

	if (got != expect || (got == size && state.due != due))
		fail_msg("%zu octets: stops at %zu with %u due, not at %zu with %u", size, got, state.due, expect, due);
	if (utf8_valid(bytes, size) != (expect == size && due == 0))
		fail_msg("%zu octets: whole text is judged differently", size);
}

static void each_octet_and_pair(void **state)
{
	uint8_t bytes[2] = { 0 };

	(void)state;
	check(bytes, 0);
	for (unsigned i = 0; i < 65536; i++) {
		bytes[0] = (uint8_t)(i >> 8);
		bytes[1] = (uint8_t)i;
		check(bytes, 1);
		check(bytes, 2);
	}
}

static void each_octet_after_each_lead(void **state)
{
	uint8_t bytes[4];

	(void)state;
	for (unsigned lead = 0xc0; lead < 256; lead++)
		for (unsigned second = 0x70; second < 256; second++)
			for (unsigned third = 0x70; third < 256; third += 5) {
				bytes[0] = (uint8_t)lead;
				bytes[1] = (uint8_t)second;
				bytes[2] = (uint8_t)third;
				bytes[3] = (uint8_t)(third + second);
				check(bytes, 3);
				check(bytes, 4);
			}
}

static void each_code_point(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x10ffff; point++) {
		uint8_t bytes[4];
		size_t size;

		if (point >= 0xd800 && point <= 0xdfff)
			continue;
		size = utf8_encode(point, bytes);
		assert_int_equal(size, point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
		assert_true(utf8_valid(bytes, size));
		assert_int_equal(utf8_length(bytes, size), 1);
		for (size_t short_of = 1; short_of < size; short_of++)
			assert_false(utf8_valid(bytes, short_of));
	}
}

/* The bits of a code point, by RFC 3629 section 3. */
static void encodes_as_printed(void **state)
{
	static const struct {
		uint32_t point;
		const char *bytes;
	} known[] = { { 'A', "A" },
		      { 0x80, "\xc2\x80" },
		      { 0x7ff, "\xdf\xbf" },
		      { 0x800, "\xe0\xa0\x80" },
		      { 0x2262, "\xe2\x89\xa2" },
		      { 0xd55c, "\xed\x95\x9c" },
		      { 0xffff, "\xef\xbf\xbf" },
		      { 0x10000, "\xf0\x90\x80\x80" },
		      { 0x233b4, "\xf0\xa3\x8e\xb4" },
		      { 0x10ffff, "\xf4\x8f\xbf\xbf" } };
	uint8_t bytes[4];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(utf8_encode(known[i].point, bytes), strlen(known[i].bytes));
		assert_memory_equal(bytes, known[i].bytes, strlen(known[i].bytes));
	}
}

/* A wrong octet, and a code point, at each place of a text longer than every step. */
static void at_each_place(void **state)
{
	static const char *const parts[] = { "\x80",	     "\xff",	"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
					     "\xed\xa0\x80", "\xf0\x9f" };
	enum { LONGEST = 150 };

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t size = strlen(parts[i]); size <= LONGEST; size++)
			for (size_t at = 0; at + strlen(parts[i]) <= size; at++) {
				uint8_t *bytes = malloc(size); /* a block of its own: reading beyond it is seen */

				assert_non_null(bytes);
				memset(bytes, 'a', size);
				memcpy(bytes + at, parts[i], strlen(parts[i]));
				check(bytes, size);
				free(bytes);
			}
}

static size_t random_text(uint8_t *bytes, size_t room)
{
	uint32_t script = any(4);
	size_t size = 0;

	while (size + 4 <= room) {
		uint32_t point = script == 0 || any(5) == 0 ? any(128)
				 : script == 1		    ? 0x400 + any(256)
				 : script == 2		    ? 0x4e00 + any(5000)
							    : any(0x110000);

		size += utf8_encode(point >= 0xd800 && point <= 0xdfff ? 'x' : point, bytes + size);
	}
	return size;
}

static void random_texts(void **state)
{
	uint8_t bytes[400];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = random_text(bytes, any(sizeof(bytes)));

		check(bytes, size);
		if (size == 0)
			continue;
		check(bytes, any((uint32_t)size));
		bytes[any((uint32_t)size)] = (uint8_t)any(256);
		check(bytes, size);
	}
}

static void pieces_are_as_the_whole(void **state)
{
	uint8_t bytes[200];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		size_t size = random_text(bytes, 20 + any(180)), expect, at = 0;
		struct utf8 whole = { 0 }, pieces = { 0 };

		if (i % 2 == 0)
			bytes[any((uint32_t)size)] ^= (uint8_t)(1u << any(8));
		expect = utf8_check(&whole, bytes, size);
		while (at < size) {
			size_t piece = i % 3 == 0 ? 1 : any(40), got;

			piece = piece < size - at ? piece : size - at;
			got = utf8_check(&pieces, bytes + at, piece);
			at += got;
			if (got != piece)
				break;
		}
		assert_int_equal(at, expect);
		if (expect == size)
			assert_int_equal(pieces.due, whole.due);
	}
}

static void a_wrong_piece_keeps_what_was_due(void **state)
{
	struct utf8 text = { 0 };

	(void)state;
	assert_int_equal(utf8_check(&text, (const uint8_t *)"\xed", 1), 1);
	assert_int_equal(text.due, 2);
	assert_int_equal(text.low, 0x80);
	assert_int_equal(text.high, 0x9f);
	assert_int_equal(utf8_check(&text, (const uint8_t *)"\xa0", 1), 0); /* a surrogate */
	assert_int_equal(text.due, 2);
	assert_int_equal(utf8_check(&text, (const uint8_t *)"", 0), 0);
	assert_int_equal(utf8_check(&text, (const uint8_t *)"\x9f\xbf", 2), 2);
	assert_int_equal(text.due, 0);
}

/* What no check left behind is refused, not taken for the start of a text. */
static void a_state_that_cannot_be(void **state)
{
	struct utf8 text = { 7, 1, 2 };

	(void)state;
	assert_int_equal(utf8_check(&text, (const uint8_t *)"aaaaaaaaaaaaaaaaaaaa", 20), 0);
}

static void counts_code_points(void **state)
{
	uint8_t bytes[300];

	(void)state;
	assert_int_equal(utf8_length(NULL, 0), 0);
	assert_int_equal(utf8_length((const uint8_t *)"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", 11), 5);
	for (unsigned i = 0; i < 2000; i++) {
		size_t size = random_text(bytes, any(sizeof(bytes))), count = 0;

		for (size_t at = 0; at < size; at++)
			count += bytes[at] < 0x80 || bytes[at] >= 0xc0;
		assert_int_equal(utf8_length(bytes, size), count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_octet_and_pair),	   cmocka_unit_test(each_octet_after_each_lead),
		cmocka_unit_test(each_code_point),	   cmocka_unit_test(encodes_as_printed),
		cmocka_unit_test(at_each_place),	   cmocka_unit_test(random_texts),
		cmocka_unit_test(pieces_are_as_the_whole), cmocka_unit_test(a_wrong_piece_keeps_what_was_due),
		cmocka_unit_test(a_state_that_cannot_be),  cmocka_unit_test(counts_code_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
