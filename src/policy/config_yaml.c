#include "policy/config_build.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"

/* libfyaml takes invalid UTF-8 for an empty value and lets control characters pass: both end here. */
static bool octets_hold(struct config *config)
{
	struct utf8 state = { 0 };
	struct fw_slice text = config->text;
	size_t good = utf8_check(&state, text.data, text.size);

	if (good != text.size || state.due != 0) {
		config_report_error_at(config, good, "this is not valid UTF-8");
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
			config_report_error_at(config, i, "control character 0x%02x is not allowed", c);
			return false;
		}
	}
	return true;
}

static size_t offset_at(struct fw_slice text, int line, int column)
{
	size_t i = 0;

	for (; i < text.size && line > 1; i++)
		line -= text.data[i] == '\n';
	for (; i < text.size && column > 1 && text.data[i] != '\n'; i++)
		column -= i + 1 >= text.size || (text.data[i + 1] & 0xc0) != 0x80;
	/* What is missing at the end is missed behind the last word, not in an empty line. */
	while (i == text.size && text.size != 0 &&
	       (text.data[i - 1] == '\n' || text.data[i - 1] == '\r' || text.data[i - 1] == ' '))
		text.size = --i;
	return i;
}

static struct fy_diag *diagnosis_new(void)
{
	struct fy_diag_cfg cfg;
	struct fy_diag *diag;

	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL; /* collected, never printed */
	cfg.output_fn = NULL;
	cfg.colorize = false;
	diag = fy_diag_create(&cfg);
	if (diag != NULL)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

static void report_collected(struct config *config, struct fy_diag *diag)
{
	struct fy_diag_error *error;
	void *at = NULL;

	while ((error = fy_diag_errors_iterate(diag, &at)) != NULL) {
		if (error->type >= FYET_WARNING)
			config_report_error_at(config, offset_at(config->text, error->line, error->column), "%s",
					       error->msg != NULL ? error->msg : "this is not YAML");
	}
}

/* libfyaml passes over a second document: somebody who joined two files would run with half of what was written. */
static void refuse_second(struct config *config, struct fy_parser *parser)
{
	struct fy_document *second = fy_parse_load_document(parser);
	struct fw_slice text = config->text;
	size_t at = text.size;

	if (second == NULL)
		return;
	for (size_t i = 1; i + 3 <= text.size && at == text.size; i++)
		if (text.data[i - 1] == '\n' && memcmp(text.data + i, "---", 3) == 0)
			at = i;
	config_report_error_at(config, at, "a second document starts here; a configuration is one document");
	fy_document_destroy(second);
}

static struct fy_document *parse(struct config *config, struct fy_diag *diag)
{
	/* Aliases are not expanded (an alias bomb stays small), double keys are reported by the walk, all of them. */
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_DEFAULT_VERSION_1_2 |
					     FYPCF_JSON_NONE,
				    .diag = diag };
	struct fy_parser *parser = fy_parser_create(&cfg);
	struct fy_document *document = NULL;

	if (parser == NULL) {
		config->short_of_memory = true;
		return NULL;
	}
	if (fy_parser_set_string(parser, (const char *)config->text.data, config->text.size) != 0) {
		config->short_of_memory = true;
	} else {
		document = fy_parse_load_document(parser);
		if (document != NULL)
			refuse_second(config, parser);
		report_collected(config, diag);
		if (fy_parser_get_stream_error(parser) && config->errors == 0)
			config_report_error_at(config, 0, "this is not YAML");
	}
	fy_parser_destroy(parser);
	return document;
}

/* libfyaml looks a few octets beyond the size it is given, so it gets a copy with a line end and zeros behind it. */
static bool copy_text(struct config *config)
{
	static const char behind[16] = "\n";
	uint8_t *copy = arena_alloc(&config->scratch, config->text.size + sizeof(behind));

	if (copy == NULL)
		return false;
	memcpy(copy, config->text.data, config->text.size);
	memcpy(copy + config->text.size, behind, sizeof(behind));
	config->text = slice(copy, config->text.size + 1);
	config->copy = copy;
	return true;
}

void config_yaml_close(struct config *config, struct fy_document *document)
{
	fy_document_destroy(document);
	config_expand_forget(config);
	if (config->copy != NULL)
		mem_wipe(config->copy, config->text.size);
}

int config_yaml_open(struct config *config, struct fy_document **ret_document)
{
	struct fy_diag *diag;

	*ret_document = NULL;
	if (slice_starts(config->text, "\xef\xbb\xbf"))
		config->text = slice_from(config->text, 3);
	if (config->text.size > LIMIT_CONFIG_BYTES) {
		config_report_error_at(config, 0, "the file has more than %d bytes", (int)LIMIT_CONFIG_BYTES);
		return FW_ERR_INVALID;
	}
	if (!octets_hold(config))
		return FW_ERR_INVALID;
	if (config->text.size == 0)
		return FW_OK;
	if (!copy_text(config))
		return FW_ERR_MEMORY;
	diag = diagnosis_new();
	if (diag == NULL)
		return FW_ERR_MEMORY;
	*ret_document = parse(config, diag);
	fy_diag_destroy(diag);
	if (config->short_of_memory)
		return FW_ERR_MEMORY;
	return config->errors == 0 ? FW_OK : FW_ERR_INVALID;
}

static bool empty_plain(struct fy_node *node)
{
	size_t size = 0;

	return node == NULL || (fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN &&
				(fy_node_get_scalar(node, &size) == NULL || size == 0));
}

struct fy_node_pair *config_yaml_pair(struct fy_node *map, struct fw_slice name)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while (fy_node_is_mapping(map) && (pair = fy_node_mapping_iterate(map, &at)) != NULL)
		if (slice_equal(config_yaml_text(fy_node_pair_key(pair), NULL), name))
			return pair;
	return NULL;
}

struct config_place config_yaml_place(struct fy_node *node, struct config_place otherwise)
{
	if (node != NULL && fy_node_is_scalar(node) && fy_node_get_scalar_token(node) != NULL &&
	    fy_token_start_mark(fy_node_get_scalar_token(node)) != NULL)
		return (struct config_place){ .node = node };
	if (node != NULL && fy_node_is_mapping(node) && fy_node_mapping_item_count(node) > 0)
		return config_yaml_place(fy_node_pair_key(fy_node_mapping_get_by_index(node, 0)), otherwise);
	if (node != NULL && fy_node_is_sequence(node) && fy_node_sequence_item_count(node) > 0)
		return config_yaml_place(fy_node_sequence_get_by_index(node, 0), otherwise);
	return otherwise;
}

/* Where values are secret the message points at the key. */
static struct config_place here(const struct config *config, struct config_place place, struct fy_node *node)
{
	return config->hiding ? place : config_yaml_place(node, place);
}

enum config_kind config_yaml_kind(struct config *config, struct config_place place, struct fy_node *node)
{
	size_t size;

	if (node != NULL && fy_node_is_alias(node)) {
		config_report_error(config, here(config, place, node),
				    "aliases are not supported: write the value itself");
		return CONFIG_BAD;
	}
	if (node != NULL && fy_node_get_tag(node, &size) != NULL) {
		config_report_error(config, here(config, place, node),
				    "tags (!…) are not supported: write the value alone");
		return CONFIG_BAD;
	}
	if (empty_plain(node))
		return CONFIG_NOTHING;
	if (fy_node_is_mapping(node))
		return CONFIG_MAP;
	return fy_node_is_sequence(node) ? CONFIG_LIST : CONFIG_SCALAR;
}

struct fw_slice config_yaml_text(struct fy_node *node, bool *ret_plain)
{
	size_t size = 0;
	const char *text = fy_node_get_scalar(node, &size);

	if (ret_plain != NULL)
		*ret_plain = fy_node_get_style(node) == FYNS_PLAIN;
	return slice(text != NULL ? text : "", text != NULL ? size : 0);
}

bool config_yaml_key(struct config *config, struct config_place place, struct fy_node *key, struct fw_slice *ret_name)
{
	enum config_kind kind = config_yaml_kind(config, place, key);

	config->secret = false; /* that was the value before */
	if (kind == CONFIG_SCALAR) {
		*ret_name = config_yaml_text(key, NULL);
		return true;
	}
	if (kind != CONFIG_BAD)
		config_report_error(config, here(config, place, key), "a key must be a name");
	return false;
}

static const char *kind_name(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_NOTHING:
		return "nothing";
	case CONFIG_SCALAR:
		return "a single value";
	case CONFIG_LIST:
		return "a list";
	case CONFIG_MAP:
		return "a mapping";
	case CONFIG_BAD:
		break;
	}
	return "something else";
}

bool config_yaml_is_map(struct config *config, struct config_place place, const char *what, struct fy_node *node)
{
	enum config_kind kind = config_yaml_kind(config, place, node);

	if (kind == CONFIG_MAP)
		return true;
	if (kind == CONFIG_SCALAR || kind == CONFIG_LIST)
		config_report_error(config, here(config, place, node), "%s is a mapping (\"key: value\" lines), not %s",
				    what, kind_name(kind));
	return false;
}

bool config_yaml_is_list(struct config *config, struct config_place place, const char *what, struct fy_node *node)
{
	enum config_kind kind = config_yaml_kind(config, place, node);

	if (kind == CONFIG_LIST)
		return true;
	if (kind != CONFIG_BAD)
		config_report_error(config, here(config, place, node), "%s is a list, not %s; [] is an empty one", what,
				    kind_name(kind));
	return false;
}

bool config_yaml_is_text(struct config *config, struct config_place place, const char *what, struct fy_node *node,
			 struct fw_slice *ret_text)
{
	enum config_kind kind = config_yaml_kind(config, place, node);

	if (kind == CONFIG_BAD)
		return false;
	if (kind == CONFIG_LIST || kind == CONFIG_MAP) {
		config_report_error(config, place, "%s is a single value, not %s", what, kind_name(kind));
		return false;
	}
	*ret_text = kind == CONFIG_NOTHING ? slice("", 0) : config_yaml_text(node, NULL);
	if (!config_expand(config, here(config, place, node), what, *ret_text, ret_text))
		return false;
	/* Escapes in double quotes give control characters, and so may a file. */
	return config_value_visible(config, place, what, *ret_text);
}
