/* Octets between sockets and engine. */
#include <errno.h>

#include "base/mem.h"
#include "engine/counters.h"
#include "shell/conn_io.h"

/* FIRST_READ: a connection that is not open yet has no use for more, and the engine keeps what it cannot use yet.
 * ROUNDS: a connection that always has something to read leaves room for the others after so many reads. PART:
 * messages of a read behind which others have their turn, about: of the smallest ones ten thousand have room in the
 * scratch memory, and take some twenty milliseconds. Control frames are counted alike. MANY: the end of a burst is a
 * read of few messages, too, so one such says nothing yet. */
enum { FIRST_READ = LIMIT_HEAD_BYTES, ROUNDS = 4, PART = 32, MANY = 16 };

void conn_io_lost(struct connection *connection, enum fw_side which, bool broken)
{
	connection->sides[which].eof = true;
	conn_io_hang_up(connection, which);
	if (broken)
		conn_io_close_side(connection, which);
	if (connection->conn != NULL)
		fw_conn_lost(connection->conn, which);
}

ssize_t conn_io_recv(struct conn_side *side, uint8_t *ret_octets, size_t most)
{
	ssize_t size = side->last_read ? 0 : recv(side->fd, ret_octets, most, 0);

	/* Less than was asked for: nothing is left, and what comes later the poller tells; except an end that it told
	 * already. Where that is a FIN, this was all there was before it, and nobody need ask the kernel. */
	if (size >= 0) {
		if ((size_t)size < most && !side->ended)
			side->readable = false;
		side->last_read = (size_t)size < most && side->ended && !side->reset;
		return size;
	}
	if (errno == EAGAIN)
		side->readable = false;
	return errno == EAGAIN || errno == EINTR ? READ_NOTHING : READ_BROKEN;
}

/* Where the other side does not take what it is sent, nothing more is read for it. */
static bool may_read(const struct connection *connection, enum fw_side which)
{
	const struct conn_side *side = &connection->sides[which];

	return side->readable && side->state == SIDE_OPEN && connection->conn != NULL &&
	       (which != FW_CLIENT || connection->slow_ns == 0) && !connection->sides[!which].blocked &&
	       fw_conn_wants(connection->conn, which) && (side->tls == NULL || conn_io_tls_may_read(side));
}

static ssize_t read_side(struct connection *connection, enum fw_side which, size_t most)
{
	struct conn_side *side = &connection->sides[which];

	if (side->tls != NULL)
		return conn_io_tls_read(connection, which, most);
	return conn_io_recv(side, connection->worker->scratch, most);
}

/* What is decrypted comes by the record, however little of it is read. */
static size_t most_at_once(const struct connection *connection, const struct conn_side *side)
{
	size_t most = connection->settled && connection->calm_ns == 0 ? WORKER_SCRATCH : FIRST_READ;
	size_t part = (size_t)side->part * CONN_PART;

	if (side->tls != NULL && part < FIRST_READ && part != 0)
		part = FIRST_READ;
	return part == 0 || part > most ? most : part;
}

/* After a read that had many messages the next one is so much smaller; after one that was full and had few, larger. */
static void portion(struct conn_side *side, size_t size, uint64_t messages)
{
	size_t part = (size_t)side->part * CONN_PART;

	if (messages > PART / 2)
		side->many = MANY;
	else if (side->many != 0)
		side->many--;
	if (messages > PART)
		part = size * PART / messages < CONN_PART ? CONN_PART : size * PART / messages;
	else if (size + size / 8 >= part) /* of TLS there is less than was read */
		part *= 2;
	side->part = part / CONN_PART <= UINT8_MAX ? (uint8_t)(part / CONN_PART) : 0;
}

static uint64_t messages(const struct worker *worker, enum fw_side which)
{
	const uint64_t *counters = engine_counters(worker->engine);

	return which == FW_CLIENT ? counters[COUNT_messages_in] + counters[COUNT_control_frames_in]
				  : counters[COUNT_messages_out];
}

bool conn_io_receive(struct connection *connection, enum fw_side which)
{
	struct worker *worker = connection->worker;
	bool login = !connection->settled;
	uint64_t before = messages(worker, which);
	ssize_t size;

	if (connection->sides[which].securing)
		return conn_io_tls_shake(connection, which);
	if (!may_read(connection, which))
		return false;
	size = read_side(connection, which, most_at_once(connection, &connection->sides[which]));
	if (size == READ_NOTHING)
		return false;
	if (size <= 0) {
		conn_io_lost(connection, which, size != 0);
		return true;
	}
	fw_conn_receive(connection->conn, which, worker->scratch, (size_t)size);
	conn_io_drain(connection); /* only now may the scratch memory be used again */
	before = messages(worker, which) - before;
	portion(&connection->sides[which], (size_t)size, before);
	worker->read += (size_t)size + (size_t)before * (CONN_TURN / PART);
	if (which == FW_CLIENT && connection->calm_ns != 0)
		conn_io_calm(connection);
	if (login)
		mem_wipe(worker->scratch, (size_t)size); /* a password or a token, perhaps */
	return true;
}

void conn_io_block(struct connection *connection, struct conn_side *side)
{
	side->blocked = true;
	if (!side->watches_out)
		poller_change(&connection->worker->poller, side->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
			      &side->source);
	side->watches_out = true;
}

bool conn_io_write(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	bool moved = false;

	if (side->tls != NULL)
		return conn_io_tls_write(connection, which);
	while (!side->blocked && (side->state == SIDE_OPEN || side->state == SIDE_ENDING)) {
		struct fw_slice output = fw_conn_output(connection->conn, which);
		ssize_t sent;

		if (output.size == 0)
			break;
		/* The last octets for a client leave with the FIN that follows at once, in one packet. */
		sent = send(side->fd, output.data, output.size,
			    MSG_NOSIGNAL | (which == FW_CLIENT && side->state == SIDE_ENDING ? MSG_MORE : 0));
		if (sent >= 0) {
			fw_conn_sent(connection->conn, which, (size_t)sent);
			if ((size_t)sent < output.size)
				conn_io_block(connection, side);
		} else if (errno == EAGAIN) {
			conn_io_block(connection, side);
		} else if (errno != EINTR) {
			conn_io_lost(connection, which, true);
		}
		moved = true;
	}
	return moved;
}

void conn_io_exchange(struct connection *connection)
{
	const struct conn_side *sides = connection->sides;
	bool moved = true;

	for (unsigned rounds = 0; moved; rounds++) {
		moved = false;
		if (rounds < (sides[FW_CLIENT].part != 0 || sides[FW_UPSTREAM].part != 0 ? 1 : ROUNDS)) {
			moved |= conn_io_receive(connection, FW_CLIENT);
			moved |= conn_io_receive(connection, FW_UPSTREAM);
		}
		conn_io_drain(connection);
		moved |= conn_io_write(connection, FW_UPSTREAM);
		moved |= conn_io_write(connection, FW_CLIENT);
	}
}

void conn_io_forget(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];

	for (unsigned i = 0; i < ROUNDS && side->state == SIDE_LINGER && side->readable; i++) {
		ssize_t size = conn_io_recv(side, connection->worker->scratch, WORKER_SCRATCH);

		if (size > 0)
			connection->worker->read += (size_t)size;
		if (size == 0 || size == READ_BROKEN)
			conn_io_close_side(connection, which);
	}
}

bool conn_io_has_more(const struct connection *connection)
{
	for (unsigned i = 0; i < 2; i++)
		if (may_read(connection, (enum fw_side)i) ||
		    (connection->sides[i].securing && connection->sides[i].readable) ||
		    (connection->sides[i].state == SIDE_LINGER && connection->sides[i].readable))
			return true;
	return false;
}
