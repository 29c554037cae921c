/* vault.h: what the database seals its fields with. A sealed value is one octet 1, the number of its key (4 octets, the
 * greatest first), a nonce of 12 random octets, the text in AES-256-GCM, a tag of 16. The tag is also about table,
 * column, record and key: a value that is moved elsewhere does not open. */
#ifndef STATE_VAULT_H
#define STATE_VAULT_H
#include <framewall/types.h>

enum {
	VAULT_SOURCES = 4,
	VAULT_SECRET = 1024,
	VAULT_SALT_LEAST = 16,
	VAULT_SALT_MOST = 64,
	VAULT_FIELD = 4096, /* octets of one field at most */
	VAULT_OVERHEAD = 1 + 4 + 12 + 16
};

/* A key, or a passphrase that one is derived from. */
struct vault_source {
	const char *name; /* "encryption.key_file", for messages; static */
	bool is_passphrase;
	size_t size; /* a key has 32 octets */
	uint8_t secret[VAULT_SECRET];
};
struct vault_options {
	struct vault_source sources[VAULT_SOURCES]; /* the first seals; the others only open */
	unsigned source_count;
	uint32_t iterations; /* of a new key from a passphrase; one that is there has its own */
	uint8_t salt_length;
	struct fw_random random;
	uint64_t now_wall_us;
};
void vault_forget(struct vault_options *options); /* wipes the secrets */
#endif
