/* dpop.h: proofs that whoever presents a token holds the key it is bound to (RFC 9449), judged in the handshake. No
 * clock, no memory of proofs seen: the caller keeps the jti values for as long as a proof may be used. Any thread. */
#ifndef CRYPTO_DPOP_H
#define CRYPTO_DPOP_H
#include "base/arena.h"
#include <framewall/types.h>

struct dpop_rules {
	bool secure;	       /* the handshake came over TLS */
	struct fw_slice host;  /* of the request: name, and port where it stands there */
	struct fw_slice path;  /* without query */
	struct fw_slice token; /* the access token; empty: none is bound */
	uint32_t max_age_s;    /* of iat, both ways */
	size_t max_size;       /* of the proof */
};

struct dpop {
	uint8_t thumbprint[32]; /* of the key (RFC 7638): compared with cnf.jkt of the token */
	struct fw_slice id;	/* jti, in the arena: each may be seen once */
	struct fw_slice nonce;	/* in the arena; empty: it has none */
	uint64_t issued_s;	/* iat */
	uint64_t until_s;	/* from then on the proof is too old anyway: so long is jti to be kept */
};

/* NULL when the proof holds; else a static text for the record, never for the client. */
const char *dpop_verify(struct arena *arena, const struct dpop_rules *rules, struct fw_slice proof, uint64_t wall_us,
			struct dpop *ret_dpop);
#endif
