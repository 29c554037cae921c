#include "crypto/signing_key.h"

#include <limits.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"

enum { OCTETS = 32, TEXT = 43 }; /* of a coordinate; in base64url */

/* A public key as its JWK says it; y is empty for Ed25519. */
struct coordinates {
	char x[TEXT + 1], y[TEXT + 1];
};

static size_t read_all(BIO *bio, char ret_pem[SIGNING_KEY_PEM])
{
	int size = BIO_read(bio, ret_pem, SIGNING_KEY_PEM);

	return size > 0 && BIO_pending(bio) == 0 ? (size_t)size : 0;
}

size_t signing_key_make(const uint8_t seed[SIGNING_KEY_SEED], char ret_pem[SIGNING_KEY_PEM])
{
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGNING_KEY_SEED);
	BIO *bio = BIO_new(BIO_s_secmem());
	size_t size = 0;

	if (pair != NULL && bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) == 1)
		size = read_all(bio, ret_pem);
	BIO_free(bio);
	EVP_PKEY_free(pair);
	ERR_clear_error();
	return size;
}

static bool coordinate(const EVP_PKEY *pair, const char *name, char ret_text[TEXT + 1])
{
	uint8_t octets[OCTETS];
	BIGNUM *number = NULL;
	bool done = EVP_PKEY_get_bn_param(pair, name, &number) == 1 && BN_bn2binpad(number, octets, OCTETS) == OCTETS;

	if (done)
		ret_text[encode_base64(octets, OCTETS, 1, ret_text)] = '\0';
	BN_free(number);
	return done;
}

static bool find_coordinates(const struct jwt_key *key, struct coordinates *ret_coordinates)
{
	uint8_t octets[OCTETS];
	size_t size = sizeof(octets);
	bool done;

	memset(ret_coordinates, 0, sizeof(*ret_coordinates));
	if (key->algorithm == JOSE_ES256) {
		done = coordinate(key->pair, OSSL_PKEY_PARAM_EC_PUB_X, ret_coordinates->x) &&
		       coordinate(key->pair, OSSL_PKEY_PARAM_EC_PUB_Y, ret_coordinates->y);
	} else {
		done = EVP_PKEY_get_raw_public_key(key->pair, octets, &size) == 1 && size == OCTETS;
		if (done)
			ret_coordinates->x[encode_base64(octets, OCTETS, 1, ret_coordinates->x)] = '\0';
	}
	ERR_clear_error();
	return done;
}

static char *append(char *at, const char *text)
{
	return stpcpy(at, text);
}

/* RFC 7638 3, RFC 8037 A.3: the members that make the key, in the order of their names. */
static bool thumbprint(const struct jwt_key *key, char ret_kid[SIGNING_KEY_KID])
{
	struct coordinates at;
	char text[160], *end = text;
	uint8_t digest[32];

	if (!find_coordinates(key, &at))
		return false;
	end = append(end, key->algorithm == JOSE_ES256 ? "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""
						       : "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
	end = append(end, at.x);
	if (key->algorithm == JOSE_ES256) {
		end = append(end, "\",\"y\":\"");
		end = append(end, at.y);
	}
	end = append(end, "\"}");
	digest_sha256(slice(text, (size_t)(end - text)), digest);
	ret_kid[encode_base64(digest, sizeof(digest), 1, ret_kid)] = '\0';
	return true;
}

/* A password is never asked for: a key that has one is not taken. */
static int no_password(char *buffer, int size, int writing, void *user)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)user;
	return -1;
}

const char *signing_key_read(struct fw_slice pem, struct jwt_key *ret_key, char ret_kid[SIGNING_KEY_KID])
{
	BIO *bio = pem.size != 0 && pem.size <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
	struct jwt_key key = { .algorithm = JOSE_EDDSA, .kid = ret_kid };
	const char *fault = NULL;

	*ret_key = (struct jwt_key){ 0 };
	if (bio != NULL)
		key.pair = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (key.pair == NULL)
		return "no private key in PEM without a password";
	if (EVP_PKEY_get_base_id(key.pair) == EVP_PKEY_EC)
		key.algorithm = JOSE_ES256;
	if (jose_key_fault(&key) != NULL)
		fault = "neither an Ed25519 nor a P-256 key";
	else if (!thumbprint(&key, ret_kid))
		fault = "out of memory";
	if (fault == NULL)
		*ret_key = key;
	else
		jose_key_fini(&key);
	return fault;
}

static void member(struct json_writer *writer, const char *name, const char *value)
{
	json_write_key(writer, name);
	json_write_string(writer, value);
}

bool signing_key_write(struct json_writer *writer, const struct jwt_key *key)
{
	struct coordinates at;

	if (!find_coordinates(key, &at))
		return false;
	json_write_open(writer, '{');
	member(writer, "kty", key->algorithm == JOSE_ES256 ? "EC" : "OKP");
	member(writer, "crv", key->algorithm == JOSE_ES256 ? "P-256" : "Ed25519");
	member(writer, "x", at.x);
	if (key->algorithm == JOSE_ES256)
		member(writer, "y", at.y);
	member(writer, "use", "sig");
	member(writer, "alg", jose_name(key->algorithm));
	member(writer, "kid", key->kid);
	json_write_close(writer, '}');
	return !writer->failed;
}
