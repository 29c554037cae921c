#include "asyncapi/asyncapi.h"

#include <stdlib.h>
#include <string.h>

#include "asyncapi/import.h"
#include "base/mem.h"

static bool read_version(struct import *import)
{
	const struct document_node *member = document_named(import->root, "asyncapi");

	if (import->root->kind != DOCUMENT_MAP || member == NULL) {
		import_error(import, import->root, "this is no AsyncAPI document: it has no \"asyncapi: 3.0.0\"");
		return false;
	}
	import->three = slice_starts(member->text, "3.");
	if (import->three ||
	    (slice_starts(member->text, "2.") && member->text.size >= 3 && member->text.data[2] <= '6'))
		return true;
	import_error(import, member, "AsyncAPI 2.0 to 2.6 and 3.x are read, not \"%s\"",
		     import_shown(import, member->text));
	return false;
}

/* Whoever reads a client's document as the server's has them the wrong way round, and sees it here. */
static void say_who(struct import *import)
{
	bool server = import->options->perspective == ASYNCAPI_SERVER;
	unsigned in = 0;

	for (const struct route *route = import->routes; route != NULL; route = route->next)
		in += route->in.count;
	if (in == 0)
		import_note(import, NULL,
			    "clients may send nothing; if the document is that of a %s, say --perspective %s",
			    server ? "client" : "server", server ? "client" : "server");
	if (import->server.node != NULL && slice_is(import->server.scheme, "wss"))
		import_note(import, import->server.node->first,
			    "clients speak TLS to it: give tls.certificate, or put something that does in front");
}

static void read_document(struct import *import)
{
	import->root = (struct document_node *)import_read(import);
	if (import->root == NULL || !read_version(import))
		return;
	import_list(import, OBJECT_DOCUMENT, import->root);
	import_server(import);
	if (import->errors != 0 || import->short_of_memory)
		return;
	if (import->three)
		import_operations_3(import);
	else
		import_operations_2(import);
	if (import->routes == NULL && import->errors == 0)
		import_error(import, import->root, "no channel of it is one of a WebSocket");
	if (import->errors != 0 || import->short_of_memory)
		return;
	import_discriminators(import);
	import_types(import);
	say_who(import);
}

static int write_text(struct import *import, char **ret_text, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);
	bool done;

	if (out == NULL)
		return FW_ERR_MEMORY;
	done = import_write(import, out);
	done = fclose(out) == 0 && done;
	if (done)
		*ret_text = mem_text(text, *ret_size);
	free(text);
	return done && *ret_text != NULL ? FW_OK : FW_ERR_MEMORY;
}

int asyncapi_import(const struct asyncapi_options *options, char **ret_text, size_t *ret_size)
{
	struct import import = { .options = options };
	int result = FW_ERR_INVALID;

	*ret_text = NULL;
	import.last_route = &import.routes;
	arena_init(&import.arena, LIMIT_ASYNCAPI_BYTES);
	read_document(&import);
	if (!import.short_of_memory)
		import_give(&import);
	if (import.short_of_memory)
		result = FW_ERR_MEMORY;
	else if (import.errors == 0)
		result = write_text(&import, ret_text, ret_size);
	arena_fini(&import.arena);
	return result;
}

/* In YAML the word begins a line; in JSON it is a name anywhere. */
bool asyncapi_is(struct fw_slice text)
{
	bool json = false, begins = true;

	for (size_t i = 0; i + 9 < text.size; i++) {
		uint8_t c = text.data[i];
		size_t quote = c == '"' || c == '\'';
		uint8_t behind = text.data[i + quote + 8];

		if ((begins || (json && quote)) && slice_starts(slice_from(text, i + quote), "asyncapi") &&
		    (quote ? behind == c : behind == ':' || behind == ' '))
			return true;
		if (c == '\n' && i > 4096)
			break;
		json = json || (begins && c == '{');
		begins = c == '\n' || (begins && (c == ' ' || c == '\t' || c == '\r' || c == '{'));
	}
	return false;
}
