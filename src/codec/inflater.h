/* inflater.h: the payload of a message compressed by permessage-deflate, made plain again (RFC 7692 7.2.2), bounded at
 * the octet. No context is kept from one message to the next. One inflater serves all connections of a thread; its
 * state (40 KiB) is allocated with the first message. No I/O, no clock. */
#ifndef CODEC_INFLATER_H
#define CODEC_INFLATER_H
#include <framewall/types.h>

#include "base/pool.h"

struct inflater {
	void *stream; /* z_stream; NULL until the first message */
};

struct inflater_limits {
	uint64_t max;	/* octets of a message */
	uint64_t ratio; /* 0: no limit */
};

enum inflater_result {
	INFLATER_OK = 0,
	INFLATER_TOO_LARGE, /* more than max octets */
	INFLATER_RATIO,	    /* more than LIMIT_INFLATE_FREE octets, and than ratio times its own size */
	INFLATER_CORRUPT,   /* not DEFLATE, cut short, or followed by something else */
	INFLATER_MEMORY
};

/* message: all of the payload, as the frames had it. ret_plain must be empty; it is filled from the pool, and empty
 * again unless INFLATER_OK. Above LIMIT_INFLATE_FREE the octets are counted before any of them is kept. */
enum inflater_result inflater_message(struct inflater *inflater, struct pool *pool, struct fw_slice message,
				      const struct inflater_limits *limits, struct buf *ret_plain);
void inflater_fini(struct inflater *inflater);
#endif
