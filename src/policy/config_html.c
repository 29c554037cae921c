/* validation.allowed_html_attributes: which attributes stay in HTML fields, tag by tag. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "policy/html_attribute.h"

static const char path[] = "validation.allowed_html_attributes";

struct reader {
	struct config *config;
	struct policy_html_attribute *attributes;
	unsigned count;
	const char *tag;
};

static bool listed(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return false;
}

static void refuse(struct config *config, struct config_place place, struct fw_slice name, const char *tag, bool known)
{
	struct config_suggest suggest;
	char shown[64], hint[128];

	config_suggest_start(&suggest, name);
	for (unsigned i = 0; html_attribute_name(i) != NULL && !known; i++)
		config_suggest_offer(&suggest, html_attribute_name(i), strlen(html_attribute_name(i)));
	config_report_error(config, place, "\"%s\" is not an attribute that can stay at <%s>%s",
			    config_report_quote(config, name, shown), tag, config_suggest_text(&suggest, hint));
}

static bool has(const struct reader *reader, const char *name)
{
	for (unsigned i = 0; i < reader->count; i++)
		if (strcmp(reader->attributes[i].tag, reader->tag) == 0 &&
		    strcmp(reader->attributes[i].name, name) == 0)
			return true;
	return false;
}

static void read_attribute(struct reader *reader, struct config_place place, struct fw_slice name)
{
	struct config *config = reader->config;
	struct policy_html_attribute attribute = { .tag = reader->tag };
	bool known;

	attribute.name = html_attribute_find(name, slice_text(reader->tag), &attribute.value, &known);
	if (attribute.name == NULL)
		refuse(config, place, name, reader->tag, known);
	else if (has(reader, attribute.name))
		config_report_error(config, place, "\"%s\" is listed a second time", attribute.name);
	else if (reader->count == LIMIT_HTML_ATTRIBUTES)
		config_report_error(config, place, "there are more than %d attributes", (int)LIMIT_HTML_ATTRIBUTES);
	else
		reader->attributes[reader->count++] = attribute;
}

static void read_tag(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct config *config = reader->config;
	struct config_place place = { .node = key };
	struct texts texts = { NULL, 0 };
	struct fw_slice name;

	if (!config_yaml_key(config, place, key, &name) || !config_check_tag(config, place, path, name) ||
	    !config_value_texts(config, place, path, value, NULL, &texts))
		return;
	reader->tag = config_value_text(config, name);
	if (reader->tag == NULL)
		return;
	for (size_t i = 0; i < texts.count; i++)
		read_attribute(reader, config_yaml_place(fy_node_sequence_get_by_index(value, (int)i), place),
			       slice_text(texts.items[i]));
	if (!listed(&config->policy->settings.html_tags, reader->tag))
		config_report_warning(config, place,
				      "attributes of <%s> have no effect: the tag is not in "
				      "\"validation.allowed_html_tags\"",
				      reader->tag);
}

static bool overlaid(const struct config *config, struct fy_node *key)
{
	struct config_place place;

	return config_show_origin(config->html_attributes, config_yaml_text(key, NULL), &place) == CONFIG_FROM_OVERLAY;
}

/* Tag by tag: what an overlay says of a tag stands above what the file says of it. */
static void read_layer(struct reader *reader, unsigned layer)
{
	const struct config_section *section = &reader->config->html_attributes[layer];
	struct fy_node_pair *pair;
	void *at = NULL;

	if (section->key == NULL || !config_yaml_is_map(reader->config, (struct config_place){ .node = section->key },
							"\"validation.allowed_html_attributes\"", section->value))
		return;
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL)
		if (layer == CONFIG_OVERLAY || !overlaid(reader->config, fy_node_pair_key(pair)))
			read_tag(reader, fy_node_pair_key(pair), fy_node_pair_value(pair));
}

void config_html(struct config *config)
{
	struct fw_policy *policy = config->policy;
	struct reader reader = { .config = config };

	if (config_topmost(config->html_attributes)->key == NULL) {
		policy->html_attributes = html_attribute_defaults(&policy->html_attribute_count);
		return;
	}
	reader.attributes = config_value_zero(config, LIMIT_HTML_ATTRIBUTES, sizeof(*reader.attributes));
	for (unsigned i = 0; i < CONFIG_LAYERS && reader.attributes != NULL; i++)
		read_layer(&reader, i);
	policy->html_attributes = reader.attributes;
	policy->html_attribute_count = reader.count;
}
