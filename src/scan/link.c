#include "scan/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/slice.h"

uint64_t link_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t link_now(void)
{
	return link_now_us() / 1000;
}

const char *link_result_text(enum link_result result)
{
	switch (result) {
	case LINK_OK:
		return "ok";
	case LINK_TIMEOUT:
		return "no answer in time";
	case LINK_CLOSED:
		return "closed by the server";
	case LINK_BROKEN:
		return "no connection";
	case LINK_BUDGET:
		return "the check has used up the traffic or the time that it may take";
	case LINK_TLS:
		return "no TLS connection, or a certificate that is not trusted";
	case LINK_LOCAL:
	default:
		return "this machine did not let it";
	}
}

static struct fw_addr addr_of(const struct sockaddr *from)
{
	struct fw_addr addr = { .family = 4 };

	if (from->sa_family == AF_INET6)
		return addr_of_v6(((const struct sockaddr_in6 *)(const void *)from)->sin6_addr.s6_addr);
	memcpy(addr.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	return addr;
}

unsigned link_sockaddr(const struct fw_addr *addr, uint16_t port, struct sockaddr_storage *ret_to)
{
	struct sockaddr_in *v4 = (void *)ret_to;
	struct sockaddr_in6 *v6 = (void *)ret_to;

	memset(ret_to, 0, sizeof(*ret_to));
	if (addr->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, addr->bytes, 16);
	return sizeof(*v6);
}

/* An address of IPv4 is preferred: there are many loopback addresses to come from. */
static const char *resolve(struct link_target *target)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;

	if (getaddrinfo(target->host, NULL, &hints, &found) != 0 || found == NULL)
		return "the host's name has no address";
	target->address = addr_of(found->ai_addr);
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
		if (at->ai_family == AF_INET) {
			target->address = addr_of(at->ai_addr);
			break;
		}
	freeaddrinfo(found);
	return NULL;
}

/* What a request line and a field can have. */
static bool is_plain(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
			return false;
	return true;
}

static const char *read_port(struct fw_slice text, uint16_t *ret_port)
{
	unsigned port = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.data[i]) || port > 6553)
			return "the port is a number up to 65535";
		port = port * 10 + (unsigned)(text.data[i] - '0');
	}
	if (text.size == 0 || port == 0 || port > 65535)
		return "the port is a number up to 65535";
	*ret_port = (uint16_t)port;
	return NULL;
}

const char *link_target_read(const char *url, struct link_target *ret_target)
{
	struct link_target *target = ret_target;
	struct fw_slice rest = slice_text(url), host;
	const char *fault;
	size_t size = 0, port_at;
	bool six;

	memset(target, 0, sizeof(*target));
	target->tls = slice_starts(rest, "wss://");
	if (!target->tls && !slice_starts(rest, "ws://"))
		return "a URL begins with ws:// or wss://";
	rest = slice_from(rest, target->tls ? 6 : 5);
	if (rest.data == NULL || !is_plain(rest) || memchr(rest.data, '#', rest.size) != NULL ||
	    memchr(rest.data, '@', rest.size) != NULL)
		return "the URL has a character that does not belong there";
	while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?')
		size++;
	host = slice(rest.data, size);
	snprintf(target->path, sizeof(target->path), "%s%.*s", size < rest.size && rest.data[size] == '/' ? "" : "/",
		 (int)(rest.size - size), (const char *)rest.data + size);
	if (rest.size - size + 2 > sizeof(target->path) || host.size + 1 > sizeof(target->host) || host.size == 0)
		return "the URL has no host, or is too long";
	snprintf(target->authority, sizeof(target->authority), "%.*s", (int)host.size, (const char *)host.data);
	target->port = target->tls ? 443 : 80;
	six = host.data[0] == '[';
	for (port_at = 0; port_at < host.size; port_at++)
		if (host.data[port_at] == (six ? ']' : ':'))
			break;
	if (six && port_at == host.size)
		return "the address in brackets has no end";
	snprintf(target->host, sizeof(target->host), "%.*s", (int)(port_at - six), (const char *)host.data + six);
	port_at += six;
	if (port_at < host.size) {
		fault = host.data[port_at] == ':' ? read_port(slice_from(host, port_at + 1), &target->port)
						  : "behind the address comes a port";
		if (fault != NULL)
			return fault;
	}
	return resolve(target);
}

static enum link_result wait_for(const struct link *link, short events, uint64_t end)
{
	struct pollfd at = { .fd = link->fd, .events = events };
	uint64_t now = link_now();
	int count;

	if (now >= end)
		return LINK_TIMEOUT;
	do
		count = poll(&at, 1, (int)(end - now));
	while (count < 0 && errno == EINTR);
	return count > 0 ? LINK_OK : count == 0 ? LINK_TIMEOUT : LINK_LOCAL;
}

static enum link_result begin(struct link *link, const struct link_target *target, const struct fw_addr *source,
			      uint64_t end)
{
	struct sockaddr_storage to, from;
	socklen_t to_size = link_sockaddr(&target->address, target->port, &to), size = sizeof(int);
	int fault = 0, one = 1;
	enum link_result result;

	link->fd =
		socket(target->address.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return LINK_LOCAL;
	(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (source->family == target->address.family) {
		(void)setsockopt(link->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(link->fd, (struct sockaddr *)&from, link_sockaddr(source, 0, &from)) != 0)
			return LINK_LOCAL;
	}
	if (connect(link->fd, (struct sockaddr *)&to, to_size) == 0)
		return LINK_OK;
	if (errno != EINPROGRESS)
		return errno == ECONNREFUSED ? LINK_BROKEN : LINK_LOCAL;
	result = wait_for(link, POLLOUT, end);
	if (result == LINK_OK && (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0 || fault != 0))
		result = LINK_BROKEN;
	return result;
}

/* What OpenSSL waits for; or why it does not. */
static enum link_result tls_wait(struct link *link, int done, uint64_t end)
{
	switch (SSL_get_error(link->tls, done)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(link, POLLIN, end);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(link, POLLOUT, end);
	case SSL_ERROR_ZERO_RETURN:
		return LINK_CLOSED;
	default:
		ERR_clear_error();
		return LINK_BROKEN;
	}
}

static enum link_result begin_tls(struct link *link, const struct link_target *target, uint64_t end)
{
	struct fw_addr address;
	int done;

	link->tls = SSL_new(target->context);
	if (link->tls == NULL || SSL_set_fd(link->tls, link->fd) != 1)
		return LINK_LOCAL;
	if (addr_parse(slice_text(target->host), &address)) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->tls), target->host);
	} else {
		SSL_set_tlsext_host_name(link->tls, target->host);
		SSL_set1_host(link->tls, target->host);
	}
	while ((done = SSL_connect(link->tls)) != 1) {
		enum link_result result = tls_wait(link, done, end);

		if (result != LINK_OK)
			return result == LINK_TIMEOUT ? result : LINK_TLS;
	}
	return LINK_OK;
}

enum link_result link_open(struct link *link, const struct link_target *target, const struct fw_addr *source,
			   struct link_budget *budget, unsigned ms)
{
	uint64_t end = link_now() + ms;
	enum link_result result;

	*link = (struct link){ .fd = -1, .budget = budget };
	if (budget->connections >= budget->most_connections || (budget->until != 0 && link_now() >= budget->until))
		return LINK_BUDGET;
	budget->connections++;
	result = begin(link, target, source, end);
	if (result == LINK_OK && target->tls)
		result = begin_tls(link, target, end);
	if (result != LINK_OK)
		link_close(link);
	return result;
}

static bool may(const struct link *link, size_t more)
{
	return link->budget->sent + link->budget->received + more <= link->budget->most &&
	       (link->budget->until == 0 || link_now() < link->budget->until);
}

enum link_result link_send(struct link *link, const void *octets, size_t size, unsigned ms)
{
	const uint8_t *at = octets;
	uint64_t end = link_now() + ms;
	enum link_result result = LINK_OK;

	if (link->fd < 0)
		return LINK_CLOSED;
	if (!may(link, size))
		return LINK_BUDGET;
	while (size != 0 && result == LINK_OK) {
		ssize_t done;

		if (link->tls != NULL) {
			done = SSL_write(link->tls, at, size > 65536 ? 65536 : (int)size);
			if (done <= 0)
				result = tls_wait(link, (int)done, end);
		} else {
			done = send(link->fd, at, size, MSG_NOSIGNAL);
			if (done < 0 && (errno == EAGAIN || errno == EINTR))
				result = wait_for(link, POLLOUT, end);
			else if (done < 0)
				result = LINK_BROKEN;
		}
		if (done > 0) {
			at += done;
			size -= (size_t)done;
			link->budget->sent += (uint64_t)done;
		}
	}
	return result;
}

enum link_result link_receive(struct link *link, uint8_t *ret_octets, size_t room, size_t *ret_size, unsigned ms)
{
	uint64_t end = link_now() + ms;
	enum link_result result = LINK_OK;

	*ret_size = 0;
	if (link->fd < 0)
		return LINK_CLOSED;
	if (!may(link, 1))
		return LINK_BUDGET;
	while (result == LINK_OK) {
		ssize_t done;

		if (link->tls != NULL) {
			done = SSL_read(link->tls, ret_octets, room > 65536 ? 65536 : (int)room);
			if (done <= 0)
				result = tls_wait(link, (int)done, end);
		} else {
			done = recv(link->fd, ret_octets, room, 0);
			if (done == 0)
				result = LINK_CLOSED;
			else if (done < 0)
				result = errno == EAGAIN || errno == EINTR ? wait_for(link, POLLIN, end) : LINK_BROKEN;
		}
		if (done > 0) {
			*ret_size = (size_t)done;
			link->budget->received += (uint64_t)done;
			return LINK_OK;
		}
	}
	return result;
}

void link_close(struct link *link)
{
	SSL_free(link->tls);
	if (link->fd >= 0)
		close(link->fd);
	link->tls = NULL;
	link->fd = -1;
}
