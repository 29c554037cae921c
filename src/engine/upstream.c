/* upstream.c: the client side towards the server behind: dial, opening handshake (RFC 6455 4.1), login message.
 * The server gets the client's own request: its target, Host, Origin, cookies and the rest, without the credential that
 * was used here, and with the identity headers of interface.md in place of any the client sent under those names. */
#include "base/addr.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "engine/conn_state.h"

#include <string.h>

void upstream_free(struct fw_conn *conn)
{
	struct upstream *up = conn->upstream;

	if (up == NULL)
		return;
	ws_reader_fini(&up->reader, &conn->engine->pool);
	buf_clear(&up->pending, &conn->engine->pool);
	buf_clear(&up->out, &conn->engine->pool);
	mem_free(up);
	conn->upstream = NULL;
}

void upstream_dial(struct fw_conn *conn)
{
	struct fw_event *event;

	conn->upstream = mem_zero(1, sizeof(*conn->upstream));
	if (conn->upstream == NULL) {
		conn->broken = true;
		return;
	}
	ws_reader_init(&conn->upstream->reader, WS_CLIENT);
	conn->phase = PHASE_DIAL;
	conn->phase_until_ns =
		conn->engine->now.monotonic_ns + (uint64_t)conn->policy->settings.connect_timeout * SECOND_NS;
	event = event_push(conn, FW_EV_DIAL);
	event->as.dial =
		(struct fw_dial){ conn->route->upstream_host, conn->route->upstream_port, conn->route->upstream_tls };
}

void upstream_failed(struct fw_conn *conn, const char *cause)
{
	struct upstream *up = conn->upstream;

	conn->engine->counters[COUNT_upstream_failures]++;
	if (up != NULL && up->broke == 0)
		up->lost = true;
	if (!conn->upgraded) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 502,
								 .cause = cause,
								 .detail = "the server behind could not be reached",
								 .event = EVENT_upstream_failure });
	} else if (conn->was_open) {
		ending_close_when_answered(conn, CLOSE_UPSTREAM, cause);
	} else {
		ending_close(conn, CLOSE_UPSTREAM_LOGIN,
			     &(struct answer){ .code = ERROR_AUTH_ERROR, .text = "Upstream unavailable" }, cause);
	}
	if (up != NULL && conn->phase != PHASE_OWED)
		up->lost = true;
	login_free(conn);
}

/* Fields in which proxies tell of the client. What a client writes into them itself the server must not take for true
 * (ASVS 5.0 4.1.3). */
static bool tells_of_client(struct fw_slice name)
{
	static const char *const names[] = { "Forwarded",	   "X-Real-IP",	       "X-Client-IP",
					     "True-Client-IP",	   "CF-Connecting-IP", "Fastly-Client-IP",
					     "X-Cluster-Client-IP" };

	if (name.size > 12 && slice_is_nocase(slice(name.data, 12), "X-Forwarded-"))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return false;
}

/* The two lists are written anew by put_forwarded. */
static bool is_forwarding_list(struct fw_slice name)
{
	return slice_is_nocase(name, "X-Forwarded-For") || slice_is_nocase(name, "Forwarded");
}

/* Fields that end here (RFC 9110 7.6.1), are made anew, or are ours. */
static bool passes(const struct fw_conn *conn, const struct http1_field *field)
{
	static const char *const never[] = {
		"Connection",
		"Upgrade",
		"Keep-Alive",
		"Proxy-Connection",
		"Proxy-Authorization",
		"TE",
		"Trailer",
		"Transfer-Encoding",
		"Content-Length",
		"Sec-WebSocket-Key",
		"Sec-WebSocket-Version",
		"Sec-WebSocket-Protocol",
		"Sec-WebSocket-Extensions",
		"Cookie",
	};
	const char *place = conn->login != NULL ? conn->login->place : "";

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (slice_is_nocase(field->name, never[i]))
			return false;
	if (field->name.size >= 12 && slice_is_nocase(slice(field->name.data, 12), "X-Framewall-"))
		return conn_monitors(conn);
	if (tells_of_client(field->name) && !conn_monitors(conn) &&
	    (is_forwarding_list(field->name) || !client_address_trusts(conn)))
		return false;
	if (strcmp(place, "authorization") == 0 && slice_is_nocase(field->name, "Authorization"))
		return false;
	return strcmp(place, "x-api-key") != 0 || !slice_is_nocase(field->name, "X-API-Key");
}

static void put(struct fw_conn *conn, const char *text)
{
	output_raw(conn, FW_UPSTREAM, slice_text(text));
}

static void put_field(struct fw_conn *conn, const char *name, struct fw_slice value)
{
	put(conn, name);
	put(conn, ": ");
	output_raw(conn, FW_UPSTREAM, value);
	put(conn, "\r\n");
}

/* Cookies go on, but not the one that carries our token. */
static void put_cookies(struct fw_conn *conn, const struct http1_head *head)
{
	const char *cookie = conn->policy->settings.cookie;
	size_t ours = strlen(cookie);

	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice rest = head->fields[i].value;
		bool first = true;

		if (!slice_is_nocase(head->fields[i].name, "Cookie"))
			continue;
		while (rest.size != 0) {
			const uint8_t *end = memchr(rest.data, ';', rest.size);
			struct fw_slice pair =
				slice_trim(slice(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.size));

			rest = end != NULL ? slice_from(rest, (size_t)(end - rest.data) + 1) : slice(NULL, 0);
			if (!conn_monitors(conn) && pair.size > ours && pair.data[ours] == '=' &&
			    slice_starts(pair, cookie))
				continue;
			put(conn, first ? "Cookie: " : "; ");
			output_raw(conn, FW_UPSTREAM, pair);
			first = false;
		}
		if (!first)
			put(conn, "\r\n");
	}
}

/* Is that where a credential may have been? */
static bool holds_credential(const struct settings *settings, struct fw_slice pair)
{
	return (settings->query_parameter && slice_starts(pair, "token=")) ||
	       (settings->tickets && slice_starts(pair, "ticket="));
}

/* The client's target; without ?token= and ?ticket= where they count. */
static void put_target(struct fw_conn *conn, const struct http1_head *head)
{
	struct fw_slice rest = head->query;
	bool first = true;

	if (conn->route->upstream_path != NULL) {
		put(conn, conn->route->upstream_path);
		return;
	}
	if (conn_monitors(conn) || (!conn->policy->settings.query_parameter && !conn->policy->settings.tickets)) {
		output_raw(conn, FW_UPSTREAM, head->target);
		return;
	}
	output_raw(conn, FW_UPSTREAM, head->path);
	while (rest.size != 0) {
		const uint8_t *end = memchr(rest.data, '&', rest.size);
		struct fw_slice pair = slice(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.size);

		rest = end != NULL ? slice_from(rest, (size_t)(end - rest.data) + 1) : slice(NULL, 0);
		if (holds_credential(&conn->policy->settings, pair))
			continue;
		put(conn, first ? "?" : "&");
		output_raw(conn, FW_UPSTREAM, pair);
		first = false;
	}
}

static void put_identity(struct fw_conn *conn)
{
	const struct principal *who = conn->principal;
	const struct policy_role *role = principal_role(conn);
	char address[ADDR_TEXT], id[ENCODE_U64];

	put_field(conn, "X-Framewall-Connection-Id", slice(id, encode_u64(conn->id, id)));
	put_field(conn, "X-Framewall-Client-IP", slice(address, addr_format(&conn->peer, address)));
	if (who == NULL)
		return;
	put_field(conn, "X-Framewall-User", slice(who->user_id, who->user_id_size));
	put_field(conn, "X-Framewall-Role", slice_text(role->name));
	put(conn, "X-Framewall-Permissions: ");
	for (size_t i = 0; i < role->patterns.count; i++) {
		put(conn, i != 0 ? "," : "");
		put(conn, role->patterns.items[i]);
	}
	put(conn, "\r\n");
}

/* The list that a trusted proxy sent, with its own address behind it; from anybody else the client's address alone. And
 * how the client came, unless such a proxy says it. */
static void put_forwarded(struct fw_conn *conn, const struct http1_head *head)
{
	const struct fw_addr *last = conn->forwarded ? &conn->proxy : &conn->peer;
	bool standard = conn->forwarded && conn->policy->settings.client_address == CLIENT_FORWARDED;
	const char *name = standard ? "Forwarded" : "X-Forwarded-For";
	char address[ADDR_TEXT];

	put(conn, name);
	put(conn, ": ");
	for (unsigned i = 0; conn->forwarded && i < head->count; i++) {
		if (!slice_is_nocase(head->fields[i].name, name) || head->fields[i].value.size == 0)
			continue;
		output_raw(conn, FW_UPSTREAM, head->fields[i].value);
		put(conn, ", ");
	}
	put(conn, standard ? last->family == 6 ? "for=\"[" : "for=" : "");
	output_raw(conn, FW_UPSTREAM, slice(address, addr_format(last, address)));
	put(conn, standard && last->family == 6 ? "]\"\r\n" : "\r\n");
	if (!client_address_trusts(conn) || http1_find(head, "X-Forwarded-Proto", NULL) == NULL)
		put(conn, conn->tls_version != NULL ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n");
}

/* Subprotocols that the upstream is offered: all of the client's while the choice is still open, else the one that was
 * answered. */
static void put_subprotocols(struct fw_conn *conn, const struct http1_head *head)
{
	struct fw_slice chosen = http_answer_subprotocol(conn, head), element;
	bool first = true, skip = false;

	if (conn->upgraded || conn->route->subprotocols.count != 0) {
		if (chosen.size != 0 && !slice_is(chosen, "framewall.bearer"))
			put_field(conn, "Sec-WebSocket-Protocol", chosen);
		return;
	}
	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice list = head->fields[i].value;

		if (!slice_is_nocase(head->fields[i].name, "Sec-WebSocket-Protocol"))
			continue;
		while (http1_next_element(&list, &element)) {
			bool bearer = slice_is(element, "framewall.bearer");

			if (!bearer && !skip) {
				put(conn, first ? "Sec-WebSocket-Protocol: " : ", ");
				output_raw(conn, FW_UPSTREAM, element);
				first = false;
			}
			skip = bearer;
		}
	}
	if (!first)
		put(conn, "\r\n");
}

void fw_conn_dial_failed(struct fw_conn *conn, const char *cause)
{
	if (conn->phase == PHASE_DIAL)
		upstream_failed(conn, cause);
}

static void make_key(const struct fw_conn *conn, char ret_key[WS_KEY_SIZE])
{
	encode_base64(conn->upstream->nonce, sizeof(conn->upstream->nonce), 0, ret_key);
}

void fw_conn_dialled(struct fw_conn *conn, bool connected)
{
	struct http1_head head;
	char key[WS_KEY_SIZE];
	bool asserted = conn->policy->settings.assertion && !conn_monitors(conn);
	struct fw_slice assertion = { 0 };

	if (conn->phase != PHASE_DIAL)
		return;
	if (!connected) {
		upstream_failed(conn, "connection refused or timed out");
		return;
	}
	if (!handshake_head(conn, &head)) {
		conn->broken = true;
		return;
	}
	/* Made before anything is written: the server behind never has to do without. */
	if (asserted && !assertion_make(conn, &assertion)) {
		upstream_failed(conn, "the assertion could not be signed");
		return;
	}
	conn->upstream->connected = true;
	conn->phase = PHASE_UPSTREAM_HEAD;
	engine_random(conn->engine, conn->upstream->nonce, sizeof(conn->upstream->nonce));
	make_key(conn, key);

	put(conn, "GET ");
	put_target(conn, &head);
	put(conn, " HTTP/1.1\r\n");
	for (unsigned i = 0; i < head.count; i++) {
		if (!passes(conn, &head.fields[i]))
			continue;
		output_raw(conn, FW_UPSTREAM, head.fields[i].name);
		put(conn, ": ");
		output_raw(conn, FW_UPSTREAM, head.fields[i].value);
		put(conn, "\r\n");
	}
	put_cookies(conn, &head);
	put_subprotocols(conn, &head);
	compression_offer(conn);
	if (!conn_monitors(conn)) {
		put_forwarded(conn, &head);
		put_identity(conn);
	}
	if (asserted)
		put_field(conn, "X-Framewall-Assertion", assertion);
	put(conn, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
	put_field(conn, "Sec-WebSocket-Key", slice(key, sizeof(key)));
	put(conn, "\r\n");
}

static bool was_offered(const struct http1_head *request, struct fw_slice protocol)
{
	for (unsigned i = 0; i < request->count; i++) {
		struct fw_slice list = request->fields[i].value, element;

		if (!slice_is_nocase(request->fields[i].name, "Sec-WebSocket-Protocol"))
			continue;
		while (http1_next_element(&list, &element))
			if (slice_equal(element, protocol))
				return true;
	}
	return false;
}

/* RFC 6455 4.1: 101, Upgrade, Connection, the right Accept, nothing that was not asked for. NULL when it holds. */
static const char *check_answer(struct fw_conn *conn, const struct http1_head *head, const struct http1_head *request,
				struct fw_slice *ret_subprotocol)
{
	unsigned accepts, protocols;
	const struct http1_field *accept = http1_find(head, "Sec-WebSocket-Accept", &accepts);
	const struct http1_field *protocol = http1_find(head, "Sec-WebSocket-Protocol", &protocols);
	char key[WS_KEY_SIZE], expected[WS_ACCEPT_SIZE];

	*ret_subprotocol = slice(NULL, 0);
	if (head->status != 101)
		return "the upstream did not answer 101";
	if (!http1_has_token(head, "Upgrade", "websocket") || !http1_has_token(head, "Connection", "upgrade"))
		return "the upstream's 101 has no Upgrade: websocket";
	make_key(conn, key);
	digest_websocket_accept(slice(key, sizeof(key)), expected);
	if (accept == NULL || accepts != 1 || !slice_equal(accept->value, slice(expected, sizeof(expected))))
		return "the upstream's Sec-WebSocket-Accept is wrong";
	if (protocol == NULL)
		return compression_answered(conn, head);
	if (protocols > 1 || !was_offered(request, protocol->value))
		return "the upstream chose a subprotocol that was not offered";
	*ret_subprotocol = protocol->value;
	return compression_answered(conn, head);
}

static void write_escaped(struct fw_conn *conn, struct buf *out, struct fw_slice value)
{
	/* As the inside of a JSON string: written with its quotes, then without them. */
	struct json_writer w = engine_writer(conn->engine);
	struct fw_slice quoted;

	json_write_text(&w, value);
	quoted = engine_written(conn->engine);
	if (w.failed || buf_append(out, &conn->engine->pool, quoted.data + 1, quoted.size - 2) < 0)
		conn->broken = true;
}

static void write_variable(struct fw_conn *conn, struct buf *out, struct fw_slice name)
{
	struct fw_principal who = fw_conn_principal(conn);
	const struct policy_role *role = principal_role(conn);
	char text[ADDR_TEXT];

	if (slice_is(name, "user_id"))
		write_escaped(conn, out, who.user_id);
	else if (slice_is(name, "role"))
		write_escaped(conn, out, who.role);
	else if (slice_is(name, "connection_id"))
		write_escaped(conn, out, slice(text, encode_u64(conn->id, text)));
	else if (slice_is(name, "client_ip"))
		write_escaped(conn, out, slice(text, addr_format(&conn->peer, text)));
	else if (slice_is(name, "permissions") && role != NULL)
		for (size_t i = 0; i < role->patterns.count; i++) {
			if (i != 0)
				write_escaped(conn, out, slice_text(","));
			write_escaped(conn, out, slice_text(role->patterns.items[i]));
		}
}

/* upstream.login_message, for a server that wants a login of its own. */
static void send_login(struct fw_conn *conn)
{
	struct fw_slice rest = slice_text(conn->route->login_message);
	struct buf out = { 0 };

	while (rest.size != 0 && !conn->broken) {
		const uint8_t *mark = memmem(rest.data, rest.size, "${", 2);
		const uint8_t *end = mark != NULL ? memchr(mark, '}', rest.size - (size_t)(mark - rest.data)) : NULL;
		size_t plain = end != NULL ? (size_t)(mark - rest.data) : rest.size;

		if (buf_append(&out, &conn->engine->pool, rest.data, plain) < 0)
			conn->broken = true;
		if (end != NULL)
			write_variable(conn, &out, slice(mark + 2, (size_t)(end - mark) - 2));
		rest = end != NULL ? slice_from(rest, (size_t)(end - rest.data) + 1) : slice(NULL, 0);
	}
	if (!conn->broken)
		output_frame(conn, FW_UPSTREAM, WS_TEXT, slice(buf_data(&out), buf_size(&out)));
	buf_clear(&out, &conn->engine->pool);
}

bool upstream_swallows(struct fw_conn *conn, struct fw_slice message)
{
	struct json json;
	uint32_t type;

	if (!conn->upstream->login_sent)
		return false;
	conn->upstream->login_sent = false;
	arena_reset(&conn->engine->arena);
	if (json_parse(&conn->engine->arena, message, JSON_UTF8_KNOWN, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return false;
	type = json_member(&json, 0, "type", 4);
	if (type == 0)
		return false;
	if (json_string_is(&json, type, "auth_success", 12))
		return true;
	if (!json_string_is(&json, type, "error", 5))
		return false;
	upstream_failed(conn, "the upstream refused login_message");
	return true;
}

void upstream_input(struct fw_conn *conn)
{
	struct upstream *up = conn->upstream;
	struct http1_head head, request;
	struct fw_slice subprotocol;
	const char *cause;

	switch (http1_response(slice(up->input, up->input_size), &head, &cause)) {
	case HTTP1_MORE:
		return; /* stays in pending */
	case HTTP1_OK:
		break;
	default:
		upstream_failed(conn, cause);
		return;
	}
	if (!handshake_head(conn, &request)) {
		conn->broken = true;
		return;
	}
	cause = check_answer(conn, &head, &request, &subprotocol);
	if (cause != NULL) {
		upstream_failed(conn, cause);
		return;
	}
	up->upgraded = true;
	if (subprotocol.size == 0 && !conn_monitors(conn))
		subprotocol = http_answer_subprotocol(conn, &request);
	if (conn->route->login_message != NULL && !conn_monitors(conn)) {
		send_login(conn);
		up->login_sent = true;
	}
	up->input += head.size;
	up->input_size -= head.size;
	login_let_in(conn, &request, subprotocol);
}
