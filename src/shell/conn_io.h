/* conn_io.h: the sockets of one connection: the client's and, on a proxied route, the upstream's. Reads into the
 * worker's scratch memory, gives the octets to the engine, obeys its events, writes its output, waits for what cannot
 * be written. In steady state a message costs one read and one write and no other system call (see poller.h). Owned by
 * a worker and used in its thread only. */
#ifndef SHELL_CONN_IO_H
#define SHELL_CONN_IO_H
#include <stddef.h>
#include <sys/socket.h>

#include "shell/log.h"
#include "shell/worker.h"

enum side_state {
	SIDE_NONE,    /* no socket yet */
	SIDE_WAITING, /* for the address of the upstream */
	SIDE_DIALLING,
	SIDE_OPEN,
	SIDE_ENDING, /* nothing more is read; what waits is written, then the socket is closed */
	SIDE_LINGER, /* everything is said: read and forget until the peer's FIN */
	SIDE_CLOSED
};

/* TURN: octets that are read of the queue in a turn; a message is as many as make PART of them so much. */
enum { CONN_PART = 256, CONN_TURN = 65536 };
struct conn_side {
	struct source source; /* first: the poller's callback casts */
	uint8_t state;	      /* enum side_state */
	bool readable;	      /* there may be something to read: edges are told once */
	bool ended;	      /* a FIN or an error waits behind what can be read */
	bool reset;	      /* it may be an error */
	bool last_read;	      /* it is a FIN, and all before it was read */
	bool eof;	      /* the end was read */
	bool blocked;	      /* the socket took less than there was */
	bool watches_out;     /* the poller tells when it takes more */
	bool said_all;	      /* the peer's close frame came */
	bool securing;	      /* the TLS handshake is not done */
	uint8_t many;	      /* so many reads of few messages make up for one of many; until then others come first */
	uint8_t part;	      /* of CONN_PART octets each, how many are read at once; 0: all there are */
	int fd;		      /* -1: none */
	struct tls_stream *tls; /* NULL: plain */
	uint64_t cut_ns;	/* when it is closed whatever waits; UINT64_MAX: never */
};

struct connection {
	struct timer timer; /* first: the wheel's callback casts */
	struct worker *worker;
	struct fw_conn *conn;			       /* NULL when the engine is done with it */
	struct connection *next, **link;	       /* worker->connections, then worker->dead */
	struct connection *member_next, **member_link; /* worker->members; link NULL: no member */
	struct connection *ask_next, **ask_link; /* of worker->askers; link NULL: waits for no answer of the keeper */
	uint32_t ask_need;			 /* which one it asked for last */
	struct connection *same_bucket;		 /* of worker->by_id */
	uint64_t member_id;			 /* connection id of the engine */
	struct connection *dirty_next;		 /* worker->dirty or worker->queue */
	struct resolve_waiter wait;
	struct resolve_name *name;		   /* of the upstream, while it is dialled */
	struct connection *dial_next, **dial_back; /* of worker->dials */
	struct connection *dial_same;
	uint64_t dial_id;	 /* 0: it waits for no answer of the dialler */
	uint64_t slow_ns;	 /* the client is not read before that; 0: it is */
	uint64_t calm_ns;	 /* until then so after each read, by a response; 0: not */
	uint64_t issued_wall_us; /* when the credential was that he logged in with */
	uint32_t since_s;	 /* of the clock that nothing sets: when it came */
	struct fw_addr peer;
	uint16_t dial_port;
	uint8_t dial_first; /* of the addresses of name, and how many were tried */
	uint8_t dial_tried;
	bool announcing; /* a PROXY header is awaited: there is no conn yet */
	bool dirty;	 /* in worker->dirty or worker->queue */
	bool admitted;	 /* store_release is due */
	bool held;	 /* session_key is: store_session_leave is due */
	bool proxied;	 /* has, or had, an upstream */
	bool dial_tls;	 /* which is wss:// */
	bool watched;	 /* the kernel looks whether the upstream is still there */
	bool settled;	 /* open, and the upstream answered: reads may be large */
	bool done;	 /* FW_EV_DONE was given */
	bool dead;	 /* it is freed at the end of the turn: who was ready in this one may still be told of it */
	uint8_t session_key[32];
	struct conn_side sides[2]; /* enum fw_side */
};

/* Takes over an accepted socket; closes it when memory is short. */
void conn_io_accepted(struct worker *worker, int fd, const struct sockaddr_storage *peer);
void conn_io_ready(struct conn_side *side, uint32_t events); /* of the poller */

/* conn_io_turn.c: whose turn it is. */
void conn_io_mark(struct connection *connection);      /* something may have to be sent at the end of this turn */
void conn_io_queue(struct connection *connection);     /* it has more to read than others: its turn is behind theirs */
bool conn_io_queue_waits(const struct worker *worker); /* nobody of the queue is read: records wait for the recorder */
void conn_io_flush_all(struct worker *worker);	       /* the end of a turn: writes, reads some, frees what ended */

void conn_io_end(struct connection *connection, unsigned close_reason);
void conn_io_slow(struct connection *connection); /* it broke rules: its client is not read for a second */
/* By what responses say of its address, and of its user or who is about to be. */
void conn_io_restrict(struct connection *connection, struct fw_slice user);
void conn_io_calm(struct connection *connection); /* its client was read, and a response slows it */
void conn_io_cut(struct connection *connection);  /* closes its sockets now */
void conn_io_timer_due(struct connection *connection);
/* Reads, drains, writes until nothing moves; ends what has to end; sets the timer. */
void conn_io_settle(struct connection *connection);

/* The engine gets the connection, and TLS begins where it is spoken. */
void conn_io_open(struct connection *connection, const struct fw_conn_options *options);

/* conn_io_announce.c: the PROXY protocol. */
bool conn_io_announce_awaited(const struct worker *worker);
void conn_io_announce_begin(struct connection *connection);
void conn_io_announce_read(struct connection *connection); /* something may have come */
void conn_io_announce_late(struct connection *connection); /* nothing did */

/* What a read of a side gave, where it is not a number of octets; 0 is the end. */
enum read_result { READ_NOTHING = -1, READ_BROKEN = -2 };

/* conn_io_move.c */
/* One recv of what is there, at most that much. */
ssize_t conn_io_recv(struct conn_side *side, uint8_t *ret_octets, size_t most);
/* The peer is gone: by a FIN it may still read what waits for it, after an error nothing can be written either. */
void conn_io_lost(struct connection *connection, enum fw_side side, bool broken);
/* The socket took less than there was: from now on the poller tells when it takes more. */
void conn_io_block(struct connection *connection, struct conn_side *side);
bool conn_io_receive(struct connection *connection,
		     enum fw_side side); /* one read, into the engine; true when something came */
bool conn_io_write(struct connection *connection, enum fw_side side);  /* true when the engine may have something new */
void conn_io_exchange(struct connection *connection);		       /* both, in turn, as often as its share allows */
void conn_io_forget(struct connection *connection, enum fw_side side); /* reads of a side that lingers */
/* Something can be read that no event will tell of again. */
bool conn_io_has_more(const struct connection *connection);

/* conn_io_tell.c: for the log. what and more: not of the peer's making, but for names that the record has as well. */
void conn_io_tell(const struct connection *connection, enum log_module module, enum log_level level, const char *what,
		  const char *more);
void conn_io_tell_record(const struct connection *connection, const struct fw_record *record);

void conn_io_drain(struct connection *connection); /* conn_io_events.c: obeys until there is no event */
void conn_io_hang_up(struct connection *connection,
		     enum fw_side side); /* nothing more is said: what waits is sent, then it is closed */
void conn_io_close_side(struct connection *connection, enum fw_side side);

/* conn_io_tls.c: the same for a side that speaks TLS. */
/* Begins the handshake of a side whose socket is connected. False: memory is short. ret_plain (client): TLS is not
 * spoken here. */
bool conn_io_tls_begin(struct connection *connection, enum fw_side side, bool *ret_plain);
/* Another configuration: the client's certificate is asked again. */
void conn_io_tls_recheck(struct connection *connection);
bool conn_io_tls_shake(struct connection *connection, enum fw_side side); /* true when something happened */
ssize_t conn_io_tls_read(struct connection *connection, enum fw_side side, size_t most);
bool conn_io_tls_write(struct connection *connection, enum fw_side side);
bool conn_io_tls_may_read(const struct conn_side *side); /* what answers to its peer wait is bounded */
/* Says the last word. True when nothing waits any more. */
bool conn_io_tls_finish(struct connection *connection, enum fw_side side);

/* conn_io_dial.c */
void conn_io_resolved(struct resolve_waiter *waiter); /* the address that a connection waits for has come */
void conn_io_handed(struct connection *connection, unsigned result, int fd); /* enum dial_result, of the dialler */
void conn_io_dial(struct connection *connection, const struct fw_dial *dial);
void conn_io_dialled(struct connection *connection, bool connected); /* the upstream's socket said so */
/* A host that is gone without a word is to be noticed as one of a client is. Asked for when the connection has lived
 * for a while: most of the many that are opened and closed at once need five system calls less for it. */
void conn_io_watch_upstream(struct connection *connection);
#endif
