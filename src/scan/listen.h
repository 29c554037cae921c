/* listen.h: does a server fetch what a client names to it? Listens on this machine, answers every request with the same
 * text and counts who came. A thread of its own from listen_begin to listen_end; the rest is the caller's. */
#ifndef SCAN_LISTEN_H
#define SCAN_LISTEN_H
#include <pthread.h>
#include <stdatomic.h>

#include "scan/link.h"

struct listener {
	int fd, stop[2];
	uint16_t port;
	const char *text; /* of the answers; stays until listen_end */
	atomic_uint came;
	pthread_t thread;
	char address[64]; /* as a URL has it */
};

/* On the address from which this machine reaches the target. False: it cannot; nothing is to be ended. */
bool listen_begin(struct listener *listener, const struct link_target *target, const char *text);
/* How many connections came. */
unsigned listen_came(const struct listener *listener);
void listen_end(struct listener *listener);
#endif
