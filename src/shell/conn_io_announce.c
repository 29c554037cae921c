/* What a trusted proxy says of a connection before its first octet (the PROXY protocol): read before TLS and before the
 * engine has the connection. The octets are looked at where they lie in the kernel and only the header is taken, so
 * that what follows it is untouched. Whoever is no trusted proxy, or sends no header, is closed without an answer and
 * with one record, as HAProxy does. */
#include <errno.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "codec/proxyproto.h"
#include "shell/conn_io.h"

#define SECOND_NS ((uint64_t)1000000000)

bool conn_io_announce_awaited(const struct worker *worker)
{
	return worker->policy->settings.proxy_protocol != 0;
}

/* cause NULL: nothing was said, and nothing has to be recorded: somebody only looked whether the port is open. */
static void refuse(struct connection *connection, const char *cause)
{
	struct worker *worker = connection->worker;
	struct fw_record record;

	connection->announcing = false;
	conn_io_close_side(connection, FW_CLIENT);
	conn_io_tell(connection, LOG_connection, LOG_LEVEL_DEBUG,
		     "closed unanswered:", cause != NULL ? cause : "gone before a PROXY header");
	if (cause == NULL)
		return;
	worker_record(worker, EVENT_handshake_refused, &record);
	record.source = connection->peer;
	record.details[record.detail_count++] = (struct fw_detail){ .key = "cause", .text = slice_text(cause) };
	ipc_send_record(worker->options->records, &record, (uint16_t)worker->index);
}

void conn_io_announce_begin(struct connection *connection)
{
	struct worker *worker = connection->worker;
	const struct fw_policy *policy = worker->policy;

	if (!policy_trusts(policy, &connection->peer)) {
		refuse(connection, "a PROXY header is taken from trusted_proxies alone");
		return;
	}
	connection->announcing = true;
	connection->sides[FW_CLIENT].cut_ns =
		worker_now(worker)->monotonic_ns + (uint64_t)policy->settings.handshake_timeout * SECOND_NS;
}

void conn_io_announce_late(struct connection *connection)
{
	refuse(connection, "no PROXY header in time");
}

/* Takes the header out of the kernel's hands: it is all there. */
static bool skip(struct connection *connection, size_t size)
{
	struct conn_side *side = &connection->sides[FW_CLIENT];
	ssize_t taken;

	do
		taken = recv(side->fd, connection->worker->scratch, size, 0);
	while (taken < 0 && errno == EINTR);
	return taken == (ssize_t)size;
}

static void announced(struct connection *connection, const struct proxyproto *header)
{
	struct conn_side *side = &connection->sides[FW_CLIENT];
	struct fw_conn_options options = { .user = connection };

	if (!skip(connection, header->size)) {
		refuse(connection, NULL);
		return;
	}
	connection->announcing = false;
	side->cut_ns = UINT64_MAX;
	options.peer = connection->peer;
	if (header->known) {
		options.proxy = connection->peer;
		options.peer = connection->peer = header->source;
		options.peer_port = header->source_port;
	}
	conn_io_open(connection, &options);
}

void conn_io_announce_read(struct connection *connection)
{
	struct conn_side *side = &connection->sides[FW_CLIENT];
	struct worker *worker = connection->worker;
	struct proxyproto header;
	const char *rule;
	ssize_t size;

	if (!connection->announcing || !side->readable)
		return;
	do
		size = recv(side->fd, worker->scratch, LIMIT_PROXY_HEADER, MSG_PEEK);
	while (size < 0 && errno == EINTR);
	if (size <= 0 && !(size < 0 && errno == EAGAIN)) {
		refuse(connection, NULL);
		return;
	}
	side->readable = false;
	if (size < 0)
		return;
	switch (proxyproto_read(slice(worker->scratch, (size_t)size), worker->policy->settings.proxy_protocol, &header,
				&rule)) {
	case PROXYPROTO_OK:
		side->readable = true; /* what stands behind the header, perhaps */
		announced(connection, &header);
		break;
	case PROXYPROTO_MORE:
		if (side->ended)
			refuse(connection, "the PROXY header is cut off");
		break;
	default:
		refuse(connection, rule);
		break;
	}
}
