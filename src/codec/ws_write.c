#include "codec/ws.h"

#include <string.h>

enum { SIZE_16 = 126, SIZE_64 = 127 }; /* RFC 6455 5.2: the length follows in 2 or 8 octets */

size_t ws_header_size(uint64_t payload, bool masked)
{
	size_t size = payload < SIZE_16 ? 2 : payload <= UINT16_MAX ? 4 : 10;

	return masked ? size + 4 : size;
}

static size_t put_big_endian(uint8_t *out, uint64_t value, unsigned octets)
{
	for (unsigned i = octets; i-- > 0; value >>= 8)
		out[i] = (uint8_t)value;
	return octets;
}

size_t ws_write_header(uint8_t *ret_header, enum ws_opcode opcode, bool fin, uint64_t payload, const uint8_t mask[4])
{
	uint8_t masked = mask != NULL ? 0x80 : 0;
	size_t size = 2;

	ret_header[0] = (uint8_t)((fin ? 0x80 : 0) | (unsigned)opcode);
	/* RFC 6455 5.2: the minimal number of octets must be used. */
	if (payload < SIZE_16) {
		ret_header[1] = (uint8_t)(masked | payload);
	} else if (payload <= UINT16_MAX) {
		ret_header[1] = masked | SIZE_16;
		size += put_big_endian(ret_header + 2, payload, 2);
	} else {
		ret_header[1] = masked | SIZE_64;
		size += put_big_endian(ret_header + 2, payload, 8);
	}
	if (mask != NULL) {
		memcpy(ret_header + size, mask, 4);
		size += 4;
	}
	return size;
}

void ws_mark_compressed(uint8_t *header)
{
	header[0] |= 0x40;
}

bool ws_close_code_valid(uint16_t code)
{
	/* RFC 6455 7.4.1: 1004 is reserved; 1005, 1006 and 1015 are never sent. 1012 to 1014 are registered with IANA.
	 * 7.4.2: below 1000 is not used, 1016 to 2999 belong to the protocol and are not given, 5000 up are no codes.
	 */
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
