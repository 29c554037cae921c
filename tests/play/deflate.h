/* deflate.h: payloads of permessage-deflate (RFC 7692) for the scripted ends, by zlib and nothing of the product. */
#ifndef PLAY_DEFLATE_H
#define PLAY_DEFLATE_H
#include "text.h"

/* Adds the compressed payload. */
void deflate_write(const void *octets, size_t size, struct text *ret_payload);
/* Adds the plain octets; false when the payload is not whole, or reaches back further than a window of 1 << bits. */
bool deflate_read(const void *payload, size_t size, unsigned bits, struct text *ret_octets);
/* Value of a parameter in a header's text; 0 when it is not there. */
unsigned deflate_parameter(const char *header, const char *name);
#endif
