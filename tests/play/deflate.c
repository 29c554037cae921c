#include "deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char tail[] = { 0, 0, '\xff', '\xff' };

void deflate_write(const void *octets, size_t size, struct text *ret_payload)
{
	z_stream z = { 0 };
	char block[4096];
	size_t start = ret_payload->size;

	if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (Bytef *)(uintptr_t)octets;
	z.avail_in = (uInt)size;
	do {
		z.next_out = (Bytef *)block;
		z.avail_out = sizeof(block);
		deflate(&z, Z_SYNC_FLUSH);
		text_add(ret_payload, block, sizeof(block) - z.avail_out);
	} while (z.avail_out == 0);
	deflateEnd(&z);
	if (ret_payload->size - start < sizeof(tail) ||
	    memcmp(ret_payload->data + ret_payload->size - sizeof(tail), tail, sizeof(tail)) != 0)
		abort();
	ret_payload->size -= sizeof(tail);
	ret_payload->data[ret_payload->size] = '\0';
}

/* With room for one octet at a time, zlib looks up every distance in its window. */
bool deflate_read(const void *payload, size_t size, unsigned bits, struct text *ret_octets)
{
	struct text all = { 0 };
	z_stream z = { 0 };
	bool boundary = false;
	int status;
	char octet;

	text_add(&all, payload, size);
	text_add(&all, tail, sizeof(tail));
	if (inflateInit2(&z, -(int)bits) != Z_OK)
		abort();
	z.next_in = (Bytef *)all.data;
	z.avail_in = (uInt)all.size;
	do {
		z.next_out = (Bytef *)&octet;
		z.avail_out = 1;
		status = inflate(&z, Z_SYNC_FLUSH);
		text_add(ret_octets, &octet, 1 - z.avail_out);
		if (status == Z_OK) /* a call that does nothing forgets where it is */
			boundary = (z.data_type & 128) != 0;
	} while (status == Z_OK && z.avail_out == 0);
	text_clear(&all);
	text_clear(&all);
	inflateEnd(&z);
	return (status == Z_OK || status == Z_BUF_ERROR) && z.avail_in == 0 && boundary;
}

unsigned deflate_parameter(const char *header, const char *name)
{
	const char *at = strstr(header, name);

	at = at != NULL ? strchr(at, '=') : NULL;
	return at != NULL ? (unsigned)strtoul(at + 1, NULL, 10) : 0;
}
