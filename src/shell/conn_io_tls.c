/* TLS between a socket and the engine. One recv takes what is there and all of it is decrypted at once, so that nothing
 * hides in OpenSSL that no event would tell of: "readable" and "blocked" mean what they mean for a plain side. What
 * OpenSSL gives is sent by one send; what the socket does not take is kept with the stream, and the side is blocked. */
#include <errno.h>

#include "crypto/certificate.h"
#include "base/mem.h"
#include "shell/conn_io.h"
#include "shell/tls_stream.h"

/* FIRST_READ: as for plain sides, the engine keeps what it cannot use yet. ANSWERS: what OpenSSL may answer by itself
 * (alerts, key updates) to a peer that does not read it. */
enum { FIRST_READ = LIMIT_HEAD_BYTES, ANSWERS = 2 * TLS_STREAM_MOST };
enum { NAMES_MOST = 65536 }; /* octets of the names of a certificate */

static enum fw_side which_of(const struct connection *connection, const struct conn_side *side)
{
	return side == &connection->sides[FW_CLIENT] ? FW_CLIENT : FW_UPSTREAM;
}

static struct fw_slice waiting(const struct connection *connection, const struct conn_side *side)
{
	return tls_stream_waiting(side->tls, connection->worker->tls_io);
}

/* Sends what waits. flags: as of send. False: the peer is gone, or memory is. */
static bool flush(struct connection *connection, struct conn_side *side, int flags)
{
	struct tls_io *io = connection->worker->tls_io;
	size_t before = tls_stream_kept(side->tls);
	struct fw_slice out;

	while (!side->blocked && (out = waiting(connection, side)).size != 0) {
		ssize_t sent = send(side->fd, out.data, out.size, MSG_NOSIGNAL | flags);

		if (sent >= 0)
			tls_stream_sent(side->tls, io, (size_t)sent);
		if (sent >= 0 ? (size_t)sent < out.size : errno == EAGAIN)
			conn_io_block(connection, side);
		else if (sent < 0 && errno != EINTR) {
			io->out_size = 0; /* other streams use this memory */
			return false;
		}
	}
	if (!tls_stream_keep(side->tls, io))
		return false;
	/* The engine thinks it sent: how long its peer takes none of it is still the engine's business. */
	if (tls_stream_kept(side->tls) != before && connection->conn != NULL)
		fw_conn_held(connection->conn, which_of(connection, side), tls_stream_kept(side->tls) != 0);
	return true;
}

bool conn_io_tls_may_read(const struct conn_side *side)
{
	return tls_stream_kept(side->tls) < ANSWERS;
}

bool conn_io_tls_begin(struct connection *connection, enum fw_side which, bool *ret_plain)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;

	*ret_plain = false;
	if (which == FW_CLIENT)
		side->tls = tls_stream_accept(worker->options->tls, worker->tls_io, ret_plain);
	else
		side->tls = tls_stream_connect(worker->options->tls, worker->tls_io, connection->name->host);
	if (side->tls == NULL)
		return false;
	side->securing = true;
	(void)flush(connection, side, 0); /* a peer that is gone already is seen by the read that follows */
	return true;
}

void conn_io_tls_recheck(struct connection *connection)
{
	const struct conn_side *side = &connection->sides[FW_CLIENT];

	if (side->tls != NULL && !side->securing && !tls_stream_trusted(side->tls, connection->worker->options->tls))
		fw_conn_distrust(connection->conn);
}

static void secured(struct connection *connection, const struct tls_facts *facts)
{
	struct fw_security security = { .version = facts->version, .cipher = facts->cipher };
	struct certificate_facts names;
	struct arena arena;

	arena_init(&arena, NAMES_MOST);
	if (facts->certificate) {
		tls_stream_names(connection->sides[FW_CLIENT].tls, &arena, &names);
		security.certificate = facts->fingerprint;
		security.names = &names.certificate;
	}
	fw_conn_secured(connection->conn, &security);
	arena_fini(&arena);
	conn_io_tls_recheck(connection); /* it may have shaken hands by what was before */
}

static void opened(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct tls_facts facts = tls_stream_facts(side->tls);

	side->securing = false;
	if (which == FW_CLIENT) {
		secured(connection, &facts);
	} else {
		side->state = SIDE_OPEN;
		fw_conn_dialled(connection->conn, true);
	}
}

/* The handshake came to nothing. cause NULL: the peer went away, which is no news. */
static void refused(struct connection *connection, enum fw_side which, const char *cause)
{
	if (which == FW_UPSTREAM) {
		fw_conn_dial_failed(connection->conn, cause != NULL ? cause : "TLS: closed during the handshake");
		conn_io_close_side(connection, FW_UPSTREAM);
		return;
	}
	if (cause == NULL) {
		conn_io_lost(connection, FW_CLIENT, true);
		return;
	}
	/* Its alert is out. The stream stays, so that nothing leaves in plain, and the socket waits for the peer's end:
	 * closed with octets unread it would send an RST, which can overtake the alert. */
	connection->sides[FW_CLIENT].securing = false;
	fw_conn_refuse(connection->conn, cause, false);
	fw_conn_lost(connection->conn, FW_CLIENT);
}

/* nginx and others say it the same way: a person who forgot the "s" reads it. */
static void speak_plainly(struct connection *connection)
{
	struct conn_side *side = &connection->sides[FW_CLIENT];

	side->tls = tls_stream_free(side->tls);
	side->securing = false;
	connection->worker->tls_io->out_size = 0;
	fw_conn_refuse(connection->conn, "HTTP without TLS came to a port that speaks TLS: use wss:// or https://",
		       true);
}

static void after_shaking(struct connection *connection, enum fw_side which, bool sent, size_t size)
{
	struct conn_side *side = &connection->sides[which];

	switch (tls_stream_state(side->tls)) {
	case TLS_STREAM_SHAKING:
		if (!sent)
			refused(connection, which, NULL);
		break;
	case TLS_STREAM_PLAIN:
		speak_plainly(connection);
		break;
	case TLS_STREAM_FAILED:
		refused(connection, which, tls_stream_failure(side->tls));
		break;
	case TLS_STREAM_OPEN:
	case TLS_STREAM_ENDED:
		opened(connection, which);
		side->readable |= tls_stream_state(side->tls) == TLS_STREAM_ENDED; /* its end is read next */
		if (size != 0)
			fw_conn_receive(connection->conn, which, connection->worker->scratch, size);
		break;
	}
}

bool conn_io_tls_shake(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;
	struct tls_io *io = worker->tls_io;
	ssize_t size;
	size_t plain;
	bool sent;

	if (!side->readable || connection->conn == NULL || worker->handshakes >= LIMIT_TLS_HANDSHAKES)
		return false;
	size = conn_io_recv(side, io->read, FIRST_READ);
	if (size == READ_NOTHING)
		return false;
	if (size <= 0) {
		refused(connection, which, NULL);
		return true;
	}
	worker->handshakes++;
	plain = tls_stream_take(side->tls, io, io->read, (size_t)size, worker->scratch,
				WORKER_SCRATCH + TLS_STREAM_SLACK);
	if (tls_stream_state(side->tls) == TLS_STREAM_PLAIN)
		io->out_size = 0; /* an alert, which such a client cannot read */
	sent = flush(connection, side, 0);
	after_shaking(connection, which, sent, plain);
	conn_io_drain(connection); /* only now may the scratch memory be used again */
	mem_wipe(worker->scratch, plain);
	return true;
}

ssize_t conn_io_tls_read(struct connection *connection, enum fw_side which, size_t most)
{
	struct conn_side *side = &connection->sides[which];
	struct worker *worker = connection->worker;
	struct tls_io *io = worker->tls_io;
	ssize_t size;
	size_t plain;

	if (tls_stream_state(side->tls) == TLS_STREAM_ENDED)
		return 0;
	if (tls_stream_state(side->tls) == TLS_STREAM_FAILED)
		return READ_BROKEN;
	/* A FIN without a last word: what was cut off matters to RFC 6455's frames, not to us; a loss of the peer. */
	size = conn_io_recv(side, io->read, most);
	if (size <= 0)
		return size;
	plain = tls_stream_take(side->tls, io, io->read, (size_t)size, worker->scratch,
				WORKER_SCRATCH + TLS_STREAM_SLACK);
	if (!flush(connection, side, 0) && plain == 0)
		return READ_BROKEN;
	if (tls_stream_state(side->tls) != TLS_STREAM_OPEN)
		side->readable = true; /* the end is read next */
	if (plain != 0)
		return (ssize_t)plain;
	if (tls_stream_state(side->tls) == TLS_STREAM_ENDED)
		return 0;
	return tls_stream_state(side->tls) == TLS_STREAM_FAILED ? READ_BROKEN : READ_NOTHING;
}

bool conn_io_tls_write(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];
	struct tls_io *io = connection->worker->tls_io;
	bool moved = false;

	while (!side->blocked && side->tls != NULL) {
		struct fw_slice output = fw_conn_output(connection->conn, which);
		bool last = which == FW_CLIENT && side->state == SIDE_ENDING;
		size_t size = output.size < TLS_STREAM_MOST ? output.size : TLS_STREAM_MOST;

		if (side->securing || (side->state != SIDE_OPEN && side->state != SIDE_ENDING))
			size = 0;
		if (size == 0 && tls_stream_kept(side->tls) == 0)
			break;
		if (size != 0 && !tls_stream_give(side->tls, io, output.data, size)) {
			conn_io_lost(connection, which, true);
			return true;
		}
		if (size != 0)
			fw_conn_sent(connection->conn, which, size);
		moved |= size != 0;
		/* The last octets for a client leave with close_notify and the FIN that follow at once. */
		if (!flush(connection, side, last ? MSG_MORE : 0)) {
			conn_io_lost(connection, which, true);
			return true;
		}
	}
	return moved;
}

bool conn_io_tls_finish(struct connection *connection, enum fw_side which)
{
	struct conn_side *side = &connection->sides[which];

	tls_stream_finish(side->tls, connection->worker->tls_io);
	if (!flush(connection, side, which == FW_CLIENT ? MSG_MORE : 0))
		return true; /* the peer is gone: there is nobody to tell */
	return waiting(connection, side).size == 0;
}
