/* conn_io.h: the sockets of one connection: the client's and, on a proxied route, the upstream's. Reads into the worker's
 * scratch memory, gives the octets to the engine, obeys its events, writes its output, waits for what cannot be written.
 * Descriptors are watched by uv_poll_t, whose events change only on back-pressure: no system call a message but read and write.
 * Owned by a worker and used in its thread only. */
#ifndef SHELL_CONN_IO_H
#define SHELL_CONN_IO_H
#include <sys/socket.h>

#include "shell/worker.h"

enum side_state {
	SIDE_NONE,    /* no socket yet */
	SIDE_WAITING, /* for the address of the upstream */
	SIDE_DIALLING,
	SIDE_OPEN,
	SIDE_ENDING,  /* nothing more is read; what waits is written, then the socket is closed */
	SIDE_LINGER,  /* our FIN is out: read and forget until the peer's, so that no RST overtakes the close frame */
	SIDE_CLOSED
};

struct conn_side {
	uv_poll_t poll;
	uint64_t cut_ns; /* when it is closed whatever waits; UINT64_MAX: never */
	int fd;          /* -1: none */
	uint8_t state;   /* enum side_state */
	uint8_t watched; /* UV_READABLE | UV_WRITABLE */
	bool polled;     /* poll is a handle of the loop (also while it is being closed) */
	bool eof;        /* the peer's FIN or an error was seen */
	bool blocked;    /* the socket took less than there was */
};

struct connection {
	struct timer timer; /* first: the wheel's callback casts */
	struct worker *worker;
	struct fw_conn *conn; /* NULL when the engine is done with it */
	struct connection *next, **link;             /* worker->connections */
	struct connection *member_next, **member_link; /* worker->members; link NULL: no member */
	uint64_t member_id;                            /* connection id of the engine */
	struct connection *dirty_next;
	struct connection *wait_next;
	struct resolve_name *name; /* of the upstream, while it is dialled */
	struct fw_addr peer;
	uint16_t dial_port;
	uint8_t dial_first;        /* of the addresses of name, and how many were tried */
	uint8_t dial_tried;
	bool dirty;
	bool admitted;             /* store_release is due */
	bool held;                 /* session_key is: store_session_leave is due */
	bool proxied;              /* has, or had, an upstream */
	bool settled;              /* open, and the upstream answered: reads may be large */
	bool done;                 /* FW_EV_DONE was given */
	bool dead;                 /* nothing is left but handles that close */
	uint8_t session_key[32];
	struct conn_side sides[2]; /* enum fw_side */
};

/* Takes over an accepted socket; closes it when memory is short. */
void conn_io_accepted(struct worker *worker, int fd, const struct sockaddr_storage *peer);
void conn_io_mark(struct connection *connection);   /* something may have to be sent at the end of this turn */
void conn_io_push(struct connection *connection);   /* writes to the client at once; its events wait until it is settled */
void conn_io_flush_all(struct worker *worker);      /* the end of a turn */
void conn_io_end(struct connection *connection, unsigned close_reason);
void conn_io_cut(struct connection *connection);    /* closes its sockets now */
void conn_io_timer_due(struct connection *connection);
void conn_io_resolved(struct connection *connection); /* the address it waits for has come */

/* For the files of conn_io: */
void conn_io_drain(struct connection *connection);                          /* conn_io_events.c: obeys until there is no event */
void conn_io_dial(struct connection *connection, const struct fw_dial *dial); /* conn_io_dial.c */
void conn_io_dial_ready(struct connection *connection);                      /* the socket of the upstream can be asked */
void conn_io_dial_retry(struct connection *connection);                      /* its handle is closed: the next address */
void conn_io_hang_up(struct connection *connection, enum fw_side side);
bool conn_io_open_side(struct connection *connection, enum fw_side side, int fd); /* makes its poll handle */
void conn_io_close_side(struct connection *connection, enum fw_side side);
void conn_io_settle(struct connection *connection); /* drains, writes, watches what is to be watched, sets the timer */
#endif
