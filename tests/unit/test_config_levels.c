/* audit_logging.log_levels, and keys that have no effect in this version. */
#include "policy_of.h"

#include "base/event_type.h"

#define SECTION "audit_logging: {log_levels: "

static const char *level_of(const char *yaml, unsigned event)
{
	struct fw_policy *policy = policy_of(yaml);
	const char *name = fw_level_name(policy->event_levels[event]);

	fw_policy_unref(policy);
	return name;
}

static void levels(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	for (unsigned i = 0; i < EVENT_TYPES; i++)
		assert_int_equal(policy->event_levels[i], event_type_level(i));
	fw_policy_unref(policy);
	assert_string_equal(level_of(SECTION "{auth_success: critical}}", EVENT_auth_success), "critical");
	assert_string_equal(level_of(SECTION "{auth_success: critical}}", EVENT_auth_failure), "warning");
	assert_string_equal(level_of(SECTION "{auth_failures: Emergency}}", EVENT_auth_failure), "emergency");
	assert_string_equal(level_of(SECTION "{admin_actions: info}}", EVENT_admin_action), "info");
	assert_string_equal(level_of(SECTION "{system_error: error}}", EVENT_system_error), "critical");
	assert_string_equal(level_of(SECTION "{security_violation: info}}", EVENT_dangerous_content), "info");
	assert_string_equal(
		level_of(SECTION "{csrf_violation: critical, security_violation: info}}", EVENT_csrf_violation),
		"critical");
	assert_string_equal(
		level_of(SECTION "{security_violation: info, csrf_violation: critical}}", EVENT_csrf_violation),
		"critical");
	assert_string_equal(level_of("environment: testing\n" SECTION "{auth_success: critical, auth_failure: info}}\n"
				     "environment_overrides: {testing: {" SECTION "{auth_success: warning}}}}",
				     EVENT_auth_success),
			    "warning");
	assert_string_equal(level_of("environment: testing\n" SECTION "{auth_success: critical, auth_failure: info}}\n"
				     "environment_overrides: {testing: {" SECTION "{auth_success: warning}}}}",
				     EVENT_auth_failure),
			    "info");
}

static void refused(void **state)
{
	(void)state;
	refused_with(
		SECTION "{auth_succes: info}}",
		"f.yaml:1:30: error: \"audit_logging.log_levels\": there is no event \"auth_succes\"; did you mean "
		"\"auth_success\"?\n" SECTION "{auth_succes: info}}\n                             ^\n");
	refused_for(SECTION "{auth_success: criticl}}",
		    "f.yaml:1:44: error: \"auth_success\": \"criticl\" is not a level; there "
		    "are info, warning, critical and emergency; did you mean "
		    "\"critical\"?");
	refused_for(SECTION "{security_violation: loud}}", "\"loud\" is not a level");
	refused_for(SECTION "{auth_success: [info]}}", "auth_success is a single value, not a list");
	refused_for(SECTION "[info]}", "is a mapping");
	refused_for("environment_overrides: {testing: {" SECTION "{nothing: info}}}}", "there is no event \"nothing\"");
}

static void idle_of(const char *yaml, const char *expected)
{
	struct fw_policy *policy = policy_of(yaml);
	char text[1024] = "";

	for (size_t i = 0; i < policy->idle.count; i++) {
		strcat(text, i != 0 ? " " : "");
		strcat(text, policy->idle.items[i]);
	}
	fw_policy_unref(policy);
	assert_string_equal(text, expected);
}

static void without_effect(void **state)
{
	(void)state;
	idle_of("", "");
	assert_string_equal(reported, "");
	idle_of("audit_logging: {compliance_events: [authentication]}\nmonitoring: {alerts: {severity_levels: {info: "
		"0}}}",
		"audit_logging.compliance_events monitoring.alerts.severity_levels");
	/* In the file and in its overlay it is one key. */
	idle_of("environment: testing\nmonitoring: {alerts: {severity_levels: {}}}\nenvironment_overrides: {testing: "
		"{monitoring: {alerts: {severity_levels: {}}}}}",
		"monitoring.alerts.severity_levels");
	/* Of an environment that is not chosen nothing is configured. */
	idle_of("environment_overrides: {testing: {monitoring: {alerts: {severity_levels: {}}}}}", "");
	assert_non_null(strstr(reported, "\"monitoring.alerts.severity_levels\" has no effect"));
}

static void from_outside_the_file(void **state)
{
	const struct config_variable variable = { "FRAMEWALL_AUTHENTICATION_PASSWORD_POLICY_MIN_LENGTH", "20" };
	struct config_options options = {
		.name = "f.yaml", .variables = &variable, .variable_count = 1, .report = collect_report
	};
	struct fw_policy *policy;

	(void)state;
	reported[0] = '\0';
	assert_int_equal(config_load(&options, &policy), FW_OK);
	assert_int_equal(policy->settings.password_min_length, 20);
	assert_string_equal(reported, "");
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(levels), cmocka_unit_test(refused),
					    cmocka_unit_test(without_effect), cmocka_unit_test(from_outside_the_file) };

	return cmocka_run_group_tests_name("config levels", tests, NULL, NULL);
}
