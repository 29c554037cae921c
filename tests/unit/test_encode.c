/* base/encode: RFC 4648 section 10, every tail of two and three digits, and dates against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/encode.h"

static const struct {
	const char *plain, *padded, *url;
} rfc4648[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

static void base64_is_that_of_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++)
		for (int url = 0; url < 2; url++) {
			const char *want = url ? rfc4648[i].url : rfc4648[i].padded;
			size_t size = strlen(rfc4648[i].plain);
			char text[16];
			uint8_t bytes[16];

			assert_int_equal(encode_base64((const uint8_t *)rfc4648[i].plain, size, url, text),
					 strlen(want));
			assert_memory_equal(text, want, strlen(want));
			assert_int_equal(decode_base64(want, strlen(want), url, bytes), size);
			assert_memory_equal(bytes, rfc4648[i].plain, size);
		}
}

static void base64_returns_what_it_was_given(void **state)
{
	(void)state;
	srand(1);
	for (size_t size = 0; size < 200; size++)
		for (int url = 0; url < 2; url++) {
			/* Exactly the room that the header names, so that a sanitizer sees one octet more. */
			uint8_t *bytes = malloc(size + 1), *back;
			char *text = malloc(4 * ((size + 2) / 3) + 1);
			size_t length;

			for (size_t i = 0; i < size; i++)
				bytes[i] = (uint8_t)rand();
			length = encode_base64(bytes, size, url, text);
			back = malloc(length / 4 * 3 + 3);
			assert_int_equal(decode_base64(text, length, url, back), size);
			assert_memory_equal(back, bytes, size);
			free(bytes);
			free(text);
			free(back);
		}
}

static void base64_refuses_what_is_not_canonical(void **state)
{
	static const char *const padded[] = { "Zg",    "Zg=",	"Zg===",    "Zh==",   "Zm9=",	  "Zm8",
					      "Z===",  "====",	"=",	    "==",     "Zm9v\n",	  "Zm 9v",
					      " Zm9v", "Zm9v ", "Zm9v=",    "Zm9vZg", "Zg==Zg==", "Zm-v",
					      "Zm_v",  "Z=g=",	"Zm9v====", "Zm\0v" };
	static const char *const url[] = { "Zg==",
					   "Zm8=",
					   "Z",
					   "Zm9vY",
					   "Zh",
					   "Zm9",
					   "Zm+v",
					   "Zm/v",
					   "Zm9v\n",
					   " Zg",
					   "Zg ",
					   "Zm9v.",
					   "=",
					   "Zg=",
					   "Zm?v",
					   "Zm9v\x80",
					   "\xff\xff\xff\xff" };
	uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++)
		assert_int_equal(decode_base64(padded[i], i == 21 ? 4 : strlen(padded[i]), 0, bytes), -1);
	for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++)
		assert_int_equal(decode_base64(url[i], strlen(url[i]), 1, bytes), -1);
}

/* Of the texts of one group of octets exactly those are read that the encoder writes. */
static void base64_has_one_text_for_each_value(void **state)
{
	char text[3];
	uint8_t bytes[8];
	unsigned two = 0, three = 0;

	(void)state;
	for (unsigned i = 0; i < 1 << 16; i++) {
		text[0] = (char)(i >> 8);
		text[1] = (char)i;
		two += decode_base64(text, 2, 1, bytes) == 1;
	}
	for (unsigned i = 0; i < 1 << 24; i++) {
		text[0] = (char)(i >> 16);
		text[1] = (char)(i >> 8);
		text[2] = (char)i;
		three += decode_base64(text, 3, 1, bytes) == 2;
	}
	assert_int_equal(two, 1 << 8);
	assert_int_equal(three, 1 << 16);
}

static void hex_is_lower_case(void **state)
{
	char text[8];

	(void)state;
	encode_hex((const uint8_t *)"\x00\x7f\xab\xff", 4, text);
	assert_memory_equal(text, "007fabff", 8);
}

static void numbers_are_decimal(void **state)
{
	static const int64_t signed_values[] = { 0, 1, -1, 9, 10, -10, 1234567890123456789, INT64_MAX, INT64_MIN };
	static const uint64_t values[] = { 0, 9, 10, 99, 100, UINT32_MAX, UINT64_MAX };
	char text[ENCODE_U64 + 1], want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t size = (size_t)snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);

		assert_int_equal(encode_u64(values[i], text), size);
		assert_memory_equal(text, want, size);
	}
	for (size_t i = 0; i < sizeof(signed_values) / sizeof(signed_values[0]); i++) {
		size_t size = (size_t)snprintf(want, sizeof(want), "%lld", (long long)signed_values[i]);

		assert_int_equal(encode_i64(signed_values[i], text), size);
		assert_memory_equal(text, want, size);
	}
}

static void check_date(uint64_t seconds, uint64_t us)
{
	char text[ENCODE_RFC3339], want[96];
	time_t time = (time_t)seconds;
	struct tm tm;

	assert_non_null(gmtime_r(&time, &tm));
	snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)us);
	encode_rfc3339(seconds * 1000000 + us, text);
	assert_memory_equal(text, want, ENCODE_RFC3339);
}

static void dates_are_those_of_the_c_library(void **state)
{
	const uint64_t last = 253402300799; /* 9999-12-31T23:59:59Z */
	char text[ENCODE_RFC3339];

	(void)state;
	for (uint64_t day = 0; day <= last / 86400; day += day < 200000 ? 1 : 7) {
		check_date(day * 86400, 0);
		check_date(day * 86400 + 86399, 999999);
	}
	check_date(1795518207, 123456);
	check_date(last, 999999);
	/* A clock that is broken beyond four digits still gives a text of this size. */
	encode_rfc3339(UINT64_MAX, text);
	assert_memory_equal(text, "9999-12-31T23:59:59.999999Z", ENCODE_RFC3339);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_that_of_rfc_4648),
		cmocka_unit_test(base64_returns_what_it_was_given),
		cmocka_unit_test(base64_refuses_what_is_not_canonical),
		cmocka_unit_test(base64_has_one_text_for_each_value),
		cmocka_unit_test(hex_is_lower_case),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(dates_are_those_of_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
