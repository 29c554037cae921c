/* test_play.h: one test of a policy, played; and the first thing that is otherwise than it says, in words. */
#ifndef CMD_TEST_PLAY_H
#define CMD_TEST_PLAY_H
#include "policy/policy_tests.h"
#include "shell/rehearsal.h"

enum { TEST_DIFFERENCE = 1536 };
struct test_outcome {
	bool holds;
	unsigned line; /* of what does not */
	char difference[TEST_DIFFERENCE];
};
int test_play(struct fw_policy *policy, const struct policy_tests *tests, const struct policy_test *test,
	      uint64_t wall_us, struct test_outcome *ret_outcome); /* FW_OK or FW_ERR_MEMORY */
#endif
