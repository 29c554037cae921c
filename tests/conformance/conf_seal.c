/* Vectors of Wycheproof: AES-256-GCM with the nonce and tag that we use, PBKDF2-HMAC-SHA-256. */
#include <unistd.h>

#include "crypto/seal.h"
#include "wycheproof.h"

static unsigned taken;

static void one_gcm(const struct json *json, uint32_t group, uint32_t test, bool valid)
{
	struct fw_slice key = hex_at(json, test, "key"), nonce = hex_at(json, test, "iv"),
			about = hex_at(json, test, "aad");
	struct fw_slice text = hex_at(json, test, "msg"), sealed = hex_at(json, test, "ct"),
			tag = hex_at(json, test, "tag");
	uint8_t *whole, *out;

	if (number_at(json, group, "keySize") != 256 || number_at(json, group, "ivSize") != 96 ||
	    number_at(json, group, "tagSize") != 128)
		return;
	taken++;
	whole = arena_alloc(&arena, sealed.size + tag.size + 1);
	out = arena_alloc(&arena, sealed.size + tag.size + 1);
	if (sealed.size != 0)
		memcpy(whole, sealed.data, sealed.size);
	memcpy(whole + sealed.size, tag.data, tag.size);
	assert_int_equal(seal_open(key.data, nonce.data, about, slice(whole, sealed.size + tag.size), out), valid);
	if (!valid)
		return;
	assert_memory_equal(out, text.data, text.size);
	assert_true(seal_close(key.data, nonce.data, about, text, out));
	assert_memory_equal(out, whole, sealed.size + tag.size);
}

static void gcm(void **state)
{
	(void)state;
	assert_int_equal(each("vectors/wycheproof/testvectors_v1/aes_gcm_test.json", one_gcm), 316);
	print_message("# %u of 256-bit keys\n", taken);
	assert_true(taken > 50);
}

static void one_pbkdf2(const struct json *json, uint32_t group, uint32_t test, bool valid)
{
	struct fw_slice key = hex_at(json, test, "dk");
	uint8_t *out = arena_alloc(&arena, key.size + 1);
	bool same;

	(void)group;
	assert_true(seal_derive(hex_at(json, test, "password"), hex_at(json, test, "salt"),
				(uint32_t)number_at(json, test, "iterationCount"), out, key.size));
	same = memcmp(out, key.data, key.size) == 0;
	assert_int_equal(same, valid);
}

static void pbkdf2(void **state)
{
	(void)state;
	assert_int_equal(each("vectors/wycheproof/testvectors_v1/pbkdf2_hmacsha256_test.json", one_pbkdf2), 60);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gcm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pbkdf2, set_up, tear_down),
	};
	char folder[4096];

	if (access(vectors_path(folder, "vectors/wycheproof"), R_OK) != 0)
		return vectors_absent(folder);
	return cmocka_run_group_tests_name("sealing vectors", tests, NULL, NULL);
}
