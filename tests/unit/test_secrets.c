/* The rules of secret_rules.def: what is a secret, what looks like one, and where it is found in a text. */
#include "policy_of.h"

#include <stdlib.h>

#include "engine/secrets.h"

enum { ALL = (1u << SECRET_KINDS) - 1, FOUND = 512 };

static struct {
	char text[FOUND];
	size_t used, size; /* size: of the last */
} seen;

static bool see(void *user, const struct secret_hit *hit)
{
	const struct fw_slice *text = user;

	assert_true(hit->offset + hit->size <= text->size && hit->size != 0);
	seen.size = hit->size;
	seen.used += (size_t)snprintf(seen.text + seen.used, FOUND - seen.used, "%s%s:%.*s", seen.used != 0 ? " " : "",
				      secret_rule_id(hit->rule), (int)(hit->size < 60 ? hit->size : 60),
				      (const char *)text->data + hit->offset);
	return true;
}

/* In memory of just its size, so that a sanitizer sees an octet too many. */
static const char *find(const char *text)
{
	struct fw_slice exact = { NULL, strlen(text) };
	uint8_t *copy = malloc(exact.size + 1);

	assert_non_null(copy);
	copy = realloc(copy, exact.size != 0 ? exact.size : 1);
	memcpy(copy, text, exact.size);
	exact.data = copy;
	seen.used = 0;
	seen.text[0] = '\0';
	secrets_find(exact, ALL, see, &exact);
	free(copy);
	return seen.text;
}

struct example {
	unsigned rule;
	const char *secret;
};
/* Made for this test by the published formats; none was ever anybody's. The names are cut so that no scanner of
 * repositories takes them for real. */
static const struct example examples[] = {
	{ SECRET_aws_access_key, "AKIA"
				 "QYLPMN5HFIQR7XYA" },
	{ SECRET_aws_temporary_key, "ASIA"
				    "QYLPMN5HFIQR7XYA" },
	{ SECRET_gcp_api_key, "AIza"
			      "SyB7dk39Qx_Lm2-Vp0RtYw8ZcUeHgFoAiNs" },
	{ SECRET_gcp_oauth_secret, "GOCSPX-"
				   "a1B2c3D4e5F6g7H8i9J0k-L_m2N4" },
	{ SECRET_azure_storage_key,
	  "AccountKey="
	  "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kA==" },
	{ SECRET_github_token, "gh"
			       "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17" },
	{ SECRET_github_pat,
	  "github"
	  "_pat_11ABCDEFG0aBcDeFgHiJkL_mN0pQ1rS2tU3vW4xY5zA6bC7dE8fG9hI0jK1lM2nO3pQ4rS5tU6vW7xY8zA" },
	{ SECRET_gitlab_token, "gl"
			       "pat-aB3dE5gH7jK9mN1pQ3sT" },
	{ SECRET_gitlab_token, "gl"
			       "pat-aB3dE5gH7jK9mN1pQ3sTuV5wX7.01.0z1y2x3w4" },
	{ SECRET_slack_token, "xo"
			      "xb-2409283746519-2409283746520-aB3dE5gH7jK9mN1pQ3sTuV5w" },
	{ SECRET_slack_webhook, "hooks.slack.com/services/"
				"T01ABCDEF2G/B03HIJKLM4N/aB3dE5gH7jK9mN1pQ3sTuV5w" },
	{ SECRET_stripe_key, "sk_"
			     "live_aB3dE5gH7jK9mN1pQ3sTuV5w" },
	{ SECRET_stripe_restricted_key, "rk_"
					"live_aB3dE5gH7jK9mN1pQ3sTuV5w" },
	{ SECRET_pypi_token, "pypi-"
			     "AgEIcHlwaS5vcmcCJDk0YzE2YjQ4LTU0ZTQtNDBhNS1iMTU1LTZkYjQ0ZTg4ZjM2MwACKlszLCJh" },
	{ SECRET_sendgrid_key, "SG"
			       ".aB3dE5gH7jK9mN1pQ3sTuV.aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9bC1dE3fG5hI7jK" },
	{ SECRET_openai_key, "sk-"
			     "proj-aB3dE5gH7jK9mN1pQ3sT"
			     "T3BlbkFJ"
			     "aB3dE5gH7jK9mN1pQ3sT" },
	{ SECRET_anthropic_key,
	  "sk-"
	  "ant-api03-aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9bC1dE3fG5hI7jKaB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9bC1dE3fG5hI7jK-AA" },
	{ SECRET_huggingface_token, "hf"
				    "_aBcDeFgHiJkLmNoPqRsTuVwXyZabCDEFGH" },
	{ SECRET_digitalocean_token, "dop_"
				     "v1_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
	{ SECRET_shopify_token, "shp"
				"at_0123456789abcdef0123456789abcdef" },
	{ SECRET_jwt, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
		      "XgL0n3I9PlFUP0THsR8U" },
	{ SECRET_azure_client_secret, "aB3"
				      "8Q~dE5gH7jK9mN1pQ3sTuV5wX7yZ9bC1dE3fG" },
	{ SECRET_aws_access_key, "AKIA"
				 "QYLPMN5HFIQR7XYB" },
	{ SECRET_card, "4111111111111111" },
	{ SECRET_card, "4111 1111 1111 1111" },
	{ SECRET_card, "5555-5555-5555-4444" },
	{ SECRET_card, "2223000048400011" },
	{ SECRET_card, "378282246310005" },
	{ SECRET_card, "3782 822463 10005" },
	{ SECRET_card, "30569309025904" },
	{ SECRET_card, "3056 930902 5904" },
	{ SECRET_card, "6011111111111117" },
	{ SECRET_card, "3530111333300000" },
	{ SECRET_card, "6205 5000 0000 0000 004" },
	{ SECRET_iban, "DE89370400440532013000" },
	{ SECRET_iban, "DE89 3704 0044 0532 0130 00" },
	{ SECRET_iban, "GB82 WEST 1234 5698 7654 32" },
	{ SECRET_iban, "NO9386011117947" },
	{ SECRET_iban, "MT84MALT011000012345MTLCAST001S" },
	{ SECRET_email, "eve.b+x@mail.example.com" },
	{ SECRET_phone, "+49 (0)30 1234567" },
	{ SECRET_phone, "+14155552671" },
};

static const char *expected(const struct example *example)
{
	static char text[FOUND];

	snprintf(text, sizeof(text), "%s:%.60s", secret_rule_id(example->rule), example->secret);
	return text;
}

static void test_each(void **state)
{
	static const char *const around[][2] = {
		{ "", "" },	   { "my key is ", ", thanks" }, { "{\"text\":\"", "\"}" },	     { "(", ")" },
		{ "key='", "';" }, { "a lot\n", "\nmore" },	 { "\xe5\x8d\xa1", " \xe5\x8d\xa1" }
	};
	char text[FOUND];

	(void)state;
	for (unsigned i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		for (unsigned k = 0; k < sizeof(around) / sizeof(*around); k++) {
			snprintf(text, sizeof(text), "%s%s%s", around[k][0], examples[i].secret, around[k][1]);
			assert_string_equal(find(text), expected(&examples[i]));
		}
}

/* Cut by one octet at either end, or one octet longer: none of them any more, and no other. */
static void test_edges(void **state)
{
	char text[FOUND];

	(void)state;
	for (unsigned i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const struct example *example = &examples[i];
		enum secret_kind kind = secret_rule_kind(example->rule);

		snprintf(text, sizeof(text), "x%s", example->secret);
		if (kind != SECRET_KIND_email && example->rule != SECRET_azure_client_secret)
			assert_string_equal(find(text), "");
		for (size_t size = strlen(example->secret); size-- != 0;) {
			snprintf(text, sizeof(text), "%.*s", (int)size, example->secret);
			find(text); /* no octet beyond it is read */
		}
		if (kind == SECRET_KIND_cards || kind == SECRET_KIND_iban) {
			snprintf(text, sizeof(text), "%s1", example->secret);
			assert_string_equal(find(text), "");
			snprintf(text, sizeof(text), "%s", example->secret);
			text[strlen(text) - 1] = text[strlen(text) - 1] == '7' ? '8' : '7';
			assert_string_equal(find(text), "");
		}
	}
}

/* Each check value, prefix and length counts. */
static void test_none(void **state)
{
	static const char *const none[] = {
		"AKIAIOSFODNN7EXAMPLE",
		"AKIAAAAAAAAAAAAAAAAA",
		"ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18",
		"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"glpat-xxxxxxxxxxxxxxxxxxxx",
		"npm_aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9bC1dE3f",
		"sk-this-is-a-long-name-of-a-css-class-that-goes-on-and-on",
		"eyJhbGciOiJIUzI1NiJ9 eyJzdWIiOiIxIn0 and more",
		"eyJub3QiOiJhIGhlYWRlciJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
		"-----BEGIN PRIVATE KEY----- is how a private key begins, and -----END PRIVATE KEY----- ends it",
		"-----BEGIN "
		"CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQx1PDvN9n3Zy0n4N3h0sQ8bJwqIwCgYIKoZIzj0EAwIw\n-----END "
		"CERTIFICATE-----",
		"-----BEGIN PUBLIC "
		"KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE0000000\n-----END PUBLIC "
		"KEY-----",
		"the order 1234567812345670 of today",	/* Luhn holds, no issuer */
		"1700000000000000 1700000000000000000", /* times */
		"4111111111111112",
		"41111111111111",
		"4111.1111.1111.1111",
		"411 1111 1111 11111",
		"x4111111111111111",
		"4111111111111111x",
		"id_4111111111111111",
		"0.4111111111111111",
		"4111111111111111.5",
		"/posts/4111111111111111/edit",
		"#4111111111111111",
		"1111 4111 1111 1111 1111",
		"4111 1111 1111 1111 1111",
		"4111-1111 1111-1111",
		"0x4111111111111111",
		"550e8400-e29b-41d4-a716-446655440000",
		"DE89370400440532013001",
		"XX89370400440532013000",
		"de89370400440532013000",
		"DE8937040044053201300",
		"SHOUTED WORDS LIKE THESE ARE NO ACCOUNT IN GB82 OR DE89 AT ALL",
		"user@localhost",
		"@decorator",
		"git@github",
		"a@b.c",
		"x @ y.com",
		"+1 234",
		"1+23456789012",
		"+0123456789",
		"c++11",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_string_equal(find(none[i]), "");
}

static void test_keys(void **state)
{
#define LINE "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
	static const char *const keys[] = {
		"-----BEGIN PRIVATE KEY-----\n" LINE LINE "-----END PRIVATE KEY-----",
		"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: "
		"AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\r\n\r\n" LINE "-----END RSA PRIVATE KEY-----",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n" LINE "b3BlbnNzaC1rZXktdjEAAAAA",
		"-------BEGIN EC PRIVATE KEY-----" LINE "-----END EC PRIVATE KEY-----",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char around[FOUND];

		snprintf(around, sizeof(around), "-- see: %s and so on", keys[i]);
		find(around);
		assert_true(strncmp(seen.text, "private_key:-----", 17) == 0);
		assert_int_equal(seen.size, strlen(keys[i]));
	}
}

/* The secret of AWS has no form of its own: the name before it says what it is. */
static void test_named(void **state)
{
#define SECRET "wJalrXUtnFEMI/K7MDENGbPxRfiCYzW1Q2e3R4t5"
	(void)state;
	assert_string_equal(find("{\"SecretAccessKey\":\"" SECRET "\"}"), "aws_secret_key:" SECRET);
	assert_string_equal(find("aws_secret_access_key = " SECRET), "aws_secret_key:" SECRET);
	assert_string_equal(find("AWS_SECRET_ACCESS_KEY=" SECRET "\n"), "aws_secret_key:" SECRET);
	assert_string_equal(find("the digest is " SECRET), "");
	assert_string_equal(find("aws_secret_access_key of somebody, and then " SECRET), "");
	assert_string_equal(find("aws_secret_access_key=" SECRET "x"), "");
	assert_string_equal(find("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "");
}

/* Any octets, in any order: what is found lies within. */
static void test_any(void **state)
{
	static const char letters[] = "41 -DE89@.+ghp_eyJAKIA=/0BEGIN";
	char text[256];
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t size = round % 200;

		for (size_t i = 0; i < size; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		text[size] = '\0';
		find(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each), cmocka_unit_test(test_edges), cmocka_unit_test(test_none),
		cmocka_unit_test(test_keys), cmocka_unit_test(test_named), cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
