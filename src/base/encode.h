/* encode.h: base64, base64url, hex and numbers as text. No allocation; any thread; never locale dependent. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENCODE_U64 = 20, ENCODE_RFC3339 = 27 }; /* "2026-11-24T11:03:27.000000Z" */

/* Returns the characters written (no NUL). room of ret_text: 4 * ((size + 2) / 3). url: alphabet of RFC 4648 5 without
 * padding. */
size_t encode_base64(const uint8_t *bytes, size_t size, int url, char *ret_text);
/* Strict: canonical, no white space, no stray bits; padding required (url = 0) or forbidden (url = 1). Returns bytes
 * written, or -1. Room: size / 4 * 3 + 3. */
ptrdiff_t decode_base64(const char *text, size_t size, int url, uint8_t *ret_bytes);
void encode_hex(const uint8_t *bytes, size_t size, char *ret_text); /* lower case, 2 * size characters */
size_t encode_u64(uint64_t value, char ret_text[ENCODE_U64]);	    /* returns length */
size_t encode_i64(int64_t value, char ret_text[ENCODE_U64 + 1]);
void encode_rfc3339(uint64_t wall_us, char ret_text[ENCODE_RFC3339]); /* exactly 27 characters, UTC, microseconds */
/* Reads what that writes; false: it is of another form, or before 1970. */
bool decode_rfc3339(const char text[ENCODE_RFC3339], uint64_t *ret_wall_us);
#endif
