/* Signed tokens: RFC 7515 A.1 and the attacks on JWT that are known. Vectors: conf_jwt_vectors.c. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "../unit/crypto_fixture.h"

#define NOW_US (UINT64_C(1700000000) * 1000000)
#define CLAIMS "{\"sub\":\"alice\",\"exp\":1700000600}"

static uint8_t secret[] = "0123456789abcdef0123456789abcdef";
static const struct jwt_key key = { "k", secret, 32 };
static const struct jwt_rules rules = { .keys = &key, .key_count = 1, .skew_s = 60, .max_size = 16384 };

static const char *verify_with(const struct jwt_rules *with, struct fw_slice token)
{
	struct jwt jwt;

	return jwt_verify(&arena, with, token, NOW_US, &jwt);
}

static const char *verify(struct fw_slice token)
{
	return verify_with(&rules, token);
}

/* A signer that signs anything: any header, any octets, any key. */
static struct fw_slice sign_slices(struct fw_slice header, struct fw_slice payload, struct fw_slice with)
{
	char *text = arena_alloc(&arena, 2 * (header.size + payload.size) + 64);
	uint8_t mac[32];
	size_t size;

	assert_non_null(text);
	size = encode_base64(header.data, header.size, 1, text);
	text[size++] = '.';
	size += encode_base64(payload.data, payload.size, 1, text + size);
	assert_true(digest_hmac_sha256(with, slice(text, size), mac));
	text[size++] = '.';
	size += encode_base64(mac, 32, 1, text + size);
	return slice(text, size);
}

static struct fw_slice sign(const char *header, const char *claims)
{
	return sign_slices(slice_text(header), slice_text(claims), slice(secret, 32));
}

static struct fw_slice join(struct fw_slice a, const char *b)
{
	uint8_t *text = arena_alloc(&arena, a.size + strlen(b));

	assert_non_null(text);
	memcpy(text, a.data, a.size);
	memcpy(text + a.size, b, strlen(b));
	return slice(text, a.size + strlen(b));
}

static const char *copy_text(struct fw_slice text)
{
	char *copy = arena_alloc(&arena, text.size + 1);

	assert_non_null(copy);
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

/* The token up to its last dot, without it. */
static struct fw_slice without_mac(struct fw_slice token)
{
	while (token.data[token.size - 1] != '.')
		token.size--;
	token.size--;
	return token;
}

static void rfc7515_a_1(void **state)
{
	static const char header
		[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
	  payload[] = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
	  mac[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	  k[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
	uint8_t bytes[70];
	struct jwt_key with = { NULL, bytes, 64 };
	struct jwt_rules its_rules = { .keys = &with, .key_count = 1, .issuer = "joe", .max_size = 1000 };
	const uint64_t before = UINT64_C(1300819379) * 1000000;
	struct fw_slice token = slice(NULL, 0);
	struct jwt jwt;

	(void)state;
	assert_int_equal(decode_base64(k, strlen(k), 1, bytes), 64);
	token = join(join(join(join(slice_text(header), "."), payload), "."), mac);
	/* All of it holds but that it names no subject, which we want. */
	assert_says(jwt_verify(&arena, &its_rules, token, before, &jwt), "sub", "A.1");
	assert_says(jwt_verify(&arena, &its_rules, token, before + 1000000, &jwt), "expired", "A.1 a second later");
	its_rules.issuer = "jo";
	assert_says(jwt_verify(&arena, &its_rules, token, before, &jwt), "iss", "A.1 of another issuer");
	bytes[63] ^= 1;
	assert_says(jwt_verify(&arena, &its_rules, token, before, &jwt), "signature", "A.1 with another key");
}

/* Tokens that are signed with the right key: only the header is wrong. Numbers are those of the attack list. */
static const struct {
	const char *name, *header, *want;
} headers[] = {
	{ "0-the-right-one", "{\"alg\":\"HS256\",\"kid\":\"k\"}", NULL },
	{ "0-white-space", " {\n\"alg\" :\t\"HS256\" , \"kid\":\"k\"}\r\n", NULL },
	{ "0-unknown-member", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":{\"jku\":1}}", NULL },
	{ "0-no-kid-one-key", "{\"alg\":\"HS256\"}", NULL },
	{ "1-none", "{\"alg\":\"none\",\"kid\":\"k\"}", "alg" },
	{ "1-None", "{\"alg\":\"None\",\"kid\":\"k\"}", "alg" },
	{ "1-NONE", "{\"alg\":\"NONE\",\"kid\":\"k\"}", "alg" },
	{ "1-nOnE", "{\"alg\":\"nOnE\",\"kid\":\"k\"}", "alg" },
	{ "1-empty", "{\"alg\":\"\",\"kid\":\"k\"}", "alg" },
	{ "2-missing", "{\"kid\":\"k\"}", "alg" },
	{ "2-number", "{\"alg\":256,\"kid\":\"k\"}", "alg" },
	{ "2-array", "{\"alg\":[\"HS256\"],\"kid\":\"k\"}", "alg" },
	{ "2-object", "{\"alg\":{\"HS256\":\"HS256\"},\"kid\":\"k\"}", "alg" },
	{ "2-null", "{\"alg\":null,\"kid\":\"k\"}", "alg" },
	{ "2-true", "{\"alg\":true,\"kid\":\"k\"}", "alg" },
	{ "2-lower-case", "{\"alg\":\"hs256\",\"kid\":\"k\"}", "alg" },
	{ "2-blank-behind", "{\"alg\":\"HS256 \",\"kid\":\"k\"}", "alg" },
	{ "2-nul-behind", "{\"alg\":\"HS256\\u0000\",\"kid\":\"k\"}", "alg" },
	{ "2-name-in-capitals", "{\"ALG\":\"HS256\",\"kid\":\"k\"}", "alg" },
	{ "2-within-another-member", "{\"x\":{\"alg\":\"HS256\"},\"kid\":\"k\"}", "alg" },
	{ "3-HS384", "{\"alg\":\"HS384\",\"kid\":\"k\"}", "alg" },
	{ "3-HS512", "{\"alg\":\"HS512\",\"kid\":\"k\"}", "alg" },
	{ "3-RS256", "{\"alg\":\"RS256\",\"kid\":\"k\"}", "alg" },
	{ "3-PS256", "{\"alg\":\"PS256\",\"kid\":\"k\"}", "alg" },
	{ "3-ES256", "{\"alg\":\"ES256\",\"kid\":\"k\"}", "alg" },
	{ "3-EdDSA", "{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "alg" },
	{ "3-dir", "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", "alg" },
	{ "7-path", "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", "kid" },
	{ "7-sql", "{\"alg\":\"HS256\",\"kid\":\"'; select '\"}", "kid" },
	{ "7-command", "{\"alg\":\"HS256\",\"kid\":\"|cmd\"}", "kid" },
	{ "7-empty", "{\"alg\":\"HS256\",\"kid\":\"\"}", "kid" },
	{ "7-nul", "{\"alg\":\"HS256\",\"kid\":\"k\\u0000\"}", "kid" },
	{ "7-capital", "{\"alg\":\"HS256\",\"kid\":\"K\"}", "kid" },
	{ "7-number", "{\"alg\":\"HS256\",\"kid\":0}", "kid" },
	{ "7-null", "{\"alg\":\"HS256\",\"kid\":null}", "kid" },
	{ "7-array", "{\"alg\":\"HS256\",\"kid\":[\"k\"]}", "kid" },
	{ "7-escaped-is-the-same-name", "{\"alg\":\"HS256\",\"kid\":\"\\u006b\"}", NULL },
	{ "8-jwk",
	  "{\"alg\":\"HS256\",\"kid\":\"k\",\"jwk\":{\"kty\":\"oct\",\"k\":"
	  "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}}",
	  "jwk" },
	{ "8-jku", "{\"alg\":\"HS256\",\"kid\":\"k\",\"jku\":\"http://127.0.0.1:1/jwks.json\"}", "jku" },
	{ "8-x5u", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x5u\":\"http://127.0.0.1:1/cert.pem\"}", "x5u" },
	{ "8-x5c", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x5c\":[\"MIIB\"]}", "x5c" },
	{ "8-jku-null", "{\"alg\":\"HS256\",\"kid\":\"k\",\"jku\":null}", "jku" },
	{ "8-jku-escaped", "{\"alg\":\"HS256\",\"kid\":\"k\",\"j\\u006bu\":\"http://127.0.0.1:1/\"}", "jku" },
	{ "9-crit-unknown", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}", "crit" },
	{ "9-crit-empty", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[]}", "crit" },
	{ "9-crit-standard", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[\"alg\"]}", "crit" },
	{ "9-crit-twice-in-it", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[\"x\",\"x\"],\"x\":1}", "crit" },
	{ "9-crit-twice", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[\"x\"],\"crit\":[\"y\"]}", "duplicate member" },
	{ "9-crit-null", "{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":null}", "crit" },
	{ "9-b64-false", "{\"alg\":\"HS256\",\"kid\":\"k\",\"b64\":false}", "b64" },
	{ "9-b64-false-crit", "{\"alg\":\"HS256\",\"kid\":\"k\",\"b64\":false,\"crit\":[\"b64\"]}", "crit" },
	{ "9-b64-true", "{\"alg\":\"HS256\",\"kid\":\"k\",\"b64\":true}", "b64" },
	{ "10-zip", "{\"alg\":\"HS256\",\"kid\":\"k\",\"zip\":\"DEF\"}", "zip" },
	{ "10-nested", "{\"alg\":\"HS256\",\"kid\":\"k\",\"cty\":\"JWT\"}", "cty" },
	{ "11-alg-twice", "{\"alg\":\"HS256\",\"alg\":\"none\",\"kid\":\"k\"}", "duplicate member" },
	{ "11-alg-twice-escaped", "{\"alg\":\"HS256\",\"al\\u0067\":\"none\",\"kid\":\"k\"}", "duplicate member" },
	{ "11-kid-twice", "{\"alg\":\"HS256\",\"kid\":\"k\",\"kid\":\"k\"}", "duplicate member" },
	{ "13-typ-JWT", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"JWT\"}", NULL },
	{ "13-typ-jwt", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"jwt\"}", NULL },
	{ "13-typ-at+jwt", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"AT+JWT\"}", NULL },
	{ "13-typ-dpop+jwt", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"dpop+jwt\"}", "typ" },
	{ "13-typ-logout+jwt", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}", "typ" },
	{ "13-typ-secevent+jwt", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"secevent+jwt\"}", "typ" },
	{ "13-typ-empty", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"\"}", "typ" },
	{ "13-typ-null", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":null}", "typ" },
	{ "13-typ-array", "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":[\"JWT\"]}", "typ" },
	{ "15-mark-in-front", "\xef\xbb\xbf{\"alg\":\"HS256\",\"kid\":\"k\"}", "header" },
	{ "15-invalid-utf8", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":\"\xff\"}", "header" },
	{ "15-overlong", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":\"\xc0\xaf\"}", "header" },
	{ "15-surrogate", "{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":\"\\ud800\"}", "header" },
	{ "15-array", "[\"alg\",\"HS256\"]", "header" },
	{ "15-text", "\"HS256\"", "header" },
	{ "15-comment", "{\"alg\":\"HS256\",\"kid\":\"k\"/**/}", "header" },
	{ "15-comma", "{\"alg\":\"HS256\",\"kid\":\"k\",}", "header" },
	{ "15-behind", "{\"alg\":\"HS256\",\"kid\":\"k\"}{}", "header" },
	{ "15-open", "{\"alg\":\"HS256\",\"kid\":\"k\"", "header" },
};

static void header_row(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	arena_init(&arena, 1 << 20);
	assert_says(verify(sign(headers[i].header, CLAIMS)), headers[i].want, headers[i].name);
	arena_fini(&arena);
}

static void attack_1_no_signature(void **state)
{
	static const char *const spellings[] = { "none", "None", "NONE", "nOnE" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char header[32] = "{\"alg\":\"";
		struct fw_slice bare;

		strcat(header, spellings[i]);
		strcat(header, "\"}");
		bare = without_mac(sign(header, CLAIMS));
		assert_says(verify(bare), "form", "without a dot");
		assert_says(verify(join(bare, ".")), "form", "with a dot");
		assert_says(verify(join(bare, ".AA")), "alg", "with a short signature");
	}
}

/* A public key is no secret: a verifier that took the algorithm of the token would use it as one. */
static void attack_3_public_key_as_secret(void **state)
{
	static const char pem[] =
		"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
	static const char *const jwk = "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}";
	const struct fw_slice secrets[] = { slice_text(pem), slice(pem, sizeof(pem) - 2), slice_text(jwk),
					    slice_text("k") };

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		assert_says(verify(sign_slices(slice_text("{\"alg\":\"HS256\",\"kid\":\"k\"}"), slice_text(CLAIMS),
					       secrets[i])),
			    "signature", "signed with a public key");
}

static void attack_4_signatures(void **state)
{
	struct fw_slice token = sign(headers[0].header, CLAIMS), bare = without_mac(token), cut = token;
	struct fw_slice other = sign(headers[0].header, "{\"sub\":\"mallory\",\"exp\":1700000600}");
	char mac[44] = { 0 };
	uint8_t bytes[36];

	(void)state;
	assert_says(verify(token), NULL, "the token itself");
	assert_says(verify(join(bare, ".")), "form", "empty signature");
	memcpy(mac, other.data + other.size - 43, 43);
	assert_says(verify(join(join(bare, "."), mac)), "signature", "signature of another token");
	for (cut.size = token.size - 1; cut.size > bare.size + 1; cut.size--)
		assert_says(verify(cut), "signature", "truncated signature");
	assert_says(verify(join(token, "A")), "signature", "extended signature");
	assert_says(verify(join(token, "AAAA")), "signature", "signature with more octets");
	assert_says(verify(join(token, "=")), "signature", "padded signature");
	assert_says(verify(join(token, "\n")), "signature", "signature and a line end");
	assert_says(verify(join(token, " ")), "signature", "signature and a blank");
	/* The last digit of 43 holds four bits: the 15 others that give the same octets are refused. */
	memcpy(mac, token.data + token.size - 43, 43);
	assert_int_equal(decode_base64(mac, 43, 1, bytes), 32);
	for (const char *digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *digit != '\0';
	     digit++) {
		mac[42] = *digit;
		assert_says(verify(join(join(bare, "."), mac)),
			    *digit == (char)token.data[token.size - 1] ? NULL : "signature", "last digit");
	}
}

static void attack_5_blank_and_short_keys(void **state)
{
	const struct fw_slice header = slice_text(headers[0].header), claims = slice_text(CLAIMS);
	const struct jwt_key blank = { "k", secret, 0 }, absent = { "k", NULL, 0 }, brief = { "k", secret, 31 };
	struct jwt_rules with = rules;

	(void)state;
	assert_says(verify(sign_slices(header, claims, slice(NULL, 0))), "signature", "signed with nothing");
	assert_says(verify(sign_slices(header, claims, slice("\0", 1))), "signature", "signed with a NUL");
	with.keys = &blank;
	assert_says(verify_with(&with, sign_slices(header, claims, slice(NULL, 0))), "key", "blank key");
	with.keys = &absent;
	assert_says(verify_with(&with, sign_slices(header, claims, slice(NULL, 0))), "key", "no key");
	with.keys = &brief;
	assert_says(verify_with(&with, sign_slices(header, claims, slice(secret, 31))), "key",
		    "RFC 7518 3.2: 31 octets");
	with.key_count = 0;
	assert_says(verify_with(&with, sign_slices(header, claims, slice(NULL, 0))), "kid", "no keys");
}

static void attack_7_long_kid(void **state)
{
	static char header[70000] = "{\"alg\":\"HS256\",\"kid\":\"";
	struct jwt_rules with = rules;
	size_t size = strlen(header);

	(void)state;
	memset(header + size, 'k', 65536);
	memcpy(header + size + 65536, "\"}", 3);
	assert_says(verify(sign(header, CLAIMS)), "size", "kid of 64 KiB");
	with.max_size = 1 << 20;
	assert_says(verify_with(&with, sign(header, CLAIMS)), "kid", "kid of 64 KiB, allowed size");
}

static void attack_10_other_forms(void **state)
{
	struct fw_slice token = sign(headers[0].header, CLAIMS), parts[3];

	(void)state;
	parts[0] = slice(token.data, (size_t)((const uint8_t *)memchr(token.data, '.', token.size) - token.data));
	assert_says(verify(slice_text("{\"payload\":\"Zm9v\",\"signatures\":[]}")), "form", "JSON serialisation");
	assert_says(verify(slice_text("{\"protected\":\"e30.e30\",\"payload\":\"Zm9v.\",\"signature\":\"AA\"}")),
		    "base64url", "JSON serialisation with dots");
	assert_says(verify(join(token, ".AA.AA")), "form", "five parts");
	assert_says(verify(join(join(parts[0], ".AA.AA.AA.AA"), "")), "form", "JWE");
	/* The payload is a token (RFC 7519 5.2): without cty it is no object of claims. */
	assert_says(verify(sign_slices(slice_text(headers[0].header), token, slice(secret, 32))), "claims", "nested");
}

static void attack_15_forms_and_sizes(void **state)
{
	static char big[(1 << 20) + 1];
	struct fw_slice token = sign(headers[0].header, CLAIMS);
	struct jwt_rules with = rules;

	(void)state;
	with.max_size = sizeof(big);
	memset(big, 'A', sizeof(big));
	assert_says(verify(slice(big, sizeof(big) - 1)), "size", "1 MiB");
	assert_says(verify_with(&with, slice(big, sizeof(big) - 1)), "form", "1 MiB without a dot");
	memset(big, '.', sizeof(big));
	assert_says(verify(slice(big, 1000000)), "size", "a million dots");
	assert_says(verify_with(&with, slice(big, 1000000)), "form", "a million dots, allowed size");
	for (const char *text = "..\0...\0.\0a.b\0a..c\0.b.c\0a.b.\0a.b.c.\0.a.b.c\0a.b.c.d\0a.b.c.d.e\0";
	     *text != '\0'; text += strlen(text) + 1)
		assert_says(verify(slice_text(text)), "form", text);
	assert_says(verify(join(slice_text(" "), copy_text(token))), "base64url", "blank in front");
	assert_says(verify(slice_text("a.b.c")), "base64url", "single digits");
	assert_says(verify(slice_text("AA.AA.AA")), "header", "octets that are no JSON");
}

static void attack_15_deep_json(void **state)
{
	static char deep[4096];
	size_t size = 0;

	(void)state;
	memcpy(deep, "{\"alg\":\"HS256\",\"kid\":\"k\",\"x\":", 29);
	size = 29;
	memset(deep + size, '[', 1000);
	memset(deep + size + 1000, ']', 1000);
	memcpy(deep + size + 2000, "}", 2);
	assert_says(verify(sign(deep, CLAIMS)), "header", "deep header");
	memcpy(deep, "{\"sub\":\"alice\",\"exp\":1,\"x\":   ", 29);
	assert_says(verify(sign(headers[0].header, deep)), "claims", "deep claims");
}

/* The signature is looked at before the claims: what they say of a forged token is not told. */
static void claims_of_a_forged_token_are_not_read(void **state)
{
	static const char *const claims[] = { CLAIMS, "{\"sub\":\"alice\",\"exp\":1}", "{", "",
					      "{\"exp\":1,\"exp\":2}" };

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		assert_says(verify(sign_slices(slice_text(headers[0].header), slice_text(claims[i]),
					       slice_text("another secret of 32 octets at least"))),
			    claims[i][0] == '\0' ? "form" : "signature", "forged");
}

int main(void)
{
	enum { ROWS = sizeof(headers) / sizeof(headers[0]) };
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest others[] = {
		TEST(rfc7515_a_1),
		TEST(attack_1_no_signature),
		TEST(attack_3_public_key_as_secret),
		TEST(attack_4_signatures),
		TEST(attack_5_blank_and_short_keys),
		TEST(attack_7_long_kid),
		TEST(attack_10_other_forms),
		TEST(attack_15_forms_and_sizes),
		TEST(attack_15_deep_json),
		TEST(claims_of_a_forged_token_are_not_read),
	};
#undef TEST
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	static struct CMUnitTest tests[ROWS + OTHERS];

	for (size_t i = 0; i < ROWS; i++) {
		tests[i].name = headers[i].name;
		tests[i].test_func = header_row;
		tests[i].initial_state = (void *)(uintptr_t)i;
	}
	memcpy(tests + ROWS, others, sizeof(others));
	return _cmocka_run_group_tests("jwt", tests, ROWS + OTHERS, NULL, NULL);
}
