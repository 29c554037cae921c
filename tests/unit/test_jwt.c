/* crypto/jwt: tokens that were issued here, claims at their bounds, and every allocation failing once. Attacks and
 * vectors: tests/conformance/conf_jwt.c. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/jwt.h"
#include "crypto_fixture.h"

#define NOW UINT64_C(1700000000)
#define NOW_US (NOW * 1000000 + 999999)

static uint8_t secret_a[] = "0123456789abcdef0123456789abcdef", secret_b[] = "fedcba9876543210fedcba9876543210fedcba98";
static const struct jwt_key key_a = { "a", secret_a, 32 }, key_b = { "b", secret_b, 40 },
			    key_plain = { NULL, secret_a, 32 };

static struct jwt_rules rules_of(const struct jwt_key *keys, size_t count)
{
	return (struct jwt_rules){ .keys = keys, .key_count = count, .skew_s = 60, .max_size = 8192 };
}

static struct fw_slice issue(const struct jwt_key *key, const char *claims)
{
	struct fw_slice token = { 0 };

	assert_int_equal(jwt_issue(&arena, key, slice_text(claims), &token), FW_OK);
	return token;
}

static void an_issued_token_holds(void **state)
{
	const struct jwt_rules rules = rules_of(&key_a, 1);
	struct fw_slice token = issue(&key_a, "{\"sub\":\"alice\",\"exp\":1700000600,\"role\":\"user\"}");
	struct jwt jwt;
	uint32_t role;

	(void)state;
	assert_true(slice_starts(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ."));
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), NULL, "issued");
	assert_true(slice_is(jwt.subject, "alice"));
	assert_true(jwt.expires_s == NOW + 600);
	role = json_member(&jwt.claims, 0, "role", 4);
	assert_true(role != 0 && json_string_is(&jwt.claims, role, "user", 4));
}

/* The same signer elsewhere: Python's hmac and base64 gave this token. */
static void a_token_of_another_signer_holds(void **state)
{
	static const char token[] =
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6MTcwMDAwMDYwMH0.48U4I_"
		"hC6FtvS_28zzo6og_WyZrEvkWmIwTpM6vOSn0";
	const struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;

	(void)state;
	assert_says(jwt_verify(&arena, &rules, slice_text(token), NOW_US, &jwt), NULL, "other signer");
	assert_true(slice_is(jwt.subject, "alice"));
	assert_true(slice_equal(issue(&key_a, "{\"sub\":\"alice\",\"exp\":1700000600}"), slice_text(token)));
}

static const struct {
	const char *claims, *want;
} claims_rows[] = {
	/* exp: RFC 7519 4.1.4, without skew */
	{ "{\"sub\":\"a\",\"exp\":1700000001}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000000}", "expired" },
	{ "{\"sub\":\"a\",\"exp\":1699999999}", "expired" },
	{ "{\"sub\":\"a\",\"exp\":0}", "expired" },
	{ "{\"sub\":\"a\"}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":\"1700000600\"}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":null}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":true}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":[1700000600]}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":{\"exp\":1700000600}}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":-1700000600}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":1700000600.0}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600.000}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600.5}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":1.7e9}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":1700000600e0}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":1e400}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":9007199254740991}", NULL },
	{ "{\"sub\":\"a\",\"exp\":9007199254740992}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":9223372036854775808}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":18446744073709551617}", "exp" },
	{ "{\"sub\":\"a\",\"exp\":100000000000000000000000000000001}", "exp" },
	{ "{\"sub\":\"a\",\"Exp\":1700000600}", "exp" },
	{ "{\"sub\":\"a\",\"\\u0065xp\":1700000600}", NULL }, /* an escape is the same name */
	/* nbf and iat: with a skew of 60 s */
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"nbf\":1700000060}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"nbf\":1700000061}", "nbf" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"nbf\":\"0\"}", "nbf" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"nbf\":-1}", "nbf" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"nbf\":null}", "nbf" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":1700000060}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":1700000061}", "iat" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":0}", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":1.5}", "iat" },
	/* sub */
	{ "{\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":null,\"exp\":1700000600}", "sub" },
	{ "{\"sub\":1,\"exp\":1700000600}", "sub" },
	{ "{\"sub\":[\"a\"],\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"a\\u0000b\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"a\\r\\nX-Role: admin\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"a\\u007f\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"a\\u0085\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"\xc2\x80\",\"exp\":1700000600}", "sub" },
	{ "{\"sub\":\"\xc2\xa0 J\xc3\xbcrgen\",\"exp\":1700000600}", NULL },
	{ "{\"sub\":\"auth0|12 3/x@y\",\"exp\":1700000600}", NULL },
	/* what is no object of claims */
	{ "[]", "claims" },
	{ "\"sub\"", "claims" },
	{ "null", "claims" },
	{ "{\"sub\":\"a\",\"exp\":1700000600", "claims" },
	{ "{\"sub\":\"a\",\"exp\":1700000600} ", NULL },
	{ "{\"sub\":\"a\",\"exp\":1700000600}x", "claims" },
	{ "\xef\xbb\xbf{\"sub\":\"a\",\"exp\":1700000600}", "claims" },
	{ "{\"sub\":\"\xff\",\"exp\":1700000600}", "claims" },
	{ "{\"sub\":\"\xc0\xaf\",\"exp\":1700000600}", "claims" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"exp\":9700000600}", "duplicate member" },
	{ "{\"sub\":\"a\",\"exp\":1700000600,\"s\\u0075b\":\"admin\"}", "duplicate member" },
};

static void claims_hold_or_say_what_does_not(void **state)
{
	const struct jwt_rules rules = rules_of(&key_a, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(claims_rows) / sizeof(claims_rows[0]); i++) {
		struct jwt jwt;

		memset(&jwt, 0xa5, sizeof(jwt));
		assert_says(jwt_verify(&arena, &rules, issue(&key_a, claims_rows[i].claims), NOW_US, &jwt),
			    claims_rows[i].want, claims_rows[i].claims);
		if (claims_rows[i].want != NULL) { /* a caller that does not look at the answer finds nobody */
			assert_int_equal(jwt.subject.size, 0);
			assert_true(jwt.expires_s == 0);
			assert_null(jwt.claims.nodes);
		}
		arena_reset(&arena);
	}
}

static void a_subject_has_a_length(void **state)
{
	const struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;

	(void)state;
	for (size_t size = LIMIT_USER_ID - 1; size <= LIMIT_USER_ID + 1; size++) {
		char claims[256] = "{\"exp\":1700000600,\"sub\":\"", *at = claims + strlen(claims);

		memset(at, 's', size);
		memcpy(at + size, "\"}", 3);
		assert_says(jwt_verify(&arena, &rules, issue(&key_a, claims), NOW_US, &jwt),
			    size > LIMIT_USER_ID ? "sub" : NULL, claims);
	}
}

static void issuer_and_audience_are_exact(void **state)
{
	static const struct {
		const char *claims, *want;
	} rows[] = {
		{ "\"iss\":\"https://id.example\",\"aud\":\"chat\"", NULL },
		{ "\"iss\":\"https:\\/\\/id.example\",\"aud\":\"ch\\u0061t\"", NULL },
		{ "\"iss\":\"https://id.example\",\"aud\":[\"other\",\"chat\"]", NULL },
		{ "\"iss\":\"https://id.example\",\"aud\":[\"chat\"]", NULL },
		{ "\"aud\":\"chat\"", "iss" },
		{ "\"iss\":null,\"aud\":\"chat\"", "iss" },
		{ "\"iss\":[\"https://id.example\"],\"aud\":\"chat\"", "iss" },
		{ "\"iss\":\"https://id.example/\",\"aud\":\"chat\"", "iss" },
		{ "\"iss\":\"https://id.exampl\",\"aud\":\"chat\"", "iss" },
		{ "\"iss\":\"HTTPS://id.example\",\"aud\":\"chat\"", "iss" },
		{ "\"iss\":\"https://id.example\\u0000\",\"aud\":\"chat\"", "iss" },
		{ "\"iss\":\"https://\xd1\x96"
		  "d.example\",\"aud\":\"chat\"",
		  "iss" },
		{ "\"iss\":\"https://id.example\"", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":null", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":[]", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":[[\"chat\"]]", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":{\"chat\":\"chat\"}", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":[\"chat\",1]", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":\"chats\"", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":\"Chat\"", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":\"chat \"", "aud" },
		{ "\"iss\":\"https://id.example\",\"aud\":\"a,chat\"", "aud" },
		{ "\"iss\":\"https://id.example\",\"azp\":\"chat\"", "aud" },
	};
	struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;

	(void)state;
	rules.issuer = "https://id.example";
	rules.audience = "chat";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char claims[256] = "{\"sub\":\"a\",\"exp\":1700000600,";

		strcat(claims, rows[i].claims);
		strcat(claims, "}");
		assert_says(jwt_verify(&arena, &rules, issue(&key_a, claims), NOW_US, &jwt), rows[i].want, claims);
	}
}

static void a_life_is_bounded(void **state)
{
	static const struct {
		const char *claims, *want;
	} rows[] = {
		{ "{\"sub\":\"a\",\"exp\":1700003600}", NULL }, /* from now */
		{ "{\"sub\":\"a\",\"exp\":1700003601}", "lifetime" },
		{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":1699997000}", NULL },
		{ "{\"sub\":\"a\",\"exp\":1700000600,\"iat\":1699996999}", "lifetime" },
		{ "{\"sub\":\"a\",\"exp\":1700003660,\"iat\":1700000060}", NULL },
		{ "{\"sub\":\"a\",\"exp\":1700000010,\"iat\":1700000020}", "lifetime" }, /* ended before it began */
		{ "{\"sub\":\"a\",\"exp\":9007199254740991,\"iat\":0}", "lifetime" },
	};
	struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;

	(void)state;
	rules.max_life_s = 3600;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_says(jwt_verify(&arena, &rules, issue(&key_a, rows[i].claims), NOW_US, &jwt), rows[i].want,
			    rows[i].claims);
}

static void the_kid_names_the_key(void **state)
{
	static const char claims[] = "{\"sub\":\"a\",\"exp\":1700000600}";
	const struct jwt_key both[] = { key_a, key_b }, twice[] = { key_a, key_a }, mixed[] = { key_b, key_plain };
	const struct jwt_key plain_twice[] = { key_plain, key_plain }, lying = { "b", secret_a, 32 };
	const struct {
		const struct jwt_key *keys;
		size_t count;
		const struct jwt_key *signer;
		const char *want;
	} rows[] = {
		{ both, 2, &key_a, NULL },	  { both, 2, &key_b, NULL },
		{ both, 2, &lying, "signature" }, { both, 2, &key_plain, "kid" }, /* no kid, two keys with one */
		{ both, 1, &key_plain, NULL },					  /* no kid, one key */
		{ both, 1, &key_b, "kid" },	  { twice, 2, &key_a, "kid" },	  /* two keys of one name */
		{ mixed, 2, &key_plain, NULL },	  { mixed, 2, &key_b, NULL },
		{ mixed, 2, &key_a, "kid" },	  { &key_plain, 1, &key_plain, NULL },
		{ &key_plain, 1, &key_a, "kid" }, { plain_twice, 2, &key_plain, "kid" },
		{ NULL, 0, &key_plain, "kid" },	  { NULL, 0, &key_a, "kid" },
	};
	struct jwt jwt;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct jwt_rules rules = rules_of(rows[i].keys, rows[i].count);

		assert_says(jwt_verify(&arena, &rules, issue(rows[i].signer, claims), NOW_US, &jwt), rows[i].want,
			    "kid row");
	}
}

static void a_short_key_signs_and_verifies_nothing(void **state)
{
	const struct jwt_key one_less = { "a", secret_a, 31 }, none = { "a", NULL, 0 };
	struct fw_slice token = issue(&key_a, "{\"sub\":\"a\",\"exp\":1700000600}"), out = { 0 };
	struct jwt_rules rules = rules_of(&one_less, 1);
	struct jwt jwt;

	(void)state;
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), "key", "31 octets");
	rules.keys = &none;
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), "key", "no octets");
	assert_int_equal(jwt_issue(&arena, &one_less, slice_text("{}"), &out), FW_ERR_INVALID);
	assert_int_equal(jwt_issue(&arena, &none, slice_text("{}"), &out), FW_ERR_INVALID);
	assert_null(out.data);
}

static void a_kid_that_would_need_escapes_is_refused(void **state)
{
	static const char *const names[] = { "a\"b", "a\\b", "a\nb", "a\x7f", "\xc3\xa9" };
	struct fw_slice out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct jwt_key key = { names[i], secret_a, 32 };

		assert_int_equal(jwt_issue(&arena, &key, slice_text("{}"), &out), FW_ERR_INVALID);
	}
}

static void size_is_looked_at_first(void **state)
{
	struct fw_slice token = issue(&key_a, "{\"sub\":\"a\",\"exp\":1700000600}");
	struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;

	(void)state;
	rules.max_size = token.size;
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), NULL, "of the size");
	rules.max_size = token.size - 1;
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), "size", "one octet more");
	rules.max_size = 0;
	assert_says(jwt_verify(&arena, &rules, token, NOW_US, &jwt), "size", "no size");
	assert_says(jwt_verify(&arena, &rules, slice(NULL, 0), NOW_US, &jwt), "form", "empty");
}

/* No bit of a token can change. */
static void every_octet_counts(void **state)
{
	const struct jwt_rules rules = rules_of(&key_a, 1);
	struct fw_slice token = issue(&key_a, "{\"sub\":\"alice\",\"exp\":1700000600}");
	uint8_t *copy = malloc(token.size + 1);
	struct jwt jwt;
	struct arena small;

	(void)state;
	arena_init(&small, 1 << 16);
	for (size_t at = 0; at < token.size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, token.data, token.size);
			copy[at] ^= (uint8_t)(1 << bit);
			assert_non_null(jwt_verify(&small, &rules, slice(copy, token.size), NOW_US, &jwt));
			arena_reset(&small);
		}
	for (size_t cut = 0; cut < token.size; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact + 1, token.data, cut);
		assert_non_null(jwt_verify(&small, &rules, slice(exact + 1, cut), NOW_US, &jwt));
		arena_reset(&small);
		free(exact);
	}
	for (unsigned octet = 0; octet < 256; octet++) {
		memcpy(copy, token.data, token.size);
		copy[token.size] = (uint8_t)octet;
		assert_non_null(jwt_verify(&small, &rules, slice(copy, token.size + 1), NOW_US, &jwt));
		arena_reset(&small);
	}
	arena_fini(&small);
	free(copy);
}

/* Short of memory nobody is let in, and nothing is lost. */
static void memory_that_is_short_lets_nobody_in(void **state)
{
	struct fw_slice token =
		issue(&key_a, "{\"sub\":\"\\u0061lice\",\"exp\":1700000600,\"iss\":\"\\u0069\",\"aud\":[\"\\u0061\"]}");
	struct jwt_rules rules = rules_of(&key_a, 1);
	struct jwt jwt;
	bool seen = false;

	(void)state;
	rules.issuer = "i";
	rules.audience = "a";
	for (size_t limit = 0; limit < 8192; limit += 8) {
		struct arena small;
		const char *wrong;

		arena_init(&small, limit);
		wrong = jwt_verify(&small, &rules, token, NOW_US, &jwt);
		assert_true(wrong != NULL || slice_is(jwt.subject, "alice"));
		assert_false(seen && wrong != NULL);
		seen = wrong == NULL;
		arena_fini(&small);
	}
	assert_true(seen);
	for (uint64_t n = 1; n < 4; n++) {
		struct arena fresh;
		struct fw_slice out = { 0 };

		arena_init(&fresh, 1 << 20);
		mem_fail_at(n);
		assert_true(jwt_verify(&fresh, &rules, token, NOW_US, &jwt) == NULL ? n > 1 : jwt.subject.size == 0);
		mem_fail_at(0);
		arena_fini(&fresh);
		arena_init(&fresh, 0);
		assert_int_equal(jwt_issue(&fresh, &key_a, slice_text("{}"), &out), FW_ERR_MEMORY);
		assert_null(out.data);
		arena_fini(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_issued_token_holds),
		TEST(a_token_of_another_signer_holds),
		TEST(claims_hold_or_say_what_does_not),
		TEST(a_subject_has_a_length),
		TEST(issuer_and_audience_are_exact),
		TEST(a_life_is_bounded),
		TEST(the_kid_names_the_key),
		TEST(a_short_key_signs_and_verifies_nothing),
		TEST(a_kid_that_would_need_escapes_is_refused),
		TEST(size_is_looked_at_first),
		TEST(every_octet_counts),
		TEST(memory_that_is_short_lets_nobody_in),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
