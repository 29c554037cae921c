/* GET /api/v1/connections, DELETE /api/v1/connections/ID: who is connected just now, and the end of one connection. */
#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "shell/admin_parts.h"

enum { DEFAULT = 100, MOST = 1000 };

/* null where there is none. */
static void write_text(struct json_writer *w, const char *key, struct fw_slice text)
{
	json_write_key(w, key);
	if (text.size != 0)
		json_write_text(w, text);
	else
		json_write_null(w);
}

struct listing {
	struct json_writer w;
	unsigned left;
};

static void list_one(void *user, const struct keeper_connection *connection)
{
	struct listing *listing = user;
	struct json_writer *w = &listing->w;
	const struct ipc_connection *row = connection->row;
	char address[ADDR_TEXT], id[ENCODE_U64];

	if (listing->left == 0)
		return;
	listing->left--;
	addr_format(&row->address, address);
	json_write_open(w, '{');
	/* a text, since not every reader of JSON keeps all digits of a number that large */
	write_text(w, "connection_id", slice(id, encode_u64(row->id, id)));
	write_text(w, "source_ip", slice_text(address));
	write_text(w, "user_id", connection->user_id);
	write_text(w, "role", connection->role);
	write_text(w, "session_id", connection->session_id);
	write_text(w, "route", connection->route);
	json_write_key(w, "open");
	json_write_boolean(w, row->open);
	json_write_key(w, "tls");
	json_write_boolean(w, row->tls);
	json_write_key(w, "proxied");
	json_write_boolean(w, row->proxied);
	admin_text_write_number(w, "connected_seconds", row->age_s);
	admin_text_write_number(w, "idle_seconds", row->idle_s);
	admin_text_write_number(w, "messages_in", row->messages_in);
	admin_text_write_number(w, "messages_out", row->messages_out);
	json_write_close(w, '}');
}

/* All workers have answered, or had their time. */
static void answer(struct keeper_ask *ask)
{
	struct admin_conn *conn = (struct admin_conn *)(void *)((char *)ask - offsetof(struct admin_conn, ask));
	struct keeper_connections *connections = &conn->admin->keeper->connections;
	struct listing listing = { admin_answer_json(conn), conn->admin->connections_most };

	json_write_open(&listing.w, '{');
	json_write_key(&listing.w, "connections");
	json_write_open(&listing.w, '[');
	keeper_connections_each(connections, list_one, &listing);
	json_write_close(&listing.w, ']');
	admin_text_write_number(&listing.w, "total", connections->matched);
	json_write_key(&listing.w, "complete"); /* a worker that is busy may not have answered in time */
	json_write_boolean(&listing.w, connections->ended == conn->admin->keeper->figures.workers);
	json_write_close(&listing.w, '}');
	admin_connections_forget(conn);
	admin_answer_written(conn, 200, &listing.w);
}

/* NULL, or what does not hold. */
static const char *read_query(struct admin_conn *conn, struct ipc_ask_connections *ret_asked)
{
	static const char *const names[] = { "user_id", "source_ip", "limit" };
	const char *user = NULL, *address = NULL, *limit = NULL, *wrong;
	const char **const values[] = { &user, &address, &limit };
	char texts[1024];
	uint64_t most = DEFAULT;

	if (conn->head.query.size + 3 > sizeof(texts))
		return "the query is too long";
	wrong = admin_text_query(conn->head.query, texts, names, values, 3);
	if (wrong != NULL)
		return wrong;
	if (!admin_text_number(limit, MOST, &most))
		return "limit is a number from 1 to 1000";
	if (user != NULL && (user[0] == '\0' || strlen(user) > sizeof(ret_asked->user_id)))
		return "user_id is a text of 1 to 128 bytes";
	if (address != NULL && !addr_parse(slice_text(address), &ret_asked->address))
		return "source_ip is an IPv4 or IPv6 address";
	ret_asked->most = (uint32_t)most;
	ret_asked->user_size = user != NULL ? (uint32_t)strlen(user) : 0;
	if (user != NULL)
		memcpy(ret_asked->user_id, user, ret_asked->user_size);
	return NULL;
}

/* False: a list is being made. */
static bool ask(struct admin_conn *conn, struct ipc_ask_connections *asked, void (*ready)(struct keeper_ask *ask))
{
	struct keeper *keeper = conn->admin->keeper;

	if (!keeper_connections_ask(keeper, asked))
		return false;
	conn->admin->connections_asker = conn;
	conn->admin->connections_most = asked->most;
	conn->admin->connections_ended = asked->id;
	admin_conn_wait(conn);
	conn->ask.ready = ready;
	keeper_figures_ask(&keeper->figures, &conn->ask);
	return true;
}

void admin_connections_list(struct admin_conn *conn)
{
	struct ipc_ask_connections asked = { 0 };
	const char *wrong = read_query(conn, &asked);

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	if (!ask(conn, &asked, answer))
		admin_answer_problem(conn, 503, "another list is being made", "Retry-After: 1\r\n");
}

void admin_connections_forget(struct admin_conn *conn)
{
	if (conn->admin->connections_asker != conn)
		return;
	conn->admin->connections_asker = NULL;
	keeper_connections_close(&conn->admin->keeper->connections);
}

/* --- the end of one. What it was is asked of the workers first; that somebody else is being answered just then, or a
 * worker too busy to answer, keeps nobody from ending it. */

static void write_end(void *user, const struct keeper_connection *connection)
{
	struct json_writer *w = user;
	char address[ADDR_TEXT];

	addr_format(&connection->row->address, address);
	json_write_open(w, '{');
	write_text(w, "user_id", connection->user_id);
	write_text(w, "source_ip", slice_text(address));
	write_text(w, "session_id", connection->session_id);
	admin_text_write_number(w, "connected_seconds", connection->row->age_s);
	json_write_close(w, '}');
}

static void end(struct admin_conn *conn, uint64_t id)
{
	struct ipc_end_connection ended = { .id = id, .reason = CLOSE_NOT_ALLOWED };
	struct keeper *keeper = conn->admin->keeper;
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_admin_action, "connection close");
	admin_record_number(&record, "connection", (int64_t)id);
	admin_record_change(conn->admin, &record);
	if (!keeper_figures_tell(&keeper->figures, IPC_END_CONNECTION, &ended, sizeof(ended))) {
		admin_answer_problem(conn, 503, "a worker is too busy to be told: try again", "Retry-After: 1\r\n");
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}

static void answer_end(struct keeper_ask *ask)
{
	struct admin_conn *conn = (struct admin_conn *)(void *)((char *)ask - offsetof(struct admin_conn, ask));
	struct keeper_connections *connections = &conn->admin->keeper->connections;
	uint64_t id = conn->admin->connections_ended;
	bool none = connections->matched == 0 && connections->ended == conn->admin->keeper->figures.workers;

	struct json_writer w;

	admin_record_forget(conn->admin); /* of a request between */
	w = admin_record_state(conn->admin, ADMIN_BEFORE);
	keeper_connections_each(connections, write_end, &w);
	admin_connections_forget(conn);
	if (none)
		admin_answer_problem(conn, 404, "there is no connection with this id", "");
	else
		end(conn, id);
}

void admin_connections_end(struct admin_conn *conn)
{
	struct ipc_ask_connections asked = { .most = 1 };
	char id[ENCODE_U64];

	if (conn->rest.size >= sizeof(id)) {
		admin_answer_problem(conn, 404, "there is no connection with this id", "");
		return;
	}
	memcpy(id, conn->rest.data, conn->rest.size);
	id[conn->rest.size] = '\0';
	if (!admin_text_number(id, INT64_MAX, &asked.id))
		admin_answer_problem(conn, 404, "there is no connection with this id", "");
	else if (!ask(conn, &asked, answer_end))
		end(conn, asked.id);
}
