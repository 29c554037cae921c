/* load_echo.c: the closed loop: each connection writes `depth` frames back to back, waits for all their echoes, begins
 * again. Every answer is compared with what must come, octet by octet: the text sent, or (ping) what the first pong
 * said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "load_tls.h"

struct conn {
	int fd;
	unsigned number;
	bool sending;	   /* the frames of this round are not all in the socket yet */
	unsigned answered; /* of the round */
	uint8_t *frames;   /* the round, ready to send: depth masked frames */
	size_t frames_size, sent;
	char *expected;
	size_t expected_size; /* 0: not known yet (the first pong) */
	size_t at;	      /* octets of the message that came */
	struct wire_frame frame;
	uint8_t *first; /* the first pong while it comes */
};

static int epoll;
static bool running; /* measured or warming up; false: unasked messages are passed over */
static uint64_t received;
static unsigned waiting; /* connections with a round in flight */
static uint8_t input[WIRE_READ];

static void conn_write(struct conn *conn)
{
	while (conn->sent < conn->frames_size) {
		ssize_t sent = load_tls_write(conn->fd, conn->frames + conn->sent, conn->frames_size - conn->sent);
		if (sent < 0 && errno != EAGAIN)
			wire_die("connection %u: %s", conn->number, strerror(errno));
		if (sent < 0)
			break;
		conn->sent += (size_t)sent;
	}
	bool sending = conn->sent < conn->frames_size;
	if (sending != conn->sending)
		wire_watch(epoll, conn->fd, false, sending ? EPOLLIN | EPOLLOUT : EPOLLIN, conn);
	conn->sending = sending;
}

static void round_begin(struct conn *conn)
{
	conn->sent = 0;
	conn->answered = 0;
	conn_write(conn);
}

static void message_part(struct conn *conn, const uint8_t *bytes, size_t size)
{
	if (conn->expected_size) {
		if (conn->at + size > conn->expected_size || memcmp(bytes, conn->expected + conn->at, size) != 0)
			wire_die("connection %u: the answer is not what was sent: %.*s", conn->number,
				 (int)(size < 400 ? size : 400), (const char *)bytes);
	} else {
		if (conn->at + size > options.size + 1024)
			wire_die("connection %u: the pong has more than %zu octets", conn->number, conn->at + size);
		memcpy(conn->first + conn->at, bytes, size);
	}
	conn->at += size;
}

static void message_end(struct conn *conn)
{
	if (!conn->expected_size) {
		if (!memmem(conn->first, conn->at, "\"pong\"", 6) && memcmp(conn->first, conn->expected, conn->at) != 0)
			wire_die("connection %u: neither pong nor echo: %.*s", conn->number, (int)conn->at,
				 (char *)conn->first);
		free(conn->expected);
		conn->expected = (char *)conn->first;
		conn->expected_size = conn->at;
	}
	if (conn->at != conn->expected_size)
		wire_die("connection %u: %zu octets came of %zu", conn->number, conn->at, conn->expected_size);
	conn->at = 0;
	conn->answered++;
	received++;
}

/* Control frames: a ping is answered when it is whole in one read (125 octets over loopback always are). */
static void control(struct conn *conn, const uint8_t *bytes)
{
	struct wire_frame *frame = &conn->frame;
	uint8_t pong[160];
	if (frame->opcode == WIRE_CLOSE)
		wire_die("connection %u: closed by the peer with %u: %.*s", conn->number,
			 frame->size >= 2 ? (unsigned)bytes[0] << 8 | bytes[1] : 1005u,
			 frame->size > 2 ? (int)frame->size - 2 : 0, (const char *)bytes + 2);
	if (frame->opcode != WIRE_PING || conn->sending)
		return;
	size_t size = load_frame(pong, 0x80 | WIRE_PONG, bytes, (size_t)frame->size, 0x1234567u + conn->number);
	if (load_tls_write(conn->fd, pong, size) != (ssize_t)size)
		wire_die("connection %u: pong: %s", conn->number, strerror(errno));
}

static void conn_take(struct conn *conn, const uint8_t *bytes, size_t size)
{
	struct wire_frame *frame = &conn->frame;
	for (;;) {
		if (!frame->inside && !wire_take_header(frame, &bytes, &size))
			return;
		if (frame->opcode >= WIRE_CLOSE) {
			if (size < frame->left)
				wire_die("connection %u: a control frame in two pieces", conn->number);
			control(conn, bytes);
		}
		size_t part = size < frame->left ? size : (size_t)frame->left;
		if (frame->opcode < WIRE_CLOSE && running)
			message_part(conn, bytes, part);
		bytes += part;
		size -= part;
		frame->left -= part;
		if (frame->left)
			return;
		frame->inside = false;
		if (frame->opcode < WIRE_CLOSE && (frame->first & 0x80) && running)
			message_end(conn);
	}
}

static void conn_read(struct conn *conn)
{
	ssize_t got = load_tls_read(conn->fd, input, sizeof(input));
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		wire_die("connection %u: the peer hung up: %s", conn->number, got ? strerror(errno) : "end of file");
	conn_take(conn, input, (size_t)got);
}

static void conn_open(struct conn *conn, unsigned number)
{
	uint8_t rest[WIRE_HEAD];
	size_t rest_size, frame_room = options.size + 14;
	conn->number = number;
	conn->fd = load_open(rest, sizeof(rest), &rest_size);
	if (conn->fd < 0)
		wire_die("connection %u: %s", number, load_error);
	conn->frames = malloc(options.depth * frame_room);
	conn->expected = malloc(options.size + 1);
	conn->first = malloc(options.size + 1024);
	if (!conn->frames || !conn->expected || !conn->first)
		wire_die("memory");
	load_text(conn->expected, number);
	for (unsigned i = 0; i < options.depth; i++)
		conn->frames_size += load_frame(conn->frames + conn->frames_size, 0x80 | WIRE_TEXT, conn->expected,
						options.size, 0x9e3779b9u * (number * options.depth + i + 1));
	conn->sent = conn->frames_size;
	if (strcmp(options.kind, "chat") == 0)
		conn->expected_size = options.size;
	wire_watch(epoll, conn->fd, true, EPOLLIN, conn);
	conn_take(conn, rest, rest_size);
}

/* Greets and news that the peer sends unasked (who came) are over when it was quiet for a while. */
static void settle(void)
{
	struct epoll_event events[256];
	int ready;
	while ((ready = epoll_wait(epoll, events, 256, (int)options.settle_ms)) > 0) {
		for (int i = 0; i < ready; i++)
			conn_read(events[i].data.ptr);
	}
}

static void turn(bool again)
{
	struct epoll_event events[256];
	int ready = epoll_wait(epoll, events, 256, 10000);
	if (ready == 0)
		wire_die("no answer for 10 s, %llu messages answered", (unsigned long long)received);
	for (int i = 0; i < ready; i++) {
		struct conn *conn = events[i].data.ptr;
		if (events[i].events & EPOLLOUT)
			conn_write(conn);
		if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			conn_read(conn);
		if (conn->answered < options.depth || conn->sending)
			continue;
		if (conn->answered > options.depth)
			wire_die("connection %u: more answers than messages", conn->number);
		if (again)
			round_begin(conn);
		else if (conn->answered) {
			conn->answered = 0;
			waiting--;
		}
	}
}

int load_echo(void)
{
	struct conn *conns = calloc(options.connections, sizeof(*conns));
	struct meter meter;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!conns || epoll < 0)
		wire_die("memory");
	for (unsigned i = 0; i < options.connections; i++)
		conn_open(&conns[i], i);
	settle();
	running = true;
	waiting = options.connections;
	for (unsigned i = 0; i < options.connections; i++)
		round_begin(&conns[i]);
	while (received < options.warmup)
		turn(true);
	uint64_t before = received;
	meter_start(&meter);
	while (received < before + options.messages)
		turn(true);
	meter_stop(&meter);
	uint64_t measured = received - before;
	while (waiting)
		turn(false);
	meter_print(&meter, measured, options.connections);
	return 0;
}
