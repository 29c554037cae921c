/* Where values come from besides the file: environments and their overlays, FRAMEWALL_… variables, ${file:…} and
 * ${env:…}; what stands above what; and what --print says of it. */
#include "policy_of.h"

#include <errno.h>
#include <stdlib.h>

static char shown[65536];

static void collect_shown(void *user, const struct config_shown *value)
{
	static const char *const from[] = { "default", "environment", "file", "overlay", "variable", "option" };
	size_t n = strlen(shown);

	(void)user;
	n += (size_t)sprintf(shown + n, "%s=", value->path);
	if (value->type == CONFIG_TYPE_TEXT)
		n += (size_t)sprintf(shown + n, "%s", value->text);
	else if (value->type == CONFIG_TYPE_INTEGER || value->type == CONFIG_TYPE_BOOLEAN)
		n += (size_t)sprintf(shown + n, "%lld", (long long)value->number);
	else if (value->type == CONFIG_TYPE_SECRET)
		n += (size_t)sprintf(shown + n, "(secret)");
	else
		for (size_t i = 0; i < value->texts.count; i++)
			n += (size_t)sprintf(shown + n, "%s%s", i != 0 ? "," : "", value->texts.items[i]);
	sprintf(shown + n, " %s:%u:%s\n", from[value->from], value->line, value->origin != NULL ? value->origin : "");
	assert_true(strlen(shown) < sizeof(shown) - 4096);
}

/* Files: /secret, /open (others may read it), /nul, /latin, /large; all else is not there. */
static int read_file(void *user, const char *path, uint8_t *ret_bytes, size_t room, size_t *ret_size, bool *ret_open)
{
	static const char secret[] = "CANARY-0123456789abcdef0123456789abcdef";

	(void)user;
	*ret_open = strcmp(path, "/open") == 0;
	*ret_size = 0;
	if (strcmp(path, "/large") == 0) {
		memset(ret_bytes, 'a', room);
		return EFBIG;
	}
	if (strcmp(path, "/largest") == 0) {
		memset(ret_bytes, 'a', room);
		*ret_size = room;
		return 0;
	}
	if (strcmp(path, "/secret") == 0 || *ret_open)
		*ret_size = (size_t)sprintf((char *)ret_bytes, "%s\n", secret);
	else if (strcmp(path, "/two-lines") == 0)
		*ret_size = (size_t)sprintf((char *)ret_bytes, "%s\n\n", secret);
	else if (strcmp(path, "/nul") == 0)
		*ret_size = (size_t)sprintf((char *)ret_bytes, "CANARY") + 1;
	else if (strcmp(path, "/host") == 0)
		*ret_size = (size_t)sprintf((char *)ret_bytes, "CANARY.example\n");
	else if (strcmp(path, "/latin") == 0)
		*ret_size = (size_t)sprintf((char *)ret_bytes, "CANARY\xe9");
	else if (strcmp(path, "/empty") != 0)
		return ENOENT;
	return 0;
}

static const char *read_variable(void *user, const char *name)
{
	(void)user;
	if (strcmp(name, "UPSTREAM") == 0)
		return "backend.example:9000";
	if (strcmp(name, "RATE") == 0)
		return "77";
	if (strcmp(name, "NESTED") == 0)
		return "${file:/secret}";
	return strcmp(name, "NOTHING") == 0 ? "" : NULL;
}

static const struct config_source source = { read_file, read_variable, NULL };

static int load(const char *yaml, const char *environment, const struct config_variable *variables, size_t count,
		struct fw_policy **ret_policy)
{
	const struct config_override override = { "environment", environment, "--environment" };
	const struct config_options options = {
		.name = "f.yaml",
		.text = slice_text(yaml),
		.overrides = &override,
		.override_count = environment != NULL,
		.report = collect_report,
		.variables = variables,
		.variable_count = count,
		.source = &source,
		.show = collect_shown,
	};

	reported[0] = shown[0] = '\0';
	*ret_policy = NULL;
	return config_load(&options, ret_policy);
}

static struct fw_policy *loaded(const char *yaml, const char *environment)
{
	struct fw_policy *policy;

	if (load(yaml, environment, NULL, 0, &policy) != FW_OK)
		fail_msg("refused:\n%s\n%s", yaml, reported);
	return policy;
}

static void refused(const char *yaml, const char *environment, const char *part)
{
	struct fw_policy *policy;

	assert_int_equal(load(yaml, environment, NULL, 0, &policy), FW_ERR_INVALID);
	if (strstr(reported, part) == NULL)
		fail_msg("for\n%s\nreport:\n%s\nlacks: %s", yaml, reported, part);
	assert_null(strstr(reported, "CANARY"));
}

static void shows(const char *line)
{
	if (strstr(shown, line) == NULL)
		fail_msg("lacks: %s\n%s", line, shown);
}

static void environments_without_a_file(void **state)
{
	struct fw_policy *policy = loaded("", "development");

	(void)state;
	assert_int_equal(policy->settings.messages_per_minute, 120);
	assert_int_equal(policy->settings.auth_attempts_per_minute, 10);
	assert_int_equal(policy->settings.violation_threshold, 20);
	assert_int_equal(policy->settings.unknown_fields, UNKNOWN_WARN);
	assert_true(schema_url_safe(policy, slice_text("http://localhost:8080/")));
	assert_true(schema_url_safe(policy, slice_text("http://192.168.0.1/")));
	shows("environment=development option:0:--environment\n");
	shows("rate_limiting.messages_per_minute=120 environment:0:development\n");
	shows("validation.blocked_domains= environment:0:development\n");
	fw_policy_unref(policy);
	policy = loaded("", "production");
	assert_int_equal(policy->settings.session_timeout, 15);
	assert_int_equal(policy->settings.max_sessions_per_user, 3);
	assert_int_equal(policy->settings.messages_per_minute, 30);
	assert_int_equal(policy->settings.auth_attempts_per_minute, 3);
	assert_int_equal(policy->settings.violation_threshold, 5);
	assert_int_equal(policy->settings.block_duration, 48);
	assert_int_equal(policy->settings.unknown_fields, UNKNOWN_REJECT);
	assert_false(schema_url_safe(policy, slice_text("http://localhost:8080/")));
	fw_policy_unref(policy);
	policy = loaded("", "testing");
	assert_int_equal(policy->settings.messages_per_minute, 60);
	fw_policy_unref(policy);
	refused("", "prod",
		"--environment: error: there is no environment \"prod\"; there are development, testing, production; "
		"did you mean \"production\"?\n");
	refused("environment: stging\nenvironment_overrides: {staging: {}}", NULL,
		"f.yaml:1:1: error: there is no environment \"stging\"; there are development, testing, production, "
		"staging; did you mean \"staging\"?\n");
}

static const char overlaid[] =
	"hosts: [file.example]\n"
	"rate_limiting: {messages_per_minute: 50, max_message_size: 5000}\n"
	"validation: {max_lengths: {text: 500, title: 50}, message_sizes: {ping: 200}}\n"
	"security_policies: {csp: {default_src: \"'self'\"}}\n"
	"rbac:\n"
	"  roles:\n"
	"    analyst: {permissions: [monitoring.read], inherits: [user]}\n"
	"    clerk: {permissions: [tasks.read], inherits: [guest]}\n"
	"routes: [{path: /file}]\n"
	"environment_overrides:\n"
	"  staging:\n"
	"    hosts: [overlay.example]\n"
	"    rate_limiting: {messages_per_minute: 5}\n"
	"    validation: {max_lengths: {text: 400}}\n"
	"    security_policies: {csp: \"default-src 'none'\"}\n"
	"    rbac: {roles: {analyst: {permissions: [tasks.delete]}, clerk: {inherits: [moderator]}}}\n"
	"    routes: [{path: /overlay}, {path: /more}]\n"
	"  production: {rate_limiting: {messages_per_minute: 6}}\n";

/* Mappings are merged key by key, all else is replaced. */
static void overlays(void **state)
{
	struct fw_policy *policy = loaded(overlaid, NULL);

	(void)state;
	assert_int_equal(policy->settings.messages_per_minute, 50);
	assert_int_equal(policy->route_count, 1);
	assert_string_equal(policy->settings.csp, "default-src 'self'");
	assert_true(fw_policy_allows(policy, "analyst", "monitoring.read"));
	assert_false(fw_policy_allows(policy, "analyst", "tasks.delete"));
	assert_false(fw_policy_allows(policy, "clerk", "tasks.update"));
	shows("rate_limiting.messages_per_minute=50 file:2:\n");
	shows("validation.max_lengths.text=500 file:3:\n");
	fw_policy_unref(policy);

	policy = loaded(overlaid, "staging");
	assert_string_equal(policy->settings.environment, "staging");
	assert_int_equal(policy->settings.messages_per_minute, 5);
	assert_int_equal(policy->settings.max_message_size, 5000);
	assert_int_equal(policy->settings.hosts.count, 1);
	assert_string_equal(policy->settings.hosts.items[0], "overlay.example");
	assert_string_equal(policy->settings.csp, "default-src 'none'");
	assert_int_equal(policy->route_count, 2);
	assert_string_equal(policy->routes[0].path, "/overlay");
	assert_true(fw_policy_allows(policy, "analyst", "tasks.delete"));
	assert_false(fw_policy_allows(policy, "analyst", "monitoring.read"));
	assert_true(fw_policy_allows(policy, "analyst", "chat.send")); /* still inherits user */
	assert_true(fw_policy_allows(policy, "clerk", "tasks.update"));
	shows("rate_limiting.messages_per_minute=5 overlay:13:staging\n");
	shows("rate_limiting.max_message_size=5000 file:2:\n");
	shows("validation.max_lengths.text=400 overlay:14:staging\n");
	shows("validation.max_lengths.title=50 file:3:\n");
	shows("validation.message_sizes.ping=200 file:3:\n");
	shows("validation.message_sizes.typing=256 default:0:\n");
	shows("security_policies.csp=default-src 'none' overlay:15:staging\n");
	shows("rbac.roles.analyst.permissions=tasks.delete,chat.send,chat.read,tasks.read,tasks.create,employees.read "
	      "overlay:16:staging\n");
	shows("rbac.roles.guest.permissions=chat.read default:0:\n");
	shows("routes[1].path=/more overlay:17:staging\n");
	fw_policy_unref(policy);

	/* What the file says stands above what is only a default of the environment. */
	policy = loaded("rate_limiting: {messages_per_minute: 50}", "development");
	assert_int_equal(policy->settings.messages_per_minute, 50);
	fw_policy_unref(policy);
	policy = loaded(overlaid, "production");
	assert_int_equal(policy->settings.messages_per_minute, 6);
	assert_int_equal(policy->settings.session_timeout, 15);
	fw_policy_unref(policy);
}

/* An overlay that is not chosen is judged all the same, once. */
static void overlays_are_judged(void **state)
{
	struct fw_policy *policy;
	int result;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const chosen[] = { NULL, "staging", "production" };

		result = load("environment_overrides:\n  staging: {mod: monitor}\n  production:\n"
			      "    rate_limiting: {messages_per_minute: fast}\n"
			      "    rbac: {roles: {a: {permissions: [], inherits: [b]}}}\nmode: monitor\n",
			      chosen[i], NULL, 0, &policy);
		assert_int_equal(result, FW_ERR_INVALID);
		assert_string_equal(
			reported,
			"f.yaml:2:13: error: unknown key \"mod\"; did you mean \"mode\"?\n"
			"  staging: {mod: monitor}\n"
			"            ^\n"
			"f.yaml:4:42: error: \"rate_limiting.messages_per_minute\" is a whole number from 1 to "
			"1000000000 messages, not \"fast\"\n"
			"    rate_limiting: {messages_per_minute: fast}\n"
			"                                         ^\n"
			"f.yaml:5:52: error: there is no role \"b\"; define it in rbac.roles\n"
			"    rbac: {roles: {a: {permissions: [], inherits: [b]}}}\n"
			"                                                   ^\n");
	}
	/* What the overlay breaks elsewhere is said, too. */
	refused("rbac: {roles: {a: {inherits: [b]}, b: {inherits: [user]}}}\n"
		"environment_overrides: {staging: {rbac: {roles: {b: {inherits: [a]}}}}}\n",
		NULL, "roles inherit in a circle: ");
	/* What it refers to may be absent until it is chosen. */
	policy = loaded(
		"environment_overrides: {production: {authentication: {jwt: {keys: [{secret: '${file:/absent}'}]}}"
		"}}",
		NULL);
	assert_string_equal(reported, "");
	fw_policy_unref(policy);
	refused("environment_overrides: {production: {authentication: {jwt: {keys: [{secret: '${file:/absent}'}]}}}}",
		"production", "cannot read \"/absent\": No such file or directory");
	refused("environment_overrides: {staging: {environment: production}}", NULL,
		"\"environment\" cannot stand in an overlay");
	refused("environment_overrides: {staging: {environment_overrides: {}}}", NULL,
		"\"environment_overrides\" cannot stand in an overlay");
	refused("environment_overrides: {staging: {}, staging: {}}", NULL,
		"the overlay \"staging\" is given a second time");
	refused("environment_overrides: {'a b': {}}", NULL, "an environment is a name of at most 64");
	refused("environment_overrides: [a]", NULL, "\"environment_overrides\" is a mapping");
	refused("environment_overrides: {staging: [a]}", NULL, "the configuration is a mapping");
	refused("environment_overrides: {a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {}, j: {}, k: {}, "
		"l: "
		"{}, m: {}, n: {}, o: {}, p: {}, q: {}}",
		NULL, "there are more than 16 overlays");
}

static void variables(void **state)
{
	const struct config_variable good[] = {
		{ "FRAMEWALL_ENVIRONMENT", "staging" },
		{ "FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE", "9" },
		{ "FRAMEWALL_HOSTS", "a.example, b.example:81" },
		{ "FRAMEWALL_ORIGIN_REQUIRED", "true" },
		{ "FRAMEWALL_UPSTREAM_LOGIN_MESSAGE", "${file:/secret}" },
		{ "FRAMEWALL_SECURITY_POLICIES_CSP", "default-src data:" },
		{ "FRAMEWALL_SHARED", "/somewhere" },
	};
	const struct config_variable bad[] = {
		{ "FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUT", "9" },
		{ "FRAMEWALL_SOMETHING", "9" },
		{ "FRAMEWALL_MODE", "monitr" },
		{ "FRAMEWALL_WORKERS", "" },
		{ "FRAMEWALL_HOSTS", "a.example,/" },
		{ "FRAMEWALL_REFUSE", "ht\x01tp" },
		{ "FRAMEWALL_LISTEN", "\xff" },
		{ "FRAMEWALL_UPSTREAM_URL", "${file:/secret}" },
	};
	const struct config_variable empty[] = { { "FRAMEWALL_HOSTS", "" },
						 { "FRAMEWALL_AUTHENTICATION_METHODS", "" } };
	struct fw_policy *policy;

	(void)state;
	assert_int_equal(load(overlaid, NULL, good, 7, &policy), FW_OK);
	assert_string_equal(reported, "");
	assert_string_equal(policy->settings.environment, "staging");
	assert_int_equal(policy->settings.messages_per_minute, 9);
	assert_int_equal(policy->settings.hosts.count, 2);
	assert_string_equal(policy->settings.hosts.items[1], "b.example:81");
	assert_true(policy->settings.origin_required);
	assert_string_equal(policy->settings.csp, "default-src data:");
	assert_string_equal(policy->routes[0].path, "/overlay");
	shows("rate_limiting.messages_per_minute=9 variable:0:FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE\n");
	shows("upstream.login_message=(secret) variable:0:FRAMEWALL_UPSTREAM_LOGIN_MESSAGE\n");
	assert_null(strstr(shown, "CANARY"));
	fw_policy_unref(policy);

	/* The command line stands above a variable. */
	assert_int_equal(load(overlaid, "production", good, 1, &policy), FW_OK);
	assert_string_equal(policy->settings.environment, "production");
	assert_int_equal(policy->settings.messages_per_minute, 6);
	fw_policy_unref(policy);

	assert_int_equal(load("hosts: [a]", NULL, empty, 2, &policy), FW_OK);
	assert_int_equal(policy->settings.hosts.count, 0);
	assert_int_equal(policy->methods, 0);
	fw_policy_unref(policy);

	assert_int_equal(load("", NULL, bad, 8, &policy), FW_ERR_INVALID);
	assert_string_equal(
		reported,
		"FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUT: warning: no configuration key has this variable; did you "
		"mean \"FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE\"?\n"
		"FRAMEWALL_SOMETHING: warning: no configuration key has this variable\n"
		"FRAMEWALL_MODE: error: \"mode\" must be one of: enforce, monitor; not \"monitr\"; did you mean "
		"\"monitor\"?\n"
		"FRAMEWALL_WORKERS: error: \"workers\" is a whole number from 0 to 256 threads, not \"\"\n"
		"FRAMEWALL_HOSTS: error: \"hosts\": \"/\" is not a host name or address, with or without :port\n"
		"FRAMEWALL_REFUSE: error: \"refuse\" has the control character 0x01\n"
		"FRAMEWALL_LISTEN: error: the value is not UTF-8 text\n"
		"FRAMEWALL_UPSTREAM_URL: error: \"(secret)\" is not an upstream: write ws://host:port or "
		"wss://host:port\n");
}

/* Each row has a name of its own: one rule, and no two paths that it makes alike. */
static void variable_names(void **state)
{
	static const char *const paths[] = {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) path,
#define CONFIG_BOOLEAN(path, member, value, help) path,
#define CONFIG_TEXT(path, member, value, help) path,
#define CONFIG_CHOICE(path, member, value, words, help) path,
#define CONFIG_TEXTS(path, member, value, help) path,
#include "tables/config.def"
	};
	enum { PATHS = sizeof(paths) / sizeof(*paths) };
	struct fw_policy *policy;

	(void)state;
	for (unsigned i = 0; i < PATHS; i++) {
		char name[128] = "FRAMEWALL_";
		struct config_variable variable = { name, "\x01" };

		for (unsigned k = 0; paths[i][k] != '\0'; k++)
			name[10 + k] = (char)(paths[i][k] == '.'			 ? '_'
					      : paths[i][k] >= 'a' && paths[i][k] <= 'z' ? paths[i][k] - 32
											 : paths[i][k]);
		/* A value that no row takes: the message names the row. */
		assert_int_equal(load("", NULL, &variable, 1, &policy), FW_ERR_INVALID);
		if (strstr(reported, paths[i]) == NULL)
			fail_msg("%s: %s", name, reported);
	}
}

static void references(void **state)
{
	struct fw_policy *policy =
		loaded("upstream: {url: 'ws://${env:UPSTREAM}/path', login_message: '${user_id}${env:NOTHING}'}\n"
		       "rate_limiting:\n  messages_per_minute: ${env:RATE}\n"
		       "hosts: ['${env:UPSTREAM}', b.example]\n"
		       "authentication: {jwt: {keys: [{secret: '${file:/secret}'}]}}\n",
		       NULL);

	(void)state;
	assert_string_equal(reported, "");
	assert_string_equal(policy->routes[0].upstream_authority, "backend.example:9000");
	assert_string_equal(policy->routes[0].login_message, "${user_id}");
	assert_int_equal(policy->settings.messages_per_minute, 77);
	assert_string_equal(policy->settings.hosts.items[0], "backend.example:9000");
	assert_int_equal(policy->jwt_keys[0].secret_size, 39); /* without the line end */
	assert_memory_equal(policy->jwt_keys[0].secret, "CANARY-0123456789abcdef0123456789abcdef", 39);
	shows("upstream.url=ws://backend.example:9000/path file:1:\n");
	shows("authentication.jwt.keys[0].secret=(secret) file:5:\n");
	assert_null(strstr(shown, "CANARY"));
	fw_policy_unref(policy);

	/* What a route does not say comes from where the common value does. */
	policy = loaded("hosts: [a.example]\norigin:\n  allowed: ['https://a.example']\nroutes:\n  - {path: /a}\n"
			"  - {path: /b, hosts: [b.example]}\n",
			NULL);
	shows("routes[0].hosts=a.example file:1:\n");
	shows("routes[0].origins=https://a.example file:3:\n");
	shows("routes[1].hosts=b.example file:6:\n");
	fw_policy_unref(policy);
	policy = loaded("upstream: {url: 'ws://a.example'}\n", NULL);
	shows("routes[0].upstream=ws://a.example file:1:\n");
	fw_policy_unref(policy);
	/* In braces YAML needs quotes around them; a number itself has none. */
	policy = loaded("rate_limiting: {messages_per_minute: '${env:RATE}'}", NULL);
	assert_int_equal(policy->settings.messages_per_minute, 77);
	fw_policy_unref(policy);
	refused("rate_limiting: {messages_per_minute: '77'}", NULL, "is a number: write it without quotes");
	policy = loaded("authentication: {jwt: {keys: [{secret: '${file:/two-lines}'}, ]}}\n", NULL);
	assert_int_equal(policy->jwt_keys[0].secret_size, 40);
	fw_policy_unref(policy);
	/* What comes out of a reference is no reference. */
	refused("hosts: ['${env:NESTED}']", NULL, "\"hosts\": \"${file:/secret}\" is not a host name");
	policy = loaded("upstream: {login_message: '${file:/largest}${file:/largest}${file:/largest}'}", NULL);
	assert_int_equal(strlen(policy->routes[0].login_message), 3 * LIMIT_SECRET_BYTES);
	fw_policy_unref(policy);
	/* However it is put together, what a file has is not shown. */
	policy = loaded("hosts: ['${file:/host}', b]\nroutes: [{path: '/${file:/host}', hosts: ['${file:/host}']}]",
			NULL);
	shows("hosts=(secret) file:1:\n");
	shows("routes[0].path=(secret) file:2:\n");
	assert_null(strstr(shown, "CANARY"));
	fw_policy_unref(policy);
	policy = loaded("upstream: {login_message: '${file:/open}'}", NULL);
	assert_string_equal(reported,
			    "f.yaml:1:28: warning: \"upstream.login_message\": every user of this machine can read "
			    "\"/open\"; \"chmod o-r\" changes that\n"
			    "upstream: {login_message: '${file:/open}'}\n"
			    "                           ^\n");
	fw_policy_unref(policy);
}

static void bad_references(void **state)
{
	struct fw_policy *policy;

	(void)state;
	refused("listen: '${file:/absent}'", NULL,
		"f.yaml:1:10: error: \"listen\": cannot read \"/absent\": No such file or directory\n");
	refused("listen: '${file:/large}'", NULL, "\"listen\": the file \"/large\" has more than 65536 bytes");
	refused("listen: '${file:/latin}'", NULL,
		"\"/latin\" is not UTF-8 text; keys of any octets are written as base64");
	refused("listen: '${file:/nul}'", NULL, "\"listen\" has the control character 0x00");
	refused("listen: '${file:/secret}'", NULL, "\"listen\": \"(secret)\" is not host:port");
	refused("mode: '${file:/secret}'", NULL, "not \"(secret)\"");
	refused("hosts: ['${file:/secret} ']", NULL, "\"hosts\": \"(secret)\" is not a host name");
	refused("rate_limiting:\n  max_message_size: ${file:/secret}", NULL, "not \"(secret)\"");
	refused("routes: [{path: '${file:/secret}'}]", NULL, "\"(secret)\" is not a path");
	refused("routes: [{path: /a, anonymous: '${file:/secret}'}]", NULL, "there is no role \"(secret)\"");
	refused("validation: {max_lengths: {text: '${file:/secret}'}}", NULL, "not \"(secret)\"");
	refused("authentication: {jwt: {keys: [{secret: '${file:/empty}'}]}}", NULL, "a secret has at least 32 octets");
	refused("routes: [{path: '/${file:/host}'}, {path: '/${file:/host}'}]", NULL,
		"the path \"/**************\" is given a second time");
	/* The next key is named again. */
	refused("upstream: {login_message: '${file:/secret}', bad: 1}", NULL, "unknown key \"bad\"");
	refused("listen: '${env:ABSENT}'", NULL, "\"listen\": the environment variable \"ABSENT\" is not set");
	refused("listen: '${env:ABSENT'", NULL, "\"listen\" has a ${ without }");
	refused("listen: '${file:}'", NULL, "\"listen\": ${file:PATH} needs a path");
	refused("listen: '${env:}'", NULL, "\"listen\": ${env:NAME} needs a name");
	/* Who gives no source has none. */
	assert_int_equal(load_result("listen: '${env:UPSTREAM}'", &policy), FW_ERR_INVALID);
	assert_non_null(strstr(reported, "${file:…} and ${env:…} are not available here"));
}

/* With the n-th allocation failing, all of it gives an answer and nothing is lost (the sanitizers say so). */
static void short_memory(void **state)
{
	const struct config_variable variable = { "FRAMEWALL_HOSTS", "a,b,c" };
	struct fw_policy *policy;
	int result = FW_ERR_MEMORY;
	uint64_t n;

	(void)state;
	for (n = 1; result == FW_ERR_MEMORY; n++) {
		mem_fail_at(n);
		result = load(overlaid, "staging", &variable, 1, &policy);
		mem_fail_at(0);
	}
	assert_int_equal(result, FW_OK);
	assert_true(n > 5);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environments_without_a_file),
		cmocka_unit_test(overlays),
		cmocka_unit_test(overlays_are_judged),
		cmocka_unit_test(variables),
		cmocka_unit_test(variable_names),
		cmocka_unit_test(references),
		cmocka_unit_test(bad_references),
		cmocka_unit_test(short_memory),
	};

	return cmocka_run_group_tests_name("config sources", tests, NULL, NULL);
}
