#include "policy/policy.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

struct fw_policy *fw_policy_ref(struct fw_policy *policy)
{
	if (policy != NULL)
		atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
	return policy;
}

int policy_add_assertion_key(struct fw_policy *policy, const struct jwt_key *key)
{
	size_t size = strlen(key->kid) + 1;
	char *kid;

	if (policy->assertion_key_count == LIMIT_ASSERTION_KEYS)
		return FW_ERR_INVALID;
	for (size_t i = 0; i < policy->assertion_key_count; i++)
		if (strcmp(policy->assertion_keys[i].kid, key->kid) == 0)
			return FW_ERR_INVALID;
	kid = arena_alloc(&policy->arena, size);
	if (kid == NULL)
		return FW_ERR_MEMORY;
	memcpy(kid, key->kid, size);
	policy->assertion_keys[policy->assertion_key_count] = *key;
	policy->assertion_keys[policy->assertion_key_count++].kid = kid;
	return FW_OK;
}

static void receiver_forget(struct receiver *receiver)
{
	mem_wipe(receiver->secret_octets, sizeof(receiver->secret_octets));
}

static void forget(struct fw_policy *policy)
{
	/* What is not its own it only refers to. */
	for (size_t i = 0; i < policy->issuer_count; i++)
		for (size_t k = 0; k < policy->issuers[i].rules.key_count; k++)
			if (policy->root == NULL || provider_is_asked(&policy->issuers[i].provider))
				jose_key_fini(&policy->issuers[i].keys[k]);
	if (policy->root != NULL) {
		arena_fini(&policy->arena);
		fw_policy_unref(policy->root);
		mem_free(policy);
		return;
	}
	for (size_t i = 0; i < policy->assertion_key_count; i++)
		jose_key_fini(&policy->assertion_keys[i]);
	for (size_t i = 0; i < policy->jwt_key_count; i++)
		mem_wipe(policy->jwt_keys[i].secret, policy->jwt_keys[i].secret_size);
	for (size_t i = 0; i < policy->jwt_key_count; i++)
		jose_key_fini(&policy->jwt_keys[i]);
	patterns_free(policy->inspect.patterns);
	for (struct policy_schema *schema = policy->schemas; schema != NULL; schema = schema->next)
		jsonschema_free(schema->schema);
	for (size_t i = 0; i < policy->receiver_count; i++)
		receiver_forget(&policy->receivers[i]);
	arena_fini(&policy->arena);
	mem_free(policy);
}

struct fw_policy *fw_policy_unref(struct fw_policy *policy)
{
	/* The last user must see what all others wrote before it frees. */
	if (policy != NULL && atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) == 1)
		forget(policy);
	return NULL;
}

struct fw_policy *policy_over(struct fw_policy *below)
{
	struct fw_policy *made = mem_alloc(sizeof(*made));

	if (made == NULL)
		return NULL;
	memcpy(made, below, sizeof(*made));
	atomic_init(&made->references, 1);
	arena_init(&made->arena, LIMIT_POLICY_BYTES);
	made->root = fw_policy_ref(below);
	made->issuer_count = 0;
	return made;
}

bool policy_trusts(const struct fw_policy *policy, const struct fw_addr *address)
{
	for (size_t i = 0; i < policy->trusted_net_count; i++)
		if (addr_net_has(&policy->trusted_nets[i], address))
			return true;
	return false;
}

const char *fw_policy_message_name(const struct fw_policy *policy, uint16_t type)
{
	return type < policy->message_count ? policy->messages[type].name : NULL;
}

bool fw_policy_outbound_type(const struct fw_policy *policy, const char *name, uint16_t *ret_type)
{
	*ret_type = policy_outbound_find(policy, slice_text(name));
	return *ret_type != POLICY_NONE;
}

bool fw_policy_allows(const struct fw_policy *policy, const char *role, const char *permission)
{
	uint16_t r = policy_role_find(policy, slice_text(role));
	uint16_t p = policy_permission_find(policy, slice_text(permission));

	return r != POLICY_NONE && p != POLICY_NONE && bits_has(&policy->roles[r].permissions, p);
}

bool policy_name_is_of_issuer(const struct fw_policy *policy, struct fw_slice name)
{
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (policy->issuers[i].user_prefix[0] != '\0' && slice_starts(name, policy->issuers[i].user_prefix))
			return true;
	return false;
}
