/* Whose turn it is. Who says little is read as soon as something came and written to at the end of the turn. Who says
 * much, or had more waiting than one read takes, stands in a queue behind all of them, of which a turn takes so much
 * that the next one is not far: whoever floods us has what others leave, however many connections he does it on. */
#include "base/mem.h"
#include "shell/conn_io.h"

void conn_io_mark(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->dirty || connection->dead)
		return;
	connection->dirty = true;
	connection->dirty_next = worker->dirty;
	worker->dirty = connection;
}

void conn_io_queue(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->dirty || connection->dead)
		return;
	connection->dirty = true;
	connection->dirty_next = NULL;
	if (worker->queue == NULL)
		worker->queue = connection;
	else
		worker->queue_end->dirty_next = connection;
	worker->queue_end = connection;
}

static void write_all(struct worker *worker)
{
	while (worker->dirty != NULL) {
		struct connection *connection = worker->dirty;

		worker->dirty = connection->dirty_next;
		connection->dirty = false;
		conn_io_settle(connection);
	}
}

bool conn_io_queue_waits(const struct worker *worker)
{
	return worker->queue != NULL && !worker->stopping && ipc_is_crowded(worker->options->records);
}

/* The first one always, the others while little was read. Who has more still is behind the last one then. */
static void serve_queue(struct worker *worker)
{
	struct connection *last = worker->queue_end, *connection;

	if (conn_io_queue_waits(worker))
		return;
	worker->read = 0;
	do {
		connection = worker->queue;
		if (connection == NULL)
			return;
		worker->queue = connection->dirty_next;
		connection->dirty = false;
		conn_io_settle(connection);
	} while (connection != last && (worker->read < CONN_TURN || worker->stopping));
}

static void free_dead(struct worker *worker)
{
	struct connection *dead = worker->dead, *next;

	worker->dead = NULL;
	for (; dead != NULL; dead = next) {
		next = dead->next;
		if (!dead->dirty) {
			mem_free(dead);
			continue;
		}
		dead->next = worker->dead; /* in the queue still: a later turn takes it out */
		worker->dead = dead;
	}
}

void conn_io_flush_all(struct worker *worker)
{
	write_all(worker);
	serve_queue(worker);
	write_all(worker); /* to whom those said something */
	free_dead(worker);
}
