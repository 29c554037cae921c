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

static inline bool slice_equal(struct fw_slice a, struct fw_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
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
