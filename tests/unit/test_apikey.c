/* crypto/apikey: what is made is read, and no change of a character is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/apikey.h"
#include "crypto/digest.h"

static void fill(void *user, uint8_t *ret_bytes, size_t size)
{
	uint64_t *seed = user;

	for (size_t i = 0; i < size; i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		ret_bytes[i] = (uint8_t)(*seed >> 56);
	}
}

static void fill_with(void *user, uint8_t *ret_bytes, size_t size)
{
	memset(ret_bytes, *(const uint8_t *)user, size);
}

/* A key of any form with the checksum that would belong to it. */
static struct fw_slice with_checksum(const char *text, char ret_key[128])
{
	uint8_t digest[32];
	size_t size = strlen(text);

	memcpy(ret_key, text, size);
	digest_sha256(slice_text(text), digest);
	encode_hex(digest, 3, ret_key + size);
	return slice(ret_key, size + 6);
}

static void a_key_that_was_made_is_read(void **state)
{
	static const char *const environments[] = { "live", "test", "a", "x9y8z7w6" };
	uint64_t seed = 1;
	const struct fw_random random = { fill, &seed };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		const char *env = environments[i % 4];
		char key[APIKEY_TEXT];
		size_t size = apikey_make(&random, env, key);
		struct apikey_parts parts;
		uint8_t digest[32];

		assert_int_equal(size, strlen(key));
		assert_int_equal(size, 52 + strlen(env));
		assert_true(slice_starts(slice(key, size), "fw_"));
		assert_memory_equal(key + 3, env, strlen(env));
		assert_true(apikey_parse(slice(key, size), &parts));
		assert_int_equal(parts.id.size, APIKEY_ID);
		assert_ptr_equal(parts.id.data, key + 4 + strlen(env));
		digest_sha256(slice(key, size), digest);
		assert_memory_equal(parts.hash, digest, 32);
	}
}

static void keys_differ_and_use_all_their_digits(void **state)
{
	uint64_t seed = 2;
	const struct fw_random random = { fill, &seed };
	unsigned seen[256] = { 0 }, digits = 0;
	char first[APIKEY_TEXT], second[APIKEY_TEXT];

	(void)state;
	apikey_make(&random, "live", first);
	apikey_make(&random, "live", second);
	assert_string_not_equal(first, second);
	for (int i = 0; i < 2000; i++) {
		apikey_make(&random, "live", first);
		for (int at = 17; at < 49; at++)
			seen[(uint8_t)first[at]]++;
	}
	for (int i = 0; i < 256; i++)
		if (seen[i] != 0) {
			digits++;
			assert_in_range(seen[i], 800, 1300); /* 64000 / 62 = 1032 */
		}
	assert_int_equal(digits, 62);
}

static void randomness_that_is_broken_ends(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t value = (uint8_t)octet;
		const struct fw_random random = { fill_with, &value };
		char key[APIKEY_TEXT];
		struct apikey_parts parts;

		assert_int_equal(apikey_make(&random, "live", key), 56);
		assert_true(apikey_parse(slice(key, 56), &parts));
	}
}

static void any_change_is_seen(void **state)
{
	uint64_t seed = 3;
	const struct fw_random random = { fill, &seed };
	char key[APIKEY_TEXT], copy[APIKEY_TEXT + 1];
	struct apikey_parts parts;
	size_t size = apikey_make(&random, "live", key);

	(void)state;
	for (size_t at = 0; at < size; at++)
		for (unsigned octet = 0; octet < 256; octet++) {
			memcpy(copy, key, size);
			copy[at] = (char)octet;
			assert_true(apikey_parse(slice(copy, size), &parts) == (copy[at] == key[at]));
		}
	for (size_t cut = 0; cut < size; cut++) {
		char *exact = malloc(cut + 1); /* a sanitizer sees one octet too many */

		memcpy(exact, key, cut);
		assert_false(apikey_parse(slice(exact, cut), &parts));
		free(exact);
	}
	memcpy(copy, key, size);
	copy[size] = 'a';
	assert_false(apikey_parse(slice(copy, size + 1), &parts));
	assert_false(apikey_parse(slice(NULL, 0), &parts));
}

static void forms_that_are_wrong_are_refused_with_a_right_checksum(void **state)
{
	static const char *const texts[] = {
		"fx_live_abcdefgh_01234567890123456789012345678901_",
		"FW_live_abcdefgh_01234567890123456789012345678901_",
		"fw__abcdefgh_01234567890123456789012345678901_",
		"fw_live12345_abcdefgh_01234567890123456789012345678901_",
		"fw_Live_abcdefgh_01234567890123456789012345678901_",
		"fw_live_abcdefg_01234567890123456789012345678901_",
		"fw_live_abcdefghi_0123456789012345678901234567890_",
		"fw_live_abcdefgH_01234567890123456789012345678901_",
		"fw_live_abcdefgh_0123456789012345678901234567890_",
		"fw_live_abcdefgh_012345678901234567890123456789012_",
		"fw_live_abcdefgh_0123456789012345678901234567890-_",
		"fw_live_abcdefgh_01234567890123456789012345678901",
		"fw_live_abcdefgh_01234567890123456789012345678901__",
		"_live_abcdefgh_01234567890123456789012345678901_",
		"fw_live_abc/efgh_01234567890123456789012345678901_",
	};
	struct apikey_parts parts;
	char key[128];

	(void)state;
	assert_true(apikey_parse(with_checksum("fw_live_abcdefgh_01234567890123456789012345678901_", key), &parts));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (apikey_parse(with_checksum(texts[i], key), &parts))
			fail_msg("%s is no key", texts[i]);
}

static void an_environment_is_short_and_lower_case(void **state)
{
	static const char *const names[] = { "", "Live", "li-ve", "live_", "123456789", "l\xc3\xa9" };
	uint64_t seed = 4;
	const struct fw_random random = { fill, &seed };
	char key[APIKEY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(apikey_make(&random, names[i], key), 0);
		assert_string_equal(key, "");
	}
	assert_int_equal(apikey_make(&random, NULL, key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_that_was_made_is_read),
		cmocka_unit_test(keys_differ_and_use_all_their_digits),
		cmocka_unit_test(randomness_that_is_broken_ends),
		cmocka_unit_test(any_change_is_seen),
		cmocka_unit_test(forms_that_are_wrong_are_refused_with_a_right_checksum),
		cmocka_unit_test(an_environment_is_short_and_lower_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
