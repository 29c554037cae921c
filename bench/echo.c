/* echo.c: the upstream of the proxies, and the limit line of the echo servers: raw epoll, no inspection.
 * Takes every frame of a read, answers with one write. `echo PORT`. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

struct peer {
	int fd;
	bool open;    /* upgraded */
	bool closing; /* a close frame came: close once everything is sent */
	bool watched_out;
	uint32_t head_size;
	char *head; /* of the request, until it is complete */
	struct wire_frame frame;
	struct wire_out out;
};

static int epoll;
static uint8_t input[WIRE_READ];
static uint8_t output[WIRE_READ + WIRE_HEAD];

static void peer_free(struct peer *peer)
{
	close(peer->fd);
	free(peer->head);
	free(peer->out.data);
	free(peer);
}

/* Frames to frames, unmasked. Only headers shrink, so the output never outgrows the input by more than one held header.
 */
static size_t answer(struct peer *peer, const uint8_t *bytes, size_t size)
{
	struct wire_frame *frame = &peer->frame;
	size_t used = 0;
	while (!peer->closing) {
		if (!frame->inside) {
			if (!wire_take_header(frame, &bytes, &size))
				break;
			uint8_t first = frame->opcode == WIRE_PING ? 0x80 | WIRE_PONG : frame->first;
			if (frame->opcode != WIRE_PONG)
				used += wire_put_header(output + used, first, frame->size, NULL);
		}
		size_t part = size < frame->left ? size : (size_t)frame->left;
		if (frame->opcode != WIRE_PONG) {
			wire_mask(output + used, bytes, part, frame->mask, frame->size - frame->left);
			used += part;
		}
		bytes += part;
		size -= part;
		frame->left -= part;
		if (frame->left)
			break;
		frame->inside = false;
		peer->closing = frame->opcode == WIRE_CLOSE;
	}
	return used;
}

/* The request head; what follows it in the same read are frames already. Returns octets of output, 0: more is needed.
 */
static size_t upgrade(struct peer *peer, const uint8_t *bytes, size_t size)
{
	if (!peer->head)
		peer->head = malloc(WIRE_HEAD);
	if (!peer->head || peer->head_size + size >= WIRE_HEAD)
		wire_die("request head of more than %d octets", WIRE_HEAD);
	memcpy(peer->head + peer->head_size, bytes, size);
	peer->head_size += (uint32_t)size;
	peer->head[peer->head_size] = 0;
	if (!strstr(peer->head, "\r\n\r\n"))
		return 0;
	const char *key = wire_field(peer->head, "sec-websocket-key:");
	if (!key || strlen(key) < 24) { /* a probe of readiness */
		peer->closing = true;
		return (size_t)sprintf((char *)output,
				       "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	}
	char accept[29];
	wire_accept(key, accept);
	free(peer->head);
	peer->head = NULL;
	peer->open = true;
	return (size_t)sprintf((char *)output,
			       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
			       "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			       accept);
}

static bool peer_read(struct peer *peer)
{
	ssize_t got = read(peer->fd, input, sizeof(input));
	if (got < 0 && errno == EAGAIN)
		return true;
	if (got <= 0)
		return false;
	size_t used = peer->open ? answer(peer, input, (size_t)got) : upgrade(peer, input, (size_t)got);
	return wire_send(peer->fd, &peer->out, output, used);
}

static void peer_event(struct peer *peer, uint32_t events)
{
	bool alive = true;
	if (events & EPOLLOUT)
		alive = wire_send(peer->fd, &peer->out, NULL, 0);
	if (alive && !wire_waiting(&peer->out) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		alive = peer_read(peer);
	bool waiting = wire_waiting(&peer->out);
	if (!alive || (peer->closing && !waiting)) {
		peer_free(peer);
		return;
	}
	if (waiting != peer->watched_out) {
		wire_watch(epoll, peer->fd, false, waiting ? EPOLLOUT : EPOLLIN, peer);
		peer->watched_out = waiting;
	}
}

static void accept_all(int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *peer = calloc(1, sizeof(*peer));
		if (!peer)
			wire_die("memory");
		peer->fd = fd;
		wire_nodelay(fd);
		wire_watch(epoll, fd, true, EPOLLIN, peer);
	}
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: %s PORT\n", arguments[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	wire_raise_files();
	int listener = wire_listen(wire_port(arguments[1]));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	wire_watch(epoll, listener, true, EPOLLIN, NULL);
	for (;;) {
		struct epoll_event events[256];
		int ready = epoll_wait(epoll, events, 256, -1);
		for (int i = 0; i < ready; i++) {
			if (events[i].data.ptr)
				peer_event(events[i].data.ptr, events[i].events);
			else
				accept_all(listener);
		}
	}
}
