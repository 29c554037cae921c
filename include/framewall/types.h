/* framewall/types.h: the small types that every other public header uses.
 * Owns nothing; plain values that any thread may copy. */
#ifndef FRAMEWALL_TYPES_H
#define FRAMEWALL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Symbols of the library that embedding programs may use; everything else is hidden. */
#if defined(__GNUC__)
#define FW_API __attribute__((visibility("default")))
#else
#define FW_API
#endif

/* Bytes that somebody else owns. Not NUL-terminated. data may be NULL when size is 0. */
struct fw_slice {
	const uint8_t *data;
	size_t size;
};

static inline struct fw_slice fw_text(const char *text)
{
	struct fw_slice slice = { (const uint8_t *)text, text != NULL ? strlen(text) : 0 };

	return slice;
}

/* An IP address. family: 4, 6, or 0 when unknown. IPv4 uses bytes[0..3]; an IPv4-mapped IPv6 address is stored as IPv4.
 */
struct fw_addr {
	uint8_t family;
	uint8_t bytes[16];
};

/* Results of functions that can fail: 0, or one of these. */
enum fw_result {
	FW_OK = 0,
	FW_ERR_MEMORY = -1,  /* an allocation failed, or a limit of limits.def was reached */
	FW_ERR_INVALID = -2, /* the input does not hold; where a diagnostic object is given it says where and why */
	FW_ERR_STATE = -3,   /* not allowed in this state */
	FW_ERR_IO = -4	     /* the operating system refused; errno says why */
};

/* Why something could not be done. text: one line that says what, where and what to do. */
enum { FW_ERROR_TEXT = 1024 };
struct fw_error {
	int code; /* enum fw_result */
	char text[FW_ERROR_TEXT];
};

/* Time is an argument. monotonic_ns never jumps and drives every timer; wall_us is microseconds since
 * 1970-01-01T00:00:00Z and is used for token claims and records only. */
struct fw_time {
	uint64_t monotonic_ns;
	uint64_t wall_us;
};

/* Randomness is an argument. fill() writes size unpredictable bytes and cannot fail. */
struct fw_random {
	void (*fill)(void *user, uint8_t *ret_bytes, size_t size);
	void *user;
};

#ifdef __cplusplus
}
#endif
#endif
