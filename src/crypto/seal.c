#include "crypto/seal.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/mem.h"

bool seal_close(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE], struct fw_slice about,
		struct fw_slice text, uint8_t *ret_sealed)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int size = 0;
	bool done;

	done = context != NULL && text.size <= INT_MAX && about.size <= INT_MAX &&
	       EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	       EVP_EncryptUpdate(context, NULL, &size, about.data, (int)about.size) == 1 &&
	       (text.size == 0 || EVP_EncryptUpdate(context, ret_sealed, &size, text.data, (int)text.size) == 1) &&
	       EVP_EncryptFinal_ex(context, ret_sealed + text.size, &size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, ret_sealed + text.size) == 1;
	EVP_CIPHER_CTX_free(context);
	return done;
}

bool seal_open(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE], struct fw_slice about,
	       struct fw_slice sealed, uint8_t *ret_text)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	size_t text = sealed.size - SEAL_TAG;
	uint8_t tag[SEAL_TAG];
	int size = 0;
	bool done;

	if (sealed.size < SEAL_TAG || sealed.size > INT_MAX || about.size > INT_MAX) {
		EVP_CIPHER_CTX_free(context);
		return false;
	}
	for (size_t i = 0; i < SEAL_TAG; i++)
		tag[i] = sealed.data[text + i];
	done = context != NULL && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	       EVP_DecryptUpdate(context, NULL, &size, about.data, (int)about.size) == 1 &&
	       (text == 0 || EVP_DecryptUpdate(context, ret_text, &size, sealed.data, (int)text) == 1) &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(context, ret_text + text, &size) == 1;
	EVP_CIPHER_CTX_free(context);
	if (!done && text != 0)
		mem_wipe(ret_text, text);
	return done;
}

bool seal_derive(struct fw_slice passphrase, struct fw_slice salt, uint32_t iterations, uint8_t *ret_key, size_t size)
{
	return passphrase.size <= INT_MAX && salt.size <= INT_MAX && iterations <= INT_MAX && size <= INT_MAX &&
	       PKCS5_PBKDF2_HMAC((const char *)passphrase.data, (int)passphrase.size, salt.data, (int)salt.size,
				 (int)iterations, EVP_sha256(), (int)size, ret_key) == 1;
}
