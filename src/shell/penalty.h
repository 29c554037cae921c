/* penalty.h: what a policy says of offences, for the store, and what the store says of them, for the record. No state;
 * any thread. */
#ifndef SHELL_PENALTY_H
#define SHELL_PENALTY_H
#include <framewall/event.h>

#include "policy/policy.h"
#include "state/store.h"

#define PENALTY_SLOW_NS ((uint64_t)1000000000) /* without being read, at the step slow */

/* Of the options those that monitoring.auto_block has. */
void penalty_options(const struct fw_policy *policy, struct store_options *ret_options);
/* user: who is logged in; size 0: nobody. */
struct store_offence penalty_offence(const struct fw_policy *policy, const struct fw_addr *address,
				     struct fw_slice user, unsigned event);
/* A user of a shared address was blocked: that counts on the address, as the offence says. False: there is none. */
bool penalty_next(const struct fw_policy *policy, const struct store_penalty *penalty, struct store_offence *offence);
/* Is there something to write down? Then it is in record, whose texts are those of the penalty: all but its time, its
 * source and its ids. */
bool penalty_record(const struct fw_policy *policy, const struct store_penalty *penalty, struct fw_record *record);
#endif
