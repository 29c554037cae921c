/* crypto/dpop: the proof of RFC 9449 7.1, thumbprints of RFC 7638, and each rule of RFC 9449 4.3 broken once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/dpop.h"
#include "crypto/jwk.h"
#include "crypto_fixture.h"

#define IAT UINT64_C(1562262618)

static const char published[] = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz"
				"R0VjNoUklDUkRZOXpDa0RscEJoRjQy"
				"VVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsIm"
				"NydiI6IlAtMjU2In19.eyJqdGkiOiJl"
				"MWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy"
				"9wcm90ZWN0ZWRyZXNvdXJjZSIsImlh"
				"dCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFby"
				"J9.2oW9RP35yRqzhrtNP86L-Ey71EOp"
				"txRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
static const char token[] = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

static EVP_PKEY *pair;
static char jwk[256];

static struct dpop_rules rules_of(void)
{
	return (struct dpop_rules){ .secure = true,
				    .host = slice_text("resource.example.org"),
				    .path = slice_text("/protectedresource"),
				    .token = slice_text(token),
				    .max_age_s = 60,
				    .max_size = 4096 };
}

static const char *verify(const struct dpop_rules *rules, struct fw_slice proof, uint64_t now)
{
	struct dpop dpop;

	return dpop_verify(&arena, rules, proof, now * 1000000, &dpop);
}

static void the_published_proof_holds(void **state)
{
	struct dpop_rules rules = rules_of();
	struct dpop dpop;
	char text[44];

	(void)state;
	assert_says(dpop_verify(&arena, &rules, slice_text(published), IAT * 1000000, &dpop), NULL, "RFC 9449 7.1");
	assert_true(slice_is(dpop.id, "e1j3V_bKic8-LAEB"));
	assert_true(dpop.until_s == IAT + 61);
	assert_int_equal(encode_base64(dpop.thumbprint, 32, 1, text), 43);
	assert_memory_equal(text, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", 43);

	rules.host = slice_text("Resource.Example.ORG:443");
	assert_says(verify(&rules, slice_text(published), IAT + 60), NULL, "another way to write the place");
	assert_says(verify(&rules, slice_text(published), IAT + 61), "iat", "old");
	assert_says(verify(&rules, slice_text(published), IAT - 60), NULL, "a clock that is behind");
	assert_says(verify(&rules, slice_text(published), IAT - 61), "iat", "too new");
	rules.secure = false;
	assert_says(verify(&rules, slice_text(published), IAT), "htu", "without TLS");
	rules = rules_of();
	rules.path = slice_text("/protectedresourcE");
	assert_says(verify(&rules, slice_text(published), IAT), "htu", "another path");
	rules = rules_of();
	rules.host = slice_text("resource.example.org:8443");
	assert_says(verify(&rules, slice_text(published), IAT), "htu", "another port");
	rules = rules_of();
	rules.token = slice_text("another token");
	assert_says(verify(&rules, slice_text(published), IAT), "ath", "another token");
	rules.token = slice(NULL, 0);
	assert_says(verify(&rules, slice_text(published), IAT), "ath", "no token");
	rules = rules_of();
	rules.max_size = strlen(published) - 1;
	assert_says(verify(&rules, slice_text(published), IAT), "size", "too large");
}

static void each_octet_counts(void **state)
{
	const struct dpop_rules rules = rules_of();
	char copy[sizeof(published)];

	(void)state;
	for (size_t i = 0; i < sizeof(published) - 1; i++) {
		memcpy(copy, published, sizeof(copy));
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_non_null(verify(&rules, slice_text(copy), IAT));
		assert_non_null(verify(&rules, slice(published, i), IAT));
	}
}

static void thumbprints_of_rfc_7638(void **state)
{
	static const char key[] =
		"{\"kty\":\"RSA\",\"n\":"
		"\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPe"
		"bWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
		"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9"
		"c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
		"xBniIqbw0Ls1jF44-csFCur-"
		"kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
	struct json json;
	uint8_t print[32];
	char text[44];

	(void)state;
	assert_int_equal(json_parse(&arena, slice_text(key), 0, &json, NULL), JSON_OK);
	assert_null(jwk_thumbprint(&arena, &json, 0, print));
	encode_base64(print, 32, 1, text);
	assert_memory_equal(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", 43);
}

static int make_pair(void **state)
{
	uint8_t x[32], y[32];
	char texts[2][44] = { "", "" };
	BIGNUM *number = NULL;

	(void)state;
	pair = EVP_EC_gen("P-256");
	if (EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_EC_PUB_X, &number) != 1)
		return -1;
	BN_bn2binpad(number, x, 32);
	BN_free(number);
	number = NULL;
	if (EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_EC_PUB_Y, &number) != 1)
		return -1;
	BN_bn2binpad(number, y, 32);
	BN_free(number);
	encode_base64(x, 32, 1, texts[0]);
	encode_base64(y, 32, 1, texts[1]);
	snprintf(jwk, sizeof(jwk), "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", texts[0], texts[1]);
	return 0;
}

static int free_pair(void **state)
{
	(void)state;
	EVP_PKEY_free(pair);
	return 0;
}

/* A proof signed with the pair; header and claims as given, KEY and ATH in them are replaced. */
static struct fw_slice proof_of(const char *header, const char *claims)
{
	const struct jwt_key key = { .algorithm = JOSE_ES256, .pair = pair };
	static char text[4096];
	char parts[2][1024], ath[44] = "";
	const char *sources[2] = { header, claims };
	uint8_t digest[32], signature[JOSE_SIGNATURE];
	size_t size = 0;

	digest_sha256(slice_text(token), digest);
	encode_base64(digest, 32, 1, ath);
	for (unsigned i = 0; i < 2; i++) {
		const char *mark = strstr(sources[i], i == 0 ? "KEY" : "ATH");

		if (mark == NULL)
			snprintf(parts[i], sizeof(parts[i]), "%s", sources[i]);
		else
			snprintf(parts[i], sizeof(parts[i]), "%.*s%s%s", (int)(mark - sources[i]), sources[i],
				 i == 0 ? jwk : ath, mark + 3);
		size += encode_base64((const uint8_t *)parts[i], strlen(parts[i]), 1, text + size);
		text[size++] = '.';
	}
	size += encode_base64(signature, jose_sign(&key, slice(text, size - 1), signature), 1, text + size);
	return slice(text, size);
}

#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":KEY}"
#define CLAIMS(rest)                                                                                                   \
	"{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":\"wss://resource.example.org/"                                         \
	"protectedresource\",\"iat\":1562262618,\"ath\":\"ATH\"" rest "}"

static void each_rule(void **state)
{
	static const struct {
		const char *header, *claims, *says;
	} cases[] = {
		{ HEADER, CLAIMS(""), NULL },
		{ HEADER, CLAIMS(",\"nonce\":\"unasked\""), NULL },
		{ "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":KEY}", CLAIMS(""), "typ" },
		{ "{\"alg\":\"ES256\",\"jwk\":KEY}", CLAIMS(""), "typ" },
		{ "{\"typ\":\"dpop+jwt\",\"jwk\":KEY}", CLAIMS(""), "alg" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":KEY}", CLAIMS(""), "alg" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":KEY}", CLAIMS(""), "alg" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":KEY}", CLAIMS(""), "alg" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"RS256\",\"jwk\":KEY}", CLAIMS(""), "alg" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", CLAIMS(""), "jwk" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"KEY\"}", CLAIMS(""), "header" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":KEY,\"kid\":\"a\"}", CLAIMS(""), "kid" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":KEY,\"crit\":[\"exp\"]}", CLAIMS(""), "crit" },
		{ "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", CLAIMS(""),
		  "jwk" },
		{ HEADER, "{\"jti\":\"1\"}", "htm" },
		{ HEADER, "{\"jti\":\"1\",\"htm\":\"POST\"}", "htm" },
		{ HEADER, "{\"jti\":\"1\",\"htm\":\"GET\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org/protectedresource?a=b\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org/protectedresource#a\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org.evil/protectedresource\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org@evil/protectedresource\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"ftp://resource.example.org/protectedresource\"}", "htu" },
		{ HEADER, "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org/protectedresource\"}", "iat" },
		{ HEADER,
		  "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org/protectedresource\",\"iat\":1562262618}",
		  "ath" },
		{ HEADER,
		  "{\"htm\":\"GET\",\"htu\":\"https://resource.example.org/"
		  "protectedresource\",\"iat\":1562262618,\"ath\":\"ATH\"}",
		  "jti" },
		{ HEADER, "[]", "claims" },
		{ HEADER, "{\"htm\":\"GET\",\"htm\":\"GET\"}", "duplicate member" },
	};
	const struct dpop_rules rules = rules_of();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_says(verify(&rules, proof_of(cases[i].header, cases[i].claims), IAT), cases[i].says,
			    cases[i].header[0] != '\0' ? cases[i].claims : "");
}

static void memory_that_is_short_proves_nothing(void **state)
{
	const struct dpop_rules rules = rules_of();

	(void)state;
	for (uint64_t n = 1; n < 20; n++) {
		const char *said;

		arena_fini(&arena);
		arena_init(&arena, 1 << 20);
		mem_fail_at(n);
		said = verify(&rules, slice_text(published), IAT);
		if (mem_fail_at(0) < n) {
			assert_null(said);
			return;
		}
		assert_non_null(said);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(the_published_proof_holds),
		TEST(each_octet_counts),
		TEST(thumbprints_of_rfc_7638),
		TEST(each_rule),
		TEST(memory_that_is_short_proves_nothing),
	};
#undef TEST
	return cmocka_run_group_tests_name("dpop", tests, make_pair, free_pair);
}
