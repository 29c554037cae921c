/* Vectors of Wycheproof and of the JOSE cookbook: signatures, keys, sets of keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"
#include "crypto/jwt.h"
#include "wycheproof.h"

static const char *copy_text(struct fw_slice text)
{
	char *copy = arena_alloc(&arena, text.size + 1);

	assert_non_null(copy);
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

static uint32_t member(const struct json *json, uint32_t object, const char *name)
{
	return object != 0 || json->nodes[0].kind == JSON_OBJECT ? json_member(json, object, name, strlen(name)) : 0;
}

/* The text of a member, empty when there is none. */
static struct fw_slice text_at(const struct json *json, uint32_t object, const char *name)
{
	uint32_t node = object != 0 ? member(json, object, name) : 0;

	return node == 0			       ? slice(NULL, 0)
	       : json->nodes[node].kind == JSON_STRING ? json_text(json, node, &arena)
						       : json_raw(json, node);
}

enum { KEYS = 4 };

/* The keys of a group: what verifies, a set of keys or a key alone. False when they may not be used. */
static bool read_keys(const struct json *json, uint32_t group, struct jwk_set *set)
{
	uint32_t public = member(json, group, "public"), node = public != 0 ? public : member(json, group, "private");
	const struct jwk_rules rules = { .secrets = public == 0, .rsa = JOSE_RS256 };

	assert_true(node != 0);
	if (member(json, node, "keys") != 0)
		return jwk_read_set(&arena, &rules, json, node, set) == NULL && set->count != 0;
	set->count = jwk_read(&arena, &rules, json, node, &set->keys[0]) == NULL;
	return set->count != 0;
}

struct tally {
	unsigned right, valid, refused, contradicted, no_key;
};

/* Vectors 367 and 370 are marked invalid and are octet for octet the valid 357: their padding was lost when they were
 * written. */
static bool is_also_valid(const struct json *json, uint32_t tests, struct fw_slice jws)
{
	for (uint32_t at = tests + 1; at < json->nodes[tests].next; at = json->nodes[at].next)
		if (slice_is(text_at(json, at, "result"), "valid") && slice_equal(text_at(json, at, "jws"), jws))
			return true;
	return false;
}

/* Marked valid and rightly refused. 346, 350: the token is of PS384 and the key for PS256. 347, 351: no ES521 exists.
 * 372, 373: "?" is no digit of base64url (RFC 7515 2). */
static bool is_lenient(struct fw_slice number)
{
	static const char *const numbers[] = { "346", "347", "350", "351", "372", "373" };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (slice_is(number, numbers[i]))
			return true;
	return false;
}

static void run_jws(const struct json *json, uint32_t tests, uint32_t at, const struct jwk_set *set,
		    struct tally *tally)
{
	const struct jwt_rules rules = { .keys = set->keys, .key_count = set->count, .max_size = 65536 };
	struct fw_slice jws = text_at(json, at, "jws"), number = text_at(json, at, "tcId"), payload;
	bool valid = slice_is(text_at(json, at, "result"), "valid");
	bool ours = jwt_open(&arena, &rules, jws, &payload) == NULL;

	if (!valid && is_also_valid(json, tests, jws)) {
		assert_true(ours);
		tally->contradicted++;
	} else if (valid && is_lenient(number)) {
		assert_false(ours);
		tally->refused++;
	} else {
		if (ours != valid)
			fail_msg("vector %s (%s) is %s", copy_text(number), copy_text(text_at(json, at, "comment")),
				 ours ? "accepted" : "refused");
		tally->right++;
		tally->valid += valid;
		tally->no_key += set->count == 0;
	}
}

static struct tally run_file(const char *path)
{
	struct tally tally = { 0 };
	struct json json;
	uint32_t groups;

	load(path, &json);
	groups = member(&json, 0, "testGroups");
	assert_true(groups != 0);
	for (uint32_t group = groups + 1; group < json.nodes[groups].next; group = json.nodes[group].next) {
		uint32_t tests = member(&json, group, "tests");
		struct jwt_key keys[KEYS] = { { 0 } };
		struct jwk_set set = { .keys = keys, .room = KEYS };

		read_keys(&json, group, &set);
		for (uint32_t at = tests + 1; at < json.nodes[tests].next; at = json.nodes[at].next)
			if (member(&json, at, "jws") != 0)
				run_jws(&json, tests, at, &set, &tally);
		jwk_set_fini(&set);
	}
	return tally;
}

static void wycheproof_json_web_signature(void **state)
{
	struct tally tally = run_file("vectors/wycheproof/testvectors_v1/json_web_signature_test.json");

	(void)state;
	/* "395 of 401": two of them (367, 370) say "invalid" of the very octets of which 357 says "valid", with the
	 * same key; nobody can have all three right. */
	assert_int_equal(tally.right, 401 - 6 - 2);
	assert_int_equal(tally.right + tally.contradicted, 395);
	assert_int_equal(tally.refused, 6);
	assert_int_equal(tally.contradicted, 2);
	assert_int_equal(tally.valid, 40); /* of 46 */
}

static void wycheproof_json_web_crypto(void **state)
{
	struct tally tally = run_file("vectors/wycheproof/testvectors_v1/json_web_crypto_test.json");

	(void)state;
	assert_int_equal(tally.right, 49); /* the others are of encryption */
	assert_true(tally.valid > 2);
}

static void wycheproof_json_web_key(void **state)
{
	struct tally tally = run_file("vectors/wycheproof/testvectors_v1/json_web_key_test.json");

	(void)state;
	assert_int_equal(tally.right, 26);
	assert_int_equal(tally.valid, 5);
}

static void one_hmac_sha256(const struct json *json, uint32_t group, uint32_t test, bool valid)
{
	struct fw_slice tag = hex_at(json, test, "tag");
	uint8_t mac[32];

	(void)group;
	assert_true(digest_hmac_sha256(hex_at(json, test, "key"), hex_at(json, test, "msg"), mac));
	assert_in_range(tag.size, 16, 32);
	if (slice_equal(tag, slice(mac, tag.size)) != valid)
		fail_msg("vector %s", copy_text(text_at(json, test, "tcId")));
}

static void wycheproof_hmac_sha256(void **state)
{
	(void)state;
	assert_int_equal(each("vectors/wycheproof/testvectors_v1/hmac_sha256_test.json", one_hmac_sha256), 174);
}

/* The key of a group: as a JWK, or where a group has none (odd points of a curve) in PEM. NULL, or what is wrong. */
static const char *group_key(const struct json *json, uint32_t group, const char *jwk, enum jose_algorithm algorithm,
			     struct jwt_key *ret_key)
{
	const struct jwk_rules rules = { .rsa = algorithm };
	uint32_t node = member(json, group, jwk);

	return node != 0 ? jwk_read(&arena, &rules, json, node, ret_key)
			 : jose_read_pem(text_at(json, group, "publicKeyPem"), algorithm, ret_key);
}

/* A file of signatures of one algorithm. */
static unsigned run_signatures(const char *path, const char *jwk, enum jose_algorithm algorithm)
{
	struct json json;
	unsigned count = 0;
	uint32_t groups;

	load(path, &json);
	groups = member(&json, 0, "testGroups");
	for (uint32_t group = groups + 1; group < json.nodes[groups].next; group = json.nodes[group].next) {
		uint32_t tests = member(&json, group, "tests");
		struct jwt_key key;
		const char *fault = group_key(&json, group, jwk, algorithm, &key);

		if (fault != NULL)
			fail_msg("%s: key: %s", path, fault);
		assert_int_equal(key.algorithm, algorithm);
		for (uint32_t at = tests + 1; at < json.nodes[tests].next; at = json.nodes[at].next) {
			bool ours = jose_verify(&key, hex_at(&json, at, "msg"), hex_at(&json, at, "sig")) == JOSE_HOLDS;

			/* "acceptable": a DigestInfo without NULL, which is refused */
			if (ours != slice_is(text_at(&json, at, "result"), "valid"))
				fail_msg("%s: vector %s", path, copy_text(text_at(&json, at, "tcId")));
			count++;
		}
		jose_key_fini(&key);
	}
	return count;
}

static void wycheproof_signatures(void **state)
{
#define PATH(name) "vectors/wycheproof/testvectors_v1/" name "_test.json"
	(void)state;
	assert_int_equal(run_signatures(PATH("ecdsa_secp256r1_sha256_p1363"), "publicKeyJwk", JOSE_ES256), 262);
	assert_int_equal(run_signatures(PATH("ecdsa_secp384r1_sha384_p1363"), "publicKeyJwk", JOSE_ES384), 280);
	assert_int_equal(run_signatures(PATH("ecdsa_secp521r1_sha512_p1363"), "publicKeyJwk", JOSE_ES512), 318);
	assert_int_equal(run_signatures(PATH("ed25519"), "publicKeyJwk", JOSE_EDDSA), 151);
	assert_int_equal(run_signatures(PATH("rsa_pss_2048_sha256_mgf1_32"), "publicKeyJwk", JOSE_PS256), 108);
	assert_int_equal(run_signatures(PATH("rsa_signature_2048_sha256"), "keyJwk", JOSE_RS256), 259);
#undef PATH
}

/* Says what the verifier says of a token of the cookbook. Its keys are private ones, and those of RSA are for an
 * algorithm that only the example names. */
static const char *cookbook(const char *path, const char *form, enum jose_algorithm rsa)
{
	const struct jwk_rules with = { .secrets = true, .private_keys = true, .rsa = rsa };
	struct jwt_rules rules = { .key_count = 1, .max_size = 65536 };
	struct fw_slice token, payload;
	struct jwt_key key;
	const char *said;
	struct json json;
	uint32_t input;

	load(path, &json);
	input = member(&json, 0, "input");
	assert_says(jwk_read(&arena, &with, &json, member(&json, input, "key"), &key), NULL, path);
	rules.keys = &key;
	token = text_at(&json, member(&json, 0, "output"), form);
	assert_true(token.size != 0);
	said = jwt_open(&arena, &rules, token, &payload);
	if (said == NULL && !slice_equal(payload, text_at(&json, input, "payload")))
		said = "another payload";
	jose_key_fini(&key);
	return said;
}

/* A signature of the JSON serialisation, put into the compact form: what is signed is the same (RFC 7515 5.2). at:
 * which signature; -1: the whole JSON as it stands. */
static const char *cookbook_json(const char *path, int at, enum jose_algorithm rsa)
{
	const struct jwk_rules with = { .secrets = true, .private_keys = true, .rsa = rsa };
	struct jwt_rules rules = { .key_count = 1, .max_size = 65536 };
	struct fw_slice payload, token;
	uint32_t input, key_node, whole, one;
	struct jwt_key key;
	struct json json;
	char *text;
	size_t size;
	const char *said;

	load(path, &json);
	input = member(&json, 0, "input");
	whole = member(&json, member(&json, 0, "output"), "json");
	key_node = member(&json, input, "key");
	one = member(&json, whole, "signatures") + 1;
	if (json.nodes[key_node].kind == JSON_ARRAY)
		key_node++;
	for (int i = 0; i < at; i++) {
		one = json.nodes[one].next;
		if (json.nodes[key_node].next < json.nodes[member(&json, input, "key")].next)
			key_node = json.nodes[key_node].next;
	}
	assert_says(jwk_read(&arena, &with, &json, key_node, &key), NULL, path);
	rules.keys = &key;
	payload = text_at(&json, input, "payload");
	text = arena_alloc(&arena, json.size + 2 * payload.size);
	assert_non_null(text);
	text[0] = '\0';
	if (member(&json, one, "protected") != 0)
		strcat(text, copy_text(text_at(&json, one, "protected")));
	strcat(text, ".");
	size = strlen(text);
	size += encode_base64(payload.data, payload.size, 1, text + size);
	text[size] = '\0';
	strcat(text, ".");
	strcat(text, copy_text(text_at(&json, one, "signature")));
	token = at < 0 ? json_raw(&json, whole) : slice_text(text);
	said = jwt_open(&arena, &rules, token, &payload);
	if (said == NULL && !slice_equal(payload, text_at(&json, input, "payload")))
		said = "another payload";
	jose_key_fini(&key);
	return said;
}

static void jose_cookbook(void **state)
{
#define PATH(name) "vectors/jose-cookbook/" name ".json"
	(void)state;
	assert_says(cookbook(PATH("jws/4_1.rsa_v15_signature"), "compact", JOSE_RS256), NULL, "RFC 7520 4.1");
	assert_says(cookbook(PATH("jws/4_2.rsa-pss_signature"), "compact", JOSE_PS384), NULL, "RFC 7520 4.2");
	assert_says(cookbook(PATH("jws/4_2.rsa-pss_signature"), "compact", JOSE_PS256), "alg", "another PSS");
	assert_says(cookbook(PATH("jws/4_3.ecdsa_signature"), "compact", JOSE_RS256), NULL, "RFC 7520 4.3");
	assert_says(cookbook(PATH("jws/4_4.hmac-sha2_integrity_protection"), "compact", JOSE_RS256), NULL,
		    "RFC 7520 4.4");
	assert_says(cookbook(PATH("jws/4_4.hmac-sha2_integrity_protection"), "json_flat", JOSE_RS256), "form", "JSON");
	/* Detached, the payload is not there to be signed; put back it holds. */
	assert_says(cookbook(PATH("jws/4_5.signature_with_detached_content"), "compact", JOSE_RS256), "signature",
		    "RFC 7520 4.5 detached");
	assert_says(cookbook_json(PATH("jws/4_5.signature_with_detached_content"), 0, JOSE_RS256), NULL,
		    "RFC 7520 4.5");
	assert_says(cookbook_json(PATH("jws/4_6.protecting_specific_header_fields"), 0, JOSE_RS256), NULL,
		    "RFC 7520 4.6");
	/* Where no header is signed, nothing that a token says of itself could be relied on. */
	assert_says(cookbook_json(PATH("jws/4_7.protecting_content_only"), 0, JOSE_RS256), "form", "RFC 7520 4.7");
	assert_says(cookbook_json(PATH("jws/4_7.protecting_content_only"), -1, JOSE_RS256), "form",
		    "RFC 7520 4.7 JSON");
	assert_says(cookbook_json(PATH("jws/4_8.multiple_signatures"), 0, JOSE_RS256), NULL, "RFC 7520 4.8, first");
	assert_says(cookbook_json(PATH("jws/4_8.multiple_signatures"), 1, JOSE_RS256), "form", "RFC 7520 4.8, second");
	assert_says(cookbook_json(PATH("jws/4_8.multiple_signatures"), 2, JOSE_RS256), NULL, "RFC 7520 4.8, third");
	assert_says(cookbook_json(PATH("jws/4_8.multiple_signatures"), -1, JOSE_RS256), "form", "RFC 7520 4.8 JSON");
	assert_says(cookbook(PATH("curve25519/jws"), "compact", JOSE_RS256), NULL, "RFC 8037 A.4");
	assert_says(cookbook(PATH("rfc7797/hmac-sha2_b64_false"), "compact", JOSE_RS256), "crit", "RFC 7797");
	assert_says(cookbook(PATH("rfc7797/4.2.hmac-sha2_b64_false"), "json_flat", JOSE_RS256), "form",
		    "RFC 7797 JSON");
#undef PATH
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(wycheproof_json_web_signature), TEST(wycheproof_json_web_crypto), TEST(wycheproof_json_web_key),
		TEST(wycheproof_hmac_sha256),	     TEST(wycheproof_signatures),      TEST(jose_cookbook),
	};
#undef TEST
	char folder[4096];

	if (access(vectors_path(folder, "vectors/wycheproof"), R_OK) != 0)
		return vectors_absent(folder);
	return cmocka_run_group_tests_name("jwt vectors", tests, NULL, NULL);
}
