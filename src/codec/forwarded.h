/* forwarded.h: whose request a proxy passes on: the addresses of X-Forwarded-For, or of Forwarded (RFC 7239), nearest
 * first. Whether to believe them is not decided here. No allocation, no I/O; any thread. */
#ifndef CODEC_FORWARDED_H
#define CODEC_FORWARDED_H
#include "codec/http1.h"

enum forwarded_kind { FORWARDED_X_FOR, FORWARDED_STANDARD };

struct forwarded {
	struct fw_addr addresses[LIMIT_FORWARDED]; /* the last one that was appended first */
	unsigned count;
	bool whole; /* every element was read: none was something else than an address, none was too many */
};
/* Reads all fields of the kind's name, from the end of the last one towards the beginning of the first, until something
 * stands there that is no address. */
void forwarded_read(const struct http1_head *head, enum forwarded_kind kind, struct forwarded *ret_forwarded);
/* An address as it stands there: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. */
bool forwarded_address(struct fw_slice text, struct fw_addr *ret_address);
#endif
