/* jwk.h: JSON Web Keys and sets of them (RFC 7517, 7518 6, 8037 2) to keys that sign and verify. A key is made for one
 * algorithm; one that says it is for something else, or that is weak, is not taken. No network, no files; any thread.
 */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H
#include "codec/json.h"
#include "crypto/jose.h"

struct jwk_rules {
	bool secrets;		 /* "oct" keys are taken: only from where nobody else reads */
	bool private_keys;	 /* members of a private key are read, and needed; else one that has them is refused */
	enum jose_algorithm rsa; /* of an RSA key that names no alg */
	bool needs_kid;
};

/* Reads one key. NULL, or a static text that says why it is not taken; then there is nothing to free. kid and secret
 * are in the arena; jose_key_fini frees the rest. */
const char *jwk_read(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
		     struct jwt_key *ret_key);

/* SHA-256 of the members that make the key (RFC 7638 3). NULL, or "jwk", or that memory is short. */
const char *jwk_thumbprint(struct arena *arena, const struct json *json, uint32_t node, uint8_t ret_thumbprint[32]);

/* Does a text that these functions returned say that memory is short? Then the key may be as good as any. */
bool jwk_memory(const char *fault);

enum { JWK_SET_MOST = 100, JWK_KID_MOST = 256 }; /* keys in a set, taken or not; octets of a kid */
struct jwk_set {
	struct jwt_key *keys; /* room for `room` keys, the caller's */
	size_t room;
	size_t count;
	size_t skipped;		 /* keys for other uses, of other kinds, weak ones (RFC 7517 5) */
	const char *first_fault; /* of the skipped ones, or NULL */
};
/* Reads {"keys":[…]}. NULL, or why no key of the set is taken: two keys of one kid, secrets beside public keys, more
 * keys than there is room for. */
const char *jwk_read_set(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
			 struct jwk_set *set);
void jwk_set_fini(struct jwk_set *set);
#endif
