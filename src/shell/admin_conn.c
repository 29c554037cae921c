#include <string.h>

#include "base/mem.h"
#include "shell/admin_parts.h"

enum { READ_ROOM = 4096, REQUEST_MS = 10000, IDLE_MS = 60000, LINGER_MS = 1000 };

static void on_timer(uv_timer_t *timer)
{
	struct admin_conn *conn = timer->data;

	/* Half a request in ten seconds is all that anybody gets; a reader of our answer has as long. */
	if (conn->state == ADMIN_READING && buf_size(&conn->in) != 0) {
		conn->close_after = true;
		memset(&conn->head, 0, sizeof(conn->head));
		admin_answer_problem(conn, 408, "the request did not arrive in time", "");
	} else {
		admin_conn_close(conn);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct admin_conn *conn = handle->data;
	struct admin *admin = conn->admin;

	admin->keeper->handles--;
	if (--conn->handles != 0)
		return;
	buf_clear(&conn->in, &admin->pool);
	buf_clear(&conn->body, &admin->pool);
	buf_clear(&conn->out, &admin->pool);
	admin_tls_free(conn);
	mem_wipe(conn, sizeof(*conn));
	mem_free(conn);
}

void admin_conn_close(struct admin_conn *conn)
{
	if (conn->state == ADMIN_CLOSING)
		return;
	keeper_figures_forget(&conn->admin->keeper->figures, &conn->ask);
	admin_reload_forget(conn);
	admin_events_forget(conn);
	admin_report_forget(conn);
	admin_users_forget(conn);
	admin_stream_forget(conn);
	admin_connections_forget(conn);
	admin_again_forget(conn);
	conn->state = ADMIN_CLOSING;
	conn->admin->counts[conn->control]--;
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	uv_close((uv_handle_t *)&conn->io, on_closed);
	uv_close((uv_handle_t *)&conn->timer, on_closed);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct admin_conn *conn = handle->data;
	uint8_t *room;

	(void)suggested;
	if (conn->tls != NULL) {
		admin_tls_room(conn, ret_buf);
		return;
	}
	room = buf_reserve(&conn->in, &conn->admin->pool, READ_ROOM);
	*ret_buf = uv_buf_init((char *)room, room != NULL ? READ_ROOM : 0); /* 0: libuv reports UV_ENOBUFS */
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct admin_conn *conn = stream->data;
	size_t before = buf_size(&conn->in), got = (size_t)size;

	if (size < 0 || conn->state == ADMIN_CLOSING) {
		admin_conn_close(conn);
		return;
	}
	if (conn->state == ADMIN_LINGER) {
		buf_clear(&conn->in, &conn->admin->pool);
		return;
	}
	if (conn->tls != NULL)
		got = admin_tls_take(conn, (const uint8_t *)buf->base, got);
	else
		buf_added(&conn->in, got);
	if (got == 0)
		return;
	if (before == 0 && conn->state != ADMIN_STREAM)
		uv_timer_start(&conn->timer, on_timer, REQUEST_MS, 0);
	if (conn->state == ADMIN_STREAM)
		admin_stream_read(conn);
	else
		admin_request_next(conn);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	struct admin_conn *conn = request->data;

	if (conn->state != ADMIN_LINGER)
		return;
	if (status != 0 || uv_read_start(&conn->io.stream, on_room, on_read) != 0)
		admin_conn_close(conn);
}

void admin_conn_linger(struct admin_conn *conn)
{
	admin_tls_finish(conn);
	uv_read_stop(&conn->io.stream);
	conn->state = ADMIN_LINGER;
	conn->shutdown.data = conn;
	buf_clear(&conn->in, &conn->admin->pool);
	uv_timer_start(&conn->timer, on_timer, LINGER_MS, 0);
	if (uv_shutdown(&conn->shutdown, &conn->io.stream, on_shutdown) != 0)
		admin_conn_close(conn);
}

static void on_written(uv_write_t *request, int status)
{
	struct admin_conn *conn = request->data;

	if (conn->state != ADMIN_WRITING)
		return;
	buf_clear(&conn->out, &conn->admin->pool);
	buf_clear(&conn->body, &conn->admin->pool);
	if (status != 0) {
		admin_conn_close(conn);
	} else if (conn->close_after) {
		admin_conn_linger(conn);
	} else {
		conn->state = ADMIN_READING;
		uv_timer_start(&conn->timer, on_timer, buf_size(&conn->in) != 0 ? REQUEST_MS : IDLE_MS, 0);
		if (uv_read_start(&conn->io.stream, on_room, on_read) != 0)
			admin_conn_close(conn);
		else
			admin_request_next(conn);
	}
}

void admin_conn_wait(struct admin_conn *conn)
{
	conn->state = ADMIN_ASKING;
	uv_read_stop(&conn->io.stream);
	uv_timer_stop(&conn->timer);
}

void admin_conn_write(struct admin_conn *conn)
{
	uv_buf_t parts[2] = { uv_buf_init((char *)buf_data(&conn->out), (unsigned)buf_size(&conn->out)),
			      uv_buf_init(NULL, 0) };

	if (buf_size(&conn->body) != 0)
		parts[1] = uv_buf_init((char *)buf_data(&conn->body), (unsigned)buf_size(&conn->body));
	uv_read_stop(&conn->io.stream);
	conn->state = ADMIN_WRITING;
	conn->write.data = conn;
	uv_timer_start(&conn->timer, on_timer, REQUEST_MS, 0);
	if (admin_tls_write(conn, &conn->write, parts, parts[1].len != 0 ? 2 : 1, on_written) != 0)
		admin_conn_close(conn);
}

static struct fw_addr peer_of(const uv_tcp_t *tcp)
{
	struct sockaddr_storage name;
	struct fw_addr peer = { 0 };
	int size = sizeof(name);

	if (uv_tcp_getpeername(tcp, (struct sockaddr *)&name, &size) != 0)
		return peer;
	if (name.ss_family == AF_INET) {
		peer.family = 4;
		memcpy(peer.bytes, &((struct sockaddr_in *)&name)->sin_addr, 4);
	} else if (name.ss_family == AF_INET6) {
		peer.family = 6;
		memcpy(peer.bytes, &((struct sockaddr_in6 *)&name)->sin6_addr, 16);
	}
	return peer;
}

/* All places are taken: the connection that has been idle for longest gives way. False: all are at work. */
static bool make_room(struct admin *admin, bool control)
{
	struct admin_conn *idle = NULL;

	for (struct admin_conn *conn = admin->conns; conn != NULL; conn = conn->next)
		if (conn->control == control && conn->state == ADMIN_READING && buf_size(&conn->in) == 0)
			idle = conn;
	if (idle != NULL)
		admin_conn_close(idle);
	return idle != NULL;
}

void admin_conn_accept(struct admin *admin, uv_stream_t *listener, bool control)
{
	struct admin_conn *conn = mem_zero(1, sizeof(*conn));
	bool room = admin->counts[control] < LIMIT_ADMIN_CONNECTIONS || make_room(admin, control);
	uv_loop_t *loop = listener->loop;

	admin->stalled[control] = conn == NULL;
	if (conn == NULL)
		return; /* libuv keeps it, and takes no other, until admin_tick asks again */
	if (control)
		uv_pipe_init(loop, &conn->io.pipe, 0);
	else
		uv_tcp_init(loop, &conn->io.tcp);
	uv_timer_init(loop, &conn->timer);
	conn->admin = admin;
	conn->control = control;
	conn->handles = 2;
	admin->keeper->handles += 2;
	admin->counts[control]++;
	conn->io.stream.data = conn->timer.data = conn;
	conn->next = admin->conns;
	conn->link = &admin->conns;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	admin->conns = conn;
	if (uv_accept(listener, &conn->io.stream) != 0 || !room) {
		admin_conn_close(conn);
		return;
	}
	if (!control) {
		conn->peer = peer_of(&conn->io.tcp);
		if (!admin_tls_begin(conn)) {
			admin_conn_close(conn);
			return;
		}
	}
	uv_timer_start(&conn->timer, on_timer, REQUEST_MS, 0);
	if (uv_read_start(&conn->io.stream, on_room, on_read) != 0)
		admin_conn_close(conn);
}
