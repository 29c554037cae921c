/* The policy as a whole: defaults, derived values, references, and every allocation of a load failing. */
#include "policy_of.h"

#include <pthread.h>

#include "base/event_type.h"

static void defaults(void **state)
{
	struct fw_policy *policy = policy_of("");
	const struct settings *settings = &policy->settings;

	(void)state;
	assert_string_equal(reported, "");
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) assert_true(settings->member == (value));
#define CONFIG_BOOLEAN(path, member, value, help) assert_true(settings->member == (value));
#define CONFIG_TEXT(path, member, value, help) assert_string_equal(settings->member, value);
#define CONFIG_CHOICE(path, member, value, words, help) assert_true(settings->member == (value));
#define CONFIG_TEXTS(path, member, value, help)                                                                        \
	do {                                                                                                           \
		char joined[512] = "";                                                                                 \
		for (size_t i = 0; i < settings->member.count; i++)                                                    \
			strcat(strcat(joined, i != 0 ? " " : ""), settings->member.items[i]);                          \
		assert_string_equal(joined, value);                                                                    \
	} while (0);
#include "tables/config.def"
	fw_policy_unref(policy);
}

static void derived(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	assert_true(policy->message_rate.interval_ns == 1000000000u && policy->message_rate.burst_ns == 59000000000u);
	assert_true(policy->auth_rate.interval_ns == 12000000000u && policy->auth_rate.burst_ns == 48000000000u);
	assert_true(policy->control_rate.interval_ns == 500000000u);
	assert_int_equal(policy->methods, 1u << METHOD_JWT | 1u << METHOD_API_KEY | 1u << METHOD_SESSION);
	assert_true(policy->blocking_events ==
		    (UINT64_C(1) << EVENT_auth_failure | UINT64_C(1) << EVENT_rate_limit_violation |
		     UINT64_C(1) << EVENT_csrf_violation | UINT64_C(1) << EVENT_permission_denied));
	assert_int_equal(policy->blocked_net_count, 3);
	assert_null(policy->jwt.issuer);
	assert_null(policy->jwt.audience);
	assert_int_equal(policy->jwt.skew_s, 60);
	assert_int_equal(policy->jwt.max_life_s, 86400);
	assert_int_equal(policy->jwt.max_size, 8192);
	assert_int_equal(policy->jwt.key_count, 0);
	fw_policy_unref(policy);

	policy = policy_of("websocket: {control_frames_per_minute: 0}\nauthentication: {methods: [password], jwt: "
			   "{issuer: me, audience: you}}\n"
			   "monitoring: {auto_block: {blocking_events: [auth_failures, permission_violations, "
			   "suspicious_pattern, ip_blocked]}}");
	/* No limit: nothing ever comes too early. */
	uint64_t cell = 0;

	for (unsigned i = 0; i < 1000; i++)
		assert_true(gcra_take(&cell, &policy->control_rate, 5) == 0);
	assert_int_equal(policy->methods, 1u << METHOD_PASSWORD);
	assert_string_equal(policy->jwt.issuer, "me");
	assert_string_equal(policy->jwt.audience, "you");
	assert_true(policy->blocking_events ==
		    (UINT64_C(1) << EVENT_auth_failure | UINT64_C(1) << EVENT_permission_denied |
		     UINT64_C(1) << EVENT_dangerous_content | UINT64_C(1) << EVENT_ip_blocked));
	fw_policy_unref(policy);
}

static void *take_and_give(void *user)
{
	for (unsigned i = 0; i < 20000; i++)
		fw_policy_unref(fw_policy_ref(user));
	return NULL;
}

static void references(void **state)
{
	struct fw_policy *policy = policy_of("");
	pthread_t threads[4];

	(void)state;
	assert_null(fw_policy_ref(NULL));
	assert_null(fw_policy_unref(NULL));
	assert_ptr_equal(fw_policy_ref(policy), policy);
	assert_null(fw_policy_unref(policy));
	assert_true(fw_policy_allows(policy, "admin", "chat.send"));
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, take_and_give, policy);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&policy->references), 1);
	fw_policy_unref(policy);
}

static const char everything[] =
	"listen: 127.0.0.1:1\nhosts: [a.example]\nupstream: {url: 'ws://b:1/c', login_message: hello}\n"
	"authentication:\n  jwt: {keys: [{kid: k, secret: 0123456789012345678901234567890123456789}]}\n"
	"  api_keys: [{id: abcdefgh, hash: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, name: "
	"robot, role: user}]\n"
	"rbac: {roles: {analyst: {permissions: [reports.read, 'chat.*'], inherits: [user]}}, permission_categories: "
	"{files: [get]}}\n"
	"routes: [{path: /x, subprotocols: [a, b], origins: ['https://a.example']}, {path: '*', anonymous: guest}]\n"
	"security_policies: {csp: {default_src: \"'self'\"}}\nvalidation: {max_lengths: {text: 9}}\n";

static unsigned fail_each(const char *yaml, int good)
{
	struct fw_policy *policy;
	unsigned failed = 0;

	for (uint64_t n = 1; n < 1000; n++) {
		int result;

		mem_fail_at(n);
		result = load_result(yaml, &policy);
		mem_fail_at(0);
		if (result != FW_ERR_MEMORY) {
			assert_int_equal(result, good);
			fw_policy_unref(policy);
			return failed;
		}
		assert_null(policy);
		failed++;
	}
	fail_msg("the load never ends");
	return 0;
}

static void short_memory(void **state)
{
	static char large[400000];

	(void)state;
	fw_policy_unref(policy_of(everything));
	assert_true(fail_each("", FW_OK) >= 2);
	assert_true(fail_each(everything, FW_OK) >= 3);
	assert_true(fail_each("nonsense: 1\nmode: x\n", FW_ERR_INVALID) >= 2);
	/* Many blocks of the arenas. */
	strcpy(large, "hosts: [");
	for (unsigned i = 0; i < 20000; i++)
		sprintf(large + strlen(large), "h%u.example, ", i);
	strcat(large, "]");
	assert_true(fail_each(large, FW_OK) >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(derived),
		cmocka_unit_test(references),
		cmocka_unit_test(short_memory),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
