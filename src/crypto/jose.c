#include "crypto/jose.h"

#include <limits.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "base/slice.h"
#include "crypto/digest.h"

enum family { FAMILY_HMAC, FAMILY_RSA, FAMILY_PSS, FAMILY_EC, FAMILY_ED };

static const struct row {
	const char *name;
	enum family family;
	const char *digest;
	size_t octets;
} rows[] = {
#define JOSE(id, name, family, digest, octets) { name, FAMILY_##family, digest, octets },
#include "tables/jose.def"
#undef JOSE
};

const char *jose_name(enum jose_algorithm algorithm)
{
	return (unsigned)algorithm < JOSE_ALGORITHMS ? rows[algorithm].name : "";
}

bool jose_find(struct fw_slice name, enum jose_algorithm *ret_algorithm)
{
	for (unsigned i = 0; i < JOSE_ALGORITHMS; i++)
		if (slice_is(name, rows[i].name)) {
			*ret_algorithm = (enum jose_algorithm)i;
			return true;
		}
	return false;
}

bool jose_is_secret(enum jose_algorithm algorithm)
{
	return rows[algorithm].family == FAMILY_HMAC;
}

bool jose_is_rsa(enum jose_algorithm algorithm)
{
	return rows[algorithm].family == FAMILY_RSA || rows[algorithm].family == FAMILY_PSS;
}

/* RFC 7518 3.4: each of its three has one curve. */
static const char *curve_of(enum jose_algorithm algorithm)
{
	switch (algorithm) {
	case JOSE_ES256:
		return "prime256v1";
	case JOSE_ES384:
		return "secp384r1";
	default:
		return "secp521r1";
	}
}

/* Keys that one vendor's chips made are products of primes of one form, and can be factored (CVE-2017-15361): modulo
 * small primes they are powers of 65537. One good key in 2^27 looks the same. */
static bool is_roca(const BIGNUM *modulus)
{
	static const uint8_t primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157 };

	for (size_t i = 0; i < sizeof(primes); i++) {
		unsigned prime = primes[i], power = 1, wanted = (unsigned)BN_mod_word(modulus, prime);
		bool found = false;

		for (unsigned steps = 0; steps < prime && !found; steps++) {
			found = power == wanted;
			power = power * (65537 % prime) % prime;
		}
		if (!found)
			return false;
	}
	return true;
}

static const char *rsa_fault(const EVP_PKEY *pair)
{
	BIGNUM *n = NULL, *e = NULL;
	const char *fault = NULL;

	if (EVP_PKEY_get_base_id(pair) != EVP_PKEY_RSA || EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		fault = "not an RSA key";
	else if (BN_num_bits(n) < JOSE_RSA_LEAST) /* RFC 7518 3.3 */
		fault = "RSA key too short";
	else if (BN_num_bits(n) > JOSE_RSA_MOST)
		fault = "RSA key too long";
	else if (!BN_is_odd(n))
		fault = "RSA modulus";
	else if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 64)
		fault = "RSA exponent";
	else if (is_roca(n))
		fault = "RSA key of a broken generator (CVE-2017-15361)";
	BN_free(n);
	BN_free(e);
	return fault;
}

static const char *pair_fault(const struct jwt_key *key)
{
	char curve[64] = "";
	size_t size;

	switch (rows[key->algorithm].family) {
	case FAMILY_RSA:
	case FAMILY_PSS:
		return rsa_fault(key->pair);
	case FAMILY_EC:
		if (EVP_PKEY_get_base_id(key->pair) != EVP_PKEY_EC)
			return "not an EC key";
		if (EVP_PKEY_get_utf8_string_param(key->pair, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve),
						   &size) != 1)
			return "not an EC key";
		return strcmp(curve, curve_of(key->algorithm)) == 0 ? NULL : "curve is not the algorithm's";
	default:
		return EVP_PKEY_get_base_id(key->pair) == EVP_PKEY_ED25519 ? NULL : "not an Ed25519 key";
	}
}

const char *jose_key_fault(const struct jwt_key *key)
{
	if ((unsigned)key->algorithm >= JOSE_ALGORITHMS)
		return "algorithm not known";
	if (jose_is_secret(key->algorithm)) /* RFC 7518 3.2 */
		return key->pair != NULL ? "not a secret" : jose_key_usable(key) ? NULL : "secret too short";
	if (key->pair == NULL || key->secret != NULL)
		return "not a key pair";
	return pair_fault(key);
}

bool jose_key_usable(const struct jwt_key *key)
{
	if ((unsigned)key->algorithm >= JOSE_ALGORITHMS)
		return false;
	return jose_is_secret(key->algorithm)
		       ? key->secret != NULL && key->secret_size >= rows[key->algorithm].octets &&
				 key->secret_size <= INT_MAX
		       : key->pair != NULL;
}

const char *jose_read_pem(struct fw_slice text, enum jose_algorithm algorithm, struct jwt_key *ret_key)
{
	BIO *bio = text.size != 0 && text.size <= INT_MAX ? BIO_new_mem_buf(text.data, (int)text.size) : NULL;
	struct jwt_key key = { .algorithm = algorithm };
	const char *fault;

	*ret_key = (struct jwt_key){ 0 };
	if (bio != NULL)
		key.pair = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	fault = key.pair == NULL ? "no public key in PEM" : jose_key_fault(&key);
	if (fault == NULL)
		*ret_key = key;
	else
		jose_key_fini(&key);
	return fault;
}

void jose_key_fini(struct jwt_key *key)
{
	EVP_PKEY_free(key->pair);
	key->pair = NULL;
}

static bool mac_of(const struct jwt_key *key, struct fw_slice text, uint8_t ret_mac[EVP_MAX_MD_SIZE])
{
	const struct row *row = &rows[key->algorithm];
	const EVP_MD *digest = row->octets == 48 ? EVP_sha384() : EVP_sha512();
	unsigned size = 0;

	if (row->octets == 32)
		return digest_hmac_sha256(slice(key->secret, key->secret_size), text, ret_mac);
	return HMAC(digest, key->secret, (int)key->secret_size, text.data, text.size, ret_mac, &size) != NULL &&
	       size == row->octets;
}

/* RFC 7518 3.5: MGF1 with the same hash, a salt as long as the hash. */
static bool set_padding(enum jose_algorithm algorithm, EVP_PKEY_CTX *context)
{
	if (rows[algorithm].family == FAMILY_RSA)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	if (rows[algorithm].family == FAMILY_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

/* RFC 7518 3.4: r and s, each as long as a coordinate; OpenSSL wants them in DER. Returns the octets, 0: memory. */
static size_t ec_to_der(const uint8_t *raw, size_t octets, uint8_t *ret_der, size_t room)
{
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)octets, NULL), *s = BN_bin2bn(raw + octets, (int)octets, NULL);
	int size = 0;

	if (both != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
		r = s = NULL;
		size = i2d_ECDSA_SIG(both, NULL);
		if (size > 0 && (size_t)size <= room)
			size = i2d_ECDSA_SIG(both, &ret_der);
		else
			size = 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(both);
	return size > 0 ? (size_t)size : 0;
}

static size_t ec_from_der(const uint8_t *der, size_t size, size_t octets, uint8_t *ret_raw)
{
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &der, (long)size);
	bool done = both != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(both), ret_raw, (int)octets) == (int)octets &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(both), ret_raw + octets, (int)octets) == (int)octets;

	ECDSA_SIG_free(both);
	return done ? 2 * octets : 0;
}

/* RFC 7518 3.3, 3.4; RFC 8032 5.1.6: every signature has exactly one length. */
static size_t signature_size(const struct jwt_key *key)
{
	switch (rows[key->algorithm].family) {
	case FAMILY_HMAC:
		return rows[key->algorithm].octets;
	case FAMILY_EC:
		return 2 * rows[key->algorithm].octets;
	case FAMILY_ED:
		return 64;
	default:
		return (size_t)EVP_PKEY_get_size(key->pair);
	}
}

static enum jose_result verify_pair(const struct jwt_key *key, struct fw_slice text, struct fw_slice signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	uint8_t der[2 * 66 + 16];
	int result = -1;

	if (rows[key->algorithm].family == FAMILY_EC)
		signature = slice(der, ec_to_der(signature.data, rows[key->algorithm].octets, der, sizeof(der)));
	if (context != NULL && signature.size != 0 &&
	    EVP_DigestVerifyInit_ex(context, &inner, rows[key->algorithm].digest, NULL, NULL, key->pair, NULL) == 1 &&
	    set_padding(key->algorithm, inner))
		result = EVP_DigestVerify(context, signature.data, signature.size, text.data, text.size);
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (result == 1)
		return JOSE_HOLDS;
	/* A signature that makes no sense is reported as an error by some algorithms: forged all the same. */
	return context != NULL && signature.size != 0 ? JOSE_FORGED : JOSE_FAILED;
}

enum jose_result jose_verify(const struct jwt_key *key, struct fw_slice text, struct fw_slice signature)
{
	uint8_t expected[EVP_MAX_MD_SIZE];

	if (!jose_key_usable(key) || signature.size != signature_size(key))
		return JOSE_FORGED;
	if (!jose_is_secret(key->algorithm))
		return verify_pair(key, text, signature);
	if (!mac_of(key, text, expected))
		return JOSE_FAILED;
	return secret_equal(slice(expected, signature.size), signature) ? JOSE_HOLDS : JOSE_FORGED;
}

static size_t sign_pair(const struct jwt_key *key, struct fw_slice text, uint8_t *ret_signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	size_t size = JOSE_SIGNATURE;

	if (context == NULL ||
	    EVP_DigestSignInit_ex(context, &inner, rows[key->algorithm].digest, NULL, NULL, key->pair, NULL) != 1 ||
	    !set_padding(key->algorithm, inner) ||
	    EVP_DigestSign(context, ret_signature, &size, text.data, text.size) != 1)
		size = 0;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return size;
}

size_t jose_sign(const struct jwt_key *key, struct fw_slice text, uint8_t ret_signature[JOSE_SIGNATURE])
{
	uint8_t mac[EVP_MAX_MD_SIZE], der[JOSE_SIGNATURE];
	size_t size;

	if (!jose_key_usable(key))
		return 0;
	switch (rows[key->algorithm].family) {
	case FAMILY_HMAC:
		if (!mac_of(key, text, mac))
			return 0;
		memcpy(ret_signature, mac, rows[key->algorithm].octets);
		return rows[key->algorithm].octets;
	case FAMILY_EC:
		size = sign_pair(key, text, der);
		return size != 0 ? ec_from_der(der, size, rows[key->algorithm].octets, ret_signature) : 0;
	default:
		return sign_pair(key, text, ret_signature);
	}
}
