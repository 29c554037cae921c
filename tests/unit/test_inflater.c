/* codec/inflater: bounds at the octet, what is refused, what a refused message costs. Messages are made by zlib here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/inflater.h"
#include "any_octet.h"

enum { ROOM = 4 << 20, WIDE = 64 << 20, RATIO = 200 };

static struct pool pool;
static struct inflater inflater;
static struct buf plain;
static uint8_t *made; /* the message that was made last */
static uint64_t ratio_limit = RATIO;

static int begin(void **state)
{
	(void)state;
	pool_init(&pool);
	inflater = (struct inflater){ 0 };
	plain = (struct buf){ 0 };
	made = malloc(ROOM);
	mem_fail_at(0);
	return made == NULL;
}

static int end(void **state)
{
	(void)state;
	mem_fail_at(0);
	buf_clear(&plain, &pool);
	inflater_fini(&inflater);
	pool_fini(&pool);
	free(made);
	return 0;
}

/* Compresses size octets that octet() gives; 0: the letter a. */
static struct fw_slice make(size_t size, uint8_t (*octet)(void), int level)
{
	z_stream z = { 0 };
	uint8_t block[65536];

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = made;
	z.avail_out = ROOM;
	do {
		size_t part = size < sizeof(block) ? size : sizeof(block);

		for (size_t i = 0; i < part; i++)
			block[i] = octet != NULL ? octet() : 'a';
		size -= part;
		z.next_in = block;
		z.avail_in = (uInt)part;
		assert_int_equal(deflate(&z, size == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH), Z_OK);
	} while (size != 0);
	deflateEnd(&z);
	assert_true(z.avail_out != 0);
	return slice(made, ROOM - z.avail_out - 4);
}

static enum inflater_result inflated(struct fw_slice message, uint64_t max)
{
	enum inflater_result result;
	uint8_t *copy = malloc(message.size + 1); /* its own block: reading past it is seen */

	buf_clear(&plain, &pool);
	if (message.size != 0)
		memcpy(copy, message.data, message.size);
	result = inflater_message(&inflater, &pool, slice(copy, message.size),
				  &(struct inflater_limits){ max, ratio_limit }, &plain);
	free(copy);
	if (result != INFLATER_OK)
		assert_null(plain.base);
	else
		assert_true(buf_size(&plain) <= max);
	return result;
}

#define OCTETS(text) slice(text, sizeof(text) - 1)

static void hello(struct fw_slice message)
{
	assert_int_equal(inflated(message, 5), INFLATER_OK);
	assert_int_equal(buf_size(&plain), 5);
	assert_memory_equal(buf_data(&plain), "Hello", 5);
	assert_int_equal(inflated(message, 4), INFLATER_TOO_LARGE);
}

/* RFC 7692 7.2.3, each of its examples. */
static void examples_of_the_rfc(void **state)
{
	(void)state;
	hello(OCTETS("\xf2\x48\xcd\xc9\xc9\x07\x00"));
	hello(OCTETS("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"));
	hello(OCTETS("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"));
	hello(OCTETS("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"));
	assert_int_equal(inflated(OCTETS("\x00"), 0), INFLATER_OK);
	assert_int_equal(buf_size(&plain), 0);
	/* 7.2.3.2 shares the window with the message before: here there is none. */
	hello(OCTETS("\xf2\x48\xcd\xc9\xc9\x07\x00"));
	assert_int_equal(inflated(OCTETS("\xf2\x00\x11\x00\x00"), 100), INFLATER_CORRUPT);
}

static void ends_of_blocks(void **state)
{
	(void)state;
	/* A last block with nothing behind it, and last blocks of all three types. */
	hello(OCTETS("\xf3\x48\xcd\xc9\xc9\x07\x00"));
	hello(OCTETS("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f"));
	hello(OCTETS("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"));
	assert_int_equal(inflated(OCTETS("\x01"), 0), INFLATER_OK); /* its length is that of the tail */
	/* Something behind it. */
	assert_int_equal(inflated(OCTETS("\xf3\x48\xcd\xc9\xc9\x07\x00\x01"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), 100),
			 INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6fx"), 100), INFLATER_CORRUPT);
	/* The tail that is taken away must not be there a second time. */
	assert_int_equal(inflated(OCTETS("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\xff\xff"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00"), 100), INFLATER_OK);
	/* Not DEFLATE at all. */
	assert_int_equal(inflated(OCTETS(""), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\x06"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\xff\xff\xff"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("Hello"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00"), 100), INFLATER_CORRUPT);
	/* zlib and gzip headers are none of DEFLATE. */
	assert_int_equal(inflated(OCTETS("\x78\x9c\xf2\x48\xcd\xc9\xc9\x07\x00"), 100), INFLATER_CORRUPT);
	assert_int_equal(inflated(OCTETS("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xf2\x48\xcd\xc9\xc9\x07\x00"), 100),
			 INFLATER_CORRUPT);
}

static uint8_t word(void)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog, again and again; ";

	return any() % 8 == 0 ? any() : (uint8_t)text[any() % (sizeof(text) - 1)];
}

/* Sizes around every bound that is used inside. */
static void sizes_to_the_octet(void **state)
{
	static const size_t sizes[] = { 0,
					1,
					2,
					125,
					126,
					1023,
					1024,
					1025,
					8191,
					8192,
					8193,
					16383,
					16384,
					16385,
					65535,
					65536,
					65537,
					131072,
					LIMIT_INFLATE_FREE - 1,
					LIMIT_INFLATE_FREE,
					LIMIT_INFLATE_FREE + 1,
					LIMIT_INFLATE_FREE + 16384,
					3000000 };
	static uint8_t (*const kinds[])(void) = { any, word, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < 3; k++) {
			size_t size = sizes[i];
			uint64_t before = seed = 1000 + i;
			struct fw_slice message = make(size, kinds[k], 6);
			bool bomb = size > LIMIT_INFLATE_FREE && size / message.size >= RATIO;

			assert_int_equal(inflated(message, WIDE), bomb ? INFLATER_RATIO : INFLATER_OK);
			if (size != 0)
				assert_int_equal(inflated(message, size - 1), bomb && size - 1 > LIMIT_INFLATE_FREE
										      ? INFLATER_RATIO
										      : INFLATER_TOO_LARGE);
			assert_int_equal(inflated(message, size), bomb ? INFLATER_RATIO : INFLATER_OK);
			if (bomb)
				continue;
			assert_int_equal(buf_size(&plain), size);
			seed = before;
			for (size_t at = 0; at < size; at++) {
				uint8_t expected = kinds[k] != NULL ? kinds[k]() : 'a';

				if (buf_data(&plain)[at] != expected)
					fail_msg("size %zu kind %zu: octet %zu differs", size, k, at);
			}
		}
	}
}

/* 512 MiB of one letter in half a megabyte: the count stops at the bound, and nothing of it is kept. */
static void bombs(void **state)
{
	struct fw_slice message;

	(void)state;
	message = make((size_t)512 << 20, NULL, 9);
	assert_in_range(message.size, 400000, 600000);
	assert_int_equal(inflated(message, 8192), INFLATER_TOO_LARGE);
	assert_int_equal(inflated(message, LIMIT_INFLATE_FREE), INFLATER_TOO_LARGE);
	assert_int_equal(inflated(message, WIDE), INFLATER_TOO_LARGE);
	assert_int_equal(inflated(message, (uint64_t)1 << 30), INFLATER_RATIO);
	/* The pool keeps the one buffer that may be filled without counting, and smaller ones before it. */
	for (unsigned i = 0; i < POOL_CLASSES; i++)
		assert_true(pool.kept[i] <= 1);
	hello(OCTETS("\xf2\x48\xcd\xc9\xc9\x07\x00"));
}

/* A megabyte is free, beyond it the ratio counts, at the octet. */
static void ratio(void **state)
{
	struct fw_slice message;

	(void)state;
	message = make(LIMIT_INFLATE_FREE, NULL, 9);
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	message = make(LIMIT_INFLATE_FREE + 1, NULL, 9);
	assert_int_equal(inflated(message, WIDE), INFLATER_RATIO);
	assert_int_equal(inflated(message, LIMIT_INFLATE_FREE), INFLATER_TOO_LARGE);
	ratio_limit = (LIMIT_INFLATE_FREE + 1) / message.size;
	assert_int_equal(inflated(message, WIDE), INFLATER_RATIO);
	ratio_limit++;
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	ratio_limit = UINT64_MAX;
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	ratio_limit = 0;
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	assert_int_equal(inflated(message, LIMIT_INFLATE_FREE), INFLATER_TOO_LARGE);
	ratio_limit = RATIO;
}

/* A message cut short never becomes a prefix of it without a word, but where its last block had ended before. */
static void cut_short(void **state)
{
	struct fw_slice message;
	unsigned kept = 0;

	(void)state;
	seed = 77;
	message = make(600, word, 6);
	for (size_t size = 0; size < message.size; size++)
		kept += inflated(slice(message.data, size), WIDE) == INFLATER_OK;
	assert_true(kept <= 1);
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
}

static void any_octets(void **state)
{
	(void)state;
	seed = 9;
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = any() % 64u;
		uint8_t octets[64];

		for (size_t at = 0; at < size; at++)
			octets[at] = any();
		inflated(slice(octets, size), any() * 16u);
	}
}

static void each_allocation_fails(void **state)
{
	struct fw_slice message;
	uint64_t count;

	(void)state;
	seed = 3;
	message = make(3000000, word, 6);
	inflater_fini(&inflater);
	pool_fini(&pool);
	pool_init(&pool);
	mem_fail_at(0);
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	count = mem_fail_at(0);
	assert_true(count >= 4);
	for (uint64_t n = 1; n <= count; n++) {
		inflater_fini(&inflater);
		buf_clear(&plain, &pool);
		pool_fini(&pool);
		pool_init(&pool);
		mem_fail_at(n);
		assert_int_equal(inflated(message, WIDE), INFLATER_MEMORY);
		mem_fail_at(0);
		assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	}
	mem_fail_at(0);
}

/* The next message finds the state that the one before made. */
static void nothing_is_allocated_again(void **state)
{
	struct fw_slice message;

	(void)state;
	seed = 8;
	message = make(50000, word, 6);
	assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	mem_fail_at(0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(inflated(message, WIDE), INFLATER_OK);
	assert_int_equal(mem_fail_at(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(examples_of_the_rfc, begin, end),
		cmocka_unit_test_setup_teardown(ends_of_blocks, begin, end),
		cmocka_unit_test_setup_teardown(sizes_to_the_octet, begin, end),
		cmocka_unit_test_setup_teardown(bombs, begin, end),
		cmocka_unit_test_setup_teardown(ratio, begin, end),
		cmocka_unit_test_setup_teardown(cut_short, begin, end),
		cmocka_unit_test_setup_teardown(any_octets, begin, end),
		cmocka_unit_test_setup_teardown(each_allocation_fails, begin, end),
		cmocka_unit_test_setup_teardown(nothing_is_allocated_again, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
