/* extensions.h: Sec-WebSocket-Extensions (RFC 6455 9.1) as far as permessage-deflate (RFC 7692 7) goes: what a client
 * offers, what a server answers. No I/O, no allocation. Any thread.
 *
 * No side keeps its compression context from one message to the next, so both no_context_takeover parameters are
 * always in what is written here. */
#ifndef CODEC_EXTENSIONS_H
#define CODEC_EXTENSIONS_H
#include "codec/http1.h"

enum { EXTENSIONS_BITS_LEAST = 8, EXTENSIONS_BITS_MOST = 15, EXTENSIONS_TEXT = 128 };

/* permessage-deflate with its parameters. */
struct extensions_deflate {
	bool server_no_takeover, client_no_takeover;
	bool client_bits_offered; /* client_max_window_bits is there; client_bits is 0 when it has no value */
	uint8_t server_bits;	  /* server_max_window_bits, 8 to 15; 0: not there */
	uint8_t client_bits;
};

enum extensions_result {
	EXTENSIONS_NONE,	  /* nothing that could be taken */
	EXTENSIONS_DEFLATE,	  /* permessage-deflate */
	EXTENSIONS_MALFORMED = -1 /* not what RFC 6455 9.1 allows: the connection must be failed */
};

/* The first offer of a request that can be met: one with an unknown, repeated or bad parameter is passed over (RFC 7692
 * 7), as are other extensions. */
enum extensions_result extensions_offered(const struct http1_head *request, struct extensions_deflate *ret_offer);
/* The answer to that offer; the size of the text, without a NUL. */
size_t extensions_write_answer(const struct extensions_deflate *offer, char ret_text[EXTENSIONS_TEXT]);

/* What extensions_answered may be the answer to. */
extern const char extensions_offer[];
/* A server's answer to that offer. NULL when it holds, else the static cause for which the connection must be failed.
 * ret_result: EXTENSIONS_NONE or EXTENSIONS_DEFLATE. */
const char *extensions_answered(const struct http1_head *response, enum extensions_result *ret_result,
				struct extensions_deflate *ret_answer);
#endif
