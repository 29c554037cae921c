/* handshake.c: the opening handshake as server: RFC 6455 4.2.1, route, Host, Origin. Deny by default. */
#include "base/encode.h"
#include "base/limit_kind.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/extensions.h"
#include "codec/http1.h"
#include "engine/conn_state.h"

static void refuse(struct fw_conn *conn, unsigned status, const char *cause)
{
	http_answer_refuse(
		conn, &(struct http_refusal){
			      .status = status, .cause = cause, .detail = cause, .event = EVENT_handshake_refused });
}

void handshake_forget(struct fw_conn *conn)
{
	/* It may hold a credential. */
	if (conn->head.base != NULL)
		mem_wipe(conn->head.base, conn->head.capacity);
	buf_clear(&conn->head, &conn->engine->pool);
}

bool handshake_head(const struct fw_conn *conn, struct http1_head *ret_head)
{
	const char *rule;

	return buf_size(&conn->head) != 0 &&
	       http1_request(slice(buf_data(&conn->head), buf_size(&conn->head)), ret_head, &rule) == HTTP1_OK;
}

/* Parsing again after each octet would be quadratic: only a line's end, or a size that no head may have, can change the
 * word. */
static bool worth_parsing(size_t before, const uint8_t *added, size_t size)
{
	return __builtin_memchr(added, '\n', size) != NULL ||
	       before / LIMIT_HEAD_LINE != (before + size) / LIMIT_HEAD_LINE;
}

/* 414 is for a target that is too long, 431 for everything behind it. */
static bool request_line_fits(const struct fw_conn *conn)
{
	size_t size = buf_size(&conn->head) < LIMIT_HEAD_LINE + 2 ? buf_size(&conn->head) : LIMIT_HEAD_LINE + 2;

	return __builtin_memchr(buf_data(&conn->head), '\n', size) != NULL;
}

void handshake_input(struct fw_conn *conn)
{
	size_t before = buf_size(&conn->head), taken;
	struct http1_head head;
	const char *rule = NULL;
	bool awaited;

	/* What is behind the head may be frames already: at most one octet more than a head is ever kept. */
	taken = conn->input_size;
	if (taken > (size_t)LIMIT_HEAD_BYTES + 1 - before)
		taken = (size_t)LIMIT_HEAD_BYTES + 1 - before;
	if (buf_append(&conn->head, &conn->engine->pool, conn->input, taken) < 0) {
		conn->broken = true;
		return;
	}
	if (!worth_parsing(before, conn->input, taken)) {
		conn->input += taken;
		conn->input_size -= taken;
		return;
	}
	switch (http1_request(slice(buf_data(&conn->head), buf_size(&conn->head)), &head, &rule)) {
	case HTTP1_OK:
		conn->input += head.size - before;
		conn->input_size -= head.size - before;
		buf_cut(&conn->head, head.size);
		conn->phase = PHASE_ADMIT;
		conn->phase_until_ns =
			conn->engine->now.monotonic_ns + (uint64_t)conn->policy->settings.handshake_timeout * SECOND_NS;
		awaited = client_address_awaited(conn);
		client_address_find(conn, &head);
		if (awaited)
			event_need(conn, FW_NEED_ADMIT, NULL);
		else if (conn->admitted != 0)
			handshake_admitted(conn);
		return;
	case HTTP1_MORE:
		conn->input += taken;
		conn->input_size -= taken;
		return;
	case HTTP1_TOO_LARGE:
		refuse(conn, request_line_fits(conn) ? 431 : 414, rule);
		break;
	default:
		conn->engine->counters[COUNT_protocol_errors]++;
		refuse(conn, 400, rule);
		break;
	}
	conn->input_size = 0;
}

/* RFC 6455 4.2.1, line by line. True when it holds; otherwise it was refused. */
static bool is_opening(struct fw_conn *conn, const struct http1_head *head)
{
	unsigned versions, keys, hosts;
	const struct http1_field *version = http1_find(head, "Sec-WebSocket-Version", &versions);
	const struct http1_field *key = http1_find(head, "Sec-WebSocket-Key", &keys);
	uint8_t nonce[WS_KEY_SIZE / 4 * 3 + 3];
	struct extensions_deflate offer;

	http1_find(head, "Host", &hosts);
	if (!slice_is(head->method, "GET"))
		refuse(conn, 400, "RFC 6455 4.2.1: method is not GET");
	else if (head->minor < 1)
		refuse(conn, 400, "RFC 6455 4.2.1: HTTP/1.1 or higher is needed");
	else if (head->content_length != 0 || head->chunked)
		refuse(conn, 413, "RFC 6455 4.2.1: an opening handshake has no body");
	else if (hosts != 1)
		refuse(conn, 400, "RFC 9112 3.2: one Host field is needed");
	else if (!http1_has_token(head, "Upgrade", "websocket"))
		refuse(conn, 426, "RFC 6455 4.2.1: Upgrade: websocket is missing; this port speaks WebSocket only");
	else if (!http1_has_token(head, "Connection", "upgrade"))
		refuse(conn, 400, "RFC 6455 4.2.1: Connection: Upgrade is missing");
	else if (versions > 1)
		refuse(conn, 400, "RFC 6455 11.3.5: Sec-WebSocket-Version more than once");
	else if (version == NULL)
		refuse(conn, 400, "RFC 6455 4.2.1: Sec-WebSocket-Version is missing");
	else if (!slice_is(version->value, "13"))
		refuse(conn, 426, "RFC 6455 4.2.2: only Sec-WebSocket-Version: 13");
	else if (keys != 1 || key == NULL || key->value.size != WS_KEY_SIZE ||
		 decode_base64((const char *)key->value.data, key->value.size, 0, nonce) != 16)
		refuse(conn, 400, "RFC 6455 4.2.1: Sec-WebSocket-Key is not 16 octets in base64");
	else if (extensions_offered(head, &offer) == EXTENSIONS_MALFORMED)
		refuse(conn, 400, "RFC 6455 9.1: Sec-WebSocket-Extensions is malformed");
	else
		return true;
	return false;
}

/* A foreign Origin or Host. True when both are fine (or only watched). */
static bool is_from_here(struct fw_conn *conn, const struct http1_head *head)
{
	unsigned origins;
	const struct http1_field *origin = http1_find(head, "Origin", &origins);
	const struct http1_field *host = http1_find(head, "Host", NULL);
	const char *cause = NULL;
	struct event_node *node;

	if (!policy_host_allowed(conn->policy, conn->route, host->value, conn->tls_version != NULL))
		cause = "Host is not listed";
	else if (origins > 1)
		cause = "Origin more than once";
	else if (origin == NULL && conn->policy->settings.origin_required)
		cause = "Origin is required";
	else if (origin != NULL && !policy_origin_allowed(conn->policy, conn->route, origin->value))
		cause = "Origin is not listed";
	if (cause == NULL)
		return true;
	if (conn_monitors(conn)) {
		node = event_record(conn, EVENT_origin_refused);
		event_text(node, "mode", "monitor");
		event_text(node, "would", "refuse");
		event_number(node, "status", 403);
		event_text(node, "cause", cause);
		return true;
	}
	http_answer_refuse(conn,
			   &(struct http_refusal){
				   .status = 403, .cause = cause, .detail = cause, .event = EVENT_origin_refused });
	return false;
}

/* More handshakes of its address than there may be: as cheap an answer as there is. True where it is only watched. */
static bool is_slow_enough(struct fw_conn *conn)
{
	const char *cause = limit_kind_cause(LIMIT_KIND_handshakes);
	struct event_node *node;

	conn->engine->counters[COUNT_rate_limited_address]++;
	if (!conn_monitors(conn)) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 429,
								 .code = error_code_name(ERROR_RATE_LIMITED),
								 .detail = error_code_text(ERROR_RATE_LIMITED),
								 .cause = cause,
								 .event = EVENT_rate_limit_violation,
								 .retry_after_ms = conn->admit_again_ms });
		return false;
	}
	node = event_record(conn, EVENT_rate_limit_violation);
	event_text(node, "mode", "monitor");
	event_text(node, "would", "refuse");
	event_text(node, "cause", cause);
	return true;
}

/* Blocked, too many of its address, or no room at all. True when it may stay. */
static bool is_welcome(struct fw_conn *conn, const struct http1_head *head)
{
	enum fw_answer_code code = conn->admitted - 1;
	bool blocked = code == FW_ANSWER_BLOCKED, unrecorded = code == FW_ANSWER_UNRECORDED;
	const char *cause = blocked ? "block list" : "connections of this address";

	if (code == FW_ANSWER_YES || (unrecorded && !conn_refuses_unrecorded(conn))) {
		if (conn->listed != NULL)
			event_text(event_record(conn, EVENT_threat_match), "cause", conn->listed);
		return true;
	}
	if (code == FW_ANSWER_LIMITED)
		return is_slow_enough(conn);
	if (blocked && conn->listed != NULL)
		cause = conn->listed;
	/* Monitor turns nobody away by policy. Without room at all it must: 503 below. */
	if (conn_monitors(conn) && (blocked || code == FW_ANSWER_FULL)) {
		struct event_node *node =
			event_record(conn, blocked ? EVENT_blocked_attempt : EVENT_connection_limit_exceeded);

		event_text(node, "mode", "monitor");
		event_text(node, "would", "refuse");
		event_text(node, "cause", cause);
		return true;
	}
	if (!blocked && code != FW_ANSWER_FULL) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 503,
								 .cause = unrecorded ? conn_unrecorded
										     : "no room for another connection",
								 .detail = "try again later",
								 .event = EVENT_overload,
								 .retry_after_ms = 5000 });
		return false;
	}
	if (conn->policy->settings.refuse == REFUSE_HTTP || conn->ticket || conn->logout) {
		http_answer_refuse(conn,
				   &(struct http_refusal){
					   .status = blocked ? 403 : 429,
					   .code = error_code_name(blocked ? ERROR_IP_BLOCKED : ERROR_CONNECTION_LIMIT),
					   .cause = cause,
					   .event = blocked ? EVENT_blocked_attempt : EVENT_connection_limit_exceeded,
					   .retry_after_ms = blocked ? 0 : 1000 });
		return false;
	}
	http_answer_switching(conn, head, slice(NULL, 0));
	ending_close(conn, blocked ? CLOSE_BLOCKED : CLOSE_CONNECTION_LIMIT, NULL, cause);
	return false;
}

/* Monitor forwards a path that no route is meant for (dot segments, say) as it came, where the root would go. NULL:
 * enforcing, or there is nowhere to forward it to. */
static const struct policy_route *watched_route(struct fw_conn *conn)
{
	const struct policy_route *route =
		conn_monitors(conn) ? policy_route_find(conn->policy, slice_text("/")) : NULL;
	struct event_node *node;

	if (route == NULL)
		return NULL;
	node = event_record(conn, EVENT_handshake_refused);
	event_text(node, "mode", "monitor");
	event_text(node, "would", "refuse");
	event_number(node, "status", 404);
	event_text(node, "cause", "no route for this path");
	return route;
}

void fw_conn_refuse(struct fw_conn *conn, const char *cause, bool answer)
{
	struct event_node *node;

	if (conn->phase != PHASE_HEAD)
		return;
	if (answer) {
		refuse(conn, 400, cause);
		return;
	}
	node = event_record(conn, EVENT_handshake_refused);
	event_text(node, "cause", cause);
	conn->engine->counters[COUNT_handshakes_refused]++;
	event_violation(conn, EVENT_handshake_refused);
	ending_drop(conn, NULL);
}

/* Host, Origin and limits are those of a handshake; of its path and upgrade nothing is asked. */
static void ticket(struct fw_conn *conn, const struct http1_head *head)
{
	if (!login_ticket_form(conn, head) || !is_welcome(conn, head) || !is_from_here(conn, head))
		return;
	conn->ticket_here = true;
	if (login_ticket_preflight(conn, head))
		return;
	if (recheck_keep(conn, head))
		login_handshake(conn, head);
	else
		conn->broken = true;
}

void handshake_admitted(struct fw_conn *conn)
{
	struct http1_head head;

	if (!handshake_head(conn, &head)) {
		conn->broken = true;
		return;
	}
	conn->logout = logout_asked(conn, &head);
	if (conn->logout) {
		if (logout_form(conn, &head) && is_welcome(conn, &head))
			conn->phase = PHASE_BODY;
		return;
	}
	conn->ticket = login_ticket_asked(conn, &head);
	if (conn->ticket) {
		ticket(conn, &head);
		return;
	}
	if (!is_opening(conn, &head) || !is_welcome(conn, &head))
		return;
	conn->route = policy_route_find(conn->policy, head.path);
	if (conn->route == NULL)
		conn->route = watched_route(conn);
	if (conn->route == NULL) {
		refuse(conn, 404, "no route for this path");
		return;
	}
	if (!is_from_here(conn, &head) || !inspect_handshake(conn, &head))
		return;
	if (recheck_keep(conn, &head))
		login_handshake(conn, &head);
	else
		conn->broken = true;
}
