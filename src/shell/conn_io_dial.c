/* The upstream's socket: an address, a connection, another address when that one refuses. */
#include <stddef.h>
#include <unistd.h>

#include "shell/conn_io.h"
#include "shell/dial.h"
#include "shell/fall_note.h"
#include "shell/gate_listen.h"

static void failed(struct connection *connection)
{
	connection->sides[FW_UPSTREAM].state = SIDE_CLOSED;
	fw_conn_dialled(connection->conn, false);
}

/* A connected socket is not enough for wss://: the engine is told when the upstream has shown who it is. */
static void secure(struct connection *connection)
{
	bool plain;

	if (conn_io_tls_begin(connection, FW_UPSTREAM, &plain))
		return;
	conn_io_close_side(connection, FW_UPSTREAM);
	fw_conn_dial_failed(connection->conn, "memory for TLS");
}

/* False: it cannot be watched, and is closed. */
static bool take_socket(struct connection *connection, int fd)
{
	struct conn_side *side = &connection->sides[FW_UPSTREAM];

	side->fd = fd;
	side->state = SIDE_DIALLING;
	side->watches_out = true;
	if (poller_add(&connection->worker->poller, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &side->source))
		return true;
	conn_io_close_side(connection, FW_UPSTREAM);
	return false;
}

/* The next address that lets itself be asked; none: the engine is told. */
static void try_next(struct connection *connection)
{
	union resolve_address address;
	socklen_t size;

	while ((size = resolve_pick(connection->name, connection->dial_first, connection->dial_tried,
				    connection->dial_port, &address)) != 0) {
		int fd = dial_socket(&address, size);

		connection->dial_tried++;
		if (fd >= 0 && worker_accept_spares(connection->worker, fd)) {
			close(fd);
			worker_record_overload(connection->worker, "descriptors");
			break;
		}
		if (fd >= 0 && take_socket(connection, fd))
			return;
	}
	conn_io_tell(connection, LOG_upstream, LOG_LEVEL_DEBUG,
		     connection->name->count == 0 ? "no address is known of" : "no address lets itself be connected of",
		     connection->name->host);
	failed(connection);
}

static void begin(struct connection *connection)
{
	connection->dial_first = connection->name->good;
	connection->dial_tried = 0;
	try_next(connection);
}

void conn_io_dial(struct connection *connection, const struct fw_dial *dial)
{
	struct worker *worker = connection->worker;
	struct conn_side *side = &connection->sides[FW_UPSTREAM];
	bool ready = false, asks = worker->dials.fd >= 0;

	connection->proxied = true;
	connection->dial_port = dial->port;
	connection->dial_tls = dial->tls;
	connection->name = NULL;
	conn_io_tell(connection, LOG_upstream, LOG_LEVEL_TRACE, "dials", dial->host);
	if (side->state == SIDE_NONE && asks)
		connection->name = resolve_entry(&worker->resolve, dial->host);
	else if (side->state == SIDE_NONE)
		connection->name = resolve_ask(&worker->resolve, dial->host, worker_now(worker)->monotonic_ns,
					       &connection->wait, &ready);
	if (connection->name == NULL) {
		failed(connection);
	} else if (ready) {
		begin(connection);
	} else {
		side->state = SIDE_WAITING;
		if (asks)
			worker_dials_ask(connection);
	}
}

void conn_io_handed(struct connection *connection, unsigned result, int fd)
{
	static const char *const causes[DIAL_RESULTS] = {
		[DIAL_CONNECTED] = "no descriptor is left for",
		[DIAL_UNKNOWN] = "no address is known of",
		[DIAL_REFUSED] = "no address lets itself be connected of",
		[DIAL_FORBIDDEN] = "the keeper knows no upstream",
		[DIAL_BUSY] = "the keeper cannot connect now to",
	};
	struct worker *worker = connection->worker;

	fall_note_peer = &connection->peer;
	if (result == DIAL_CONNECTED && (fd < 0 || worker_accept_spares(worker, fd))) {
		worker_record_overload(worker, "descriptors");
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (fd >= 0 && take_socket(connection, fd)) {
		conn_io_dialled(connection, true);
	} else {
		conn_io_tell(connection, LOG_upstream, LOG_LEVEL_DEBUG, causes[result], connection->name->host);
		failed(connection);
	}
	conn_io_settle(connection);
	fall_note_peer = NULL;
}

void conn_io_resolved(struct resolve_waiter *waiter)
{
	struct connection *connection = (struct connection *)((char *)waiter - offsetof(struct connection, wait));

	worker_now(connection->worker);
	if (connection->sides[FW_UPSTREAM].state != SIDE_WAITING)
		return;
	begin(connection);
	conn_io_settle(connection);
}

void conn_io_dialled(struct connection *connection, bool connected)
{
	struct conn_side *side = &connection->sides[FW_UPSTREAM];
	struct resolve_name *name = connection->name;

	if (!connected) {
		conn_io_close_side(connection, FW_UPSTREAM);
		try_next(connection);
		return;
	}
	if (name->count != 0)
		name->good = (uint8_t)((connection->dial_first + connection->dial_tried - 1) % name->count);
	if (connection->dial_tls) {
		secure(connection);
		return;
	}
	conn_io_tell(connection, LOG_upstream, LOG_LEVEL_TRACE, "connected to", name->host);
	side->state = SIDE_OPEN;
	fw_conn_dialled(connection->conn, true);
}

void conn_io_watch_upstream(struct connection *connection)
{
	if (connection->watched || connection->sides[FW_UPSTREAM].state != SIDE_OPEN)
		return;
	connection->watched = true;
	gate_listen_watch(connection->sides[FW_UPSTREAM].fd, gate_user_timeout_ms(connection->worker->policy));
}
