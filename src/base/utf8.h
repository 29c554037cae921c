/* utf8.h: UTF-8 as RFC 3629 and Unicode table 3-7 have it, whole or piece by piece. No allocation; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* Between pieces: how many continuation octets are still due, and the range of the next one. {0} is the start. */
struct utf8 {
	uint8_t due;
	uint8_t low;
	uint8_t high;
};

/* Checks a piece. Returns size, or the offset of the first octet that cannot be part of valid UTF-8 (fail fast: RFC
 * 6455 8.1). */
size_t utf8_check(struct utf8 *state, const uint8_t *bytes, size_t size);
/* Whole text in one call: 1 when valid and complete. */
int utf8_valid(const uint8_t *bytes, size_t size);
/* Number of code points of valid UTF-8. */
size_t utf8_length(const uint8_t *bytes, size_t size);
/* Writes a code point (a Unicode scalar value); returns 1 to 4, the octets written. */
size_t utf8_encode(uint32_t code_point, uint8_t ret_bytes[4]);
/* The code point that valid UTF-8 begins with; returns 1 to 4, the octets that it takes. */
size_t utf8_decode(const uint8_t *bytes, uint32_t *ret_code_point);
#endif
