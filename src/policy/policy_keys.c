/* Keys of issuers that are fetched come to a policy later than the configuration, and are renewed while it stays: each
 * time there is another policy, which is the one that was compiled but for them. Nothing of it is read again, so that a
 * file that somebody is editing counts no sooner than he says so. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/policy.h"

enum { SCRATCH_MOST = 64 << 20 };

const struct policy_issuer *policy_issuer_find(const struct fw_policy *policy, struct fw_slice name)
{
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (name.data != NULL && slice_is(name, policy->issuers[i].rules.issuer))
			return &policy->issuers[i];
	return NULL;
}

/* A set that cannot be used any more (the configuration names another algorithm, say) is none. */
static bool read_keys(struct fw_policy *policy, struct policy_issuer *issuer, struct fw_slice jwks)
{
	struct jwk_set set = { .keys = arena_alloc(&policy->arena, JWK_SET_MOST * sizeof(*set.keys)) };
	char why[PROVIDER_WHY];
	struct arena scratch;
	int result;

	if (set.keys == NULL)
		return false;
	arena_init(&scratch, SCRATCH_MOST);
	result = provider_read_set(&policy->arena, &scratch, issuer->rsa, jwks, &set, why);
	arena_fini(&scratch);
	issuer->keys = set.keys;
	issuer->rules.keys = set.keys;
	issuer->rules.key_count = set.count;
	return result != FW_ERR_MEMORY;
}

static bool renew(struct fw_policy *policy, struct policy_issuer *issuer, const struct policy_fetched *sets,
		  size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(sets[i].issuer, issuer->rules.issuer) == 0)
			return read_keys(policy, issuer, sets[i].jwks) && policy_credential_mark(policy, issuer);
	return true;
}

struct fw_policy *policy_with_keys(struct fw_policy *policy, const struct policy_fetched *sets, size_t count)
{
	struct fw_policy *root = policy->root != NULL ? policy->root : policy, *made = policy_over(root);
	size_t size = root->issuer_count * sizeof(*root->issuers);
	bool holds;

	if (made == NULL)
		return NULL;
	made->issuers = arena_alloc(&made->arena, size + 1);
	holds = made->issuers != NULL;
	if (holds)
		memcpy(made->issuers, root->issuers, size);
	for (size_t i = 0; holds && i < root->issuer_count; i++) {
		made->issuer_count++; /* so that what it got is given back */
		if (provider_is_asked(&made->issuers[i].provider))
			holds = renew(made, &made->issuers[i], sets, count);
	}
	if (!holds)
		fw_policy_unref(made);
	return holds ? made : NULL;
}
