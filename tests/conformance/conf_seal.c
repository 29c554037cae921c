/* Vectors of Wycheproof: AES-256-GCM with the nonce and tag that we use, PBKDF2-HMAC-SHA-256. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "codec/json.h"
#include "crypto/seal.h"
#include "../unit/crypto_fixture.h"
#include "vectors.h"

static void load(const char *path, struct json *ret_json)
{
	char name[4096];
	size_t size;
	char *bytes = vectors_read(vectors_path(name, path), &size), *copy;

	if (bytes == NULL)
		fail_msg("%s is absent", name);
	copy = arena_alloc(&arena, size);
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	free(bytes);
	assert_int_equal(json_parse(&arena, slice(copy, size), 0, ret_json, NULL), JSON_OK);
}

static struct fw_slice hex_at(const struct json *json, uint32_t object, const char *name)
{
	struct fw_slice text = json_text(json, json_member(json, object, name, strlen(name)), &arena);
	uint8_t *octets = arena_alloc(&arena, text.size / 2 + 1);

	assert_non_null(octets);
	for (size_t i = 0; i + 1 < text.size; i += 2) {
		char digits[3] = { (char)text.data[i], (char)text.data[i + 1], '\0' };

		octets[i / 2] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return slice(octets, text.size / 2);
}

static int64_t number_at(const struct json *json, uint32_t object, const char *name)
{
	int64_t value = -1;

	json_integer(json, json_member(json, object, name, strlen(name)), &value);
	return value;
}

/* Calls one(json, group, test, valid) for each; how many. */
static unsigned each(const char *path, void (*one)(const struct json *json, uint32_t group, uint32_t test, bool valid))
{
	unsigned count = 0;
	struct json json;
	uint32_t groups;

	load(path, &json);
	groups = json_member(&json, 0, "testGroups", 10);
	for (uint32_t group = groups + 1; group < json.nodes[groups].next; group = json.nodes[group].next) {
		uint32_t tests = json_member(&json, group, "tests", 5);

		for (uint32_t at = tests + 1; at < json.nodes[tests].next; at = json.nodes[at].next) {
			struct fw_slice result = json_text(&json, json_member(&json, at, "result", 6), &arena);

			one(&json, group, at, slice_is(result, "valid"));
			count++;
		}
	}
	return count;
}

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
