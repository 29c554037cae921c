#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"
#include "codec/json_pointer.h"
#include "policy/route.h"

enum member {
	PATH,
	UPSTREAM,
	UPSTREAM_PATH,
	OPAQUE,
	BINARY,
	FORWARD,
	ANONYMOUS,
	ORIGINS,
	HOSTS,
	SUBPROTOCOLS,
	LOGIN_MESSAGE,
	REQUIRE,
	DIALECT,
	TYPES,
	DISCRIMINATOR,
	OUTBOUND,
	INBOUND,
	INSPECT,
	MESSAGES_PER_MINUTE,
	BYTES_PER_MINUTE,
	MEMBERS
};
static const char *const member_names[MEMBERS] = {
	"path",	   "upstream",	   "upstream_path",	  "opaque",
	"binary",  "forward",	   "anonymous",		  "origins",
	"hosts",   "subprotocols", "login_message",	  "require",
	"dialect", "types",	   "discriminator",	  "outbound",
	"inbound", "inspect",	   "messages_per_minute", "bytes_per_minute"
};

enum { POINTER_MOST = 128 }; /* octets of discriminator */

struct reader {
	struct policy_route *route;
	bool has_path, has_upstream, has_login_message;
	bool bad_upstream; /* reported already */
};

static bool refuse(struct config *config, struct config_place place, struct fw_slice text, const char *why)
{
	char shown[64];

	config_report_error(config, place, "\"%s\" %s", config_report_quote(config, text, shown), why);
	return false;
}

/* A request target in origin form (RFC 9112 3.2.1) as it can stand in a request line. */
static bool target_holds(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= 0x20 || text.data[i] > 0x7e || text.data[i] == '#')
			return false;
	return text.size != 0 && text.data[0] == '/';
}

static bool set_upstream(struct config *config, struct policy_route *route, struct fw_slice authority,
			 struct fw_slice host, long port)
{
	bool bracketed = host.data[0] == '[';
	long usual = route->upstream_tls ? 443 : 80; /* RFC 6455 3 */

	route->has_upstream = true;
	route->upstream_port = (uint16_t)(port < 0 ? usual : port);
	route->upstream_host = config_value_text(config, bracketed ? slice(host.data + 1, host.size - 2) : host);
	route->upstream_authority = config_value_text(config, port == usual ? host : authority);
	return route->upstream_host != NULL && route->upstream_authority != NULL;
}

bool config_routes_upstream(struct config *config, struct config_place place, struct fw_slice url,
			    struct policy_route *ret_route)
{
	struct fw_slice rest, authority, host;
	size_t n = 0;
	long port;

	*ret_route = (struct policy_route){ 0 };
	ret_route->upstream_tls = url.size >= 6 && slice_is_nocase(slice(url.data, 6), "wss://");
	if (!ret_route->upstream_tls && (url.size < 5 || !slice_is_nocase(slice(url.data, 5), "ws://")))
		return refuse(config, place, url, "is not an upstream: write ws://host:port or wss://host:port");
	rest = slice_from(url, ret_route->upstream_tls ? 6 : 5);
	while (n < rest.size && rest.data[n] != '/' && rest.data[n] != '?' && rest.data[n] != '#')
		n++;
	authority = slice(rest.data, n);
	rest = slice_from(rest, n);
	if (authority.size != 0 && memchr(authority.data, '@', authority.size) != NULL)
		return refuse(config, place, url, "has a user name or password, which an upstream address cannot have");
	if (!route_place(authority, &host, &port) || port == 0)
		return refuse(config, place, url, "is not an upstream: write ws://host:port or wss://host:port");
	if (rest.size != 0 && !target_holds(rest))
		return refuse(config, place, url, "has a path that a request line cannot have");
	/* "/" alone says nothing: the client's own path goes on. upstream_path: / says it. */
	if (rest.size > 1) {
		ret_route->upstream_path = config_value_text(config, rest);
		if (ret_route->upstream_path == NULL)
			return false;
	}
	return set_upstream(config, ret_route, authority, host, port);
}

static void take_upstream(struct policy_route *route, const struct policy_route *from)
{
	route->has_upstream = from->has_upstream;
	route->upstream_host = from->upstream_host;
	route->upstream_port = from->upstream_port;
	route->upstream_tls = from->upstream_tls;
	route->upstream_authority = from->upstream_authority;
	if (route->upstream_path == NULL)
		route->upstream_path = from->upstream_path;
}

/* "{name}", a whole segment, stands for any one. */
static bool templates_hold(struct fw_slice path, bool *ret_templated)
{
	*ret_templated = false;
	for (size_t i = 1; i < path.size; i++) {
		size_t start = i + 1;

		if (path.data[i] == '}' || (path.data[i] == '{' && path.data[i - 1] != '/'))
			return false;
		if (path.data[i] != '{')
			continue;
		for (i++; i < path.size && path.data[i] != '}';)
			if (path.data[i] == '/' || path.data[i++] == '{')
				return false;
		if (i == start || i == path.size || (i + 1 < path.size && path.data[i + 1] != '/'))
			return false;
		*ret_templated = true;
	}
	return true;
}

static void set_path(struct config *config, struct config_place place, struct policy_route *route, struct fw_slice text)
{
	bool prefix = text.size != 0 && text.data[text.size - 1] == '*';
	struct fw_slice path = prefix ? slice(text.data, text.size - 1) : text;

	if (path.size == 0 && prefix)
		path = slice("/", 1);
	/* Client paths are compared decoded, so an escape or a double slash here would match nothing. */
	if (!target_holds(path) || memchr(path.data, '*', path.size) != NULL ||
	    memchr(path.data, '?', path.size) != NULL || memchr(path.data, '%', path.size) != NULL) {
		refuse(config, place, text,
		       "is not a path: write /name, or /name/* for all below it, or * for everything");
		return;
	}
	for (size_t i = 1; i < path.size; i++) {
		if (path.data[i] == '/' && path.data[i - 1] == '/') {
			refuse(config, place, text, "has two slashes in a row");
			return;
		}
	}
	if (!templates_hold(path, &route->templated)) {
		refuse(config, place, text, "has braces that name no segment: write /room/{id}/events");
		return;
	}
	route->path = config_value_text(config, path);
	route->path_size = path.size;
	route->prefix = prefix;
}

static void set_upstream_of_route(struct config *config, struct config_place place, struct reader *reader,
				  struct fw_slice text)
{
	struct policy_route from;

	reader->has_upstream = true;
	if (slice_is(text, "hub")) /* the built-in hub, also where upstream.url names a server */
		return;
	reader->bad_upstream = !config_routes_upstream(config, place, text, &from);
	if (!reader->bad_upstream)
		take_upstream(reader->route, &from);
}

/* "subprotocol": that which is agreed on in the handshake says it. */
static void read_dialect(struct config *config, struct config_place place, struct policy_route *route,
			 struct fw_slice text)
{
	unsigned found = dialect_find(text);
	struct config_suggest suggest;
	char shown[64], hint[128];

	route->dialect_by_subprotocol = slice_is(text, "subprotocol");
	if (found == DIALECTS && !route->dialect_by_subprotocol) {
		config_suggest_start(&suggest, text);
		for (unsigned i = 0; i < DIALECTS; i++)
			config_suggest_offer(&suggest, dialects[i].name, strlen(dialects[i].name));
		config_report_error(config, place, "there is no dialect \"%s\"%s",
				    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
	}
	if (found != DIALECTS)
		route->dialect = (uint8_t)found;
}

static void read_discriminator(struct config *config, struct config_place place, struct policy_route *route,
			       struct fw_slice text)
{
	bool holds = text.size > 1 && text.size <= POINTER_MOST && json_pointer_is(text);

	route->untyped = slice_is(text, "none");
	if (route->untyped)
		return;
	if (holds)
		route->discriminator = config_value_text(config, text);
	else
		refuse(config, place, text,
		       "is no JSON Pointer to the type: write /type, /op or /header/kind, or none");
}

static void set_text(struct config *config, struct config_place place, enum member member, struct reader *reader,
		     struct fw_slice text)
{
	struct policy_route *route = reader->route;

	switch (member) {
	case PATH:
		reader->has_path = true;
		set_path(config, place, route, text);
		break;
	case UPSTREAM:
		set_upstream_of_route(config, place, reader, text);
		break;
	case UPSTREAM_PATH:
		if (!target_holds(text))
			refuse(config, place, text, "is not a path as a request line can have it");
		else
			route->upstream_path = config_value_text(config, text);
		break;
	case FORWARD:
		if (!slice_is(text, "client") && !slice_is(text, "canonical"))
			refuse(config, place, text, "is not a way to forward: there are client and canonical");
		route->canonical = slice_is(text, "canonical");
		break;
	case ANONYMOUS:
		route->anonymous_role = config_rbac_role(config, place, text);
		break;
	case DIALECT:
		read_dialect(config, place, route, text);
		break;
	case DISCRIMINATOR:
		read_discriminator(config, place, route, text);
		break;
	case LOGIN_MESSAGE:
		reader->has_login_message = true;
		if (config_check_template(config, place, "login_message", text))
			route->login_message = text.size != 0 ? config_value_text(config, text) : NULL;
		break;
	default:
		break;
	}
}

static void read_require(struct config *config, struct config_place key, struct fy_node *value,
			 struct policy_route *route)
{
	static const struct {
		const char *name;
		enum route_require bit;
	} words[] = { { "certificate", ROUTE_CERTIFICATE }, { "jwt", ROUTE_JWT }, { "dpop", ROUTE_DPOP } };
	struct texts texts = { NULL, 0 };

	if (!config_value_texts(config, key, "require", value, NULL, &texts))
		return;
	for (size_t i = 0; i < texts.count; i++) {
		unsigned k = 0;

		while (k < sizeof(words) / sizeof(*words) && strcmp(texts.items[i], words[k].name) != 0)
			k++;
		if (k < sizeof(words) / sizeof(*words))
			route->require |= (uint8_t)words[k].bit;
		else
			refuse(config, key, slice_text(texts.items[i]),
			       "is nothing that a route can require; there are certificate, jwt and dpop");
	}
}

/* What nobody could ever meet. */
static void check_require(struct config *config, struct config_place place, const struct policy_route *route)
{
	if (route->require != 0 && route->anonymous_role != POLICY_NONE)
		config_report_error(config, place,
				    "a route that requires a login lets nobody in without one: "
				    "\"require\" and \"anonymous\" do not go together");
	if ((route->require & ROUTE_CERTIFICATE) != 0 &&
	    config->policy->settings.tls_client_certificate == CLIENT_CERTIFICATE_NONE)
		config_report_error(config, place,
				    "a route requires certificates, but clients are not asked for them: "
				    "\"tls.client_certificate\" is none");
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place key,
		       struct fy_node *value)
{
	struct reader *reader = user;
	struct policy_route *route = reader->route;
	struct fw_slice text;

	switch ((enum member)index) {
	case REQUIRE:
		read_require(config, key, value, route);
		return;
	case TYPES:
		if (config_yaml_is_map(config, key, "\"types\"", value))
			config_types(config, key, value, route);
		return;
	case OUTBOUND:
		config_outbound(config, key, value, route);
		return;
	case INBOUND:
		config_secrets(config, key, "\"inbound\"", value, &route->secrets_in);
		return;
	case INSPECT:
		config_inspect_route(config, key, value, &route->inspect);
		return;
	case MESSAGES_PER_MINUTE:
	case BYTES_PER_MINUTE:
		config_limits_route(config, key, value, index == BYTES_PER_MINUTE, route);
		return;
	case ORIGINS:
		config_value_texts(config, key, "origins", value, config_check_origin, &route->origins);
		return;
	case HOSTS:
		config_value_texts(config, key, "hosts", value, config_check_host, &route->hosts);
		return;
	case SUBPROTOCOLS:
		config_value_texts(config, key, "subprotocols", value, config_check_token, &route->subprotocols);
		return;
	default:
		break;
	}
	if (!config_yaml_is_text(config, key, member_names[index], value, &text))
		return;
	key = config_yaml_place(value, key);
	if (index == OPAQUE)
		config_value_boolean(config, key, "opaque", text, &route->opaque);
	else if (index == BINARY)
		config_value_boolean(config, key, "binary", text, &route->binary);
	else
		set_text(config, key, (enum member)index, reader, text);
}

/* What a route does not say is said for all: upstream.url and upstream.login_message. */
static void complete(struct config *config, struct reader *reader, const struct policy_route *common)
{
	struct policy_route *route = reader->route;

	if (!reader->has_upstream && common->has_upstream)
		take_upstream(route, common);
	if (!reader->has_login_message && *config->policy->settings.login_message != '\0')
		route->login_message = config->policy->settings.login_message;
}

static void check_opaque(struct config *config, struct config_place place, const struct reader *reader)
{
	const struct policy_route *route = reader->route;

	if (route->opaque && !route->has_upstream && !reader->bad_upstream && !config->options->without_hub)
		config_report_error(config, place,
				    "an opaque route needs an upstream: the built-in hub reads messages");
	if (route->opaque && route->unknown_out != UNEXPECTED_PASS)
		config_report_error(config, place,
				    "an opaque route knows no types: its messages are not read, the server's neither");
	if (route->canonical && route->opaque)
		config_report_error(config, place,
				    "an opaque route cannot forward in the canonical form: its messages are not read");
}

/* Of a route in plain JSON. */
static void check_types(struct config *config, struct config_place place, const struct reader *reader)
{
	const struct policy_route *route = reader->route;

	if (route->untyped && route->type_count != 1)
		config_report_error(config, place,
				    "where no message says its type (\"discriminator\": none) all are of one: name it, "
				    "and no other, in \"types\"");
	if (!route->lists_types)
		return;
	if (route->opaque)
		config_report_error(config, place, "an opaque route knows no types: its messages are not read");
	if (!route->has_upstream && !reader->bad_upstream && !config->options->without_hub)
		config_report_error(config, place,
				    "a route with \"types\" needs an upstream: the built-in hub has its own");
	for (unsigned i = 0; i < route->type_count; i++)
		if (route->types[i].pattern)
			config_report_error(config, place,
					    "\"%s\": \"*\" in a type is for dialects; name each type in plain JSON",
					    route->types[i].name);
}

static void check_dialect(struct config *config, struct config_place place, const struct reader *reader)
{
	struct policy_route *route = reader->route;
	bool speaks = route->dialect != DIALECT_json || route->dialect_by_subprotocol;

	/* That it is where all of them have it may be said of any; a number is a name there only where it was said. */
	if (route->discriminator != NULL && strcmp(route->discriminator, "/type") == 0 &&
	    (speaks || route->opaque || !route->has_upstream))
		route->discriminator = NULL;
	if (speaks && route->opaque)
		config_report_error(config, place, "an opaque route has no dialect: its messages are not read");
	if (speaks && !route->has_upstream && !reader->bad_upstream && !config->options->without_hub)
		config_report_error(config, place,
				    "a route with a dialect needs an upstream: the built-in hub speaks json");
	if ((speaks || route->opaque) && (route->discriminator != NULL || route->untyped))
		config_report_error(config, place,
				    "\"discriminator\" is for plain JSON: a dialect knows where the type is, and an "
				    "opaque route reads none");
	if (route->discriminator != NULL && !route->has_upstream && !reader->bad_upstream &&
	    !config->options->without_hub)
		config_report_error(config, place,
				    "a route with a discriminator needs an upstream: the built-in hub reads /type");
	if (!speaks)
		check_types(config, place, reader);
}

static bool same_path(const struct policy_route *a, const struct policy_route *b)
{
	return a->path != NULL && b->path != NULL && a->prefix == b->prefix && a->path_size == b->path_size &&
	       memcmp(a->path, b->path, a->path_size) == 0;
}

static void read_route(struct config *config, struct config_place place, struct fy_node *node,
		       struct policy_route *routes, const struct policy_route *common)
{
	struct policy_route *route = &routes[config->policy->route_count];
	struct reader reader = { .route = route };

	route->anonymous_role = POLICY_NONE;
	route->invalid_out = UNEXPECTED_STOP;
	if (config_yaml_kind(config, place, node) != CONFIG_MAP) {
		config_report_error(config, place, "a route is a mapping with a path");
		return;
	}
	config_walk_map(config, node, "a route", member_names, MEMBERS, set_member, &reader);
	if (!reader.has_path)
		config_report_error(config, place, "a route needs a path");
	complete(config, &reader, common);
	check_opaque(config, place, &reader);
	check_dialect(config, place, &reader);
	check_require(config, place, route);
	for (unsigned i = 0; i < config->policy->route_count; i++)
		if (same_path(&routes[i], route))
			config_report_error(config, place, "the path \"%s%s\" is given a second time", route->path,
					    route->prefix ? "*" : "");
	config->policy->route_count++;
}

static struct policy_route *room(struct config *config, size_t count)
{
	struct policy_route *routes = config_value_zero(config, count, sizeof(*routes));

	config->policy->routes = routes;
	return routes;
}

static void read_list(struct config *config, const struct policy_route *common)
{
	const struct config_section *section = config_topmost(config->routes);
	struct config_place key = { .node = section->key };
	int count = fy_node_sequence_item_count(section->value);
	struct policy_route *routes;
	struct fy_node *item;
	void *at = NULL;

	if (count == 0 || count > LIMIT_ROUTES) {
		config_report_error(config, key, "\"routes\" has from 1 to %d routes", (int)LIMIT_ROUTES);
		return;
	}
	routes = room(config, (size_t)count);
	while (routes != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL)
		read_route(config, config_yaml_place(item, key), item, routes, common);
}

void config_routes(struct config *config)
{
	const struct config_section *section = config_topmost(config->routes);
	const char *url = config->policy->settings.upstream_url;
	struct policy_route common = { 0 }, *route;
	struct reader reader = { 0 };

	/* It was judged when it was set: only what holds is read again. */
	if (*url != '\0' && config->errors == 0)
		config_routes_upstream(config, (struct config_place){ 0 }, slice_text(url), &common);
	if (section->key != NULL) {
		if (config_yaml_is_list(config, (struct config_place){ .node = section->key }, "\"routes\"",
					section->value))
			read_list(config, &common);
		return;
	}
	route = room(config, 1);
	if (route == NULL)
		return;
	*route = (struct policy_route){ .path = "/",
					.path_size = 1,
					.prefix = true,
					.anonymous_role = POLICY_NONE,
					.invalid_out = UNEXPECTED_STOP };
	reader.route = route;
	complete(config, &reader, &common);
	config->policy->route_count = 1;
}
