/* ws.h: RFC 6455 frames, as server (masked input) and as client (unmasked input). No I/O, no clock.
 * Where permessage-deflate was negotiated a message may come compressed (RFC 7692 6): it is given as it came, and so
 * its UTF-8 is not checked here.
 *
 * ws_reader takes bytes and gives whole messages and control frames. It owns an assembly buffer only while a message
 * is incomplete; a message that lies whole and in one frame in the input is given in place, unmasked there.
 * Everything RFC 6455 forbids is an error with the close code and the section that forbids it. One thread. */
#ifndef CODEC_WS_H
#define CODEC_WS_H
#include <framewall/types.h>

#include "base/pool.h"
#include "base/utf8.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_limits {
	uint64_t max_message;	/* bytes of a message, and of a frame; a compressed one: see ws_compressed_bound */
	uint32_t max_fragments; /* frames of one message, empty ones count; 0: no limit */
};

enum ws_role { WS_SERVER, WS_CLIENT }; /* who we are: a server reads masked frames */

struct ws_reader {
	uint8_t role;	    /* enum ws_role */
	uint8_t header[14]; /* a frame header that is not complete yet */
	uint8_t header_size;
	uint8_t in_frame; /* the header is read, payload is due */
	uint8_t opcode;	  /* of the current frame */
	uint8_t fin;
	uint8_t message;    /* opcode of the message being assembled, 0: none */
	uint8_t failed;	    /* nothing is read any more */
	uint8_t deflate;    /* permessage-deflate was negotiated: set after ws_reader_init */
	uint8_t compressed; /* the message being assembled is */
	uint8_t mask[4];
	uint8_t mask_at;     /* octet of the mask that the next octet of the payload meets */
	uint8_t frame_begun; /* some of the payload was read */
	struct utf8 utf8;    /* of the text message being assembled */
	uint8_t control_size;
	uint32_t fragments;
	uint64_t frame_left; /* payload octets of the current frame not read yet */
	struct buf assembly; /* message octets so far */
	uint8_t *control;    /* payload of a control frame that comes in pieces; NULL: none */
};

enum ws_step {
	WS_MORE,    /* all input was consumed, nothing is complete */
	WS_MESSAGE, /* message, payload: a whole text or binary message; valid until the next call */
	WS_CONTROL, /* message is WS_CLOSE, WS_PING or WS_PONG; payload; for a close: code (1005 when absent), payload
		       is the reason */
	WS_FAIL	    /* code, rule: close the connection */
};

struct ws_item {
	uint8_t opcode;
	bool zero_mask;	  /* the last frame had the masking key 0 */
	bool compressed;  /* a message: payload is what permessage-deflate made of it */
	uint16_t code;	  /* close code of a close frame or of the failure */
	uint8_t *payload; /* unmasked; may be changed */
	size_t size;
	const char *rule;   /* failure: "RFC 6455 5.2: …", static */
	uint32_t fragments; /* a message: its frames */
	uint64_t declared;  /* failure 1009: size that the frame or message would have had */
};

void ws_reader_init(struct ws_reader *reader, enum ws_role role);
void ws_reader_fini(struct ws_reader *reader, struct pool *pool);
/* Consumes from *bytes (advancing it and *size) until something is complete. After WS_MESSAGE or WS_CONTROL call again
 * with what is left, also when that is nothing: the assembly buffer goes back to the pool with the next call. */
enum ws_step ws_reader_next(struct ws_reader *reader, const struct ws_limits *limits, struct pool *pool,
			    uint8_t **bytes, size_t *size, struct ws_item *ret_item);
/* Gives back what the last message lay in, before the next call does: its payload is gone then. */
void ws_reader_release(struct ws_reader *reader, struct pool *pool);
/* Octets that a message of max octets may have while it is compressed: no honest sender needs more for it. */
uint64_t ws_compressed_bound(uint64_t max);
/* True between messages and frames: nothing is kept. */
bool ws_reader_idle(const struct ws_reader *reader);

/* Octets of a frame header: 2 to 14. */
size_t ws_header_size(uint64_t payload, bool masked);
/* Writes a minimal header; mask NULL for a server's frame. Returns its size. */
size_t ws_write_header(uint8_t *ret_header, enum ws_opcode opcode, bool fin, uint64_t payload, const uint8_t mask[4]);
/* Says of the header before it that its message is compressed (RFC 7692 6.1). */
void ws_mark_compressed(uint8_t *header);
/* Copies size octets XORed with the mask, beginning at octet 0 of the mask. out may equal in. */
void ws_mask(uint8_t *out, const uint8_t *in, size_t size, const uint8_t mask[4]);
/* Close codes that may be on the wire (7.4: 1000–1003, 1007–1014, 3000–4999). */
bool ws_close_code_valid(uint16_t code);

enum { WS_ACCEPT_SIZE = 28, WS_KEY_SIZE = 24 };
#endif
