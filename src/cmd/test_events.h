/* test_events.h: a test of scenarios: records of a file, and what must fire by them. No state; any thread. */
#ifndef CMD_TEST_EVENTS_H
#define CMD_TEST_EVENTS_H
#include "cmd/test_play.h"

/* FW_OK or FW_ERR_MEMORY. */
int test_events(const struct fw_policy *policy, const struct policy_test *test, struct test_outcome *ret_outcome);
#endif
