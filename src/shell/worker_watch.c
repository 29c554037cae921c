/* What operators ask of single connections: which there are, and the end of one. */
#include <string.h>

#include "base/slice.h"
#include "engine/counters.h"
#include "shell/conn_io.h"

#define SECOND_NS ((uint64_t)1000000000)

enum { TEXT_MOST = 512 };

static size_t put(uint8_t *texts, size_t used, struct fw_slice text, uint32_t *ret_size)
{
	*ret_size = (uint32_t)(text.size <= TEXT_MOST ? text.size : TEXT_MOST);
	if (*ret_size != 0)
		memcpy(texts + used, text.data, *ret_size);
	return used + *ret_size;
}

static bool is_meant(const struct connection *connection, const struct ipc_ask_connections *asked)
{
	struct fw_slice user = slice(asked->user_id, asked->user_size);

	if (connection->conn == NULL || connection->done)
		return false;
	if (asked->id != 0 && asked->id != fw_conn_principal(connection->conn).connection_id)
		return false;
	if (asked->address.family != 0 && !addr_equal(&asked->address, &connection->peer))
		return false;
	return user.size == 0 || slice_equal(fw_conn_principal(connection->conn).user_id, user);
}

/* False: there is no room for it, and whoever reads will read this thread's messages only later. */
static bool tell(struct worker *worker, const struct connection *connection, uint32_t call)
{
	uint64_t now_ns = worker_now(worker)->monotonic_ns;
	struct engine_conn_figures figures = engine_conn_figures(connection->conn);
	struct fw_principal who = fw_conn_principal(connection->conn);
	uint64_t last_ns = figures.last_message_ns;
	struct ipc_connection row = { .call = call,
				      .worker = (uint16_t)worker->index,
				      .open = figures.open,
				      .tls = connection->sides[FW_CLIENT].tls != NULL,
				      .proxied = figures.proxied,
				      .age_s = (uint32_t)(now_ns / SECOND_NS) - connection->since_s,
				      .messages_in = figures.messages_in,
				      .messages_out = figures.messages_out,
				      .id = who.connection_id,
				      .address = connection->peer };
	uint8_t texts[4 * TEXT_MOST];
	size_t size;

	row.idle_s = last_ns != 0 && last_ns <= now_ns ? (uint32_t)((now_ns - last_ns) / SECOND_NS) : row.age_s;
	size = put(texts, 0, who.user_id, &row.user_size);
	size = put(texts, size, who.role, &row.role_size);
	size = put(texts, size, who.session_id, &row.session_size);
	size = put(texts, size, figures.route, &row.route_size);
	return ipc_send(worker->options->figures, IPC_CONNECTION, &row, sizeof(row), slice(texts, size), false);
}

void worker_watch_list(struct worker *worker, const struct ipc_ask_connections *asked)
{
	struct ipc_connections end = { .call = asked->call, .worker = (uint16_t)worker->index };
	uint32_t told = 0;

	if (asked->user_size > sizeof(asked->user_id))
		return;
	for (const struct connection *at = worker->connections; at != NULL; at = at->next) {
		if (!is_meant(at, asked))
			continue;
		end.matched++;
		if (told < asked->most && tell(worker, at, asked->call))
			told++;
	}
	ipc_send(worker->options->figures, IPC_CONNECTIONS, &end, sizeof(end), slice(NULL, 0), false);
}

void worker_watch_end(struct worker *worker, const struct ipc_end_connection *ended)
{
	for (struct connection *at = worker->connections; at != NULL; at = at->next)
		if (at->conn != NULL && fw_conn_principal(at->conn).connection_id == ended->id) {
			conn_io_end(at, ended->reason);
			return;
		}
}
