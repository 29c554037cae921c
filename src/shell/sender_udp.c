/* Syslog over UDP (RFC 5426): a datagram a record. Nothing tells that one was lost on the way; that nobody listens
 * does, where the other machine says so. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"
#include "shell/sender_parts.h"

/* ROW: datagrams in a row, between which receivers have a moment to read. */
enum { DATAGRAM = 65000, ROW = 16, ROW_MS = 1, WAIT_MS = 1000 };

static enum sender_result cannot(struct sender *sender)
{
	snprintf(sender->why, sizeof(sender->why), "cannot send to %.100s:%s: %s", sender->receiver->host,
		 sender->receiver->port, strerror(errno));
	return SENDER_FAILED;
}

static bool close_udp(struct sender *sender, bool in_order)
{
	if (sender->socket >= 0)
		close(sender->socket);
	sender->socket = -1;
	return in_order;
}

static enum sender_result open_udp(struct sender *sender)
{
	struct addrinfo *addresses = sender_resolve(sender, SOCK_DGRAM);

	if (addresses == NULL)
		return sender_stopping(sender) ? SENDER_STOPPED : SENDER_FAILED;
	for (const struct addrinfo *at = addresses; at != NULL && sender->socket < 0; at = at->ai_next) {
		sender->socket = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (sender->socket >= 0 && connect(sender->socket, at->ai_addr, at->ai_addrlen) != 0) {
			int reason = errno;

			close_udp(sender, false);
			errno = reason;
		}
	}
	freeaddrinfo(addresses);
	return sender->socket >= 0 ? SENDER_SENT : cannot(sender);
}

static enum sender_result send_one(struct sender *sender, struct fw_slice message)
{
	short events;

	for (;;) {
		if (send(sender->socket, message.data, message.size, MSG_NOSIGNAL) >= 0)
			return SENDER_SENT;
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return cannot(sender);
		if (sender_patience(sender, WAIT_MS) == 0)
			return SENDER_STOPPED;
		sender_poll(sender, errno == EAGAIN ? sender->socket : -1, POLLOUT, ROW_MS, &events);
	}
}

static enum sender_result send_udp(struct sender *sender, struct sender_batch *batch)
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), line;
	enum sender_result result = sender->socket >= 0 ? SENDER_SENT : open_udp(sender);
	struct pollfd error = { .fd = sender->socket, .events = 0 };
	unsigned row = 0;

	while (result == SENDER_SENT && delivery_line(&lines, &line)) {
		result = send_one(sender, delivery_datagram(line, DATAGRAM));
		if (++row % ROW == 0 || lines.size == 0)
			poll(&error, 1, ROW_MS); /* what the other machine says of the last of them comes now */
	}
	if (result == SENDER_SENT && (error.revents & POLLERR) != 0) {
		socklen_t size = sizeof(errno);

		if (getsockopt(sender->socket, SOL_SOCKET, SO_ERROR, &errno, &size) == 0 && errno != 0)
			return cannot(sender);
	}
	return result;
}

const struct sender_transport sender_udp = { send_udp, NULL, close_udp };
