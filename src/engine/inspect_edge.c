/* inspect_edge.c: what a client says that reaches the server behind and is no message: the target, cookies and header
 * fields of its handshake, the reason of its close frame. */
#include "base/slice.h"
#include "codec/http1.h"
#include "engine/conn_state.h"
#include "engine/inspect_parts.h"

#include <string.h>

static void start(struct fw_conn *conn, struct fw_slice text, const char *type, struct message *ret_message,
		  struct inspect *ret_inspect)
{
	memset(ret_message, 0, sizeof(*ret_message));
	memset(ret_inspect, 0, sizeof(*ret_inspect));
	ret_message->engine = conn->engine;
	ret_message->policy = conn->policy;
	ret_message->conn = conn;
	ret_message->route = conn->route;
	ret_message->text = text;
	ret_inspect->message = ret_message;
	ret_inspect->type = type;
	ret_inspect->apart = true;
	arena_reset(&conn->engine->arena);
}

/* A form's way to write a blank, as well. */
static bool look_value(struct inspect *inspect, struct fw_slice value, const char *name)
{
	const struct inspect_place place = { .name = name };
	uint8_t *copy;

	if (value.size == 0)
		return true;
	if (!inspect_look(inspect, value, &place))
		return false;
	if (memchr(value.data, '+', value.size) == NULL)
		return true;
	copy = arena_alloc(&inspect->message->engine->arena, value.size);
	if (copy == NULL)
		return false;
	for (size_t i = 0; i < value.size; i++)
		copy[i] = value.data[i] == '+' ? ' ' : value.data[i];
	return inspect_look(inspect, slice(copy, value.size), &place);
}

/* "a=1&b=2", "a=1; b=2": the names, and the values, one by one. */
static bool look_pairs(struct inspect *inspect, struct fw_slice rest, char between, const char *name)
{
	while (rest.size != 0) {
		const uint8_t *end = memchr(rest.data, between, rest.size);
		struct fw_slice pair = slice(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.size);
		const uint8_t *equals = pair.size != 0 ? memchr(pair.data, '=', pair.size) : NULL;
		size_t size = equals != NULL ? (size_t)(equals - pair.data) : pair.size;

		rest = end != NULL ? slice_from(rest, pair.size + 1) : slice(NULL, 0);
		if (!look_value(inspect, slice(pair.data, size), name) ||
		    (equals != NULL && !look_value(inspect, slice_from(pair, size + 1), name)))
			return false;
	}
	return true;
}

/* The name of a field in small letters, as exceptions and the record have it. */
static const char *name_of(struct inspect *inspect, struct fw_slice name)
{
	size_t size = name.size < INSPECT_PATH ? name.size : INSPECT_PATH - 1;
	char *text = arena_alloc(&inspect->message->engine->arena, size + 1);

	for (size_t i = 0; text != NULL && i < size; i++)
		text[i] = (char)ascii_lower(name.data[i]);
	if (text != NULL)
		text[size] = '\0';
	return text;
}

static bool look_field(struct inspect *inspect, const struct http1_field *field)
{
	/* made anew, of a form of their own, or compared with a list before */
	static const char *const known[] = { "Host",
					     "Connection",
					     "Upgrade",
					     "Sec-WebSocket-Key",
					     "Sec-WebSocket-Version",
					     "Sec-WebSocket-Extensions",
					     "Sec-WebSocket-Protocol",
					     "Authorization" };
	const char *name;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is_nocase(field->name, known[i]) &&
		    (i != 6 || inspect->message->route->subprotocols.count != 0))
			return true;
	name = name_of(inspect, field->name);
	if (name == NULL)
		return false;
	if (slice_is_nocase(field->name, "Cookie"))
		return look_pairs(inspect, field->value, ';', name);
	return inspect_look(inspect, field->value, &(struct inspect_place){ .name = name });
}

static bool look_head(struct inspect *inspect, const struct http1_head *head)
{
	if (inspect->message->route->upstream_path == NULL &&
	    (!inspect_look(inspect, head->path, &(struct inspect_place){ .name = "path" }) ||
	     !look_pairs(inspect, head->query, '&', "query")))
		return false;
	for (unsigned i = 0; i < head->count; i++)
		if (!look_field(inspect, &head->fields[i]))
			return false;
	return true;
}

bool inspect_handshake(struct fw_conn *conn, const struct http1_head *head)
{
	struct message message;
	struct inspect inspect;
	struct event_node *node;

	if (policy_inspect_mode(conn->policy, conn->route) == INSPECT_OFF ||
	    !conn->policy->settings.inspect_handshake || !conn->route->has_upstream)
		return true;
	start(conn, slice(buf_data(&conn->head), buf_size(&conn->head)), "handshake", &message, &inspect);
	if (!look_head(&inspect, head)) {
		conn->broken = true;
		return false;
	}
	if (inspect.worst.points == 0 || inspect_tell(&message, &inspect) != VERDICT_REFUSE)
		return true;
	if (!conn_monitors(conn)) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 400,
								 .cause = message.cause,
								 .detail = "Dangerous content detected",
								 .event = EVENT_dangerous_content,
								 .found = &message });
		return false;
	}
	node = event_record(conn, EVENT_dangerous_content);
	event_text(node, "mode", "monitor");
	event_text(node, "would", "refuse");
	event_number(node, "status", 400);
	event_text(node, "cause", message.cause);
	inspect_note_all(node, &message);
	return true;
}

bool inspect_reason(struct fw_conn *conn, struct fw_slice reason)
{
	struct message message;
	struct inspect inspect;
	struct event_node *node;

	if (policy_inspect_mode(conn->policy, conn->route) == INSPECT_OFF || conn->upstream == NULL || reason.size == 0)
		return true;
	start(conn, reason, "close", &message, &inspect);
	if (!inspect_look(&inspect, reason, &(struct inspect_place){ .name = "reason" }))
		return false;
	if (inspect.worst.points == 0 || inspect_tell(&message, &inspect) != VERDICT_REFUSE)
		return true;
	node = event_record(conn, EVENT_dangerous_content);
	if (conn_monitors(conn)) {
		event_text(node, "mode", "monitor");
		event_text(node, "would", "rewrite");
	}
	event_text(node, "cause", message.cause);
	inspect_note_all(node, &message);
	event_violation(conn, EVENT_dangerous_content);
	return conn_monitors(conn);
}
