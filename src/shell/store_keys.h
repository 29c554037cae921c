/* store_keys.h: the keys that the database is sealed with, from where the configuration says: a file, a program, a
 * passphrase; else DATA/keys/store.key, made at the first start. One thread at a time; texts of failures are static. */
#ifndef SHELL_STORE_KEYS_H
#define SHELL_STORE_KEYS_H
#include "policy/policy.h"
#include "state/vault.h"

/* NULL, or what failed. What was read is wiped by vault_forget. */
const char *store_keys_read(const struct fw_policy *policy, const char *data_directory, const struct fw_random *random,
			    uint64_t now_wall_us, struct vault_options *ret_options);
bool store_keys_are_own(const struct fw_policy *policy); /* DATA/keys/store.key */
/* Makes another DATA/keys/store.key; the one of before stays as store.key.previous until store_keys_settle. */
const char *store_keys_renew(const char *data_directory, const struct fw_random *random);
/* DATA/keys/store.key alone, whatever the configuration says: is it there, and the key of the database? */
bool store_keys_own_is(const char *data_directory, bool is_current(void *user, const struct vault_source *source),
		       void *user);
/* All is sealed with one key: what is not that of the configuration, nor in use, is removed from DATA/keys. */
void store_keys_settle(const struct fw_policy *policy, const char *data_directory, bool own_in_use);
#endif
