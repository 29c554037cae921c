/* policy_of.h: for tests: a policy of a YAML text, with what was reported in one text. */
#ifndef TESTS_POLICY_OF_H
#define TESTS_POLICY_OF_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/config.h"
#include "policy/policy.h"

static char reported[65536];

__attribute__((unused)) static void collect_report(void *user, const char *text)
{
	size_t n = strlen(reported);

	(void)user;
	assert_true(n + strlen(text) + 2 < sizeof(reported));
	strcpy(reported + n, text);
	strcat(reported, "\n");
}

__attribute__((unused)) static int load_result(const char *yaml, struct fw_policy **ret_policy)
{
	reported[0] = '\0';
	*ret_policy = NULL;
	return fw_policy_load("f.yaml", slice_text(yaml), collect_report, NULL, ret_policy);
}

/* A policy that must hold. */
__attribute__((unused)) static struct fw_policy *policy_of(const char *yaml)
{
	struct fw_policy *policy;
	int result = load_result(yaml, &policy);

	if (result != FW_OK)
		fail_msg("refused (%d):\n%s\n%s", result, yaml, reported);
	return policy;
}

/* A configuration that must be refused, with exactly this report. */
__attribute__((unused)) static void refused_with(const char *yaml, const char *report)
{
	struct fw_policy *policy;

	assert_int_equal(load_result(yaml, &policy), FW_ERR_INVALID);
	assert_null(policy);
	assert_string_equal(reported, report);
}

/* A configuration that must be refused, with this somewhere in the report. */
__attribute__((unused)) static void refused_for(const char *yaml, const char *part)
{
	struct fw_policy *policy;
	int result = load_result(yaml, &policy);

	if (result != FW_ERR_INVALID || policy != NULL || strstr(reported, part) == NULL)
		fail_msg("result %d for\n%s\nreport:\n%s\nlacks: %s", result, yaml, reported, part);
}
#endif
