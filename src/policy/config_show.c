/* Every effective value and where it comes from, for check --print and GET /api/v1/policy. Secrets are named, never
 * shown. */
#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { PATH_ROOM = 256 };

/* Lists, routes and roles are made of several values of the file, each of which may be a secret. */
static bool is_secret(const struct config *config, const struct config_shown *shown)
{
	bool found = shown->type == CONFIG_TYPE_TEXT && config_expand_is_in(config, shown->text);

	for (size_t i = 0; shown->type == CONFIG_TYPE_TEXTS && i < shown->texts.count; i++)
		found = found || config_expand_is_in(config, shown->texts.items[i]);
	return found;
}

/* The caller's texts are gone when it returns. */
static void keep(struct config *config, const struct config_shown *shown)
{
	struct policy_shown *kept = config_value_zero(config, 1, sizeof(*kept));
	const char **items;

	if (kept == NULL)
		return;
	kept->value = *shown;
	kept->value.path = config_value_text(config, slice_text(shown->path));
	kept->value.text = shown->type == CONFIG_TYPE_TEXT ? config_value_text(config, slice_text(shown->text)) : NULL;
	kept->value.origin = shown->origin != NULL ? config_value_text(config, slice_text(shown->origin)) : NULL;
	kept->value.texts = (struct texts){ NULL, 0 };
	items = shown->type == CONFIG_TYPE_TEXTS ? config_value_zero(config, shown->texts.count + 1, sizeof(*items))
						 : NULL;
	for (size_t i = 0; items != NULL && i < shown->texts.count; i++)
		items[i] = config_value_text(config, slice_text(shown->texts.items[i]));
	if (config->short_of_memory)
		return;
	if (items != NULL)
		kept->value.texts = (struct texts){ items, shown->texts.count };
	if (config->shown_last != NULL)
		config->shown_last->next = kept;
	else
		config->policy->shown = kept;
	config->shown_last = kept;
}

void config_show_value(struct config *config, enum config_from from, struct config_place place,
		       struct config_shown *shown)
{
	shown->from = from;
	if (from == CONFIG_FROM_FILE || from == CONFIG_FROM_OVERLAY)
		shown->line = config_report_line(config, config_report_offset(place));
	shown->origin = from == CONFIG_FROM_OVERLAY ? config->policy->settings.environment : place.origin;
	if (is_secret(config, shown))
		shown->type = CONFIG_TYPE_SECRET;
	if (config->options->show != NULL)
		config->options->show(config->options->user, shown);
	if (config->options->keeps_shown)
		keep(config, shown);
}

static void show_rows(struct config *config)
{
	for (unsigned row = 0; row < config_scalar_count(); row++) {
		const struct config_origin *origin = &config->origins[row];
		struct config_shown shown = { 0 };

		config_scalar_show(config, row, &shown);
		config_show_value(config, origin->from, origin->place, &shown);
	}
}

enum config_from config_show_origin(const struct config_section sections[CONFIG_LAYERS], struct fw_slice name,
				    struct config_place *ret_place)
{
	*ret_place = (struct config_place){ 0 };
	for (unsigned layer = CONFIG_LAYERS; layer-- > 0;) {
		struct fy_node_pair *pair =
			sections[layer].value != NULL ? config_yaml_pair(sections[layer].value, name) : NULL;

		if (pair == NULL)
			continue;
		ret_place->node = fy_node_pair_key(pair);
		return layer == CONFIG_OVERLAY ? CONFIG_FROM_OVERLAY : CONFIG_FROM_FILE;
	}
	return CONFIG_FROM_DEFAULT;
}

static void show_sizes(struct config *config)
{
	for (unsigned i = 0; i < config->policy->message_count; i++) {
		const struct policy_message *message = &config->policy->messages[i];
		struct config_shown shown = { .type = CONFIG_TYPE_INTEGER, .number = message->max_bytes };
		struct config_place place;
		enum config_from from =
			config_show_origin(config->message_sizes, slice(message->name, message->name_size), &place);
		char path[PATH_ROOM];

		snprintf(path, sizeof(path), "validation.message_sizes.%s", message->name);
		shown.path = path;
		config_show_value(config, from, place, &shown);
	}
}

static int64_t length_of(const struct fw_policy *policy, struct fw_slice name)
{
	for (unsigned i = 0; i < policy->message_count; i++)
		for (unsigned k = 0; k < policy->messages[i].field_count; k++) {
			const struct policy_field *field = &policy->messages[i].fields[k];

			if (field->kind == KIND_STRING && slice_equal(slice(field->name, field->name_size), name))
				return field->max;
		}
	return 0;
}

/* Lengths differ by message: only what the file says is one value. */
static void show_lengths(struct config *config)
{
	for (unsigned layer = 0; layer < CONFIG_LAYERS; layer++) {
		struct fy_node *map = config->max_lengths[layer].value;
		struct fy_node_pair *pair;
		void *at = NULL;

		while (map != NULL && (pair = fy_node_mapping_iterate(map, &at)) != NULL) {
			struct fw_slice name = config_yaml_text(fy_node_pair_key(pair), NULL);
			struct config_shown shown = { .type = CONFIG_TYPE_INTEGER };
			struct config_place place;
			enum config_from from = config_show_origin(config->max_lengths, name, &place);
			char path[PATH_ROOM];

			if (place.node != fy_node_pair_key(pair))
				continue; /* the overlay has another */
			snprintf(path, sizeof(path), "validation.max_lengths.%.*s", (int)name.size,
				 (const char *)name.data);
			shown.path = path;
			shown.number = length_of(config->policy, name);
			config_show_value(config, from, place, &shown);
		}
	}
}

void config_show(struct config *config)
{
	if (config->options->show == NULL && !config->options->keeps_shown)
		return;
	show_rows(config);
	show_sizes(config);
	show_lengths(config);
	config_show_sections(config);
}
