/* The upstream's socket: an address, a connection, another address when that one refuses. */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "shell/conn_io.h"
#include "shell/gate_listen.h"

/* A socket that is connecting, or -1: this address will not do. */
static int connect_to(const union resolve_address *address, socklen_t size)
{
	static const int one = 1;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &address->any, size) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

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

/* The next address that lets itself be asked; none: the engine is told. */
static void try_next(struct connection *connection)
{
	struct conn_side *side = &connection->sides[FW_UPSTREAM];
	union resolve_address address;
	socklen_t size;

	while ((size = resolve_pick(connection->name, connection->dial_first, connection->dial_tried,
				    connection->dial_port, &address)) != 0) {
		int fd = connect_to(&address, size);

		connection->dial_tried++;
		if (fd >= 0 && worker_accept_spares(connection->worker, fd)) {
			close(fd);
			worker_record_overload(connection->worker, "descriptors");
			break;
		}
		if (fd < 0)
			continue;
		side->fd = fd;
		side->state = SIDE_DIALLING;
		side->watches_out = true;
		if (poller_add(&connection->worker->poller, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
			       &side->source))
			return;
		conn_io_close_side(connection, FW_UPSTREAM);
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
	bool ready = false;

	connection->proxied = true;
	connection->dial_port = dial->port;
	connection->dial_tls = dial->tls;
	connection->name = NULL;
	conn_io_tell(connection, LOG_upstream, LOG_LEVEL_TRACE, "dials", dial->host);
	if (side->state == SIDE_NONE)
		connection->name =
			resolve_ask(&worker->resolve, dial->host, worker_now(worker)->monotonic_ns, connection, &ready);
	if (connection->name == NULL)
		failed(connection);
	else if (ready)
		begin(connection);
	else
		side->state = SIDE_WAITING;
}

void conn_io_resolved(struct connection *connection)
{
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
