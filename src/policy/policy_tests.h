/* policy_tests.h: tests of a policy as a YAML file says them (docs/guide/test-your-policy.md): who sends what, and what
 * must become of it. Read by libfyaml as a configuration is: the same bounds, the same messages. What they are played
 * on is not known here. */
#ifndef POLICY_TESTS_H
#define POLICY_TESTS_H
#include <framewall/policy.h>

#include "base/addr.h"
#include "base/texts.h"

enum policy_step_kind { STEP_IN, STEP_OUT, STEP_WAIT };

/* NULL, 0: it is not looked at. */
struct policy_expect {
	uint8_t verdict; /* 0 pass, 1 refuse, 2 close */
	bool given;
	const char *code, *stage, *rule;
	const char *reason; /* is part of the reason */
	unsigned close, status;
	struct fw_slice rewritten; /* what goes on, as JSON where it is JSON */
};

struct policy_step {
	unsigned line;
	uint8_t kind; /* enum policy_step_kind */
	bool binary;
	bool expands; /* ${…} in it stands for something */
	bool said;    /* there is a message, be it empty */
	struct fw_slice message;
	uint64_t wait_ns;
	int64_t times;
	struct policy_expect expect;
};

struct policy_test {
	unsigned line;
	const char *name;
	const char *path, *subprotocol, *origin, *host, *user, *role;
	const char *headers;	 /* lines of a request head */
	const char *permissions; /* with a blank between */
	struct fw_addr from;
	bool certificate, tls;
	struct policy_expect expect; /* of the connection, where there is no step */
	struct policy_step *steps;
	unsigned step_count;
	/* A test of scenarios: a file of records, and what fires by them, no more and no less. */
	const char *events;
	struct policy_test_fires *fires;
	unsigned fires_count;
};

/* Of a test of events: a scenario that must fire, and for whom, as "198.51.100.7" or "user:alice". */
struct policy_test_fires {
	const char *scenario;
	struct texts whom;
};

struct policy_test_user {
	const char *name, *password, *role;
};

struct policy_tests {
	struct fw_policy *owner; /* of the memory */
	struct policy_test *tests;
	unsigned count;
	struct policy_test_user *users;
	unsigned user_count;
	uint64_t clock_us; /* when it begins; 0: now */
};
/* FW_OK, FW_ERR_INVALID (reported, each with its place) or FW_ERR_MEMORY. */
int policy_tests_load(const char *name, struct fw_slice text, fw_report_function *report, void *user,
		      struct policy_tests *ret_tests);
void policy_tests_free(struct policy_tests *tests);
#endif
