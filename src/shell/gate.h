/* gate.h: the part that meets clients: N workers, each a thread with a libuv loop, an engine and its own listening
 * socket (SO_REUSEPORT). Started and stopped by manager_parts.c; obeys the DOWN messages of ipc.def and answers with UP
 * ones.
 */
#ifndef SHELL_GATE_H
#define SHELL_GATE_H
#include <framewall/manager.h>

#include "policy/policy.h"
#include "shell/ipc.h"
#include "state/store.h"

struct gate_listen;
struct overload;
struct watchdog_beats;
struct hub;
struct gate;
struct log;
struct gate_options {
	struct fw_policy *policy; /* to start with: see gate_reload */
	struct store *store;
	struct hub *hub; /* NULL: there is none */
	struct tls *tls;
	fw_message_function *on_message; /* asked before the hub; NULL: not */
	void *message_user;
	struct fw_manager *manager; /* for on_message */
	const char *host;	    /* "" or a name or address; localhost opens 127.0.0.1 and ::1 */
	uint16_t port;		    /* 0: any, see gate_port */
	unsigned workers;
	struct log *log;		     /* NULL: nothing is said */
	const struct gate_listen *listening; /* NULL: they are opened here */
	bool apart;			     /* the keeper is another process, with a store of its own */
	const int *dials;	     /* each worker's link to who connects to upstreams; NULL: they do themselves */
	struct ipc_channel *records; /* RECORD, to the recorder */
	struct ipc_channel *figures; /* FIGURES, DRAINED, to the keeper's loop */
	struct ipc_channel *capture; /* CAPTURE, to the file of a capture; NULL: traffic is not recorded */
	uint8_t capture_key[32];     /* made by gate_start */
	struct overload
		*overload; /* opened before the process was confined, and kept open; NULL: the gate has its own */
	struct watchdog_beats *beats; /* where the workers count their turns; NULL: nobody looks */
	struct ipc_channel *asks;     /* ASK, to the keeper's loop; NULL: there is nobody to ask */
};
/* Opens the listeners and starts the threads. NULL: reterr_text (static or in a static buffer) says what failed. */
struct gate *gate_start(const struct gate_options *options, const char **reterr_text);
/* A gate that is another process: what it is told goes through this channel. */
struct gate *gate_remote(struct ipc_channel *down, unsigned workers);
enum { GATE_ALL = UINT16_MAX }; /* of whom a message of that channel is, besides a worker */
uint16_t gate_port(const struct gate *gate);
unsigned gate_workers(const struct gate *gate);
/* Another policy for all workers, each from its next turn on: it takes references. Any thread, between start and stop.
 */
void gate_reload(struct gate *gate, struct fw_policy *policy);
bool gate_reloaded(const struct gate *gate); /* have all of them taken it? */
/* To the worker that has the connection broadcast->only, or to all that have members. False: somebody's inbox is full.
 */
bool gate_broadcast(struct gate *gate, const struct ipc_broadcast *broadcast, struct fw_slice message);
/* Now and then, not in a worker's thread: memory that clients gave back is given on. */
void gate_settle(struct gate *gate);
/* Before clients come. False: its memory is short already; reterr_text (static) says what to do. */
bool gate_has_room(const struct gate *gate, const struct fw_policy *policy, const char **reterr_text);
/* Sends a DOWN message to all workers (or to one: worker >= 0). False: not all could take it. */
bool gate_tell(struct gate *gate, int worker, enum ipc_type type, const void *payload, size_t size,
	       struct fw_slice tail);
/* After which octets that a peer's kernel does not acknowledge end a connection (TCP_USER_TIMEOUT). */
unsigned gate_user_timeout_ms(const struct fw_policy *policy);
struct gate *gate_stop(struct gate *gate); /* ends the loops, joins the threads; NULL-safe */
#endif
