/* The engine alone: no thread, socket, clock or file of its own. This program has them: one client at a time, who needs
 * no login, gets each message back that the firewall lets pass.
 *
 *     cc engine.c -o engine $(pkg-config --cflags --libs framewall)
 *     ./engine 8765 */
#include <framewall/conn.h>
#include <framewall/policy.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char config[] = "routes:\n  - path: /\n    anonymous: user\n";

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	while (size != 0) {
		ssize_t got = getrandom(bytes, size, 0);

		bytes += got > 0 ? got : 0;
		size -= got > 0 ? (size_t)got : 0;
	}
}

static struct fw_time now(void)
{
	struct timespec monotonic, wall;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct fw_time){ (uint64_t)monotonic.tv_sec * 1000000000 + (uint64_t)monotonic.tv_nsec,
				 (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_nsec / 1000 };
}

/* What the engine has to say. False: the connection is over. */
static bool obey(struct fw_conn *conn)
{
	const struct fw_answer yes = { .code = FW_ANSWER_YES };
	const struct fw_event *event;

	while ((event = fw_conn_next_event(conn)) != NULL) {
		switch (event->kind) {
		case FW_EV_NEED: /* a store would be asked here: blocks, sessions, attempts to log in */
			if (event->as.need.kind != FW_NEED_VIOLATION)
				fw_conn_supply(conn, event->as.need.id, &yes);
			break;
		case FW_EV_RECORD:
			printf("%s\n", fw_event_name(event->as.record.type));
			break;
		case FW_EV_MESSAGE:
			fw_conn_send(conn, FW_TYPE_OPAQUE, event->as.message.binary, event->as.message.payload);
			break;
		case FW_EV_HANGUP:
		case FW_EV_DONE:
			return false;
		default: /* FW_EV_OPEN; FW_EV_DIAL: this route has no upstream */
			break;
		}
	}
	return true;
}

static bool write_output(int fd, struct fw_conn *conn)
{
	struct fw_slice out;

	while ((out = fw_conn_output(conn, FW_CLIENT)).size != 0) {
		ssize_t sent = send(fd, out.data, out.size, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		fw_conn_sent(conn, FW_CLIENT, (size_t)sent);
	}
	return true;
}

static int milliseconds_left(const struct fw_conn *conn)
{
	uint64_t due = fw_conn_deadline(conn), at = now().monotonic_ns;

	if (due == UINT64_MAX)
		return -1;
	return due > at ? (int)((due - at) / 1000000) + 1 : 0;
}

static void serve(struct fw_engine *engine, int fd)
{
	struct fw_conn_options options = { .peer = { 4, { 127, 0, 0, 1 } } };
	struct fw_conn *conn = fw_conn_new(engine, &options);
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	static uint8_t bytes[16384];
	bool goes_on = conn != NULL;

	while (goes_on) {
		int ready = poll(&readable, 1, milliseconds_left(conn));
		ssize_t size = ready > 0 ? recv(fd, bytes, sizeof(bytes), 0) : 0;

		fw_engine_time(engine, now());
		if (ready > 0 && size > 0)
			fw_conn_receive(conn, FW_CLIENT, bytes, (size_t)size);
		else if (ready != 0)
			fw_conn_lost(conn, FW_CLIENT);
		fw_conn_tick(conn);
		goes_on = obey(conn);
		goes_on = write_output(fd, conn) && goes_on;
	}
	fw_conn_free(conn);
}

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8765)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct fw_engine_options options = { .random = { fill, NULL } };
	struct fw_engine *engine;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (fw_policy_load("engine.c", fw_text(config), report, NULL, &options.policy) != FW_OK)
		return 1;
	engine = fw_engine_new(&options);
	if (engine == NULL || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 16) != 0) {
		perror("engine");
		return 1;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		fw_engine_time(engine, now());
		serve(engine, fd);
		close(fd);
	}
	return 0;
}
