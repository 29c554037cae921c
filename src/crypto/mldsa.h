/* mldsa.h: ML-DSA-65 (FIPS 204) where OpenSSL has it, from 3.5 on; which is asked when the program runs, not when it is
 * built. No state but that; any thread. */
#ifndef CRYPTO_MLDSA_H
#define CRYPTO_MLDSA_H
#include <framewall/types.h>

enum { MLDSA_SEED = 32, MLDSA_KEY = 1952, MLDSA_SIGNATURE = 3309 };

bool mldsa_available(void);
/* The pair of a seed, to be freed by EVP_PKEY_free; NULL: OpenSSL has none, or memory is short. */
struct evp_pkey_st *mldsa_pair(const uint8_t seed[MLDSA_SEED], uint8_t ret_public[MLDSA_KEY]);
bool mldsa_sign(struct evp_pkey_st *pair, struct fw_slice message, uint8_t ret_signature[MLDSA_SIGNATURE]);
/* context: what both sides agreed on, at most 255 octets; here empty. False: it does not hold, or cannot be told. */
bool mldsa_verify(struct fw_slice public_key, struct fw_slice message, struct fw_slice context,
		  struct fw_slice signature);
#endif
