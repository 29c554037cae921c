/* Compressed messages of any octets. The last four octets choose bounds, windows and which allocation fails; what
 * stands before them is the message. Against zlib without a bound: the same octets or none; a bound holds to the octet;
 * what was inflated comes back through the compressor, within its window; messages do not know of each other. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/deflater.h"
#include "codec/inflater.h"
#include "codec/zlib_memory.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { CHOICES = 4, MOST = 4 << 20, RATIO = 200 };

static struct pool pool;
static struct inflater inflater;
static struct deflater deflater;
static uint8_t reference[MOST + 1], compressed[MOST + DEFLATER_TAIL];

/* What zlib makes of the message and the tail: at most MOST + 1 octets. False when it is no DEFLATE data or ends within
 * a block. */
static bool read_reference(struct fw_slice message, size_t *ret_size)
{
	uint8_t *all = malloc(message.size + 4);
	z_stream z = { 0 };
	bool ended, whole;
	int status;

	HOLDS(all != NULL && inflateInit2(&z, -15) == Z_OK);
	if (message.size != 0)
		memcpy(all, message.data, message.size);
	memcpy(all + message.size, "\0\0\xff\xff", 4);
	z.next_in = all;
	z.avail_in = (uInt)message.size + 4;
	z.next_out = reference;
	z.avail_out = MOST + 1;
	status = inflate(&z, Z_SYNC_FLUSH);
	*ret_size = MOST + 1 - z.avail_out;
	ended = status == Z_STREAM_END &&
		(z.avail_in == 0 || z.avail_in == 4 || (z.avail_in == 5 && message.data[message.size - 1] == 0));
	whole = status == Z_OK && z.avail_in == 0 && (z.data_type & 128) != 0 && (z.data_type & 63) == 0;
	inflateEnd(&z);
	free(all);
	return ended || whole || *ret_size == MOST + 1;
}

static enum inflater_result inflated(struct fw_slice message, uint64_t max, struct buf *ret_plain)
{
	enum inflater_result result;
	uint8_t *copy = malloc(message.size + 1);

	HOLDS(copy != NULL);
	if (message.size != 0)
		memcpy(copy, message.data, message.size);
	*ret_plain = (struct buf){ 0 };
	result = inflater_message(&inflater, &pool, slice(copy, message.size), &(struct inflater_limits){ max, RATIO },
				  ret_plain);
	HOLDS((result == INFLATER_OK) == (ret_plain->base != NULL));
	HOLDS(buf_size(ret_plain) <= max);
	free(copy);
	return result;
}

/* With a window of this size and no more. */
static void check_back(struct fw_slice plain, unsigned bits)
{
	size_t size = deflater_message(&deflater, bits, plain, compressed, plain.size + DEFLATER_TAIL), got = 0;
	z_stream z = { 0 };
	uint8_t octet;

	if (size == 0)
		return;
	HOLDS(size < plain.size);
	memcpy(compressed + size, "\0\0\xff\xff", 4);
	HOLDS(inflateInit2(&z, -(int)bits) == Z_OK);
	z.next_in = compressed;
	z.avail_in = (uInt)size + 4;
	do {
		z.next_out = &octet;
		z.avail_out = 1;
		inflate(&z, Z_SYNC_FLUSH);
		if (z.avail_out == 0)
			HOLDS(got < plain.size && plain.data[got++] == octet);
	} while (z.avail_out == 0);
	HOLDS(got == plain.size && z.avail_in == 0);
	inflateEnd(&z);
}

static void check_bound(struct fw_slice message, uint64_t size)
{
	struct buf plain;

	HOLDS(inflated(message, size, &plain) == INFLATER_OK && buf_size(&plain) == size);
	buf_clear(&plain, &pool);
	if (size != 0)
		HOLDS(inflated(message, size - 1, &plain) >= INFLATER_TOO_LARGE && plain.base == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t bounds[] = { MOST, LIMIT_INFLATE_FREE, 8192, 1, 0, 125, 65536, 2000000 };
	enum inflater_result result;
	struct fw_slice message;
	struct buf plain;
	uint64_t max;
	size_t whole;
	bool good;

	if (size < CHOICES)
		return 0;
	message = slice(data, size - CHOICES);
	max = bounds[data[size - 4] % 8];
	good = read_reference(message, &whole);
	result = inflated(message, max, &plain);
	HOLDS(result != INFLATER_MEMORY);
	if (result == INFLATER_OK) {
		HOLDS(good && buf_size(&plain) == whole && memcmp(buf_data(&plain), reference, whole) == 0);
		HOLDS(whole <= LIMIT_INFLATE_FREE || whole / RATIO <= message.size);
		if (whole < 100000)
			check_back(slice(buf_data(&plain), whole), 8 + data[size - 3] % 8);
		buf_clear(&plain, &pool);
		check_bound(message, whole);
	} else if (result == INFLATER_CORRUPT) {
		HOLDS(!good || whole == MOST + 1);
	} else {
		HOLDS(result == INFLATER_RATIO || whole > max || !good);
		HOLDS(result != INFLATER_RATIO || max > LIMIT_INFLATE_FREE);
	}

	/* Without memory it says so, or nothing was missing. */
	inflater_fini(&inflater);
	mem_fail_at(1 + data[size - 2] % 8);
	if (inflated(message, max, &plain) != INFLATER_MEMORY)
		HOLDS(mem_fail_at(0) < 1 + data[size - 2] % 8u || (plain.base != NULL) == (result == INFLATER_OK));
	mem_fail_at(0);
	buf_clear(&plain, &pool);
	if (data[size - 1] % 16 == 0) {
		deflater_fini(&deflater);
		pool_fini(&pool);
	}
	return 0;
}
