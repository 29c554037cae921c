/* load_members.c: many connections that mostly listen. idle: opens them, says how many, holds them until standard input
 * ends. broadcast: the first member says something, all others must hear it, then it says the next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "load_tls.h"

enum { HEARD_ROOM = 4096 };
struct member {
	int fd;
	bool bad; /* the message that comes is too long to be looked at */
	uint32_t at;
	struct wire_frame frame;
	uint8_t *heard; /* the message that comes; room only while it does */
};

static int epoll;
static struct member *members;
static unsigned opened;
static char *said;   /* the JSON text */
static char *needle; /* its words */
static size_t needle_size;
static uint64_t delivered;
static uint8_t input[WIRE_READ];

static void member_message(struct member *member)
{
	if (!needle || !memmem(member->heard, member->at, "\"chat_message\"", 14))
		return; /* who came and went */
	if (!memmem(member->heard, member->at, needle, needle_size))
		wire_die("a member heard something else: %.*s", (int)member->at, (char *)member->heard);
	delivered++;
}

static void member_ping(struct member *member, const uint8_t *bytes)
{
	uint8_t pong[160];
	size_t size = load_frame(pong, 0x80 | WIRE_PONG, bytes, (size_t)member->frame.size, 0x77aa1155u);
	if (load_tls_write(member->fd, pong, size) < 0)
		wire_die("pong: %s", strerror(errno));
}

static void member_take(struct member *member, const uint8_t *bytes, size_t size)
{
	struct wire_frame *frame = &member->frame;
	for (;;) {
		if (!frame->inside && !wire_take_header(frame, &bytes, &size))
			break;
		size_t part = size < frame->left ? size : (size_t)frame->left;
		if (frame->opcode == WIRE_CLOSE)
			wire_die("closed by the peer: %.*s", (int)part, (const char *)bytes);
		if (frame->opcode == WIRE_PING && part == frame->size)
			member_ping(member, bytes);
		if (frame->opcode < WIRE_CLOSE) {
			if (!member->heard && !(member->heard = malloc(HEARD_ROOM)))
				wire_die("memory");
			if (member->at + part > HEARD_ROOM)
				wire_die("a message of more than %d octets", HEARD_ROOM);
			memcpy(member->heard + member->at, bytes, part);
			member->at += (uint32_t)part;
		}
		bytes += part;
		size -= part;
		frame->left -= part;
		if (frame->left)
			break;
		frame->inside = false;
		if (frame->opcode < WIRE_CLOSE && (frame->first & 0x80)) {
			member_message(member);
			member->at = 0;
		}
	}
	if (!member->at) {
		free(member->heard);
		member->heard = NULL;
	}
}

static void member_read(struct member *member)
{
	ssize_t got = load_tls_read(member->fd, input, sizeof(input));
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		wire_die("the peer hung up: %s", got ? strerror(errno) : "end of file");
	member_take(member, input, (size_t)got);
}

/* Reads what came, for at most that long without any; false when it was quiet. */
static bool drain(int milliseconds)
{
	struct epoll_event events[512];
	int ready = epoll_wait(epoll, events, 512, milliseconds);
	for (int i = 0; i < ready; i++) {
		if (!events[i].data.ptr)
			exit(0); /* standard input ended */
		member_read(events[i].data.ptr);
	}
	return ready > 0;
}

/* As many as the peer and the limits of open files allow. */
static void open_all(void)
{
	uint8_t rest[WIRE_HEAD];
	size_t size;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	members = calloc(options.connections, sizeof(*members));
	if (epoll < 0 || !members)
		wire_die("memory");
	for (; opened < options.connections; opened++) {
		struct member *member = &members[opened];
		member->fd = load_open(rest, sizeof(rest), &size);
		if (member->fd < 0)
			break;
		wire_watch(epoll, member->fd, true, EPOLLIN, member);
		member_take(member, rest, size);
		/* Each newcomer is news to all: read it now and then, or buffers fill. */
		if (opened % 8 == 7)
			while (drain(0))
				;
	}
	if (!opened)
		wire_die("no connection: %s", load_error);
	while (drain((int)options.settle_ms))
		;
}

int load_idle(void)
{
	open_all();
	printf("{\"opened\": %u, \"stopped_by\": \"%s\"}\n", opened, opened < options.connections ? load_error : "");
	fflush(stdout);
	wire_watch(epoll, STDIN_FILENO, true, EPOLLIN, NULL);
	for (;;)
		drain(-1);
}

static void say(void)
{
	static uint8_t frame[HEARD_ROOM];
	static uint32_t mask;
	size_t size = load_frame(frame, 0x80 | WIRE_TEXT, said, options.size, mask += 0x9e3779b9u);
	if (load_tls_write(members[0].fd, frame, size) != (ssize_t)size)
		wire_die("speaker: %s", strerror(errno));
	uint64_t due = delivered + opened - 1;
	while (delivered < due) {
		if (!drain(10000))
			wire_die("%llu deliveries are missing", (unsigned long long)(due - delivered));
	}
	if (delivered != due)
		wire_die("more deliveries than members");
}

int load_broadcast(void)
{
	struct meter meter;
	if (options.size > HEARD_ROOM / 2)
		wire_die("broadcast messages have at most %d octets", HEARD_ROOM / 2);
	open_all();
	if (opened < 2)
		wire_die("broadcast needs two members");
	said = malloc(options.size + 1);
	if (!said)
		wire_die("memory");
	load_text(said, 0);
	needle = strstr(said, "\"text\":\"") + 8;
	needle_size = strcspn(needle, "\"");
	for (uint64_t i = 0; i < options.warmup; i++)
		say();
	uint64_t before = delivered;
	meter_start(&meter);
	for (uint64_t i = 0; i < options.messages; i++)
		say();
	meter_stop(&meter);
	meter_print(&meter, delivered - before, opened);
	return 0;
}
