/* Syslog over TCP (RFC 6587, octet counting) and TLS (RFC 5425). Nobody acknowledges a message there. What the other
 * side's kernel has acknowledged may still lie in its memory, unread, when the receiver dies: so the last KiB of what
 * was acknowledged (receiver->resend) are not certain, and are sent again on the next connection. What makes all of it
 * certain is a close in order: we say that there is no more, and the receiver closes after it has read to that end; one
 * that closes with something unread resets the connection. So a connection at rest is closed in order, too. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/sender_parts.h"

enum { URL = 700, CLOSE_MS = 1000, KIB = 1024 };
#define REST_NS ((uint64_t)60000000000)

struct sender_stream {
	CURLM *multi;
	struct sender_curl curl;
	int fd;		 /* libcurl's */
	uint64_t octets; /* that were taken, since the connection began */
	struct buf out;	 /* framed */
};

static enum sender_result why(struct sender *sender, const char *text)
{
	snprintf(sender->why, sizeof(sender->why), "%s", text);
	return SENDER_FAILED;
}

static void forget(struct sender *sender)
{
	struct sender_stream *stream = sender->stream;

	if (stream == NULL)
		return;
	sender_curl_close(stream->multi, &stream->curl);
	curl_multi_cleanup(stream->multi);
	buf_clear(&stream->out, &sender->pool);
	mem_free(stream);
	sender->stream = NULL;
}

/* libcurl connects, and shakes hands; what goes over it is ours. */
static bool prepare(struct sender *sender, struct sender_stream *stream)
{
	const struct receiver *receiver = sender->receiver;
	bool tls = receiver->kind == RECEIVER_TLS;
	const char *name = receiver->server_name != NULL ? receiver->server_name : receiver->host;
	char url[URL];
	int size = snprintf(url, sizeof(url), strchr(name, ':') != NULL ? "%s://[%s]:%s/" : "%s://%s:%s/",
			    tls ? "https" : "http", name, receiver->port);

	stream->curl.guard.any_address = true; /* receivers of syslog are on private networks nearly always */
	stream->multi = curl_multi_init();
	if (stream->multi == NULL || size < 0 || size >= (int)sizeof(url)) {
		why(sender, "memory is short");
		return false;
	}
	if (receiver->server_name != NULL &&
	    !sender_curl_connect_to(sender, &stream->curl, receiver->host, receiver->port))
		return false;
	return sender_curl_open(sender, &stream->curl, url) &&
	       curl_easy_setopt(stream->curl.easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
	       curl_easy_setopt(stream->curl.easy, CURLOPT_SSL_ENABLE_ALPN, 0L) == CURLE_OK;
}

static enum sender_result open_stream(struct sender *sender)
{
	struct sender_stream *stream = sender->stream = mem_zero(1, sizeof(*stream));
	enum sender_result result;
	curl_socket_t fd;

	if (stream == NULL)
		return why(sender, "memory is short");
	result = prepare(sender, stream) ? sender_curl_perform(sender, stream->multi, &stream->curl) : SENDER_FAILED;
	if (result == SENDER_SENT && curl_easy_getinfo(stream->curl.easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
	    fd != CURL_SOCKET_BAD) {
		stream->fd = fd;
		sender->opened_ns = sender->last_ns = uv_hrtime();
		return SENDER_SENT;
	}
	if (result == SENDER_SENT)
		result = why(sender, "the connection ended at once");
	forget(sender);
	return result;
}

/* What a receiver of syslog says is of no use; that it closed is. */
static enum sender_result listen_to(struct sender *sender)
{
	struct sender_stream *stream = sender->stream;
	char octets[4096];
	CURLcode code;
	size_t got;

	do
		code = curl_easy_recv(stream->curl.easy, octets, sizeof(octets), &got);
	while (code == CURLE_OK && got != 0);
	if (code == CURLE_AGAIN)
		return SENDER_SENT;
	if (code == CURLE_OK)
		return why(sender, "the receiver closed the connection");
	return sender_curl_failed(sender, &stream->curl, (int)code);
}

static void settle(struct sender *sender)
{
	const struct sender_stream *stream = sender->stream;
	uint64_t unsure = (uint64_t)sender->receiver->resend * KIB;
	int waiting; /* octets that were not acknowledged: with TLS more than there are of messages in them */

	if (ioctl(stream->fd, SIOCOUTQ, &waiting) != 0 || waiting < 0)
		return;
	unsure += (uint64_t)waiting;
	if (unsure < stream->octets)
		delivery_window_settle(&sender->window, stream->octets - unsure, &sender->settled);
}

/* Some of it; how much is taken off. */
static enum sender_result push(struct sender *sender, bool *ret_moved)
{
	struct sender_stream *stream = sender->stream;
	size_t sent = 0;
	CURLcode code = curl_easy_send(stream->curl.easy, buf_data(&stream->out), buf_size(&stream->out), &sent);

	*ret_moved = code == CURLE_OK && sent != 0;
	if (code == CURLE_AGAIN)
		return SENDER_SENT;
	if (code != CURLE_OK)
		return sender_curl_failed(sender, &stream->curl, (int)code);
	stream->octets += sent;
	buf_consume(&stream->out, &sender->pool, sent);
	return SENDER_SENT;
}

static enum sender_result push_all(struct sender *sender)
{
	struct sender_stream *stream = sender->stream;
	uint64_t patience = (uint64_t)sender->receiver->timeout * 1000 * SENDER_MS, moved_ns = uv_hrtime();
	enum sender_result result = SENDER_SENT;

	while (result == SENDER_SENT && buf_size(&stream->out) != 0) {
		short events = 0;
		bool moved;

		result = push(sender, &moved);
		if (result != SENDER_SENT)
			break;
		if (moved) {
			moved_ns = uv_hrtime();
			continue;
		}
		if (uv_hrtime() - moved_ns > patience)
			return why(sender, "the receiver takes nothing any more");
		if (sender_patience(sender, CLOSE_MS) == 0)
			return SENDER_STOPPED;
		sender_poll(sender, stream->fd, POLLIN | POLLOUT, CLOSE_MS, &events);
		if ((events & ~POLLOUT) != 0)
			result = listen_to(sender);
	}
	return result;
}

static enum sender_result send_stream(struct sender *sender, struct sender_batch *batch)
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), line;
	enum sender_result result = SENDER_SENT;
	short events;

	if (sender->stream == NULL)
		result = open_stream(sender);
	else if (sender_poll(sender, sender->stream->fd, POLLIN, 0, &events) != 0)
		result = listen_to(sender);
	if (result != SENDER_SENT)
		return result;
	while (delivery_line(&lines, &line))
		if (delivery_frame(line, &sender->stream->out, &sender->pool) != 0)
			return why(sender, "memory is short");
	result = push_all(sender);
	if (result != SENDER_SENT)
		return result;
	if (!delivery_window_add(&sender->window, &batch->last, sender->stream->octets))
		return why(sender, "memory is short");
	settle(sender);
	return SENDER_UNSURE;
}

/* Reads on to the end of the other side. True: it came in order, and all that was sent had been acknowledged. */
static bool await_end(int fd)
{
	uint64_t until = uv_hrtime() + CLOSE_MS * SENDER_MS, now;
	char octets[4096];
	int waiting;

	while ((now = uv_hrtime()) < until) {
		ssize_t got = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		if (got == 0)
			return ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting == 0;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (got < 0)
			poll(&poll_fd, 1, (int)((until - now) / SENDER_MS) + 1);
	}
	return false;
}

/* With TLS libcurl says our last word; another descriptor keeps the connection open for the other side's. */
static bool close_stream(struct sender *sender, bool in_order)
{
	int fd = -1;
	bool ended;

	if (sender->stream == NULL)
		return sender->window.count == 0;
	if (in_order && buf_size(&sender->stream->out) == 0)
		fd = fcntl(sender->stream->fd, F_DUPFD_CLOEXEC, 0);
	forget(sender);
	if (fd < 0)
		return false;
	shutdown(fd, SHUT_WR);
	ended = await_end(fd);
	close(fd);
	return ended;
}

static enum sender_result rest(struct sender *sender)
{
	if (close_stream(sender, true)) {
		delivery_window_settle(&sender->window, UINT64_MAX, &sender->settled);
		return SENDER_SENT;
	}
	/* What this one has shows nothing but its next connection: once is enough. */
	sender->stays_open = true;
	return why(sender, "the receiver did not close the connection at its end");
}

static enum sender_result wait_stream(struct sender *sender, int milliseconds)
{
	short events;

	if (sender->stream == NULL) {
		sender_poll(sender, -1, 0, milliseconds, &events);
		return SENDER_SENT;
	}
	settle(sender);
	if (sender->window.count != 0 && !sender->stays_open && uv_hrtime() - sender->last_ns > REST_NS)
		return rest(sender);
	if (sender_poll(sender, sender->stream->fd, POLLIN, milliseconds, &events) == 0)
		return SENDER_SENT;
	return listen_to(sender);
}

const struct sender_transport sender_stream = { send_stream, wait_stream, close_stream };
