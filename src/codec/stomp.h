/* stomp.h: a frame of STOMP 1.2 (stomp.github.io/stomp-specification-1.2.html), read so that no two readers could
 * differ: a header that stands in it twice is refused, and so is an escape that the specification does not have. */
#ifndef CODEC_STOMP_H
#define CODEC_STOMP_H
#include "base/arena.h"
#include "base/slice.h"

enum { STOMP_HEADERS = 64 };

struct stomp_header {
	struct fw_slice name, value; /* without escapes */
	struct fw_slice raw;	     /* of the value */
};

struct stomp {
	struct fw_slice command; /* empty: nothing but line ends, a heart-beat */
	struct stomp_header headers[STOMP_HEADERS];
	unsigned count;
	struct fw_slice body;
	size_t size; /* of the whole frame, with line ends before and behind it */
};

/* NULL, or what is wrong (static) and at which octet; stomp_memory: memory is short. */
extern const char stomp_memory[];
const char *stomp_read(struct arena *arena, struct fw_slice text, struct stomp *ret_frame, size_t *reterr_offset);
const struct stomp_header *stomp_find(const struct stomp *frame, const char *name); /* NULL: there is none */
#endif
