/* server.c: which server of the document it is about, and paths of its channels. */
#include <string.h>

#include "asyncapi/import.h"

static struct fw_slice until(struct fw_slice text, char c)
{
	const uint8_t *at = text.size != 0 ? memchr(text.data, c, text.size) : NULL;

	return at != NULL ? slice(text.data, (size_t)(at - text.data)) : text;
}

static bool is_websocket(struct fw_slice protocol)
{
	return slice_is_nocase(protocol, "ws") || slice_is_nocase(protocol, "wss");
}

/* A variable in a text is what it is by default. */
static struct fw_slice with_variables(struct import *import, const struct document_node *server, struct fw_slice text)
{
	const struct document_node *variables = import_follow(import, document_named(server, "variables"));
	char out[1024];
	size_t size = 0;

	while (text.size != 0 && size < sizeof(out)) {
		struct fw_slice name = until(slice_from(text, 1), '}'), value;
		const struct document_node *variable;

		if (text.data[0] != '{' || name.size + 2 > text.size) {
			out[size++] = (char)text.data[0];
			text = slice_from(text, 1);
			continue;
		}
		variable = import_follow(import, document_member(variables, name));
		value = import_member_text(import, variable, "default");
		if (value.size == 0)
			import_error(import, server,
				     "the server's variable \"%s\" has no default: name the upstream by "
				     "--upstream, or give it one",
				     import_shown(import, name));
		if (value.size > sizeof(out) - size)
			break;
		memcpy(out + size, value.data, value.size);
		size += value.size;
		text = slice_from(text, name.size + 2);
	}
	return slice_text(import_text(import, slice(out, size)));
}

/* Host, path and scheme: of 3 by themselves, of 2 a URL. */
static void describe(struct import *import, const struct document_node *node, struct server *ret_server)
{
	struct fw_slice protocol = import_member_text(import, node, "protocol");
	struct fw_slice url = import_member_text(import, node, "url");

	ret_server->node = node;
	ret_server->host = import_member_text(import, node, "host");
	ret_server->path = import_member_text(import, node, "pathname");
	if (url.size != 0) {
		size_t n = 0;

		url = with_variables(import, node, url);
		while (n + 3 <= url.size && memcmp(url.data + n, "://", 3) != 0)
			n++;
		if (n + 3 <= url.size)
			url = slice_from(url, n + 3);
		ret_server->host = until(url, '/');
		ret_server->path = until(slice_from(url, ret_server->host.size), '?');
	} else {
		ret_server->host = with_variables(import, node, ret_server->host);
		ret_server->path = with_variables(import, node, ret_server->path);
	}
	ret_server->scheme =
		slice_text(slice_is_nocase(protocol, "wss") || slice_is_nocase(protocol, "https") ? "wss" : "ws");
}

static const struct document_node *choose(struct import *import, const struct document_node *servers)
{
	const struct document_node *chosen = NULL, *first = NULL;

	for (const struct document_node *node = servers->first; node != NULL; node = node->next) {
		const struct document_node *server = import_follow(import, node);
		struct fw_slice protocol = import_member_text(import, server, "protocol");

		if (server == NULL)
			continue;
		first = first == NULL ? node : first;
		if (import->options->server != NULL ? !slice_is(node->key, import->options->server)
						    : !is_websocket(protocol) && !import->options->any_protocol)
			continue;
		if (!is_websocket(protocol) && !import->options->any_protocol) {
			import_error(import, node,
				     "the server \"%s\" speaks %s, not ws or wss; --any-protocol takes it "
				     "for WebSocket",
				     import_shown(import, node->key), import_shown(import, protocol));
			return NULL;
		}
		if (chosen == NULL)
			chosen = node;
		else
			import_note(import, node,
				    "the document is read for the server \"%s\"; --server %s is for this "
				    "one",
				    import_shown(import, chosen->key), import_shown(import, node->key));
	}
	if (chosen != NULL || import->short_of_memory)
		return chosen;
	if (import->options->server != NULL)
		import_error(import, servers, "there is no server \"%s\"", import->options->server);
	else if (first != NULL)
		import_error(
			import, first,
			"no server speaks ws or wss: \"%s\" speaks %s; --any-protocol takes it for "
			"WebSocket",
			import_shown(import, first->key),
			import_shown(import, import_member_text(import, import_follow(import, first), "protocol")));
	return NULL;
}

void import_server(struct import *import)
{
	const struct document_node *servers = import_follow(import, document_named(import->root, "servers"));
	const struct document_node *chosen;

	import->server_permission = slice_text("any");
	if (servers == NULL || servers->kind != DOCUMENT_MAP || servers->first == NULL) {
		if (import->options->server != NULL)
			import_error(import, import->root, "there is no server \"%s\"", import->options->server);
		else
			import_note(import, import->root,
				    "the document names no server: its channels are taken for WebSocket");
		return;
	}
	chosen = choose(import, servers);
	if (chosen == NULL)
		return;
	import->server.name = chosen->key;
	describe(import, import_follow(import, chosen), &import->server);
	import_list(import, OBJECT_SERVER, import->server.node);
	import->server_permission =
		import_permission(import, document_named(import->server.node, "security"), slice_text("server"));
}

bool import_is_of_server(struct import *import, const struct document_node *channel, const struct document_node *named)
{
	const struct document_node *list = import_follow(import, document_named(channel, "servers"));
	struct fw_slice other = { 0 };

	if (import->server.node == NULL || list == NULL || list->kind != DOCUMENT_LIST || list->first == NULL)
		return true;
	for (const struct document_node *item = list->first; item != NULL; item = item->next) {
		if (item->kind == DOCUMENT_TEXT ? slice_equal(item->text, import->server.name)
						: import_follow(import, item) == import->server.node)
			return true;
		other = item->kind == DOCUMENT_TEXT
				? item->text
				: import_name(import_step(import, item) != NULL ? import_step(import, item) : item);
	}
	import_note(import, named, "the channel is of the server \"%s\", not of \"%s\": it is left out",
		    import_shown(import, other), import_shown(import, import->server.name));
	return false;
}

static bool path_octet(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || (c != 0 && strchr("-._~!$&'()+,;=:@/{}", c) != NULL);
}

/* A parameter is a segment of the route as a whole. */
static void check_template(struct import *import, const struct document_node *place, const char *path)
{
	for (size_t i = 1; path[i] != '\0'; i++) {
		size_t n = 1;

		if (path[i] == '}')
			import_error(import, place, "the address has a brace that none opens");
		if (path[i] != '{')
			continue;
		while (path[i + n] != '\0' && path[i + n] != '}' && path[i + n] != '{' && path[i + n] != '/')
			n++;
		if (path[i + n] != '}' || n == 1) {
			import_error(import, place, "the address has a brace that none closes");
			return;
		}
		if (path[i - 1] != '/' || (path[i + n + 1] != '/' && path[i + n + 1] != '\0')) {
			import_error(import, place,
				     "a parameter is a part of a segment: a route has whole ones, /rooms/{id}");
			return;
		}
		i += n;
	}
}

const char *import_path(struct import *import, const struct document_node *place, struct fw_slice address)
{
	struct fw_slice parts[2] = { import->server.path, address };
	char path[1024] = "/";
	size_t size = 1;

	if (slice_is(address, "/") && import->server.path.size > 1) /* the path of the server alone */
		parts[1].size = 0;
	for (unsigned part = 0; part < 2; part++) {
		struct fw_slice text = parts[part];

		if (size != 1 && path[size - 1] != '/' && text.size != 0)
			path[size++] = '/';
		for (size_t i = 0; i < text.size; i++) {
			uint8_t c = text.data[i];

			if (c == '?') {
				import_note(import, place, "what the address says of the query is not judged");
				break;
			}
			if (!path_octet(c) || size + 3 > sizeof(path)) {
				import_error(import, place, "\"%s\" is no path of a WebSocket",
					     import_shown(import, text));
				return NULL;
			}
			if (c != '/' || path[size - 1] != '/')
				path[size++] = (char)c;
		}
	}
	path[size] = '\0';
	if (strstr(path, "${") != NULL) {
		import_error(import, place, "\"%s\" is no path of a WebSocket", import_shown(import, slice_text(path)));
		return NULL;
	}
	check_template(import, place, path);
	return import_text(import, slice_text(path));
}
