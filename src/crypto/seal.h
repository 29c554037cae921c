/* seal.h: AES-256-GCM (NIST SP 800-38D) and PBKDF2-HMAC-SHA-256 (RFC 8018) by OpenSSL. No state; any thread. Which
 * nonce is used is the caller's business: one that is used twice under a key gives both texts away, and the key of the
 * tags. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H
#include <framewall/types.h>

enum { SEAL_KEY = 32, SEAL_NONCE = 12, SEAL_TAG = 16 };

/* ret_sealed: as many octets as the text has, then the tag. False: memory is short. */
bool seal_close(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE], struct fw_slice about,
		struct fw_slice text, uint8_t *ret_sealed);
/* ret_text: SEAL_TAG octets fewer. False: it is not what was sealed, or about something else, or with another key; then
 * ret_text is wiped. */
bool seal_open(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE], struct fw_slice about,
	       struct fw_slice sealed, uint8_t *ret_text);
bool seal_derive(struct fw_slice passphrase, struct fw_slice salt, uint32_t iterations, uint8_t *ret_key, size_t size);
#endif
