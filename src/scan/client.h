/* client.h: a WebSocket client that can be as wrong as a check wants it. Belongs to its trial, which closes it. */
#ifndef SCAN_CLIENT_H
#define SCAN_CLIENT_H
#include "codec/http1.h"
#include "codec/inflater.h"
#include "codec/ws.h"
#include "scan/trial.h"

enum { CLIENT_INPUT = 65536, CLIENT_HEAD = 16384, CLIENT_HEARD = 8192, CLIENT_MESSAGE_MOST = 8 << 20 };

/* NULL or false: as an honest client has it. "" leaves the field out. */
struct client_hello {
	const char *method, *path, *http, *host, *upgrade, *connection, *version, *key, *origin, *subprotocol;
	const char *fields; /* further ones, each with its line end */
	bool deflate;
};

enum client_opened {
	CLIENT_OPEN,	/* 101, and the key was answered rightly */
	CLIENT_REFUSED, /* another status */
	CLIENT_GONE,	/* closed without an answer */
	CLIENT_SILENT,	/* no answer in time */
	CLIENT_ODD,	/* an answer that is no WebSocket handshake */
	CLIENT_NO_LINK	/* no connection, or no traffic left: link says which */
};

enum client_event {
	CLIENT_MESSAGE, /* text */
	CLIENT_CLOSED,	/* code: of the close frame, 1005 without one in it */
	CLIENT_ENDED,	/* the connection, without a close frame */
	CLIENT_FAULT,	/* the server broke the protocol: rule */
	CLIENT_PONG,	/* text: what it says */
	CLIENT_TIMEOUT,
	CLIENT_STOPPED /* no traffic left, or this machine */
};

struct client {
	struct client *next;
	struct scan_trial *trial;
	const char *name; /* in evidence */
	struct fw_addr source;
	struct link link;
	enum link_result why;
	struct ws_reader reader;
	struct inflater inflater;
	struct buf plain; /* of the last message that came compressed */
	unsigned status;
	bool open, accepted, deflate, closed, pinged;
	bool faulted; /* the server sent what cannot be read */
	char *head, *answered_subprotocol, *server;
	char *login_answer; /* NULL: none was seen */
	uint64_t login_us;  /* from the message that logs in until its answer; 0: there was none */
	size_t start, end, heard_size;
	char heard[CLIENT_HEARD]; /* the first of what it was told, with its NUL */
	uint8_t input[CLIENT_INPUT];
};

struct client_item {
	enum client_event event;
	struct fw_slice text; /* until the next call */
	bool binary;
	uint16_t code;
	const char *rule;
};

/* A connection without a handshake. NULL: memory is short. source NULL: an address of its own. */
struct client *client_new(struct scan_trial *trial, const char *name, const struct fw_addr *source);
enum client_opened client_connect(struct client *client);
enum client_opened client_open(struct client *client, const struct client_hello *hello);
const char *client_opened_text(const struct client *client, enum client_opened opened);

bool client_send_text(struct client *client, struct fw_slice text);
struct client_frame {
	uint8_t first; /* FIN, RSV, opcode as on the wire */
	bool unmasked;
	unsigned length_octets; /* 0: as few as can be; 2 or 8: so many */
	uint64_t claimed;	/* 0: the size of the payload */
	struct fw_slice payload;
};
bool client_send_frame(struct client *client, const struct client_frame *frame);
bool client_send_raw(struct client *client, struct fw_slice octets);

struct client_item client_next(struct client *client, unsigned ms);
/* Is it served? A ping, and what came until its answer is dropped. */
bool client_answers(struct client *client, unsigned ms);
void client_close(struct client *client);
/* Everything it has. For trial_end. */
void client_free(struct client *client);

/* What http1_response takes, at the beginning of a client's input: for the fuzzer, too. True: the head is whole. */
bool client_read_head(struct client *client, const char *key, enum client_opened *ret_opened);
#endif
