/* token_jwe.c: tokens that are encrypted, not signed. Whoever has the public key can make one: what is in it says
 * nothing of who wrote it. */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/slice.h"
#include "crypto/jose.h"
#include "crypto/seal.h"
#include "scan/token.h"

/* RSA-OAEP with SHA-1, as RFC 7518 4.3 has it, or RSA-OAEP-256. Octets of the result; 0: the key is none for it. */
static size_t wrap(EVP_PKEY *pair, const char *algorithm, const uint8_t key[static SEAL_KEY],
		   uint8_t ret_wrapped[static JOSE_SIGNATURE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_is_a(pair, "RSA") ? EVP_PKEY_CTX_new(pair, NULL) : NULL;
	const EVP_MD *digest = strcmp(algorithm, "RSA-OAEP-256") == 0 ? EVP_sha256() : EVP_sha1();
	size_t size = JOSE_SIGNATURE;

	if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) != 1 ||
	    EVP_PKEY_encrypt(context, ret_wrapped, &size, key, SEAL_KEY) != 1)
		size = 0;
	EVP_PKEY_CTX_free(context);
	return size;
}

char *token_encrypted(struct scan_trial *trial, const char *algorithm, EVP_PKEY *pair, const char *head_more,
		      struct fw_slice plain)
{
	/* Known to everybody, as it protects nothing: so that the attack can be repeated by hand. */
	uint8_t key[SEAL_KEY] = { 0 }, nonce[SEAL_NONCE] = { 7 }, wrapped[JOSE_SIGNATURE],
		*sealed = arena_alloc(&trial->arena, plain.size + SEAL_TAG);
	size_t size = 0;
	const char *header = token_base64(
		trial, slice_text(trial_text(trial, "{\"alg\":\"%s\",\"enc\":\"A256GCM\",\"typ\":\"JWT\"%s}", algorithm,
					     head_more)));

	if (pair != NULL) {
		memset(key, 0x5c, sizeof(key));
		size = wrap(pair, algorithm, key, wrapped);
	}
	if (sealed == NULL || (pair != NULL && size == 0) || !seal_close(key, nonce, slice_text(header), plain, sealed))
		return NULL;
	return trial_text(trial, "%s.%s.%s.%s.%s", header, token_base64(trial, slice(wrapped, size)),
			  token_base64(trial, slice(nonce, sizeof(nonce))),
			  token_base64(trial, slice(sealed, plain.size)),
			  token_base64(trial, slice(sealed + plain.size, SEAL_TAG)));
}
