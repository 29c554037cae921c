/* fingerprint: which keys of two configurations differ; what needs a restart. policy_credential: which keys still
 * count. */
#include "policy_of.h"

#include "policy/fingerprint.h"

static const char key[] = "of a data directory";

static struct fingerprint of(const char *yaml)
{
	struct fw_policy *policy = policy_of(yaml);
	struct fingerprint made;

	assert_true(fingerprint_make(policy, slice_text(key), &made));
	fw_policy_unref(policy);
	return made;
}

/* The rows that differ, with commas. */
static void differ(const char *before, const char *after, const char *expected)
{
	struct fingerprint a = of(before), b = of(after);
	char found[512] = "";

	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++)
		if (fingerprint_differs(&a, &b, row))
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
				 found[0] != '\0' ? "," : "", fingerprint_path(row));
	assert_string_equal(found, expected);
	assert_int_equal(memcmp(a.whole, b.whole, sizeof(a.whole)) == 0, expected[0] == '\0');
}

static void only_what_differs_is_named(void **state)
{
	(void)state;
	differ("", "", "");
	differ("# a remark\nworkers: 0\n", "", ""); /* what counts is the value */
	differ("", "rate_limiting: { messages_per_minute: 61 }\n", "rate_limiting.messages_per_minute");
	differ("", "mode: monitor\norigin: { required: true, allowed: [ \"https://a.example\" ] }\n",
	       "mode,origin.allowed,origin.required");
	differ("hosts: [ ab, c ]\n", "hosts: [ a, bc ]\n", "hosts");
	differ("hosts: [ a, b ]\n", "hosts: [ b, a ]\n", "hosts");
	differ("", "rbac: { roles: { clerk: { inherits: [ user ] } } }\n", "rbac");
	differ("routes: [ { path: /a } ]\n", "routes: [ { path: /a, anonymous: guest } ]\n", "routes");
	differ("routes: [ { path: /a, upstream: \"ws://a\" } ]\n", "routes: [ { path: /a, upstream: \"wss://a\" } ]\n",
	       "routes");
	differ("", "validation: { message_sizes: { chat_message: 999 } }\n",
	       "validation.message_sizes and max_lengths");
	differ("", "validation: { allowed_html_attributes: { a: [ href ] } }\n", "validation.allowed_html_attributes");
	differ("", "audit_logging: { log_levels: { auth_success: warning } }\n", "audit_logging.log_levels");
	differ("tls: { certificate: a.pem }\n",
	       "tls: { certificate: a.pem, certificates: [ { certificate: b.pem } ] }\n", "tls.certificates");
	differ("tls: { certificate: a.pem }\n", "tls: { certificate: b.pem }\n", "tls.certificate");
}

#define KEYS(kid, secret) "authentication: { jwt: { keys: [ { kid: " kid ", secret: \"" secret "\" } ] } }\n"

static void secrets_are_told_apart_and_not_told(void **state)
{
	struct fw_policy *policy = policy_of(KEYS("a", "a secret of at least 32 octets, one"));
	struct fingerprint ours, theirs;

	(void)state;
	differ(KEYS("a", "a secret of at least 32 octets, one"), KEYS("a", "a secret of at least 32 octets, two"),
	       "authentication.jwt.keys");
	differ(KEYS("a", "a secret of at least 32 octets, one"), KEYS("b", "a secret of at least 32 octets, one"),
	       "authentication.jwt.keys");
	assert_true(fingerprint_make(policy, slice_text(key), &ours));
	assert_true(fingerprint_make(policy, slice_text("of another one"), &theirs));
	/* A row that nothing went into is zero for both. */
	for (unsigned row = 0; row < FINGERPRINT_rbac; row++) /* whoever has not the key cannot try values */
		assert_true(fingerprint_differs(&ours, &theirs, row));
	assert_memory_not_equal(ours.whole, theirs.whole, sizeof(ours.whole));
	fw_policy_unref(policy);
}

static void what_needs_a_restart_says_why(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++) {
		assert_non_null(fingerprint_path(row));
		count += fingerprint_restart(row) != NULL;
	}
	assert_true(count >= 4);
	assert_non_null(fingerprint_restart(FINGERPRINT_listen));
	assert_null(fingerprint_restart(FINGERPRINT_messages_per_minute));
}

static void a_mark_counts_as_long_as_its_key(void **state)
{
	static const char secret[] = "a secret of at least 32 octets, one";
	struct fw_policy *before = policy_of(KEYS("a", "a secret of at least 32 octets, one"));
	const struct {
		const char *yaml;
		bool counts;
	} cases[] = {
		{ KEYS("a", "a secret of at least 32 octets, one") "rate_limiting: { messages_per_minute: 1 }\n",
		  true },
		{ KEYS("other", "a secret of at least 32 octets, one"), true }, /* a name is no key */
		{ KEYS("a", "a secret of at least 32 octets, two"), false },
		{ "authentication: { methods: [ api_key ], jwt: { keys: [ { kid: a, secret: \"a secret of at least 32 "
		  "octets, one\" } ] } }\n",
		  false },
		{ "authentication: { jwt: { issuer: x, keys: [ { kid: a, secret: \"a secret of at least 32 octets, "
		  "one\" } ] } }\n",
		  false },
		{ "authentication: { jwt: { audience: x, keys: [ { kid: a, secret: \"a secret of at least 32 octets, "
		  "one\" } ] } }\n",
		  false },
		{ "authentication: { jwt: { keys: [ { kid: z, secret: \"a secret of at least 32 octets, new\" }, { "
		  "kid: a, secret: \"a secret of at least 32 octets, one\" } ] } }\n",
		  true },
	};
	uint64_t mark = before->jwt_marks[0];
	uint16_t role;

	(void)state;
	assert_int_equal(before->jwt_key_count, 1);
	assert_memory_equal(before->jwt_keys[0].secret, secret, sizeof(secret) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fw_policy *after = policy_of(cases[i].yaml);

		assert_int_equal(policy_credential_counts(after, mark, &role), cases[i].counts);
		assert_int_equal(role, POLICY_NONE);
		fw_policy_unref(after);
	}
	fw_policy_unref(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs_is_named),
		cmocka_unit_test(secrets_are_told_apart_and_not_told),
		cmocka_unit_test(what_needs_a_restart_says_why),
		cmocka_unit_test(a_mark_counts_as_long_as_its_key),
	};

	return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
