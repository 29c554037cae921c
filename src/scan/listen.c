#include "scan/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_MS = 500, CAME_MOST = 64 };

/* One request, which is not looked at, and its answer. */
static void answer(int fd, const char *text)
{
	struct pollfd at = { .fd = fd, .events = POLLIN };
	char octets[8192], head[160];
	int size = snprintf(
		head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		strlen(text));

	if (poll(&at, 1, READ_MS) == 1 && recv(fd, octets, sizeof(octets), MSG_DONTWAIT) > 0) {
		(void)send(fd, head, (size_t)size, MSG_NOSIGNAL);
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	}
}

static void *serve(void *user)
{
	struct listener *listener = user;
	struct pollfd at[2] = { { .fd = listener->fd, .events = POLLIN },
				{ .fd = listener->stop[0], .events = POLLIN } };

	while (atomic_load(&listener->came) < CAME_MOST) {
		int fd;

		if (poll(at, 2, -1) <= 0 || at[1].revents != 0)
			break;
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		atomic_fetch_add(&listener->came, 1);
		answer(fd, listener->text);
		close(fd);
	}
	return NULL;
}

/* Which address of this machine is next to the target: no datagram is sent for it. */
static bool own_address(const struct link_target *target, struct sockaddr_storage *ret_own, socklen_t *ret_size)
{
	struct sockaddr_storage to;
	socklen_t size = link_sockaddr(&target->address, target->port, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	*ret_size = sizeof(*ret_own);
	found = fd >= 0 && connect(fd, (struct sockaddr *)&to, size) == 0 &&
		getsockname(fd, (struct sockaddr *)ret_own, ret_size) == 0;
	if (fd >= 0)
		close(fd);
	return found;
}

static bool bind_to(struct listener *listener, const struct link_target *target)
{
	struct sockaddr_storage own = { 0 };
	socklen_t size = sizeof(own);
	char text[INET6_ADDRSTRLEN];

	if (!own_address(target, &own, &size))
		return false;
	if (own.ss_family == AF_INET) {
		struct sockaddr_in *v4 = (void *)&own;

		v4->sin_port = 0;
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(listener->address, sizeof(listener->address), "%s", text);
	} else {
		struct sockaddr_in6 *v6 = (void *)&own;

		v6->sin6_port = 0;
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(listener->address, sizeof(listener->address), "[%s]", text);
	}
	listener->fd = socket(own.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 || bind(listener->fd, (struct sockaddr *)&own, size) != 0 ||
	    listen(listener->fd, 16) != 0 || getsockname(listener->fd, (struct sockaddr *)&own, &size) != 0)
		return false;
	listener->port = ntohs(own.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&own)->sin_port
							: ((struct sockaddr_in6 *)(void *)&own)->sin6_port);
	return true;
}

static void close_all(struct listener *listener)
{
	const int fds[] = { listener->fd, listener->stop[0], listener->stop[1] };

	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

bool listen_begin(struct listener *listener, const struct link_target *target, const char *text)
{
	memset(listener, 0, sizeof(*listener));
	listener->fd = listener->stop[0] = listener->stop[1] = -1;
	listener->text = text;
	if (bind_to(listener, target) && pipe2(listener->stop, O_CLOEXEC) == 0 &&
	    pthread_create(&listener->thread, NULL, serve, listener) == 0)
		return true;
	close_all(listener);
	return false;
}

unsigned listen_came(const struct listener *listener)
{
	return atomic_load(&listener->came);
}

void listen_end(struct listener *listener)
{
	close(listener->stop[1]); /* which its thread sees as an event */
	listener->stop[1] = -1;
	pthread_join(listener->thread, NULL);
	close_all(listener);
}
