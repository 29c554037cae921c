#include "policy/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"

struct reading {
	struct config config;
	struct arena *arena;
	const char *name;
};

static struct document_node *make(struct reading *reading, struct document_node *parent)
{
	struct document_node *node = arena_alloc(reading->arena, sizeof(*node));

	if (node == NULL) {
		reading->config.short_of_memory = true;
		return NULL;
	}
	*node = (struct document_node){ .file = reading->name, .parent = parent, .line = 1, .column = 1 };
	return node;
}

static struct fw_slice keep(struct reading *reading, struct fw_slice text)
{
	uint8_t *copy = arena_alloc(reading->arena, text.size + 1);

	if (copy == NULL) {
		reading->config.short_of_memory = true;
		return slice("", 0);
	}
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return slice(copy, text.size);
}

static void place_of(struct config_place place, unsigned *ret_line, unsigned *ret_column)
{
	const struct fy_mark *mark = NULL;

	if (place.node != NULL && fy_node_is_scalar(place.node))
		mark = fy_token_start_mark(fy_node_get_scalar_token(place.node));
	if (mark != NULL) {
		*ret_line = (unsigned)mark->line + 1;
		*ret_column = (unsigned)mark->column + 1;
	}
}

static void read_scalar(struct reading *reading, struct fy_node *node, struct document_node *to)
{
	bool plain;
	struct fw_slice text = config_yaml_text(node, &plain);

	to->text = keep(reading, text);
	if (plain && (slice_is(text, "null") || slice_is(text, "~")))
		to->kind = DOCUMENT_NULL;
	else if (plain && (slice_is(text, "true") || slice_is(text, "false")))
		to->kind = DOCUMENT_TRUTH;
	else
		to->kind = plain && config_json_number(text) ? DOCUMENT_NUMBER : DOCUMENT_TEXT;
}

static bool read_value(struct reading *reading, struct fy_node *node, struct config_place place,
		       struct document_node *to, unsigned depth);

static bool read_list(struct reading *reading, struct fy_node *list, struct config_place place,
		      struct document_node *to, unsigned depth)
{
	struct document_node **last = &to->first;
	struct fy_node *item;
	void *at = NULL;
	bool holds = true;

	while ((item = fy_node_sequence_iterate(list, &at)) != NULL) {
		struct document_node *node = make(reading, to);

		if (node == NULL)
			return false;
		node->line = to->line;
		node->column = to->column;
		holds = read_value(reading, item, place, node, depth + 1) && holds;
		*last = node;
		last = &node->next;
		to->count++;
	}
	return holds;
}

static int by_key(const void *a, const void *b)
{
	const struct document_node *one = *(struct document_node *const *)a, *two = *(struct document_node *const *)b;
	size_t size = one->key.size < two->key.size ? one->key.size : two->key.size;
	int order = memcmp(one->key.data, two->key.data, size);

	if (order == 0 && one->key.size != two->key.size)
		return one->key.size < two->key.size ? -1 : 1;
	if (order == 0)
		return one->key_line != two->key_line ? (one->key_line < two->key_line ? -1 : 1)
						      : (one->key_column < two->key_column ? -1 : 1);
	return order;
}

/* Sorted, since a file may have a map of 100,000 keys. keys: as the tree has its members. */
static bool keys_differ(struct reading *reading, const struct document_node *map, struct fy_node *yaml)
{
	struct document_node **sorted;
	unsigned n = 0;
	bool differ = true;

	if (map->count < 2)
		return true;
	sorted = arena_alloc(&reading->config.scratch, map->count * sizeof(struct document_node *));
	if (sorted == NULL) {
		reading->config.short_of_memory = true;
		return false;
	}
	for (struct document_node *node = map->first; node != NULL; node = node->next)
		sorted[n++] = node;
	qsort(sorted, n, sizeof(struct document_node *), by_key);
	for (unsigned i = 1; i < n; i++) {
		struct config_place place = { 0 };
		struct fy_node_pair *pair;
		char shown[64];
		void *at = NULL;

		if (!slice_equal(sorted[i]->key, sorted[i - 1]->key))
			continue;
		differ = false;
		while (!config_report_is_full(&reading->config) &&
		       (pair = fy_node_mapping_iterate(yaml, &at)) != NULL) {
			unsigned line = 0, column = 0;

			place.node = fy_node_pair_key(pair);
			place_of(place, &line, &column);
			if (line == sorted[i]->key_line && column == sorted[i]->key_column)
				break;
		}
		config_report_error(&reading->config, place, "\"%s\" is given a second time; first in line %u",
				    config_report_quote(&reading->config, sorted[i]->key, shown),
				    sorted[i - 1]->key_line);
	}
	return differ;
}

static bool read_map(struct reading *reading, struct fy_node *map, struct document_node *to, unsigned depth)
{
	struct document_node **last = &to->first;
	struct fy_node_pair *pair;
	void *at = NULL;
	bool holds = true;

	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct document_node *node;
		struct fw_slice key;

		if (!config_yaml_key(&reading->config, place, fy_node_pair_key(pair), &key)) {
			holds = false;
			continue;
		}
		node = make(reading, to);
		if (node == NULL)
			return false;
		node->key = keep(reading, key);
		place_of(place, &node->key_line, &node->key_column);
		node->line = node->key_line;
		node->column = node->key_column;
		holds = read_value(reading, fy_node_pair_value(pair), place, node, depth + 1) && holds;
		*last = node;
		last = &node->next;
		to->count++;
	}
	return !reading->config.short_of_memory && keys_differ(reading, to, map) && holds;
}

static bool read_value(struct reading *reading, struct fy_node *node, struct config_place place,
		       struct document_node *to, unsigned depth)
{
	struct config *config = &reading->config;

	if (depth > DOCUMENT_DEPTH) {
		config_report_error(config, place, "it is more than %d levels deep", (int)DOCUMENT_DEPTH);
		return false;
	}
	place = config_yaml_place(node, place);
	place_of(place, &to->line, &to->column);
	switch (config_yaml_kind(config, place, node)) {
	case CONFIG_NOTHING:
		to->kind = DOCUMENT_NULL;
		return true;
	case CONFIG_SCALAR:
		read_scalar(reading, node, to);
		return !config->short_of_memory;
	case CONFIG_LIST:
		to->kind = DOCUMENT_LIST;
		return read_list(reading, node, place, to, depth);
	case CONFIG_MAP:
		to->kind = DOCUMENT_MAP;
		return read_map(reading, node, to, depth);
	case CONFIG_BAD:
		break;
	}
	return false;
}

int document_read(const char *name, struct fw_slice text, struct arena *arena, fw_report_function *report, void *user,
		  struct document_node **ret_root)
{
	struct config_options options = { .name = name, .report = report, .user = user };
	struct reading reading = { .config = { .options = &options, .text = text }, .arena = arena, .name = name };
	struct fy_document *document = NULL;
	int result;

	*ret_root = NULL;
	arena_init(&reading.config.scratch, LIMIT_POLICY_BYTES);
	result = config_yaml_open(&reading.config, &document);
	if (result == FW_OK)
		*ret_root = make(&reading, NULL);
	if (*ret_root != NULL && document != NULL)
		read_value(&reading, fy_document_root(document), (struct config_place){ 0 }, *ret_root, 0);
	config_report_give(&reading.config);
	config_yaml_close(&reading.config, document);
	arena_fini(&reading.config.scratch);
	if (result == FW_ERR_MEMORY || reading.config.short_of_memory)
		return FW_ERR_MEMORY;
	return reading.config.errors == 0 ? FW_OK : FW_ERR_INVALID;
}

struct document_node *document_member(const struct document_node *map, struct fw_slice name)
{
	if (map == NULL || map->kind != DOCUMENT_MAP)
		return NULL;
	for (struct document_node *node = map->first; node != NULL; node = node->next)
		if (slice_equal(node->key, name))
			return node;
	return NULL;
}

struct document_node *document_named(const struct document_node *map, const char *name)
{
	return document_member(map, slice_text(name));
}
