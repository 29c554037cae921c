/* crypto/jose and crypto/jwk: each algorithm signs and verifies, and nothing else does; keys that are weak or for
 * something else are not taken; every allocation failing once. Vectors: tests/conformance/conf_jwt_vectors.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/slice.h"
#include "crypto/jwk.h"
#include "crypto/jwt.h"
#include "crypto_fixture.h"

#define NOW UINT64_C(1700000000)

static uint8_t secret[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct jwt_key key_for(enum jose_algorithm algorithm)
{
	struct jwt_key key = { .kid = "k", .algorithm = algorithm };

	switch (algorithm) {
	case JOSE_ES256:
		key.pair = EVP_EC_gen("P-256");
		break;
	case JOSE_ES384:
		key.pair = EVP_EC_gen("P-384");
		break;
	case JOSE_ES512:
		key.pair = EVP_EC_gen("P-521");
		break;
	case JOSE_EDDSA:
		key.pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	default:
		if (jose_is_secret(algorithm)) {
			key.secret = secret;
			key.secret_size = sizeof(secret);
		} else {
			key.pair = EVP_RSA_gen(2048);
		}
	}
	assert_says(jose_key_fault(&key), NULL, jose_name(algorithm));
	return key;
}

static void each_algorithm_signs_and_verifies(void **state)
{
	static const char claims[] = "{\"sub\":\"alice\",\"exp\":1700000600}";

	(void)state;
	for (unsigned i = 0; i < JOSE_ALGORITHMS; i++) {
		struct jwt_key key = key_for((enum jose_algorithm)i), other = key_for((enum jose_algorithm)i);
		struct jwt_rules rules = { .keys = &key, .key_count = 1, .max_size = 8192 };
		struct fw_slice token = { 0 };
		struct jwt jwt;

		assert_int_equal(jwt_issue(&arena, &key, slice_text(claims), &token), FW_OK);
		assert_says(jwt_verify(&arena, &rules, token, NOW * 1000000, &jwt), NULL, jose_name(key.algorithm));
		assert_true(slice_is(jwt.subject, "alice"));
		if (!jose_is_secret(key.algorithm)) {
			rules.keys = &other;
			assert_says(jwt_verify(&arena, &rules, token, NOW * 1000000, &jwt), "signature", "another key");
		}
		/* The same key under every other algorithm: the token's word is never taken. */
		for (unsigned j = 0; j < JOSE_ALGORITHMS; j++) {
			struct jwt_key wrong = key;

			if (j == i)
				continue;
			wrong.algorithm = (enum jose_algorithm)j;
			rules.keys = &wrong;
			assert_says(jwt_verify(&arena, &rules, token, NOW * 1000000, &jwt), "alg", "another algorithm");
		}
		jose_key_fini(&key);
		jose_key_fini(&other);
	}
}

/* CVE-2015-9235 and its kin: the public key as the secret of a MAC. */
static void a_public_key_is_no_secret(void **state)
{
	struct jwt_key public_key = key_for(JOSE_RS256), forger = { .kid = "k" };
	const struct jwt_rules rules = { .keys = &public_key, .key_count = 1, .max_size = 8192 };
	BIO *bio = BIO_new(BIO_s_mem());
	struct fw_slice token = { 0 }, payload;
	char *pem;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, public_key.pair), 1);
	forger.secret_size = (size_t)BIO_get_mem_data(bio, &pem);
	forger.secret = (uint8_t *)pem;
	assert_int_equal(jwt_issue(&arena, &forger, slice_text("{\"sub\":\"admin\",\"exp\":1700000600}"), &token),
			 FW_OK);
	assert_says(jwt_open(&arena, &rules, token, &payload), "alg", "HS256 with the public key");
	BIO_free(bio);
	jose_key_fini(&public_key);
}

static void each_octet_of_a_signature_counts(void **state)
{
	static const enum jose_algorithm some[] = { JOSE_HS384, JOSE_PS256, JOSE_ES256, JOSE_ES512, JOSE_EDDSA };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct jwt_key key = key_for(some[i]);
		uint8_t signature[JOSE_SIGNATURE + 1];
		size_t size = jose_sign(&key, slice_text("text"), signature);

		assert_int_equal(jose_verify(&key, slice_text("text"), slice(signature, size)), JOSE_HOLDS);
		assert_int_equal(jose_verify(&key, slice_text("texT"), slice(signature, size)), JOSE_FORGED);
		for (size_t at = 0; at <= size; at++) {
			if (at < size) {
				signature[at] ^= 1;
				assert_int_equal(jose_verify(&key, slice_text("text"), slice(signature, size)),
						 JOSE_FORGED);
				signature[at] ^= 1;
			}
			if (at != size)
				assert_int_equal(jose_verify(&key, slice_text("text"), slice(signature, at)),
						 JOSE_FORGED);
		}
		signature[size] = 0;
		assert_int_equal(jose_verify(&key, slice_text("text"), slice(signature, size + 1)), JOSE_FORGED);
		jose_key_fini(&key);
	}
}

/* CVE-2022-21449: r and s of zero verified for every text. */
static void zero_is_no_signature(void **state)
{
	struct jwt_key key = key_for(JOSE_ES256);
	static const uint8_t zero[64];

	(void)state;
	assert_int_equal(jose_verify(&key, slice_text("text"), slice(zero, sizeof(zero))), JOSE_FORGED);
	jose_key_fini(&key);
}

static void weak_pairs_are_no_keys(void **state)
{
	struct jwt_key key = { .algorithm = JOSE_RS256, .pair = EVP_RSA_gen(1024) };

	(void)state;
	assert_says(jose_key_fault(&key), "RSA key too short", "1024 bits");
	key.algorithm = JOSE_ES256;
	assert_says(jose_key_fault(&key), "not an EC key", "RSA");
	jose_key_fini(&key);
	key.pair = EVP_EC_gen("P-384");
	assert_says(jose_key_fault(&key), "curve is not the algorithm's", "P-384 for ES256");
	key.algorithm = JOSE_EDDSA;
	assert_says(jose_key_fault(&key), "not an Ed25519 key", "EC");
	jose_key_fini(&key);
	assert_says(jose_key_fault(&key), "not a key pair", "nothing");
	key = (struct jwt_key){ .algorithm = JOSE_HS512, .secret = secret, .secret_size = 63 };
	assert_says(jose_key_fault(&key), "secret too short", "63 octets for HS512");
}

static const char *read_one(const char *text, const struct jwk_rules *rules, struct jwt_key *ret_key)
{
	struct json json;

	assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
	return jwk_read(&arena, rules, &json, 0, ret_key);
}

#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static void keys_that_are_not_taken(void **state)
{
	static const struct {
		const char *text, *fault;
	} keys[] = {
		{ "[]", "not an object" },
		{ "{}", "kty not known" },
		{ "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAA\"}", "a secret among public keys" },
		{ "{" ED ",\"use\":\"enc\"}", "use is not sig" },
		{ "{" ED ",\"use\":[\"sig\"]}", "use is not sig" },
		{ "{" ED ",\"key_ops\":[\"encrypt\"]}", "key_ops has no verify" },
		{ "{" ED ",\"key_ops\":\"verify\"}", "key_ops" },
		{ "{" ED ",\"alg\":\"none\"}", "alg not known" },
		{ "{" ED ",\"alg\":\"RS256\"}", "not an RSA key" },
		{ "{" ED ",\"alg\":7}", "alg not known" },
		{ "{" ED ",\"kid\":7}", "kid" },
		{ "{" ED ",\"kid\":\"a\\u0000b\"}", "kid" },
		{ "{" ED ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}", "a private key was given away" },
		{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		  "curve not known" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "Ed25519 members" },
		{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", "curve not known" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", "EC members" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
		  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		  "EC point is not on the curve" },
		{ "{\"kty\":\"RSA\",\"n\":\"AAAA\"}", "RSA members" },
		{ "{\"kty\":\"RSA\",\"n\":\"_____w\",\"e\":\"AQAB\"}", "RSA key too short" },
	};
	const struct jwk_rules rules = { .rsa = JOSE_RS256 };
	struct jwt_key key;

	(void)state;
	assert_says(read_one("{" ED ",\"kid\":\"a\",\"use\":\"sig\",\"key_ops\":[\"verify\"]}", &rules, &key), NULL,
		    "good");
	assert_int_equal(key.algorithm, JOSE_EDDSA);
	assert_string_equal(key.kid, "a");
	jose_key_fini(&key);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_says(read_one(keys[i].text, &rules, &key), keys[i].fault, keys[i].text);
		assert_null(key.pair);
	}
}

static const char *read_set(const char *text, bool secrets, struct jwk_set *set)
{
	const struct jwk_rules rules = { .secrets = secrets, .rsa = JOSE_RS256, .needs_kid = true };
	struct json json;

	assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
	return jwk_read_set(&arena, &rules, &json, 0, set);
}

#define OCT "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"s\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"

static void a_set_is_taken_or_not(void **state)
{
	struct jwt_key keys[2];
	struct jwk_set set = { .keys = keys, .room = 2 };

	(void)state;
	assert_says(
		read_set("{\"keys\":[{" ED ",\"kid\":\"a\"},{\"kty\":\"new\",\"kid\":\"b\"},{" ED "}]}", false, &set),
		NULL, "one good key");
	assert_int_equal(set.count, 1);
	assert_int_equal(set.skipped, 2);
	assert_string_equal(set.first_fault, "kty not known");
	jwk_set_fini(&set);
	assert_says(read_set("{\"keys\":[{" ED ",\"kid\":\"a\"},{" ED ",\"kid\":\"a\"}]}", false, &set),
		    "two keys of one kid", "twice");
	assert_says(read_set("{\"keys\":[{" ED ",\"kid\":\"a\"},{" ED ",\"kid\":\"a\",\"use\":\"enc\"}]}", false, &set),
		    NULL, "the same kid for encryption");
	jwk_set_fini(&set);
	assert_says(read_set("{\"keys\":[{" ED ",\"kid\":\"a\"}," OCT "]}", true, &set), "secrets beside public keys",
		    "mixed");
	assert_says(read_set("{\"keys\":[{" ED ",\"kid\":\"a\"},{" ED ",\"kid\":\"b\"},{" ED ",\"kid\":\"c\"}]}", false,
			     &set),
		    "too many keys", "three for two places");
	assert_int_equal(set.count, 0);
	assert_says(read_set("{\"keys\":{}}", false, &set), "no keys", "no list");
	assert_says(read_set("[]", false, &set), "no keys", "no object");
	assert_says(read_set("{\"keys\":[" OCT "]}", false, &set), NULL, "a secret is skipped");
	assert_int_equal(set.count, 0);
}

static void pem_keys(void **state)
{
	struct jwt_key made = key_for(JOSE_ES384), key;
	uint8_t signature[JOSE_SIGNATURE];
	BIO *bio = BIO_new(BIO_s_mem());
	size_t size = jose_sign(&made, slice_text("text"), signature);
	char *pem;
	struct fw_slice text;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, made.pair), 1);
	text.size = (size_t)BIO_get_mem_data(bio, &pem);
	text.data = (const uint8_t *)pem;
	assert_says(jose_read_pem(text, JOSE_ES384, &key), NULL, "PEM");
	assert_int_equal(jose_verify(&key, slice_text("text"), slice(signature, size)), JOSE_HOLDS);
	assert_int_equal(jose_sign(&key, slice_text("text"), signature), 0); /* a public key signs nothing */
	jose_key_fini(&key);
	assert_says(jose_read_pem(text, JOSE_ES256, &key), "curve is not the algorithm's", "PEM of another curve");
	for (size_t cut = 0; cut < text.size - 30; cut++)
		assert_says(jose_read_pem(slice(text.data, cut), JOSE_ES384, &key), "no public key in PEM", "cut");
	BIO_free(bio);
	jose_key_fini(&made);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(each_algorithm_signs_and_verifies),
		TEST(a_public_key_is_no_secret),
		TEST(each_octet_of_a_signature_counts),
		TEST(zero_is_no_signature),
		TEST(weak_pairs_are_no_keys),
		TEST(keys_that_are_not_taken),
		TEST(a_set_is_taken_or_not),
		TEST(pem_keys),
	};
#undef TEST
	return cmocka_run_group_tests_name("jose", tests, NULL, NULL);
}
