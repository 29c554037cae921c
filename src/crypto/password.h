/* password.h: argon2id of passwords (RFC 9106), by libsodium, as PHC strings. Takes as long and as much memory as its
 * cost says: not for a thread that serves anybody. Any thread; no state. */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H
#include <framewall/types.h>

enum { PASSWORD_HASH = 128 }; /* a PHC string and its NUL */

struct password_cost {
	uint32_t memory_mib;
	uint32_t passes;
};
enum password_verdict {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_UNREADABLE, /* it is no hash of ours, or one that asks for more memory than any configuration may */
	PASSWORD_MEMORY	     /* there was not enough */
};
/* RIGHT and a new hash, with a salt of its own, or MEMORY. */
enum password_verdict password_hash(struct fw_slice password, const struct password_cost *cost,
				    char ret_hash[PASSWORD_HASH]);
enum password_verdict password_check(const char *hash, struct fw_slice password);
bool password_is_of(const char *hash, const struct password_cost *cost); /* false: made at another cost */
#endif
