/* Paths, Origin and Host: what has a route, and who may come. */
#include "policy_of.h"

static const char *path_of(const struct fw_policy *policy, const char *path)
{
	const struct policy_route *route = policy_route_find(policy, slice_text(path));
	static char text[64];

	if (route == NULL)
		return "none";
	sprintf(text, "%s%s", route->path, route->prefix ? "*" : "");
	return text;
}

static void default_route(void **state)
{
	struct fw_policy *policy =
		policy_of("upstream: {url: 'ws://localhost:9000', login_message: '{\"u\":\"${user_id}\"}'}");
	const struct policy_route *route = &policy->routes[0];

	(void)state;
	assert_int_equal(policy->route_count, 1);
	assert_true(route->has_upstream && !route->upstream_tls && !route->opaque && !route->binary &&
		    !route->canonical);
	assert_string_equal(route->upstream_host, "localhost");
	assert_int_equal(route->upstream_port, 9000);
	assert_string_equal(route->upstream_authority, "localhost:9000");
	assert_null(route->upstream_path);
	assert_string_equal(route->login_message, "{\"u\":\"${user_id}\"}");
	assert_int_equal(route->anonymous_role, POLICY_NONE);
	assert_string_equal(path_of(policy, "/"), "/*");
	assert_string_equal(path_of(policy, "/any/where"), "/*");
	assert_string_equal(path_of(policy, ""), "none");
	assert_string_equal(path_of(policy, "*"), "none");
	fw_policy_unref(policy);
	policy = policy_of("upstream: {url: 'ws://h.example:80/'}");
	assert_string_equal(policy->routes[0].upstream_authority, "h.example");
	assert_null(policy->routes[0].upstream_path);
	fw_policy_unref(policy);
	policy = policy_of("");
	assert_false(policy->routes[0].has_upstream);
	assert_null(policy->routes[0].login_message);
	fw_policy_unref(policy);
}

static void paths(void **state)
{
	struct fw_policy *policy =
		policy_of("routes:\n  - path: /chat\n  - path: /chat/*\n  - path: /chat/admin*\n  - {path: /a}\n");

	(void)state;
	assert_string_equal(path_of(policy, "/chat"), "/chat");
	assert_string_equal(path_of(policy, "/chat/"), "/chat/*");
	assert_string_equal(path_of(policy, "/chat/room"), "/chat/*");
	assert_string_equal(path_of(policy, "/chat/admin"), "/chat/admin*");
	assert_string_equal(path_of(policy, "/chat/administrator/x"), "/chat/admin*");
	assert_string_equal(path_of(policy, "/a"), "/a");
	assert_string_equal(path_of(policy, "/a/"), "none");
	assert_string_equal(path_of(policy, "/"), "none");
	assert_string_equal(path_of(policy, "/cha"), "none");
	assert_string_equal(path_of(policy, "/chatter"), "none");
	assert_string_equal(path_of(policy, "/CHAT"), "none");
	/* Other spellings of the same path are that path. */
	assert_string_equal(path_of(policy, "/ch%61t"), "/chat");
	assert_string_equal(path_of(policy, "//chat"), "/chat");
	assert_string_equal(path_of(policy, "/chat//%61dmin"), "/chat/admin*");
	assert_string_equal(path_of(policy, "/chat/%61"), "/chat/*");
	assert_string_equal(path_of(policy, "/chat%2fadmin"), "none");
	assert_string_equal(path_of(policy, "/a%"), "none");
	assert_string_equal(path_of(policy, "/a%6"), "none");
	fw_policy_unref(policy);
}

static void dot_segments(void **state)
{
	static const char *const paths[] = { "/..",	  "/.",		 "/a/../b", "/a/./b",	 "/a/..",
					     "/%2e%2e/a", "/a/%2E./b",	 "/a/.%2e", "/a/..%2fb", "/a%2f..%2fb",
					     "/a\\..\\b", "/a%5c..%5Cb", "/../",    "/a/../" };
	static const char *const harmless[] = { "/...", "/.a", "/a..", "/..a/b", "/a.b/c", "/a/....", "/%2e%2e%2e" };
	struct fw_policy *policy = policy_of("");

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_string_equal(path_of(policy, paths[i]), "none");
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		assert_string_equal(path_of(policy, harmless[i]), "/*");
	fw_policy_unref(policy);
}

static void every_member(void **state)
{
	struct fw_policy *policy =
		policy_of("upstream: {url: 'ws://common:1/c', login_message: common}\n"
			  "routes:\n"
			  "  - path: /one\n"
			  "    upstream: ws://[::1]:7000/deep?x=1\n"
			  "    opaque: true\n"
			  "    binary: true\n"
			  "    anonymous: guest\n"
			  "    origins: ['https://one.example']\n"
			  "    hosts: [one.example]\n"
			  "    subprotocols: [chat.v1, chat.v2]\n"
			  "    login_message: ''\n"
			  "  - {path: /two, upstream: 'WS://two/', upstream_path: /, forward: canonical}\n"
			  "  - {path: /three, upstream: hub}\n"
			  "  - {path: /four, upstream: 'wss://four.example'}\n"
			  "  - {path: /five, upstream: 'WSS://five.example:443/x'}\n"
			  "  - {path: /six, upstream: 'wss://six.example:80'}\n"
			  "  - {path: '*', forward: client}\n");
	const struct policy_route *route = policy->routes;

	(void)state;
	assert_int_equal(policy->route_count, 7);
	assert_string_equal(route[0].upstream_host, "::1");
	assert_int_equal(route[0].upstream_port, 7000);
	assert_string_equal(route[0].upstream_authority, "[::1]:7000");
	assert_string_equal(route[0].upstream_path, "/deep?x=1");
	assert_true(route[0].opaque && route[0].binary);
	assert_int_equal(route[0].anonymous_role, policy_role_find(policy, slice_text("guest")));
	assert_int_equal(route[0].subprotocols.count, 2);
	assert_null(route[0].login_message);
	assert_string_equal(route[1].upstream_authority, "two");
	assert_int_equal(route[1].upstream_port, 80);
	assert_string_equal(route[1].upstream_path, "/");
	assert_true(route[1].canonical);
	assert_string_equal(route[1].login_message, "common");
	assert_false(route[2].has_upstream);
	assert_true(route[3].upstream_tls && route[3].upstream_port == 443);
	assert_string_equal(route[3].upstream_authority, "four.example");
	assert_true(route[4].upstream_tls && route[4].upstream_port == 443);
	assert_string_equal(route[4].upstream_authority, "five.example");
	assert_true(route[5].upstream_tls && route[5].upstream_port == 80);
	assert_string_equal(route[5].upstream_authority, "six.example:80");
	assert_string_equal(route[6].upstream_host, "common");
	assert_string_equal(route[6].upstream_path, "/c");
	assert_true(route[6].prefix && !route[6].canonical && !route[6].upstream_tls);
	fw_policy_unref(policy);
}

static void refused_routes(void **state)
{
	(void)state;
	refused_with("routes:\n  - path: /chat\n    upstream: https://example.com\n",
		     "f.yaml:3:15: error: \"https://example.com\" is not an upstream: write ws://host:port or "
		     "wss://host:port\n"
		     "    upstream: https://example.com\n              ^\n");
	refused_for("routes: []", "\"routes\" has from 1 to 256 routes");
	refused_for("routes: {path: /}", "\"routes\" is a list, not a mapping");
	refused_for("routes: [/]", "a route is a mapping with a path");
	refused_for("routes: [{opaque: false}]", "a route needs a path");
	refused_for("routes: [{path: chat}]", "\"chat\" is not a path");
	refused_for("routes: [{path: '/a*b'}]", "\"/a*b\" is not a path");
	refused_for("routes: [{path: '/a%20'}]", "\"/a%20\" is not a path");
	refused_for("routes: [{path: '/a//b'}]", "\"/a//b\" has two slashes in a row");
	refused_for("routes: [{path: /a}, {path: /a}]", "the path \"/a\" is given a second time");
	refused_for("routes: [{path: /a, pth: 1}]", "unknown key \"pth\" in a route; did you mean \"path\"?");
	refused_for("routes: [{path: /a, path: /b}]", "\"path\" is given a second time; first in line 1");
	refused_for("routes: [{path: /a, anonymous: gest}]", "there is no role \"gest\"; did you mean \"guest\"?");
	refused_for("routes: [{path: /a, opaque: true}]", "an opaque route needs an upstream");
	refused_for("routes: [{path: /a, opaque: true, forward: canonical, upstream: 'ws://a'}]",
		    "cannot forward in the canonical form");
	refused_for("routes: [{path: /a, opaque: maybe, upstream: 'ws://a'}]",
		    "\"opaque\" is true or false, not \"maybe\"");
	refused_for("routes: [{path: /a, forward: raw}]", "\"raw\" is not a way to forward");
	refused_for("routes: [{path: /a, subprotocols: ['a b']}]", "\"a b\" is not a name");
	refused_for("routes: [{path: /a, origins: ['*']}]", "would let in every web page");
	refused_for("routes: [{path: /a, login_message: '${user}'}]", "\"user\" is not a placeholder");
	refused_for("routes: [{path: /a, upstream_path: x}]", "\"x\" is not a path");
	refused_for("upstream: {url: 'http://a'}", "\"http://a\" is not an upstream: write ws://host:port");
	refused_for("upstream: {url: 'ws://'}", "is not an upstream");
	refused_for("upstream: {url: 'ws://u:p@host'}", "has a user name or password");
	refused_for("upstream: {url: 'ws://host:0'}", "is not an upstream");
	refused_for("upstream: {url: 'ws://host:70000'}", "is not an upstream");
	refused_for("upstream: {url: 'ws://host/#x'}", "has a path that a request line cannot have");
	refused_for("upstream: {url: 'ws://host/a b'}", "has a path that a request line cannot have");
	refused_for("upstream: {url: 'wss://'}", "is not an upstream");
}

static bool origin(const struct fw_policy *policy, const char *text)
{
	return policy_origin_allowed(policy, &policy->routes[0], slice_text(text));
}

static void default_origins(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	assert_true(origin(policy, "http://localhost"));
	assert_true(origin(policy, "http://localhost:3000"));
	assert_true(origin(policy, "HTTPS://LOCALHOST:3000"));
	assert_true(origin(policy, "https://127.0.0.1:8766"));
	assert_true(origin(policy, "http://[::1]:8766"));
	assert_false(origin(policy, "null"));
	assert_false(origin(policy, ""));
	assert_false(origin(policy, "http://localhost.evil.example"));
	assert_false(origin(policy, "http://127.0.0.2"));
	assert_false(origin(policy, "ws://localhost"));
	assert_false(origin(policy, "file://localhost"));
	assert_false(origin(policy, "http://localhost/"));
	assert_false(origin(policy, "http://localhost:99999"));
	assert_false(origin(policy, "http://localhost:80x"));
	assert_false(origin(policy, "http://evil@localhost"));
	assert_false(origin(policy, "localhost"));
	assert_false(origin(policy, "http://"));
	fw_policy_unref(policy);
}

static void listed_origins(void **state)
{
	struct fw_policy *policy = policy_of("origin: {allowed: ['https://chat.example.com', 'http://a.example:8080', "
					     "'https://b.example:443', 'null']}\n"
					     "routes: [{path: '*'}, {path: /own, origins: ['https://own.example']}]\n");
	const struct policy_route *own = policy_route_find(policy, slice_text("/own"));

	(void)state;
	assert_true(origin(policy, "https://chat.example.com"));
	assert_true(origin(policy, "https://CHAT.example.com:443"));
	assert_false(origin(policy, "http://chat.example.com"));
	assert_false(origin(policy, "https://chat.example.com:8443"));
	assert_false(origin(policy, "https://chat.example.com.evil.example"));
	assert_false(origin(policy, "https://evilchat.example.com"));
	assert_false(origin(policy, "https://example.com"));
	assert_true(origin(policy, "http://a.example:8080"));
	assert_false(origin(policy, "http://a.example"));
	assert_true(origin(policy, "https://b.example"));
	assert_true(origin(policy, "null"));
	assert_false(origin(policy, "Null"));
	assert_false(origin(policy, "http://localhost"));
	assert_true(policy_origin_allowed(policy, NULL, slice_text("https://chat.example.com")));
	/* A route's list replaces the common one. */
	assert_true(policy_origin_allowed(policy, own, slice_text("https://own.example")));
	assert_false(policy_origin_allowed(policy, own, slice_text("https://chat.example.com")));
	assert_false(policy_origin_allowed(policy, own, slice_text("null")));
	fw_policy_unref(policy);
}

static bool host(const struct fw_policy *policy, const char *text)
{
	return policy_host_allowed(policy, &policy->routes[0], slice_text(text), false);
}

static bool host_by_tls(const struct fw_policy *policy, const char *text)
{
	return policy_host_allowed(policy, &policy->routes[0], slice_text(text), true);
}

static void hosts(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	assert_true(host(policy, "localhost"));
	assert_true(host(policy, "LocalHost:8765"));
	assert_true(host(policy, "127.0.0.1:1"));
	assert_true(host(policy, "[::1]:8765"));
	assert_false(host(policy, "example.com"));
	assert_false(host(policy, "localhost.example.com"));
	assert_false(host(policy, "localhost:"));
	assert_false(host(policy, "localhost:x"));
	assert_false(host(policy, ""));
	assert_false(host(policy, ":80"));
	assert_false(host(policy, "[::1"));
	fw_policy_unref(policy);

	policy = policy_of("hosts: [chat.example.com, 'b.example:8443', '[2001:db8::1]']\nroutes: [{path: '*'}, {path: "
			   "/own, hosts: [own.example]}]");
	assert_true(host(policy, "chat.example.com"));
	assert_true(host(policy, "Chat.Example.Com:9999"));
	assert_true(host(policy, "b.example:8443"));
	assert_false(host(policy, "b.example"));
	assert_false(host(policy, "b.example:443"));
	assert_true(host(policy, "[2001:db8::1]:80"));
	assert_false(host(policy, "localhost"));
	assert_false(host(policy, "chat.example.com.evil"));
	assert_true(policy_host_allowed(policy, policy_route_find(policy, slice_text("/own")),
					slice_text("own.example"), false));
	assert_false(policy_host_allowed(policy, policy_route_find(policy, slice_text("/own")),
					 slice_text("chat.example.com"), false));
	fw_policy_unref(policy);

	/* Clients leave the default port out: 443 through TLS, else 80. */
	policy = policy_of("hosts: ['a.example:443', 'b.example:80', c.example]");
	assert_true(host_by_tls(policy, "a.example"));
	assert_true(host_by_tls(policy, "A.Example:443"));
	assert_false(host(policy, "a.example"));
	assert_true(host(policy, "a.example:443"));
	assert_false(host_by_tls(policy, "b.example"));
	assert_true(host(policy, "b.example"));
	assert_true(host_by_tls(policy, "c.example"));
	assert_true(host_by_tls(policy, "c.example:8443"));
	assert_true(host(policy, "c.example"));
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_route),  cmocka_unit_test(paths),	    cmocka_unit_test(dot_segments),
		cmocka_unit_test(every_member),	  cmocka_unit_test(refused_routes), cmocka_unit_test(default_origins),
		cmocka_unit_test(listed_origins), cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
