/* deflater.h: the payload of a message, compressed for permessage-deflate (RFC 7692 7.2.1). No context is kept from one
 * message to the next. One deflater serves all connections of a thread; it allocates the state of a window size (130 to
 * 260 KiB) with the first message for it. No I/O, no clock. */
#ifndef CODEC_DEFLATER_H
#define CODEC_DEFLATER_H
#include <framewall/types.h>

enum { DEFLATER_BITS_LEAST = 8, DEFLATER_BITS_MOST = 15, DEFLATER_SIZES = 8 };
enum { DEFLATER_TAIL = 4 }; /* octets written behind a message that are no part of it */

struct deflater {
	void *streams[DEFLATER_SIZES]; /* z_stream; NULL until it is needed */
};

/* Compresses for a peer whose window is 1 << bits octets. Returns the size of the result; 0 when that and its tail
 * would not be smaller than room, or memory is short: the message then goes as it is. */
size_t deflater_message(struct deflater *deflater, unsigned bits, struct fw_slice message, uint8_t *ret_octets,
			size_t room);
void deflater_fini(struct deflater *deflater);
#endif
