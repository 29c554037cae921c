/* load_enforced.h: a policy as it is when it enforces, for verbs that ask what it would do. */
#ifndef CMD_LOAD_ENFORCED_H
#define CMD_LOAD_ENFORCED_H
#include "policy/policy.h"

/* path NULL: the defaults. OPTIONS_GO_ON, or the exit code to end with: what is wrong was said. */
int load_enforced(const char *verb, const char *path, struct fw_policy **ret_policy);
#endif
