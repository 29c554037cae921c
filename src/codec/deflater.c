#include "codec/deflater.h"

#include "codec/zlib_memory.h"

enum {
	LEVEL = 1, /* in the middle of traffic, speed counts for more than the last percent */
	MEMORY = 8
};

/* zlib makes no raw stream for a window of 256 octets (deflateInit2 refuses it since 1.2.9). What refers no further
 * back than one octet fits every window: that is Z_RLE, whatever window the stream itself has. */
static z_stream *begin(struct deflater *deflater, unsigned bits)
{
	void **place = &deflater->streams[bits - DEFLATER_BITS_LEAST];
	bool smallest = bits == DEFLATER_BITS_LEAST;
	z_stream *z = *place;

	if (z != NULL)
		return deflateReset(z) == Z_OK ? z : NULL;
	z = mem_zero(1, sizeof(*z));
	if (z == NULL)
		return NULL;
	z->zalloc = zlib_memory_take;
	z->zfree = zlib_memory_give;
	if (deflateInit2(z, LEVEL, Z_DEFLATED, smallest ? -9 : -(int)bits, MEMORY,
			 smallest ? Z_RLE : Z_DEFAULT_STRATEGY) != Z_OK) {
		mem_free(z);
		return NULL;
	}
	*place = z;
	return z;
}

size_t deflater_message(struct deflater *deflater, unsigned bits, struct fw_slice message, uint8_t *ret_octets,
			size_t room)
{
	z_stream *z;

	if (bits < DEFLATER_BITS_LEAST || bits > DEFLATER_BITS_MOST || message.size > UINT32_MAX || room > UINT32_MAX)
		return 0;
	z = begin(deflater, bits);
	if (z == NULL)
		return 0;
	z->next_in = message.data;
	z->avail_in = (uInt)message.size;
	z->next_out = ret_octets;
	z->avail_out = (uInt)room;
	/* With room left the flush is complete, and ends in an empty block. */
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in != 0 || z->avail_out == 0)
		return 0;
	return room - z->avail_out - DEFLATER_TAIL; /* RFC 7692 7.2.1: it is not sent */
}

void deflater_fini(struct deflater *deflater)
{
	for (unsigned i = 0; i < DEFLATER_SIZES; i++) {
		if (deflater->streams[i] == NULL)
			continue;
		deflateEnd(deflater->streams[i]);
		mem_free(deflater->streams[i]);
		deflater->streams[i] = NULL;
	}
}
