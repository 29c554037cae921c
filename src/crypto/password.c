#include "crypto/password.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/slice.h"

/* MOST_: what the largest of a configuration may be: whoever wrote into the database must not make a login take all
 * memory. */
enum { SALT = 16, DIGEST = 32, SALT_TEXT = 22, DIGEST_TEXT = 43, MOST_MIB = 1024, MOST_PASSES = 32 };

_Static_assert(PASSWORD_HASH >= crypto_pwhash_argon2id_STRBYTES, "a hash does not fit");
_Static_assert(SALT == crypto_pwhash_argon2id_SALTBYTES, "libsodium takes another salt");

static size_t octets(const struct password_cost *cost)
{
	return (size_t)cost->memory_mib * 1024 * 1024;
}

enum password_verdict password_hash(struct fw_slice password, const struct password_cost *cost,
				    char ret_hash[PASSWORD_HASH])
{
	if (sodium_init() >= 0 && crypto_pwhash_argon2id_str(ret_hash, (const char *)password.data, password.size,
							     cost->passes, octets(cost)) == 0)
		return PASSWORD_RIGHT;
	ret_hash[0] = '\0';
	return PASSWORD_MEMORY;
}

struct parts {
	struct password_cost cost;
	uint8_t salt[SALT + 3], digest[DIGEST + 3];
};

/* Base64 without padding, of the alphabet that PHC strings have. */
static bool read_base64(const char *text, size_t size, uint8_t *ret_octets, size_t expected)
{
	char url[DIGEST_TEXT + 1];

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '-' || text[i] == '_')
			return false;
		url[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	}
	return decode_base64(url, size, 1, ret_octets) == (ptrdiff_t)expected;
}

static bool read_parts(const char *hash, struct parts *ret_parts)
{
	static const char before[] = "$argon2id$v=19$m=";
	char *at, again[PASSWORD_HASH];
	unsigned long kib, passes;
	int used;

	if (strncmp(hash, before, sizeof(before) - 1) != 0)
		return false;
	kib = strtoul(hash + sizeof(before) - 1, &at, 10);
	passes = strncmp(at, ",t=", 3) == 0 ? strtoul(at + 3, &at, 10) : 0;
	/* Written in the one way that there is. */
	used = snprintf(again, sizeof(again), "%s%lu,t=%lu,p=1$", before, kib, passes);
	if (strncmp(again, hash, (size_t)used) != 0 || strlen(hash) != (size_t)used + SALT_TEXT + 1 + DIGEST_TEXT ||
	    hash[used + SALT_TEXT] != '$' || kib / 1024 > MOST_MIB || kib % 1024 != 0 || kib == 0 || passes == 0 ||
	    passes > MOST_PASSES)
		return false;
	ret_parts->cost = (struct password_cost){ .memory_mib = (uint32_t)(kib / 1024), .passes = (uint32_t)passes };
	return read_base64(hash + used, SALT_TEXT, ret_parts->salt, SALT) &&
	       read_base64(hash + used + SALT_TEXT + 1, DIGEST_TEXT, ret_parts->digest, DIGEST);
}

/* Not crypto_pwhash_argon2id_str_verify: where memory is short that says that the password is another one. */
enum password_verdict password_check(const char *hash, struct fw_slice password)
{
	enum password_verdict verdict = PASSWORD_MEMORY;
	uint8_t digest[DIGEST];
	struct parts parts;

	if (!read_parts(hash, &parts))
		return PASSWORD_UNREADABLE;
	if (sodium_init() >= 0 &&
	    crypto_pwhash_argon2id(digest, sizeof(digest), (const char *)password.data, password.size, parts.salt,
				   parts.cost.passes, octets(&parts.cost), crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0)
		verdict = secret_equal(slice(digest, DIGEST), slice(parts.digest, DIGEST)) ? PASSWORD_RIGHT
											   : PASSWORD_WRONG;
	mem_wipe(digest, sizeof(digest));
	return verdict;
}

bool password_is_of(const char *hash, const struct password_cost *cost)
{
	struct parts parts;

	return read_parts(hash, &parts) && parts.cost.memory_mib == cost->memory_mib &&
	       parts.cost.passes == cost->passes;
}
