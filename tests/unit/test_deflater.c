/* codec/deflater: what it writes is read back by zlib with a window of the size that was agreed, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/deflater.h"
#include "any_octet.h"

enum { MOST = 200000, TAIL = DEFLATER_TAIL };

static struct deflater deflater;
static uint8_t message[MOST], compressed[MOST + TAIL], back[MOST + 1];

static int begin(void **state)
{
	(void)state;
	deflater = (struct deflater){ 0 };
	mem_fail_at(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	mem_fail_at(0);
	deflater_fini(&deflater);
	return 0;
}

/* Reads with a window of this size and no more: with room for one octet at a time zlib finds all distances in it. */
static size_t read_back(size_t size, unsigned bits)
{
	static const uint8_t tail[TAIL] = { 0, 0, 0xff, 0xff };
	z_stream z = { 0 };
	size_t got = 0;

	memcpy(compressed + size, tail, TAIL);
	assert_int_equal(inflateInit2(&z, -(int)bits), Z_OK);
	z.next_in = compressed;
	z.avail_in = (uInt)(size + TAIL);
	do {
		int status;

		z.next_out = back + got;
		z.avail_out = 1;
		status = inflate(&z, Z_SYNC_FLUSH);
		if (status != Z_OK && status != Z_BUF_ERROR)
			fail_msg("bits %u: zlib says %d, %s", bits, status, z.msg != NULL ? z.msg : "");
		got += 1 - z.avail_out;
		assert_true(got <= MOST);
	} while (z.avail_out == 0);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return got;
}

/* Runs of far repetitions, so that a window is used to its end where it may be. */
static void fill(unsigned kind, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (kind == 0)
			message[i] = 'a';
		else if (kind == 1)
			message[i] = any() % 16 == 0 ? any() : 'x';
		else
			message[i] =
				i >= 700u * kind && any() % 64 != 0 ? message[i - 700u * kind + any() % 2] : any() % 64;
	}
}

static void windows_are_kept_to(void **state)
{
	static const size_t sizes[] = { 64, 65, 255, 256, 257, 300, 1000, 4096, 32768, 32769, 70000, MOST };
	unsigned made = 0;

	(void)state;
	for (unsigned bits = DEFLATER_BITS_LEAST; bits <= DEFLATER_BITS_MOST; bits++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			for (unsigned kind = 0; kind < 48; kind = kind < 2 ? kind + 1 : kind + 15) {
				size_t size;

				seed = bits * 1000 + i * 10 + kind;
				fill(kind, sizes[i]);
				size = deflater_message(&deflater, bits, slice(message, sizes[i]), compressed,
							sizes[i] + TAIL);
				if (size == 0)
					continue;
				made++;
				assert_true(size < sizes[i]);
				assert_int_equal(read_back(size, bits), sizes[i]);
				assert_memory_equal(back, message, sizes[i]);
			}
		}
	}
	assert_true(made > 200);
}

/* What does not shrink is left alone. */
static void noise_is_left_alone(void **state)
{
	(void)state;
	seed = 1;
	for (size_t i = 0; i < MOST; i++)
		message[i] = any();
	for (size_t size = 0; size < MOST; size += 1 + size) {
		for (unsigned bits = DEFLATER_BITS_LEAST; bits <= DEFLATER_BITS_MOST; bits++)
			assert_int_equal(
				deflater_message(&deflater, bits, slice(message, size), compressed, size + TAIL), 0);
	}
	fill(0, 1000);
	assert_true(deflater_message(&deflater, 15, slice(message, 1000), compressed, 1000 + TAIL) != 0);
}

static void bits_out_of_range(void **state)
{
	(void)state;
	fill(0, 1000);
	assert_int_equal(deflater_message(&deflater, 7, slice(message, 1000), compressed, 1000 + TAIL), 0);
	assert_int_equal(deflater_message(&deflater, 16, slice(message, 1000), compressed, 1000 + TAIL), 0);
	assert_int_equal(deflater_message(&deflater, 0, slice(message, 1000), compressed, 1000 + TAIL), 0);
}

/* The second message is compressed without the first one's help. */
static void no_context_is_kept(void **state)
{
	size_t size;

	(void)state;
	seed = 4;
	fill(2, 1500);
	size = deflater_message(&deflater, 15, slice(message, 1500), compressed, 1500 + TAIL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(deflater_message(&deflater, 15, slice(message, 1500), compressed, 1500 + TAIL), size);
	assert_int_equal(read_back(size, 15), 1500);
	assert_memory_equal(back, message, 1500);
}

static void each_allocation_fails(void **state)
{
	uint64_t count;

	(void)state;
	fill(0, 1000);
	assert_true(deflater_message(&deflater, 15, slice(message, 1000), compressed, 1000 + TAIL) != 0);
	count = mem_fail_at(0);
	assert_true(count >= 4);
	for (uint64_t n = 1; n <= count; n++) {
		deflater_fini(&deflater);
		mem_fail_at(n);
		assert_int_equal(deflater_message(&deflater, 15, slice(message, 1000), compressed, 1000 + TAIL), 0);
		mem_fail_at(0);
		assert_true(deflater_message(&deflater, 15, slice(message, 1000), compressed, 1000 + TAIL) != 0);
		assert_true(deflater_message(&deflater, 15, slice(message, 1000), compressed, 1000 + TAIL) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(windows_are_kept_to, begin, end),
		cmocka_unit_test_setup_teardown(noise_is_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(bits_out_of_range, begin, end),
		cmocka_unit_test_setup_teardown(no_context_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(each_allocation_fails, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
