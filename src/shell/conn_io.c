/* The life of a connection: accepted, settled after whatever happened, retired, freed at the end of a turn. */
#include "shell/conn_io.h"
#include "shell/penalty.h"

#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/close_reason.h"
#include "base/mem.h"
#include "shell/fall_note.h"
#include "shell/tls_stream.h"

/* FIRST_PART: whoever sends much at once is read more of, once it is seen that it is not very many messages. */
enum { LITTLE = 16384, FIRST_PART = 2048 / CONN_PART };
#define FLUSH_NS ((uint64_t)10 * 1000000000) /* to take the last octets */
#define WATCH_NS ((uint64_t)20 * 1000000000) /* after it the upstream is watched: sooner it would tell nothing */
#define SECOND_NS ((uint64_t)1000000000)
#define LINGER_NS ((uint64_t)2 * 1000000000) /* to answer our FIN */

void conn_io_close_side(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];

	if (side->state == SIDE_LINGER)
		connection->worker->lingering--;
	if (which == FW_UPSTREAM)
		worker_dials_forget(connection);
	if (side->state == SIDE_WAITING && connection->name != NULL)
		resolve_forget(connection->name, &connection->wait);
	tls_stream_free(side->tls);
	if (side->fd >= 0)
		close(side->fd);
	*side = (struct conn_side){ .source = side->source, .state = SIDE_CLOSED, .fd = -1, .cut_ns = UINT64_MAX };
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

/* Must the peer's end be waited for? The client is told ours first and may still be sending: closing at once would
 * answer that with an RST, which can overtake the close frame. Nothing follows its own close frame (RFC 6455 5.5.1),
 * but where TLS is spoken its close_notify does. An upstream is a server and closes first (RFC 6455 7.1.1), so that it,
 * and not a port of ours, is kept in TIME_WAIT; one that never became a WebSocket has nothing to wait for. */
static bool lingers(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;

	if (side->eof || worker->stopping || worker->lingering >= LIMIT_LINGERING)
		return false;
	if (which == FW_CLIENT && side->said_all && !side->readable && side->tls == NULL)
		return false;
	return which == FW_UPSTREAM ? connection->settled : shutdown(side->fd, SHUT_WR) == 0;
}

static bool at_rest(const struct conn_side *side)
{
	return side->state == SIDE_NONE || side->state == SIDE_LINGER || side->state == SIDE_CLOSED;
}

/* It counts for its address no more. */
static void release(struct connection *connection)
{
	if (connection->admitted)
		store_release(connection->worker->options->store, &connection->peer);
	connection->admitted = false;
}

/* The last octet of a side is written. */
static void finish_side(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;

	if (side->state != SIDE_ENDING)
		return;
	if (side->securing) { /* nothing can be said: the peer does not understand it yet */
		conn_io_close_side(connection, which);
		return;
	}
	if (connection->conn != NULL && fw_conn_output(connection->conn, which).size != 0)
		return;
	if (side->tls != NULL && !conn_io_tls_finish(connection, which))
		return;
	/* Before the client sees the end: who comes again at once must not meet a limit that he himself filled. */
	if (which == FW_CLIENT && connection->done && at_rest(&connection->sides[FW_UPSTREAM]))
		release(connection);
	if (!lingers(connection, which)) {
		conn_io_close_side(connection, which);
		return;
	}
	side->tls = tls_stream_free(side->tls); /* what still comes is not read, so it need not be understood */
	side->state = SIDE_LINGER;
	side->blocked = false; /* nothing is written to it any more: the other side need not wait */
	side->cut_ns = worker_now(worker)->monotonic_ns + LINGER_NS;
	worker->lingering++;
}

/* The engine has nothing more to do for this connection. */
static void retire(struct connection *connection)
{
	struct worker *worker = connection->worker;

	worker_hub_leave(worker, connection);
	worker_asks_forget(connection);
	connection->conn = fw_conn_free(connection->conn);
	release(connection);
}

/* Out of every list but dirty and queue. Freed at the end of the turn: the poller may still have an event of it. */
static void bury(struct connection *connection)
{
	struct worker *worker = connection->worker;

	connection->dead = true;
	if (worker->recheck == connection)
		worker->recheck = connection->next;
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	timers_cancel(&worker->timers, &connection->timer);
	connection->next = worker->dead;
	worker->dead = connection;
	worker_connection_ended(worker);
}

static uint64_t deadline(const struct connection *connection)
{
	uint64_t at = connection->conn != NULL && !connection->done ? fw_conn_deadline(connection->conn) : UINT64_MAX;

	for (unsigned i = 0; i < 2; i++)
		if (connection->sides[i].cut_ns < at)
			at = connection->sides[i].cut_ns;
	if (connection->slow_ns != 0 && connection->slow_ns < at)
		at = connection->slow_ns;
	/* From the last turn on; the wheel keeps the earliest, so that it comes even if there is always another. */
	if (!connection->watched && connection->sides[FW_UPSTREAM].state == SIDE_OPEN &&
	    worker_now(connection->worker)->monotonic_ns + WATCH_NS < at)
		at = connection->worker->now.monotonic_ns + WATCH_NS;
	return at;
}

static void settle(struct connection *connection)
{
	struct conn_side *client = &connection->sides[FW_CLIENT], *upstream = &connection->sides[FW_UPSTREAM];

	conn_io_announce_read(connection);
	if (connection->conn != NULL)
		conn_io_exchange(connection);
	finish_side(connection, FW_UPSTREAM);
	finish_side(connection, FW_CLIENT);
	conn_io_forget(connection, FW_CLIENT);
	conn_io_forget(connection, FW_UPSTREAM);
	if (connection->conn != NULL && connection->done && at_rest(client) && at_rest(upstream))
		retire(connection);
	if (connection->conn == NULL && client->fd < 0 && upstream->fd < 0) {
		bury(connection);
		return;
	}
	/* Asked last: what was closed just now may have been what kept the other side from being read. Others have
	 * their turn first. */
	if (conn_io_has_more(connection))
		conn_io_queue(connection);
	timers_set(&connection->worker->timers, &connection->timer, deadline(connection));
}

/* Much of what a connection has to be judged is read here: should that fell the gate, it was for this one. */
void conn_io_settle(struct connection *connection)
{
	const struct fw_addr *before = fall_note_peer;

	if (connection->dead)
		return;
	fall_note_peer = &connection->peer;
	settle(connection);
	fall_note_peer = before;
}

static bool sends_little(const struct connection *connection)
{
	struct fw_conn *conn = connection->conn;

	return conn == NULL || fw_conn_output(conn, FW_CLIENT).size + fw_conn_output(conn, FW_UPSTREAM).size <= LITTLE;
}

void conn_io_ready(struct conn_side *side, uint32_t events)
{
	enum fw_side which = side->source.kind == SOURCE_UPSTREAM ? FW_UPSTREAM : FW_CLIENT;
	struct connection *connection =
		(struct connection *)((char *)(side - which) - offsetof(struct connection, sides));

	if (side->fd < 0)
		return;
	fall_note_peer = &connection->peer;
	worker_now(connection->worker);
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		side->readable = true;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		side->ended = true;
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		side->reset = true;
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
		side->blocked = false;
	if (side->state == SIDE_DIALLING && !side->securing)
		conn_io_dialled(connection, (events & (EPOLLHUP | EPOLLERR)) == 0);
	if (connection->settled && side->many) {
		conn_io_queue(connection);
		fall_note_peer = NULL;
		return;
	}
	/* Written at the end of the turn, all connections in a row. Between reads of others each write would find the
	 * process of the peer asleep again, and waking it costs more than the write; and members of the hub get more
	 * from others in the same turn. What is much goes at once: it would only take memory. */
	if (connection->settled && conn_io_receive(connection, which) && sends_little(connection))
		conn_io_mark(connection);
	else
		conn_io_settle(connection);
	fall_note_peer = NULL;
}

void conn_io_timer_due(struct connection *connection)
{
	uint64_t now = worker_now(connection->worker)->monotonic_ns;

	if (connection->conn != NULL && !connection->done && fw_conn_deadline(connection->conn) <= now)
		fw_conn_tick(connection->conn);
	if (connection->slow_ns <= now)
		connection->slow_ns = 0;
	conn_io_watch_upstream(connection);
	if (connection->announcing && connection->sides[FW_CLIENT].cut_ns <= now)
		conn_io_announce_late(connection);
	for (unsigned i = 0; i < 2; i++) {
		if (connection->sides[i].cut_ns > now)
			continue;
		conn_io_close_side(connection, (enum fw_side)i);
		if (connection->conn != NULL && !connection->done)
			fw_conn_lost(connection->conn, (enum fw_side)i);
	}
	conn_io_settle(connection);
}

void conn_io_slow(struct connection *connection)
{
	connection->slow_ns = worker_now(connection->worker)->monotonic_ns + PENALTY_SLOW_NS;
}

void conn_io_calm(struct connection *connection)
{
	if (worker_now(connection->worker)->monotonic_ns < connection->calm_ns)
		conn_io_slow(connection);
	else
		connection->calm_ns = 0;
}

void conn_io_restrict(struct connection *connection, struct fw_slice user)
{
	struct worker *worker = connection->worker;
	uint64_t until_ns[STORE_RESTRICTIONS];

	store_restricted(worker->options->store, &connection->peer, user, connection->issued_wall_us,
			 worker_now(worker)->monotonic_ns, until_ns);
	connection->calm_ns = until_ns[STORE_RESTRICT_slow];
	fw_conn_restrict(connection->conn, FW_RESTRICT_READ_ONLY, until_ns[STORE_RESTRICT_isolate]);
	fw_conn_restrict(connection->conn, FW_RESTRICT_STEP_UP, until_ns[STORE_RESTRICT_step_up]);
}

void conn_io_end(struct connection *connection, unsigned close_reason)
{
	if (connection->announcing) { /* nobody who could be told */
		connection->announcing = false;
		conn_io_close_side(connection, FW_CLIENT);
		conn_io_mark(connection);
	}
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
		conn_io_exchange(connection);
	}
	for (unsigned i = 0; i < 2; i++) {
		conn_io_close_side(connection, (enum fw_side)i);
		if (connection->conn != NULL && !connection->done) {
			fw_conn_lost(connection->conn, (enum fw_side)i);
			conn_io_drain(connection);
		}
	}
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_TRACE, "cut", NULL);
	connection->done = true; /* also should the engine wait for something still */
	conn_io_settle(connection);
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
		ret_options->peer = addr_of_v6(v6->sin6_addr.s6_addr);
		ret_options->peer_port = ntohs(v6->sin6_port);
	}
}

static void begin(struct connection *connection, struct worker *worker, int fd)
{
	for (unsigned i = 0; i < 2; i++)
		connection->sides[i] =
			(struct conn_side){ .source = { i == FW_CLIENT ? SOURCE_CLIENT : SOURCE_UPSTREAM },
					    .part = FIRST_PART,
					    .fd = -1,
					    .cut_ns = UINT64_MAX };
	connection->sides[FW_CLIENT].fd = fd;
	connection->sides[FW_CLIENT].state = SIDE_OPEN;
	connection->worker = worker;
	connection->next = worker->connections;
	connection->link = &worker->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	worker->connections = connection;
}

void conn_io_open(struct connection *connection, const struct fw_conn_options *options)
{
	bool plain;

	connection->conn = fw_conn_new(connection->worker->engine, options);
	if (connection->conn == NULL)
		conn_io_close_side(connection, FW_CLIENT);
	else if (!conn_io_tls_begin(connection, FW_CLIENT, &plain) && !plain)
		conn_io_cut(connection);
}

void conn_io_accepted(struct worker *worker, int fd, const struct sockaddr_storage *peer)
{
	struct connection *connection = mem_zero(1, sizeof(*connection));
	struct fw_conn_options options = { .user = connection };

	if (connection == NULL ||
	    !poller_add(&worker->poller, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, &connection->sides[FW_CLIENT].source)) {
		mem_free(connection);
		close(fd);
		return;
	}
	peer_address(peer, &options);
	connection->peer = options.peer;
	connection->since_s = (uint32_t)(worker_now(worker)->monotonic_ns / SECOND_NS);
	begin(connection, worker, fd);
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_TRACE, "accepted", NULL);
	if (conn_io_announce_awaited(worker))
		conn_io_announce_begin(connection);
	else
		conn_io_open(connection, &options);
	conn_io_settle(connection);
}
