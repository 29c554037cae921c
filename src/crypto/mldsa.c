#include "crypto/mldsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

#include "base/slice.h"

/* By their names: the headers of an OpenSSL that has no ML-DSA do not know them. */
static const char algorithm[] = "ML-DSA-65", seed_name[] = "seed", public_name[] = "pub",
		  context_name[] = "context-string";

static bool available;

static void ask(void)
{
	EVP_PKEY_CTX *context;

	ERR_set_mark();
	context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	available = context != NULL && EVP_PKEY_fromdata_init(context) == 1;
	EVP_PKEY_CTX_free(context);
	ERR_pop_to_mark();
}

bool mldsa_available(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask);
	return available;
}

static EVP_PKEY *import(const char *name, struct fw_slice octets, int selection)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(name, (void *)octets.data, octets.size),
				OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *context = mldsa_available() ? EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL) : NULL;
	EVP_PKEY *key = NULL;

	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

struct evp_pkey_st *mldsa_pair(const uint8_t seed[MLDSA_SEED], uint8_t ret_public[MLDSA_KEY])
{
	EVP_PKEY *pair = import(seed_name, slice(seed, MLDSA_SEED), EVP_PKEY_KEYPAIR);
	size_t size = 0;

	if (pair != NULL && (EVP_PKEY_get_octet_string_param(pair, public_name, ret_public, MLDSA_KEY, &size) != 1 ||
			     size != MLDSA_KEY)) {
		EVP_PKEY_free(pair);
		pair = NULL;
	}
	return pair;
}

bool mldsa_sign(struct evp_pkey_st *pair, struct fw_slice message, uint8_t ret_signature[MLDSA_SIGNATURE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = MLDSA_SIGNATURE;
	bool made = context != NULL && EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, pair, NULL) == 1 &&
		    EVP_DigestSign(context, ret_signature, &size, message.data, message.size) == 1 &&
		    size == MLDSA_SIGNATURE;

	EVP_MD_CTX_free(context);
	return made;
}

bool mldsa_verify(struct fw_slice public_key, struct fw_slice message, struct fw_slice context,
		  struct fw_slice signature)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(context_name, (void *)context.data, context.size),
				OSSL_PARAM_construct_end() };
	EVP_MD_CTX *digest;
	EVP_PKEY *key;
	bool holds;

	if (public_key.size != MLDSA_KEY || signature.size != MLDSA_SIGNATURE || context.size > 255)
		return false;
	ERR_set_mark();
	key = import(public_name, public_key, EVP_PKEY_PUBLIC_KEY);
	digest = EVP_MD_CTX_new();
	holds = key != NULL && digest != NULL &&
		EVP_DigestVerifyInit_ex(digest, NULL, NULL, NULL, NULL, key, context.size != 0 ? params : NULL) == 1 &&
		EVP_DigestVerify(digest, signature.data, signature.size, message.data, message.size) == 1;
	EVP_MD_CTX_free(digest);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	return holds;
}
