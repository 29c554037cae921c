/* rawproxy.c: the limit line of the proxies: raw epoll, client frames unmasked and masked anew, server octets as they
 * are. It judges nothing; the handshake passes through. `rawproxy PORT UPSTREAM_PORT`. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

struct pair;
struct end {
	struct pair *pair;
	int fd;
	bool is_client;
	uint32_t watched;
	struct wire_out out;
};
struct pair {
	struct end client, upstream;
	unsigned head_match; /* octets of "\r\n\r\n" seen; 4: the head is over, frames follow */
	bool over;	     /* one side is gone: close when nothing waits */
	bool dead;
	struct pair *next_dead;
	struct wire_frame frame;
	uint8_t mask[4]; /* of the frame on its way to the upstream */
};

static int epoll;
static uint16_t upstream_port;
static uint8_t input[WIRE_READ];
static uint8_t output[WIRE_READ * 2 + WIRE_HEAD];
static struct pair *graveyard; /* freed after the turn: later events of it may name them */

static void new_mask(uint8_t mask[4])
{
	static uint8_t pool[4096];
	static size_t left;
	if (left < 4) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			wire_die("getrandom");
		left = sizeof(pool);
	}
	left -= 4;
	memcpy(mask, pool + left, 4);
}

static size_t remask(struct pair *pair, uint8_t *at, size_t count)
{
	struct wire_frame *frame = &pair->frame;
	const uint8_t *bytes = at;
	size_t size = count, used = 0;
	while (size && pair->head_match < 4) {
		uint8_t octet = *bytes++;
		output[used++] = octet;
		size--;
		if (octet == (pair->head_match & 1 ? '\n' : '\r'))
			pair->head_match++;
		else
			pair->head_match = octet == '\r';
	}
	if (pair->head_match < 4)
		return used;
	for (;;) {
		if (!frame->inside) {
			if (!wire_take_header(frame, &bytes, &size))
				return used;
			new_mask(pair->mask);
			used += wire_put_header(output + used, frame->first, frame->size, pair->mask);
		}
		size_t part = size < frame->left ? size : (size_t)frame->left;
		uint64_t done = frame->size - frame->left;
		uint8_t *clear = at + (bytes - at);
		wire_mask(clear, clear, part, frame->mask, done);
		wire_mask(output + used, clear, part, pair->mask, done);
		used += part;
		bytes += part;
		size -= part;
		frame->left -= part;
		if (frame->left)
			return used;
		frame->inside = false;
	}
}

static void bury(struct pair *pair)
{
	close(pair->client.fd);
	close(pair->upstream.fd);
	free(pair->client.out.data);
	free(pair->upstream.out.data);
	pair->client.out = pair->upstream.out = (struct wire_out){ 0 };
	pair->dead = true;
	pair->next_dead = graveyard;
	graveyard = pair;
}

static void watch(struct end *end, const struct end *other)
{
	uint32_t events = (wire_waiting(&end->out) ? (uint32_t)EPOLLOUT : 0) |
			  (wire_waiting(&other->out) ? 0 : (uint32_t)EPOLLIN);
	if (events != end->watched)
		wire_watch(epoll, end->fd, false, end->watched = events, end);
}

static bool end_read(struct pair *pair, struct end *end, struct end *other)
{
	ssize_t got = read(end->fd, input, sizeof(input));
	if (got < 0 && errno == EAGAIN)
		return true;
	if (got <= 0)
		return false;
	if (!end->is_client)
		return wire_send(other->fd, &other->out, input, (size_t)got);
	size_t used = remask(pair, input, (size_t)got);
	return wire_send(other->fd, &other->out, output, used);
}

static void end_event(struct end *end, uint32_t events)
{
	struct pair *pair = end->pair;
	struct end *other = end->is_client ? &pair->upstream : &pair->client;
	if (pair->dead)
		return;
	bool alive = true;
	if (events & EPOLLOUT)
		alive = wire_send(end->fd, &end->out, NULL, 0);
	if (alive && !pair->over && !wire_waiting(&other->out) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		pair->over = !end_read(pair, end, other);
	if (!alive || (pair->over && !wire_waiting(&pair->client.out) && !wire_waiting(&pair->upstream.out))) {
		bury(pair);
		return;
	}
	watch(end, other);
	watch(other, end);
}

static void accept_all(int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct pair *pair = calloc(1, sizeof(*pair));
		int up = wire_connect(upstream_port);
		if (!pair || up < 0)
			wire_die("upstream: %s", strerror(errno));
		wire_nonblock(up);
		wire_nodelay(fd);
		pair->client = (struct end){ .pair = pair, .fd = fd, .is_client = true, .watched = EPOLLIN };
		pair->upstream = (struct end){ .pair = pair, .fd = up, .watched = EPOLLIN };
		wire_watch(epoll, fd, true, EPOLLIN, &pair->client);
		wire_watch(epoll, up, true, EPOLLIN, &pair->upstream);
	}
}

int main(int count, char **arguments)
{
	if (count != 3) {
		fprintf(stderr, "usage: %s PORT UPSTREAM_PORT\n", arguments[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	wire_raise_files();
	int listener = wire_listen(wire_port(arguments[1]));
	upstream_port = wire_port(arguments[2]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	wire_watch(epoll, listener, true, EPOLLIN, NULL);
	for (;;) {
		struct epoll_event events[256];
		int ready = epoll_wait(epoll, events, 256, -1);
		for (int i = 0; i < ready; i++) {
			if (events[i].data.ptr)
				end_event(events[i].data.ptr, events[i].events);
			else
				accept_all(listener);
		}
		while (graveyard) {
			struct pair *next = graveyard->next_dead;
			free(graveyard);
			graveyard = next;
		}
	}
}
