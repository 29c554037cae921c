/* payload.c: the payload of a message, which is a schema of draft 7 with references through files, as one JSON Schema
 * 2020-12: what is referred to stands in $defs. An object takes no members but those that are listed, unless the
 * document says something of others: in each place where a value begins, since what is applied to one value in
 * several parts (allOf, $ref) is listed by all of them together. */
#include <string.h>

#include "asyncapi/import.h"
#include "codec/json.h"
#include "schema/jsonschema.h"
#include "schema/keyword_shape.h"

enum { DEPTH_MOST = 2 * DOCUMENT_DEPTH, IN_PLACE_MOST = 200, DEFINITIONS_MOST = 1024 };

static const struct {
	const char *name;
	unsigned draft;
	enum keyword_shape shape;
} keywords[] = {
#define KEYWORD(id, name, drafts, shape) { name, drafts, SHAPE_##shape },
#include "tables/schema_keywords.def"
#undef KEYWORD
};

/* Has its effect elsewhere in this file, or none. */
static const char *const elsewhere[] = { "$schema",	    "$id",	    "$defs", "definitions", "additionalItems",
					 "contentEncoding", "contentSchema" };

/* A schema that others refer to. closed: an object in it takes no members that nobody lists. */
struct definition {
	const struct document_node *node;
	bool closed;
	const char *name;
	struct definition *next;
};

struct writing {
	struct import *import;
	const struct message *message;
	struct json_writer *w;
	struct definition *first, **last;
	unsigned count;
	bool draft7, failed;
};

/* Where a schema stands: it begins a value, or judges the same as the one around it. */
enum stands { BEGINS, IN_PLACE };

static void write_schema(struct writing *writing, const struct document_node *node, enum stands stands, bool closed,
			 unsigned depth);

static bool is_silent(struct fw_slice key)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (slice_is(key, elsewhere[i]))
			return true;
	return jsonschema_is_annotation(key);
}

static void write_plain(struct writing *writing, const struct document_node *node)
{
	struct json_writer *w = writing->w;

	switch (node->kind) {
	case DOCUMENT_NULL:
		json_write_null(w);
		break;
	case DOCUMENT_TRUTH:
	case DOCUMENT_NUMBER:
		json_write_raw(w, node->text);
		break;
	case DOCUMENT_TEXT:
		json_write_text(w, node->text);
		break;
	case DOCUMENT_LIST:
		json_write_open(w, '[');
		for (const struct document_node *item = node->first; item != NULL; item = item->next)
			write_plain(writing, item);
		json_write_close(w, ']');
		break;
	case DOCUMENT_MAP:
		json_write_open(w, '{');
		for (const struct document_node *item = node->first; item != NULL; item = item->next) {
			json_write_key_slice(w, item->key);
			write_plain(writing, item);
		}
		json_write_close(w, '}');
		break;
	}
}

static bool name_taken(const struct writing *writing, const char *name)
{
	for (const struct definition *one = writing->first; one != NULL; one = one->next)
		if (strcmp(one->name, name) == 0)
			return true;
	return false;
}

/* A name that a pointer need not escape. */
static const char *name_of(struct writing *writing, const struct document_node *node)
{
	struct fw_slice key = import_name(node);
	char name[80];
	size_t size = 0;

	for (size_t i = 0; i < key.size && size < 60; i++)
		if (ascii_is_alpha(key.data[i]) || ascii_is_digit(key.data[i]) || key.data[i] == '_' ||
		    key.data[i] == '-')
			name[size++] = (char)key.data[i];
	if (size == 0)
		name[size++] = 's';
	name[size] = '\0';
	for (unsigned i = 2; name_taken(writing, name); i++)
		snprintf(name + size, sizeof(name) - size, "-%u", i);
	return import_text(writing->import, slice_text(name));
}

static const char *define(struct writing *writing, const struct document_node *node, bool closed)
{
	struct definition *one;

	for (one = writing->first; one != NULL; one = one->next)
		if (one->node == node && one->closed == closed)
			return one->name;
	if (writing->count++ == DEFINITIONS_MOST) {
		import_error(writing->import, writing->message->place, "the payload refers to more than %d schemas",
			     (int)DEFINITIONS_MOST);
		writing->failed = true;
	}
	one = writing->failed ? NULL : import_alloc(writing->import, sizeof(*one));
	if (one == NULL) {
		writing->failed = true;
		return "";
	}
	*one = (struct definition){ node, closed, name_of(writing, node), NULL };
	*writing->last = one;
	writing->last = &one->next;
	return one->name;
}

/* Do the parts that judge one value list members? steps: of all together. */
static bool lists_members(struct import *import, const struct document_node *node, unsigned depth, unsigned *steps)
{
	static const char *const parts[] = { "allOf", "anyOf", "oneOf" };
	static const char *const branches[] = { "then", "else" };

	node = import_follow(import, node);
	if (node == NULL || node->kind != DOCUMENT_MAP || depth > DEPTH_MOST || ++*steps > IN_PLACE_MOST)
		return false;
	if (document_named(node, "properties") != NULL || document_named(node, "patternProperties") != NULL)
		return true;
	for (unsigned i = 0; i < 3; i++) {
		const struct document_node *list = document_named(node, parts[i]);

		for (const struct document_node *item = list != NULL ? list->first : NULL; item != NULL;
		     item = item->next)
			if (lists_members(import, item, depth + 1, steps))
				return true;
	}
	for (unsigned i = 0; i < 2; i++)
		if (document_named(node, branches[i]) != NULL &&
		    lists_members(import, document_named(node, branches[i]), depth + 1, steps))
			return true;
	return false;
}

bool import_is_object(struct import *import, const struct document_node *schema)
{
	const struct document_node *type = document_named(import_follow(import, schema), "type");

	if (type == NULL)
		return true;
	if (type->kind != DOCUMENT_LIST)
		return slice_is(type->text, "object");
	for (const struct document_node *item = type->first; item != NULL; item = item->next)
		if (slice_is(item->text, "object"))
			return true;
	return false;
}

static void write_map(struct writing *writing, const struct document_node *map, enum stands stands, bool closed,
		      unsigned depth)
{
	json_write_open(writing->w, '{');
	for (const struct document_node *item = map->kind == DOCUMENT_MAP ? map->first : NULL; item != NULL;
	     item = item->next) {
		json_write_key_slice(writing->w, item->key);
		write_schema(writing, item, stands, closed, depth);
	}
	json_write_close(writing->w, '}');
}

static void write_list(struct writing *writing, const struct document_node *list, enum stands stands, bool closed,
		       unsigned depth)
{
	json_write_open(writing->w, '[');
	for (const struct document_node *item = list->kind == DOCUMENT_LIST ? list->first : NULL; item != NULL;
	     item = item->next)
		write_schema(writing, item, stands, closed, depth);
	json_write_close(writing->w, ']');
}

/* "dependencies" of draft 7: some are lists of names, some schemas. */
static void write_dependencies(struct writing *writing, const struct document_node *map, bool closed, unsigned depth)
{
	for (unsigned schemas = 0; schemas < 2; schemas++) {
		json_write_key(writing->w, schemas ? "dependentSchemas" : "dependentRequired");
		json_write_open(writing->w, '{');
		for (const struct document_node *item = map->kind == DOCUMENT_MAP ? map->first : NULL; item != NULL;
		     item = item->next) {
			if ((item->kind != DOCUMENT_LIST) != schemas)
				continue;
			json_write_key_slice(writing->w, item->key);
			if (schemas)
				write_schema(writing, item, IN_PLACE, closed, depth);
			else
				write_plain(writing, item);
		}
		json_write_close(writing->w, '}');
	}
}

/* Draft 7: "items" may be a list, and "additionalItems" is what is behind it. */
static void write_items(struct writing *writing, const struct document_node *schema, const struct document_node *items,
			bool closed, unsigned depth)
{
	const struct document_node *others = document_named(schema, "additionalItems");

	if (items->kind != DOCUMENT_LIST) {
		json_write_key(writing->w, "items");
		write_schema(writing, items, BEGINS, closed, depth);
		return;
	}
	json_write_key(writing->w, "prefixItems");
	write_list(writing, items, BEGINS, closed, depth);
	if (others != NULL) {
		json_write_key(writing->w, "items");
		write_schema(writing, others, BEGINS, closed, depth);
	}
}

static bool in_place(struct fw_slice key)
{
	return slice_is(key, "allOf") || slice_is(key, "anyOf") || slice_is(key, "oneOf") || slice_is(key, "not") ||
	       slice_is(key, "if") || slice_is(key, "then") || slice_is(key, "else") ||
	       slice_is(key, "dependentSchemas");
}

/* What asks whether something is so, rather than to be so: to ask for less there would let more pass. */
static bool is_question(struct fw_slice key)
{
	return slice_is(key, "not") || slice_is(key, "if") || slice_is(key, "contains") ||
	       slice_is(key, "propertyNames");
}

static void write_keyword(struct writing *writing, const struct document_node *schema,
			  const struct document_node *member, bool closed, unsigned depth)
{
	enum stands stands = in_place(member->key) ? IN_PLACE : BEGINS;
	size_t i = 0;

	while (i < sizeof(keywords) / sizeof(*keywords) && !slice_is(member->key, keywords[i].name))
		i++;
	if (i == sizeof(keywords) / sizeof(*keywords)) {
		import_note(writing->import, member, "\"%s\" is no keyword of JSON Schema and has no effect",
			    import_shown(writing->import, member->key));
		return;
	}
	if (keywords[i].shape == SHAPE_SCHEMA_OR_TEXTS_MAP) {
		write_dependencies(writing, member, closed, depth);
		return;
	}
	if (slice_is(member->key, "items")) {
		write_items(writing, schema, member, closed, depth);
		return;
	}
	closed = closed && !is_question(member->key);
	json_write_key_slice(writing->w, member->key);
	switch (keywords[i].shape) {
	case SHAPE_ONE_SCHEMA:
		write_schema(writing, member, stands, closed, depth);
		break;
	case SHAPE_SCHEMA_LIST:
		write_list(writing, member, stands, closed, depth);
		break;
	case SHAPE_SCHEMA_MAP:
		write_map(writing, member, stands, closed, depth);
		break;
	default:
		write_plain(writing, member);
		break;
	}
}

/* Beside a reference nothing counts in draft 7 and in AsyncAPI. */
static void write_reference(struct writing *writing, const struct document_node *node, bool closed)
{
	const struct document_node *target = import_follow(writing->import, node);
	char text[160];

	if (target == NULL) {
		writing->failed = true;
		return;
	}
	snprintf(text, sizeof(text), "#/$defs/%s", define(writing, target, closed));
	json_write_key(writing->w, "$ref");
	json_write_string(writing->w, text);
	for (const struct document_node *member = node->first; member != NULL && writing->draft7; member = member->next)
		if (!slice_is(member->key, "$ref") && !is_silent(member->key))
			import_note(writing->import, member, "\"%s\" stands beside \"$ref\", where nothing counts",
				    import_shown(writing->import, member->key));
}

static void write_members(struct writing *writing, const struct document_node *node, bool closed, unsigned depth)
{
	bool reference = document_named(node, "$ref") != NULL;

	if (reference)
		write_reference(writing, node, closed);
	for (const struct document_node *member = node->first; member != NULL; member = member->next) {
		if (reference && (writing->draft7 || slice_is(member->key, "$ref")))
			continue;
		if (slice_starts(member->key, "$dynamic") || slice_is(member->key, "$anchor") ||
		    slice_is(member->key, "$vocabulary")) {
			import_error(writing->import, member, "\"%s\" is not read in a document: refer by $ref",
				     import_shown(writing->import, member->key));
			continue;
		}
		if (slice_is(member->key, "contentEncoding"))
			import_note(writing->import, member, "\"%s\": what a text holds is not judged",
				    import_shown(writing->import, member->key));
		if (!is_silent(member->key))
			write_keyword(writing, node, member, closed, depth + 1);
	}
}

static void write_schema(struct writing *writing, const struct document_node *node, enum stands stands, bool closed,
			 unsigned depth)
{
	unsigned steps = 0;

	if (depth > DEPTH_MOST || writing->failed || writing->w->failed) {
		writing->failed = true;
		return;
	}
	if (node->kind != DOCUMENT_MAP) { /* true and false are schemas; what else is none the compiler says */
		write_plain(writing, node);
		return;
	}
	json_write_open(writing->w, '{');
	write_members(writing, node, closed, depth);
	if (closed && stands == BEGINS && document_named(node, "additionalProperties") == NULL &&
	    document_named(node, "unevaluatedProperties") == NULL && lists_members(writing->import, node, 0, &steps)) {
		bool alone = document_named(node, "$ref") == NULL && document_named(node, "allOf") == NULL &&
			     document_named(node, "anyOf") == NULL && document_named(node, "oneOf") == NULL &&
			     document_named(node, "if") == NULL && document_named(node, "dependencies") == NULL &&
			     document_named(node, "dependentSchemas") == NULL;

		json_write_key(writing->w, alone ? "additionalProperties" : "unevaluatedProperties");
		json_write_boolean(writing->w, false);
	}
	json_write_close(writing->w, '}');
}

static void write_definitions(struct writing *writing)
{
	if (writing->first == NULL)
		return;
	json_write_key(writing->w, "$defs");
	json_write_open(writing->w, '{');
	/* The list grows while it is written. */
	for (const struct definition *one = writing->first; one != NULL && !writing->failed; one = one->next) {
		json_write_key(writing->w, one->name);
		write_schema(writing, one->node, IN_PLACE, one->closed, 0);
	}
	json_write_close(writing->w, '}');
}

/* The root as the payload has it, and behind it the definitions: both are members of one object. */
static void write_root(struct writing *writing)
{
	const struct document_node *payload = writing->message->payload, *target;
	bool closed = !writing->import->options->open;
	unsigned steps = 0;

	target = import_follow(writing->import, payload);
	if (target == NULL) {
		writing->failed = true;
		return;
	}
	json_write_open(writing->w, '{');
	if (target->kind == DOCUMENT_MAP) {
		write_members(writing, target, closed, 0);
	} else { /* true or false */
		json_write_key(writing->w, "allOf");
		json_write_open(writing->w, '[');
		write_plain(writing, target);
		json_write_close(writing->w, ']');
	}
	if (closed && document_named(target, "additionalProperties") == NULL &&
	    document_named(target, "unevaluatedProperties") == NULL &&
	    lists_members(writing->import, target, 0, &steps)) {
		json_write_key(writing->w, "unevaluatedProperties");
		json_write_boolean(writing->w, false);
	}
	write_definitions(writing);
	json_write_close(writing->w, '}');
}

struct warning {
	struct import *import;
	const struct message *message;
};

/* Only formats are left: keywords were judged above. */
static void warn(void *user, const struct jsonschema_error *what)
{
	const struct warning *warning = user;

	import_note(warning->import, warning->message->place, "in the payload at \"%s\": %s", what->pointer,
		    what->what);
}

static bool compiles(struct import *import, const struct message *message, struct fw_slice text)
{
	struct warning warning = { import, message };
	struct jsonschema_options options = { .formats = true, .warn = warn, .user = &warning };
	struct jsonschema_error error = { 0 };
	struct jsonschema *schema = jsonschema_compile(text, &options, &error);

	if (schema == NULL)
		import_error(import, message->place, "the payload of \"%s\" is no JSON Schema: at \"%s\": %s",
			     import_shown(import, message->name), error.pointer, error.what);
	jsonschema_free(schema);
	return schema != NULL;
}

struct fw_slice import_schema(struct import *import, const struct message *message)
{
	struct pool pool;
	struct buf out = { 0 };
	struct json_writer w = { .out = &out, .pool = &pool };
	struct writing writing = { .import = import, .message = message, .w = &w, .draft7 = message->draft7 };
	struct fw_slice text = slice(NULL, 0);
	unsigned before = import->errors;

	writing.last = &writing.first;
	pool_init(&pool);
	write_root(&writing);
	if (w.failed)
		import->short_of_memory = true;
	else if (!writing.failed && import->errors == before)
		text = slice(import_text(import, slice(buf_data(&out), buf_size(&out))), buf_size(&out));
	else if (import->errors == before)
		import_error(import, message->place, "the payload of \"%s\" is too deep or too large",
			     import_shown(import, message->name));
	buf_clear(&out, &pool);
	pool_fini(&pool);
	if (text.data == NULL || !compiles(import, message, text))
		return slice(NULL, 0);
	return text;
}
