/* What a policy that only watches would do is asked of one that differs from it in nothing but that. */
#include "policy/policy.h"

struct fw_policy *policy_enforced(struct fw_policy *policy)
{
	struct fw_policy *made;

	if (policy->settings.mode == MODE_ENFORCE)
		return fw_policy_ref(policy);
	made = policy_over(policy);
	if (made == NULL)
		return NULL;
	made->introspector = POLICY_NONE;
	made->settings.mode = MODE_ENFORCE;
	return made;
}
