/* octets.h: where the next octet of a kind is: sixteen at once where the processor can. A kind is a table; what is
 * asked of sixteen may say more of them than the table does, never fewer. */
#ifndef ENGINE_DETECT_OCTETS_H
#define ENGINE_DETECT_OCTETS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>

/* Those from first to last. */
static inline __m128i octets_range(__m128i sixteen, uint8_t first, uint8_t last)
{
	return _mm_cmplt_epi8(_mm_sub_epi8(sixteen, _mm_set1_epi8((char)(first + 128))),
			      _mm_set1_epi8((char)(last - first + 1 - 128)));
}

static inline __m128i octets_one(__m128i sixteen, uint8_t one)
{
	return _mm_cmpeq_epi8(sixteen, _mm_set1_epi8((char)one));
}
#endif

/* The first octet that the table has, from there on; size: there is none. ASKED: what of sixteen octets can be one, an
 * expression of the vector `sixteen`. */
#ifdef __SSE2__
#define OCTETS_NEXT(name, table, ASKED)                                                                                \
	static inline size_t name(const uint8_t *text, size_t size, size_t from)                                       \
	{                                                                                                              \
		if (from < size && table[text[from]])                                                                  \
			return from;                                                                                   \
		for (; size - from >= 16; from += 16) {                                                                \
			const __m128i sixteen = _mm_loadu_si128((const void *)(text + from));                          \
			unsigned any = (unsigned)_mm_movemask_epi8(ASKED);                                             \
                                                                                                                       \
			for (; any != 0; any &= any - 1)                                                               \
				if (table[text[from + (unsigned)__builtin_ctz(any)]])                                  \
					return from + (unsigned)__builtin_ctz(any);                                    \
		}                                                                                                      \
		while (from < size && !table[text[from]])                                                              \
			from++;                                                                                        \
		return from;                                                                                           \
	}
#else
#define OCTETS_NEXT(name, table, ASKED)                                                                                \
	static inline size_t name(const uint8_t *text, size_t size, size_t from)                                       \
	{                                                                                                              \
		while (from < size && !table[text[from]])                                                              \
			from++;                                                                                        \
		return from;                                                                                           \
	}
#endif
#endif
