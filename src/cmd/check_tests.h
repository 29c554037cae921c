/* check_tests.h: tests of a policy (policy/policy_tests.h), played on the engine itself (shell/rehearsal.h). */
#ifndef CMD_CHECK_TESTS_H
#define CMD_CHECK_TESTS_H
#include "codec/json.h"
#include "policy/policy.h"

enum check_tests_form { CHECK_TESTS_TEXT, CHECK_TESTS_TAP, CHECK_TESTS_JSON };
struct check_tests {
	const char *path;
	enum check_tests_form form;
	struct json_writer *writer; /* JSON: takes one value, an object */
	fw_report_function *report; /* of what is wrong with the file */
	void *user;
};
/* FW_OK: all hold. FW_ERR_INVALID: one does not, or the file does not. FW_ERR_IO: it cannot be read, errno says why.
 * FW_ERR_MEMORY. */
int check_tests(const struct check_tests *asked, struct fw_policy *policy);
#endif
