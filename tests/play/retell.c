#include "retell.h"

#include <ctype.h>
#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

static const char *const rows[] = {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) path,
#define CONFIG_BOOLEAN(path, member, value, help) path,
#define CONFIG_TEXT(path, member, value, help) path,
#define CONFIG_CHOICE(path, member, value, words, help) path,
#define CONFIG_TEXTS(path, member, value, help) path,
#include "tables/config.def"
};

bool retell_option(struct retelling *retelling, const char *word)
{
	static const char *const ways[] = { "overlay", "variables", "references" };
	const char *equals;

	if (strncmp(word, "--as=", 5) == 0) {
		for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++)
			if (strcmp(word + 5, ways[i]) == 0)
				retelling->kind = RETELL_OVERLAY + i;
		return retelling->kind != RETELL_NOT;
	}
	if (strncmp(word, "--without=", 10) == 0)
		retelling->kind = RETELL_WITHOUT;
	else if (strncmp(word, "--with=", 7) == 0 && strchr(word + 7, '=') != NULL)
		retelling->kind = RETELL_WITH;
	else
		return false;
	word = strchr(word, '=') + 1;
	equals = word + strcspn(word, "=");
	retelling->value = retelling->kind == RETELL_WITH ? equals + 1 : NULL;
	return snprintf(retelling->path, sizeof(retelling->path), "%.*s", (int)(equals - word), word) <
	       (int)sizeof(retelling->path);
}

/* Only the text is touched: what stands in an overlay is read as it was written. */
static bool retell_overlay(const char *yaml, struct text *ret_yaml)
{
	if (strstr(yaml, "environment") != NULL)
		return false;
	text_say(ret_yaml, "environment: retold\nenvironment_overrides:\n  retold:\n");
	while (*yaml != '\0') {
		size_t size = strcspn(yaml, "\n");

		text_say(ret_yaml, "    ");
		text_add(ret_yaml, yaml, size);
		text_say(ret_yaml, "\n");
		yaml += size + (yaml[size] == '\n');
	}
	return true;
}

/* What stands at a path without "*"; NULL: nothing. */
static struct fy_node *retell_at(struct fy_node *node, const char *path)
{
	while (node != NULL && *path != '\0') {
		size_t size = strcspn(path, ".");

		node = fy_node_is_mapping(node) ? fy_node_mapping_lookup_by_string(node, path, size) : NULL;
		path += size + (path[size] == '.');
	}
	return node;
}

static void retell_remove(struct fy_node *mapping, const char *name)
{
	struct fy_node_pair *pair = fy_node_mapping_lookup_pair_by_string(mapping, name, strlen(name));

	fy_node_free(fy_node_mapping_remove_by_key(mapping, fy_node_pair_key(pair)));
}

static bool retell_put(struct fy_node *mapping, const char *name, size_t size, const char *value)
{
	struct fy_document *document = fy_node_document(mapping);
	struct fy_node_pair *pair = fy_node_mapping_lookup_pair_by_string(mapping, name, size);
	struct fy_node *node = fy_node_build_from_string(document, value, FY_NT);

	if (node == NULL)
		return false;
	if (pair != NULL)
		return fy_node_pair_set_value(pair, node) == 0;
	return fy_node_mapping_append(mapping, fy_node_create_scalar_copy(document, name, size), node) == 0;
}

/* The key left out or, where it is set or a value is given, set; false: nothing was to be done. */
static bool retell_change(struct fy_node *node, const char *path, const char *value)
{
	size_t size = strcspn(path, ".");
	bool last = path[size] == '\0', changed = false;
	struct fy_node_pair *pair;
	struct fy_node *item;
	void *at = NULL;

	if (size == 1 && *path == '*') {
		while (fy_node_is_mapping(node) && (pair = fy_node_mapping_iterate(node, &at)) != NULL)
			changed |= retell_change(fy_node_pair_value(pair), path + 2, value);
		while (fy_node_is_sequence(node) && (item = fy_node_sequence_iterate(node, &at)) != NULL)
			changed |= retell_change(item, path + 2, value);
		return changed;
	}
	if (node == NULL || !fy_node_is_mapping(node))
		return false;
	item = fy_node_mapping_lookup_by_string(node, path, size);
	if (last && value != NULL)
		return retell_put(node, path, size, value);
	if (item == NULL && (value == NULL || strchr(path, '*') != NULL))
		return false;
	if (last) {
		retell_remove(node, path);
		return true;
	}
	if (item == NULL && retell_put(node, path, size, "{}"))
		item = fy_node_mapping_lookup_by_string(node, path, size);
	return retell_change(item, path + size + 1, value);
}

static void retell_say(struct text *text, struct fy_node *scalar)
{
	size_t size;
	const char *octets = fy_node_get_scalar(scalar, &size);

	if (octets != NULL)
		text_add(text, octets, size);
}

static bool retell_variable(struct fy_node *root, const char *path, struct retold *retold)
{
	struct fy_node *node = retell_at(root, path), *item;
	struct text name = { 0 }, value = { 0 }, above = { 0 };
	const char *dot = strrchr(path, '.');
	void *at = NULL;

	if (node == NULL || fy_node_is_mapping(node) || retold->variable_count == RETOLD_ROOM)
		return false;
	text_format(&name, "FRAMEWALL_%s", path);
	for (char *c = name.data; *c != '\0'; c++)
		*c = (char)(*c == '.' ? '_' : toupper((unsigned char)*c));
	text_add(&value, "", 0);
	if (fy_node_is_scalar(node))
		retell_say(&value, node);
	while (fy_node_is_sequence(node) && (item = fy_node_sequence_iterate(node, &at)) != NULL) {
		text_say(&value, value.size != 0 ? "," : "");
		retell_say(&value, item);
	}
	retold->variables[retold->variable_count++] = (struct config_variable){ name.data, value.data };
	text_add(&above, path, dot != NULL ? (size_t)(dot - path) : 0);
	retell_remove(retell_at(root, text_get(&above)), dot != NULL ? dot + 1 : path);
	text_clear(&above);
	return true;
}

static struct fy_node *retell_reference(struct fy_node *scalar, struct retold *retold)
{
	struct text value = { 0 };

	if (retold->file_count == RETOLD_ROOM)
		abort();
	text_add(&value, "", 0);
	retell_say(&value, scalar);
	retold->files[retold->file_count] = value.data;
	return fy_node_create_scalarf(fy_node_document(scalar), "${file:/%zu}", retold->file_count++);
}

/* Nothing is no text: no file says it. */
static bool retell_is_text(struct fy_node *node)
{
	size_t size = 0;

	return fy_node_is_scalar(node) && (fy_node_get_scalar(node, &size) != NULL && size != 0);
}

/* What stands below "schema" is a JSON Schema, in which "${" is what it is. */
static bool retell_is_schema(struct fy_node_pair *pair)
{
	size_t size = 0;
	const char *name = fy_node_get_scalar(fy_node_pair_key(pair), &size);

	return name != NULL && size == 6 && memcmp(name, "schema", 6) == 0;
}

static bool retell_references(struct fy_node *node, struct retold *retold)
{
	struct fy_node_pair *pair;
	struct fy_node *item, *made;
	bool changed = false;
	void *at = NULL;

	while (fy_node_is_mapping(node) && (pair = fy_node_mapping_iterate(node, &at)) != NULL) {
		item = retell_is_schema(pair) ? NULL : fy_node_pair_value(pair);
		if (item != NULL && retell_is_text(item))
			changed |= fy_node_pair_set_value(pair, retell_reference(item, retold)) == 0;
		else if (item != NULL)
			changed |= retell_references(item, retold);
	}
	while (fy_node_is_sequence(node) && (item = fy_node_sequence_iterate(node, &at)) != NULL) {
		if (!retell_is_text(item)) {
			changed |= retell_references(item, retold);
			continue;
		}
		made = retell_reference(item, retold);
		fy_node_sequence_insert_before(node, item, made);
		fy_node_free(fy_node_sequence_remove(node, item));
		at = made;
		changed = true;
	}
	return changed;
}

static int retold_file(void *user, const char *path, uint8_t *ret_bytes, size_t room, size_t *ret_size, bool *ret_open)
{
	const struct retold *retold = user;
	uint64_t number;
	size_t size;

	*ret_open = false;
	if (*path != '/' || !text_number(path + 1, &number) || number >= retold->file_count)
		return ENOENT;
	size = strlen(retold->files[number]);
	if (size + 1 > room)
		return EFBIG;
	memcpy(ret_bytes, retold->files[number], size);
	ret_bytes[size++] = '\n'; /* as editors write it */
	*ret_size = size;
	return 0;
}

static const char *retold_variable(void *user, const char *name)
{
	(void)user;
	(void)name;
	return NULL;
}

static bool retell_document(const struct retelling *retelling, struct fy_node *root, struct retold *retold)
{
	bool changed = false;

	switch (retelling->kind) {
	case RETELL_VARIABLES: /* which stand above an overlay: that would be another configuration */
		for (unsigned i = 0;
		     retell_at(root, "environment_overrides") == NULL && i < sizeof(rows) / sizeof(*rows); i++)
			changed |= retell_variable(root, rows[i], retold);
		return changed;
	case RETELL_REFERENCES:
		return retell_references(root, retold);
	case RETELL_WITHOUT:
	case RETELL_WITH:
		return retell_change(root, retelling->path, retelling->value);
	case RETELL_NOT:
	case RETELL_OVERLAY:
		break;
	}
	return false;
}

void retell(struct retelling *retelling, struct config_options *options, struct retold *ret_retold)
{
	const struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 };
	const char *yaml = (const char *)options->text.data;
	struct fy_document *document;
	struct fy_node *root;
	char *emitted;
	bool changed;

	*ret_retold = (struct retold){ .source = { retold_file, retold_variable, ret_retold } };
	if (retelling->kind == RETELL_NOT)
		return;
	if (retelling->kind == RETELL_OVERLAY) {
		changed = retell_overlay(yaml, &ret_retold->yaml);
	} else {
		document = fy_document_build_from_string(&cfg, yaml[strspn(yaml, " \n")] == '\0' ? "{}" : yaml, FY_NT);
		root = document != NULL ? fy_document_root(document) : NULL;
		changed = root != NULL && fy_node_is_mapping(root) && retell_document(retelling, root, ret_retold);
		emitted = changed ? fy_emit_document_to_string(document, FYECF_WIDTH_INF) : NULL;
		if (changed && emitted == NULL)
			abort();
		text_say(&ret_retold->yaml, emitted != NULL ? emitted : "");
		free(emitted);
		fy_document_destroy(document);
	}
	if (!changed)
		return;
	retelling->changed++;
	options->text = slice_text(text_get(&ret_retold->yaml));
	options->variables = ret_retold->variables;
	options->variable_count = ret_retold->variable_count;
	options->source = &ret_retold->source;
}

void retold_clear(struct retold *retold)
{
	for (size_t i = 0; i < retold->variable_count; i++) {
		free((char *)retold->variables[i].name);
		free((char *)retold->variables[i].value);
	}
	for (size_t i = 0; i < retold->file_count; i++)
		free(retold->files[i]);
	text_clear(&retold->yaml);
}
