/* learned_asyncapi.c: of an AsyncAPI document (2.x, 3.x) what clients send, as examples of their schemas, and how they
 * log in. References are followed within the document. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "policy/document.h"
#include "scan/learned.h"

enum { ARENA = 64 << 20, DEPTH = 12, HOPS = 16, MESSAGES = 16 };

struct reading {
	struct arena arena;
	const struct document_node *root;
	FILE *json; /* of the example that is being written */
	unsigned score;
	bool dry; /* nothing is written: what would be the best place of the text? */
	char *made[MESSAGES];
	unsigned scores[MESSAGES], count;
	const struct document_node *text_at;
};

/* Where "$ref": "#/a/b" leads; a name has ~1 for a slash. NULL: nowhere, or another file. */
static const struct document_node *resolve(const struct reading *reading, const struct document_node *node)
{
	for (unsigned hops = 0; node != NULL && node->kind == DOCUMENT_MAP && hops < HOPS; hops++) {
		const struct document_node *reference = document_named(node, "$ref");
		struct fw_slice rest;

		if (reference == NULL)
			return node;
		if (!slice_starts(reference->text, "#/"))
			return NULL;
		rest = slice_from(reference->text, 2);
		node = reading->root;
		while (node != NULL) {
			const uint8_t *end = rest.size != 0 ? memchr(rest.data, '/', rest.size) : NULL;
			size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size, made = 0;
			char name[256];

			for (size_t i = 0; i < size && made < sizeof(name); i++)
				if (rest.data[i] == '~' && i + 1 < size)
					name[made++] = rest.data[++i] == '1' ? '/' : '~';
				else
					name[made++] = (char)rest.data[i];
			node = node->kind == DOCUMENT_MAP ? document_member(node, slice(name, made)) : NULL;
			if (end == NULL)
				break;
			rest = slice_from(rest, size + 1);
		}
	}
	return node;
}

static const struct document_node *named(const struct reading *reading, const struct document_node *map,
					 const char *name)
{
	return map != NULL && map->kind == DOCUMENT_MAP ? resolve(reading, document_named(map, name)) : NULL;
}

static void write_string(FILE *out, struct fw_slice text)
{
	(void)fputc('"', out);
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '"' || text.data[i] == '\\')
			fprintf(out, "\\%c", text.data[i]);
		else if (text.data[i] < 0x20)
			fprintf(out, "\\u%04x", text.data[i]);
		else
			(void)fputc(text.data[i], out);
	(void)fputc('"', out);
}

/* The place of the text is the best of all, found by a dry pass. */
static void write_text(struct reading *reading, const struct document_node *place, struct fw_slice key,
		       struct fw_slice otherwise, bool may)
{
	unsigned score = may ? learned_is_text(key) : 0;

	if (reading->dry) {
		if (score > reading->score)
			reading->score = score, reading->text_at = place;
	} else if (place == reading->text_at && reading->score != 0) {
		fprintf(reading->json, "\"${text}\"");
	} else {
		write_string(reading->json, otherwise);
	}
}

static void raw(const struct reading *reading, const char *text)
{
	if (!reading->dry)
		(void)fputs(text, reading->json);
}

/* A value that the document has. */
static void write_value(struct reading *reading, const struct document_node *node, struct fw_slice key, bool may)
{
	bool first = true;

	if (node->kind == DOCUMENT_TEXT) {
		write_text(reading, node, key, node->text, may);
	} else if (node->kind != DOCUMENT_MAP && node->kind != DOCUMENT_LIST) {
		if (!reading->dry)
			fprintf(reading->json, "%.*s", node->kind == DOCUMENT_NULL ? 4 : (int)node->text.size,
				node->kind == DOCUMENT_NULL ? "null" : (const char *)node->text.data);
	} else {
		raw(reading, node->kind == DOCUMENT_MAP ? "{" : "[");
		for (const struct document_node *at = node->first; at != NULL; at = at->next) {
			raw(reading, first ? "" : ",");
			first = false;
			if (node->kind == DOCUMENT_MAP && !reading->dry) {
				write_string(reading->json, at->key);
				raw(reading, ":");
			}
			write_value(reading, at, node->kind == DOCUMENT_MAP ? at->key : key, may);
		}
		raw(reading, node->kind == DOCUMENT_MAP ? "}" : "]");
	}
}

static bool type_is(const struct document_node *type, const char *name)
{
	if (type != NULL && type->kind == DOCUMENT_LIST)
		type = type->first;
	return type != NULL && slice_is(type->text, name);
}

static const char *format_of(const struct document_node *format)
{
	static const char *const rows[][2] = { { "date-time", "2026-11-29T12:00:00Z" },
					       { "date", "2026-11-29" },
					       { "time", "12:00:00Z" },
					       { "email", "scan@example.com" },
					       { "uuid", "3d0a1b4e-6b1c-4f0e-9a55-0c3b7e1f2a44" },
					       { "uri", "https://example.com/" },
					       { "ipv4", "192.0.2.1" },
					       { "hostname", "example.com" } };

	for (size_t i = 0; format != NULL && i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is(format->text, rows[i][0]))
			return rows[i][1];
	return "scan";
}

static void write_example(struct reading *reading, const struct document_node *schema, struct fw_slice key,
			  unsigned depth);

static bool is_required(const struct document_node *schema, struct fw_slice name)
{
	const struct document_node *required = document_named(schema, "required");

	if (required == NULL || required->kind != DOCUMENT_LIST)
		return true; /* all of them, then */
	for (const struct document_node *at = required->first; at != NULL; at = at->next)
		if (slice_equal(at->text, name))
			return true;
	return learned_is_text(name) > 1;
}

static void write_members(struct reading *reading, const struct document_node *schema, bool *first, unsigned depth)
{
	const struct document_node *properties = named(reading, schema, "properties"),
				   *all = schema != NULL ? document_named(schema, "allOf") : NULL;

	for (const struct document_node *at = all != NULL && depth < DEPTH ? all->first : NULL; at != NULL;
	     at = at->next) {
		const struct document_node *part = resolve(reading, at);

		if (part != NULL && part->kind == DOCUMENT_MAP)
			write_members(reading, part, first, depth + 1);
	}
	for (const struct document_node *at = properties != NULL ? properties->first : NULL; at != NULL;
	     at = at->next) {
		if (!is_required(schema, at->key))
			continue;
		raw(reading, *first ? "" : ",");
		*first = false;
		if (!reading->dry) {
			write_string(reading->json, at->key);
			raw(reading, ":");
		}
		write_example(reading, resolve(reading, at), at->key, depth + 1);
	}
}

static void write_example(struct reading *reading, const struct document_node *schema, struct fw_slice key,
			  unsigned depth)
{
	const struct document_node *type = named(reading, schema, "type"), *fixed = named(reading, schema, "const"),
				   *list;
	const char *const choices[] = { "oneOf", "anyOf" };
	bool first = true;

	if (schema == NULL || schema->kind != DOCUMENT_MAP || depth > DEPTH) {
		raw(reading, "null");
		return;
	}
	if (fixed == NULL && (list = named(reading, schema, "enum")) != NULL && list->kind == DOCUMENT_LIST)
		fixed = list->first;
	if (fixed != NULL) {
		write_value(reading, fixed, key, false);
		return;
	}
	for (size_t i = 0; i < 2; i++)
		if ((list = document_named(schema, choices[i])) != NULL && list->kind == DOCUMENT_LIST &&
		    list->first != NULL) {
			write_example(reading, resolve(reading, list->first), key, depth + 1);
			return;
		}
	if (type_is(type, "object") || document_named(schema, "properties") != NULL ||
	    document_named(schema, "allOf") != NULL) {
		raw(reading, "{");
		write_members(reading, schema, &first, depth);
		raw(reading, "}");
	} else if (type_is(type, "array")) {
		raw(reading, "[");
		if (named(reading, schema, "items") != NULL)
			write_example(reading, named(reading, schema, "items"), key, depth + 1);
		raw(reading, "]");
	} else if (type_is(type, "integer") || type_is(type, "number")) {
		list = named(reading, schema, "minimum");
		if (!reading->dry)
			fprintf(reading->json, "%.*s", list != NULL ? (int)list->text.size : 1,
				list != NULL ? (const char *)list->text.data : "1");
	} else if (type_is(type, "boolean")) {
		raw(reading, "true");
	} else {
		const struct document_node *format = named(reading, schema, "format"),
					   *example = named(reading, schema, "example");

		write_text(reading, schema, key,
			   example != NULL && example->kind == DOCUMENT_TEXT ? example->text
									     : slice_text(format_of(format)),
			   format == NULL && document_named(schema, "pattern") == NULL);
	}
}

static void write_message(struct reading *reading, const struct document_node *message)
{
	const struct document_node *payload = named(reading, message, "payload"),
				   *examples = document_named(message, "examples"), *example = NULL;

	if (examples != NULL && examples->kind == DOCUMENT_LIST && examples->first != NULL)
		example = named(reading, examples->first, "payload");
	if (example != NULL && example->kind == DOCUMENT_MAP)
		write_value(reading, example, slice_text("text"), true);
	else
		write_example(reading, payload, slice_text("text"), 0);
}

static void take_message(struct reading *reading, const struct document_node *at)
{
	const struct document_node *message = resolve(reading, at),
				   *one = message != NULL ? document_named(message, "oneOf") : NULL;
	char *text = NULL;
	size_t size;

	if (one != NULL && one->kind == DOCUMENT_LIST) {
		for (at = one->first; at != NULL; at = at->next)
			if (document_named(at, "oneOf") == NULL)
				take_message(reading, at);
		return;
	}
	if (message == NULL || message->kind != DOCUMENT_MAP || reading->count == MESSAGES)
		return;
	reading->dry = true;
	reading->score = 0;
	reading->text_at = NULL;
	write_message(reading, message);
	if (reading->score == 0 || (reading->json = open_memstream(&text, &size)) == NULL)
		return;
	reading->dry = false;
	write_message(reading, message);
	if (fclose(reading->json) == 0 && text != NULL)
		reading->scores[reading->count] = reading->score, reading->made[reading->count++] = text;
}

/* 2.x: what is published on a channel; 3.x: what an operation receives. Both are what clients send. */
static void take_messages(struct reading *reading)
{
	const struct document_node *channels = named(reading, reading->root, "channels"),
				   *operations = named(reading, reading->root, "operations");

	for (const struct document_node *at = operations != NULL ? operations->first : NULL; at != NULL;
	     at = at->next) {
		const struct document_node *operation = resolve(reading, at), *messages;

		if (operation == NULL || operation->kind != DOCUMENT_MAP ||
		    !type_is(document_named(operation, "action"), "receive"))
			continue;
		messages = document_named(operation, "messages");
		if (messages == NULL)
			messages = named(reading, named(reading, operation, "channel"), "messages");
		for (const struct document_node *one = messages != NULL ? messages->first : NULL; one != NULL;
		     one = one->next)
			take_message(reading, one);
	}
	if (operations != NULL)
		return;
	for (const struct document_node *at = channels != NULL ? channels->first : NULL; at != NULL; at = at->next) {
		const struct document_node *publish = named(reading, resolve(reading, at), "publish"),
					   *message = publish != NULL && publish->kind == DOCUMENT_MAP
							      ? document_named(publish, "message")
							      : NULL;

		if (message != NULL)
			take_message(reading, message);
	}
}

static void write_login(struct reading *reading, FILE *out)
{
	const struct document_node *schemes =
		named(reading, named(reading, reading->root, "components"), "securitySchemes");
	const struct document_node *at = schemes != NULL && schemes->kind == DOCUMENT_MAP ? schemes->first : NULL,
				   *scheme = resolve(reading, at);
	const struct document_node *in = named(reading, scheme, "in"), *name = named(reading, scheme, "name"),
				   *type = named(reading, scheme, "type");
	const char *word = name != NULL ? (const char *)name->text.data : "token";

	fprintf(out, "login:\n");
	if (scheme == NULL)
		fprintf(out, "  public: true # the document has no security scheme\n");
	else if (in != NULL && slice_is(in->text, "query"))
		fprintf(out, "  query: '%s=${token}'\n", word);
	else if (in != NULL && slice_is(in->text, "cookie"))
		fprintf(out, "  cookie: '%s=${token}'\n", word);
	else if (in != NULL && slice_is(in->text, "header") && name != NULL)
		fprintf(out, "  header: '%s: ${token}'\n", word);
	else
		fprintf(out, "  header: 'Authorization: Bearer ${token}' # %.*s\n",
			type != NULL ? (int)type->text.size : 0, type != NULL ? (const char *)type->text.data : "");
	if (scheme != NULL)
		fprintf(out,
			"# jwt: {secret_file: FILE}, or a token for each identity, is to be added:\nidentities: []\n");
}

static int learn(struct reading *reading, const char *name, FILE *out, fw_report_function *report, void *user)
{
	unsigned best = 0;
	char say[512];

	if (reading->root->kind == DOCUMENT_MAP)
		take_messages(reading);
	if (reading->count == 0) {
		snprintf(say, sizeof(say), "%.300s: error: clients send no message that has a text of their own", name);
		if (report != NULL)
			report(user, say);
		return FW_ERR_INVALID;
	}
	for (unsigned i = 1; i < reading->count; i++)
		best = reading->scores[i] > reading->scores[best] ? i : best;
	fprintf(out, "# Made of an AsyncAPI document by framewall scan --print-profile: look it through.\n");
	write_login(reading, out);
	fprintf(out, "message:\n  send: ");
	learned_quote(out, slice_text(reading->made[best]));
	fprintf(out, "\n  refused: error # how an answer looks that refuses\n%s",
		reading->count > 1 ? "inputs:\n" : "");
	for (unsigned i = 0; i < reading->count; i++)
		if (i != best) {
			fprintf(out, "  - ");
			learned_quote(out, slice_text(reading->made[i]));
			(void)fputc('\n', out);
		}
	return FW_OK;
}

int learned_asyncapi(const char *name, struct fw_slice text, FILE *out, fw_report_function *report, void *user)
{
	struct reading reading = { .count = 0 };
	struct document_node *root;
	int result;

	arena_init(&reading.arena, ARENA);
	result = document_read(name, text, &reading.arena, report, user, &root);
	reading.root = root;
	if (result == FW_OK)
		result = learn(&reading, name, out, report, user);
	for (unsigned i = 0; i < reading.count; i++)
		free(reading.made[i]); /* of open_memstream */
	arena_fini(&reading.arena);
	return result;
}
