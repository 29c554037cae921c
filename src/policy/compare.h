/* compare.h: what another policy lets pass that this one does not, and the other way round, in words: routes, who may
 * send and receive which type, what a message must be, roles. Values of config.def are compared by who shows them.
 * Any thread. */
#ifndef POLICY_COMPARE_H
#define POLICY_COMPARE_H
#include "policy/policy.h"
#include "schema/compare.h"

/* False: memory is short. */
bool policy_compare(const struct fw_policy *before, const struct fw_policy *after, difference_function *say,
		    void *user);
#endif
