/* apikey.h: API keys "fw_<env>_<id>_<secret>_<checksum>": made once, stored as a hash. Any thread; randomness is an
 * argument. env: [a-z0-9]{1,8}; id: [a-z0-9]{8}; secret: 32 base62 characters (190 bits); checksum: 6 hex digits of
 * SHA-256 of what is before it. At most 60 characters. */
#ifndef CRYPTO_APIKEY_H
#define CRYPTO_APIKEY_H
#include <framewall/types.h>

enum { APIKEY_TEXT = 64, APIKEY_ID = 8 };

struct apikey_parts {
	struct fw_slice id;
	uint8_t hash[32]; /* SHA-256 of the whole key */
};
/* False when the form or the checksum is wrong: no look-up is needed then. */
bool apikey_parse(struct fw_slice key, struct apikey_parts *ret_parts);
/* Writes a new key with a NUL; returns its length. */
size_t apikey_make(const struct fw_random *random, const char *env, char ret_key[APIKEY_TEXT]);
#endif
