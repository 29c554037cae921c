/* jose.h: signatures of JWS (RFC 7515, 7518, 8037) by OpenSSL: verified and made under the algorithm of the key, never
 * under one that the token names (RFC 8725 3.1). No clock, no network. Any thread; a key may be used by several at
 * once.
 */
#ifndef CRYPTO_JOSE_H
#define CRYPTO_JOSE_H
#include <framewall/types.h>

#include "base/arena.h"

enum jose_algorithm {
#define JOSE(id, name, family, digest, octets) JOSE_##id,
#include "tables/jose.def"
#undef JOSE
	JOSE_ALGORITHMS
};

/* JOSE_SIGNATURE: octets of the largest signature: RSA of JOSE_RSA_MOST bits. */
enum { JOSE_RSA_LEAST = 2048, JOSE_RSA_MOST = 8192, JOSE_SIGNATURE = JOSE_RSA_MOST / 8 };

/* One key under one algorithm. All zero but the secret: HS256, tokens without kid. */
struct jwt_key {
	const char *kid; /* NULL: tokens without kid, and the only key */
	uint8_t *secret; /* HMAC only */
	size_t secret_size;
	enum jose_algorithm algorithm;
	struct evp_pkey_st *pair; /* the others: a public key, or a private one where tokens are issued; owned */
};

const char *jose_name(enum jose_algorithm algorithm);
bool jose_find(struct fw_slice name, enum jose_algorithm *ret_algorithm);
bool jose_is_secret(enum jose_algorithm algorithm); /* HMAC: who verifies can forge */
bool jose_is_rsa(enum jose_algorithm algorithm);    /* six algorithms, one kind of key */

/* Asked once, when a key is made: NULL, or what is wrong with it, a static text: "secret too short", "RSA exponent". */
const char *jose_key_fault(const struct jwt_key *key);
bool jose_key_usable(const struct jwt_key *key); /* quickly: is there a key at all, and a secret long enough? */
/* A public key, "-----BEGIN PUBLIC KEY-----". NULL, or why it is not taken; then there is nothing to free. */
const char *jose_read_pem(struct fw_slice text, enum jose_algorithm algorithm, struct jwt_key *ret_key);
/* jose_digest.c: SHA-256 of the algorithm and the secret or the public half: keys that accept the same tokens have the
 * same. False: memory is short. */
bool jose_digest(const struct jwt_key *key, uint8_t ret_digest[32]);
/* Frees the pair. Secret and kid belong to who made them. */
void jose_key_fini(struct jwt_key *key);

enum jose_result { JOSE_HOLDS, JOSE_FORGED, JOSE_FAILED }; /* FAILED: memory is short, nothing is known */
enum jose_result jose_verify(const struct jwt_key *key, struct fw_slice text, struct fw_slice signature);
/* ret_signature: JOSE_SIGNATURE octets. Returns octets written, 0 when the key cannot sign or memory is short. */
size_t jose_sign(const struct jwt_key *key, struct fw_slice text, uint8_t ret_signature[JOSE_SIGNATURE]);
#endif
