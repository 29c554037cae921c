#include "shell/conn_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/close_reason.h"
#include "base/mem.h"

/* FIRST_READ: a connection that is not open yet has no use for more, and the engine keeps what it cannot use yet. */
enum { FIRST_READ = LIMIT_HEAD_BYTES };
#define FLUSH_NS ((uint64_t)10 * 1000000000)  /* to take the last octets */
#define LINGER_NS ((uint64_t)2 * 1000000000)  /* to answer our FIN */

static void on_poll(uv_poll_t *handle, int status, int events);

static void unlink_all(struct connection *connection)
{
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	timers_cancel(&connection->worker->timers, &connection->timer);
}

static void free_when_closed(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (!connection->dead || connection->dirty || connection->sides[FW_CLIENT].polled || connection->sides[FW_UPSTREAM].polled)
		return;
	unlink_all(connection);
	mem_free(connection);
	worker_connection_ended(worker);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	struct conn_side *upstream = &connection->sides[FW_UPSTREAM];

	if (handle == (uv_handle_t *)&upstream->poll) {
		upstream->polled = false;
		if (connection->conn != NULL && upstream->state == SIDE_DIALLING) {
			conn_io_dial_retry(connection);
			return;
		}
	} else {
		connection->sides[FW_CLIENT].polled = false;
	}
	free_when_closed(connection);
}

bool conn_io_open_side(struct connection *connection, enum fw_side which, int fd)
{
	struct conn_side *side = &connection->sides[which];

	if (uv_poll_init(&connection->worker->loop, &side->poll, fd) != 0) {
		close(fd);
		return false;
	}
	side->poll.data = connection;
	side->polled = true;
	side->fd = fd;
	side->watched = 0;
	return true;
}

void conn_io_close_side(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];

	if (side->state == SIDE_LINGER)
		connection->worker->lingering--;
	if (side->state == SIDE_WAITING && connection->name != NULL)
		resolve_forget(connection->name, connection);
	side->state = SIDE_CLOSED;
	side->cut_ns = UINT64_MAX;
	side->watched = 0;
	if (side->fd < 0)
		return;
	uv_close((uv_handle_t *)&side->poll, on_closed);
	close(side->fd);
	side->fd = -1;
}

void conn_io_hang_up(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];

	switch (side->state) {
	case SIDE_OPEN:
		side->state = SIDE_ENDING;
		side->cut_ns = worker_now(connection->worker)->monotonic_ns + FLUSH_NS;
		break;
	case SIDE_NONE:
	case SIDE_WAITING:
	case SIDE_DIALLING:
		conn_io_close_side(connection, which);
		break;
	default:
		break;
	}
}

/* The peer is gone: by a FIN it may still read what waits for it, after an error nothing can be written either. */
static void lost(struct connection *connection, enum fw_side which, bool broken)
{
	struct conn_side *side = &connection->sides[which];

	side->eof = true;
	conn_io_hang_up(connection, which);
	if (broken)
		conn_io_close_side(connection, which);
	if (connection->conn != NULL)
		fw_conn_lost(connection->conn, which);
}

/* Writes what the engine has for a side. True when that may have changed something for the engine. */
static bool write_side(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	bool moved = false;

	while (!side->blocked && (side->state == SIDE_OPEN || side->state == SIDE_ENDING)) {
		struct fw_slice output = fw_conn_output(connection->conn, which);
		ssize_t sent;

		if (output.size == 0)
			break;
		sent = send(side->fd, output.data, output.size, MSG_NOSIGNAL);
		if (sent > 0) {
			fw_conn_sent(connection->conn, which, (size_t)sent);
			side->blocked = (size_t)sent < output.size;
		} else if (sent < 0 && errno == EAGAIN) {
			side->blocked = true;
			break;
		} else if (sent == 0 || errno != EINTR) {
			lost(connection, which, true);
		}
		moved = true;
	}
	return moved;
}

/* A side whose last octet is written says so to the peer and waits for the peer's own end. */
static void finish_side(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;

	if (side->state != SIDE_ENDING)
		return;
	if (connection->conn != NULL && fw_conn_output(connection->conn, which).size != 0)
		return;
	if (side->eof || worker->stopping || worker->lingering >= LIMIT_LINGERING || shutdown(side->fd, SHUT_WR) != 0) {
		conn_io_close_side(connection, which);
		return;
	}
	side->state = SIDE_LINGER;
	side->cut_ns = worker_now(worker)->monotonic_ns + LINGER_NS;
	worker->lingering++;
}

/* The engine has nothing more to do for this connection. */
static void retire(struct connection *connection)
{
	struct worker *worker = connection->worker;

	worker_hub_leave(worker, connection);
	connection->conn = fw_conn_free(connection->conn);
	if (connection->admitted)
		store_release(worker->options->store, &connection->peer);
	connection->admitted = false;
}

static int wanted(const struct connection *connection, enum fw_side which)
{
	const struct conn_side *side = &connection->sides[which];
	int events = side->blocked ? UV_WRITABLE : 0;
	/* Where the other side does not take what it is sent, nothing more is read for it. */
	bool wants = side->state == SIDE_OPEN && !connection->sides[!which].blocked && fw_conn_wants(connection->conn, which);

	switch (side->state) {
	case SIDE_DIALLING:
		return side->fd >= 0 ? UV_WRITABLE : 0;
	case SIDE_OPEN:
		return events | (wants ? UV_READABLE : 0);
	case SIDE_ENDING:
		return events;
	case SIDE_LINGER:
		return UV_READABLE;
	default:
		return 0;
	}
}

static void watch(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	int events = wanted(connection, which);

	if (side->fd < 0 || events == side->watched)
		return;
	if (events != 0)
		uv_poll_start(&side->poll, events, on_poll);
	else
		uv_poll_stop(&side->poll);
	side->watched = (uint8_t)events;
}

static uint64_t deadline(const struct connection *connection)
{
	uint64_t at = connection->conn != NULL && !connection->done ? fw_conn_deadline(connection->conn) : UINT64_MAX;

	for (unsigned i = 0; i < 2; i++)
		if (connection->sides[i].cut_ns < at)
			at = connection->sides[i].cut_ns;
	return at;
}

static bool at_rest(const struct conn_side *side)
{
	return side->state == SIDE_NONE || side->state == SIDE_LINGER || side->state == SIDE_CLOSED;
}

void conn_io_settle(struct connection *connection)
{
	struct conn_side *client = &connection->sides[FW_CLIENT], *upstream = &connection->sides[FW_UPSTREAM];

	if (connection->dead)
		return;
	if (connection->conn != NULL) {
		do
			conn_io_drain(connection);
		while (write_side(connection, FW_UPSTREAM) | write_side(connection, FW_CLIENT));
	}
	finish_side(connection, FW_CLIENT);
	finish_side(connection, FW_UPSTREAM);
	if (connection->conn != NULL && connection->done && at_rest(client) && at_rest(upstream))
		retire(connection);
	if (connection->conn == NULL && client->fd < 0 && upstream->fd < 0) {
		connection->dead = true;
		free_when_closed(connection);
		return;
	}
	watch(connection, FW_CLIENT);
	watch(connection, FW_UPSTREAM);
	timers_set(&connection->worker->timers, &connection->timer, deadline(connection));
}

static void receive(struct connection *connection, enum fw_side which)
{
	struct worker *worker = connection->worker;
	struct conn_side *side = &connection->sides[which];
	ssize_t size = recv(side->fd, worker->scratch, connection->settled ? WORKER_SCRATCH : FIRST_READ, 0);

	if (size > 0) {
		fw_conn_receive(connection->conn, which, worker->scratch, (size_t)size);
		conn_io_drain(connection); /* only now may the scratch memory be used again */
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		lost(connection, which, size < 0);
	}
}

static void forget(struct connection *connection, enum fw_side which)
{
	ssize_t size = recv(connection->sides[which].fd, connection->worker->scratch, WORKER_SCRATCH, 0);

	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
		conn_io_close_side(connection, which);
}

/* Members of the hub get more from others in the same turn: what they are sent is written once, at its end. */
static void settle_soon(struct connection *connection)
{
	if (connection->member_link != NULL)
		conn_io_mark(connection);
	else
		conn_io_settle(connection);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct connection *connection = handle->data;
	enum fw_side which = handle == &connection->sides[FW_CLIENT].poll ? FW_CLIENT : FW_UPSTREAM;
	struct conn_side *side = &connection->sides[which];

	worker_now(connection->worker);
	if (status < 0) { /* an error waits on the socket; libuv watches no more */
		side->watched = 0;
		events = UV_READABLE | UV_WRITABLE;
	}
	if ((events & UV_WRITABLE) != 0)
		side->blocked = false;
	switch (side->state) {
	case SIDE_DIALLING:
		conn_io_dial_ready(connection);
		break;
	case SIDE_OPEN:
		if ((events & UV_READABLE) != 0)
			receive(connection, which);
		break;
	case SIDE_LINGER:
		forget(connection, which);
		break;
	case SIDE_ENDING:
		if (status < 0)
			lost(connection, which, true);
		break;
	default:
		break;
	}
	settle_soon(connection);
}

void conn_io_timer_due(struct connection *connection)
{
	uint64_t now = worker_now(connection->worker)->monotonic_ns;

	if (connection->conn != NULL && !connection->done && fw_conn_deadline(connection->conn) <= now)
		fw_conn_tick(connection->conn);
	for (unsigned i = 0; i < 2; i++) {
		if (connection->sides[i].cut_ns > now)
			continue;
		conn_io_close_side(connection, (enum fw_side)i);
		if (connection->conn != NULL && !connection->done)
			fw_conn_lost(connection->conn, (enum fw_side)i);
	}
	conn_io_settle(connection);
}

void conn_io_mark(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->dirty || connection->dead)
		return;
	connection->dirty = true;
	connection->dirty_next = worker->dirty;
	worker->dirty = connection;
}

void conn_io_push(struct connection *connection)
{
	if (connection->conn != NULL)
		write_side(connection, FW_CLIENT);
}

void conn_io_flush_all(struct worker *worker)
{
	while (worker->dirty != NULL) {
		struct connection *connection = worker->dirty;

		worker->dirty = connection->dirty_next;
		connection->dirty_next = NULL;
		connection->dirty = false;
		if (connection->dead)
			free_when_closed(connection);
		else
			conn_io_settle(connection);
	}
}

void conn_io_end(struct connection *connection, unsigned close_reason)
{
	if (connection->conn == NULL || connection->done)
		return;
	fw_conn_end(connection->conn, close_reason);
	conn_io_mark(connection);
}

void conn_io_cut(struct connection *connection)
{
	if (connection->dead)
		return;
	if (connection->conn != NULL && !connection->done) {
		fw_conn_end(connection->conn, CLOSE_DRAIN);
		conn_io_drain(connection);
		while (write_side(connection, FW_UPSTREAM) | write_side(connection, FW_CLIENT))
			conn_io_drain(connection);
	}
	for (unsigned i = 0; i < 2; i++) {
		conn_io_close_side(connection, (enum fw_side)i);
		if (connection->conn != NULL && !connection->done) {
			fw_conn_lost(connection->conn, (enum fw_side)i);
			conn_io_drain(connection);
		}
	}
	connection->done = true; /* also should the engine wait for something still */
	conn_io_settle(connection);
}

static void link_all(struct connection *connection)
{
	struct worker *worker = connection->worker;

	connection->next = worker->connections;
	connection->link = &worker->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	worker->connections = connection;
}

static void peer_address(const struct sockaddr_storage *peer, struct fw_conn_options *ret_options)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;

	if (peer->ss_family == AF_INET) {
		ret_options->peer.family = 4;
		memcpy(ret_options->peer.bytes, &v4->sin_addr, 4);
		ret_options->peer_port = ntohs(v4->sin_port);
	} else if (peer->ss_family == AF_INET6) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);

		/* On a socket for both families an IPv4 client has a mapped address: the same client, the same limits. */
		ret_options->peer.family = mapped ? 4 : 6;
		memcpy(ret_options->peer.bytes, v6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
		ret_options->peer_port = ntohs(v6->sin6_port);
	}
}

void conn_io_accepted(struct worker *worker, int fd, const struct sockaddr_storage *peer)
{
	struct connection *connection = mem_zero(1, sizeof(*connection));
	struct fw_conn_options options = { .user = connection };

	if (connection == NULL) {
		close(fd);
		return;
	}
	peer_address(peer, &options);
	connection->worker = worker;
	connection->peer = options.peer;
	for (unsigned i = 0; i < 2; i++) {
		connection->sides[i].fd = -1;
		connection->sides[i].cut_ns = UINT64_MAX;
	}
	connection->conn = fw_conn_new(worker->engine, &options);
	if (connection->conn == NULL || !conn_io_open_side(connection, FW_CLIENT, fd)) {
		if (connection->conn == NULL)
			close(fd);
		fw_conn_free(connection->conn);
		mem_free(connection);
		return;
	}
	connection->sides[FW_CLIENT].state = SIDE_OPEN;
	link_all(connection);
	conn_io_settle(connection);
}
