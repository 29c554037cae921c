/* What of a provider's answers is taken: URLs, discovery documents, sets of keys; and policies with keys that came
 * later. */
#include "policy_of.h"

#include "base/mem.h"
#include "policy/fingerprint.h"

static const char ec_key[] =
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WUU2bROzdifWCDAxdD-qOF6a6eABlldQTFhpb8pb4PU\",\"y\":\"5jp6kghylHK_"
	"kmWWD6THF0Nb5Vek4NyfaO9ejg4OT5o\",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"a\"}";
static const char ed_key[] =
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"PsAo3JDbNU8mo1xRSSveMu64kpOk5mMZhzJty7x48l8\",\"alg\":\"EdDSA\","
	"\"use\":\"sig\",\"kid\":\"b\"}";

static void urls(void **state)
{
	static const struct {
		const char *text, *fault; /* part of it; NULL: it holds */
		bool allow_http;
	} rows[] = {
		{ "https://x", NULL, false },
		{ "https://login.example.com:8443/a/b?c=d", NULL, false },
		{ "https://[2606:4700::1111]/", NULL, false },
		{ "http://x/", NULL, true },
		{ "http://x/", "allow_http", false },
		{ "HTTPS://x/", "https://", false },
		{ "ftp://x/", "https://", true },
		{ "file:///etc/passwd", "https://", true },
		{ "//x/", "https://", true },
		{ "", "https://", true },
		{ "https://", "with a host", false },
		{ "https:///x", "with a host", false },
		{ "https://?x", "with a host", false },
		{ "https://:443/", "with a host", false },
		{ "https://a@x/", "without user", false },
		{ "https://a:b@x", "without user", false },
		{ "https://x/a@b", NULL, false },
		{ "https://x/#a", "without fragment", false },
		{ "https://x#", "without fragment", false },
		{ "https://x y/", "visible ASCII", false },
		{ "https://x\\@y/", "visible ASCII", false },
		{ "https://x/\n", "visible ASCII", false },
		{ "https://\xc3\xa9/", "visible ASCII", false },
	};
	static char longer[PROVIDER_URL_MOST + 1] = "https://x/";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *fault = provider_url_fault(slice_text(rows[i].text), rows[i].allow_http);

		if ((fault == NULL) != (rows[i].fault == NULL))
			print_error("%s: %s\n", rows[i].text, fault != NULL ? fault : "holds");
		assert_true((fault == NULL) == (rows[i].fault == NULL));
		assert_true(fault == NULL || strstr(fault, rows[i].fault) != NULL);
	}
	memset(longer + 10, 'a', sizeof(longer) - 11);
	assert_non_null(provider_url_fault(slice_text(longer), false));
	longer[PROVIDER_URL_MOST - 1] = '\0';
	assert_null(provider_url_fault(slice_text(longer), false));
	assert_non_null(provider_url_fault(slice("https://x\0y", 11), false));
}

static void where_a_document_is(void **state)
{
	char url[PROVIDER_URL_MOST], longer[PROVIDER_URL_MOST];

	(void)state;
	assert_true(provider_discovery_url("https://x", url));
	assert_string_equal(url, "https://x/.well-known/openid-configuration");
	assert_true(provider_discovery_url("https://x/", url));
	assert_string_equal(url, "https://x/.well-known/openid-configuration");
	assert_true(provider_discovery_url("https://x/realms/staff", url));
	assert_string_equal(url, "https://x/realms/staff/.well-known/openid-configuration");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(provider_discovery_url(longer, url));
}

static void documents(void **state)
{
	static const struct {
		const char *text, *fault; /* NULL: it holds */
	} rows[] = {
		{ "{\"issuer\":\"https://x\",\"jwks_uri\":\"https://y/keys\"}", NULL },
		{ " {\"a\":[{}],\"jwks_uri\":\"https:\\/\\/y\\/keys\",\"issuer\":\"https:\\u002f/x\"}", NULL },
		{ "{\"issuer\":\"https://x/\",\"jwks_uri\":\"https://y/keys\"}", "another issuer" },
		{ "{\"issuer\":\"https://X\",\"jwks_uri\":\"https://y/keys\"}", "another issuer" },
		{ "{\"issuer\":[\"https://x\"],\"jwks_uri\":\"https://y/keys\"}", "another issuer" },
		{ "{\"issuer\":\"https://x\\u0000\",\"jwks_uri\":\"https://y/keys\"}", "another issuer" },
		{ "{\"jwks_uri\":\"https://y/keys\"}", "another issuer" },
		{ "{\"issuer\":\"https://x\"}", "no jwks_uri" },
		{ "{\"issuer\":\"https://x\",\"jwks_uri\":null}", "no jwks_uri" },
		{ "{\"issuer\":\"https://x\",\"jwks_uri\":\"http://y/keys\"}", "no URL that is asked" },
		{ "{\"issuer\":\"https://x\",\"jwks_uri\":\"\"}", "no URL that is asked" },
		{ "{\"issuer\":\"https://x\",\"jwks_uri\":\"https://y/\\u0000\"}", "no URL that is asked" },
		{ "{\"issuer\":\"https://z\",\"issuer\":\"https://x\",\"jwks_uri\":\"https://y/keys\"}",
		  "no JSON object" },
		{ "[]", "no JSON object" },
		{ "", "no JSON object" },
		{ "{\"issuer\":\"https://x\"", "no JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fw_slice url;
		struct arena arena;
		const char *fault;

		arena_init(&arena, 1 << 20);
		fault = provider_read_discovery(&arena, slice_text(rows[i].text), "https://x", false, &url);
		if (rows[i].fault == NULL) {
			assert_null(fault);
			assert_true(slice_is(url, "https://y/keys"));
		} else {
			if (fault == NULL || strstr(fault, rows[i].fault) == NULL)
				print_error("%s\n", rows[i].text);
			assert_non_null(strstr(fault, rows[i].fault));
			assert_null(url.data);
		}
		arena_fini(&arena);
	}
}

static struct fw_policy *with_provider(const char *more)
{
	static char text[1024];

	snprintf(
		text, sizeof(text),
		"authentication: { issuers: [ { issuer: i, audience: y, user_prefix: 'i:', jwks_url: 'https://x/'%s }, "
		"{ issuer: f, audience: y, jwks: '{\"keys\":[%s]}' } ] }",
		more, ed_key);
	return policy_of(text);
}

static struct fw_slice set_of(const char *first, const char *second)
{
	static char text[4096];

	snprintf(text, sizeof(text), "{\"keys\":[%s%s%s]}", first, second[0] != '\0' ? "," : "", second);
	return slice_text(text);
}

/* The policy with keys refers to the one that was compiled, is not changed by the next one, and outlives both. */
static void keys_come_later(void **state)
{
	struct fw_policy *root = with_provider(""), *first, *second, *none;
	struct policy_fetched set = { "i", { NULL, 0 } };
	struct fingerprint before, after;
	const struct policy_issuer *issuer;
	uint64_t mark;
	uint16_t role;

	(void)state;
	assert_null(root->root);
	assert_int_equal(root->issuers[0].rules.key_count, 0);
	set.jwks = set_of(ec_key, "");
	first = policy_with_keys(root, &set, 1);
	set.jwks = set_of(ec_key, ed_key);
	second = policy_with_keys(first, &set, 1);
	none = policy_with_keys(second, NULL, 0);
	assert_ptr_equal(first->root, root);
	assert_ptr_equal(second->root, root); /* no chain of them */
	assert_int_equal(root->issuers[0].rules.key_count, 0);
	assert_int_equal(first->issuers[0].rules.key_count, 1);
	assert_int_equal(second->issuers[0].rules.key_count, 2);
	assert_int_equal(none->issuers[0].rules.key_count, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal((i == 0 ? first : second)->issuers[1].rules.key_count, 1);
	mark = first->issuers[0].marks[0];
	assert_true(policy_credential_counts(second, mark, &role));
	assert_false(policy_credential_counts(none, mark, &role));
	assert_false(policy_credential_counts(root, mark, &role));
	assert_true(policy_credential_counts(none, root->issuers[1].marks[0], &role));
	/* What an issuer answers is no part of the configuration. */
	assert_true(fingerprint_make(root, slice_text("key"), &before) &&
		    fingerprint_make(second, slice_text("key"), &after));
	assert_memory_equal(before.whole, after.whole, sizeof(before.whole));
	fw_policy_unref(root);
	fw_policy_unref(first);
	fw_policy_unref(none);
	issuer = policy_issuer_find(second, slice_text("i"));
	assert_string_equal(issuer->rules.keys[0].kid, "a");
	assert_true(jose_key_usable(&issuer->rules.keys[1]));
	fw_policy_unref(second);
}

/* Whose set is none has no keys; what is not fetched never gets any. */
static void sets_that_are_none(void **state)
{
	static const char *const texts[] = { "", "{}", "{\"keys\":[]}", "[]", "{\"keys\":[5]}" };
	struct fw_policy *root = with_provider(""), *made;
	struct policy_fetched set = { "f", set_of(ec_key, "") };

	(void)state;
	made = policy_with_keys(root, &set, 1);
	assert_string_equal(made->issuers[1].rules.keys[0].kid, "b");
	fw_policy_unref(made);
	set.issuer = "i";
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		set.jwks = slice_text(texts[i]);
		made = policy_with_keys(root, &set, 1);
		assert_int_equal(made->issuers[0].rules.key_count, 0);
		fw_policy_unref(made);
	}
	set.jwks = set_of(ec_key, ec_key); /* two of one kid */
	made = policy_with_keys(root, &set, 1);
	assert_int_equal(made->issuers[0].rules.key_count, 0);
	fw_policy_unref(made);
	fw_policy_unref(root);
}

/* The fingerprint tells of each change in how an issuer is asked. */
static void changes(void **state)
{
	static const char *const more[] = { ", allow_private: true", ", min_age: 61", ", max_stale: 1", ", refetch: 31",
					    ", ca_file: x",	     ", timeout: 11", ", max_age: 61" };
	struct fw_policy *policy = with_provider("");
	struct fingerprint before, after;

	(void)state;
	assert_true(fingerprint_make(policy, slice_text("key"), &before));
	fw_policy_unref(policy);
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		policy = with_provider(more[i]);
		assert_true(fingerprint_make(policy, slice_text("key"), &after));
		assert_true(fingerprint_differs(&before, &after, FINGERPRINT_issuers));
		fw_policy_unref(policy);
	}
}

static void every_allocation_fails_once(void **state)
{
	struct fw_policy *root = with_provider(""), *made = NULL;
	struct policy_fetched set = { "i", set_of(ec_key, ed_key) };
	unsigned failed = 0;

	(void)state;
	for (uint64_t n = 1; made == NULL && n < 1000; n++) {
		mem_fail_at(n);
		made = policy_with_keys(root, &set, 1);
		mem_fail_at(0);
		failed += made == NULL;
	}
	assert_non_null(made);
	assert_true(failed > 2);
	assert_int_equal(made->issuers[0].rules.key_count, 2);
	fw_policy_unref(made);
	fw_policy_unref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(where_a_document_is),
		cmocka_unit_test(documents),
		cmocka_unit_test(keys_come_later),
		cmocka_unit_test(sets_that_are_none),
		cmocka_unit_test(changes),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
