/* logout.h: what an issuer says of a user or a session that is over: a logout token (OpenID Connect Back-Channel Logout
 * 1.0 2.4, 2.6), or a Security Event Token (RFC 8417) of the event CAEP session-revoked. No clock; any thread. */
#ifndef CRYPTO_LOGOUT_H
#define CRYPTO_LOGOUT_H
#include "crypto/jwt.h"

enum logout_kind { LOGOUT_TOKEN, LOGOUT_EVENT };
enum { LOGOUT_AGE_S = 300, LOGOUT_TEXT = 256 }; /* it counts no longer after it was made; octets of jti, sub and sid */

struct logout {
	struct fw_slice id;	    /* jti: good once */
	struct fw_slice subject;    /* sub; data NULL: it says none */
	struct fw_slice session;    /* sid; data NULL: it says none */
	uint64_t issued_s, until_s; /* when it was made, and until when it could be used again */
};
/* NULL when it holds; else the cause, as jwt_verify has it (jwt_unknown_kid, too). rules: of the issuer; their audience
 * and type are not looked at. Texts are in the arena. */
const char *logout_verify(struct arena *arena, const struct jwt_rules *rules, const char *audience,
			  enum logout_kind kind, struct fw_slice token, uint64_t wall_us, struct logout *ret_logout);
#endif
