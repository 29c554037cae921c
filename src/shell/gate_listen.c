#include "shell/gate_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, PORT_TRIES = 32 };

struct places {
	union resolve_address addresses[WORKER_LISTENERS];
	unsigned count;
	bool both;     /* the one IPv6 socket takes IPv4 clients too */
	bool optional; /* addresses that this machine does not have are left out */
	unsigned user_timeout_ms;
};

static void add_place(struct places *places, const void *address, size_t size)
{
	if (places->count < WORKER_LISTENERS && size <= sizeof(places->addresses[0])) {
		memset(&places->addresses[places->count], 0, sizeof(places->addresses[0]));
		memcpy(&places->addresses[places->count++], address, size);
	}
}

static void add_v4(struct places *places, uint32_t address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	add_place(places, &v4, sizeof(v4));
}

static void add_v6(struct places *places, struct in6_addr address)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = address };

	add_place(places, &v6, sizeof(v6));
}

static bool has_v6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* 0, or an error of getaddrinfo. */
static int find_places(const char *host, struct places *places)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list, *each;
	int error;

	if (host[0] == '\0') {
		places->both = has_v6();
		if (places->both)
			add_v6(places, in6addr_any);
		else
			add_v4(places, INADDR_ANY);
		return 0;
	}
	if (strcmp(host, "localhost") == 0) {
		places->optional = true;
		add_v4(places, INADDR_LOOPBACK);
		add_v6(places, in6addr_loopback);
		return 0;
	}
	error = getaddrinfo(host, NULL, &hints, &list);
	if (error != 0)
		return error;
	for (each = list; each != NULL; each = each->ai_next)
		add_place(places, each->ai_addr, each->ai_addrlen);
	freeaddrinfo(list);
	return places->count != 0 ? 0 : EAI_NONAME;
}

static void set_port(union resolve_address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET)
		address->v4.sin_port = htons(port);
	else
		address->v6.sin6_port = htons(port);
}

void gate_listen_timeout(int fd, unsigned user_timeout_ms)
{
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
}

void gate_listen_watch(int fd, unsigned user_timeout_ms)
{
	static const int one = 1, idle_s = 60, interval_s = 15, probes = 4;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	gate_listen_timeout(fd, user_timeout_ms);
}

/* A bound socket, or -1 with errno. Options that a connection is to have are set here: accepted sockets inherit them,
 * which saves a system call for each. */
static int bind_one(const struct places *places, unsigned index, uint16_t port, bool shared)
{
	static const int one = 1;
	const int v6only = !places->both;
	union resolve_address address = places->addresses[index];
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	set_port(&address, port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	gate_listen_watch(fd, places->user_timeout_ms);
	if (address.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if ((!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0) &&
	    bind(fd, &address.any, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static uint16_t port_of(int fd)
{
	union resolve_address address = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(address);

	if (getsockname(fd, &address.any, &size) != 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

/* SO_REUSEPORT lets two servers of one user share a port without a word. So the port is first asked for alone. */
static bool port_is_free(struct places *places, uint16_t port)
{
	unsigned i = 0;

	while (i < places->count) {
		int fd = bind_one(places, i, port, false);

		if (fd >= 0) {
			close(fd);
			i++;
			continue;
		}
		if (!places->optional || places->count == 1 || (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT))
			return false;
		memmove(&places->addresses[i], &places->addresses[i + 1],
			(--places->count - i) * sizeof(places->addresses[0]));
	}
	return true;
}

static void close_all(struct gate_listen *listen_to, unsigned workers)
{
	for (unsigned w = 0; w < workers; w++)
		for (unsigned i = 0; i < WORKER_LISTENERS; i++)
			if (listen_to->fds[w][i] >= 0)
				close(listen_to->fds[w][i]);
}

static int open_all(const struct places *places, unsigned workers, struct gate_listen *ret_listen)
{
	for (unsigned w = 0; w < workers; w++) {
		for (unsigned i = 0; i < places->count; i++) {
			int fd = bind_one(places, i, ret_listen->port, true);

			ret_listen->fds[w][i] = fd;
			if (fd < 0 || listen(fd, BACKLOG) != 0)
				return -1;
			if (ret_listen->port == 0)
				ret_listen->port = port_of(fd);
		}
	}
	return 0;
}

static int try_port(struct places *places, uint16_t port, unsigned workers, struct gate_listen *ret_listen)
{
	int error;

	if (!port_is_free(places, port))
		return -1;
	memset(ret_listen->fds, 0xff, sizeof(ret_listen->fds));
	ret_listen->port = port;
	ret_listen->families = places->count;
	if (open_all(places, workers, ret_listen) == 0)
		return 0;
	error = errno;
	close_all(ret_listen, workers);
	errno = error;
	return -1;
}

static const char *what_to_do(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; stop what listens there, or choose another port with --listen HOST:PORT";
	case EACCES:
		return "; choose a port from 1024, or give the program the right to lower ones";
	case EADDRNOTAVAIL:
		return "; choose an address of this machine with --listen HOST:PORT";
	default:
		return "";
	}
}

int gate_listen_open(const char *host, uint16_t port, unsigned workers, unsigned user_timeout_ms,
		     struct gate_listen *ret_listen, const char **reterr_text)
{
	static char text[512];
	struct places places = { .user_timeout_ms = user_timeout_ms };
	int error = find_places(host, &places), result;
	unsigned tries = 0;

	*reterr_text = text;
	if (error != 0) {
		snprintf(text, sizeof(text), "cannot listen on %s: %s", host, gai_strerror(error));
		return -1;
	}
	do /* with port 0 the port that is free on one address may be taken on the other */
		result = try_port(&places, port, workers, ret_listen);
	while (result != 0 && port == 0 && errno == EADDRINUSE && ++tries < PORT_TRIES);
	if (result != 0)
		snprintf(text, sizeof(text), "cannot listen on %s:%u: %s%s", host, port, strerror(errno),
			 what_to_do(errno));
	return result;
}
