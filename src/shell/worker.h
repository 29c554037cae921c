/* worker.h: one thread of the gate: a poller, an engine, listening sockets, and the connections it accepted.
 * Everything here belongs to that thread; the others reach it through its inbox (worker_tell) only. */
#ifndef SHELL_WORKER_H
#define SHELL_WORKER_H
#include <uv.h>

#include "base/close_reason.h"
#include "engine/capture.h"
#include "shell/gate.h"
#include "shell/hub.h"
#include "shell/poller.h"
#include "shell/random.h"
#include "shell/resolve.h"
#include "shell/timers.h"
#include "shell/watchdog.h"

/* WORKER_SCRATCH: a message of 64 KiB with its header in one read. What one read gives is all that can wait for a peer
 * that stops reading, so it is not larger. */
enum { WORKER_LISTENERS = 8, WORKER_SCRATCH = 65536 + 64, WORKER_BUCKETS = 1024, WORKER_ASKERS = 256 };

struct connection;
struct worker_capture;
struct tls_io;
struct worker;

struct worker_listener {
	struct source source; /* first: the poller's callback casts */
	int fd;
};

/* worker_dials.c: what is asked of the keeper's dialler. */
struct worker_dials {
	struct source source;
	int fd; /* the link to it, which is the gate's; -1: the worker connects by itself */
	uint64_t ids;
	struct connection *open, **open_end; /* in the order they came */
	struct connection *unsent;	     /* the first of them that the keeper has not been asked */
	struct connection *by_id[WORKER_ASKERS];
};

struct worker {
	const struct gate_options *options; /* of the gate */
	struct worker *all;		    /* every worker of the gate, this one among them */
	unsigned index;
	unsigned count;
	uv_thread_t thread;
	bool running;	  /* the thread was started */
	bool initialized; /* loop and handles are there */
	_Atomic bool stop;

	struct watchdog_beat *beat; /* NULL: nobody looks whether it turns */
	struct poller poller;
	uv_loop_t loop; /* for the inbox and name lookups */
	uv_async_t wake;
	struct ipc_channel *inbox;
	struct worker_listener listeners[WORKER_LISTENERS];
	unsigned listener_count;
	int first_spared; /* descriptors from this number on are not for connections */
	int reserve_fd;	  /* given up for a moment when descriptors run out */

	struct fw_engine *engine;
	struct fw_policy *policy;	     /* the engine's */
	unsigned user_timeout_ms;	     /* that the sockets have, */
	bool user_timeout_due;		     /* or are still to be given */
	_Atomic(struct fw_policy *) offered; /* the next one: any thread puts it there, this one takes it */
	struct connection *recheck;	     /* moves to the policy next; those behind it in connections have to */
	struct random_stock random_stock;
	struct fw_random random;
	struct fw_time now;
	bool now_known; /* the clock was read in this turn */
	struct timers timers;
	struct timer accept_pause;		 /* accepting goes on when it is due */
	struct timer overload;			 /* while memory is short: it is looked again */
	uint64_t overload_due_ns;		 /* when connections are closed for it again */
	unsigned overload_trims;		 /* after how many idle ones were */
	uint64_t overload_shed, overload_closed; /* how many were, rows of metrics.def */
	struct timer drain_cut;			 /* what is left at drain_until_ns is cut */
	uint64_t drain_until_ns;
	struct resolve resolve;
	struct worker_dials dials;

	struct connection *connections;		  /* all */
	struct connection *members;		  /* on routes without upstream: they can be sent to */
	struct connection *by_id[WORKER_BUCKETS]; /* members */
	struct connection *askers[WORKER_ASKERS]; /* wait for the keeper's answer */
	struct connection *dirty;		  /* have something to send at the end of this turn */
	struct connection *queue, *queue_end;	  /* have much to read, and wait for their turn */
	size_t read;				  /* what was read since the first of them had it, see conn_io_turn.c */
	struct connection *dead;		  /* freed at the end of this turn */
	_Atomic unsigned member_count;		  /* the other workers look: what nobody gets is not sent */
	unsigned lingering;
	bool draining;
	bool drained_told;
	bool stopping;
	uint64_t give_up_ns;  /* when stopping does not wait for name lookups any more */
	uint64_t overload_ns; /* when an overload was recorded last */
	uint8_t *scratch;     /* every read goes here; nothing stays here beyond the call */
	struct tls_io *tls_io;
	struct worker_capture *capture; /* NULL: traffic is not recorded */
	unsigned handshakes;		/* steps of TLS handshakes that were made in this turn */
};

/* In the thread of the gate, before the threads run. all, index, count and options are set. fds: listening sockets,
 * owned from now on. 0, or -1. */
int worker_init(struct worker *worker, const int *fds, unsigned fd_count);
int worker_start(struct worker *worker);
void worker_stop(struct worker *worker); /* any thread: ends the loop soon */
void worker_join(struct worker *worker);
/* When no thread runs any more; also after a failed init. False: a name lookup goes on, and its memory, which is the
 * worker's, must stay. */
bool worker_fini(struct worker *worker);
/* Any thread. False when the inbox is full. */
bool worker_tell(struct worker *worker, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail);

/* In the worker's own thread: */
const struct fw_time *worker_now(struct worker *worker); /* one reading of the clock a turn; the engine has it too */
void worker_connection_ended(struct worker *worker);	 /* one is over */
/* Tells all workers, this one too, to end the connections of an address or a session. */
void worker_end_address(struct worker *worker, const struct fw_addr *address);
void worker_end_user(struct worker *worker, struct fw_slice user, uint32_t reason);
void worker_tell_blocked(struct worker *worker, const struct store_block *block); /* to the keeper */
void worker_end_session(struct worker *worker, struct fw_slice session_id, uint32_t reason);
/* A record about this worker, with a new id; the caller adds details and sends it. */
void worker_record(struct worker *worker, uint16_t type, struct fw_record *ret_record);
void worker_record_overload(struct worker *worker, const char *cause); /* at most one a second */

/* worker_accept.c */
int worker_accept_start(struct worker *worker, const int *fds, unsigned fd_count);
void worker_accept_ready(struct worker *worker, struct worker_listener *listener);
bool worker_accept_spares(struct worker *worker, int fd); /* a socket of this number would be one too many */
void worker_accept_resume(struct worker *worker);
void worker_accept_stop(struct worker *worker, bool take_waiting); /* closes the listeners */

/* worker_overload.c: what this worker does while memory comes to an end (tables/overload.def) */
void worker_overload_look(struct worker *worker);  /* once a turn */
bool worker_overload_sheds(struct worker *worker); /* a newcomer is turned away, and that counted */
bool worker_overload_cuts(struct worker *worker);  /* even before anything is read of it; counted as well */
void worker_tallies_send(struct worker *worker);   /* worker_tallies.c: to the keeper */
void worker_overload_figures(struct worker *worker, uint64_t *counters); /* rows of metrics.def */

/* worker_watch.c: what operators ask of single connections */
void worker_watch_list(struct worker *worker, const struct ipc_ask_connections *asked);
void worker_watch_end(struct worker *worker, const struct ipc_end_connection *ended);

/* worker_capture.c: where options->capture is set. False: memory is short. */
bool worker_capture_start(struct worker *worker);
void worker_capture_stop(struct worker *worker);

/* worker_reload.c */
/* Any thread, while the worker runs: a policy that is to be used from its next turn on. */
void worker_reload_offer(struct worker *worker, struct fw_policy *policy);
bool worker_reload_taken(const struct worker *worker); /* any thread: was the last one that was offered? */
void worker_reload_take(struct worker *worker);
void worker_reload_slice(struct worker *worker); /* once a turn */
void worker_reload_fini(struct worker *worker);

/* worker_asks.c */
/* A need that the keeper answers later. False: it cannot be asked now. */
bool worker_asks_ask(struct connection *connection, const struct fw_need *need);
void worker_asks_answered(struct worker *worker, const struct ipc_answer *message, struct fw_slice tail);
void worker_asks_forget(struct connection *connection); /* it is gone; nothing when it did not ask */

/* worker_dials.c */
bool worker_dials_start(struct worker *worker);
/* An upstream's socket, for its name and port: conn_io_handed brings it. */
void worker_dials_ask(struct connection *connection);
void worker_dials_forget(struct connection *connection); /* it waits no more; nothing when it did not ask */
void worker_dials_ready(struct worker *worker);		 /* of the poller */

/* worker_hub.c */
void worker_hub_join(struct worker *worker, struct connection *connection);
void worker_hub_leave(struct worker *worker, struct connection *connection);
void worker_hub_message(struct worker *worker, struct connection *connection, const struct fw_incoming *message);
/* A message for this worker's members. True when broadcast->only was found here. */
bool worker_hub_deliver(struct worker *worker, const struct ipc_broadcast *broadcast, struct fw_slice message);
/* The name of an outbound type for a broadcast. False: it is too long. */
bool worker_hub_name(struct ipc_broadcast *broadcast, const char *name);
/* Any thread. Can this worker have a member with this id (0: any)? */
bool worker_may_have(const struct worker *worker, uint64_t only);
#endif
