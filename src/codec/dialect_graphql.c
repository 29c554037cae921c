/* dialect_graphql.c: graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md). What a document is called is
 * the client's choice; what it asks for are the fields of its root. So each of these is a unit, "mutation addUser", and
 * its arguments, with what the variables give them, are the fields. */
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"
#include "codec/graphql.h"
#include "codec/json_string.h"

struct operation {
	struct graphql graphql;
	uint32_t variables; /* of the message; 0: none */
};

/* Offsets within a document are of no use where it has escapes: then it is the document's own. */
static enum json_result bad_document(struct dialect_message *message, uint32_t query, size_t offset, const char *what)
{
	const struct json_node *node = &message->json.nodes[query];

	if (what == graphql_memory)
		return JSON_MEMORY;
	return dialect_bad(message, dialect_at(&message->json, query) + (node->escaped ? 0 : 1 + offset), what);
}

static enum json_result read_unit(struct dialect_message *message)
{
	const struct operation *operation = message->operation;
	const struct graphql_field *field = &operation->graphql.fields[message->unit];
	struct fw_slice text;
	size_t offset = 0;
	const char *what = graphql_arguments(message->arena, &operation->graphql, field, &message->json,
					     operation->variables, &text, &offset);
	struct json json;
	struct json_error error;
	enum json_result result;

	if (what != NULL)
		return bad_document(message, message->at, offset, what);
	result = json_parse(message->arena, text, JSON_UTF8_KNOWN, &json, &error);
	if (result == JSON_MEMORY)
		return result;
	if (result != JSON_OK)
		return bad_document(message, message->at, 0, error.what);
	if (!dialect_type(message, operation->graphql.kind, field->name))
		return JSON_MEMORY;
	result = dialect_object(message, &json, 0);
	message->place = slice(NULL, 0); /* of what a document says none is written anew */
	return result;
}

/* "operationName": null is the same as none. */
static uint32_t given(const struct json *json, uint32_t object, const char *name)
{
	uint32_t node = dialect_member(json, object, name);

	return node != 0 && json->nodes[node].kind != JSON_NULL ? node : 0;
}

/* By these a server may execute another document than the one that was sent along. */
static uint32_t other_document(const struct json *json, uint32_t extensions)
{
	static const char *const names[] = { "persistedQuery", "documentId", "queryId" };
	uint32_t found = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && found == 0; i++)
		found = dialect_member(json, extensions, names[i]);
	return found;
}

/* One text of a document, from behind its first quote or #, and where it ends. block: within three quotes. */
static size_t text_end(struct fw_slice document, size_t at, bool comment, bool block)
{
	while (at < document.size) {
		uint8_t c = document.data[at];

		if (comment ? c == '\n' || c == '\r'
		    : block ? slice_starts(slice_from(document, at), "\"\"\"")
			    : c == '"')
			break;
		if (c == '\\' && !comment && at + 1 < document.size)
			at += block && slice_starts(slice_from(document, at + 1), "\"\"\"") ? 3 : !block;
		at++;
	}
	return at < document.size ? at : document.size;
}

/* The texts and comments of a document, wherever they stand: what is below the fields of the root is nobody's argument
 * here. Of a text without escapes but those of characters by number: the others are undone in a copy. A block has but
 * one, of three quotes; in a comment there is none. */
static bool keep_texts(struct dialect_message *message, struct fw_slice document)
{
	struct fw_slice *texts;
	uint8_t *copy;
	size_t most = 1;

	for (size_t i = 0; i < document.size; i++)
		most += document.data[i] == '"' || document.data[i] == '#';
	texts = arena_alloc(message->arena, most * sizeof(*texts));
	copy = arena_alloc(message->arena, document.size + 1);
	if (texts == NULL || copy == NULL)
		return false;
	message->beside = texts;
	message->beside_count = 0;
	for (size_t at = 0; at < document.size; at++) {
		bool comment = document.data[at] == '#', block;
		uint8_t *from = copy;
		size_t end;

		if (!comment && document.data[at] != '"')
			continue;
		block = !comment && slice_starts(slice_from(document, at), "\"\"\"");
		at += block ? 3 : 1;
		end = text_end(document, at, comment, block);
		for (; at < end; at++) {
			uint8_t c = document.data[at], next = at + 1 < end ? document.data[at + 1] : 0;

			if (block && c == '\\' && slice_starts(slice_from(document, at + 1), "\"\"\""))
				continue;
			if (c == '\\' && !block && !comment && next != 'u' && next != 0) {
				const uint8_t *escape = document.data + at++;
				uint8_t octets[4];

				json_string_escape(&escape, octets); /* the same as in JSON; one octet */
				c = octets[0];
			}
			*copy++ = c;
		}
		texts[message->beside_count++] = slice(from, (size_t)(copy - from));
		at = end + (block ? 2 : 0);
	}
	return true;
}

static enum json_result read_subscribe(struct dialect_message *message, uint32_t payload)
{
	static const char *const names[] = { "query", "operationName", "variables", "extensions" };
	const struct json *json = &message->json;
	struct operation *operation = arena_alloc(message->arena, sizeof(*operation));
	uint32_t query, name, extensions, unknown;
	struct fw_slice document, called = { NULL, 0 };
	enum json_result result;
	size_t offset = 0;
	const char *what;

	if (operation == NULL)
		return JSON_MEMORY;
	if (payload == 0 || json->nodes[payload].kind != JSON_OBJECT)
		return dialect_bad(message, json->text, "payload is not an object");
	unknown = dialect_unknown(json, payload, names, 4);
	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that payload does not have");
	query = dialect_member(json, payload, "query");
	name = given(json, payload, "operationName");
	operation->variables = given(json, payload, "variables");
	extensions = given(json, payload, "extensions");
	if (query == 0 || json->nodes[query].kind != JSON_STRING)
		return dialect_bad(message, dialect_at(json, payload), "no query");
	if ((name != 0 && json->nodes[name].kind != JSON_STRING) ||
	    (operation->variables != 0 && json->nodes[operation->variables].kind != JSON_OBJECT))
		return dialect_bad(message, dialect_at(json, payload), "operationName or variables of another kind");
	if (extensions != 0 && json->nodes[extensions].kind != JSON_OBJECT)
		return dialect_bad(message, dialect_at(json, extensions), "extensions is not an object");
	if (extensions != 0 && other_document(json, extensions) != 0)
		return dialect_bad(message, dialect_at(json, other_document(json, extensions)),
				   "extensions name another document");
	document = json_text(json, query, message->arena);
	if (name != 0)
		called = json_text(json, name, message->arena);
	if (document.data == NULL || (name != 0 && called.data == NULL))
		return JSON_MEMORY;
	what = graphql_read(document, called, &operation->graphql, &offset);
	if (what != NULL)
		return bad_document(message, query, offset, what);
	message->operation = operation;
	message->at = message->document = query;
	if (!message->outbound && !keep_texts(message, document))
		return JSON_MEMORY;
	message->units = operation->graphql.count;
	for (message->unit = 0; message->unit < message->units; message->unit++) {
		result = read_unit(message);
		if (result != JSON_OK)
			return result;
	}
	message->unit = 0;
	return read_unit(message);
}

static bool is_one_of(const struct json *json, uint32_t node, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_string_is(json, node, *names, strlen(*names)))
			return true;
	return false;
}

/* Messages without an operation, and those of a server. What a result is called in `next` is the client's choice (an
 * alias), so that no field of it could be hidden by name: it has no type. */
static enum json_result read_other(struct dialect_message *message, uint32_t type, uint32_t payload)
{
	static const char *const free_ones[] = { "connection_init", "ping", "pong", NULL };
	static const char *const servers[] = { "connection_ack", "ping", "pong", NULL };
	static const char *const of_operation[] = { "next", "error", "complete", NULL };
	static const char *const ends[] = { "complete", NULL };
	const struct json *json = &message->json;
	bool object =
		payload == 0 || json->nodes[payload].kind == JSON_OBJECT || json->nodes[payload].kind == JSON_NULL;

	if (is_one_of(json, type, message->outbound ? of_operation : ends)) {
		if (message->id == 0)
			return dialect_bad(message, json->text, "no id");
	} else if (!is_one_of(json, type, message->outbound ? servers : free_ones)) {
		return dialect_bad(message, dialect_at(json, type), "a message that this side does not send");
	} else if (!object) {
		return dialect_bad(message, dialect_at(json, payload), "payload is not an object");
	}
	message->own = true;
	return dialect_nothing(message);
}

enum json_result dialect_graphql_read(struct dialect_message *message)
{
	static const char *const names[] = { "id", "type", "payload" };
	const struct json *json = &message->json;
	enum json_result result = dialect_parse(message, message->text, &message->json);
	uint32_t type, unknown, payload, id;

	if (result != JSON_OK)
		return result;
	if (json->nodes[0].kind != JSON_OBJECT)
		return dialect_bad(message, json->text, "not an object");
	id = dialect_member(json, 0, "id");
	if (id != 0 &&
	    (json->nodes[id].kind != JSON_STRING || json->nodes[id].size == 0 || json->nodes[id].size > DIALECT_NAME))
		return dialect_bad(message, dialect_at(json, id), "an id that is no text, or is empty or too long");
	type = dialect_member(json, 0, "type");
	payload = dialect_member(json, 0, "payload");
	unknown = dialect_unknown(json, 0, names, 3);
	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that a message does not have");
	if (type == 0 || json->nodes[type].kind != JSON_STRING)
		return dialect_bad(message, json->text, "no type");
	message->id = id;
	if (message->outbound || !json_string_is(json, type, "subscribe", 9))
		return read_other(message, type, payload);
	if (id == 0)
		return dialect_bad(message, json->text, "no id");
	return read_subscribe(message, payload);
}

bool dialect_graphql_next(struct dialect_message *message)
{
	return read_unit(message) == JSON_OK;
}

/* The operation ends with an error; what has none is told in a pong, which a client takes at any time. */
bool dialect_graphql_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	uint32_t id = refusal->message != NULL ? refusal->message->id : 0;

	json_write_open(w, '{');
	if (id != 0) {
		json_write_key(w, "id");
		json_write_raw(w, json_raw(&refusal->message->json, id));
	}
	json_write_key(w, "type");
	json_write_string(w, id != 0 ? "error" : "pong");
	json_write_key(w, "payload");
	if (id != 0)
		json_write_open(w, '[');
	json_write_open(w, '{');
	if (id != 0) {
		json_write_key(w, "message");
		json_write_string(w, refusal->text);
	}
	json_write_key(w, id != 0 ? "extensions" : "error");
	json_write_raw(w, refusal->data);
	json_write_close(w, '}');
	if (id != 0)
		json_write_close(w, ']');
	json_write_close(w, '}');
	return true;
}
