#include "codec/ws.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One step of 16 octets; loads and stores may be unaligned. */
static inline void mask_16(uint8_t *out, const uint8_t *in, uint64_t key)
{
#ifdef __SSE2__
	__m128i keys = _mm_set1_epi64x((long long)key);

	_mm_storeu_si128((__m128i *)out, _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), keys));
#else
	uint64_t words[2];

	memcpy(words, in, sizeof(words));
	words[0] ^= key;
	words[1] ^= key;
	memcpy(out, words, sizeof(words));
#endif
}

void ws_mask(uint8_t *out, const uint8_t *in, size_t size, const uint8_t mask[4])
{
	uint32_t key, half;
	uint64_t both, word;
	size_t at = 0;

	memcpy(&key, mask, sizeof(key));
	both = (uint64_t)key << 32 | key;
	for (; size - at >= 64; at += 64) {
		mask_16(out + at, in + at, both);
		mask_16(out + at + 16, in + at + 16, both);
		mask_16(out + at + 32, in + at + 32, both);
		mask_16(out + at + 48, in + at + 48, both);
	}
	for (; size - at >= 16; at += 16)
		mask_16(out + at, in + at, both);
	if (size - at >= 8) {
		memcpy(&word, in + at, sizeof(word));
		word ^= both;
		memcpy(out + at, &word, sizeof(word));
		at += 8;
	}
	if (size - at >= 4) {
		memcpy(&half, in + at, sizeof(half));
		half ^= key;
		memcpy(out + at, &half, sizeof(half));
		at += 4;
	}
	for (size_t i = 0; at < size; i++, at++) /* at most 3 octets */
		out[at] = in[at] ^ mask[i];
}
