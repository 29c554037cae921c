/* traffic_upstream.c: what goes to a client of an upgraded connection: what the server behind it says, or the embedder,
 * as far as this client may see it. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/outbound.h"
#include "engine/tallies_parts.h"

/* Judges a server message: with a type (hub, embedder), may this client see it? */
static enum verdict judge_outbound(struct fw_conn *conn, uint16_t type, bool binary, struct fw_slice payload,
				   struct message *ret_message, unsigned *ret_stage, struct fw_slice *ret_rest)
{
	enum verdict verdict;

	*ret_message = (struct message){ .engine = conn->engine,
					 .policy = conn->policy,
					 .route = conn->route,
					 .conn = conn,
					 .role = principal_role(conn),
					 .text = payload,
					 .binary = binary,
					 .outbound = true,
					 .dialect = dialects_of(conn),
					 .type = type };
	arena_reset(&conn->engine->outbound);
	*ret_rest = dialects_outbound(ret_message);
	verdict = pipeline_judge(ret_message, ret_stage);
	dialects_done(ret_message, verdict < VERDICT_REFUSE || conn_monitors(conn));
	return verdict;
}

/* *payload becomes what this client may see of it. */
static bool may_see(struct fw_conn *conn, uint16_t type, bool binary, struct fw_slice *payload)
{
	struct fw_engine *engine = conn->engine;
	struct fw_slice rest;
	struct message message;
	unsigned stage;

	/* It is others' as well. */
	if (conn->route != NULL && conn->route->secrets_out.kinds != 0) {
		buf_clear(&engine->copied, &engine->pool);
		if (buf_append(&engine->copied, &engine->pool, payload->data, payload->size) != 0)
			return false;
		*payload = slice(buf_data(&engine->copied), payload->size);
	}
	return judge_outbound(conn, type, binary, *payload, &message, &stage, &rest) < VERDICT_REFUSE &&
	       rest.size == 0 && (conn_monitors(conn) || fields_shown(&message, payload));
}

/* What judging said of a server's message, for who counts it. */
struct outbound_word {
	const struct policy_message *rule; /* its type; NULL: not known */
	enum decision decision;
};

static void count_outbound(struct fw_conn *conn, uint16_t type, const struct outbound_word *word)
{
	static const char *const opaque = "opaque";
	const void *key = opaque;
	struct fw_slice name = slice_text(opaque);

	if (type != FW_TYPE_OPAQUE) {
		key = &conn->policy->outbound[type];
		name = slice(conn->policy->outbound[type].name, conn->policy->outbound[type].name_size);
	} else if (word->rule != NULL) {
		key = word->rule;
		name = slice(word->rule->name, word->rule->name_size);
	}
	tallies_count(conn->engine, conn->route, key, name, true, word->decision);
}

static int deliver(struct fw_conn *conn, enum ws_opcode opcode, uint16_t type, struct fw_slice payload,
		   const struct outbound_word *word)
{
	if (compression_send(conn, FW_CLIENT, opcode, payload) < 0)
		return FW_ERR_MEMORY;
	conn->messages_out++;
	conn->engine->counters[COUNT_messages_out]++;
	conn->engine->counters[COUNT_bytes_out] += payload.size;
	count_outbound(conn, type, word);
	access_note(conn, true, type, payload.size);
	return FW_OK;
}

/* A type of the engine's policy as this connection's policy numbers it: of one that is logging in again it is still the
 * one before. */
static uint16_t own_type(const struct fw_conn *conn, uint16_t type)
{
	const struct fw_policy *policy = conn->engine->policy;

	if (!recheck_due(conn) || type >= policy->outbound_count)
		return type;
	return policy_outbound_find(conn->policy, slice(policy->outbound[type].name, policy->outbound[type].name_size));
}

int fw_conn_send(struct fw_conn *conn, uint16_t type, bool binary, struct fw_slice payload)
{
	struct outbound_word word = { NULL, DECISION_pass };
	struct fw_slice whole;
	bool passes;

	if (recheck_due(conn))
		fw_conn_recheck(conn);
	if (type != FW_TYPE_OPAQUE && (type = own_type(conn, type)) == POLICY_NONE)
		return FW_ERR_INVALID;
	if (conn->phase != PHASE_OPEN && !(conn->login != NULL && conn->login->again))
		return FW_ERR_STATE;
	if (type != FW_TYPE_OPAQUE && type >= conn->policy->outbound_count)
		return FW_ERR_INVALID;
	whole = payload;
	passes = may_see(conn, type, binary, &payload);
	if (conn->engine->capture != NULL)
		capture_outbound(conn, binary, whole, passes);
	if (!passes)
		return FW_ERR_INVALID; /* a delivery filter, not an event: it happens on each broadcast */
	if (!binary && !utf8_valid(payload.data, payload.size))
		return FW_ERR_INVALID;
	/* A member that does not read must not make us keep what all others say. */
	if (output_waiting(conn, FW_CLIENT) + payload.size > LIMIT_OUTPUT_MARK &&
	    output_waiting(conn, FW_CLIENT) != 0) {
		ending_close(conn, CLOSE_STALLED, NULL, "it does not read what it is sent");
		return FW_ERR_STATE;
	}
	if (payload.data != whole.data || payload.size != whole.size)
		word.decision = DECISION_rewrite;
	return deliver(conn, binary ? WS_BINARY : WS_TEXT, type, payload, &word);
}

static struct event_node *withhold(struct fw_conn *conn, const char *cause, uint64_t size,
				   const struct policy_message *rule)
{
	struct event_node *node = event_record(conn, EVENT_outbound_withheld);

	conn->engine->counters[COUNT_outbound_withheld]++;
	count_outbound(conn, FW_TYPE_OPAQUE, &(struct outbound_word){ rule, DECISION_refuse });
	event_text(node, "cause", cause);
	event_number(node, "size", (int64_t)size);
	return node;
}

static void upstream_broke(struct fw_conn *conn, const struct ws_item *item)
{
	withhold(conn, item->rule, item->declared, NULL);
	conn->upstream->broke = item->code;
	upstream_failed(conn, item->rule);
}

/* What an upstream says is its own business, but for stages of an embedding program and fields that not everybody may
 * see. *payload becomes what this client may, *rest what stands behind it in the frame and is not judged yet. */
static bool may_pass(struct fw_conn *conn, bool binary, struct fw_slice *payload, struct fw_slice *rest,
		     struct outbound_word *ret_word)
{
	struct fw_slice whole = *payload;
	struct message message;
	unsigned stage;
	enum verdict verdict;
	struct event_node *node;

	*rest = slice(NULL, 0);
	*ret_word = (struct outbound_word){ NULL, DECISION_pass };
	if (!pipeline_looks_out() && !conn->policy->hides && dialects_of(conn) == NULL &&
	    conn->route->secrets_out.kinds == 0 && !outbound_judges(conn->policy, conn->route))
		return true;
	verdict = judge_outbound(conn, FW_TYPE_OPAQUE, binary, *payload, &message, &stage, rest);
	if (message.said != NULL && message.said->fatal && !conn_monitors(conn)) {
		upstream_broke(
			conn, &(struct ws_item){ .code = 1002, .rule = message.said->what, .declared = payload->size });
		return false;
	}
	ret_word->rule = message.rule;
	if (verdict < VERDICT_REFUSE) {
		*payload = message.text;
		if (conn_monitors(conn) || fields_shown(&message, payload)) {
			ret_word->decision = verdict == VERDICT_FLAG ? DECISION_flag
					     : verdict == VERDICT_REWRITE || payload->data != whole.data
						     ? DECISION_rewrite
						     : DECISION_pass;
			return true;
		}
		message.cause = "memory";
	} else if (conn_monitors(conn)) {
		traffic_note_would(conn, &message, stage);
		ret_word->decision = DECISION_would_refuse;
		tallies_stop(conn->engine, &message, DECISION_would_refuse, stage);
		return true;
	}
	tallies_stop(conn->engine, &message, DECISION_refuse, stage);
	node = withhold(conn, message.cause, payload->size, message.rule);
	event_text(node, "rule", message.public_rule);
	if (message.judged) {
		event_text(node, "stage", stage < pipeline_count ? pipeline_stages[stage].name : NULL);
		event_text(node, "message_type", message.rule != NULL ? message.rule->name : NULL);
		if (message.secrets.count == 0)
			event_detail(node, "field", message.detail);
		if (message.problems->total != 0)
			event_number(node, "count", message.problems->total);
	}
	if (message.secrets.count != 0) {
		event_detail(node, "field", message.secrets.path);
		event_number(node, "count", (int64_t)message.secrets.count);
	}
	return false;
}

static void upstream_message(struct fw_conn *conn, const struct ws_item *item)
{
	struct fw_slice text = slice(item->payload, item->size);
	bool binary = item->opcode == WS_BINARY;
	enum attachment attachment = ATTACHMENT_NONE;
	const char *cause;

	if (item->compressed) {
		unsigned close = compression_inflate(conn, FW_UPSTREAM, &text, binary, &cause);

		if (close != CLOSE_NORMAL) {
			upstream_broke(conn, &(struct ws_item){ .code = close_reason_row(close)->code,
								.rule = cause,
								.declared = item->size });
			return;
		}
	}
	if (upstream_swallows(conn, text))
		return;
	/* Binary passes only where the route says so, in either direction. */
	if (binary && dialects_of(conn) != NULL)
		attachment = dialects_attachment(conn, FW_UPSTREAM);
	if (attachment == ATTACHMENT_DROPPED)
		return;
	if (binary && attachment == ATTACHMENT_NONE && !conn->route->binary && !conn_monitors(conn)) {
		withhold(conn, "binary message on a route that takes none", text.size, NULL);
		return;
	}
	do {
		struct fw_slice rest, whole = text;
		struct outbound_word word;
		bool passes = may_pass(conn, binary, &text, &rest, &word);

		if (conn->engine->capture != NULL)
			capture_outbound(conn, binary, slice(whole.data, whole.size - rest.size), passes);
		if (passes)
			deliver(conn, item->opcode, FW_TYPE_OPAQUE, text, &word);
		text = rest;
	} while (text.size != 0);
}

void traffic_upstream(struct fw_conn *conn)
{
	struct upstream *up = conn->upstream;
	struct ws_limits limits = { traffic_largest(conn, FW_UPSTREAM), 0 };
	struct ws_item item;

	switch (ws_reader_next(&up->reader, &limits, &conn->engine->pool, &up->input, &up->input_size, &item)) {
	case WS_MORE:
		break;
	case WS_FAIL:
		if (conn->phase < PHASE_CLOSING)
			upstream_broke(conn, &item);
		break;
	case WS_CONTROL:
		if (item.opcode == WS_CLOSE)
			ending_peer_close(conn, FW_UPSTREAM, item.code, slice(item.payload, item.size));
		else if (item.opcode == WS_PING && conn->phase == PHASE_OPEN)
			output_frame(conn, FW_UPSTREAM, WS_PONG, slice(item.payload, item.size));
		break;
	case WS_MESSAGE:
		/* Once our close is out nothing more is said to the client (RFC 6455 5.5.1). */
		if (!conn->close_sent)
			upstream_message(conn, &item);
		ending_answered(conn);
		break;
	}
}
