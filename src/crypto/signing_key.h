/* signing_key.h: key pairs that this server signs with and whose public half it publishes: Ed25519 (EdDSA) or P-256
 * (ES256). Made from random octets that are an argument; no files, no network. Any thread. */
#ifndef CRYPTO_SIGNING_KEY_H
#define CRYPTO_SIGNING_KEY_H
#include "codec/json.h"
#include "crypto/jose.h"

/* KID: a SHA-256 in base64url, with its NUL. PEM: room for what signing_key_make writes. */
enum { SIGNING_KEY_SEED = 32, SIGNING_KEY_KID = 44, SIGNING_KEY_PEM = 256 };

/* An Ed25519 key as "-----BEGIN PRIVATE KEY-----" text; returns its length, 0 when memory is short. */
size_t signing_key_make(const uint8_t seed[SIGNING_KEY_SEED], char ret_pem[SIGNING_KEY_PEM]);
/* Reads such a text, or one of a P-256 key. NULL, or why it is not taken, a static text; then there is nothing to free.
 * ret_kid is the thumbprint of the key (RFC 7638), and ret_key->kid points to it. */
const char *signing_key_read(struct fw_slice pem, struct jwt_key *ret_key, char ret_kid[SIGNING_KEY_KID]);
/* The public half as a JWK (RFC 7517, 8037): {"kty":…,"use":"sig","alg":…,"kid":…}. False when memory is short. */
bool signing_key_write(struct json_writer *writer, const struct jwt_key *key);
#endif
