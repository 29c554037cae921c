#include "policy/policy.h"

#include "base/slice.h"

/* Takes the segment before the next dot off the front; false when it is empty, which no well-formed name has. */
static bool take_segment(struct fw_slice *rest, struct fw_slice *ret_segment, bool *ret_last)
{
	size_t n = 0;

	while (n < rest->size && rest->data[n] != '.')
		n++;
	*ret_segment = slice(rest->data, n);
	*ret_last = n == rest->size;
	*rest = *ret_last ? slice(NULL, 0) : slice(rest->data + n + 1, rest->size - n - 1);
	return n != 0;
}

static bool well_formed(struct fw_slice name)
{
	struct fw_slice segment;
	bool last;

	do {
		if (!take_segment(&name, &segment, &last))
			return false;
	} while (!last);
	return true;
}

bool rbac_pattern_grants(struct fw_slice pattern, struct fw_slice permission)
{
	struct fw_slice want, have;
	bool pattern_ends, permission_ends;

	if (!well_formed(pattern) || !well_formed(permission))
		return false;
	for (;;) {
		take_segment(&pattern, &want, &pattern_ends);
		take_segment(&permission, &have, &permission_ends);
		/* The last "*" stands for one segment or more, one in the middle for exactly one. */
		if (slice_is(want, "*")) {
			if (pattern_ends)
				return true;
		} else if (!slice_equal(want, have)) {
			return false;
		}
		if (pattern_ends || permission_ends)
			return pattern_ends && permission_ends;
	}
}

uint16_t policy_role_find(const struct fw_policy *policy, struct fw_slice name)
{
	for (unsigned i = 0; i < policy->role_count; i++) {
		const struct policy_role *role = &policy->roles[i];

		if (slice_equal(name, slice(role->name, role->name_size)))
			return (uint16_t)i;
	}
	return POLICY_NONE;
}

uint16_t policy_permission_find(const struct fw_policy *policy, struct fw_slice name)
{
	for (unsigned i = 0; i < policy->permission_count; i++)
		if (slice_is(name, policy->permissions[i]))
			return (uint16_t)i;
	return POLICY_NONE;
}
