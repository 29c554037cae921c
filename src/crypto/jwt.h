/* jwt.h: compact JWS, verified and issued (RFC 7515, 7519, 8725). The algorithm is the key's, never the token's. Strict
 * base64url, no duplicate claims, exp required. No clock: wall time is an argument. Any thread. */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H
#include <framewall/types.h>

#include "base/arena.h"
#include "codec/json.h"
#include "crypto/jose.h"

struct jwt_rules {
	const struct jwt_key *keys;
	size_t key_count;
	const char *issuer;   /* NULL: any */
	const char *audience; /* NULL: any */
	const char *type;     /* typ that a token must have (RFC 8725 3.11); NULL: JWT, at+jwt or none */
	uint32_t skew_s;      /* for nbf and iat */
	uint64_t max_life_s;  /* exp - iat (or exp - now) at most; 0: any */
	size_t max_size;
};

struct jwt {
	struct json claims; /* in the arena */
	struct fw_slice subject;
	uint64_t expires_s; /* seconds since 1970 */
	uint64_t issued_s;  /* the same; 0: it does not say */
	size_t key;	    /* of rules: whose signature it is */
};

/* The JWS alone: NULL when the signature of one of the keys holds, and ret_payload (in the arena, may be empty) is what
 * was signed, whatever it is; else as jwt_verify. */
const char *jwt_open(struct arena *arena, const struct jwt_rules *rules, struct fw_slice token,
		     struct fw_slice *ret_payload);
/* NULL when it holds; otherwise a static text for the record ("signature", "expired", …), never for the client. */
const char *jwt_verify(struct arena *arena, const struct jwt_rules *rules, struct fw_slice token, uint64_t wall_us,
		       struct jwt *ret_jwt);
/* What jwt_verify returns of a token with a kid that no key has: the one refusal that another set of keys may change.
 */
extern const char jwt_unknown_kid[];
/* What a token says of its issuer, before anything is known of it: only to choose the rules that it is then judged by.
 * data NULL: nothing. */
struct fw_slice jwt_claimed_issuer(struct arena *arena, struct fw_slice token);
/* Does it look like one: three parts, the first an object? */
bool jwt_is_one(struct arena *arena, struct fw_slice token);
/* Are the times of these claims right now: exp, nbf, iat? As in a token, but that exp need not be there. NULL, or the
 * cause. */
const char *jwt_check_times(const struct jwt_rules *rules, const struct json *claims, uint64_t wall_us,
			    struct jwt *ret_jwt);
/* Is the audience one of aud? */
bool jwt_is_for(struct arena *arena, const struct json *claims, const char *audience);
/* The same of the key that it names. */
struct fw_slice jwt_claimed_kid(struct arena *arena, struct fw_slice token);
/* A name for records and for a header of the upstream: 1 to LIMIT_USER_ID octets without control characters. */
bool jwt_name_holds(struct fw_slice text);
/* Signs {"alg":…,"typ":"JWT","kid":…} and claims; ret_token is in the arena. FW_ERR_INVALID: the key cannot sign. */
int jwt_issue(struct arena *arena, const struct jwt_key *key, struct fw_slice claims, struct fw_slice *ret_token);
#endif
