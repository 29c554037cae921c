/* The configuration file: every key at its limits, every kind of mistake with its place, and what must never be shown.
 */
#include "policy_of.h"

#include <stdlib.h>

#include "base/encode.h"

/* "a.b.c: value" as nested flow maps. */
static const char *nest(const char *path, const char *value)
{
	static char yaml[1024];
	unsigned depth = 0;

	yaml[0] = '\0';
	for (const char *end; (end = strchr(path, '.')) != NULL; path = end + 1, depth++)
		sprintf(yaml + strlen(yaml), "%.*s: {", (int)(end - path), path);
	sprintf(yaml + strlen(yaml), "%s: %s", path, value);
	while (depth-- != 0)
		strcat(yaml, "}");
	return yaml;
}

static const char *number(long long value)
{
	static char text[32];

	sprintf(text, "%lld", value);
	return text;
}

static void integers_at_their_limits(void **state)
{
	struct fw_policy *policy;
	char part[256];

	(void)state;
#define CONFIG_INTEGER(path, member, value, min, max, unit, help)                                                      \
	for (int64_t v = (min);; v = (max)) {                                                                          \
		policy = policy_of(nest(path, number(v)));                                                             \
		assert_true(policy->settings.member == v);                                                             \
		fw_policy_unref(policy);                                                                               \
		if (v == (max))                                                                                        \
			break;                                                                                         \
	}                                                                                                              \
	sprintf(part, "error: \"%s\" must be from %lld to %lld%s%s, not %lld\n", path, (long long)(min),               \
		(long long)(max), *(unit) != '\0' ? " " : "", unit, (long long)(max) + 1);                             \
	refused_for(nest(path, number((long long)(max) + 1)), part);                                                   \
	refused_for(nest(path, number((long long)(min)-1)), "must be from");                                           \
	refused_for(nest(path, "ten"), "is a whole number from");                                                      \
	refused_for(nest(path, "'5'"), "is a number: write it without quotes");                                        \
	refused_for(nest(path, "[5]"), "is a single value, not a list");                                               \
	refused_for(nest(path, "{a: 5}"), "is a single value, not a mapping");                                         \
	refused_for(nest(path, "99999999999999999999999999"), "must be from");                                         \
	refused_for(nest(path, ""), "is a whole number from");                                                         \
	refused_for(nest(path, "1.0"), "is a whole number from");                                                      \
	refused_for(nest(path, "010"), "is a whole number from");                                                      \
	refused_for(nest(path, "0x10"), "is a whole number from");                                                     \
	refused_for(nest(path, "1_000"), "is a whole number from");                                                    \
	refused_for(nest(path, "5x"), "is a whole number from");
#define CONFIG_BOOLEAN(path, member, value, help)
#define CONFIG_TEXT(path, member, value, help)
#define CONFIG_CHOICE(path, member, value, words, help)
#define CONFIG_TEXTS(path, member, value, help)
#include "tables/config.def"
#undef CONFIG_INTEGER
#undef CONFIG_BOOLEAN
#undef CONFIG_TEXT
#undef CONFIG_CHOICE
#undef CONFIG_TEXTS
}

/* Cookies log in only where Origin or a CSRF token tells whose page it is. */
static void cookies(void **state)
{
	static const char *const refused[] = {
		"origin: {allowed: ['null']}\ncsrf: {protected_operations: []}",
		"origin: {allowed: ['https://a.example', 'null']}\ncsrf: {protected_operations: []}",
		("routes: [{path: /a, upstream: hub}, {path: /b, upstream: hub, origins: ['null']}]\ncsrf: "
		 "{protected_operations: []}"),
		"origin: {allowed: ['null']}\nroutes: [{path: /a, upstream: 'ws://localhost:9', opaque: true}]",
	};
	static const char *const taken[] = {
		"csrf: {protected_operations: []}",
		"origin: {allowed: ['null']}",
		"origin: {allowed: ['https://a.example']}\ncsrf: {protected_operations: []}",
		"origin: {allowed: ['null']}\ncsrf: {protected_operations: []}\nauthentication: {cookie: ''}",
		("origin: {allowed: ['null']}\nroutes: [{path: /a, upstream: 'ws://localhost:9', opaque: true, "
		 "origins: "
		 "['https://a.example']}]"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		refused_for(refused[i], "the origin \"null\" is any page's, a cookie logs in");
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		fw_policy_unref(policy_of(taken[i]));
	refused_for("origin: {allowed: ['*']}", "would let in every web page");
}

static void other_kinds(void **state)
{
	struct fw_policy *policy;

	(void)state;
#define CONFIG_INTEGER(path, member, value, min, max, unit, help)
#define CONFIG_BOOLEAN(path, member, value, help)                                                                      \
	policy = policy_of(nest(path, (value) ? "false" : "true"));                                                    \
	assert_true(policy->settings.member == !(value));                                                              \
	fw_policy_unref(policy);                                                                                       \
	refused_for(nest(path, "yes"), "is true or false, not \"yes\"");                                               \
	refused_for(nest(path, "1"), "is true or false");                                                              \
	refused_for(nest(path, "'true'"), "is true or false: write it without quotes");                                \
	refused_for(nest(path, "[]"), "is a single value, not a list");
#define CONFIG_TEXT(path, member, value, help)                                                                         \
	refused_for(nest(path, "[a]"), "is a single value, not a list");                                               \
	refused_for(nest(path, "{a: 'b;c'}"), strcmp(path, "security_policies.csp") == 0                               \
						      ? "a directive is"                                               \
						      : "is a single value, not a mapping");
#define CONFIG_CHOICE(path, member, value, words, help)                                                                \
	refused_for(nest(path, "nonsense"), "must be one of: ");                                                       \
	refused_for(nest(path, "''"), "must be one of: ");
#define CONFIG_TEXTS(path, member, value, help)                                                                        \
	if (strcmp(path, "encryption.encrypted_fields") == 0) { /* what is always sealed cannot be left out */         \
		refused_for(nest(path, "[]"), "leaves out password_hash");                                             \
	} else {                                                                                                       \
		policy = policy_of(nest(path, "[]"));                                                                  \
		assert_int_equal(policy->settings.member.count, 0);                                                    \
		fw_policy_unref(policy);                                                                               \
	}                                                                                                              \
	refused_for(nest(path, "word"), "is a list, not a single value");                                              \
	refused_for(nest(path, ""), "is a list, not nothing; [] is an empty one");                                     \
	refused_for(nest(path, "{a: b}"), "is a list, not a mapping");                                                 \
	refused_for(nest(path, "[[a]]"), "each entry of \"" path "\" is a single value");                              \
	refused_for(nest(path, "[\"a\\0b\"]"), "has the control character 0x00");
#include "tables/config.def"
	policy = policy_of(
		"mode: monitor\nrefuse: http\nvalidation: {unknown_fields: strip}\nwebsocket: {compression: off}");
	assert_int_equal(policy->settings.mode, MODE_MONITOR);
	assert_int_equal(policy->settings.refuse, REFUSE_HTTP);
	assert_int_equal(policy->settings.unknown_fields, UNKNOWN_STRIP);
	fw_policy_unref(policy);
}

static void every_problem_at_once(void **state)
{
	(void)state;
	refused_with("listen: nowhere\n"
		     "rate_limitin:\n"
		     "  messages_per_minute: 60\n"
		     "rate_limiting:\n"
		     "  max_message_size: 8 KiB\n"
		     "\tmax_connections: 5\n",
		     "f.yaml:6:2: error: invalid tab used as indentation\n"
		     "\tmax_connections: 5\n"
		     "\t^\n");
	refused_with("listen: nowhere\n"
		     "rate_limitin:\n"
		     "  messages_per_minute: 60\n"
		     "rate_limiting:\n"
		     "  max_message_size: 8 KiB   # not so\n"
		     "  max_connections: 5\n"
		     "  max_connections: 6\n"
		     "  é: 1\n"
		     "max_message_size: 5\n"
		     "mode: monitr\n"
		     "rate_limiting: {}\n",
		     "f.yaml:1:9: error: \"listen\": \"nowhere\" is not host:port, as in localhost:8765\n"
		     "listen: nowhere\n"
		     "        ^\n"
		     "f.yaml:2:1: error: unknown key \"rate_limitin\"; did you mean \"rate_limiting\"?\n"
		     "rate_limitin:\n"
		     "^\n"
		     "f.yaml:5:21: error: \"rate_limiting.max_message_size\" is a whole number from 125 to 1073741824 "
		     "bytes, not \"8 KiB\"\n"
		     "  max_message_size: 8 KiB   # not so\n"
		     "                    ^\n"
		     "f.yaml:7:3: error: \"max_connections\" is given a second time; first in line 6\n"
		     "  max_connections: 6\n"
		     "  ^\n"
		     "f.yaml:8:3: error: unknown key \"é\" in \"rate_limiting\"\n"
		     "  é: 1\n"
		     "  ^\n"
		     "f.yaml:9:1: error: unknown key \"max_message_size\"; did you mean "
		     "\"rate_limiting.max_message_size\"?\n"
		     "max_message_size: 5\n"
		     "^\n"
		     "f.yaml:10:7: error: \"mode\" must be one of: enforce, monitor; not \"monitr\"; did you mean "
		     "\"monitor\"?\n"
		     "mode: monitr\n"
		     "      ^\n"
		     "f.yaml:11:1: error: \"rate_limiting\" is given a second time; first in line 4\n"
		     "rate_limiting: {}\n"
		     "^\n");
}

static void places(void **state)
{
	char yaml[2048], many[601];

	(void)state;
	/* Columns count characters, not octets; tabs stay tabs. */
	refused_with("{ \"hosts\":\t[ 'é', \"a\"], mode: x }\n",
		     "f.yaml:1:15: error: \"hosts\": \"é\" is not a host name or address, with or without :port\n"
		     "{ \"hosts\":\t[ 'é', \"a\"], mode: x }\n          \t   ^\n"
		     "f.yaml:1:31: error: \"mode\" must be one of: enforce, monitor; not \"x\"\n"
		     "{ \"hosts\":\t[ 'é', \"a\"], mode: x }\n          \t                   ^\n");
	/* Line ends of other systems, and a byte order mark. */
	refused_for("\xef\xbb\xbfmode: enforce\r\nx: 1\r\n", "f.yaml:2:1: error: unknown key \"x\"\nx: 1\n^\n");
	/* Of a very long line the part around the place. */
	memset(many, 'a', 600);
	many[600] = '\0';
	sprintf(yaml, "hosts: [%s, 'b c', %s]", many, many);
	refused_for(yaml, "aaa, 'b c', aaa");
	assert_true(strlen(reported) < 700);
	/* Without an end of line, and at the end of the file. */
	refused_with("mode: [", "f.yaml:1:8: error: flow sequence without a closing bracket\nmode: [\n       ^\n");
	refused_for("mode: \"enforce", "f.yaml:1:8: error: ");
}

/* A carriage return ends a line only before a line feed: the part that is shown of a long line is within the text. */
static void a_return_within_a_long_line(void)
{
	enum { SIZE = 600 };

	for (size_t at = 0; at < SIZE; at++) {
		struct fw_policy *policy;
		char *text = malloc(SIZE); /* in a block of its own, so that reading beyond it is seen */

		assert_non_null(text);
		memset(text, 'x', SIZE);
		text[at] = '\r';
		text[SIZE - 1] = '\xff';
		reported[0] = '\0';
		assert_int_equal(fw_policy_load("f.yaml", slice(text, SIZE), collect_report, NULL, &policy),
				 FW_ERR_INVALID);
		assert_non_null(strstr(reported, "this is not valid UTF-8"));
		free(text);
	}
}

static void what_is_not_yaml(void **state)
{
	char deep[300];

	(void)state;
	refused_with("mode: enforce\nhosts: ['\xff']\n",
		     "f.yaml:2:10: error: this is not valid UTF-8\nhosts: ['\xff']\n         ^\n");
	a_return_within_a_long_line();
	refused_for("a: '\xc3", "this is not valid UTF-8");
	refused_for("mode: enforce\x01", "f.yaml:1:14: error: control character 0x01 is not allowed");
	refused_for("a: \x1b[31m", "control character 0x1b is not allowed");
	refused_with("mode: enforce\n---\nmode: monitor\n",
		     "f.yaml:2:1: error: a second document starts here; a configuration is one document\n---\n^\n");
	refused_for("mode: enforce\n...\n---\nx: 1\n", "a second document starts here");
	fw_policy_unref(policy_of("---\nmode: enforce\n...\n"));
	refused_for("hosts: &h [a]\norigin: {allowed: *h}\n",
		    "f.yaml:2:20: error: aliases are not supported: write the value itself");
	refused_for("origin: &o {required: true}\n<<: *o\n", "f.yaml:2:1: error: unknown key \"<<\"");
	refused_for("*a : 1\n", "aliases are not supported");
	refused_for("mode: !!str enforce", "tags (!…) are not supported");
	refused_for("hosts: !x [a]", "tags (!…) are not supported");
	refused_for("? [a, b]\n: 1\n", "a key must be a name");
	refused_for("- a\n- b\n", "the configuration is a mapping");
	refused_for("just words", "the configuration is a mapping");
	refused_for("rate_limiting: 5", "\"rate_limiting\" is a mapping (\"key: value\" lines), not a single value");
	refused_for("rate_limiting: [5]", "\"rate_limiting\" is a mapping (\"key: value\" lines), not a list");
	fw_policy_unref(policy_of("rate_limiting:\norigin: {}\n"));
	memset(deep, '[', 200);
	deep[200] = '\0';
	refused_for(deep, "epth");
}

static void nothing_in_it(void **state)
{
	static const char *const empty[] = { "",	   "\n", "# only words\n", "---\n",
					     "---\n...\n", "{}", "\xef\xbb\xbf",   " " };

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		fw_policy_unref(policy_of(empty[i]));
		assert_string_equal(reported, "");
	}
}

static void alias_bomb(void **state)
{
	char yaml[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
	struct fw_policy *policy;

	(void)state;
	for (unsigned i = 1; i < 9; i++)
		sprintf(yaml + strlen(yaml), "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	strcat(yaml, "hosts: *a8\n");
	assert_int_equal(load_result(yaml, &policy), FW_ERR_INVALID);
	assert_non_null(strstr(reported, "aliases are not supported"));
}

static void too_large(void **state)
{
	char *yaml = malloc(LIMIT_CONFIG_BYTES + 2);

	(void)state;
	memset(yaml, '#', LIMIT_CONFIG_BYTES + 1);
	yaml[LIMIT_CONFIG_BYTES] = '\0';
	fw_policy_unref(policy_of(yaml));
	yaml[LIMIT_CONFIG_BYTES] = '#';
	yaml[LIMIT_CONFIG_BYTES + 1] = '\0';
	refused_for(yaml, "f.yaml:1:1: error: the file has more than 1048576 bytes");
	free(yaml);
}

static void checked_texts(void **state)
{
	(void)state;
	fw_policy_unref(policy_of("listen: ':8765'\nhosts: [a]\nadmin: {listen: off}"));
	fw_policy_unref(policy_of("listen: '[::1]:0'\nadmin: {listen: '127.0.0.1:8766'}"));
	refused_for("listen: localhost", "is not host:port");
	refused_for("listen: 'localhost:'", "is not host:port");
	refused_for("listen: localhost:65536", "is not host:port");
	refused_for("listen: ''", "is not host:port");
	refused_for("listen: ':'", "is not host:port");
	refused_for("listen: ':99999999999'", "is not host:port");
	refused_for("admin: {listen: no}", "is not host:port");
	refused_for("hosts: ['http://a']", "is not a host name or address");
	refused_for("hosts: ['']", "is not a host name");
	refused_for("origin: {allowed: [chat.example.com]}", "is not an origin: write scheme://host");
	refused_for("authentication: {methods: [jwtt]}", "\"jwtt\" is not a method; there are jwt, api_key, session, "
							 "oauth, password and certificate; did you mean \"jwt\"?");
	refused_for("authentication: {cookie: 'a b'}", "\"a b\" is not a name");
	refused_with(
		"validation: {allowed_html_tags: [b, script]}",
		"f.yaml:1:37: error: \"validation.allowed_html_tags\": \"script\" is a tag that cannot be made safe: "
		"what is inside of it is not read as HTML, or read twice\n"
		"validation: {allowed_html_tags: [b, script]}\n                                    ^\n");
	refused_for("validation: {allowed_html_tags: [math]}", "cannot be made safe: it is of SVG or MathML");
	refused_for("validation: {allowed_html_tags: [label]}", "cannot be made safe: it is of a form");
	refused_for("validation: {allowed_html_tags: [iframe]}", "cannot be made safe: it loads or runs");
	refused_for("validation: {allowed_html_tags: [base]}", "cannot be made safe: it changes the page");
	refused_for("validation: {allowed_html_tags: [<b>]}", "\"<b>\" is not a tag name");
	refused_for("validation: {allowed_html_tags: ['']}", "is not a tag name");
	refused_for("validation: {blocked_url_schemes: ['ftp:']}",
		    "\"ftp:\" is not a URL scheme: write it without the colon");
	refused_for("validation: {blocked_domains: ['http://x/']}", "is not a domain or address");
	refused_for("validation: {blocked_ip_ranges: [10.0.0.1/8]}", "\"10.0.0.1/8\" is not a network");
	refused_for("validation: {blocked_ip_ranges: [10.0.0.0/33]}", "is not a network");
	refused_for("trusted_proxies: [proxy.example.com]", "is not a network");
	refused_for("trusted_proxies: [10.0.0.1, 0.0.0.0/0]", "would let every client choose its address");
	refused_for("trusted_proxies: ['::/0']", "would let every client choose its address");
	refused_for("proxy_protocol: v2", "\"proxy_protocol\" needs \"trusted_proxies\"");
	refused_for("log: {level: debgu}", "\"debgu\" is neither error, warn, info, debug or trace, nor MODULE=LEVEL");
	refused_for("log: {level: 'info,conn=debug'}", "\"conn=debug\" is neither");
	refused_for("proxy_protocol: v3", "\"proxy_protocol\" must be");
	refused_for("client_address: x-real-ip", "\"client_address\" must be");
	refused_for("monitoring: {auto_block: {blocking_events: [auth_failur]}}",
		    "there is no event \"auth_failur\"; did you mean \"auth_failure\"?");
	refused_for("upstream: {login_message: '${user_id'}", "has a ${ without }");
	refused_for("security_policies: {csp: \"a\\r\\nb\"}", "has the control character 0x0d");
	refused_for("security_policies: {csp: \"a\\nb\"}", "must be one line without tabs");
	refused_for("security_policies: {headers: {referrer_policy: é}}", "has characters outside ASCII");
	refused_for("security_policies: {csp: {default_src: \"'self'; x\"}}",
		    "a directive is a name such as script_src");
	refused_for("csrf: {token_algorithm: hex}", "\"csrf.token_algorithm\" must be one of: urlsafe; not \"hex\"");
	refused_for("rbac: {strict: maybe}", "\"rbac.strict\" is true or false, not \"maybe\"");
}

static void csp_mapping(void **state)
{
	struct fw_policy *policy = policy_of("security_policies: {csp: {default_src: \"'self'\", img_src: \"'self' "
					     "data:\", upgrade-insecure-requests: ''}}");

	(void)state;
	assert_string_equal(policy->settings.csp,
			    "default-src 'self'; img-src 'self' data:; upgrade-insecure-requests");
	fw_policy_unref(policy);
}

static void warnings(void **state)
{
	struct fw_policy *policy = policy_of("listen: 0.0.0.0:8765\nauthentication: {methods: [oauth]}\nmonitoring: "
					     "{alerts: {severity_levels: {}}}\n");

	(void)state;
	assert_string_equal(
		reported, "f.yaml:2:18: warning: \"authentication.methods\": oauth needs an issuer in "
			  "\"authentication.issuers\": such logins are refused\n"
			  "authentication: {methods: [oauth]}\n"
			  "                 ^\n"
			  "f.yaml:3:23: warning: \"monitoring.alerts.severity_levels\" has no effect in this version\n"
			  "monitoring: {alerts: {severity_levels: {}}}\n"
			  "                      ^\n"
			  "f.yaml: warning: \"listen\" is 0.0.0.0:8765, but \"hosts\" is empty: only "
			  "requests to localhost are accepted; list the names that clients use\n");
	fw_policy_unref(policy);
}

static void keys(void **state)
{
	struct fw_policy *policy = policy_of(
		"authentication:\n  jwt:\n    keys:\n"
		"      - {kid: one, secret: 0123456789abcdef0123456789abcdef}\n"
		"      - {kid: two, secret: 'base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'}\n"
		"  api_keys:\n"
		"    - {id: abcd2345, hash: 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff, name: "
		"ci, role: moderator}\n"
		"    - {id: abcd2346, hash: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}\n");

	(void)state;
	assert_int_equal(policy->jwt_key_count, 2);
	assert_string_equal(policy->jwt_keys[0].kid, "one");
	assert_int_equal(policy->jwt_keys[0].secret_size, 32);
	assert_memory_equal(policy->jwt_keys[0].secret, "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(policy->jwt_keys[1].secret_size, 32);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(policy->jwt_keys[1].secret[i], i);
	assert_ptr_equal(policy->jwt.keys, policy->jwt_keys);
	assert_int_equal(policy->jwt.key_count, 2);
	assert_int_equal(policy->api_key_count, 2);
	assert_string_equal(policy->api_keys[0].id, "abcd2345");
	assert_int_equal(policy->api_keys[0].hash[10], 0xaa);
	assert_string_equal(policy->api_keys[0].name, "ci");
	assert_string_equal(policy->roles[policy->api_keys[0].role].name, "moderator");
	assert_string_equal(policy->api_keys[1].name, "abcd2346");
	assert_string_equal(policy->roles[policy->api_keys[1].role].name, "user");
	fw_policy_unref(policy);
}

#define KEYS(list) "authentication: {jwt: {keys: " list "}}"
#define API(list) "authentication: {api_keys: " list "}"
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void refused_keys(void **state)
{
	(void)state;
	refused_for(KEYS("[{secret: 0123456789abcdef0123456789abcde}]"),
		    "a secret has at least 32 octets; this one has 31");
	refused_for(KEYS("[{secret: 'base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='}]"),
		    "base64url without padding");
	refused_for(KEYS("[{kid: a}]"), "a key needs a secret");
	refused_for(KEYS("[{kid: a b, secret: 0123456789abcdef0123456789abcdef}]"), "a kid is a name");
	refused_for(KEYS("[{kid: a, secret: 0123456789abcdef0123456789abcdef}, {kid: a, secret: "
			 "0123456789abcdef0123456789abcdef}]"),
		    "two keys have the same kid");
	refused_for(KEYS("[{kid: a, secret: 0123456789abcdef0123456789abcdef}, {secret: "
			 "0123456789abcdef0123456789abcdef}]"),
		    "where there are several keys each needs a kid");
	refused_for(KEYS("0123456789abcdef"), "\"authentication.jwt.keys\" is a list");
	refused_for(API("[{id: ABCD2345, hash: " HASH "}]"), "an id is the 8 small letters and digits");
	refused_for(API("[{id: abcd234, hash: " HASH "}]"), "an id is the 8 small letters and digits");
	refused_for(API("[{id: abcd2345, hash: abc}]"), "a hash is the SHA-256 of the whole key");
	refused_for(API("[{id: abcd2345}]"), "an API key needs an id and a hash");
	refused_for(API("[{id: abcd2345, hash: " HASH ", role: usr}]"),
		    "there is no role \"usr\"; did you mean \"user\"?");
	refused_for(API("[{id: abcd2345, hash: " HASH "}, {id: abcd2345, hash: " HASH "}]"),
		    "two API keys have the same id");
	refused_for(API("[abc]"), "each API key is a mapping");
}

/* Whatever is wrong around it, a secret is never in a message. */
static void secrets_are_not_shown(void **state)
{
	static const char *const files[] = {
		KEYS("[{kid: a, secret: CANARY}]"),
		KEYS("[{kid: a, secrt: CANARY}]"),
		KEYS("[{kid: a, secret: CANARY, x: 1}]"),
		KEYS("[{secret: CANARY, kdi: b}]"),
		KEYS("[{secret: CANARY}, {kid: a}]"),
		KEYS("[CANARY]"),
		KEYS("CANARY"),
		KEYS("[{secret: [CANARY]}]"),
		KEYS("[{secret: {a: CANARY}}]"),
		KEYS("[{secret: !x CANARY}]"),
		KEYS("[{secret: 'CANARY}]"),
		KEYS("[{secret: \"CANARY\\0\"}]"),
		"authentication: {jwt: {key: [{secret: CANARY}]}}",
		"authentication:\n  jwt:\n    keys:\n      - kid: a\n        secret: CANARY\n",
		"authentication:\n  jwt:\n    keys:\n      - kid: a\n        secret: CANARY: x\n",
		"authentication:\n  jwt:\n    keys:\n      - secret: |\n          CANARY\n",
		"x: {secret: CANARY}\n",
	};
	struct fw_policy *policy;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_int_equal(load_result(files[i], &policy), FW_ERR_INVALID);
		if (strstr(reported, "CANARY") != NULL)
			fail_msg("%s\n%s", files[i], reported);
	}
}

static int load_over(const char *yaml, const struct config_override *overrides, size_t count, struct fw_slice secret,
		     struct fw_policy **ret_policy)
{
	struct config_options options = { "f.yaml", slice_text(yaml), overrides, count, secret, collect_report, NULL };

	reported[0] = '\0';
	return config_load(&options, ret_policy);
}

static void overrides(void **state)
{
	const struct config_override good[] = { { "upstream.url", "ws://other:9", "--upstream" },
						{ "mode", "monitor", "--mode" },
						{ "workers", "2", "--workers" },
						{ "hosts", "a.example, b.example", "--hosts" },
						{ "origin.required", "true", "--origin-required" } };
	const struct config_override bad[] = { { "upstream.url", "http://x", "--upstream" },
					       { "mode", "observe", "--mode" },
					       { "workers", "many", "--workers" },
					       { "hosts", "a,/", "--hosts" },
					       { "no.such", "1", "--odd" } };
	struct fw_policy *policy;

	(void)state;
	assert_int_equal(load_over("mode: enforce\nupstream: {url: 'ws://first:1'}", good, 5, slice(NULL, 0), &policy),
			 FW_OK);
	assert_string_equal(policy->routes[0].upstream_host, "other");
	assert_int_equal(policy->settings.mode, MODE_MONITOR);
	assert_int_equal(policy->settings.workers, 2);
	assert_int_equal(policy->settings.hosts.count, 2);
	assert_string_equal(policy->settings.hosts.items[1], "b.example");
	assert_true(policy->settings.origin_required);
	fw_policy_unref(policy);

	assert_int_equal(load_over("", bad, 5, slice(NULL, 0), &policy), FW_ERR_INVALID);
	assert_string_equal(
		reported,
		"--upstream: error: \"http://x\" is not an upstream: write ws://host:port or wss://host:port\n"
		"--mode: error: \"mode\" must be one of: enforce, monitor; not \"observe\"\n"
		"--workers: error: \"workers\" is a whole number from 0 to 256 threads, not \"many\"\n"
		"--hosts: error: \"hosts\": \"/\" is not a host name or address, with or without :port\n"
		"--odd: error: there is no configuration key \"no.such\"\n");
}

static void default_key(void **state)
{
	static const uint8_t secret[32] = { 1, 2, 3 };
	struct fw_policy *policy;

	(void)state;
	assert_int_equal(load_over("", NULL, 0, slice(secret, 32), &policy), FW_OK);
	assert_int_equal(policy->jwt.key_count, 1);
	assert_null(policy->jwt.keys[0].kid);
	assert_memory_equal(policy->jwt.keys[0].secret, secret, 32);
	fw_policy_unref(policy);
	assert_int_equal(load_over(KEYS("[{kid: a, secret: 0123456789abcdef0123456789abcdef}]"), NULL, 0,
				   slice(secret, 32), &policy),
			 FW_OK);
	assert_int_equal(policy->jwt.key_count, 1);
	assert_string_equal(policy->jwt.keys[0].kid, "a");
	fw_policy_unref(policy);
	assert_int_equal(load_over("", NULL, 0, slice(secret, 31), &policy), FW_OK);
	assert_int_equal(policy->jwt.key_count, 0);
	fw_policy_unref(policy);
}

/* The text is a slice: what stands behind it is not read. */
static void text_without_an_end(void **state)
{
	static const char text[] = "mode: monitor";
	struct fw_policy *policy;
	char *copy;

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		int result;

		copy = malloc(size + 1);
		memcpy(copy, text, size);
		copy[size] = '}';
		reported[0] = '\0';
		result = fw_policy_load("f.yaml", slice(copy, size), collect_report, NULL, &policy);
		free(copy);
		assert_true(result == FW_OK ? size == 0 || size == sizeof(text) - 1 : result == FW_ERR_INVALID);
		if (result == FW_OK)
			fw_policy_unref(policy);
	}
	assert_int_equal(fw_policy_load("f.yaml", slice("mode: x", 7), NULL, NULL, &policy), FW_ERR_INVALID);
}

static const char *shared(void)
{
	static char path[512];
	const char *folder = getenv("FRAMEWALL_SHARED");
	FILE *file;

	snprintf(path, sizeof(path), "%s/specification/reference/websocket_security.yaml",
		 folder != NULL ? folder : "../shared");
	file = fopen(path, "rb");
	if (file == NULL)
		return NULL;
	fclose(file);
	return path;
}

/* The reference's own file loads as it is. */
static void reference_file(void **state)
{
	static char yaml[65536];
	FILE *file = fopen(shared(), "rb");
	struct fw_policy *policy;

	(void)state;
	yaml[fread(yaml, 1, sizeof(yaml) - 1, file)] = '\0';
	fclose(file);
	policy = policy_of(yaml);
	assert_null(strstr(reported, "error"));
	assert_int_equal(policy->settings.messages_per_minute, 60);
	assert_string_equal(policy->settings.log_directory, "logs/security");
	assert_int_equal(strncmp(policy->settings.csp, "default-src 'self'; script-src 'self' 'unsafe-inline'; ", 55),
			 0);
	assert_true(fw_policy_allows(policy, "moderator", "chat.moderate"));
	assert_true(fw_policy_allows(policy, "admin", "chat.read"));
	fw_policy_unref(policy);
}

/* A message of more octets than a burst would never pass. */
static void bytes_a_minute_are_at_least_a_message(void **state)
{
	(void)state;
	refused_for("rate_limiting:\n  bytes_per_minute: 8191\n",
		    "f.yaml:2:3: error: \"rate_limiting.bytes_per_minute\": 8191 is less than one message may have "
		    "(\"rate_limiting.max_message_size\": 8192), so a larger one would never pass: raise it, or lower "
		    "max_message_size\n");
	refused_for("rate_limiting: {bytes_per_user_per_minute: 200, max_message_size: 201}\n",
		    "\"rate_limiting.bytes_per_user_per_minute\": 200 is less");
	refused_for("rate_limiting: {bytes_per_ip_per_minute: 200}\n",
		    "\"rate_limiting.bytes_per_ip_per_minute\": 200 is less");
	refused_for("rate_limiting: {total_bytes_per_minute: 200}\n",
		    "\"rate_limiting.total_bytes_per_minute\": 200 is less");
	refused_for("routes: [{path: /, bytes_per_minute: 8191}]\n", "\"bytes_per_minute\": 8191 is less");
	fw_policy_unref(policy_of("rate_limiting: {bytes_per_minute: 200, max_message_size: 200}\n"));
	fw_policy_unref(policy_of("rate_limiting: {bytes_per_minute: 8192}\n"
				  "routes: [{path: /, bytes_per_minute: 8192}]\n"));
}

int main(void)
{
#define TESTS                                                                                                          \
	cmocka_unit_test(integers_at_their_limits), cmocka_unit_test(other_kinds), cmocka_unit_test(cookies),          \
		cmocka_unit_test(every_problem_at_once), cmocka_unit_test(places), cmocka_unit_test(what_is_not_yaml), \
		cmocka_unit_test(nothing_in_it), cmocka_unit_test(alias_bomb), cmocka_unit_test(too_large),            \
		cmocka_unit_test(bytes_a_minute_are_at_least_a_message), cmocka_unit_test(checked_texts),              \
		cmocka_unit_test(csp_mapping), cmocka_unit_test(warnings), cmocka_unit_test(keys),                     \
		cmocka_unit_test(refused_keys), cmocka_unit_test(secrets_are_not_shown), cmocka_unit_test(overrides),  \
		cmocka_unit_test(default_key), cmocka_unit_test(text_without_an_end),
	const struct CMUnitTest tests[] = { TESTS };
	const struct CMUnitTest tests_and_reference[] = { TESTS cmocka_unit_test(reference_file) };

	if (shared() == NULL) {
		fprintf(stderr, "the reference configuration is not there: set FRAMEWALL_SHARED\n");
		return cmocka_run_group_tests_name("config", tests, NULL, NULL);
	}
	return cmocka_run_group_tests_name("config", tests_and_reference, NULL, NULL);
}
