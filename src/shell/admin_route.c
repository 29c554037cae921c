#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/secret.h"
#include "shell/admin_parts.h"

static const struct admin_route routes[] = {
	/* method, path, prefix, open, figures, demo, answer */
	{ "GET", "/healthz", false, true, false, false, admin_health_live },
	{ "GET", "/readyz", false, true, false, false, admin_health_ready },
	{ "GET", "/.well-known/jwks.json", false, true, false, false, admin_keys },
	{ "GET", "/", false, true, false, false, admin_page },
	{ "GET", "/app.js", false, true, false, false, admin_page },
	{ "GET", "/app.css", false, true, false, false, admin_page },
	{ "GET", "/demo", false, true, false, true, admin_page },
	{ "GET", "/demo.js", false, true, false, true, admin_page },
	{ "GET", "/demo.css", false, true, false, true, admin_page },
	{ "POST", "/demo/login", false, true, false, true, admin_page_login },
	{ "GET", "/metrics", false, false, true, false, admin_metrics },
	{ "GET", "/api/v1/stats", false, false, true, false, admin_stats },
	{ "GET", "/api/v1/events", false, false, false, false, admin_events },
	{ "GET", "/api/v1/stream", false, false, false, false, admin_stream_begin },
	{ "GET", "/api/v1/report", false, false, false, false, admin_report },
	{ "GET", "/api/v1/log", false, false, false, false, admin_log_show },
	{ "PUT", "/api/v1/log", false, false, false, false, admin_log_set },
	{ "POST", "/api/v1/reload", false, false, false, false, admin_reload },
	{ "GET", "/api/v1/connections", false, false, false, false, admin_connections_list },
	{ "DELETE", "/api/v1/connections/", true, false, false, false, admin_connections_end },
	{ "GET", "/api/v1/sessions", false, false, false, false, admin_sessions_list },
	{ "DELETE", "/api/v1/sessions/", true, false, false, false, admin_sessions_end },
	{ "GET", "/api/v1/keys", false, false, false, false, admin_api_keys_list },
	{ "POST", "/api/v1/keys", false, false, false, false, admin_api_keys_add },
	{ "POST", "/api/v1/keys/", true, false, false, false, admin_api_keys_rotate },
	{ "DELETE", "/api/v1/keys/", true, false, false, false, admin_api_keys_revoke },
	{ "GET", "/api/v1/key-store", false, false, false, false, admin_key_store_show },
	{ "POST", "/api/v1/key-store/rotate", false, false, false, false, admin_key_store_rotate },
	{ "GET", "/api/v1/revocations", false, false, false, false, admin_revocations_list },
	{ "POST", "/api/v1/revocations", false, false, false, false, admin_revocations_add },
	{ "DELETE", "/api/v1/revocations/", true, false, false, false, admin_revocations_remove },
	{ "GET", "/api/v1/users", false, false, false, false, admin_users_list },
	{ "POST", "/api/v1/users", false, false, false, false, admin_users_add },
	{ "PUT", "/api/v1/users/", true, false, false, false, admin_users_set },
	{ "DELETE", "/api/v1/users/", true, false, false, false, admin_users_remove },
	{ "POST", "/api/v1/tokens", false, false, false, false, admin_tokens_add },
	{ "GET", "/api/v1/alerts", false, false, false, false, admin_alerts_list },
	{ "POST", "/api/v1/silences", false, false, false, false, admin_alerts_silence },
	{ "DELETE", "/api/v1/silences/", true, false, false, false, admin_alerts_unsilence },
	{ "GET", "/api/v1/threats", false, false, false, false, admin_threats_list },
	{ "POST", "/api/v1/threats/reload", false, false, false, false, admin_threats_reload },
	{ "GET", "/api/v1/threats/", true, false, false, false, admin_threats_look_up },
	{ "GET", "/api/v1/blocks", false, false, false, false, admin_blocks_list },
	{ "GET", "/api/v1/blocks/", true, false, false, false, admin_blocks_explain },
	{ "POST", "/api/v1/blocks", false, false, false, false, admin_blocks_add },
	{ "DELETE", "/api/v1/blocks/", true, false, false, false, admin_blocks_remove },
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static bool matches(const struct admin_conn *conn, const struct admin_route *route)
{
	if (route->demo && conn->admin->keeper->options.demo == NULL)
		return false;
	if (route->prefix)
		return slice_starts(conn->head.path, route->path) && conn->head.path.size > strlen(route->path);
	return slice_is(conn->head.path, route->path);
}

static bool method_is(const struct admin_conn *conn, const struct admin_route *route)
{
	/* HEAD is GET without the body (RFC 9110 9.3.2) */
	return slice_is(conn->head.method, route->method) ||
	       (slice_is(conn->head.method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* NULL after an answer: no such path, or no such method on it. */
static const struct admin_route *find(struct admin_conn *conn)
{
	char allow[64];
	int size = snprintf(allow, sizeof(allow), "Allow:");
	bool known = false;

	for (unsigned i = 0; i < ROUTES; i++) {
		if (!matches(conn, &routes[i]))
			continue;
		if (method_is(conn, &routes[i]))
			return &routes[i];
		size += snprintf(allow + size, sizeof(allow) - (size_t)size, "%s %s", known ? "," : "",
				 routes[i].method);
		known = true;
	}
	snprintf(allow + size, sizeof(allow) - (size_t)size, "\r\n");
	if (known)
		admin_answer_problem(conn, 405, "this path does not take that method", allow);
	else
		admin_answer_problem(conn, 404, "no such path", "");
	return NULL;
}

/* The name of an authority without its port; empty when it has neither form. */
static struct fw_slice host_name(struct fw_slice host)
{
	const uint8_t *end;

	if (host.size != 0 && host.data[0] == '[') {
		end = memchr(host.data, ']', host.size);
		return end != NULL ? slice(host.data + 1, (size_t)(end - host.data) - 1) : slice(NULL, 0);
	}
	end = memchr(host.data, ':', host.size);
	return slice(host.data, end != NULL ? (size_t)(end - host.data) : host.size);
}

/* A page of somebody else can make a name of its own point here (DNS rebinding), but not choose what the browser sends
 * in Host. So: names that cannot be rebound, which are addresses and localhost, and the name that was configured. */
bool admin_route_host(const struct admin *admin, struct fw_slice host)
{
	struct fw_slice name = host.size != 0 ? host_name(host) : host;
	const char *configured = admin->keeper->options.admin_host;
	struct fw_addr address;

	if (name.size == 0)
		return false;
	if (slice_is_nocase(name, "localhost"))
		return true;
	if (addr_parse(name, &address))
		return !admin->loopback_only || addr_is_loopback(&address);
	return configured != NULL && configured[0] != '\0' && slice_is_nocase(name, configured);
}

static bool host_holds(const struct admin_conn *conn)
{
	const struct http1_field *host = http1_find(&conn->head, "host", NULL);

	return conn->control || (host != NULL && admin_route_host(conn->admin, host->value));
}

/* "framewall.bearer, TOKEN" among the subprotocols of a WebSocket, since a browser can set no other header there;
 * empty: there is none. */
static struct fw_slice offered_token(const struct admin_conn *conn)
{
	struct fw_slice list, element;
	bool here = false;
	unsigned count = 0;
	const struct http1_field *field = http1_find(&conn->head, "sec-websocket-protocol", &count);

	if (count != 1)
		return slice(NULL, 0);
	for (list = field->value; http1_next_element(&list, &element); here = slice_is(element, "framewall.bearer"))
		if (here)
			return element;
	return slice(NULL, 0);
}

static bool is_token(const struct admin_conn *conn, struct fw_slice given)
{
	return secret_equal(given, slice_text(conn->admin->keeper->token));
}

/* NULL: it is the token. What is refused is recorded, whatever it lacks. */
static const char *wrong_credential(struct admin_conn *conn)
{
	unsigned count = 0;
	const struct http1_field *field = http1_find(&conn->head, "authorization", &count);
	struct fw_slice value;

	if (field == NULL && offered_token(conn).size != 0)
		return is_token(conn, offered_token(conn)) ? NULL : "admin token";
	if (field == NULL || count != 1)
		return "no admin token";
	value = field->value;
	if (value.size < 7 || !slice_is_nocase(slice(value.data, 6), "bearer") || value.data[6] != ' ')
		return "no admin token";
	return is_token(conn, slice_trim(slice_from(value, 7))) ? NULL : "admin token";
}

static bool credential_holds(struct admin_conn *conn)
{
	const char *wrong = conn->control ? NULL : wrong_credential(conn);

	if (wrong != NULL)
		admin_record_refused(conn, wrong);
	return wrong == NULL;
}

/* A body that a form of a foreign page could send is never taken (it cannot send this type unasked). */
static bool content_holds(const struct admin_conn *conn)
{
	const struct http1_field *type = http1_find(&conn->head, "content-type", NULL);
	struct fw_slice value = type != NULL ? type->value : slice(NULL, 0);
	const uint8_t *end = value.size != 0 ? memchr(value.data, ';', value.size) : NULL;

	if (!slice_is(conn->head.method, "POST") && !slice_is(conn->head.method, "PUT"))
		return true;
	if (end != NULL)
		value.size = (size_t)(end - value.data);
	return slice_is_nocase(slice_trim(value), "application/json");
}

static void with_figures(struct keeper_ask *ask)
{
	struct admin_conn *conn = (struct admin_conn *)(void *)((char *)ask - offsetof(struct admin_conn, ask));

	conn->route->answer(conn);
}

void admin_route_request(struct admin_conn *conn)
{
	const struct admin_route *route;

	if (!host_holds(conn)) {
		admin_answer_problem(conn, 403, "this name is not one of this server: use localhost or its address",
				     "");
		return;
	}
	if (admin_answer_preflight(conn))
		return;
	route = find(conn);
	if (route == NULL)
		return;
	if (!route->open && !credential_holds(conn)) {
		admin_answer_problem(conn, 401,
				     "the admin token is needed: Authorization: Bearer TOKEN, from DATA/admin.token",
				     "WWW-Authenticate: Bearer realm=\"framewall\"\r\n");
		return;
	}
	if (!content_holds(conn)) {
		admin_answer_problem(conn, 415, "the body must be application/json", "");
		return;
	}
	conn->route = route;
	conn->rest = slice_from(conn->head.path, strlen(route->path));
	if (!route->figures) {
		route->answer(conn);
		return;
	}
	conn->state = ADMIN_ASKING;
	uv_read_stop(&conn->io.stream);
	conn->ask.ready = with_figures;
	keeper_figures_ask(&conn->admin->keeper->figures, &conn->ask);
}
