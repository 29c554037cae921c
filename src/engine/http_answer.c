/* http_answer.c: answers to the handshake: 101, or a refusal as a problem document (RFC 9457) with the security
 * headers. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "policy/cors.h"
#include "policy/security_headers.h"

static int put(struct fw_conn *conn, const char *text)
{
	return output_raw(conn, FW_CLIENT, slice_text(text));
}

struct fw_slice http_answer_subprotocol(const struct fw_conn *conn, const struct http1_head *head)
{
	const struct texts *known = &conn->route->subprotocols;
	struct fw_slice bearer = slice(NULL, 0), element;
	bool skip = false;

	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice list = head->fields[i].value;

		if (!slice_is_nocase(head->fields[i].name, "Sec-WebSocket-Protocol"))
			continue;
		while (http1_next_element(&list, &element)) {
			if (skip) { /* the token behind framewall.bearer is no protocol */
				skip = false;
				continue;
			}
			if (slice_is(element, "framewall.bearer")) {
				bearer = element;
				skip = true;
				continue;
			}
			if (known->count == 0 && conn->route->has_upstream)
				return element; /* the upstream is offered this one alone */
			for (size_t k = 0; k < known->count; k++)
				if (slice_is(element, known->items[k]))
					return element;
		}
	}
	/* A browser fails the connection when it offered protocols and none is chosen. */
	return bearer;
}

void http_answer_switching(struct fw_conn *conn, const struct http1_head *head, struct fw_slice subprotocol)
{
	char accept[WS_ACCEPT_SIZE];

	digest_websocket_accept(http1_find(head, "Sec-WebSocket-Key", NULL)->value, accept);
	put(conn,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
	output_raw(conn, FW_CLIENT, slice(accept, sizeof(accept)));
	if (subprotocol.size != 0) {
		put(conn, "\r\nSec-WebSocket-Protocol: ");
		output_raw(conn, FW_CLIENT, subprotocol);
	}
	put(conn, "\r\n");
	compression_answer(conn, head);
	put(conn, "\r\n");
	conn->upgraded = !conn->broken; /* else a part is missing, and nothing of it is sent */
	dialects_choose(conn, subprotocol);
	conn->engine->counters[COUNT_handshakes]++;
}

static void write_problem(struct fw_conn *conn, const struct http_refusal *refusal, const char *event_id)
{
	struct json_writer w = engine_writer(conn->engine);

	json_write_open(&w, '{');
	json_write_key(&w, "type");
	json_write_string(&w, "about:blank");
	json_write_key(&w, "title");
	json_write_string(&w, http1_reason(refusal->status));
	json_write_key(&w, "status");
	json_write_integer(&w, refusal->status);
	if (refusal->detail != NULL) {
		json_write_key(&w, "detail");
		json_write_string(&w, refusal->detail);
	}
	if (refusal->code != NULL) {
		json_write_key(&w, "code");
		json_write_string(&w, refusal->code);
	}
	if (refusal->found != NULL) {
		json_write_key(&w, "rule");
		json_write_string(&w, refusal->found->public_rule);
	}
	json_write_key(&w, "event_id");
	json_write_text(&w, slice(event_id, FW_EVENT_ID_SIZE));
	json_write_close(&w, '}');
	if (w.failed)
		conn->broken = true;
}

static void put_number(struct fw_conn *conn, const char *name, uint64_t value)
{
	char text[ENCODE_U64];

	put(conn, name);
	output_raw(conn, FW_CLIENT, slice(text, encode_u64(value, text)));
	put(conn, "\r\n");
}

/* The lines that every answer has: security_policies, and the leave for pages of other origins to read it. */
static void put_policies(struct fw_conn *conn)
{
	const struct http1_field *origin;
	struct http1_head head;
	unsigned count;

	output_raw(conn, FW_CLIENT, security_headers(conn->policy));
	if ((conn->policy->settings.cors_origins.count == 0 && !conn->ticket_here) || !handshake_head(conn, &head))
		return;
	origin = http1_find(&head, "Origin", &count);
	if (conn->ticket_here)
		put(conn, "Vary: Origin\r\n");
	if (count != 1 || (!conn->ticket_here && !cors_allows(conn->policy, origin->value)))
		return;
	put(conn, "Access-Control-Allow-Origin: ");
	output_raw(conn, FW_CLIENT, origin->value);
	put(conn, "\r\n");
}

/* RFC 6750 3; RFC 9449 7.1, 9. Which part of the credential did not hold is not said. */
static void put_challenge(struct fw_conn *conn, const struct http_refusal *refusal)
{
	if (!refusal->dpop) {
		put(conn, "WWW-Authenticate: Bearer realm=\"framewall\"\r\n");
		return;
	}
	put(conn, "WWW-Authenticate: DPoP realm=\"framewall\", error=\"");
	put(conn, refusal->nonce.size != 0 ? "use_dpop_nonce" : "invalid_token");
	put(conn, "\", algs=\"ES256 ES384 ES512 EdDSA RS256 RS384 RS512 PS256 PS384 PS512\"\r\n");
	if (refusal->nonce.size != 0) {
		put(conn, "DPoP-Nonce: ");
		output_raw(conn, FW_CLIENT, refusal->nonce);
		put(conn, "\r\n");
	}
}

static void end(struct fw_conn *conn)
{
	conn->cut_short = conn->phase == PHASE_HEAD || conn->phase == PHASE_BODY || conn->input_size != 0;
	conn->phase = PHASE_CLOSING;
	conn->close_sent = conn->close_received = true; /* nothing more is read: this answer is the last word */
	conn->phase_until_ns =
		conn->engine->now.monotonic_ns + (uint64_t)conn->policy->settings.close_timeout * SECOND_NS;
	handshake_forget(conn);
	login_free(conn);
}

void http_answer_last(struct fw_conn *conn, const char *status, const char *extra, struct fw_slice body)
{
	put(conn, "HTTP/1.1 ");
	put(conn, status);
	put(conn, "\r\nConnection: close\r\nCache-Control: no-store\r\n");
	put(conn, extra);
	put_policies(conn);
	if (body.size != 0)
		put_number(conn, "Content-Length: ", body.size);
	put(conn, "\r\n");
	output_raw(conn, FW_CLIENT, body);
	end(conn);
}

void http_answer_refuse(struct fw_conn *conn, const struct http_refusal *refusal)
{
	struct event_node *node = event_record(conn, refusal->event);
	struct fw_slice body;

	event_number(node, "status", refusal->status);
	event_text(node, "cause", refusal->cause);
	if (refusal->found != NULL)
		inspect_note_all(node, refusal->found);
	client_address_record(conn, node);
	write_problem(conn, refusal, node->event.as.record.event_id);
	body = engine_written(conn->engine);

	put(conn, "HTTP/1.1 ");
	{
		char text[ENCODE_U64];

		output_raw(conn, FW_CLIENT, slice(text, encode_u64(refusal->status, text)));
	}
	put(conn, " ");
	put(conn, http1_reason(refusal->status));
	put(conn, "\r\nConnection: close\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n");
	if (refusal->status == 401)
		put_challenge(conn, refusal);
	if (refusal->status == 405)
		put(conn, "Allow: POST, OPTIONS\r\n");
	if (refusal->status == 426)
		put(conn, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
	if (refusal->retry_after_ms != 0)
		put_number(conn, "Retry-After: ", (refusal->retry_after_ms + 999) / 1000);
	put_policies(conn);
	put_number(conn, "Content-Length: ", body.size);
	put(conn, "\r\n");
	output_raw(conn, FW_CLIENT, body);

	conn->engine->counters[COUNT_handshakes_refused]++;
	end(conn);
	event_violation(conn, refusal->event);
}
