/* check_jwt.c: tokens that must not be taken: forged without the key. */
#include <openssl/ecdsa.h>

#include "base/encode.h"
#include "base/slice.h"
#include "scan/check.h"

void check_jwt_signature(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const char *token = check_token_ready(trial);
	uint8_t zeros[32] = { 1, 2, 3 };

	if (token == NULL)
		return;
	claims = token_claims_of(trial, token, &header);
	if (claims.data == NULL) {
		trial_skip(trial, "the token is no JWT");
		return;
	}
	if (check_not_accepted(trial,
			       check_token_try(trial,
					       token_join(trial, trial_copy(trial, header), claims, slice(zeros, 32)),
					       "the same header and claims, another signature"),
			       "a token with a signature that nobody made"))
		trial_pass(trial, "a token with a signature that nobody made was refused");
}

void check_jwt_none(struct scan_trial *trial)
{
	static const char *const names[] = { "none", "None", "NONE", "nOnE" };
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	for (unsigned i = 0; i < 8; i++) {
		const char *what = trial_text(trial, "alg \"%s\" and no signature%s", names[i / 2],
					      i % 2 == 0 ? "" : ", nor the dot in front of it");
		char *token = trial_text(
			trial, "%s%s",
			token_unsigned(trial, trial_text(trial, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[i / 2]),
				       claims),
			i % 2 == 0 ? "." : "");

		if (!check_not_accepted(trial, check_token_try(trial, token, what), what))
			return;
	}
	trial_pass(trial, "four spellings of alg none, with and without the last dot, were refused");
}

void check_jwt_no_signature(struct scan_trial *trial)
{
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	if (check_not_accepted(trial,
			       check_token_try(trial,
					       token_join(trial, trial_copy(trial, header), claims, slice("", 0)),
					       "the server's own header, an empty signature"),
			       "a token with an empty signature"))
		trial_pass(trial, "a token with an empty signature was refused");
}

void check_jwt_blank_key(struct scan_trial *trial)
{
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	if (check_not_accepted(
		    trial,
		    check_token_try(trial,
				    token_hmac(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims, slice("", 0)),
				    "HS256 with an empty key"),
		    "a token signed with an empty key"))
		trial_pass(trial, "a token signed with an empty key was refused");
}

/* Secrets of examples and of haste. */
static const char *const common[] = {
	"secret",
	"password",
	"changeme",
	"change-me",
	"your-256-bit-secret",
	"your_jwt_secret",
	"jwt_secret",
	"jwtsecret",
	"secretkey",
	"secret-key",
	"secret_key",
	"mysecret",
	"my-secret",
	"mysecretkey",
	"supersecret",
	"super-secret",
	"super_secret",
	"supersecretkey",
	"test",
	"testing",
	"dev",
	"development",
	"key",
	"private",
	"admin",
	"123456",
	"12345678",
	"1234567890",
	"qwerty",
	"letmein",
	"default",
	"example",
	"token",
	"jwt",
	"hmac",
	"app",
	"api",
	"shhhhh",
	"shhhhhhared-secret",
	"keyboard cat",
	"your-secret-key",
	"your-secret",
	"your_secret_key",
	"your-super-secret-jwt-token-with-at-least-32-characters-long",
	"s3cr3t",
	"insecure",
	"none",
	"null",
	"undefined",
	"root",
};

void check_jwt_weak_secret(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const char *token = check_token_ready(trial);

	if (token == NULL)
		return;
	claims = token_claims_of(trial, token, &header);
	if (claims.data == NULL || memmem(header.data, header.size, "HS256", 5) == NULL) {
		trial_skip(trial, "the token is none that a secret signs (HS256)");
		return;
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strcmp(token_hmac(trial, trial_copy(trial, header), claims, slice_text(common[i])), token) == 0) {
			trial_say(trial, "the token's signature is HMAC-SHA-256 with the key \"%s\"", common[i]);
			trial_finding(trial, "the secret that signs tokens is a word that everybody tries: whoever has "
					     "one token can make any");
			return;
		}
	for (unsigned i = 0; i < 256; i++) {
		const uint8_t octet = (uint8_t)i;

		if (strcmp(token_hmac(trial, trial_copy(trial, header), claims, slice(&octet, 1)), token) == 0) {
			trial_finding(trial,
				      "the secret that signs tokens is one octet: whoever has one token can make any");
			return;
		}
	}
	trial_say(trial,
		  "%zu secrets that are often used, and each of one octet, were tried on the token, without the server",
		  sizeof(common) / sizeof(*common));
	trial_pass(trial, "none of the usual secrets signs the token");
}

void check_jwt_zero_ecdsa(struct scan_trial *trial)
{
	/* The order of P-256, which is zero to who computes with it. */
	static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0,	 0,    0,    0,	   0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
					   0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	static const uint8_t der[8] = { 0x30, 0x06, 0x02, 0x01, 0, 0x02, 0x01, 0 };
	struct fw_slice claims, header;
	uint8_t zeros[64] = { 0 }, first[64] = { 0 }, last[64] = { 0 }, orders[64];
	const struct {
		struct fw_slice signature;
		const char *what;
	} rows[] = { { slice(zeros, 64), "ES256 with r and s zero" },
		     { slice(first, 64), "ES256 with s zero" },
		     { slice(last, 64), "ES256 with r zero" },
		     { slice(orders, 64), "ES256 with r and s the order of the curve" },
		     { slice(der, 8), "ES256 with zeros in DER" } };

	first[31] = last[63] = 1;
	memcpy(orders, order, 32);
	memcpy(orders + 32, order, 32);
	if (!check_jwt_ready(trial, &claims, &header))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *token = token_join(trial, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", claims, rows[i].signature);

		if (!check_not_accepted(trial, check_token_try(trial, token, rows[i].what), rows[i].what))
			return;
	}
	trial_pass(trial, "five ECDSA signatures of zeros were refused");
}

/* Headers that name no algorithm a program could look up. */
void check_jwt_algorithm(struct scan_trial *trial)
{
	static const char *const headers[] = { "{\"typ\":\"JWT\"}",
					       "{\"alg\":null,\"typ\":\"JWT\"}",
					       "{\"alg\":\"\",\"typ\":\"JWT\"}",
					       "{\"alg\":0,\"typ\":\"JWT\"}",
					       "{\"alg\":[\"none\"],\"typ\":\"JWT\"}",
					       "{\"alg\":\"HS999\",\"typ\":\"JWT\"}",
					       "null",
					       "[]" };
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const char *what = trial_text(trial, "the header %s and no signature", headers[i]);
		char *token = token_join(trial, headers[i], claims, slice("", 0));

		if (!check_not_accepted(trial, check_token_try(trial, token, what), what))
			return;
	}
	trial_pass(trial, "tokens whose header names no algorithm, or none that there is, were refused");
}

/* An ECDSA signature in the form that other protocols have it in; NULL: it is none. */
static const char *in_der(struct scan_trial *trial, struct fw_slice header, const char *signature)
{
	uint8_t octets[200], der[200], *at = der;
	size_t text = strlen(signature);
	ptrdiff_t size = memmem(header.data, header.size, "\"ES", 3) != NULL && text < sizeof(octets)
				 ? decode_base64(signature, text, 1, octets)
				 : 0;
	ECDSA_SIG *made = size > 0 ? ECDSA_SIG_new() : NULL;
	int half = (int)size / 2, done = 0;

	if (made != NULL &&
	    ECDSA_SIG_set0(made, BN_bin2bn(octets, half, NULL), BN_bin2bn(octets + half, half, NULL)) == 1)
		done = i2d_ECDSA_SIG(made, &at);
	ECDSA_SIG_free(made);
	return done > 0 ? token_base64(trial, slice(der, (size_t)done)) : NULL;
}

/* The right signature, but for its end, or its form; or that of other claims. */
void check_jwt_altered(struct scan_trial *trial)
{
	const char *token, *other = NULL, *end, *der;
	struct fw_slice claims, header;
	size_t size;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	token = check_token_ready(trial);
	end = token != NULL ? strrchr(token, '.') : NULL;
	size = end != NULL ? strlen(end + 1) : 0;
	if (token_can_mint(trial->work))
		other = strrchr(
			token_mint(trial, &(struct token_claims){ .user = "scan-other", .expires = 3600 }, NULL), '.');
	for (unsigned i = 0; i < 4 && size >= 8; i++) {
		static const char *const whats[] = { "the good token with half of its signature",
						     "the good token with all but the last octets of its signature",
						     "the good token with octets behind its signature",
						     "the good token with the signature of another token" };
		const char *text =
			i == 0 ? trial_text(trial, "%.*s", (int)(strlen(token) - size + size / 8 * 4), token)
			: i == 1
				? trial_text(trial, "%.*s", (int)(strlen(token) - size + (size - 1) / 4 * 4 - 4), token)
			: i == 2 ? trial_text(trial, "%s%s", token,
					      size % 4 == 3   ? "A"
					      : size % 4 == 2 ? "AA"
							      : "AAAA")
				 : trial_text(trial, "%.*s%s", (int)(end - token), token, other != NULL ? other : "");

		if (i == 3 && other == NULL)
			break;
		if (!check_not_accepted(trial, check_token_try(trial, text, whats[i]), whats[i]))
			return;
	}
	der = size >= 8 ? in_der(trial, header, end + 1) : NULL;
	if (der != NULL &&
	    !check_not_accepted(trial,
				check_token_try(trial, trial_text(trial, "%.*s.%s", (int)(end - token), token, der),
						"the good token with its signature in DER"),
				"the good token with its signature in DER"))
		return;
	trial_pass(trial, "signatures that were cut, made longer%s or taken from another token were refused",
		   der != NULL ? ", written in DER" : "");
}
