/* contract.h: inside of the policy layer: what a configuration may change of the message types while it is compiled. */
#ifndef POLICY_CONTRACT_H
#define POLICY_CONTRACT_H
#include "policy/policy.h"

/* Calls name(user, permission) for each permission that a message of the contract asks for. */
void contract_permissions(void (*name)(void *user, const char *permission), void *user);
/* validation.max_lengths: every string field of this name gets this greatest length. Returns how many fields there
 * were. Before the policy is shared. */
unsigned contract_limit(struct fw_policy *policy, const char *field, int64_t max);
/* validation.message_sizes: the message type of this name gets this greatest size. Returns 1, or 0 when there is none.
 */
unsigned contract_limit_size(struct fw_policy *policy, const char *name, int64_t max);
/* messages.NAME.when */
void contract_condition(struct fw_policy *policy, const char *name, const struct policy_condition *condition);
/* messages.NAME.messages_per_minute. False: memory is short. */
bool contract_rate(struct fw_policy *policy, const char *name, int64_t per_minute);
/* Room for more message types behind those there are, which nobody finds by name (but see contract_name_own): the first
 * of them. NULL: memory is
 * short. Before the policy is shared. */
struct policy_message *contract_extend(struct fw_policy *policy, unsigned count);
/* A protected operation must be able to carry its token: csrf_token becomes a field of a message that has csrf set.
 * FW_OK or FW_ERR_MEMORY. */
int contract_token_field(struct arena *arena, struct policy_message *message);
/* A message type of the name, which the policy must not have yet, found by name from now on; contract_extend made the
 * room, of which this is the index-th. Before the policy is shared. */
void contract_name_own(struct fw_policy *policy, unsigned index);
/* Room for count types of the configuration that servers send, behind those of the contract: the first of them. NULL:
 * memory is short. Once. */
struct policy_outbound *contract_serve(struct fw_policy *policy, unsigned count);
/* The index-th of outbound is found by its name from now on. */
void contract_name_served(struct fw_policy *policy, unsigned index);
/* Is this a message type that may be a protected operation (one that is forwarded)? */
bool contract_protectable(struct fw_slice name);
/* The i-th message type's name, or NULL behind the last. */
const char *contract_name(unsigned i);
#endif
