/* SipHash with one round a word and three at the end (Aumasson, Bernstein: "SipHash: a fast short-input PRF"). */
#include "base/hash.h"

#include <string.h>

struct lanes {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void mix(struct lanes *v)
{
	v->a += v->b;
	v->b = rotate(v->b, 13) ^ v->a;
	v->a = rotate(v->a, 32);
	v->c += v->d;
	v->d = rotate(v->d, 16) ^ v->c;
	v->a += v->d;
	v->d = rotate(v->d, 21) ^ v->a;
	v->c += v->b;
	v->b = rotate(v->b, 17) ^ v->c;
	v->c = rotate(v->c, 32);
}

static inline void absorb(struct lanes *v, uint64_t word)
{
	v->d ^= word;
	mix(v);
	v->a ^= word;
}

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t size)
{
	struct lanes v = { key->a ^ 0x736f6d6570736575, key->b ^ 0x646f72616e646f6d, key->a ^ 0x6c7967656e657261,
			   key->b ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)size << 56;
	const uint8_t *at = bytes;
	size_t left = size;

	for (; left >= 8; left -= 8, at += 8)
		absorb(&v, load(at));
	if (left != 0 && size >= 8) /* the last of the word that ends where it ends */
		last |= load(at + left - 8) >> (8 * (8 - left));
	for (size_t i = 0; size < 8 && i < left; i++)
		last |= (uint64_t)at[i] << (8 * i);
	absorb(&v, last);
	v.c ^= 0xff;
	mix(&v);
	mix(&v);
	mix(&v);
	return v.a ^ v.b ^ v.c ^ v.d;
}
