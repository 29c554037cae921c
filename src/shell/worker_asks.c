/* Needs that take time are the keeper's. A connection that asked is kept by its id until it is answered, asks another
 * thing or is gone; whose answer finds nobody here was too late. */
#include "base/slice.h"
#include "shell/conn_io.h"

static struct connection **bucket(struct worker *worker, uint64_t id)
{
	return &worker->askers[id % WORKER_ASKERS]; /* they count upwards */
}

static uint64_t id_of(const struct connection *connection)
{
	return fw_conn_principal(connection->conn).connection_id;
}

bool worker_asks_ask(struct connection *connection, const struct fw_need *need)
{
	struct worker *worker = connection->worker;
	struct connection **first = bucket(worker, id_of(connection));

	if (worker->options->asks == NULL ||
	    !ipc_send_ask(worker->options->asks, id_of(connection), need, (uint16_t)worker->index))
		return false;
	connection->ask_need = need->id;
	if (connection->ask_link != NULL)
		return true;
	connection->ask_next = *first;
	connection->ask_link = first;
	if (*first != NULL)
		(*first)->ask_link = &connection->ask_next;
	*first = connection;
	return true;
}

void worker_asks_forget(struct connection *connection)
{
	if (connection->ask_link == NULL)
		return;
	*connection->ask_link = connection->ask_next;
	if (connection->ask_next != NULL)
		connection->ask_next->ask_link = connection->ask_link;
	connection->ask_link = NULL;
}

void worker_asks_answered(struct worker *worker, const struct ipc_answer *message, struct fw_slice tail)
{
	struct connection *connection = *bucket(worker, message->connection);
	struct fw_answer answer;

	while (connection != NULL && id_of(connection) != message->connection)
		connection = connection->ask_next;
	/* An answer to a gate that fell means a connection of that one. */
	if (connection == NULL || message->generation != ipc_generation(worker->options->asks) ||
	    !ipc_read_answer(message, tail, &answer))
		return;
	/* Of another need of the same connection, which is still open, it is not the last answer. */
	if (message->need_id == connection->ask_need)
		worker_asks_forget(connection);
	fw_conn_supply(connection->conn, message->need_id, &answer);
	conn_io_settle(connection);
}
