/* proxyproto.h: the PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt defines it: what a proxy says of
 * a connection before its first octet. Whether to believe it is not decided here. No allocation, no I/O; any thread. */
#ifndef CODEC_PROXYPROTO_H
#define CODEC_PROXYPROTO_H
#include <framewall/types.h>

#include "base/limits.h"

enum { PROXYPROTO_V1 = 1, PROXYPROTO_V2 = 2 }; /* a bit set: which versions are taken */

struct proxyproto {
	size_t size; /* octets of the header: what follows is the connection's own */
	uint8_t version;
	bool known; /* source is said; else the header says "my own connection", or a kind of address that is none here
		     */
	struct fw_addr source;
	uint16_t source_port;
};

enum proxyproto_result {
	PROXYPROTO_OK = 0,
	PROXYPROTO_MORE = 1, /* it holds so far; ask again with more octets from its beginning */
	PROXYPROTO_BAD = -1
};

/* bytes: all that came so far; at most LIMIT_PROXY_HEADER of them are looked at. reterr_rule: a static text. */
enum proxyproto_result proxyproto_read(struct fw_slice bytes, unsigned versions, struct proxyproto *ret_header,
				       const char **reterr_rule);
#endif
