/* jose_digest.c: what tells one key from another. */
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jose.h"

enum { NAME_ROOM = 32 };

/* The algorithm's name goes before the key: the same secret under another algorithm accepts other tokens. */
static bool digest_of(const struct jwt_key *key, struct fw_slice octets, uint8_t ret_digest[32])
{
	const char *name = jose_name(key->algorithm);
	size_t name_size = strlen(name), size;
	uint8_t *whole = size_add(octets.size, NAME_ROOM, &size) ? mem_zero(1, size) : NULL;

	if (whole == NULL || name_size >= NAME_ROOM) {
		mem_free(whole);
		return false;
	}
	memcpy(whole, name, name_size);
	if (octets.size != 0)
		memcpy(whole + NAME_ROOM, octets.data, octets.size);
	digest_sha256(slice(whole, size), ret_digest);
	mem_wipe(whole, size);
	mem_free(whole);
	return true;
}

bool jose_digest(const struct jwt_key *key, uint8_t ret_digest[32])
{
	unsigned char *octets = NULL;
	int size;
	bool made;

	if (key->pair == NULL)
		return digest_of(key, slice(key->secret, key->secret_size), ret_digest);
	size = i2d_PUBKEY(key->pair, &octets);
	made = size > 0 && digest_of(key, slice(octets, (size_t)size), ret_digest);
	OPENSSL_free(octets);
	return made;
}
