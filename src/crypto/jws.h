/* jws.h: the compact form of RFC 7515, taken apart. For the files of this folder: jwt, dpop, jwk. No state; any thread.
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H
#include "codec/json.h"
#include "crypto/jose.h"

/* The three parts as they stand in the token. */
struct jws_parts {
	struct fw_slice header, payload, signature;
	struct fw_slice signed_text; /* header, dot, payload */
};

extern const char *const jws_memory; /* what a function says when memory is short: nothing is known then */

/* RFC 7515 7.1: three parts and only three; five would be a JWE. What is signed may be empty. */
bool jws_split(struct fw_slice token, struct jws_parts *ret_parts);
/* Strict base64url, into the arena. NULL, or a static text. */
const char *jws_decode(struct arena *arena, struct fw_slice part, struct fw_slice *ret_octets);
/* NULL when the text is one JSON object without duplicate members, or what does not hold: `what` when it is no object.
 */
const char *jws_object(struct arena *arena, struct fw_slice text, const char *what, struct json *ret_json);
/* Both: a part that is base64url of one JSON object. */
const char *jws_read(struct arena *arena, struct fw_slice part, const char *what, struct json *ret_json);
/* NULL when the signature is this key's. */
const char *jws_check(struct arena *arena, const struct jwt_key *key, const struct jws_parts *parts);

/* A member of the object that this node is, the root being 0; 0: none. */
uint32_t jws_member(const struct json *json, uint32_t object, const char *name);
/* The text of a string; data NULL when the node is no string (or memory is short: refused as well). */
struct fw_slice jws_text(const struct json *json, uint32_t node, struct arena *arena);
/* A NumericDate of whole seconds (RFC 7519 2), "1700000000" or "1700000000.0" as some write it; at most 2^53 - 1. */
bool jws_seconds(const struct json *json, uint32_t node, uint64_t *ret_seconds);
#endif
