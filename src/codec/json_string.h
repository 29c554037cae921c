/* json_string.h: the inside of JSON strings, shared by reader and writer: finding their end, decoding their escapes.
 * No allocation; any thread. */
#ifndef CODEC_JSON_STRING_H
#define CODEC_JSON_STRING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/slice.h"
#include "base/utf8.h"

/* RFC 8259 7: what may not stand in a string as itself. */
static inline bool json_string_special(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Does a word of eight octets hold a special one? Bit tricks: a borrow can only add hits above a true one. */
static inline bool json_string_word_special(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t quote = word ^ (ones * '"');
	uint64_t slash = word ^ (ones * '\\');

	return ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops) != 0;
}

/* The first special octet, or end. *high becomes other than 0 when an octet of 0x80 or more stands before it. */
static inline const uint8_t *json_string_scan(const uint8_t *at, const uint8_t *end, unsigned *high)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);

	while (end - at >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash));
		unsigned mask, tops = (unsigned)_mm_movemask_epi8(x);

		hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
		mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask != 0) {
			*high |= tops & (mask ^ (mask - 1));
			return at + __builtin_ctz(mask);
		}
		*high |= tops;
		at += 16;
	}
#endif
	while (end - at >= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		if (json_string_word_special(word))
			break;
		*high |= (word & 0x8080808080808080u) != 0;
		at += 8;
	}
	for (; at != end && !json_string_special(*at); at++)
		*high |= *at & 0x80u;
	return at;
}

/* Four hexadecimal digits, which the caller knows to be there; -1 when one is none. */
static inline int32_t json_string_unit(const uint8_t *at)
{
	int a = ascii_hex(at[0]), b = ascii_hex(at[1]), c = ascii_hex(at[2]), d = ascii_hex(at[3]);

	return (a | b | c | d) < 0 ? -1 : (int32_t)(a << 12 | b << 8 | c << 4 | d);
}

/* Decodes the escape at *at (at the backslash) of a string that was read without error. Returns the octets in
 * ret_bytes. */
static inline size_t json_string_escape(const uint8_t **at, uint8_t ret_bytes[4])
{
	const uint8_t *p = *at;
	uint32_t code;

	*at = p + 2;
	switch (p[1]) {
	case 'b':
		ret_bytes[0] = '\b';
		return 1;
	case 'f':
		ret_bytes[0] = '\f';
		return 1;
	case 'n':
		ret_bytes[0] = '\n';
		return 1;
	case 'r':
		ret_bytes[0] = '\r';
		return 1;
	case 't':
		ret_bytes[0] = '\t';
		return 1;
	case 'u':
		break;
	default: /* quote, backslash, slash */
		ret_bytes[0] = p[1];
		return 1;
	}
	code = (uint32_t)json_string_unit(p + 2);
	*at = p + 6;
	if (code >= 0xd800 && code <= 0xdbff) {
		code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)json_string_unit(p + 8) - 0xdc00);
		*at = p + 12;
	}
	return utf8_encode(code, ret_bytes);
}

/* The decoded octets of a string, one after the other, without memory. */
struct json_string_reader {
	const uint8_t *at;
	const uint8_t *end;
	uint8_t bytes[4];
	uint8_t given;
	uint8_t have;
};

static inline struct json_string_reader json_string_read(const uint8_t *at, size_t size)
{
	return (struct json_string_reader){ .at = at, .end = at + size };
}

/* The next octet, or -1 at the end. */
static inline int json_string_next(struct json_string_reader *reader)
{
	if (reader->given < reader->have)
		return reader->bytes[reader->given++];
	if (reader->at == reader->end)
		return -1;
	if (*reader->at != '\\')
		return *reader->at++;
	reader->have = (uint8_t)json_string_escape(&reader->at, reader->bytes);
	reader->given = 1;
	return reader->bytes[0];
}
#endif
