/* traffic.c: frames that a client sends on an upgraded connection: whole messages to the stages, control frames
 * answered. */
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/tallies_parts.h"

#include <string.h>

enum {
	MONITOR_MESSAGE = 64 << 20
}; /* monitor changes nothing: what enforce would refuse by size still passes, up to here */

/* The message that answered a ping before the client was ready to read it is replaced: only the newest counts (RFC
 * 6455 5.5.3). */
void traffic_pong(struct fw_conn *conn)
{
	if (!conn->pong_due || output_waiting(conn, FW_CLIENT) >= LIMIT_OUTPUT_MARK)
		return;
	conn->pong_due = false;
	output_frame(conn, FW_CLIENT, WS_PONG, slice(conn->pong, conn->pong_size));
}

static void client_control(struct fw_conn *conn, const struct ws_item *item)
{
	uint64_t now = conn->engine->now.monotonic_ns;

	conn->engine->counters[COUNT_control_frames_in]++;
	if (item->opcode == WS_CLOSE) {
		ending_peer_close(conn, FW_CLIENT, item->code, slice(item->payload, item->size));
		return;
	}
	if (!conn_monitors(conn) && conn->policy->settings.control_rate != 0 &&
	    gcra_take(&conn->control_cell, &conn->policy->control_rate, now) != 0) {
		ending_close(conn, CLOSE_CONTROL_FLOOD, NULL, "control frames per minute");
		return;
	}
	if (item->opcode == WS_PONG || conn->phase >= PHASE_CLOSING)
		return;
	if (output_waiting(conn, FW_CLIENT) < LIMIT_OUTPUT_MARK) {
		conn->pong_due = false;
		output_frame(conn, FW_CLIENT, WS_PONG, slice(item->payload, item->size));
		return;
	}
	if (conn->pong == NULL)
		conn->pong = mem_alloc(LIMIT_CONTROL_PAYLOAD);
	if (conn->pong == NULL) {
		conn->broken = true;
		return;
	}
	if (item->size != 0)
		memcpy(conn->pong, item->payload, item->size);
	conn->pong_size = (uint8_t)item->size;
	conn->pong_due = true;
}

static void client_failed(struct fw_conn *conn, const struct ws_item *item)
{
	unsigned reason = item->code == 1007   ? CLOSE_UTF8
			  : item->code == 1008 ? CLOSE_FRAGMENTS
			  : item->code == 1009 ? CLOSE_TOO_BIG
			  : item->code == 1011 ? CLOSE_FAULT
					       : CLOSE_PROTOCOL;

	conn->engine->counters[COUNT_protocol_errors]++;
	ending_close_when_answered(conn, reason, item->rule);
}

void traffic_note_would(struct fw_conn *conn, const struct message *message, unsigned stage)
{
	struct event_node *node = event_record(conn, message->event);

	conn->engine->counters[COUNT_would_refuse]++;
	event_text(node, "mode", "monitor");
	event_text(node, "would", message->close != 0 ? "close" : "refuse");
	event_text(node, "stage", pipeline_stages[stage].name);
	event_text(node, "error", error_code_name(message->error));
	event_text(node, "cause", message->cause);
	event_text(node, "rule", message->public_rule);
	event_detail(node, "field", message->detail);
	inspect_note(node, message);
}

static const char *record_refusal(struct fw_conn *conn, const struct message *message, unsigned stage)
{
	struct event_node *node = event_record(conn, message->event);

	event_text(node, "stage", pipeline_stages[stage].name);
	event_text(node, "error", error_code_name(message->error));
	event_text(node, "cause", message->cause);
	event_text(node, "rule", message->public_rule);
	if (message->rule != NULL)
		event_text(node, "message_type", message->rule->name);
	event_detail(node, "field", message->detail);
	if (message->secrets.count != 0)
		event_number(node, "count", (int64_t)message->secrets.count);
	event_number(node, "size", (int64_t)message->text.size);
	if (message->has_number)
		event_number(node, "at", (int64_t)message->number);
	inspect_note(node, message);
	if (!message->blameless)
		event_violation(conn, message->event);
	return node->event.as.record.event_id;
}

/* Every other answer is to a message that was within its limit; these alone have none of their own, where
 * close_after_violations is off or a client sends a good message now and then. The refusal is recorded all the same. */
static bool may_answer(struct fw_conn *conn, const struct message *message)
{
	return message->error != ERROR_RATE_LIMITED ||
	       gcra_take(&conn->answer_cell, &message->policy->answer_rate, conn->engine->now.monotonic_ns) == 0;
}

static void refuse(struct fw_conn *conn, const struct message *message, enum verdict verdict, unsigned stage)
{
	struct answer answer = {
		.code = message->error,
		/* row 116: that text, with the rule's id */
		.text = message->event == EVENT_dangerous_content ? "Dangerous content detected" : NULL,
		.retry_after_ms = message->retry_after_ms,
		.problems = message->error == ERROR_INVALID_MESSAGE || message->error == ERROR_PERMISSION_DENIED
				    ? message->problems
				    : NULL,
		.rule = message->public_rule,
		.message = message
	};

	conn->engine->counters[COUNT_refused]++;
	if (verdict == VERDICT_CLOSE) {
		ending_close(conn, message->close, &answer, message->cause);
		return;
	}
	answer.event_id = record_refusal(conn, message, stage);
	if (may_answer(conn, message))
		answer_error(conn, &answer);
	if (message->attachment != ATTACHMENT_NONE && message->event == EVENT_dangerous_content)
		/* the server behind waits for it: nothing else can come after the event that announced it */
		ending_close(conn, CLOSE_POLICY, &(struct answer){ .code = ERROR_NONE }, message->cause);
	else if (message->said != NULL && message->said->fatal) /* what was said ends it in the dialect, too */
		ending_close(conn, CLOSE_PROTOCOL, &(struct answer){ .code = ERROR_NONE }, message->cause);
}

/* Messages that end here: ping, csrf_refresh, a login on an open connection. */
static void answer_here(struct fw_conn *conn, const struct message *message)
{
	struct fw_slice name = slice(message->rule->name, message->rule->name_size);

	if (slice_is(name, "ping")) {
		uint32_t node = json_member(&message->json, 0, "timestamp", 9);

		answer_pong(conn, node != 0 ? json_raw(&message->json, node) : slice(NULL, 0));
	} else if (slice_is(name, "csrf_refresh") && conn->principal != NULL) {
		principal_new_csrf(conn, conn->principal);
		answer_csrf(conn);
	} else if (slice_is(name, "auth")) {
		login_again(conn, &message->json);
	}
}

static void record_rewrite(struct fw_conn *conn, const struct message *message)
{
	struct event_node *node = event_record(conn, EVENT_content_rewritten);

	conn->engine->counters[COUNT_rewritten]++;
	event_text(node, "message_type", message->rule->name);
	event_detail(node, "field", message->detail);
	event_text(node, "cause", message->cause);
	if (conn_monitors(conn)) {
		event_text(node, "mode", "monitor");
		event_text(node, "would", "rewrite");
	}
}

static void forward(struct fw_conn *conn, struct message *message, enum verdict verdict)
{
	struct fw_slice text = message->text;
	bool changed = false;

	if (!conn_monitors(conn) && pipeline_forward(message, conn->upstream != NULL, &text, &changed) != FW_OK) {
		ending_close(conn, CLOSE_FAULT, NULL, "memory");
		return;
	}
	if (message->rule != NULL && (verdict == VERDICT_REWRITE || message->rewritten != NULL))
		record_rewrite(conn, message);
	else
		conn->engine->counters[COUNT_passed]++;
	access_note(conn, false, message->type, text.size);
	if (conn->upstream != NULL) {
		compression_send(conn, FW_UPSTREAM, message->binary ? WS_BINARY : WS_TEXT, text);
	} else {
		struct fw_event *event = event_push(conn, FW_EV_MESSAGE);

		event->as.message = (struct fw_incoming){ message->type, message->binary, text };
	}
}

/* What judge makes of it. silent: nothing of it goes on by itself. */
static enum decision decide(const struct fw_conn *conn, const struct message *message, enum verdict verdict,
			    bool silent)
{
	if (verdict >= VERDICT_REFUSE)
		return conn_monitors(conn)	  ? DECISION_would_refuse
		       : verdict == VERDICT_CLOSE ? DECISION_close
						  : DECISION_refuse;
	if (message->rule != NULL && message->rule->answered_here && !conn_monitors(conn))
		return DECISION_answer;
	if (silent)
		return DECISION_drop;
	if (message->rule != NULL && (verdict == VERDICT_REWRITE || message->rewritten != NULL))
		return DECISION_rewrite;
	return verdict == VERDICT_FLAG ? DECISION_flag : DECISION_pass;
}

/* What becomes of a message, or of the first of several in a frame. *text: what of the frame is still to be judged. */
static void judge(struct fw_conn *conn, const struct ws_item *item, bool first, struct fw_slice *text)
{
	struct fw_engine *engine = conn->engine;
	bool compressed = item->compressed && first, silent;
	struct message message;
	unsigned stage;
	enum verdict verdict;

	/* Field by field: clearing the whole would cost more than a short message's JSON. */
	memset(&message, 0, sizeof(message));
	message.engine = engine;
	message.policy = conn->policy;
	message.route = conn->route;
	message.conn = conn;
	message.role = principal_role(conn);
	message.text = *text;
	message.binary = item->opcode == WS_BINARY;
	message.compressed = compressed;
	message.received = first ? item->size : 0;
	message.type = FW_TYPE_OPAQUE;
	message.problems = &engine->problems;
	message.dialect = dialects_of(conn);
	if (message.binary && message.dialect != NULL)
		message.attachment = dialects_attachment(conn, FW_CLIENT);
	conn->messages_in++;
	engine->counters[COUNT_messages_in]++;
	arena_reset(&engine->arena);
	problems_clear(&engine->problems);
	*text = slice(NULL, 0);

	/* Monitor stops at no rate, but what cannot be read it cannot pass on either. */
	if (compressed && conn_monitors(conn) && stage_inflate(&message) >= VERDICT_REFUSE) {
		tallies_message(engine, &message, DECISION_close, pipeline_count);
		refuse(conn, &message, VERDICT_CLOSE, pipeline_count);
		return;
	}
	verdict = pipeline_judge(&message, &stage);
	engine->counters[COUNT_bytes_in] += message.text.size;
	if (engine->capture != NULL)
		capture_inbound(conn, &message, verdict, stage);
	if (message.said != NULL) {
		*text = message.said->rest;
		/* Monitor changes nothing, frames neither: all of it goes on with the first. */
		if (conn_monitors(conn))
			message.text =
				first ? slice(message.text.data, message.text.size + text->size) : slice(NULL, 0);
	}
	silent = message.attachment == ATTACHMENT_DROPPED || (!first && conn_monitors(conn));
	dialects_done(&message, verdict < VERDICT_REFUSE || conn_monitors(conn));
	tallies_message(engine, &message, decide(conn, &message, verdict, silent), stage);
	if (verdict >= VERDICT_REFUSE && conn_monitors(conn)) {
		traffic_note_would(conn, &message, stage);
		message.rule = NULL; /* nothing is changed: the client's octets go on */
		if (!silent)
			forward(conn, &message, VERDICT_PASS);
	} else if (verdict >= VERDICT_REFUSE) {
		refuse(conn, &message, verdict, stage);
	} else if (message.rule != NULL && message.rule->answered_here && !conn_monitors(conn)) {
		answer_here(conn, &message);
	} else if (!silent) {
		forward(conn, &message, verdict);
	}
}

static void client_message(struct fw_conn *conn, const struct ws_item *item)
{
	struct fw_slice text = slice(item->payload, item->size);
	bool first = true;

	conn->last_message_ns = conn->engine->now.monotonic_ns;
	do {
		judge(conn, item, first, &text);
		first = false;
	} while (text.size != 0 && (conn->phase == PHASE_OPEN || conn->phase == PHASE_OWED));
}

uint64_t traffic_largest(const struct fw_conn *conn, enum fw_side side)
{
	uint64_t max = (uint64_t)conn->policy->settings.max_message_size;

	if (conn_monitors(conn))
		return MONITOR_MESSAGE;
	if (side == FW_UPSTREAM)
		return (uint64_t)conn->policy->settings.max_upstream_message;
	/* An auth message may hold a token of its own size (decision D4). */
	if (conn->phase == PHASE_LOGIN && conn->policy->auth_message_bytes > max)
		return conn->policy->auth_message_bytes;
	return max;
}

/* The first message, which no stage sees. False: it ended the connection. */
static bool inflate_login(struct fw_conn *conn, struct ws_item *item)
{
	struct fw_slice text = slice(item->payload, item->size);
	const char *cause;
	unsigned close;

	if (!item->compressed)
		return true;
	close = compression_inflate(conn, FW_CLIENT, &text, item->opcode == WS_BINARY, &cause);
	if (close != CLOSE_NORMAL) {
		conn->engine->counters[COUNT_protocol_errors]++;
		ending_close(conn, close, NULL, cause);
		return false;
	}
	item->payload = buf_data(&conn->engine->inflated);
	item->size = text.size;
	return true;
}

/* Frames of messages that came since it was asked last: of one whole message, or of a part of one. */
static bool too_many_frames(struct fw_conn *conn, enum ws_step step, const struct ws_item *item)
{
	const struct gcra *rate = &conn->policy->frame_rate;
	uint32_t frames = step == WS_MESSAGE ? item->fragments : conn->reader.fragments;
	uint32_t fresh = frames - conn->frames_counted;

	conn->frames_counted = step == WS_MESSAGE ? 0 : frames;
	return rate->interval_ns != 0 && !conn_monitors(conn) &&
	       gcra_take_many(&conn->frame_cell, rate, fresh, conn->engine->now.monotonic_ns) != 0;
}

void traffic_client(struct fw_conn *conn)
{
	struct ws_limits limits = { traffic_largest(conn, FW_CLIENT),
				    conn_monitors(conn) ? 0 : (uint32_t)conn->policy->settings.max_fragments };
	struct ws_item item;
	enum ws_step step;

	conn->last_input_ns = conn->engine->now.monotonic_ns;
	conn->ping_due = false;
	step = ws_reader_next(&conn->reader, &limits, &conn->engine->pool, &conn->input, &conn->input_size, &item);
	if (too_many_frames(conn, step, &item)) {
		ending_close(conn, CLOSE_FRAME_FLOOD, NULL, "frames per minute");
		return;
	}
	switch (step) {
	case WS_MORE:
		break;
	case WS_FAIL:
		client_failed(conn, &item);
		break;
	case WS_CONTROL:
		client_control(conn, &item);
		break;
	case WS_MESSAGE:
		conn->engine->counters[COUNT_masks_zero] += item.zero_mask;
		if (conn->phase == PHASE_OPEN || conn->phase == PHASE_OWED)
			client_message(conn, &item);
		else if (conn->phase == PHASE_LOGIN && inflate_login(conn, &item))
			login_message(conn, &item);
		ending_answered(conn);
		break;
	}
}
