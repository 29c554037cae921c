/* crypto/signing_key: made, read and published keys against RFC 8037's, and what is no key to sign with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "base/pool.h"
#include "base/slice.h"
#include "crypto/jwk.h"
#include "crypto/signing_key.h"

static char kid[SIGNING_KEY_KID];

static size_t pem_of(EVP_PKEY *pair, const char *password, bool public, char *ret_pem, size_t room)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int size, done = public ? PEM_write_bio_PUBKEY(bio, pair)
				: PEM_write_bio_PKCS8PrivateKey(bio, pair, password != NULL ? EVP_aes_128_cbc() : NULL,
								password, password != NULL ? (int)strlen(password) : 0,
								NULL, NULL);

	assert_int_equal(done, 1);
	size = BIO_read(bio, ret_pem, (int)room);
	assert_true(size > 0);
	BIO_free(bio);
	EVP_PKEY_free(pair);
	return (size_t)size;
}

/* What is published, read back: the key that verifies. */
static void published(const struct jwt_key *key, char *ret_text, size_t room, struct arena *arena,
		      struct jwt_key *ret_public)
{
	struct pool pool;
	struct buf buf = { 0 };
	struct json_writer writer = { 0 };
	struct json json;
	struct jwk_rules rules = { .needs_kid = true };

	pool_init(&pool);
	writer.out = &buf;
	writer.pool = &pool;
	assert_true(signing_key_write(&writer, key));
	assert_true(buf_size(&buf) < room);
	memcpy(ret_text, buf_data(&buf), buf_size(&buf));
	ret_text[buf_size(&buf)] = '\0';
	buf_clear(&buf, &pool);
	pool_fini(&pool);
	assert_int_equal(json_parse(arena, slice_text(ret_text), 0, &json, NULL), JSON_OK);
	assert_null(jwk_read(arena, &rules, &json, 0, ret_public));
}

static void check_pair(const struct jwt_key *key, const char *expected_text)
{
	static const char text[] = "what is signed";
	uint8_t signature[JOSE_SIGNATURE];
	struct jwt_key public;
	char written[512];
	struct arena arena;
	size_t size;

	arena_init(&arena, 1 << 20);
	published(key, written, sizeof(written), &arena, &public);
	if (expected_text != NULL)
		assert_string_equal(written, expected_text);
	assert_null(strstr(written, "\"d\""));
	assert_string_equal(public.kid, key->kid);
	size = jose_sign(key, slice_text(text), signature);
	assert_int_equal(size, 64);
	assert_int_equal(jose_verify(&public, slice_text(text), slice(signature, size)), JOSE_HOLDS);
	signature[5] ^= 1;
	assert_int_equal(jose_verify(&public, slice_text(text), slice(signature, size)), JOSE_FORGED);
	jose_key_fini(&public);
	arena_fini(&arena);
}

/* RFC 8037 A.1 to A.3. */
static void the_key_of_the_standard(void **state)
{
	static const char d[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
	uint8_t seed[SIGNING_KEY_SEED + 4];
	char pem[SIGNING_KEY_PEM];
	struct jwt_key key;
	size_t size;

	(void)state;
	assert_int_equal(decode_base64(d, strlen(d), 1, seed), SIGNING_KEY_SEED);
	size = signing_key_make(seed, pem);
	assert_true(size != 0);
	assert_memory_equal(pem, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_null(signing_key_read(slice(pem, size), &key, kid));
	assert_int_equal(key.algorithm, JOSE_EDDSA);
	assert_string_equal(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	check_pair(&key, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
			 "\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\"}");
	jose_key_fini(&key);
}

static void a_p256_key(void **state)
{
	char pem[1024];
	struct jwt_key key;
	size_t size = pem_of(EVP_EC_gen("P-256"), NULL, false, pem, sizeof(pem));

	(void)state;
	assert_null(signing_key_read(slice(pem, size), &key, kid));
	assert_int_equal(key.algorithm, JOSE_ES256);
	check_pair(&key, NULL);
	jose_key_fini(&key);
}

static void refused(const char *pem, size_t size)
{
	struct jwt_key key;

	assert_non_null(signing_key_read(slice(pem, size), &key, kid));
	assert_null(key.pair);
}

static void others_are_refused(void **state)
{
	static const char cut[] = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n";
	char pem[4096];

	(void)state;
	refused("", 0);
	refused(cut, sizeof(cut) - 1);
	refused(pem, pem_of(EVP_EC_gen("P-384"), NULL, false, pem, sizeof(pem)));
	refused(pem, pem_of(EVP_RSA_gen(2048), NULL, false, pem, sizeof(pem)));
	refused(pem, pem_of(EVP_EC_gen("P-256"), NULL, true, pem, sizeof(pem)));
	refused(pem, pem_of(EVP_EC_gen("P-256"), "secret", false, pem, sizeof(pem))); /* and nobody is asked for it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_the_standard),
		cmocka_unit_test(a_p256_key),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
