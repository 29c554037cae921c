/* audit_logging.receivers: what becomes of them in a policy, every mistake, and every allocation failing once. What
 * they do: tests/e2e/test_siem.py. */
#include "policy_of.h"

#include "policy/fingerprint.h"

#define SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const char yaml[] = "audit_logging:\n"
			   "  receivers:\n"
			   "    - name: siem\n"
			   "      url: 'tls://siem.example.com:6514'\n"
			   "      level: warning\n"
			   "      events: [auth_failed, ip_blocked]\n"
			   "      format: cef\n"
			   "      facility: local3\n"
			   "      app: chat\n"
			   "      ca_file: ca.pem\n"
			   "      certificate: own.pem\n"
			   "    - {name: v6, url: 'udp://[::1]:514', backlog: false}\n"
			   "    - {name: hook, url: 'https://hook.example.com/in', secret: " SECRET ", batch: 7}\n"
			   "    - {name: disk, url: 'file:out/record.json'}\n";

static void receivers(void **state)
{
	struct fw_policy *policy = policy_of(yaml);
	const struct receiver *all = policy->receivers;

	(void)state;
	assert_int_equal(policy->receiver_count, 4);
	assert_int_equal(all[0].kind, RECEIVER_TLS);
	assert_string_equal(all[0].host, "siem.example.com");
	assert_string_equal(all[0].port, "6514");
	assert_int_equal(all[0].least_level, FW_LEVEL_WARNING);
	assert_int_equal(all[0].facility_number, 19);
	assert_int_equal(all[0].unwanted[EVENT_auth_failure], 0);
	assert_int_equal(all[0].unwanted[EVENT_ip_blocked], 0);
	assert_int_equal(all[0].unwanted[EVENT_auth_success], 1);
	assert_string_equal(all[1].host, "::1");
	assert_string_equal(all[1].format, "syslog");
	assert_string_equal(all[1].app, "framewall");
	assert_int_equal(all[1].facility_number, 13);
	assert_int_equal(all[1].unwanted[EVENT_auth_success], 0);
	assert_true(all[1].checkpoints && !all[1].backlog && all[0].backlog);
	assert_int_equal(all[2].secret_size, 32);
	assert_memory_equal(all[2].secret_octets, "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(all[2].batch, 7);
	assert_string_equal(all[3].format, "jsonl");
	assert_string_equal(all[3].path, "out/record.json");
	fw_policy_unref(policy);
}

/* What changes one receiver changes its digest, and no other one's. */
static void digests(void **state)
{
	static const char *const changes[][2] = { { "6514", "6515" },
						  { "auth_failed", "auth_success" },
						  { "level: w", "level: c" },
						  { "local3", "local4" },
						  { "chat", "chat2" },
						  { "own.pem", "own" },
						  { "format: cef", "format: leef" } };
	struct fw_policy *policy = policy_of(yaml);
	struct fingerprint before, after;

	(void)state;
	assert_true(fingerprint_make(policy, slice_text("k"), &before));
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const char *at = strstr(yaml, changes[i][0]);
		const char *with = strcmp(changes[i][1], "level: c") == 0 ? "level: critical #" : changes[i][1];
		struct fw_policy *other;
		char text[2048];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - yaml), yaml, with, at + strlen(changes[i][0]));
		other = policy_of(text);
		assert_memory_not_equal(other->receivers[0].digest, policy->receivers[0].digest, 32);
		assert_memory_equal(other->receivers[1].digest, policy->receivers[1].digest, 32);
		assert_true(fingerprint_make(other, slice_text("k"), &after));
		for (unsigned row = 0; row < FINGERPRINT_ROWS; row++)
			assert_int_equal(fingerprint_differs(&before, &after, row), row == FINGERPRINT_receivers);
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
		result = load_result(yaml, &policy);
		mem_fail_at(0);
		if (result == FW_OK)
			break;
		assert_int_equal(result, FW_ERR_MEMORY);
		assert_null(policy);
		assert_true(n < 10000);
	}
	fw_policy_unref(policy);
}

static void one(const char *members, const char *part)
{
	char text[1024];

	snprintf(text, sizeof(text), "audit_logging: {receivers: [{%s}]}", members);
	refused_for(text, part);
}

static void mistakes(void **state)
{
	(void)state;
	refused_for("audit_logging: {receivers: 5}", "is a list");
	refused_for("audit_logging: {receivers: [5]}", "each receiver is a mapping");
	refused_for("audit_logging: {receivers: [{name: a, url: 'udp://a:1'}, {name: A, url: 'udp://a:2'}]}",
		    "two receivers are named");
	one("name: a", "needs \"name\" and \"url\"");
	one("name: a/b, url: 'udp://a:1'", "\"name\" of a receiver is");
	one("name: ..a, url: 'udp://a:1'", "\"name\" of a receiver is");
	one("name: a, url: 'ftp://a:1'", "begins with udp://");
	one("name: a, url: 'udp://a'", "no HOST:PORT");
	one("name: a, url: 'tcp://:514'", "no HOST:PORT");
	one("name: a, url: 'file:'", "names no file");
	one("name: a, url: 'http://a/'", "an https:// URL, or allow_http is needed");
	one("name: a, url: 'https://u:p@a/'", "without user or password");
	one("name: a, url: 'udp://a:1', format: xml", "\"format\" is");
	one("name: a, url: 'udp://a:1', level: error", "\"level\" is");
	one("name: a, url: 'udp://a:1', facility: local8", "\"facility\" is");
	one("name: a, url: 'udp://a:1', app: 'a b'", "\"app\" is");
	one("name: a, url: 'udp://a:1', app: \"a\\nb\"", "\"app\" is one line");
	one("name: a, url: 'udp://a:1', events: [nonsense]", "there is no event \"nonsense\"");
	one("name: a, url: 'udp://a:1', ca_file: x", "\"ca_file\" has no meaning with this \"url\"");
	one("name: a, url: 'file:x', facility: auth", "\"facility\" has no meaning with this \"url\"");
	one("name: a, url: 'tls://a:1', key: x", "\"key\" needs a \"certificate\"");
	one("name: a, url: 'tls://a:1', server_name: 'a:1'", "is the name of a host");
	one("name: a, url: 'https://a/', secret: whsec_AAAA", "\"secret\" is whsec_");
	one("name: a, url: 'https://a/', secret: " SECRET "=", "\"secret\" is whsec_");
	one("name: a, url: 'https://a/', authorization: \"Bearer \\u00e9\"", "visible ASCII");
	one("name: a, url: 'https://a/', batch: 0", "must be from 1 to 10000");
	one("name: a, url: 'https://a/', nonsense: 0", "unknown key \"nonsense\"");
	/* what stands beside a mistake is not shown */
	one("name: a, secret: " SECRET ", url: 'ftp://a:1'", "begins with");
	assert_null(strstr(reported, "MDEy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receivers),
		cmocka_unit_test(digests),
		cmocka_unit_test(short_of_memory),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
