/* base/hash: against a transcription of the definition of SipHash-c-d that is itself held to the published values of
 * SipHash-2-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"

static void sip_round(uint64_t v[4])
{
#define ROTL(x, n) (((x) << (n)) | ((x) >> (64 - (n))))
	v[0] = v[0] + v[1];
	v[2] = v[2] + v[3];
	v[1] = ROTL(v[1], 13);
	v[3] = ROTL(v[3], 16);
	v[1] = v[1] ^ v[0];
	v[3] = v[3] ^ v[2];
	v[0] = ROTL(v[0], 32);
	v[2] = v[2] + v[1];
	v[0] = v[0] + v[3];
	v[1] = ROTL(v[1], 17);
	v[3] = ROTL(v[3], 21);
	v[1] = v[1] ^ v[2];
	v[3] = v[3] ^ v[0];
	v[2] = ROTL(v[2], 32);
#undef ROTL
}

/* Section 2 of the paper: initialisation, compression of b/8 + 1 words whose last octet is b mod 256, finalisation. */
static uint64_t sip(int c, int d, uint64_t k0, uint64_t k1, const uint8_t *m, size_t b)
{
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			  k1 ^ 0x7465646279746573 };

	for (size_t word = 0; word <= b / 8; word++) {
		uint64_t value = 0;

		for (size_t octet = 0; octet < 8; octet++) {
			size_t at = 8 * word + octet;
			uint64_t x = octet == 7 && word == b / 8 ? b & 255 : at < b ? m[at] : 0;

			value += x << (8 * octet);
		}
		v[3] ^= value;
		for (int i = 0; i < c; i++)
			sip_round(v);
		v[0] ^= value;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < d; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint64_t paper_k0 = 0x0706050403020100, paper_k1 = 0x0f0e0d0c0b0a0908;

static void the_transcription_gives_the_values_of_the_paper(void **state)
{
	uint8_t m[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		m[i] = i;
	assert_true(sip(2, 4, paper_k0, paper_k1, m, 0) == 0x726fdb47dd0e0e31);
	assert_true(sip(2, 4, paper_k0, paper_k1, m, 8) == 0x93f5f5799a932462);
	assert_true(sip(2, 4, paper_k0, paper_k1, m, 15) == 0xa129ca6149be45e5);
}

/* Values that other programs with SipHash-1-3 give. */
static void known_values_are_met(void **state)
{
	const struct hash_key zero = { 0, 0 }, paper = { paper_k0, paper_k1 };
	uint8_t m[63];

	(void)state;
	for (uint8_t i = 0; i < 63; i++)
		m[i] = i;
	assert_true(hash_bytes(&zero, "", 0) == 0xd1fba762150c532c);
	assert_true(hash_bytes(&zero, m, 1) == 0x68a914128e01e473);
	assert_true(hash_bytes(&zero, "abc", 3) == 0xc03bc3a0042630f2);
	assert_true(hash_bytes(&zero, m, 16) == 0x8972188433a5c5b7);
	assert_true(hash_bytes(&zero, m, 63) == 0x385d3e39e5f37359);
	assert_true(hash_bytes(&paper, NULL, 0) == 0xabac0158050fc4dc);
}

static void every_length_and_key_is_siphash_1_3(void **state)
{
	(void)state;
	srand(4);
	for (size_t size = 0; size < 600; size++) {
		uint8_t *bytes = malloc(size + 1); /* starts at an odd place below, ends at the end of the block */
		struct hash_key key;

		for (size_t i = 0; i <= size; i++)
			bytes[i] = (uint8_t)rand();
		key.a = (uint64_t)rand() << 33 ^ (uint64_t)rand();
		key.b = (uint64_t)rand() << 33 ^ (uint64_t)rand();
		assert_true(hash_bytes(&key, bytes + 1, size) == sip(1, 3, key.a, key.b, bytes + 1, size));
		assert_true(hash_bytes(&key, bytes, size) == sip(1, 3, key.a, key.b, bytes, size));
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_transcription_gives_the_values_of_the_paper),
		cmocka_unit_test(known_values_are_met),
		cmocka_unit_test(every_length_and_key_is_siphash_1_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
