/* dial.h: sockets towards upstreams, where the gate may not make any: what a worker and the keeper's dialler say to
 * each other, over a pair of SOCK_SEQPACKET sockets that each worker has. The monitor makes the pairs and keeps both
 * ends, so that what was asked of a keeper that fell waits for the next one. */
#ifndef SHELL_DIAL_H
#define SHELL_DIAL_H
#include <stdbool.h>
#include <stdint.h>

#include "shell/resolve.h"

enum { DIAL_HOST = 256 }; /* with its NUL */

enum dial_kind { DIAL_CONNECT = 1, DIAL_CANCEL };
/* From a worker. Under an id that is open already it is the same question, asked anew. */
struct dial_ask {
	uint64_t id;	     /* never 0; of the worker */
	uint32_t generation; /* of the gate: what another one asked for is over */
	uint16_t kind;	     /* enum dial_kind */
	uint16_t port;
	char host[DIAL_HOST]; /* as the configuration has it; zeros behind it */
};

enum dial_result {
	DIAL_BEGINS,	/* id 0: a new keeper, which knows of none: whatever is open is to be asked anew */
	DIAL_CONNECTED, /* with the socket */
	DIAL_UNKNOWN,	/* no address is known */
	DIAL_REFUSED,	/* no address lets itself be connected, or none did in time */
	DIAL_FORBIDDEN, /* it is no upstream of the configuration in use */
	DIAL_BUSY,	/* too many are open, or memory or descriptors are short */
	DIAL_RESULTS
};
struct dial_answer {
	uint64_t id;
	uint32_t generation; /* of who asked */
	uint32_t result;     /* enum dial_result */
};

/* A socket that is connecting, or -1: this address will not do. */
int dial_socket(const union resolve_address *address, socklen_t size);

/* False: the other side does not read just now. fd: goes with it; -1: none. */
bool dial_send_ask(int link, const struct dial_ask *ask);
bool dial_send_answer(int link, const struct dial_answer *answer, int fd);
enum dial_heard { DIAL_NOTHING, DIAL_HEARD, DIAL_NONSENSE, DIAL_ENDED /* whoever had the other end is gone */ };
enum dial_heard dial_receive_ask(int link, struct dial_ask *ret_ask);
/* ret_fd: -1, or a socket that is the caller's. */
enum dial_heard dial_receive_answer(int link, struct dial_answer *ret_answer, int *ret_fd);
#endif
