/* ending.c: how a connection ends: who is told what, and when it is over. Only the first reason counts. */
#include "base/slice.h"
#include "engine/conn_state.h"

#include <string.h>

static int send_close(struct fw_conn *conn, enum fw_side side, uint16_t code, struct fw_slice reason)
{
	uint8_t payload[125];
	size_t size = 0;

	if (code != 1005) { /* 1005 is never on the wire (RFC 6455 7.4.1): an empty close frame says it */
		payload[0] = (uint8_t)(code >> 8);
		payload[1] = (uint8_t)code;
		if (reason.size > LIMIT_CLOSE_REASON)
			reason.size = LIMIT_CLOSE_REASON;
		if (reason.size != 0)
			memcpy(payload + 2, reason.data, reason.size);
		size = 2 + reason.size;
	}
	return output_frame(conn, side, WS_CLOSE, slice(payload, size));
}

static void close_upstream(struct fw_conn *conn, uint16_t code, struct fw_slice reason)
{
	struct upstream *up = conn->upstream;

	if (up == NULL || !up->upgraded || up->close_sent || up->lost)
		return;
	up->close_sent = true;
	send_close(conn, FW_UPSTREAM, code, reason);
}

static void begin_closing(struct fw_conn *conn)
{
	conn->phase = PHASE_CLOSING;
	conn->need_kind = 0;
	conn->phase_until_ns =
		conn->engine->now.monotonic_ns + (uint64_t)conn->policy->settings.close_timeout * SECOND_NS;
	handshake_forget(conn);
}

/* Sets the reason and records it. The id of the record, or NULL: there is none of this reason alone. */
static const char *decide(struct fw_conn *conn, unsigned reason, enum error_code error, const char *cause)
{
	const struct close_row *row = close_reason_row(reason);
	struct event_node *node;

	conn->end_reason = (uint8_t)reason;
	conn->end_code = row->code;
	conn->engine->counters[COUNT_closed_by_policy]++;
	if (row->event == EVENT_websocket_disconnect)
		return NULL;
	node = event_record(conn, row->event);
	event_text(node, "close", row->name);
	event_number(node, "close_code", row->code);
	event_text(node, "error", error_code_name(error));
	event_text(node, row->event == EVENT_protocol_violation ? "rule" : "cause", cause);
	event_violation(conn, row->event);
	return node->event.as.record.event_id;
}

/* The last words to both sides, of the reason that was decided. */
static void say_close(struct fw_conn *conn, const struct answer *told)
{
	const struct close_row *row = close_reason_row(conn->end_reason);
	struct upstream *up = conn->upstream;

	if (told != NULL && told->code != ERROR_NONE && !conn->lost)
		answer_error(conn, told);
	conn->close_sent = true;
	if (!conn->lost)
		send_close(conn, FW_CLIENT, row->code, slice_text(row->text));
	/* What the upstream is told says nothing about why the client went away; why itself is left it hears (RFC 6455
	 * 7.1.7). */
	if (up != NULL && up->broke != 0) {
		close_upstream(conn, up->broke, slice(NULL, 0));
		up->lost = true;
	}
	close_upstream(conn, 1001, slice(NULL, 0));
	begin_closing(conn);
}

/* One decision, one record: that of the reason, where it has one. */
static void refuse_handshake(struct fw_conn *conn, unsigned reason)
{
	const struct close_row *row = close_reason_row(reason);
	bool later = reason == CLOSE_DRAIN || reason == CLOSE_OVERLOAD;

	http_answer_refuse(conn, &(struct http_refusal){
					 .status = later ? 503 : 403,
					 .code = row->error != ERROR_NONE ? error_code_name(row->error) : NULL,
					 .cause = row->text,
					 .event = row->event == EVENT_websocket_disconnect ? EVENT_handshake_refused
											   : row->event });
}

void ending_close(struct fw_conn *conn, unsigned reason, const struct answer *answer, const char *cause)
{
	const struct close_row *row = close_reason_row(reason);
	struct answer told = { .code = row->error };

	if (conn->phase >= PHASE_CLOSING)
		return;
	if (conn->phase == PHASE_OWED) {
		say_close(conn, NULL);
		return;
	}
	if (!conn->upgraded) {
		refuse_handshake(conn, reason);
		return;
	}
	if (answer != NULL)
		told = *answer;
	told.event_id = decide(conn, reason, told.code, cause);
	say_close(conn, &told);
}

/* As far as can be seen from here: a peer that answers each message has answered all of them. */
static bool is_answered(const struct fw_conn *conn)
{
	uint32_t owed = conn->messages_in - conn->messages_out;

	if (conn->upstream == NULL || conn->upstream->lost || conn->lost)
		return true;
	return conn->upstream->broke != 0 ? (int32_t)owed >= 0 : (int32_t)owed <= 0;
}

void ending_close_when_answered(struct fw_conn *conn, unsigned reason, const char *cause)
{
	if (conn->phase != PHASE_OPEN || close_reason_row(reason)->error != ERROR_NONE || is_answered(conn)) {
		ending_close(conn, reason, NULL, cause);
		return;
	}
	decide(conn, reason, ERROR_NONE, cause);
	conn->phase = PHASE_OWED;
	conn->phase_until_ns = conn->engine->now.monotonic_ns + LIMIT_OWED_MS * (SECOND_NS / 1000);
}

void ending_answered(struct fw_conn *conn)
{
	if (conn->phase == PHASE_OWED && is_answered(conn))
		say_close(conn, NULL);
}

void ending_peer_close(struct fw_conn *conn, enum fw_side side, uint16_t code, struct fw_slice reason)
{
	struct upstream *up = conn->upstream;

	if (conn->phase == PHASE_OWED)
		say_close(conn, NULL);
	if (side == FW_CLIENT) {
		conn->close_received = true;
		if (!conn->close_sent) {
			conn->close_sent = true;
			send_close(conn, FW_CLIENT, code, reason); /* RFC 6455 5.5.1: echoes the code */
		}
	} else {
		up->close_received = true;
		close_upstream(conn, code, reason);
		if (!conn->close_sent && conn->upgraded) {
			conn->close_sent = true;
			send_close(conn, FW_CLIENT, code, reason);
		}
	}
	if (side == FW_CLIENT)
		close_upstream(conn, code, inspect_reason(conn, reason) ? reason : slice(NULL, 0));
	if (conn->phase < PHASE_CLOSING) {
		conn->end_reason = CLOSE_NORMAL;
		conn->end_code = code;
		begin_closing(conn);
	}
}

void ending_lost(struct fw_conn *conn, enum fw_side side)
{
	if (side == FW_UPSTREAM) {
		struct upstream *up = conn->upstream;

		if (up == NULL || up->lost)
			return;
		up->lost = true;
		if (conn->phase < PHASE_CLOSING)
			upstream_failed(conn, "the upstream broke off");
		return;
	}
	if (conn->lost)
		return;
	conn->lost = true;
	if (conn->phase == PHASE_OWED)
		say_close(conn, NULL);
	conn->close_sent = conn->close_received = true;
	if (conn->phase >= PHASE_CLOSING)
		return;
	conn->end_reason = CLOSE_NORMAL;
	conn->end_code = 1006; /* only in the record: no close frame came */
	close_upstream(conn, 1001, slice(NULL, 0));
	login_free(conn);
	begin_closing(conn);
}

void ending_drop(struct fw_conn *conn, const char *cause)
{
	struct event_node *node;

	if (conn->phase == PHASE_DONE)
		return;
	if (conn->phase != PHASE_CLOSING && cause != NULL) {
		node = event_record(conn, EVENT_system_error);
		event_text(node, "cause", cause);
	}
	if (conn->phase != PHASE_CLOSING)
		begin_closing(conn);
	buf_clear(&conn->out, &conn->engine->pool);
	conn->stall_ns[FW_CLIENT] = 0;
	conn->lost = conn->close_sent = conn->close_received = true;
	if (conn->upstream != NULL)
		conn->upstream->lost = true;
}

static void record_disconnect(struct fw_conn *conn)
{
	struct event_node *node;

	access_flush(conn);
	if (!conn->upgraded)
		return; /* the refusal was recorded */
	node = event_record(conn, EVENT_websocket_disconnect);
	event_number(node, "close_code", conn->end_code);
	event_text(node, "close", close_reason_row(conn->end_reason)->name);
	event_number(node, "messages_in", conn->messages_in);
	event_number(node, "messages_out", conn->messages_out);
}

/* An event that must reach the embedder even when no memory is left: it has no texts, so the engine's spare node
 * carries it. */
static const struct fw_event *plain_event(struct fw_conn *conn, enum fw_event_kind kind, enum fw_side side, bool closed)
{
	struct fw_event *event = &conn->engine->spare.event;

	event->kind = kind;
	event->side = side;
	event->closed = closed;
	return event;
}

const struct fw_event *ending_event(struct fw_conn *conn)
{
	struct upstream *up = conn->upstream;
	bool over = conn->engine->now.monotonic_ns >= conn->phase_until_ns;
	bool client_over, upstream_over;

	if (conn->phase < PHASE_CLOSING || conn->done_given)
		return NULL;
	if (conn->phase == PHASE_DONE) {
		conn->done_given = true;
		return plain_event(conn, FW_EV_DONE, FW_CLIENT, false);
	}
	client_over = conn->lost || over || (conn->close_sent && (conn->close_received || conn->reader.failed));
	upstream_over = up == NULL || up->lost || over || !up->upgraded ||
			(up->close_sent && (up->close_received || up->reader.failed));
	if (client_over && !conn->hung_up) {
		conn->hung_up = true;
		return plain_event(conn, FW_EV_HANGUP, FW_CLIENT,
				   conn->close_received && !conn->lost && !conn->cut_short);
	}
	if (upstream_over && up != NULL && !up->hung_up) {
		up->hung_up = true;
		return plain_event(conn, FW_EV_HANGUP, FW_UPSTREAM, up->close_received && !up->lost);
	}
	if (!client_over || !upstream_over)
		return NULL;
	record_disconnect(conn);
	if (conn->was_open)
		conn->engine->counters[COUNT_sessions_open]--;
	conn->phase = PHASE_DONE;
	return NULL; /* the records first: the caller asks again */
}
