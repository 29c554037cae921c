/* config_schema.c: messages.TYPE.schema and .schema_file: a JSON Schema, compiled; what is wrong with it stands at its
 * own line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json_pointer.h"
#include "policy/config_build.h"
#include "policy/config_schema.h"

enum { DOCUMENT_NAME = 127 }; /* as struct jsonschema_error has room for */

struct source {
	struct config *config;
	struct config_place place;
	struct fy_node *node; /* of the schema in the file; NULL: it has a file of its own */
	const char *path;
};

/* The node that a pointer leads to, or as near as it comes. */
static struct fy_node *nearest(struct fy_node *node, struct fw_slice pointer)
{
	uint8_t name[JSON_POINTER_NAME + 1];
	size_t size;

	while (json_pointer_next(&pointer, name, &size)) {
		struct fy_node_pair *pair = config_yaml_pair(node, slice(name, size));
		struct fy_node *next = NULL;

		name[size] = '\0';
		if (pair != NULL)
			next = fy_node_pair_value(pair);
		else if (fy_node_is_sequence(node))
			next = fy_node_sequence_get_by_index(node, (int)strtol((const char *)name, NULL, 10));
		if (next == NULL)
			break;
		node = next;
	}
	return node;
}

static const char *file_of(const struct fw_policy *policy, const char *uri)
{
	for (unsigned i = 0; i < policy->schema_document_count; i++)
		if (strcmp(policy->schema_documents[i].uri, uri) == 0)
			return policy->schema_documents[i].path;
	return uri; /* a meta-schema */
}

static void say(const struct source *source, const struct jsonschema_error *what, bool error)
{
	struct config_place place = source->place;
	char where[320] = "";
	const char *file = what->document[0] != '\0' ? file_of(source->config->policy, what->document) : source->path;

	if (file != NULL)
		snprintf(where, sizeof(where), "%s:%u: ", file, what->line);
	else
		place = config_yaml_place(nearest(source->node, slice_text(what->pointer)), place);
	if (error)
		config_report_error(source->config, place, "%sthe schema at \"%s\": %s", where, what->pointer,
				    what->what);
	else
		config_report_warning(source->config, place, "%sthe schema at \"%s\": %s", where, what->pointer,
				      what->what);
}

static void warn(void *user, const struct jsonschema_error *what)
{
	say(user, what, false);
}

static void compile(struct source *source, struct fw_slice text, struct policy_message *message)
{
	struct config *config = source->config;
	const struct settings *settings = &config->policy->settings;
	struct jsonschema_options options = { .classes = &schema_json_classes,
					      .formats = settings->schema_formats,
					      .closed = settings->schema_objects == SCHEMA_CLOSED,
					      .document_count = config->policy->schema_document_count,
					      .warn = warn,
					      .user = source };
	struct jsonschema_document *documents =
		arena_alloc(&config->scratch, (options.document_count + 1) * sizeof(*documents));
	struct jsonschema_error error;
	struct policy_schema *owned = config_value_zero(config, 1, sizeof(*owned));

	if (documents == NULL)
		config->short_of_memory = true;
	if (owned == NULL || documents == NULL)
		return;
	for (unsigned i = 0; i < options.document_count; i++)
		documents[i] = (struct jsonschema_document){ slice_text(config->policy->schema_documents[i].uri),
							     config->policy->schema_documents[i].text };
	options.documents = documents;
	owned->schema = jsonschema_compile(text, &options, &error);
	if (owned->schema == NULL) {
		say(source, &error, true);
		return;
	}
	owned->text = text;
	owned->path = source->path;
	owned->next = config->policy->schemas;
	config->policy->schemas = owned;
	message->schema = owned;
	message->has_html = (jsonschema_class_set(owned->schema) >> CLASS_HTML & 1) != 0;
}

static bool read_file(struct config *config, struct config_place place, const char *path, struct fw_slice *ret_text)
{
	const struct config_source *source = config->options->source;
	uint8_t *bytes = arena_alloc(&config->scratch, LIMIT_CONFIG_BYTES);
	size_t size = 0;
	bool open;
	int error;

	if (bytes == NULL) {
		config->short_of_memory = true;
		return false;
	}
	if (source == NULL) {
		config_report_error(config, place, "no files are read here");
		return false;
	}
	error = source->file(source->user, path, bytes, LIMIT_CONFIG_BYTES, &size, &open);
	if (error != 0 && config->trial) { /* where the overlay counts it may be there */
		config->errors++;
		return false;
	}
	if (error != 0) {
		config_report_error(config, place, "cannot read the schema \"%s\": %s", path, strerror(error));
		return false;
	}
	*ret_text = slice(config_value_text(config, slice(bytes, size)), size);
	arena_trim(&config->scratch, bytes, LIMIT_CONFIG_BYTES, 0);
	return ret_text->data != NULL;
}

void config_schema(struct config *config, struct config_place place, struct fy_node *value,
		   struct policy_message *message)
{
	struct source source = { config, place, value, NULL };
	struct fw_slice text;

	if (config_json(config, place, value, &text))
		compile(&source, text, message);
}

void config_schema_file(struct config *config, struct config_place place, struct fw_slice path,
			struct policy_message *message)
{
	struct source source = { config, place, NULL, config_value_text(config, path) };
	struct fw_slice text;

	if (source.path != NULL && read_file(config, place, source.path, &text))
		compile(&source, text, message);
}

/* RFC 3986: a scheme, and something behind it; a fragment is no part of a document's name. */
static bool is_uri(struct fw_slice text)
{
	size_t size = 0;

	while (size < text.size && text.data[size] > 0x20 && text.data[size] < 0x7f && text.data[size] != '#' &&
	       text.data[size] != '"' && text.data[size] != '<' && text.data[size] != '>')
		size++;
	if (size != text.size || size > DOCUMENT_NAME || size == 0 || (text.data[0] | 0x20) < 'a' ||
	    (text.data[0] | 0x20) > 'z')
		return false;
	for (size = 1; size < text.size; size++)
		if (text.data[size] == ':')
			return size + 1 < text.size;
		else if (strchr("+-.", text.data[size]) == NULL && (text.data[size] < '0' || text.data[size] > '9') &&
			 ((text.data[size] | 0x20) < 'a' || (text.data[size] | 0x20) > 'z'))
			return false;
	return false;
}

static bool read_document(struct config *config, struct fy_node_pair *pair, struct policy_schema_document *document)
{
	struct config_place place = { .node = fy_node_pair_key(pair) };
	struct arena arena;
	struct json_error error;
	struct json json;
	struct fw_slice uri, path;
	char shown[64];
	bool holds;

	if (!config_yaml_key(config, place, fy_node_pair_key(pair), &uri))
		return false;
	if (!is_uri(uri)) {
		config_report_error(config, place, "\"%s\" is no URI of a schema: write https://example.com/name",
				    config_report_quote(config, uri, shown));
		return false;
	}
	if (!config_yaml_is_text(config, place, "schema_documents", fy_node_pair_value(pair), &path))
		return false;
	place = config_yaml_place(fy_node_pair_value(pair), place);
	*document = (struct policy_schema_document){ .uri = config_value_text(config, uri),
						     .path = config_value_text(config, path) };
	if (document->uri == NULL || document->path == NULL ||
	    !read_file(config, place, document->path, &document->text))
		return false;
	arena_init(&arena, (size_t)64 << 20);
	holds = json_parse(&arena, document->text, 0, &json, &error) == JSON_OK;
	if (!holds)
		config_report_error(config, place, "%s: no JSON: %s", document->path, error.what);
	arena_fini(&arena);
	return holds;
}

/* What an overlay says of a URI stands in place of what the file says of it. */
void config_schema_documents(struct config *config)
{
	struct policy_schema_document *documents =
		config_value_zero(config, LIMIT_SCHEMA_DOCUMENTS, sizeof(*documents));
	unsigned count = 0;

	for (unsigned layer = 0; documents != NULL && layer < CONFIG_LAYERS; layer++) {
		const struct config_section *section = &config->schema_documents[layer];
		struct fy_node_pair *pair;
		void *at = NULL;

		if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
								"\"schema_documents\"", section->value))
			continue;
		while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL) {
			struct policy_schema_document read;
			unsigned to = 0;

			if (!config_walk_first(config, section->value, fy_node_pair_key(pair)) ||
			    !read_document(config, pair, &read))
				continue;
			while (to < count && strcmp(documents[to].uri, read.uri) != 0)
				to++;
			if (to == LIMIT_SCHEMA_DOCUMENTS) {
				config_report_error(config, (struct config_place){ .node = fy_node_pair_key(pair) },
						    "there are more than %d documents", (int)LIMIT_SCHEMA_DOCUMENTS);
				return;
			}
			count += to == count;
			documents[to] = read;
		}
	}
	config->policy->schema_documents = documents;
	config->policy->schema_document_count = count;
}
