/* token.h: JSON Web Tokens as a server takes them, and as it must not. All texts are of the trial's arena. */
#ifndef SCAN_TOKEN_H
#define SCAN_TOKEN_H
#include "scan/trial.h"

struct evp_pkey_st;

struct token_claims {
	const char *user, *role;
	const char *audience, *issuer, *party; /* aud, iss, azp. NULL: the profile's; "" leaves them out */
	long expires, not_before, issued;      /* seconds from now; expires 0: no such claim; not_before 0: none */
	const char *expires_json;	       /* what stands in the place of expires */
	const char *not_before_json;	       /* the same of not_before */
	const char *role_json;		       /* the same of the role */
	const char *type;		       /* typ of the header; NULL: the profile's */
	const char *more;		       /* ,"name":value */
};
/* Can the scan make tokens that the server takes? */
bool token_can_mint(const struct scan_work *work);
/* Signed with the profile's key. head_more: ,"name":value in the header. NULL: there is none, or it does not sign. */
char *token_mint(struct scan_trial *trial, const struct token_claims *claims, const char *head_more);
/* The claims that token_mint would sign, as JSON. */
char *token_payload(struct scan_trial *trial, const struct token_claims *claims);
/* Any payload, signed with the profile's key. plain: signed as it is, not in base64 (RFC 7797, "b64":false). */
char *token_sign(struct scan_trial *trial, const char *head_more, struct fw_slice payload, bool plain);

const char *token_base64(struct scan_trial *trial, struct fw_slice octets); /* that of URLs, without padding */
/* header.payload, which is what is signed. */
char *token_unsigned(struct scan_trial *trial, const char *header, struct fw_slice payload);
/* header.payload.signature of JSON texts and octets. */
char *token_join(struct scan_trial *trial, const char *header, struct fw_slice payload, struct fw_slice signature);
/* The same signed by HMAC with this key, which may be empty. */
char *token_hmac(struct scan_trial *trial, const char *header, struct fw_slice payload, struct fw_slice key);
/* A JWE (RFC 7516) under A256GCM: to this key by RSA-OAEP or another algorithm of that kind; pair NULL: dir, under a
 * key of zeros. NULL: it cannot be made. */
char *token_encrypted(struct scan_trial *trial, const char *algorithm, struct evp_pkey_st *pair, const char *head_more,
		      struct fw_slice plain);
struct evp_pkey_st *token_attacker_key(void); /* RSA, known to everybody; NULL: memory is short */
/* Signed by that key, whose public half, or where it is to be found, the header has: ,"name":value. NULL: no memory. */
char *token_own_key(struct scan_trial *trial, const char *head_more, struct fw_slice payload);
char *token_jwk(struct scan_trial *trial, const struct evp_pkey_st *pair); /* of any RSA key */
/* The public half of that key as a JWK, and as a certificate that it signs itself: base64 of DER. "": no memory. */
char *token_own_jwk(struct scan_trial *trial);
char *token_own_certificate(struct scan_trial *trial);
/* The payload of a token, decoded; data NULL: it is none. */
struct fw_slice token_claims_of(struct scan_trial *trial, const char *token, struct fw_slice *ret_header);
#endif
