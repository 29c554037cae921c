/* vault_parts.h: the inside of the vault, for the files of the database. */
#ifndef STATE_VAULT_PARTS_H
#define STATE_VAULT_PARTS_H
#include "crypto/seal.h"
#include "state/vault.h"

enum { VAULT_KEYS = 16 };
/* Random nonces of 96 bits: two of 2^32 are the same with a chance of 2^-33 (NIST SP 800-38D 8.3). */
#define VAULT_USES ((uint64_t)1 << 32)

struct vault_key {
	uint32_t id;
	bool known; /* a source of it was given */
	uint8_t key[SEAL_KEY];
	uint64_t used; /* how often it sealed, as far as it was counted */
};
struct vault {
	struct vault_key keys[VAULT_KEYS];
	unsigned count, current;
	uint8_t index[32]; /* key of the names of records: see database_who */
	struct fw_random random;
	uint64_t sealed;	   /* by the current key, not counted yet */
	uint64_t counted;	   /* in the transaction that goes on */
	uint8_t text[VAULT_FIELD]; /* what was opened last */
	uint8_t out[VAULT_FIELD + VAULT_OVERHEAD];
};

struct database;
/* Table and column of a value, and the octets that name its record. */
struct vault_place {
	const char *table, *column;
	struct fw_slice record;
};
/* Valid until the next call. data NULL: the key has sealed as much as it may, or memory is short. */
struct fw_slice vault_seal(struct vault *vault, const struct vault_place *place, struct fw_slice text);
/* data NULL: it does not open. An empty text has data all the same. */
struct fw_slice vault_open(struct vault *vault, const struct vault_place *place, struct fw_slice sealed);
bool vault_is_current(const struct vault *vault, struct fw_slice sealed);
#endif
