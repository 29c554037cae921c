/* GET /api/v1/stream: a WebSocket (RFC 6455) that tells operators what happens as it happens: figures once a second,
 * records when they are on the disk. It only tells: whatever message comes the other way ends it. Who reads slowly
 * misses records, and is told how many. */
#include <string.h>

#include "base/mem.h"
#include "codec/ws.h"
#include "crypto/digest.h"
#include "shell/admin_parts.h"

/* PACE_MS: records come together for so long after some were sent. STUCK: seconds in which a peer took nothing. */
enum { STREAMS_MOST = 16, FIRST = 100, AT_ONCE = 200, PACE_MS = 40, WAITING_MOST = 1 << 18, STUCK = 10, HEADER = 16 };

struct admin_stream {
	struct ws_reader reader;
	uint64_t last;	 /* record that was sent last */
	unsigned stuck;	 /* seconds */
	bool close_sent; /* nothing is said any more */
	bool ended;	 /* both sides have said so */
};

struct admin_streams {
	struct admin *admin;
	uv_async_t written; /* from the recorder's thread */
	uv_timer_t pace;
	unsigned count;
};

/* One frame, as long as it is being written. */
struct outgoing {
	uv_write_t request;
	size_t size;
	uint8_t octets[];
};

/* The server closes first (RFC 6455 7.1.1). A connection that broke is read to its end. */
static void on_sent(uv_write_t *request, int status)
{
	struct admin_conn *conn = request->handle->data;

	(void)status;
	mem_free(request->data);
	if (conn->state == ADMIN_STREAM && conn->stream->ended)
		admin_conn_close(conn);
}

static void send_octets(struct admin_conn *conn, struct outgoing *out)
{
	uv_buf_t part = uv_buf_init((char *)out->octets, (unsigned)out->size);

	out->request.data = out;
	if (admin_tls_write(conn, &out->request, &part, 1, on_sent) == 0)
		return;
	mem_free(out);
	admin_conn_close(conn);
}

static void send_frame(struct admin_conn *conn, enum ws_opcode opcode, struct fw_slice payload)
{
	struct outgoing *out;

	if (conn->stream == NULL || conn->stream->close_sent)
		return;
	out = mem_alloc(sizeof(*out) + HEADER + payload.size);
	if (out == NULL) {
		admin_conn_close(conn);
		return;
	}
	out->size = ws_write_header(out->octets, opcode, true, payload.size, NULL);
	if (payload.size != 0)
		memcpy(out->octets + out->size, payload.data, payload.size);
	out->size += payload.size;
	conn->stream->close_sent = opcode == WS_CLOSE;
	send_octets(conn, out);
}

static void send_close(struct admin_conn *conn, uint16_t code, const char *reason)
{
	uint8_t payload[2 + 123] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t size = strlen(reason);

	memcpy(payload + 2, reason, size);
	send_frame(conn, WS_CLOSE, slice(payload, 2 + size));
}

/* {"type": TYPE, "data": {… */
static struct json_writer begin(struct admin_conn *conn, const char *type)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "type");
	json_write_string(&w, type);
	json_write_key(&w, "data");
	return w;
}

static void end(struct admin_conn *conn, struct json_writer *w)
{
	json_write_close(w, '}');
	if (w->failed) {
		admin_conn_close(conn);
		return;
	}
	send_frame(conn, WS_TEXT, slice(buf_data(&conn->body), buf_size(&conn->body)));
	buf_clear(&conn->body, &conn->admin->pool);
}

static void tell_figures(struct admin_conn *conn)
{
	struct json_writer w = begin(conn, "figures");

	admin_stats_write(&w, conn->admin->keeper);
	end(conn, &w);
}

static bool is_slow(const struct admin_conn *conn)
{
	return uv_stream_get_write_queue_size(&conn->io.stream) > WAITING_MOST;
}

static void tell_events(struct admin_conn *conn, unsigned most)
{
	struct admin *admin = conn->admin;
	struct keeper_lines lines;
	struct buf text = { 0 };
	struct json_writer w;

	if (is_slow(conn) || conn->stream->close_sent)
		return;
	if (keeper_recorder_after(&admin->keeper->recorder, conn->stream->last, most, &text, &admin->pool, &lines) !=
	    0) {
		buf_clear(&text, &admin->pool);
		admin_conn_close(conn);
		return;
	}
	if (lines.count != 0) {
		w = begin(conn, "events");
		json_write_open(&w, '{');
		json_write_key(&w, "events");
		json_write_open(&w, '[');
		json_write_raw(&w, slice(buf_data(&text), buf_size(&text)));
		json_write_close(&w, ']');
		json_write_key(&w, "missed");
		json_write_integer(&w, conn->stream->last != 0 ? (int64_t)lines.missed : 0);
		json_write_close(&w, '}');
		conn->stream->last = lines.last;
		end(conn, &w);
	}
	buf_clear(&text, &admin->pool);
}

/* A stream may end while it is told something, and so leave the list; the next one is known before. */
static void tell_all(struct admin *admin, void (*tell)(struct admin_conn *conn))
{
	struct admin_conn *next;

	for (struct admin_conn *conn = admin->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->state == ADMIN_STREAM)
			tell(conn);
	}
}

static void tell_new(struct admin_conn *conn)
{
	tell_events(conn, AT_ONCE);
}

static void on_pace(uv_timer_t *timer)
{
	struct admin_streams *streams = timer->data;

	tell_all(streams->admin, tell_new);
}

static void on_written(uv_async_t *handle)
{
	struct admin_streams *streams = handle->data;

	if (streams->count == 0 || uv_is_active((uv_handle_t *)&streams->pace))
		return; /* what has come goes with what comes */
	tell_all(streams->admin, tell_new);
	uv_timer_start(&streams->pace, on_pace, PACE_MS, 0);
}

static void tick(struct admin_conn *conn)
{
	if (is_slow(conn) || conn->stream->close_sent) {
		if (++conn->stream->stuck >= STUCK)
			admin_conn_close(conn);
		return;
	}
	conn->stream->stuck = 0;
	tell_figures(conn);
}

void admin_stream_tick(struct admin *admin)
{
	if (admin->streams != NULL && admin->streams->count != 0)
		tell_all(admin, tick);
}

/* NULL, or what the request lacks (RFC 6455 4.2.1). */
static const char *wrong_handshake(const struct admin_conn *conn, struct fw_slice *ret_key)
{
	unsigned keys = 0, versions = 0;
	const struct http1_field *key = http1_find(&conn->head, "sec-websocket-key", &keys);
	const struct http1_field *version = http1_find(&conn->head, "sec-websocket-version", &versions);

	if (!http1_has_token(&conn->head, "upgrade", "websocket") ||
	    !http1_has_token(&conn->head, "connection", "upgrade"))
		return "this is a WebSocket: ask for an upgrade";
	if (versions != 1 || !slice_is(version->value, "13"))
		return "version 13 of the WebSocket protocol is spoken here";
	if (keys != 1 || key->value.size != WS_KEY_SIZE || conn->content.size != 0)
		return "the handshake is not as RFC 6455 4.2.1 wants it";
	*ret_key = key->value;
	return NULL;
}

static bool switch_protocols(struct admin_conn *conn, struct fw_slice key)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Accept: ";
	static const char bearer[] = "\r\nSec-WebSocket-Protocol: framewall.bearer", end_of_head[] = "\r\n\r\n";
	bool chosen = http1_has_token(&conn->head, "sec-websocket-protocol", "framewall.bearer");
	struct outgoing *out = mem_alloc(sizeof(*out) + sizeof(head) + WS_ACCEPT_SIZE + sizeof(bearer) + HEADER);
	uint8_t *at;

	if (out == NULL)
		return false;
	at = out->octets;
	memcpy(at, head, sizeof(head) - 1);
	at += sizeof(head) - 1;
	digest_websocket_accept(key, (char *)at);
	at += WS_ACCEPT_SIZE;
	if (chosen) {
		memcpy(at, bearer, sizeof(bearer) - 1);
		at += sizeof(bearer) - 1;
	}
	memcpy(at, end_of_head, sizeof(end_of_head) - 1);
	out->size = (size_t)(at - out->octets) + sizeof(end_of_head) - 1;
	send_octets(conn, out);
	return true;
}

void admin_stream_begin(struct admin_conn *conn)
{
	struct admin_streams *streams = conn->admin->streams;
	struct fw_slice key;
	const char *wrong = wrong_handshake(conn, &key);
	size_t used = conn->head.size;

	if (wrong != NULL) {
		admin_answer_problem(conn, 426, wrong, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
		return;
	}
	if (!admin_route_origin(conn)) {
		admin_answer_problem(conn, 403, "this page is not of this server", "");
		return;
	}
	if (streams->count == STREAMS_MOST) {
		admin_answer_problem(conn, 503, "as many streams as there may be are open", "Retry-After: 5\r\n");
		return;
	}
	conn->stream = mem_zero(1, sizeof(*conn->stream));
	if (conn->stream == NULL) {
		admin_conn_close(conn);
		return;
	}
	ws_reader_init(&conn->stream->reader, WS_SERVER);
	streams->count++;
	conn->state = ADMIN_STREAM;
	uv_timer_stop(&conn->timer);
	if (!switch_protocols(conn, key)) {
		admin_conn_close(conn);
		return;
	}
	conn->head = (struct http1_head){ 0 };
	buf_consume(&conn->in, &conn->admin->pool, used);
	if (conn->state == ADMIN_STREAM)
		tell_figures(conn);
	if (conn->state == ADMIN_STREAM)
		tell_events(conn, FIRST);
	if (conn->state == ADMIN_STREAM && buf_size(&conn->in) != 0)
		admin_stream_read(conn);
}

static void take(struct admin_conn *conn, enum ws_step step, const struct ws_item *item)
{
	if (step == WS_FAIL) {
		send_close(conn, item->code, "protocol error");
	} else if (step == WS_MESSAGE) {
		send_close(conn, 1003, "nothing is taken here");
	} else if (item->opcode == WS_CLOSE) {
		conn->stream->ended = true;
		if (conn->stream->close_sent)
			admin_conn_close(conn);
		else
			send_frame(conn, WS_CLOSE,
				   slice(item->payload, item->code == 1005 ? 0 : 2)); /* its own code (5.5.1) */
	} else if (item->opcode == WS_PING) {
		send_frame(conn, WS_PONG, slice(item->payload, item->size));
	}
}

void admin_stream_read(struct admin_conn *conn)
{
	static const struct ws_limits limits = { .max_message = 1024, .max_fragments = 4 };
	struct pool *pool = &conn->admin->pool;
	uint8_t *octets = buf_data(&conn->in);
	size_t size = buf_size(&conn->in);
	struct ws_item item;
	enum ws_step step = WS_MORE;

	/* Who pings faster than it reads is not read. */
	do {
		step = ws_reader_next(&conn->stream->reader, &limits, pool, &octets, &size, &item);
		if (step != WS_MORE)
			take(conn, step, &item);
	} while (conn->state == ADMIN_STREAM && step != WS_MORE && step != WS_FAIL);
	if (conn->state != ADMIN_STREAM)
		return;
	buf_clear(&conn->in, pool);
	if (is_slow(conn))
		admin_conn_close(conn);
}

void admin_stream_forget(struct admin_conn *conn)
{
	if (conn->stream == NULL)
		return;
	ws_reader_fini(&conn->stream->reader, &conn->admin->pool);
	mem_free(conn->stream);
	conn->stream = NULL;
	conn->admin->streams->count--;
}

static void wake(void *user)
{
	uv_async_send(user);
}

int admin_stream_init(struct admin *admin)
{
	struct admin_streams *streams = mem_zero(1, sizeof(*streams));
	uv_loop_t *loop = admin->keeper->options.loop;

	if (streams == NULL)
		return -1;
	streams->admin = admin;
	if (uv_async_init(loop, &streams->written, on_written) != 0) {
		mem_free(streams);
		return -1;
	}
	uv_timer_init(loop, &streams->pace);
	admin->keeper->handles += 2;
	admin->streams = streams;
	streams->written.data = streams->pace.data = streams;
	uv_unref((uv_handle_t *)&streams->written);
	uv_unref((uv_handle_t *)&streams->pace);
	keeper_recorder_watch(&admin->keeper->recorder, wake, &streams->written);
	return 0;
}

static void say_goodbye(struct admin_conn *conn)
{
	static uint8_t going_away[] = { 0x88, 2, 1001 >> 8, 1001 & 0xff };
	uv_buf_t part = uv_buf_init((char *)going_away, sizeof(going_away));

	if (!conn->stream->close_sent && conn->tls == NULL)
		(void)uv_try_write(&conn->io.stream, &part, 1);
	else if (!conn->stream->close_sent)
		send_close(conn, 1001, "");
	if (conn->state == ADMIN_STREAM)
		admin_conn_close(conn);
}

void admin_stream_stop(struct admin *admin)
{
	struct admin_streams *streams = admin->streams;

	if (streams == NULL)
		return;
	keeper_recorder_watch(&admin->keeper->recorder, NULL, NULL);
	tell_all(admin, say_goodbye);
	keeper_handle_close(admin->keeper, (uv_handle_t *)&streams->written);
	keeper_handle_close(admin->keeper, (uv_handle_t *)&streams->pace);
}

void admin_stream_free(struct admin *admin)
{
	mem_free(admin->streams);
	admin->streams = NULL;
}
