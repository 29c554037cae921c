/* peer.h: a scripted end of a connection, client or upstream: octets in and out, heads, frames. It shares no code with
 * src/codec: what the product writes is read by another hand, which notes what RFC 6455 forbids in `broken`.
 * Knows no transport: a world moves the octets of `in` and `out`. */
#ifndef PLAY_PEER_H
#define PLAY_PEER_H
#include "text.h"

enum item_kind { ITEM_TEXT = 1, ITEM_BINARY = 2, ITEM_CLOSE = 8, ITEM_PING = 9, ITEM_PONG = 10 };

/* Something that came: a whole message or a control frame. */
struct item {
	struct item *next;
	enum item_kind kind;
	unsigned code;	 /* of a close; 1005 when it had none */
	unsigned frames; /* that the message came in */
	bool compressed; /* it came so; payload is plain */
	size_t size;
	char payload[]; /* of a close: the reason; NUL-terminated */
};

struct peer {
	struct peer *next;
	char name[32];
	bool upstream; /* an upstream reads requests and masked frames */
	bool bound;    /* upstream: the play has given it a name */

	struct text in;	  /* octets that came and are not read yet */
	struct text out;  /* octets to be sent */
	struct text head; /* the head that came, with its empty line */
	struct text body; /* what came behind a refusal */
	bool has_head;
	unsigned status; /* client: of the response */
	bool framed;	 /* from here on there are frames */
	bool plain;	 /* client: it was told that frames follow by nobody; all is body */

	struct item *items, **items_tail;
	struct text message;
	unsigned message_kind, message_frames;
	bool message_compressed;
	unsigned window_bits;	   /* permessage-deflate was negotiated: of what comes; 0: it was not */
	struct text last;	   /* payload of the message that was looked at last */
	struct text csrf, session; /* tokens seen in the messages that came */
	struct text seen;	   /* upstream: every message that came, each with its kind and size in front */
	char key[32];		   /* client: Sec-WebSocket-Key */

	bool eof;    /* nothing more comes */
	bool finish; /* we close when `out` is empty */
	bool gone;   /* we are gone, or told of the end of the other side and done */
	bool paused; /* reads nothing */
	bool held;   /* sends nothing for now, so that several sends leave in one piece */
	bool manual; /* answers no ping and no close by itself */
	bool echo;   /* upstream: sends every message back */
	bool close_sent, close_received;
	char ignore[256]; /* types that expect does not see, blank-separated */
	char broken[160]; /* first thing that the other side must not have sent */

	void *link;	/* of the world */
	int descriptor; /* of the real world, -1: none */
};

struct peer *peer_new(const char *name, bool upstream);
struct peer *peer_free(struct peer *peer);
/* Reads what is in `in`: fills head, body and items, answers pings and closes. */
void peer_read(struct peer *peer);
/* One frame into `out`: every field may be wrong on purpose. */
struct frame {
	unsigned fin, rsv, opcode;
	bool masked;
	bool zero_mask;
	bool has_length;
	uint64_t length; /* declared */
	unsigned form;	 /* 0: minimal; 16 or 64: bits of the length */
};
void peer_frame(struct peer *peer, const struct frame *frame, const void *payload, size_t size);
void peer_message(struct peer *peer, unsigned opcode, const void *payload, size_t size);
void peer_close(struct peer *peer, unsigned code, const char *reason, size_t size); /* code 0: an empty close */
/* Value of a header of the head that came; NULL when there is none. ret_value is cleared first. ret_count may be NULL.
 */
const char *peer_header(const struct peer *peer, const char *name, struct text *ret_value, unsigned *ret_count);
/* Takes the oldest item away from the queue; peer_drop gives it back. NULL when there is none. */
struct item *peer_take(struct peer *peer);
/* The oldest item that is not of an ignored type; ignored ones are forgotten. */
struct item *peer_look(struct peer *peer);
/* The answer to the handshake that decides about permessage-deflate: parameter bounds the window of what comes. */
void peer_extensions(struct peer *peer, const char *head, const char *parameter);
/* Sec-WebSocket-Accept of a key. */
void peer_accept(const char *key, char ret_accept[32]);
/* Random numbers of the script: the same in every run. */
void peer_seed(uint64_t seed);
uint64_t peer_random(void);
#endif
