/* slice.h: helpers for struct fw_slice, bytes that somebody else owns. Any thread; no state. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H
#include <string.h>

#include <framewall/types.h>

static inline struct fw_slice slice(const void *data, size_t size)
{
	return (struct fw_slice){ (const uint8_t *)data, size };
}

static inline struct fw_slice slice_text(const char *text)
{
	return text != NULL ? slice(text, strlen(text)) : slice(NULL, 0);
}

/* For names, which are short: what a call of memcmp costs is more than the comparison. */
static inline bool octets_equal(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;
	uint64_t x8, y8, x8_end, y8_end;
	uint32_t x4, y4, x4_end, y4_end;

	if (size > 16)
		return memcmp(a, b, size) == 0;
	if (size >= 8) { /* the first eight and the last eight, which overlap */
		memcpy(&x8, x, 8);
		memcpy(&y8, y, 8);
		memcpy(&x8_end, x + size - 8, 8);
		memcpy(&y8_end, y + size - 8, 8);
		return ((x8 ^ y8) | (x8_end ^ y8_end)) == 0;
	}
	if (size >= 4) {
		memcpy(&x4, x, 4);
		memcpy(&y4, y, 4);
		memcpy(&x4_end, x + size - 4, 4);
		memcpy(&y4_end, y + size - 4, 4);
		return ((x4 ^ y4) | (x4_end ^ y4_end)) == 0;
	}
	while (size != 0 && x[size - 1] == y[size - 1])
		size--;
	return size == 0;
}

static inline bool slice_equal(struct fw_slice a, struct fw_slice b)
{
	return a.size == b.size && octets_equal(a.data, b.data, a.size);
}

static inline bool slice_is(struct fw_slice a, const char *text)
{
	return slice_equal(a, slice_text(text));
}

/* ASCII letters without case, as header names and tokens compare. */
static inline uint8_t ascii_lower(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') ? (uint8_t)(c | 0x20) : c;
}

static inline bool ascii_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool ascii_is_alpha(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* The value of a hexadecimal digit in either case; -1: it is none. */
static inline int ascii_hex(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool slice_equal_nocase(struct fw_slice a, struct fw_slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	return true;
}

static inline bool slice_is_nocase(struct fw_slice a, const char *text)
{
	size_t i;

	for (i = 0; i < a.size; i++)
		if (text[i] == '\0' || ascii_lower(a.data[i]) != ascii_lower((uint8_t)text[i]))
			return false;
	return text[i] == '\0';
}

static inline bool slice_starts(struct fw_slice a, const char *text)
{
	size_t n = strlen(text);

	return a.size >= n && memcmp(a.data, text, n) == 0;
}

static inline struct fw_slice slice_from(struct fw_slice a, size_t offset)
{
	return offset >= a.size ? slice(NULL, 0) : slice(a.data + offset, a.size - offset);
}

/* Without blanks and tabs at both ends (OWS of RFC 9110). */
static inline struct fw_slice slice_trim(struct fw_slice a)
{
	while (a.size != 0 && (a.data[0] == ' ' || a.data[0] == '\t')) {
		a.data++;
		a.size--;
	}
	while (a.size != 0 && (a.data[a.size - 1] == ' ' || a.data[a.size - 1] == '\t'))
		a.size--;
	return a;
}
#endif
