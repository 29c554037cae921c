/* authentication.issuers and pairs as own keys: what becomes of them in a policy, and every allocation failing once.
 * With real tokens: tests/e2e/test_issuers.py. */
#include "policy_of.h"

#include "policy/fingerprint.h"

static const char yaml[] = "authentication:\n"
			   "  jwt: { keys: [ { kid: own, secret: 0123456789abcdef0123456789abcdef } ] }\n"
			   "  issuers:\n"
			   "    - issuer: x\n"
			   "      audience: y\n"
			   "      jwks: '{\"keys\":[%s,%s]}'\n"
			   "      roles: { admin: [a, b], user: [c] }\n"
			   "      roles_from: /r/s\n"
			   "      default_role: none\n"
			   "      type: at+jwt\n"
			   "      user: email\n"
			   "      user_prefix: 'p:'\n";
static const char ec_key[] =
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WUU2bROzdifWCDAxdD-qOF6a6eABlldQTFhpb8pb4PU\",\"y\":\"5jp6kghylHK_"
	"kmWWD6THF0Nb5Vek4NyfaO9ejg4OT5o\",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"a\"}";
static const char ed_key[] =
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"PsAo3JDbNU8mo1xRSSveMu64kpOk5mMZhzJty7x48l8\",\"alg\":\"EdDSA\","
	"\"use\":\"sig\",\"kid\":\"b\"}";

static const char *text_with(const char *first, const char *second)
{
	static char text[4096];

	snprintf(text, sizeof(text), yaml, first, second);
	return text;
}

static void issuers(void **state)
{
	struct fw_policy *policy = policy_of(text_with(ec_key, ed_key));
	const struct policy_issuer *issuer;

	(void)state;
	assert_int_equal(policy->issuer_count, 1);
	issuer = &policy->issuers[0];
	assert_string_equal(issuer->rules.issuer, "x");
	assert_string_equal(issuer->rules.audience, "y");
	assert_string_equal(issuer->rules.type, "at+jwt");
	assert_int_equal(issuer->rules.key_count, 2);
	assert_string_equal(issuer->rules.keys[0].kid, "a");
	assert_int_equal(issuer->rules.keys[1].algorithm, JOSE_EDDSA);
	assert_int_equal(issuer->rules.skew_s, 60);
	assert_int_equal(issuer->rules.max_life_s, 86400);
	assert_int_equal(issuer->rules.max_size, 8192);
	assert_int_equal(issuer->role_count, 3);
	assert_int_equal(issuer->default_role, POLICY_NONE);
	assert_string_equal(issuer->user_claim, "email");
	assert_string_equal(issuer->user_prefix, "p:");
	fw_policy_unref(policy);
}

static bool marked(const struct fw_policy *policy, uint64_t mark)
{
	uint16_t role;

	return policy_credential_counts(policy, mark, &role);
}

/* What a login rests on: the key, and what else decides who comes by it. */
static void marks(void **state)
{
	static const char *const changes[][2] = { { "audience: y", "audience: z" },
						  { "[a, b]", "[a]" },
						  { "default_role: none", "default_role: guest" },
						  { "at+jwt", "JWT" },
						  { "user: email", "user: name" },
						  { "'p:'", "'q:'" },
						  { "/r/s", "/r/t" } };
	struct fw_policy *policy = policy_of(text_with(ec_key, ed_key)), *other = policy_of(text_with(ed_key, ec_key));
	struct fingerprint before, after;
	uint64_t mark = policy->issuers[0].marks[0];

	(void)state;
	assert_true(mark != policy->issuers[0].marks[1] && mark != policy->jwt_marks[0]);
	assert_true(marked(policy, mark));
	assert_true(marked(other, mark));
	fw_policy_unref(other);
	assert_true(fingerprint_make(policy, slice_text("k"), &before));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char text[4096];
		const char *whole = text_with(ec_key, ed_key), *at = strstr(whole, changes[i][0]);

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, changes[i][1],
			 at + strlen(changes[i][0]));
		other = policy_of(text);
		assert_false(marked(other, mark));
		assert_true(marked(other, policy->jwt_marks[0]));
		assert_true(fingerprint_make(other, slice_text("k"), &after));
		for (unsigned row = 0; row < FINGERPRINT_ROWS; row++)
			assert_int_equal(fingerprint_differs(&before, &after, row), row == FINGERPRINT_issuers);
		fw_policy_unref(other);
	}
	fw_policy_unref(policy);
}

static void short_of_memory(void **state)
{
	struct fw_policy *policy;

	(void)state;
	for (uint64_t n = 1;; n++) {
		int result;

		mem_fail_at(n);
		result = load_result(text_with(ec_key, ed_key), &policy);
		mem_fail_at(0);
		if (result == FW_OK)
			break;
		assert_int_equal(result, FW_ERR_MEMORY);
		assert_null(policy);
		assert_true(n < 10000);
	}
	fw_policy_unref(policy);
}

static void mistakes(void **state)
{
	(void)state;
	refused_for("authentication: {issuers: 5}", "is a list, not a single value");
	refused_for("authentication: {issuers: [5]}", "each issuer is a mapping");
	refused_for("authentication: {issuers: [{issuer: '', audience: y, jwks: '{}'}]}",
		    "\"issuer\" is a text of 1 to");
	refused_for("authentication: {issuers: [{issuer: x, audience: y, jwks: '{\"keys\":5}'}]}",
		    "cannot be used: no keys");
	refused_for("authentication: {issuers: [{issuer: x, audience: y, algorithm: ES256, jwks: '{\"keys\":[]}'}]}",
		    "beside \"jwks\" the algorithm is that of RSA keys");
	refused_for("authentication: {issuers: [{issuer: x, audience: y, algorithm: HS256, jwks: '{}'}]}",
		    "an algorithm of an issuer is one of");
	refused_for("authentication: {issuers: [{issuer: x, audience: y, jwks: '{}', require_bound: yes}]}",
		    "one of none, certificate, dpop and either");
	refused_for("authentication: {jwt: {require_bound: both}}", "require_bound");
	refused_for("authentication: {dpop: {url: chat.example.com}}", "is not scheme://host");
	refused_for("authentication: {dpop: {url: 'https://chat.example.com/chat'}}", "is not scheme://host");
	refused_for("authentication: {dpop: {url: 'ftp://chat.example.com'}}", "is not scheme://host");
	refused_for("authentication: {issuers: [{issuer: x, audience: y, jwks: '{}', default_role: nobody}]}",
		    "there is no role \"nobody\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issuers),
		cmocka_unit_test(marks),
		cmocka_unit_test(short_of_memory),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
