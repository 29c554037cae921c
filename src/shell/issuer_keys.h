/* issuer_keys.h: the sets of keys that were fetched from issuers: what the keeper's loop gets, whoever makes a policy
 * asks for, and DATA/issuers/ keeps for the next start. Texts alone, which were judged when they came. Any thread; a
 * lock of its own. */
#ifndef SHELL_ISSUER_KEYS_H
#define SHELL_ISSUER_KEYS_H
#include "policy/policy.h"

struct issuer_keys;
struct issuer_keys *issuer_keys_new(void);
struct issuer_keys *issuer_keys_free(struct issuer_keys *keys); /* NULL-safe */

/* Where the keys of an issuer are asked for: its jwks_url, or that of its discovery document. A set from elsewhere is
 * none of it. */
const char *issuer_keys_url(const struct policy_issuer *issuer, char ret_room[PROVIDER_URL_MOST]);
/* For issuers of the policy that have none: what DATA/issuers/ has of them. */
void issuer_keys_load(struct issuer_keys *keys, const char *data_directory, const struct fw_policy *policy);
/* One that was fetched. It counts for as long as it may be kept (age_s), and max_stale beyond that while no other can
 * be had. */
struct issuer_keys_set {
	const char *issuer, *url;
	struct fw_slice jwks;
	uint64_t wall_us; /* when */
	uint64_t age_s;
};
bool issuer_keys_put(struct issuer_keys *keys, const struct issuer_keys_set *set); /* copied; false: memory is short */
/* Each set, under the lock. */
typedef void issuer_keys_function(void *user, const struct issuer_keys_set *set);
void issuer_keys_each(struct issuer_keys *keys, issuer_keys_function *each, void *user);
/* Writes that of one issuer to DATA/issuers/. 0, or -1 with errno. */
int issuer_keys_save(struct issuer_keys *keys, const char *data_directory, const char *issuer);
/* Is there a set of this issuer that counts? */
bool issuer_keys_count(struct issuer_keys *keys, const struct policy_issuer *issuer, uint64_t wall_us);
/* The policy with those sets that count: a reference. Without fetched keys in it the policy
 * itself. NULL: memory is short. */
struct fw_policy *issuer_keys_apply(struct issuer_keys *keys, struct fw_policy *policy, uint64_t wall_us);
#endif
