/* Connections to upstreams, asked of the keeper where this process may make none. A question waits in the socket while
 * there is no keeper, and is asked anew of one that begins: what the one before took along is lost. How long it waits
 * is the engine's business, as where the worker connects itself. */
#include <stdio.h>
#include <unistd.h>

#include "shell/conn_io.h"
#include "shell/dial.h"

static struct connection **find(struct worker_dials *dials, uint64_t id)
{
	struct connection **at = &dials->by_id[id % WORKER_ASKERS];

	while (*at != NULL && (*at)->dial_id != id)
		at = &(*at)->dial_same;
	return at;
}

static bool send_one(const struct connection *connection, enum dial_kind kind)
{
	const struct worker *worker = connection->worker;
	struct dial_ask ask = { .id = connection->dial_id,
				.generation = ipc_generation(worker->options->records),
				.kind = (uint16_t)kind,
				.port = connection->dial_port };

	snprintf(ask.host, sizeof(ask.host), "%s", connection->name->host);
	return dial_send_ask(worker->dials.fd, &ask);
}

/* What the keeper does not read now is sent when the poller tells that it does. */
static void send_waiting(struct worker_dials *dials)
{
	while (dials->unsent != NULL && send_one(dials->unsent, DIAL_CONNECT))
		dials->unsent = dials->unsent->dial_next;
}

void worker_dials_ask(struct connection *connection)
{
	struct worker_dials *dials = &connection->worker->dials;
	struct connection **bucket;

	connection->dial_id = ++dials->ids;
	bucket = &dials->by_id[connection->dial_id % WORKER_ASKERS];
	connection->dial_same = *bucket;
	*bucket = connection;
	connection->dial_next = NULL;
	connection->dial_back = dials->open_end;
	*dials->open_end = connection;
	dials->open_end = &connection->dial_next;
	if (dials->unsent == NULL)
		dials->unsent = connection;
	send_waiting(dials);
}

static void take_out(struct connection *connection)
{
	struct worker_dials *dials = &connection->worker->dials;

	*find(dials, connection->dial_id) = connection->dial_same;
	*connection->dial_back = connection->dial_next;
	if (connection->dial_next != NULL)
		connection->dial_next->dial_back = connection->dial_back;
	else
		dials->open_end = connection->dial_back;
	if (dials->unsent == connection)
		dials->unsent = connection->dial_next;
	connection->dial_id = 0;
}

void worker_dials_forget(struct connection *connection)
{
	struct worker_dials *dials = &connection->worker->dials;

	if (connection->dial_id == 0)
		return;
	/* Should it not be told, it hands over what nobody takes, or gives up by itself. */
	if (dials->unsent == NULL || connection->dial_id < dials->unsent->dial_id)
		send_one(connection, DIAL_CANCEL);
	take_out(connection);
}

static void take(struct worker *worker, const struct dial_answer *answer, int fd)
{
	struct worker_dials *dials = &worker->dials;
	struct connection *connection;

	if (answer->result == DIAL_BEGINS) {
		dials->unsent = dials->open;
		return;
	}
	connection = answer->generation == ipc_generation(worker->options->records) ? *find(dials, answer->id) : NULL;
	if (connection == NULL) { /* who asked is gone, or had his answer */
		if (fd >= 0)
			close(fd);
		return;
	}
	take_out(connection);
	conn_io_handed(connection, answer->result, fd);
}

void worker_dials_ready(struct worker *worker)
{
	struct worker_dials *dials = &worker->dials;
	enum dial_heard heard;
	struct dial_answer answer;
	int fd;

	worker_now(worker);
	while ((heard = dial_receive_answer(dials->fd, &answer, &fd)) == DIAL_HEARD || heard == DIAL_NONSENSE)
		if (heard == DIAL_HEARD)
			take(worker, &answer, fd);
	send_waiting(dials);
}

bool worker_dials_start(struct worker *worker)
{
	struct worker_dials *dials = &worker->dials;

	dials->source.kind = SOURCE_DIALS;
	dials->open_end = &dials->open;
	dials->fd = worker->options->dials != NULL ? worker->options->dials[worker->index] : -1;
	return dials->fd < 0 || poller_add(&worker->poller, dials->fd, EPOLLIN | EPOLLOUT | EPOLLET, &dials->source);
}
