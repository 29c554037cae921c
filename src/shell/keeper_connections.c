#include <string.h>

#include "base/slice.h"
#include "shell/gate.h"
#include "shell/keeper_parts.h"

/* A row: its size, the message, its texts; at a place that is right for all of them. */
enum { ALIGN = 8, BYTES_MOST = 8 << 20 };

static size_t room_of(size_t tail)
{
	return (sizeof(uint64_t) + sizeof(struct ipc_connection) + tail + ALIGN - 1) / ALIGN * ALIGN;
}

bool keeper_connections_ask(struct keeper *keeper, struct ipc_ask_connections *asked)
{
	struct keeper_connections *connections = &keeper->connections;

	if (connections->open)
		return false;
	connections->open = true;
	connections->matched = 0;
	connections->ended = 0;
	asked->call = ++connections->call;
	(void)keeper_figures_tell(&keeper->figures, IPC_ASK_CONNECTIONS, asked, sizeof(*asked));
	return true;
}

static bool is_whole(const struct ipc_connection *row, struct fw_slice tail)
{
	return (uint64_t)row->user_size + row->role_size + row->session_size + row->route_size == tail.size;
}

void keeper_connections_take(struct keeper_connections *connections, const struct ipc_connection *row,
			     struct fw_slice tail)
{
	uint64_t size = room_of(tail.size);
	uint8_t *room;

	if (!connections->open || row->call != connections->call || !is_whole(row, tail) ||
	    buf_size(&connections->rows) + size > BYTES_MOST)
		return;
	room = buf_reserve(&connections->rows, &connections->pool, size);
	if (room == NULL)
		return;
	memset(room, 0, size);
	memcpy(room, &size, sizeof(size));
	memcpy(room + sizeof(size), row, sizeof(*row));
	if (tail.size != 0)
		memcpy(room + sizeof(size) + sizeof(*row), tail.data, tail.size);
	buf_added(&connections->rows, size);
}

void keeper_connections_end(struct keeper_connections *connections, const struct ipc_connections *end)
{
	if (!connections->open || end->call != connections->call)
		return;
	connections->matched += end->matched;
	connections->ended++;
}

static struct fw_slice cut(const uint8_t **at, uint32_t size)
{
	struct fw_slice text = slice(*at, size);

	*at += size;
	return text;
}

void keeper_connections_each(const struct keeper_connections *connections,
			     void (*each)(void *user, const struct keeper_connection *connection), void *user)
{
	uint64_t size;

	for (size_t at = 0; at < buf_size(&connections->rows); at += size) {
		const uint8_t *next = buf_data(&connections->rows) + at;
		struct keeper_connection connection;
		struct ipc_connection row;

		memcpy(&size, next, sizeof(size));
		memcpy(&row, next + sizeof(size), sizeof(row));
		next += sizeof(size) + sizeof(row);
		connection.row = &row;
		connection.user_id = cut(&next, row.user_size);
		connection.role = cut(&next, row.role_size);
		connection.session_id = cut(&next, row.session_size);
		connection.route = cut(&next, row.route_size);
		each(user, &connection);
	}
}

void keeper_connections_close(struct keeper_connections *connections)
{
	connections->open = false;
	buf_clear(&connections->rows, &connections->pool);
}

void keeper_connections_fini(struct keeper_connections *connections)
{
	keeper_connections_close(connections);
	pool_fini(&connections->pool);
}
