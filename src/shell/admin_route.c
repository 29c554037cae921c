#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "policy/cors.h"
#include "shell/admin_parts.h"

enum { FLAG_PLAIN = 0, FLAG_FIGURES = 1, FLAG_DEMO = 2 };

static const struct admin_route routes[] = {
#define ROUTE(method, path, function, role, flags, status, summary)                                                    \
	{ #method, path, ADMIN_ROLE_##role, (FLAG_##flags & FLAG_FIGURES) != 0, (FLAG_##flags & FLAG_DEMO) != 0,       \
	  function },
#define ROUTE_QUERY(function, name, type, help)
#define ROUTE_BODY(function, name, required, type, help)
#include "tables/admin_routes.def"
#undef ROUTE
#undef ROUTE_QUERY
#undef ROUTE_BODY
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

/* Octets of its path before {NAME}: all where it has none. */
static size_t fixed_size(const struct admin_route *route)
{
	return strcspn(route->path, "{");
}

static bool matches(const struct admin_conn *conn, const struct admin_route *route)
{
	size_t size;

	if (route->demo && conn->admin->keeper->options.demo == NULL)
		return false;
	size = fixed_size(route);
	if (route->path[size] == '\0')
		return slice_is(conn->head.path, route->path);
	return conn->head.path.size > size && memcmp(conn->head.path.data, route->path, size) == 0;
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

bool admin_route_origin(const struct admin_conn *conn)
{
	const struct http1_field *host = http1_find(&conn->head, "host", NULL);
	unsigned count = 0;
	const struct http1_field *origin = http1_find(&conn->head, "origin", &count);
	struct fw_slice name;

	if (origin == NULL || conn->control)
		return true;
	if (count != 1)
		return false;
	if (cors_allows(conn->admin->keeper->options.policy, origin->value))
		return true;
	name = origin->value;
	if (slice_starts(name, "http://"))
		name = slice_from(name, 7);
	else if (slice_starts(name, "https://"))
		name = slice_from(name, 8);
	else
		return false;
	return host != NULL && slice_equal(name, host->value);
}

static bool host_holds(const struct admin_conn *conn)
{
	const struct http1_field *host = http1_find(&conn->head, "host", NULL);

	return conn->control || (host != NULL && admin_route_host(conn->admin, host->value));
}

/* What a browser says unasked of where a request comes from (Fetch Metadata). */
static bool is_of_foreign_page(const struct admin_conn *conn)
{
	const struct http1_field *site = http1_find(&conn->head, "sec-fetch-site", NULL);

	return !admin_route_origin(conn) ||
	       (site != NULL && !slice_is(site->value, "same-origin") && !slice_is(site->value, "none"));
}

/* A browser shows a certificate to whoever makes it ask: a page of another origin does nothing by it. */
static const char *wrong_certificate(struct admin_conn *conn)
{
	struct admin_access access = admin_tls_access(conn);

	if (access.role == ADMIN_ROLE_open)
		return "no admin token";
	if (is_of_foreign_page(conn))
		return "certificate, by a page of another origin";
	conn->access = access;
	conn->access.by_certificate = true;
	return NULL;
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

/* A certificate beside a token gives nothing that the token does not give, and takes what it does not. */
static const char *wrong_token(struct admin_conn *conn, struct fw_slice token)
{
	uint8_t role;

	if (!admin_access_find(conn, token))
		return "admin token";
	role = admin_tls_access(conn).role;
	if (role != ADMIN_ROLE_open && role < conn->access.role)
		conn->access.role = role;
	return NULL;
}

/* NULL: it is one that counts, and conn->access says whose. What is refused is recorded, whatever it lacks. */
static const char *wrong_credential(struct admin_conn *conn)
{
	unsigned count = 0;
	const struct http1_field *field = http1_find(&conn->head, "authorization", &count);
	struct fw_slice value;

	if (field == NULL && offered_token(conn).size != 0)
		return wrong_token(conn, offered_token(conn));
	if (field == NULL)
		return wrong_certificate(conn);
	if (count != 1)
		return "no admin token";
	value = field->value;
	if (value.size < 7 || !slice_is_nocase(slice(value.data, 6), "bearer") || value.data[6] != ' ')
		return "no admin token";
	return wrong_token(conn, slice_trim(slice_from(value, 7)));
}

/* False after an answer. */
static bool credential_holds(struct admin_conn *conn, const struct admin_route *route)
{
	const char *wrong = conn->control ? NULL : wrong_credential(conn);
	char detail[128];

	if (conn->control)
		admin_access_whole(conn, "control socket");
	if (wrong != NULL) {
		admin_record_refused(conn, wrong);
		if (!admin_guard_failed(conn))
			return false;
		admin_answer_problem(conn, 401,
				     "an admin token is needed: Authorization: Bearer TOKEN, from DATA/admin.token, or "
				     "framewall admin token create",
				     "WWW-Authenticate: Bearer realm=\"framewall\"\r\n");
		return false;
	}
	if (conn->access.role >= route->role)
		return true;
	snprintf(detail, sizeof(detail), "this needs the role %s; the %s has %s", admin_role_name(route->role),
		 conn->access.by_certificate ? "certificate" : "token", admin_role_name(conn->access.role));
	admin_record_refused(conn, conn->access.by_certificate ? "role of the certificate" : "role of the admin token");
	admin_answer_problem(conn, 403, detail, "");
	return false;
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

	conn->access = (struct admin_access){ .role = ADMIN_ROLE_open };
	if (!admin_tls_holds(conn)) { /* by a configuration that came since it connected */
		conn->close_after = true;
		admin_answer_problem(conn, 421, "the configuration has changed: connect anew, by https://", "");
		return;
	}
	if (!host_holds(conn)) {
		admin_answer_problem(conn, 403, "this name is not one of this server: use localhost or its address",
				     "");
		return;
	}
	if (admin_answer_preflight(conn) || !admin_guard_takes(conn))
		return;
	route = find(conn);
	if (route == NULL)
		return;
	if (route->role != ADMIN_ROLE_open && !credential_holds(conn, route))
		return;
	if (!content_holds(conn)) {
		admin_answer_problem(conn, 415, "the body must be application/json", "");
		return;
	}
	conn->route = route;
	conn->rest = slice_from(conn->head.path, fixed_size(route));
	if (admin_again_answered(conn))
		return;
	if (!route->figures) {
		route->answer(conn);
		return;
	}
	conn->state = ADMIN_ASKING;
	uv_read_stop(&conn->io.stream);
	conn->ask.ready = with_figures;
	keeper_figures_ask(&conn->admin->keeper->figures, &conn->ask);
}
