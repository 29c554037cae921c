/* config_schema.c: messages.TYPE.schema and .schema_file: a JSON Schema, compiled; what is wrong with it stands at its
 * own line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"
#include "policy/config_schema.h"

struct source {
	struct config *config;
	struct config_place place;
	struct fy_node *node; /* of the schema in the file; NULL: it has a file of its own */
	const char *path;
};

/* The node that a pointer leads to, or as near as it comes. */
static struct fy_node *nearest(struct fy_node *node, const char *pointer)
{
	while (*pointer == '/') {
		char name[256];
		size_t size = 0;
		struct fy_node_pair *pair;
		struct fy_node *next = NULL;

		for (pointer++; *pointer != '\0' && *pointer != '/' && size < sizeof(name); pointer++)
			if (*pointer == '~' && (pointer[1] == '0' || pointer[1] == '1'))
				name[size++] = *++pointer == '0' ? '~' : '/';
			else
				name[size++] = *pointer;
		pair = config_yaml_pair(node, slice(name, size));
		if (pair != NULL) {
			next = fy_node_pair_value(pair);
		} else if (fy_node_is_sequence(node) && size < sizeof(name)) {
			name[size] = '\0';
			next = fy_node_sequence_get_by_index(node, (int)strtol(name, NULL, 10));
		}
		if (next == NULL)
			break;
		node = next;
	}
	return node;
}

static void say(const struct source *source, const struct jsonschema_error *what, bool error)
{
	struct config_place place = source->place;
	char where[320] = "";

	if (source->node == NULL)
		snprintf(where, sizeof(where), "%s:%u: ", source->path, what->line);
	else
		place = config_yaml_place(nearest(source->node, what->pointer), place);
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
	struct jsonschema_options options = {
		.classes = &schema_json_classes, .formats = true, .warn = warn, .user = source
	};
	struct jsonschema_error error;
	struct policy_schema *owned = config_value_zero(config, 1, sizeof(*owned));

	if (owned == NULL)
		return;
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
		config_report_error(config, place, "\"schema_file\": no files are read here");
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
