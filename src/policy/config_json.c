/* config_json.c: a value of a YAML file as the JSON that it says: mappings, lists, quoted text as strings; plain words
 * as what JSON calls them. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "policy/config_build.h"

enum { DEEPEST = LIMIT_JSON_DEPTH + 8 };

struct writing {
	struct config *config;
	struct config_place place;
	struct json_writer writer;
};

bool config_json_number(struct fw_slice text)
{
	return text.size <= LIMIT_JSON_NUMBER && json_is_number(text);
}

static void write_scalar(struct json_writer *w, struct fy_node *node)
{
	bool plain;
	struct fw_slice text = config_yaml_text(node, &plain);

	if (plain &&
	    (slice_is(text, "true") || slice_is(text, "false") || slice_is(text, "null") || config_json_number(text)))
		json_write_raw(w, text);
	else if (plain && slice_is(text, "~"))
		json_write_null(w);
	else
		json_write_text(w, text);
}

static bool write_value(struct writing *writing, struct fy_node *node, unsigned depth);

static bool write_map(struct writing *writing, struct fy_node *map, unsigned depth)
{
	struct fy_node_pair *pair;
	struct fw_slice name;
	void *at = NULL;

	json_write_open(&writing->writer, '{');
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		if (!config_yaml_key(writing->config, writing->place, fy_node_pair_key(pair), &name))
			return false;
		json_write_key_slice(&writing->writer, name);
		if (!write_value(writing, fy_node_pair_value(pair), depth + 1))
			return false;
	}
	json_write_close(&writing->writer, '}');
	return true;
}

static bool write_list(struct writing *writing, struct fy_node *list, unsigned depth)
{
	struct fy_node *item;
	void *at = NULL;

	json_write_open(&writing->writer, '[');
	while ((item = fy_node_sequence_iterate(list, &at)) != NULL)
		if (!write_value(writing, item, depth + 1))
			return false;
	json_write_close(&writing->writer, ']');
	return true;
}

static bool write_value(struct writing *writing, struct fy_node *node, unsigned depth)
{
	if (depth > DEEPEST) {
		config_report_error(writing->config, writing->place,
				    "it is more than %d levels deep: write such a message as text", (int)DEEPEST);
		return false;
	}
	switch (config_yaml_kind(writing->config, writing->place, node)) {
	case CONFIG_NOTHING:
		json_write_null(&writing->writer);
		return true;
	case CONFIG_SCALAR:
		write_scalar(&writing->writer, node);
		return true;
	case CONFIG_LIST:
		return write_list(writing, node, depth);
	case CONFIG_MAP:
		return write_map(writing, node, depth);
	case CONFIG_BAD:
		break;
	}
	return false;
}

/* A key that is there twice, and what else no JSON can have. */
static bool holds(struct config *config, struct config_place place, struct fw_slice text)
{
	struct json_error error;
	struct arena arena;
	struct json json;
	enum json_result result;

	arena_init(&arena, LIMIT_POLICY_BYTES);
	result = json_parse(&arena, text, 0, &json, &error);
	arena_fini(&arena);
	if (result == JSON_OK || result == JSON_DEPTH)
		return true;
	if (result == JSON_MEMORY)
		config->short_of_memory = true;
	else
		config_report_error(config, place,
				    "as JSON it does not hold: %s at \"%s\"; write it as text if that is meant",
				    error.what, error.path);
	return false;
}

bool config_json(struct config *config, struct config_place place, struct fy_node *node, struct fw_slice *ret_json)
{
	struct pool pool;
	struct buf out = { 0 };
	struct writing writing = { config, place, { .out = &out, .pool = &pool } };
	bool done;
	const char *copy;

	pool_init(&pool);
	done = write_value(&writing, node, 0);
	if (writing.writer.failed)
		config->short_of_memory = true;
	done = done && !writing.writer.failed;
	copy = done ? config_value_text(config, slice(buf_data(&out), buf_size(&out))) : NULL;
	if (copy != NULL)
		*ret_json = slice(copy, buf_size(&out));
	buf_clear(&out, &pool);
	pool_fini(&pool);
	return copy != NULL && holds(config, place, *ret_json);
}
