/* What a policy that only watches would do is asked of one that differs from it in nothing but that. */
#include <string.h>

#include "base/mem.h"
#include "policy/policy.h"

struct fw_policy *policy_enforced(struct fw_policy *policy)
{
	struct fw_policy *made;

	if (policy->settings.mode == MODE_ENFORCE)
		return fw_policy_ref(policy);
	made = mem_alloc(sizeof(*made));
	if (made == NULL)
		return NULL;
	memcpy(made, policy, sizeof(*made));
	atomic_init(&made->references, 1);
	arena_init(&made->arena, LIMIT_POLICY_BYTES);
	made->root = fw_policy_ref(policy);
	/* Their keys are the other's. */
	made->issuer_count = 0;
	made->introspector = POLICY_NONE;
	made->settings.mode = MODE_ENFORCE;
	return made;
}
