/* policy_credential.c: marks of the keys that credentials are checked with. A login remembers the mark of its key, so
 * that a later policy can say whether that key still counts, though neither the credential nor the key was kept. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "policy/policy.h"

/* 0 says that there is no mark. */
static uint64_t mark_of(const uint8_t digest[32])
{
	uint64_t mark;

	memcpy(&mark, digest, sizeof(mark));
	return mark != 0 ? mark : 1;
}

/* Who must be named in a token is part of what its key is good for: with another issuer or audience, the tokens that
 * were taken so far might not be. */
static bool mark_jwt(const struct fw_policy *policy, const struct jwt_key *key, uint64_t *ret_mark)
{
	const char *named[] = { policy->settings.jwt_issuer, policy->settings.jwt_audience };
	uint8_t digests[3][32], whole[32];

	if (!jose_digest(key, digests[0]))
		return false;
	digest_sha256(slice_text(named[0]), digests[1]);
	digest_sha256(slice_text(named[1]), digests[2]);
	digest_sha256(slice((const uint8_t *)digests, sizeof(digests)), whole);
	*ret_mark = mark_of(whole);
	return true;
}

int policy_credential_build(struct fw_policy *policy)
{
	size_t size;

	if (!size_mul(policy->jwt_key_count + 1, sizeof(*policy->jwt_marks), &size))
		return FW_ERR_MEMORY;
	policy->jwt_marks = arena_alloc(&policy->arena, size);
	if (policy->jwt_marks == NULL)
		return FW_ERR_MEMORY;
	for (size_t i = 0; i < policy->jwt_key_count; i++)
		if (!mark_jwt(policy, &policy->jwt_keys[i], &policy->jwt_marks[i]))
			return FW_ERR_MEMORY;
	return FW_OK;
}

uint64_t policy_credential_api_key(const struct policy_api_key *key)
{
	return mark_of(key->hash);
}

bool policy_credential_counts(const struct fw_policy *policy, uint64_t mark, uint16_t *ret_role)
{
	*ret_role = POLICY_NONE;
	for (size_t i = 0; (policy->methods >> METHOD_JWT & 1) != 0 && i < policy->jwt_key_count; i++)
		if (policy->jwt_marks[i] == mark)
			return true;
	for (size_t i = 0; (policy->methods >> METHOD_API_KEY & 1) != 0 && i < policy->api_key_count; i++) {
		if (policy_credential_api_key(&policy->api_keys[i]) != mark)
			continue;
		*ret_role = policy->api_keys[i].role;
		return true;
	}
	return false;
}
