#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "shell/sender_parts.h"

/* A look-up in a thread of its own, which outlives whoever waits for it; the last one of the two frees. */
struct lookup {
	_Atomic unsigned users;
	int done; /* eventfd */
	int fault;
	int type;
	struct addrinfo *found;
	char *host, *port;
};

static void leave(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->users, 1) != 1)
		return;
	if (lookup->found != NULL)
		freeaddrinfo(lookup->found);
	if (lookup->done >= 0)
		close(lookup->done);
	mem_free(lookup->host);
	mem_free(lookup->port);
	mem_free(lookup);
}

static void *look_up(void *user)
{
	struct lookup *lookup = user;
	const struct addrinfo hints = { .ai_socktype = lookup->type, .ai_flags = AI_NUMERICSERV };
	const uint64_t one = 1;

	lookup->fault = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
	while (write(lookup->done, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	leave(lookup);
	return NULL;
}

static struct lookup *begin(const struct receiver *receiver, int type)
{
	struct lookup *lookup = mem_zero(1, sizeof(*lookup));
	pthread_attr_t attributes;
	pthread_t thread;
	bool runs;

	if (lookup == NULL)
		return NULL;
	atomic_init(&lookup->users, 2);
	lookup->type = type;
	lookup->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lookup->host = mem_text(receiver->host, strlen(receiver->host));
	lookup->port = mem_text(receiver->port, strlen(receiver->port));
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	runs = lookup->done >= 0 && lookup->host != NULL && lookup->port != NULL &&
	       pthread_create(&thread, &attributes, look_up, lookup) == 0;
	pthread_attr_destroy(&attributes);
	if (runs)
		return lookup;
	leave(lookup);
	leave(lookup);
	return NULL;
}

struct addrinfo *sender_resolve(struct sender *sender, int socket_type)
{
	uint64_t until = uv_hrtime() + (uint64_t)sender->receiver->timeout * 1000 * SENDER_MS, now;
	struct lookup *lookup = begin(sender->receiver, socket_type);
	struct addrinfo *found = NULL;
	short events = 0;

	snprintf(sender->why, sizeof(sender->why), "%.200s: the name server does not answer", sender->receiver->host);
	if (lookup == NULL) {
		snprintf(sender->why, sizeof(sender->why), "memory is short");
		return NULL;
	}
	while (events == 0 && (now = uv_hrtime()) < until && sender_patience(sender, 1) != 0)
		sender_poll(sender, lookup->done, POLLIN, (int)((until - now) / SENDER_MS) + 1, &events);
	if (events != 0 && lookup->fault != 0) {
		snprintf(sender->why, sizeof(sender->why), "%.200s: %s", sender->receiver->host,
			 gai_strerror(lookup->fault));
	} else if (events != 0) {
		found = lookup->found;
		lookup->found = NULL;
	}
	leave(lookup);
	return found;
}
