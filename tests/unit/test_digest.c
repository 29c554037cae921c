/* crypto/digest and base/secret: FIPS 180, RFC 4231 and RFC 6455 by their own examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/secret.h"
#include "base/slice.h"
#include "crypto/digest.h"

static void assert_hex(const uint8_t *bytes, size_t size, const char *want)
{
	char text[128];

	assert_int_equal(strlen(want), 2 * size);
	encode_hex(bytes, size, text);
	assert_memory_equal(text, want, 2 * size);
}

static void sha_256_is_that_of_fips_180(void **state)
{
	uint8_t digest[32], *million = malloc(1000000);

	(void)state;
	digest_sha256(slice(NULL, 0), digest);
	assert_hex(digest, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256(slice_text("abc"), digest);
	assert_hex(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(slice_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest);
	assert_hex(digest, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	digest_sha256(slice(million, 1000000), digest);
	assert_hex(digest, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

static void sha_1_is_that_of_fips_180(void **state)
{
	uint8_t digest[20];

	(void)state;
	digest_sha1(slice(NULL, 0), digest);
	assert_hex(digest, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	digest_sha1(slice_text("abc"), digest);
	assert_hex(digest, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	digest_sha1(slice_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest);
	assert_hex(digest, 20, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

static void repeat(uint8_t *bytes, size_t size, uint8_t octet)
{
	memset(bytes, octet, size);
}

static void hmac_is_that_of_rfc_4231(void **state)
{
	uint8_t key[131], data[50], mac[32];

	(void)state;
	repeat(key, 20, 0x0b);
	assert_true(digest_hmac_sha256(slice(key, 20), slice_text("Hi There"), mac));
	assert_hex(mac, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_true(digest_hmac_sha256(slice_text("Jefe"), slice_text("what do ya want for nothing?"), mac));
	assert_hex(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	repeat(key, 20, 0xaa);
	repeat(data, 50, 0xdd);
	assert_true(digest_hmac_sha256(slice(key, 20), slice(data, 50), mac));
	assert_hex(mac, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	for (uint8_t i = 0; i < 25; i++)
		key[i] = (uint8_t)(i + 1);
	repeat(data, 50, 0xcd);
	assert_true(digest_hmac_sha256(slice(key, 25), slice(data, 50), mac));
	assert_hex(mac, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	repeat(key, 131, 0xaa);
	assert_true(digest_hmac_sha256(slice(key, 131),
				       slice_text("Test Using Larger Than Block-Size Key - Hash Key First"), mac));
	assert_hex(mac, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_of_nothing_is_defined(void **state)
{
	uint8_t mac[32];

	(void)state;
	assert_true(digest_hmac_sha256(slice(NULL, 0), slice(NULL, 0), mac));
	assert_hex(mac, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void accept_is_that_of_rfc_6455(void **state)
{
	char accept[28];

	(void)state;
	digest_websocket_accept(slice_text("dGhlIHNhbXBsZSBub25jZQ=="), accept); /* 1.3 */
	assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
}

static void secrets_are_equal_only_when_they_are(void **state)
{
	uint8_t a[33], b[33];

	(void)state;
	for (uint8_t i = 0; i < 33; i++)
		a[i] = b[i] = (uint8_t)(i * 7);
	assert_true(secret_equal(slice(a, 33), slice(b, 33)));
	assert_true(secret_equal(slice(NULL, 0), slice(NULL, 0)));
	assert_false(secret_equal(slice(a, 33), slice(b, 32)));
	for (unsigned bit = 0; bit < 33 * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(secret_equal(slice(a, 33), slice(b, 33)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha_256_is_that_of_fips_180), cmocka_unit_test(sha_1_is_that_of_fips_180),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),    cmocka_unit_test(hmac_of_nothing_is_defined),
		cmocka_unit_test(accept_is_that_of_rfc_6455),  cmocka_unit_test(secrets_are_equal_only_when_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
