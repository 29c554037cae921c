/* load_handshake.c: connect, upgrade (with the token in the head), close, again: `connections` of them at a time.
 * One handshake counts when the peer has answered the close frame and hung up, so that its whole cost lies inside. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

struct visit {
	int fd;
	bool upgraded;
	size_t got;
	char answer[2048];
};

static int epoll;
static uint64_t done;

static void visit_begin(struct visit *visit)
{
	static char head[WIRE_HEAD];
	size_t head_size = load_request(head, sizeof(head));
	visit->fd = wire_connect(options.port);
	if (visit->fd < 0)
		wire_die("connect: %s", strerror(errno));
	visit->upgraded = false;
	visit->got = 0;
	wire_nonblock(visit->fd);
	if (send(visit->fd, head, head_size, MSG_NOSIGNAL) != (ssize_t)head_size)
		wire_die("handshake: %s", strerror(errno));
	wire_watch(epoll, visit->fd, true, EPOLLIN, visit);
}

static void visit_upgraded(struct visit *visit)
{
	uint8_t frame[16];
	if (strncmp(visit->answer, "HTTP/1.1 101 ", 13) != 0 || !strstr(visit->answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
		wire_die("not upgraded: %.*s", (int)strcspn(visit->answer, "\r\n"), visit->answer);
	visit->upgraded = true;
	size_t size = load_frame(frame, 0x80 | WIRE_CLOSE, "\x03\xe8", 2, 0xa5b6c7d8u);
	if (send(visit->fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
		wire_die("close frame: %s", strerror(errno));
}

/* True when the peer hung up in order. */
static bool visit_read(struct visit *visit)
{
	size_t room = sizeof(visit->answer) - 1 - visit->got;
	ssize_t got = read(visit->fd, visit->answer + visit->got, room);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got < 0 && !(visit->upgraded && errno == ECONNRESET))
		wire_die("handshake: %s", strerror(errno));
	if (got <= 0) {
		if (!visit->upgraded)
			wire_die("hung up before the upgrade: %.*s", (int)strcspn(visit->answer, "\r\n"),
				 visit->answer);
		return true;
	}
	if (visit->upgraded)
		return false; /* its close frame, and whatever else it had to say */
	visit->got += (size_t)got;
	visit->answer[visit->got] = 0;
	if (strstr(visit->answer, "\r\n\r\n"))
		visit_upgraded(visit);
	else if (visit->got + 1 >= sizeof(visit->answer))
		wire_die("the answer's head is too long");
	return false;
}

static void turn(bool again)
{
	struct epoll_event events[256];
	int ready = epoll_wait(epoll, events, 256, 10000);
	if (ready == 0)
		wire_die("no progress for 10 s, %llu handshakes done", (unsigned long long)done);
	for (int i = 0; i < ready; i++) {
		struct visit *visit = events[i].data.ptr;
		if (!visit_read(visit))
			continue;
		close(visit->fd);
		done++;
		if (again)
			visit_begin(visit);
	}
}

int load_handshake(void)
{
	struct visit *visits = calloc(options.connections, sizeof(*visits));
	struct meter meter;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!visits || epoll < 0)
		wire_die("memory");
	for (unsigned i = 0; i < options.connections; i++)
		visit_begin(&visits[i]);
	while (done < options.warmup)
		turn(true);
	uint64_t before = done;
	meter_start(&meter);
	while (done < before + options.messages)
		turn(true);
	meter_stop(&meter);
	uint64_t measured = done - before;
	for (uint64_t last = done + options.connections; done < last;)
		turn(false);
	meter_print(&meter, measured, options.connections);
	return 0;
}
