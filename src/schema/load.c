#include "schema/load.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/slice.h"
#include "codec/json_keys.h"
#include "codec/json_pointer.h"
#include "schema/uri.h"

enum { READING_MOST = 4 };

static const struct keyword {
	const char *name;
	uint8_t size, drafts, shape;
} keywords[KEYWORDS] = {
#define KEYWORD(id, name, drafts, shape) { name, sizeof(name) - 1, drafts, SHAPE_##shape },
#include "tables/schema_keywords.def"
#undef KEYWORD
};

const char *loader_keyword_name(unsigned id)
{
	return keywords[id].name;
}

/* The last name of the pointer. */
static void name_keyword(struct jsonschema_error *error)
{
	struct fw_slice pointer = slice_text(error->pointer);
	size_t size;

	for (size = 0; size < pointer.size && pointer.data[pointer.size - 1 - size] != '/'; size++)
		;
	snprintf(error->keyword, sizeof(error->keyword), "%.*s", (int)size, pointer.data + pointer.size - size);
}

/* Where it is; what is filled in by the caller. */
static void locate(const struct loader *loader, struct loader_place place, struct jsonschema_error *ret_error)
{
	const struct loader_document *document = &loader->documents[place.document];

	*ret_error = (struct jsonschema_error){ .line = 1 };
	if (place.document != 0)
		snprintf(ret_error->document, sizeof(ret_error->document), "%.*s", (int)document->uri.size,
			 document->uri.data);
	if (document->json.nodes == NULL)
		return;
	json_pointer_write(&document->json, 0, place.node, ret_error->pointer, sizeof(ret_error->pointer));
	name_keyword(ret_error);
	for (uint32_t i = 0; i < document->json.nodes[place.node].offset; i++)
		ret_error->line += document->text.data[i] == '\n';
}

bool loader_fail(struct loader *loader, struct loader_place place, const char *format, ...)
{
	va_list arguments;

	if (loader->failed)
		return false;
	loader->failed = true;
	locate(loader, place, loader->error);
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is above; clang-tidy 14 forgets it */
	vsnprintf(loader->error->what, sizeof(loader->error->what), format, arguments);
	va_end(arguments);
	return false;
}

void loader_warn(struct loader *loader, struct loader_place place, const char *format, ...)
{
	struct jsonschema_error warning;
	va_list arguments;

	if (loader->options->warn == NULL)
		return;
	locate(loader, place, &warning);
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is above; clang-tidy 14 forgets it */
	vsnprintf(warning.what, sizeof(warning.what), format, arguments);
	va_end(arguments);
	loader->options->warn(loader->options->user, &warning);
}

bool loader_memory(struct loader *loader)
{
	if (!loader->failed)
		snprintf(loader->error->what, sizeof(loader->error->what), "the schema needs too much memory");
	loader->failed = true;
	return false;
}

void loader_keywords(const struct json *json, uint32_t node, enum jsonschema_draft draft, uint32_t ret_at[KEYWORDS])
{
	uint8_t other = draft == JSONSCHEMA_7 ? 12 : 7;

	memset(ret_at, 0, KEYWORDS * sizeof(*ret_at));
	for (uint32_t key = node + 1; key < json->nodes[node].next; key = json->nodes[key + 1].next)
		for (unsigned i = 0; i < KEYWORDS; i++)
			if (keywords[i].drafts != other &&
			    json_keys_is(json->text, &json->nodes[key], keywords[i].name, keywords[i].size))
				ret_at[i] = key + 1;
	/* Draft 7, 8.3: what stands beside "$ref" is ignored; schemas in it can be referred to nevertheless. */
	if (draft == JSONSCHEMA_7 && ret_at[KEYWORD_REF] != 0)
		for (unsigned i = 0; i < KEYWORDS; i++)
			if (i != KEYWORD_REF && i != KEYWORD_DEFINITIONS)
				ret_at[i] = 0;
}

bool jsonschema_is_annotation(struct fw_slice keyword)
{
	static const char *const names[] = { "title",	 "description", "default",   "examples",   "example",
					     "$comment", "readOnly",	"writeOnly", "deprecated", "externalDocs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is(keyword, names[i]))
			return true;
	return false;
}

void loader_look(struct loader *loader, struct loader_place place, enum jsonschema_draft draft,
		 const uint32_t at[KEYWORDS])
{
	const struct json *json = &loader->documents[place.document].json;

	if (loader->options->warn == NULL)
		return;
	for (uint32_t key = place.node + 1; key < json->nodes[place.node].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = slice(json->text + json->nodes[key].offset, json->nodes[key].size);
		bool counts = jsonschema_is_annotation(name) || slice_starts(name, "x-"), known = false;

		for (unsigned i = 0; i < KEYWORDS; i++) {
			counts = counts || at[i] == key + 1;
			known = known || slice_is(name, keywords[i].name);
		}
		if (!counts)
			loader_warn(loader, (struct loader_place){ place.document, key }, "%s",
				    !known ? "this keyword is not known and has no effect"
				    : at[KEYWORD_REF] != 0 && draft == JSONSCHEMA_7
					    ? "beside \"$ref\" this has no effect in draft 7"
					    : "this keyword has no effect in this draft");
	}
}

/* Room for one more in an array of the arena: doubled by a copy. */
static bool room_for(struct loader *loader, void *list, uint32_t count, uint32_t *room, size_t size)
{
	void **array = list, *bigger;
	uint32_t more = *room != 0 ? *room * 2 : 8;

	if (count < *room)
		return true;
	bigger = arena_alloc(loader->arena, more * size);
	if (bigger == NULL)
		return loader_memory(loader);
	if (count != 0)
		memcpy(bigger, *array, count * size);
	*array = bigger;
	*room = more;
	return true;
}

bool loader_text(struct loader *loader, struct loader_place place, struct fw_slice *ret_text)
{
	const struct json *json = &loader->documents[place.document].json;

	if (json->nodes[place.node].kind != JSON_STRING)
		return loader_fail(loader, place, "a string is needed");
	*ret_text = json_text(json, place.node, loader->arena);
	return ret_text->data != NULL || loader_memory(loader);
}

static bool add_anchor(struct loader *loader, struct loader_place place, uint32_t resource, struct fw_slice name,
		       bool dynamic)
{
	for (uint32_t i = 0; i < loader->anchor_count; i++)
		if (loader->anchors[i].resource == resource && slice_equal(loader->anchors[i].name, name) &&
		    loader->anchors[i].node != place.node)
			return loader_fail(loader, place, "the anchor \"%.*s\" is there twice", (int)name.size,
					   name.data);
	if (!room_for(loader, &loader->anchors, loader->anchor_count, &loader->anchor_room, sizeof(*loader->anchors)))
		return false;
	loader->anchors[loader->anchor_count++] =
		(struct loader_anchor){ .resource = resource, .node = place.node, .name = name, .dynamic = dynamic };
	return true;
}

static bool read_document(struct loader *loader, uint32_t document);

static uint32_t find_document(const struct loader *loader, struct fw_slice uri)
{
	uint32_t i;

	for (i = 0; i < loader->document_count; i++)
		if (slice_equal(loader->documents[i].uri, uri))
			break;
	return i;
}

bool loader_resource(struct loader *loader, struct fw_slice uri, uint32_t *ret_resource)
{
	uint32_t document;

	for (*ret_resource = 0; *ret_resource < loader->resource_count; ++*ret_resource)
		if (slice_equal(loader->resources[*ret_resource].uri, uri))
			return true;
	document = find_document(loader, uri);
	if (document == loader->document_count)
		return true;
	if (!loader->documents[document].read && !read_document(loader, document))
		return false;
	*ret_resource = loader->documents[document].resource;
	return true;
}

static struct fw_slice without_fragment(struct fw_slice uri)
{
	if (uri.size != 0 && uri.data[uri.size - 1] == '#')
		uri.size--;
	return uri;
}

/* "$vocabulary" of a meta-schema of somebody's own: what of 2020-12 counts. */
static bool read_vocabulary(struct loader *loader, struct loader_place meta, struct loader_resource *resource)
{
	static const char vocabulary[] = "https://json-schema.org/draft/2020-12/vocab/";
	static const char *const known[] = { "core",	  "applicator",	       "unevaluated", "validation",
					     "meta-data", "format-annotation", "content",     "format-assertion" };
	const struct json *json = &loader->documents[meta.document].json;
	uint32_t map = json_member(json, meta.node, "$vocabulary", sizeof("$vocabulary") - 1);

	if (map == 0 || json->nodes[map].kind != JSON_OBJECT)
		return true;
	resource->validation = false;
	for (uint32_t key = map + 1; key < json->nodes[map].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = { 0 };
		unsigned i = 0;

		if (!loader_text(loader, (struct loader_place){ meta.document, key }, &name))
			return false;
		if (slice_starts(name, vocabulary))
			while (i < 8 && !slice_is(slice_from(name, sizeof(vocabulary) - 1), known[i]))
				i++;
		else
			i = 8;
		if (i == 8 && json->nodes[key + 1].kind == JSON_TRUE)
			return loader_fail(loader, (struct loader_place){ meta.document, key },
					   "a vocabulary that is not known here is required");
		resource->validation = resource->validation || i == 3;
		resource->formats = resource->formats || i == 7;
	}
	return true;
}

static bool read_dialect(struct loader *loader, struct loader_place place, struct loader_resource *resource)
{
	struct fw_slice uri = { 0 };
	uint32_t meta;

	if (!loader_text(loader, place, &uri))
		return false;
	uri = without_fragment(uri);
	if (slice_is(uri, "https://json-schema.org/draft/2020-12/schema")) {
		resource->draft = JSONSCHEMA_2020_12;
		return true;
	}
	if (slice_is(uri, "http://json-schema.org/draft-07/schema") ||
	    slice_is(uri, "https://json-schema.org/draft-07/schema")) {
		resource->draft = JSONSCHEMA_7;
		return true;
	}
	if (loader->reading == READING_MOST)
		return loader_fail(loader, place, "meta-schemas of meta-schemas without an end");
	if (!loader_resource(loader, uri, &meta))
		return false;
	if (meta == loader->resource_count)
		return loader_fail(loader, place, "\"$schema\" is neither 2020-12 nor draft 7: \"%.*s\"", (int)uri.size,
				   uri.data);
	resource->draft = loader->resources[meta].draft;
	return read_vocabulary(loader,
			       (struct loader_place){ loader->resources[meta].document, loader->resources[meta].root },
			       resource);
}

static bool scan(struct loader *loader, struct loader_place place, uint32_t resource);

static bool scan_below(struct loader *loader, struct loader_place place, uint32_t resource, uint8_t shape)
{
	const struct json_node *nodes = loader->documents[place.document].json.nodes;
	uint8_t kind = nodes[place.node].kind;
	bool map = shape == SHAPE_SCHEMA_MAP || shape == SHAPE_SCHEMA_OR_TEXTS_MAP;
	uint32_t at;

	if (shape == SHAPE_ONE_SCHEMA || (shape == SHAPE_SCHEMA_OR_LIST && kind != JSON_ARRAY))
		return scan(loader, place, resource);
	if (kind != (map ? JSON_OBJECT : JSON_ARRAY))
		return true; /* the compiler says so, if it comes here */
	for (at = place.node + 1; at < nodes[place.node].next; at = nodes[at].next) {
		at += map;
		if (!scan(loader, (struct loader_place){ place.document, at }, resource))
			return false;
	}
	return true;
}

/* A schema with "$id" begins a resource; *resource becomes it. */
static bool scan_id(struct loader *loader, struct loader_place place, uint32_t id, uint32_t dialect, uint32_t *resource)
{
	struct loader_place at = { place.document, id };
	struct loader_resource inner = loader->resources[*resource];
	struct fw_slice text = { 0 }, uri, fragment;
	bool anchor;

	if (!loader_text(loader, at, &text))
		return false;
	uri = jsonschema_uri_resolve(inner.uri, text, loader->arena, &fragment);
	if (uri.data == NULL)
		return loader_memory(loader);
	anchor = fragment.size != 0;
	if (anchor && inner.draft != JSONSCHEMA_7)
		return loader_fail(loader, at, "\"$id\" has a fragment");
	if (text.size == 0 || text.data[0] != '#') {
		inner.document = place.document;
		inner.root = place.node;
		inner.uri = uri;
		if (dialect != 0 && place.node != 0 &&
		    !read_dialect(loader, (struct loader_place){ place.document, dialect }, &inner))
			return false;
		if (place.node == 0) { /* the resource of the document gets its name */
			loader->resources[*resource].uri = uri;
		} else {
			if (!room_for(loader, &loader->resources, loader->resource_count, &loader->resource_room,
				      sizeof(*loader->resources)))
				return false;
			for (uint32_t i = 0; i < loader->resource_count; i++)
				if (slice_equal(loader->resources[i].uri, uri))
					return loader_fail(loader, at, "this \"$id\" is there twice");
			*resource = loader->resource_count;
			loader->resources[loader->resource_count++] = inner;
		}
	}
	return !anchor || add_anchor(loader, place, *resource, fragment, false);
}

static bool scan(struct loader *loader, struct loader_place place, uint32_t resource)
{
	const struct json *json = &loader->documents[place.document].json;
	uint32_t at[KEYWORDS];
	struct fw_slice name = { 0 };

	if (json->nodes[place.node].kind != JSON_OBJECT)
		return true;
	loader_keywords(json, place.node, loader->resources[resource].draft, at);
	if (at[KEYWORD_ID] != 0 && !scan_id(loader, place, at[KEYWORD_ID], at[KEYWORD_SCHEMA], &resource))
		return false;
	loader_keywords(json, place.node, loader->resources[resource].draft, at);
	if (at[KEYWORD_ANCHOR] != 0 &&
	    (!loader_text(loader, (struct loader_place){ place.document, at[KEYWORD_ANCHOR] }, &name) ||
	     !add_anchor(loader, place, resource, name, false)))
		return false;
	if (at[KEYWORD_DYNAMIC_ANCHOR] != 0 &&
	    (!loader_text(loader, (struct loader_place){ place.document, at[KEYWORD_DYNAMIC_ANCHOR] }, &name) ||
	     !add_anchor(loader, place, resource, name, true)))
		return false;
	for (unsigned i = 0; i < KEYWORDS; i++)
		if (at[i] != 0 && keywords[i].shape >= SHAPE_ONE_SCHEMA &&
		    !scan_below(loader, (struct loader_place){ place.document, at[i] }, resource, keywords[i].shape))
			return false;
	return true;
}

static bool copy_text(struct loader *loader, struct fw_slice *text)
{
	uint8_t *copy = arena_alloc(loader->arena, text->size + 1);

	if (copy == NULL)
		return false;
	if (text->size != 0)
		memcpy(copy, text->data, text->size);
	*text = slice(copy, text->size);
	return true;
}

static bool read_document(struct loader *loader, uint32_t number)
{
	struct loader_document *document = &loader->documents[number];
	struct json_error error = { 0 };
	struct loader_resource resource = { .document = number,
					    .uri = document->uri,
					    .draft = loader->options->draft,
					    .validation = true,
					    .formats = loader->options->formats };
	uint32_t dialect;
	bool good;

	document->read = true;
	if (!copy_text(loader, &document->text) || !copy_text(loader, &document->uri))
		return loader_memory(loader);
	resource.uri = document->uri;
	if (json_parse(loader->arena, document->text, 0, &document->json, &error) != JSON_OK) {
		document->json.nodes = NULL;
		loader_fail(loader, (struct loader_place){ number, 0 }, "no JSON: %s", error.what);
		snprintf(loader->error->pointer, sizeof(loader->error->pointer), "%s%s",
			 error.path[0] != '\0' ? "/" : "", error.path[0] == '/' ? error.path + 1 : error.path);
		for (size_t i = 0; i < error.offset && i < document->text.size; i++)
			loader->error->line += document->text.data[i] == '\n';
		return false;
	}
	document->blocks = arena_alloc(loader->arena, document->json.count * sizeof(*document->blocks));
	if (document->blocks == NULL || !room_for(loader, &loader->resources, loader->resource_count,
						  &loader->resource_room, sizeof(*loader->resources)))
		return loader_memory(loader);
	memset(document->blocks, 0, document->json.count * sizeof(*document->blocks));
	document->resource = loader->resource_count;
	loader->resources[loader->resource_count++] = resource;
	dialect = json_member(&document->json, 0, "$schema", sizeof("$schema") - 1);
	loader->reading++;
	good = dialect == 0 || read_dialect(loader, (struct loader_place){ number, dialect }, &resource);
	loader->reading--;
	loader->resources[document->resource] = resource;
	return good && scan(loader, (struct loader_place){ number, 0 }, document->resource);
}

bool loader_start(struct loader *loader, struct fw_slice text)
{
	struct jsonschema_document meta;
	uint32_t meta_count = 0;

	while (jsonschema_meta(meta_count, &meta))
		meta_count++;
	loader->documents = arena_alloc(loader->arena, (1 + loader->options->document_count + meta_count) *
							       sizeof(*loader->documents));
	if (loader->documents == NULL)
		return loader_memory(loader);
	loader->documents[0] = (struct loader_document){ .text = text, .uri = slice("", 0) };
	loader->document_count = 1;
	for (uint32_t i = 0; i < loader->options->document_count + meta_count; i++) {
		if (i < loader->options->document_count)
			meta = loader->options->documents[i];
		else
			jsonschema_meta(i - (uint32_t)loader->options->document_count, &meta);
		loader->documents[loader->document_count++] =
			(struct loader_document){ .uri = meta.uri, .text = meta.text };
	}
	return read_document(loader, 0);
}
