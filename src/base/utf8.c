#include "base/utf8.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The automaton of Unicode table 3-7, a row of 6-bit fields an octet: the field at the current state is the next state.
 * A step is a load and a shift, without a branch, so the time does not depend on the script a text is written in.
 * A state is the bit at which its field begins; INVALID is 0, so what no row names is invalid and stays so. */
enum state {
	INVALID = 0,
	START = 6,  /* between code points */
	DUE_1 = 12, /* one continuation octet is due, of any value */
	DUE_2 = 18,
	DUE_3 = 24,
	AFTER_E0 = 30, /* A0..BF: no overlong form */
	AFTER_ED = 36, /* 80..9F: no surrogate */
	AFTER_F0 = 42, /* 90..BF: no overlong form */
	AFTER_F4 = 48  /* 80..8F: nothing above U+10FFFF */
};

#define ON(state, next) ((uint64_t)(next) << (state))
#define CONTINUES (ON(DUE_1, START) | ON(DUE_2, DUE_1) | ON(DUE_3, DUE_2))

static const uint64_t steps[256] = {
	[0x00 ... 0x7f] = ON(START, START),
	[0x80 ... 0x8f] = CONTINUES | ON(AFTER_ED, DUE_1) | ON(AFTER_F4, DUE_2),
	[0x90 ... 0x9f] = CONTINUES | ON(AFTER_ED, DUE_1) | ON(AFTER_F0, DUE_2),
	[0xa0 ... 0xbf] = CONTINUES | ON(AFTER_E0, DUE_1) | ON(AFTER_F0, DUE_2),
	[0xc2 ... 0xdf] = ON(START, DUE_1),
	[0xe0] = ON(START, AFTER_E0),
	[0xe1 ... 0xec] = ON(START, DUE_2),
	[0xed] = ON(START, AFTER_ED),
	[0xee ... 0xef] = ON(START, DUE_2),
	[0xf0] = ON(START, AFTER_F0),
	[0xf1 ... 0xf3] = ON(START, DUE_3),
	[0xf4] = ON(START, AFTER_F4),
};

enum { STEP = 16, LONG_STEP = 64 };

/* What a state means to the caller; the index is the state divided by the width of a field. */
static const struct utf8 meanings[] = {
	[START / 6] = { 0, 0, 0 },	    [DUE_1 / 6] = { 1, 0x80, 0xbf },	[DUE_2 / 6] = { 2, 0x80, 0xbf },
	[DUE_3 / 6] = { 3, 0x80, 0xbf },    [AFTER_E0 / 6] = { 2, 0xa0, 0xbf }, [AFTER_ED / 6] = { 2, 0x80, 0x9f },
	[AFTER_F0 / 6] = { 3, 0x90, 0xbf }, [AFTER_F4 / 6] = { 3, 0x80, 0x8f },
};

static uint64_t state_of(const struct utf8 *state)
{
	if (state->due == 0)
		return START;
	for (uint64_t i = DUE_1; i <= AFTER_F4; i += 6)
		if (memcmp(&meanings[i / 6], state, sizeof(*state)) == 0)
			return i;
	return INVALID; /* no state that utf8_check left */
}

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline int ascii_16(const uint8_t *bytes)
{
#ifdef __SSE2__
	return _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)bytes)) == 0;
#else
	return ((load(bytes) | load(bytes + 8)) & 0x8080808080808080u) == 0;
#endif
}

static inline int ascii_64(const uint8_t *bytes)
{
#ifdef __SSE2__
	const __m128i *at = (const __m128i *)bytes;
	__m128i low = _mm_or_si128(_mm_loadu_si128(at), _mm_loadu_si128(at + 1));
	__m128i high = _mm_or_si128(_mm_loadu_si128(at + 2), _mm_loadu_si128(at + 3));

	return _mm_movemask_epi8(_mm_or_si128(low, high)) == 0;
#else
	return ascii_16(bytes) && ascii_16(bytes + 16) && ascii_16(bytes + 32) && ascii_16(bytes + 48);
#endif
}

static inline uint64_t step(uint64_t state, uint8_t octet)
{
	return steps[octet] >> (state & 63);
}

static inline uint64_t step_4(uint64_t state, const uint8_t *bytes)
{
	return step(step(step(step(state, bytes[0]), bytes[1]), bytes[2]), bytes[3]);
}

static inline uint64_t step_16(uint64_t state, const uint8_t *bytes)
{
	return step_4(step_4(step_4(step_4(state, bytes), bytes + 4), bytes + 8), bytes + 12) & 63;
}

/* The offset at which ASCII, seen 64 and 16 octets at a time, ends for certain or may end. At least 16 octets are left.
 */
static inline size_t skip_ascii(const uint8_t *bytes, size_t at, size_t size)
{
	while (size - at >= LONG_STEP && ascii_64(bytes + at))
		at += LONG_STEP;
	while (size - at >= STEP && ascii_16(bytes + at))
		at += STEP;
	/* The rest of a long text is looked at together with octets before it. */
	if (size - at < STEP && ascii_16(bytes + size - STEP))
		at = size;
	return at;
}

size_t utf8_check(struct utf8 *state, const uint8_t *bytes, size_t size)
{
	uint64_t now = state_of(state), next;
	size_t at = 0;

	while (size - at >= STEP) {
		if (now == START) {
			at = skip_ascii(bytes, at, size);
			if (size - at < STEP)
				break;
		}
		next = step_16(now, bytes + at);
		if (next == INVALID)
			break; /* the loop below finds the octet */
		now = next;
		at += STEP;
	}
	for (; at < size; at++) {
		next = step(now, bytes[at]) & 63;
		if (next == INVALID)
			break;
		now = next;
	}
	*state = meanings[now / 6];
	return at;
}

int utf8_valid(const uint8_t *bytes, size_t size)
{
	struct utf8 state = { 0 };

	return utf8_check(&state, bytes, size) == size && state.due == 0;
}

size_t utf8_length(const uint8_t *bytes, size_t size)
{
	const uint64_t ones = 0x0101010101010101u;
	size_t at = 0, continuations = 0;

	for (; size - at >= 8; at += 8) {
		uint64_t word = load(bytes + at);

		/* A continuation octet has bit 7 and not bit 6. */
		word = (word >> 7) & (~word >> 6) & ones;
		continuations += (size_t)((word * ones) >> 56);
	}
	for (; at < size; at++)
		continuations += (bytes[at] & 0xc0) == 0x80;
	return size - continuations;
}

size_t utf8_encode(uint32_t code_point, uint8_t ret_bytes[4])
{
	static const uint8_t leads[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t size = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

	for (size_t i = size; i-- > 1; code_point >>= 6)
		ret_bytes[i] = (uint8_t)(0x80 | (code_point & 0x3f));
	ret_bytes[0] = (uint8_t)(leads[size] | code_point);
	return size;
}

size_t utf8_decode(const uint8_t *bytes, uint32_t *ret_code_point)
{
	static const uint8_t masks[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

	*ret_code_point = bytes[0] & masks[size];
	for (size_t i = 1; i < size; i++)
		*ret_code_point = *ret_code_point << 6 | (bytes[i] & 0x3f);
	return size;
}
