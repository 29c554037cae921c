/* token_key.c: the key of tokens that a server must refuse, as whoever attacks it would bring one. It protects nothing;
 * that it is known lets an attack be repeated by hand, and a key of 2,048 bits takes longer to be made than a check. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/jose.h"
#include "scan/token.h"

static const char attacker[] =
	"MIIEowIBAAKCAQEA4GZ6d0/D8O5mmv92HsFJToRHo0MWRlaT4OSaIMCZa9enUriLiic62UYzhN3OtXi018kbXdR9fUDeuvS6"
	"enUpP+K0SXm30/dYk1TAdqmyDGDodOY+qNTvec2t1TnreuaedAoO6+KFgyNsmwHrWSklBtgdVfvA1YONEAfhFVeET/aHPvhU"
	"bM86Bwf2Y5HgyKo2osmiBIiJ1//mziFu/ufYCbNLcdtGOvHSIR6oY1lG2jzxDylAgtWpUm44MCdBrU6Uy/CuHwSLb5ypfZEG"
	"QjE/KGWFbawlcnbXcj/gKJQ01zoKwVGNq5AaDZZVTIeX54PcKrXhXtsM3HJ07NBWhOWTfQIDAQABAoIBABOG92tAhrWFmWot"
	"htLgUQfDHRTI9rxCNnYgjoUBHZiz2HyrUIFCLq3PnRYX0zAZg+svNfFxV0Y6CefM+hlD7sX/bV7jd6q7YHrZqjHpTHQlTrU1"
	"gAhjFz/LNTBT7Pjx7qH8ahX+zU1/HKlUfm1w1icFUXA1Cy/JVdIqTVz1E699g7nSYbcYXFmh9awC0hMzrPeNQJfk9oudgkGG"
	"X3HL+XeLfS8zMteAJafQgwp0gyImDL8oSdw4mONWE7j6pASYTzFaBOjXroXIErt/zOlGbhEOU+RWyy2UhIEsLmLjSUpEKRot"
	"O3bPUReBOlgiAy7CZfzT+OsThiru7Ire0EMk2IECgYEA/Xj3JEDSKSEmNMP4wNdgRMpRlXFy9MszRwbH0li7SrK9i3C2+lr7"
	"wymVHokmKPjFHILIDIZul1CPAmp/Va5pLsf8SJ5JxB5IDZH+ntI6z2dakKZki4AVmRe2I8PK0pR8uiiFeMrapbtSWiHXqn0v"
	"4/F6aI3AYPfJEy4snuWlmd0CgYEA4qNNBqDgDEZVa7U2XanWWU3Azp8iZpB0jvGm3d1eRuLVwa3mqZIrbI+/RtXGmCwzEMeW"
	"FMP1ANzinnMt3qc2vwt8iDU+x5xyhtd7lQp0Pn1Jwfq8d9wJ+emRQIr06vd8Y6jOs4Mrsg0fZ1ULzOGdsCrHq6xpCT23dJtu"
	"SzfG1iECgYEAxEE/4eMKlevjwCEoXm+kSz73UiWII3+d0VWvq+8l/N1OI0P/ePKvUlnE6uK4GCsdu0iLih8gS6qFQBKjSv0C"
	"1cTkUnm0ldP4aAFtSx1tiZ71oWAkI1rl3iZc0W5MgSWVOTIcvf0atA3I4p6ndIr/ZJdY9tEibjIMjvxGcjVPNkUCgYB/E8ed"
	"vtjBqTI+WXZpYFCS9Fj2wh3c2oSwnejNoFE7d/cZSTP7wrzce2FqC3X2X1omv3J0pEedOz1KURTYMnQs/PjPuuM/s4Y3+10M"
	"/baeT0vrG3dP0a46Ve+e/AtGMIyrqLx1xUfb5yXDn9klASCU5ffdV6fxiYxzMq/ONzEjYQKBgDpf4NtWPpUK2yzdahnK2YVs"
	"zpzCDnue2gLGh625RE2uzhIdH9npoi6ys+LGjr34epOArcM+WsFe1zhWGF0IwBa9eFUzBaaatmL9K9HjlIURjoA5FGEwQ/AW"
	"AmMkyr7hWpTuWXSN1cXitgCP3NON/7FuTuXu/1AloLowOAltdYko";

struct evp_pkey_st *token_attacker_key(void)
{
	uint8_t octets[sizeof(attacker)];
	const uint8_t *at = octets;
	ptrdiff_t size = decode_base64(attacker, sizeof(attacker) - 1, 0, octets);

	return size > 0 ? d2i_AutoPrivateKey(NULL, &at, (long)size) : NULL;
}

static const char *number_of(struct scan_trial *trial, const EVP_PKEY *pair, const char *name)
{
	BIGNUM *number = NULL;
	uint8_t octets[512];
	int size = EVP_PKEY_get_bn_param(pair, name, &number) == 1 && BN_num_bytes(number) <= (int)sizeof(octets)
			   ? BN_bn2bin(number, octets)
			   : 0;

	BN_free(number);
	return token_base64(trial, slice(octets, (size_t)size));
}

char *token_jwk(struct scan_trial *trial, const EVP_PKEY *pair)
{
	return trial_text(
		trial, "{\"kty\":\"RSA\",\"kid\":\"scan\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"%s\"}",
		number_of(trial, pair, OSSL_PKEY_PARAM_RSA_N), number_of(trial, pair, OSSL_PKEY_PARAM_RSA_E));
}

char *token_own_jwk(struct scan_trial *trial)
{
	EVP_PKEY *pair = token_attacker_key();
	char *text = pair != NULL ? token_jwk(trial, pair) : trial_text(trial, "%s", "");

	EVP_PKEY_free(pair);
	return text;
}

char *token_own_certificate(struct scan_trial *trial)
{
	EVP_PKEY *pair = token_attacker_key();
	X509 *made = X509_new();
	X509_NAME *name = made != NULL ? X509_get_subject_name(made) : NULL;
	uint8_t octets[2048], *at = octets;
	char text[sizeof(octets) * 4 / 3 + 4];
	int size = 0;

	if (pair != NULL && name != NULL && X509_set_version(made, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(made), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(made), 86400) != NULL && X509_set_pubkey(made, pair) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"attacker.example", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(made, name) == 1 && X509_sign(made, pair, EVP_sha256()) > 0 &&
	    i2d_X509(made, NULL) <= (int)sizeof(octets))
		size = i2d_X509(made, &at);
	X509_free(made);
	EVP_PKEY_free(pair);
	return trial_text(trial, "%.*s", (int)encode_base64(octets, size > 0 ? (size_t)size : 0, 0, text), text);
}

char *token_own_key(struct scan_trial *trial, const char *head_more, struct fw_slice payload)
{
	struct jwt_key key = { .algorithm = JOSE_RS256, .pair = token_attacker_key() };
	uint8_t signature[JOSE_SIGNATURE];
	const char *header = trial_text(trial, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"scan\"%s}", head_more);
	size_t size;

	if (key.pair == NULL)
		return NULL;
	size = jose_sign(&key, slice_text(token_unsigned(trial, header, payload)), signature);
	jose_key_fini(&key);
	return size != 0 ? token_join(trial, header, payload, slice(signature, size)) : NULL;
}
