/* gate_listen.h: the listening sockets of the workers: for each worker one of every address of the host, all on one
 * port. */
#ifndef SHELL_GATE_LISTEN_H
#define SHELL_GATE_LISTEN_H
#include <stdint.h>

#include "base/limits.h"
#include "shell/worker.h"

struct gate_listen {
	int fds[LIMIT_WORKERS][WORKER_LISTENERS];
	unsigned families; /* sockets of each worker */
	uint16_t port;
};
/* host: "" for every address, "localhost" for both loopback addresses, else a name or an address. Port 0: any that is
 * free on all of them. user_timeout_ms: after which octets that nobody acknowledges end a connection. 0, or -1 with
 * *reterr_text. */
int gate_listen_open(const char *host, uint16_t port, unsigned workers, unsigned user_timeout_ms,
		     struct gate_listen *ret_listen, const char **reterr_text);
/* The kernel is to notice when the peer of a socket is gone without a word: by keep-alive probes where nothing is said,
 * by user_timeout_ms where octets wait to be acknowledged. */
void gate_listen_watch(int fd, unsigned user_timeout_ms);
void gate_listen_timeout(int fd, unsigned user_timeout_ms); /* the latter alone, of a socket that has the others */
#endif
