/* Environment production: each rule of production.def by a configuration that breaks it and by one that just does not.
 */
#include "policy_of.h"

struct rule_case {
	const char *rule;
	const char *bad, *good;
	const char *place; /* where the message about bad points */
};

#define SECRET(text) "authentication: {jwt: {keys: [{kid: a, secret: '" text "'}]}}"
#define GOOD_SECRET "mQ7kTz1vPw9XcB3nLr5sYd8fHj2gAe4U"

static const struct rule_case cases[] = {
	{ "admin_in_clear", "admin: {listen: '0.0.0.0:8766'}", "admin: {listen: '127.0.0.5:8766'}", "f.yaml:1:" },
	{ "admin_in_clear", "admin: {listen: ':8766'}", "admin: {listen: '[::1]:8766'}", "f.yaml:1:" },
	{ "admin_in_clear", "admin: {listen: 'admin.example:8766'}", "admin: {listen: off}", "f.yaml:1:" },
	{ "clients_in_clear", "listen: 0.0.0.0:1", "listen: 0.0.0.0:1\ntls: {certificate: a.pem}", "f.yaml:1:1:" },
	{ "clients_in_clear", "hosts: [a]\nlisten: chat.example:1",
	  "hosts: [a]\nlisten: chat.example:1\ntrusted_proxies: [10.0.0.1]", "f.yaml:2:1:" },
	{ "clients_in_clear", "listen: ':8765'", "listen: ':8765'\ntls: {certificates: [{certificate: a.pem}]}",
	  "f.yaml:1:1:" },
	{ "no_origins", "listen: 0.0.0.0:1\nhosts: [a]",
	  "listen: 0.0.0.0:1\nhosts: [a]\norigin: {allowed: ['https://a']}", "f.yaml:1:1:" },
	{ "no_origins", "listen: 0.0.0.0:1\nhosts: [a]\nroutes: [{path: /a, origins: ['https://a']}, {path: /b}]",
	  "listen: 0.0.0.0:1\nhosts: [a]\nroutes: [{path: /a, origins: ['https://a']}]", "f.yaml:1:1:" },
	{ "no_origins", "listen: '[::]:1'\nhosts: [a]\norigin: {allowed: []}",
	  "listen: localhost:1\norigin: {allowed: []}", "f.yaml:3:" },
	{ "no_hosts", "listen: 0.0.0.0:1\norigin: {allowed: ['https://a']}",
	  "listen: 0.0.0.0:1\norigin: {allowed: ['https://a']}\nhosts: [a]", "f.yaml:1:1:" },
	{ "no_hosts",
	  "listen: 0.0.0.0:1\norigin: {allowed: ['https://a']}\nroutes: [{path: /a, hosts: [a]}, {path: /b}]",
	  "listen: 0.0.0.0:1\norigin: {allowed: ['https://a']}\nroutes: [{path: /a, hosts: [a]}]", "f.yaml:1:1:" },
	{ "upstream_unverified", "upstream: {tls: {verify: off}}", "upstream: {tls: {verify: on}}", "f.yaml:1:18:" },
	{ "token_in_query", "authentication: {query_parameter: true}", "authentication: {query_parameter: false}",
	  "f.yaml:1:18:" },
	{ "guessable_secret", SECRET("this is my secret for the tokens"), SECRET(GOOD_SECRET), "f.yaml:1:24:" },
	{ "guessable_secret", SECRET("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), SECRET(GOOD_SECRET),
	  "f.yaml:1:24:" },
	{ "guessable_secret", SECRET("ChangeMeChangeMeChangeMeChangeMe"), "", "f.yaml:1:24:" },
	{ "guessable_secret", SECRET("0123456789abcdef0123456789abcdef"), "", "f.yaml:1:24:" },
	{ "unknown_fields", "validation: {unknown_fields: warn}", "validation: {unknown_fields: strip}",
	  "f.yaml:1:14:" },
	{ "local_urls", "validation: {blocked_domains: []}", "validation: {blocked_domains: [localhost]}",
	  "f.yaml:1:14:" },
	{ "local_urls", "validation: {blocked_ip_ranges: []}", "validation: {blocked_ip_ranges: [10.0.0.0/8]}",
	  "f.yaml:1:14:" },
	{ "anonymous_administrator", "routes: [{path: /a}, {path: /b, anonymous: admin}]",
	  "routes: [{path: /a}, {path: /b, anonymous: guest}]", "f.yaml:1:23:" },
	{ "monitor", "mode: monitor", "mode: enforce", "f.yaml:1:1:" },
	{ "anonymous_sender", "routes: [{path: /a, anonymous: user}]", "routes: [{path: /a, anonymous: guest}]",
	  "f.yaml:1:11:" },
	{ "anonymous_sender", "routes: [{path: /a, anonymous: guest, opaque: true, upstream: 'ws://localhost:1'}]",
	  "routes: [{path: /a, opaque: true, upstream: 'ws://localhost:1'}]", "f.yaml:1:11:" },
	{ "no_frame_limits", "websocket: {max_fragments: 0}", "websocket: {max_fragments: 1}", "f.yaml:1:13:" },
	{ "no_frame_limits", "websocket: {control_frames_per_minute: 0}", "websocket: {control_frames_per_minute: 1}",
	  "f.yaml:1:13:" },
	{ "inline_scripts", "security_policies: {csp: \"default-src 'self'; script-src 'self' 'unsafe-inline'\"}",
	  "security_policies: {csp: \"script-src 'self'; style-src 'self' 'unsafe-inline'\"}", "f.yaml:1:21:" },
	{ "inline_scripts", "security_policies: {csp: \"default-src 'unsafe-eval'\"}",
	  "security_policies: {csp: \"default-src 'none'\"}", "f.yaml:1:21:" },
	{ "upstream_in_clear", "upstream: {url: 'ws://backend:9000'}", "upstream: {url: 'ws://[::1]:9000'}",
	  "f.yaml:1:12:" },
	{ "upstream_in_clear", "routes: [{path: /a}, {path: /b, upstream: 'ws://10.0.0.1'}]",
	  "routes: [{path: /b, upstream: 'ws://127.0.0.1:1'}]", "f.yaml:1:23:" },
};
enum { CASES = sizeof(cases) / sizeof(*cases) };

static const struct {
	const char *name, *level, *problem;
} rules[] = {
#define PRODUCTION(name, level, path, problem, why) { #name, #level, problem },
#include "tables/production.def"
};
enum { RULES = sizeof(rules) / sizeof(*rules) };

static int load(const char *yaml, const char *environment, bool demo)
{
	const struct config_override override = { "environment", environment, "--environment" };
	const struct config_options options = { .name = "f.yaml",
						.text = slice_text(yaml),
						.overrides = &override,
						.override_count = environment != NULL,
						.report = collect_report,
						.demo = demo };
	struct fw_policy *policy;
	int result;

	reported[0] = '\0';
	result = config_load(&options, &policy);
	fw_policy_unref(policy);
	return result;
}

static unsigned rule_of(const char *name)
{
	for (unsigned i = 0; i < RULES; i++)
		if (strcmp(rules[i].name, name) == 0)
			return i;
	fail_msg("there is no rule %s", name);
	return 0;
}

/* The line about the rule's problem, or NULL. */
static const char *line_about(unsigned rule)
{
	char wanted[512];
	const char *found;

	sprintf(wanted, "in production: %s\n", rules[rule].problem);
	found = strstr(reported, wanted);
	while (found != NULL && found > reported && found[-1] != '\n')
		found--;
	return found;
}

static void each_case(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		unsigned rule = rule_of(cases[i].rule);
		bool is_error = strcmp(rules[rule].level, "ERROR") == 0;
		int result = load(cases[i].bad, "production", false);
		const char *line = line_about(rule);

		if (line == NULL || strncmp(line, cases[i].place, strlen(cases[i].place)) != 0 ||
		    (is_error && result != FW_ERR_INVALID) || (!is_error && result != FW_OK) ||
		    strstr(line, is_error ? ": error: in" : ": warning: in") == NULL)
			fail_msg("%s: result %d for\n%s\nreport:\n%s", cases[i].rule, result, cases[i].bad, reported);
		load(cases[i].good, "production", false);
		if (line_about(rule) != NULL)
			fail_msg("%s: for\n%s\nreport:\n%s", cases[i].rule, cases[i].good, reported);
		assert_int_equal(load(cases[i].bad, NULL, false), FW_OK);
		assert_null(strstr(reported, "in production"));
	}
}

static void each_rule_has_a_case(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RULES; i++) {
		bool found = strcmp(rules[i].name, "demo") == 0; /* below */

		for (unsigned k = 0; k < CASES; k++)
			found = found || strcmp(cases[k].rule, rules[i].name) == 0;
		if (!found)
			fail_msg("no case breaks %s", rules[i].name);
	}
}

static void demo(void **state)
{
	(void)state;
	assert_int_equal(load("", "production", true), FW_ERR_INVALID);
	assert_string_equal(reported,
			    "--demo: error: in production: --demo prints login links for two users; leave it out\n");
	assert_int_equal(load("", NULL, true), FW_OK);
	assert_string_equal(reported, "");
}

/* All of them at once, and nothing to say of the defaults. */
static void together(void **state)
{
	(void)state;
	assert_int_equal(load("", "production", false), FW_OK);
	assert_string_equal(reported, "");
	assert_int_equal(
		load("mode: monitor\nauthentication: {query_parameter: true}\nvalidation: {unknown_fields: warn}",
		     "production", false),
		FW_ERR_INVALID);
	assert_non_null(line_about(rule_of("monitor")));
	assert_non_null(line_about(rule_of("token_in_query")));
	assert_non_null(line_about(rule_of("unknown_fields")));
	/* An overlay of production is judged by these rules only where it is chosen. */
	assert_int_equal(
		load("environment_overrides: {production: {authentication: {query_parameter: true}}}", NULL, false),
		FW_OK);
	assert_string_equal(reported, "");
	assert_int_equal(load("environment_overrides: {production: {authentication: {query_parameter: true}}}",
			      "production", false),
			 FW_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(each_rule_has_a_case),
		cmocka_unit_test(demo),
		cmocka_unit_test(together),
	};

	return cmocka_run_group_tests_name("config production", tests, NULL, NULL);
}
