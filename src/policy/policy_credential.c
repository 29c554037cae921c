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

/* A key and what else decides whether a token of its counts, and as whom: with another issuer, audience or meaning of
 * roles the tokens that were taken so far might not be, or be somebody else's. */
static bool mark_key(const struct jwt_key *key, const uint8_t rules[32], uint64_t *ret_mark)
{
	uint8_t digests[2][32], whole[32];

	if (!jose_digest(key, digests[0]))
		return false;
	memcpy(digests[1], rules, sizeof(digests[1]));
	digest_sha256(slice((const uint8_t *)digests, sizeof(digests)), whole);
	*ret_mark = mark_of(whole);
	return true;
}

struct taking {
	uint8_t state[64]; /* digest so far, digest of the next text: so that no two texts can be taken for others */
};

static void take(struct taking *taking, const char *text)
{
	digest_sha256(slice_text(text != NULL ? text : ""), taking->state + 32);
	digest_sha256(slice(taking->state, sizeof(taking->state)), taking->state);
}

static uint64_t *mark_keys(struct fw_policy *policy, const struct jwt_key *keys, size_t count,
			   const struct taking *taking)
{
	uint64_t *marks;
	size_t size;

	if (!size_mul(count + 1, sizeof(*marks), &size))
		return NULL;
	marks = arena_alloc(&policy->arena, size);
	for (size_t i = 0; marks != NULL && i < count; i++)
		if (!mark_key(&keys[i], taking->state, &marks[i]))
			return NULL;
	return marks;
}

bool policy_credential_mark(struct fw_policy *policy, struct policy_issuer *issuer)
{
	struct taking taking = { { 0 } };
	const char *texts[] = { issuer->rules.issuer, issuer->rules.audience, issuer->rules.type,
				issuer->user_claim,   issuer->user_prefix,    issuer->roles_claim };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		take(&taking, texts[i]);
	for (size_t i = 0; i < issuer->role_count; i++) {
		take(&taking, issuer->roles[i].name);
		take(&taking, policy->roles[issuer->roles[i].role].name);
	}
	take(&taking, issuer->default_role != POLICY_NONE ? policy->roles[issuer->default_role].name : NULL);
	memcpy(issuer->digest, taking.state, sizeof(issuer->digest));
	take(&taking, issuer->introspection.url);
	issuer->introspection.mark = issuer->introspection.url != NULL ? mark_of(taking.state) : 0;
	memcpy(taking.state, issuer->digest, sizeof(issuer->digest));
	issuer->marks = mark_keys(policy, issuer->keys, issuer->rules.key_count, &taking);
	return issuer->marks != NULL;
}

/* Of all that a rule says: with another one the login might not be, or be somebody else's. */
static void mark_rule(const struct fw_policy *policy, struct policy_certificate_rule *rule)
{
	struct taking taking = { { 0 } };

	take(&taking, "certificate");
	for (unsigned kind = 0; kind < FW_NAMES; kind++)
		take(&taking, rule->patterns[kind]);
	take(&taking, rule->user);
	take(&taking, policy->roles[rule->role].name);
	rule->mark = mark_of(taking.state);
}

int policy_credential_build(struct fw_policy *policy)
{
	struct taking own = { { 0 } };

	take(&own, policy->settings.jwt_issuer);
	take(&own, policy->settings.jwt_audience);
	policy->jwt_marks = mark_keys(policy, policy->jwt_keys, policy->jwt_key_count, &own);
	if (policy->jwt_marks == NULL)
		return FW_ERR_MEMORY;
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (!policy_credential_mark(policy, &policy->issuers[i]))
			return FW_ERR_MEMORY;
	for (size_t i = 0; i < policy->certificate_rule_count; i++)
		mark_rule(policy, &policy->certificate_rules[i]);
	return FW_OK;
}

uint64_t policy_credential_api_key(const struct policy_api_key *key)
{
	return mark_of(key->hash);
}

static bool has_mark(const uint64_t *marks, size_t count, uint64_t mark)
{
	for (size_t i = 0; i < count; i++)
		if (marks[i] == mark)
			return true;
	return false;
}

static bool jwt_counts(const struct fw_policy *policy, uint64_t mark)
{
	if (has_mark(policy->jwt_marks, policy->jwt_key_count, mark))
		return true;
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (has_mark(policy->issuers[i].marks, policy->issuers[i].rules.key_count, mark) ||
		    (policy->issuers[i].introspection.mark == mark && (policy->methods >> METHOD_OAUTH & 1) != 0))
			return true;
	return false;
}

bool policy_credential_is_token(const struct fw_policy *policy, uint64_t mark)
{
	return mark != 0 && jwt_counts(policy, mark);
}

uint8_t policy_credential_required(const struct fw_policy *policy, uint64_t mark)
{
	if (mark == 0)
		return REQUIRE_NONE;
	if (has_mark(policy->jwt_marks, policy->jwt_key_count, mark))
		return policy->settings.jwt_require_bound;
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (has_mark(policy->issuers[i].marks, policy->issuers[i].rules.key_count, mark) ||
		    policy->issuers[i].introspection.mark == mark)
			return policy->issuers[i].require_bound;
	return REQUIRE_NONE;
}

bool policy_credential_is_asked(const struct fw_policy *policy, uint64_t mark)
{
	for (size_t i = 0; i < policy->issuer_count; i++)
		if (mark != 0 && policy->issuers[i].introspection.mark == mark)
			return true;
	return false;
}

bool policy_credential_counts(const struct fw_policy *policy, uint64_t mark, uint16_t *ret_role)
{
	*ret_role = POLICY_NONE;
	if ((policy->methods & (1u << METHOD_JWT | 1u << METHOD_OAUTH)) != 0 && jwt_counts(policy, mark))
		return true;
	for (size_t i = 0; (policy->methods >> METHOD_API_KEY & 1) != 0 && i < policy->api_key_count; i++) {
		if (policy_credential_api_key(&policy->api_keys[i]) != mark)
			continue;
		*ret_role = policy->api_keys[i].role;
		return true;
	}
	for (size_t i = 0; (policy->methods >> METHOD_CERTIFICATE & 1) != 0 && i < policy->certificate_rule_count; i++)
		if (policy->certificate_rules[i].mark == mark)
			return true;
	return false;
}
