/* conn.c: the life of a connection: input of both sides, one step at a time, until an event or nothing is left. */
#include "base/close_reason.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "engine/conn_state.h"

#include <string.h>

struct fw_conn *fw_conn_new(struct fw_engine *engine, const struct fw_conn_options *options)
{
	struct fw_conn *conn = mem_zero(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->engine = engine;
	conn->policy = fw_policy_ref(engine->policy);
	conn->user = options->user;
	conn->peer = options->peer;
	conn->peer_port = options->peer_port;
	conn->proxy = options->proxy;
	conn->id = engine->connection_base | ++engine->connection_count;
	conn->events_tail = &conn->events;
	conn->end_code = 1006;
	conn->last_input_ns = engine->now.monotonic_ns;
	conn->phase_until_ns =
		engine->now.monotonic_ns + (uint64_t)conn->policy->settings.handshake_timeout * SECOND_NS;
	ws_reader_init(&conn->reader, WS_SERVER);
	engine->counters[COUNT_connections]++;
	engine->counters[COUNT_active_connections]++;
	if (!client_address_awaited(conn))
		event_need(conn, FW_NEED_ADMIT, NULL);
	return conn;
}

struct fw_conn *fw_conn_free(struct fw_conn *conn)
{
	struct fw_engine *engine;

	if (conn == NULL)
		return NULL;
	engine = conn->engine;
	if (conn->was_open && !conn->done_given)
		engine->counters[COUNT_sessions_open]--;
	engine->counters[COUNT_active_connections]--;
	event_free_all(conn);
	login_free(conn);
	upstream_free(conn);
	handshake_forget(conn);
	ws_reader_fini(&conn->reader, &engine->pool);
	buf_clear(&conn->pending, &engine->pool);
	buf_clear(&conn->out, &engine->pool);
	quota_free(conn);
	mem_free(conn->pong);
	mem_free(conn->restricted);
	mem_free(conn->type_cells);
	mem_free(conn->access);
	mem_free(conn->arrival);
	mem_free(conn->listed);
	mem_free(conn->tls_certificate);
	mem_free(conn->certificate);
	principal_free(conn->principal);
	fw_policy_unref(conn->policy);
	mem_free(conn);
	return NULL;
}

void fw_conn_secured(struct fw_conn *conn, const struct fw_security *security)
{
	conn->tls_version = security->version;
	conn->tls_cipher = security->cipher;
	if (security->certificate == NULL || conn->tls_certificate != NULL)
		return;
	conn->tls_certificate = mem_alloc(32);
	if (conn->tls_certificate == NULL)
		conn->broken = true;
	else
		memcpy(conn->tls_certificate, security->certificate, 32);
	if (security->names != NULL && !authn_certificate_keep(conn, security->names))
		conn->broken = true;
}

void *fw_conn_user(const struct fw_conn *conn)
{
	return conn->user;
}

/* Octets that must wait are kept in pending; new ones queue up behind them. */
static void hand_over(struct fw_conn *conn, struct buf *pending, uint8_t **input, size_t *input_size, uint8_t *bytes,
		      size_t size)
{
	if (buf_size(pending) == 0) {
		*input = bytes;
		*input_size = size;
		return;
	}
	if (buf_append(pending, &conn->engine->pool, bytes, size) < 0)
		conn->broken = true;
	*input = buf_data(pending);
	*input_size = buf_size(pending);
}

void fw_conn_receive(struct fw_conn *conn, enum fw_side side, uint8_t *bytes, size_t size)
{
	if (conn->phase == PHASE_DONE || size == 0)
		return;
	if (side == FW_CLIENT && !conn->hung_up)
		hand_over(conn, &conn->pending, &conn->input, &conn->input_size, bytes, size);
	else if (side == FW_UPSTREAM && conn->upstream != NULL && !conn->upstream->hung_up)
		hand_over(conn, &conn->upstream->pending, &conn->upstream->input, &conn->upstream->input_size, bytes,
			  size);
}

void fw_conn_lost(struct fw_conn *conn, enum fw_side side)
{
	ending_lost(conn, side);
}

/* Before the embedder takes its octets back: what is left of them is kept, what was kept and is used up is freed. */
static void settle(struct fw_conn *conn, struct buf *pending, uint8_t **input, size_t *input_size)
{
	if (*input == NULL)
		return;
	if (buf_size(pending) != 0)
		buf_consume(pending, &conn->engine->pool, buf_size(pending) - *input_size);
	else if (*input_size != 0 && buf_append(pending, &conn->engine->pool, *input, *input_size) < 0)
		conn->broken = true;
	*input = NULL;
	*input_size = 0;
}

static void resume(struct buf *pending, uint8_t **input, size_t *input_size)
{
	if (*input == NULL && buf_size(pending) != 0) {
		*input = buf_data(pending);
		*input_size = buf_size(pending);
	}
}

/* One step of the client's input. True when something was done. */
static bool step_client(struct fw_conn *conn)
{
	resume(&conn->pending, &conn->input, &conn->input_size);
	if (conn->input_size == 0)
		return false;
	switch (conn->phase) {
	case PHASE_HEAD:
		handshake_input(conn);
		return true;
	case PHASE_BODY:
		logout_input(conn);
		return true;
	case PHASE_LOGIN:
	case PHASE_OPEN:
		traffic_client(conn);
		return true;
	case PHASE_OWED:
		if (conn->reader.failed)
			conn->input_size = 0;
		else
			traffic_client(conn);
		return true;
	case PHASE_CLOSING:
		/* Who says so much more is not waited for: reading it costs what no limit counts any more. */
		if (++conn->late_frames > LIMIT_LATE_FRAMES)
			conn->reader.failed = true;
		if (conn->close_received || conn->reader.failed || !conn->upgraded)
			conn->input_size = 0;
		else
			traffic_client(conn);
		return true;
	default:
		return false; /* waits */
	}
}

static bool step_upstream(struct fw_conn *conn)
{
	struct upstream *up = conn->upstream;
	size_t before;

	if (up == NULL)
		return false;
	resume(&up->pending, &up->input, &up->input_size);
	before = up->input_size;
	if (before == 0)
		return false;
	if (up->lost || up->broke != 0 || up->close_received || conn->phase == PHASE_DONE) {
		up->input_size = 0;
		return true;
	}
	if (up->upgraded)
		traffic_upstream(conn);
	else if (conn->phase == PHASE_UPSTREAM_HEAD)
		upstream_input(conn);
	else if (conn->phase == PHASE_CLOSING)
		up->input_size = 0;
	return up->input_size != before || conn->events != NULL;
}

static void fail_closed(struct fw_conn *conn)
{
	conn->broken = false;
	login_free(conn);
	/* Of a head that lacks a part nothing is sent. */
	if (!conn->upgraded)
		buf_clear(&conn->out, &conn->engine->pool);
	if (conn->upstream != NULL && !conn->upstream->upgraded)
		buf_clear(&conn->upstream->out, &conn->engine->pool);
	ending_close(conn, CLOSE_FAULT, NULL, "memory");
	if (conn->broken) { /* not even that could be said */
		conn->broken = false;
		ending_drop(conn, NULL);
	}
}

const struct fw_event *fw_conn_next_event(struct fw_conn *conn)
{
	const struct fw_event *ending;
	struct event_node *node;

	while (conn->events == NULL) {
		if (recheck_due(conn))
			fw_conn_recheck(conn);
		if (conn->broken)
			fail_closed(conn);
		else if (conn->events == NULL && !step_client(conn) && !step_upstream(conn)) {
			settle(conn, &conn->pending, &conn->input, &conn->input_size);
			if (conn->upstream != NULL)
				settle(conn, &conn->upstream->pending, &conn->upstream->input,
				       &conn->upstream->input_size);
			if (conn->broken)
				continue;
			compression_release(conn->engine);
			event_give_back(conn->engine, conn->engine->returned);
			conn->engine->returned = NULL;
			ending = ending_event(conn);
			if (ending != NULL)
				return ending;
			if (conn->events == NULL && (conn->phase != PHASE_DONE || conn->done_given))
				break;
		}
	}
	node = event_next(conn);
	return node != NULL ? &node->event : NULL;
}

void fw_conn_supply(struct fw_conn *conn, uint32_t need_id, const struct fw_answer *answer)
{
	enum fw_need_kind kind = conn->need_kind;

	/* Admission is asked before any other need and answered whenever it comes; a later need may be open by then. */
	if (conn->admitted == 0 && need_id == 1) {
		conn->admitted = (uint8_t)(1 + answer->code);
		conn->admit_again_ms = answer->retry_after_ms;
		if (answer->cause.size != 0)
			conn->listed = mem_text(answer->cause.data, answer->cause.size);
		if (kind == FW_NEED_ADMIT)
			conn->need_kind = 0;
		if (conn->phase == PHASE_ADMIT)
			handshake_admitted(conn);
		return;
	}
	if (need_id != conn->need_id || kind == 0)
		return; /* an answer that came too late */
	conn->need_kind = 0;
	login_supplied(conn, kind, answer);
}

bool fw_conn_wants(const struct fw_conn *conn, enum fw_side side)
{
	if (side == FW_CLIENT)
		return output_waiting(conn, FW_CLIENT) < LIMIT_OUTPUT_MARK &&
		       output_waiting(conn, FW_UPSTREAM) < LIMIT_OUTPUT_MARK &&
		       buf_size(&conn->pending) < LIMIT_PENDING_INPUT;
	return conn->upstream != NULL && output_waiting(conn, FW_CLIENT) < LIMIT_OUTPUT_MARK &&
	       output_waiting(conn, FW_UPSTREAM) < LIMIT_OUTPUT_MARK &&
	       buf_size(&conn->upstream->pending) < LIMIT_PENDING_INPUT;
}

void fw_conn_end(struct fw_conn *conn, unsigned close_reason)
{
	/* Who was blocked before he said anything is answered as if he had come after it: in band, or by status. */
	if (close_reason == CLOSE_BLOCKED && conn->phase == PHASE_HEAD && buf_size(&conn->head) == 0) {
		if (conn->admitted != 0)
			conn->admitted = 1 + FW_ANSWER_BLOCKED;
		return;
	}
	ending_close(conn, close_reason, NULL, "ended from outside");
}

void fw_conn_restrict(struct fw_conn *conn, enum fw_restriction restriction, uint64_t until_ns)
{
	if (conn->restricted == NULL && until_ns == 0)
		return;
	if (conn->restricted == NULL)
		conn->restricted = mem_zero(FW_RESTRICT_STEP_UP + 1, sizeof(*conn->restricted));
	if (conn->restricted == NULL)
		conn->broken = true; /* what is to be kept from it would not be */
	else
		conn->restricted[restriction] = until_ns;
}

struct engine_conn_figures engine_conn_figures(const struct fw_conn *conn)
{
	return (struct engine_conn_figures){ .route = conn->route != NULL
							      ? slice(conn->route->path, conn->route->path_size)
							      : slice(NULL, 0),
					     .open = conn->phase == PHASE_OPEN,
					     .proxied = conn->upstream != NULL,
					     .messages_in = conn->messages_in,
					     .messages_out = conn->messages_out,
					     .last_message_ns = conn->last_message_ns };
}
