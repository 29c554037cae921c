/* Environments: what is default in one, and its overlay in the file's environment_overrides. */
#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

static const char *const known[] = {
#define ENVIRONMENT(name, help) #name,
#define ENVIRONMENT_VALUE(environment, path, value)
#include "tables/environments.def"
#undef ENVIRONMENT
#undef ENVIRONMENT_VALUE
};
static const struct {
	const char *environment, *path, *value;
} values[] = {
#define ENVIRONMENT(name, help)
#define ENVIRONMENT_VALUE(environment, path, value) { #environment, path, value },
#include "tables/environments.def"
#undef ENVIRONMENT
#undef ENVIRONMENT_VALUE
};
enum { KNOWN = sizeof(known) / sizeof(*known), VALUES = sizeof(values) / sizeof(*values) };

static bool is_known(struct fw_slice name)
{
	for (unsigned i = 0; i < KNOWN; i++)
		if (slice_is(name, known[i]))
			return true;
	return false;
}

/* The next overlay; false at the end. Names that do not hold are left out: see check_names. */
static bool next_overlay(const struct config *config, void **at, struct fw_slice *ret_name,
			 struct config_section *ret_overlay)
{
	struct fy_node_pair *pair;

	if (config->environments.value == NULL || !fy_node_is_mapping(config->environments.value))
		return false;
	while ((pair = fy_node_mapping_iterate(config->environments.value, at)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);

		if (!fy_node_is_scalar(key) || fy_node_is_alias(key))
			continue;
		*ret_name = config_yaml_text(key, NULL);
		*ret_overlay = (struct config_section){ key, fy_node_pair_value(pair) };
		if (config_check_id(*ret_name, 64))
			return true;
	}
	return false;
}

static bool find_overlay(const struct config *config, struct fw_slice wanted, struct config_section *ret_overlay)
{
	struct fw_slice name;
	void *at = NULL;

	while (next_overlay(config, &at, &name, ret_overlay))
		if (slice_equal(name, wanted))
			return true;
	return false;
}

static void check_names(struct config *config)
{
	struct config_section *section = &config->environments, found;
	struct fy_node_pair *pair;
	void *at = NULL;

	if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
							"\"environment_overrides\"", section->value))
		return;
	if (fy_node_mapping_item_count(section->value) > LIMIT_ENVIRONMENTS)
		config_report_error(config, (struct config_place){ .node = section->key },
				    "there are more than %d overlays", (int)LIMIT_ENVIRONMENTS);
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;

		if (!config_yaml_key(config, place, fy_node_pair_key(pair), &name))
			continue;
		if (!config_check_id(name, 64))
			config_report_error(config, place,
					    "an environment is a name of at most 64 letters, digits, _, - and .");
		else if (find_overlay(config, name, &found) && found.key != place.node)
			config_report_error(config, place, "the overlay \"%.*s\" is given a second time",
					    (int)name.size, (const char *)name.data);
	}
}

static void report_unknown(struct config *config, struct config_place place, struct fw_slice wanted)
{
	struct config_suggest suggest;
	struct config_section overlay;
	struct fw_slice name;
	char text[256] = "", shown[64], hint[128];
	void *at = NULL;
	size_t n = 0;

	config_suggest_start(&suggest, wanted);
	for (unsigned i = 0; i < KNOWN; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i != 0 ? ", " : "", known[i]);
		config_suggest_offer(&suggest, known[i], strlen(known[i]));
	}
	while (next_overlay(config, &at, &name, &overlay)) {
		if (is_known(name))
			continue;
		config_suggest_offer(&suggest, (const char *)name.data, name.size);
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, ", %.*s", (int)name.size,
					      (const char *)name.data);
	}
	config_report_error(config, place, "there is no environment \"%s\"; there are %s%s",
			    config_report_quote(config, wanted, shown), text, config_suggest_text(&suggest, hint));
}

/* Only where the file says nothing: what somebody wrote stands above a default. */
static void apply_defaults(struct config *config, struct fw_slice name)
{
	for (unsigned i = 0; i < VALUES; i++) {
		unsigned row = config_scalar_find(values[i].path);
		struct config_place place = { .origin = values[i].environment };

		if (slice_is(name, values[i].environment) && config->origins[row].from == CONFIG_FROM_DEFAULT)
			config_scalar_text(config, row, place, CONFIG_FROM_ENVIRONMENT, values[i].value);
	}
}

void config_environment(struct config *config)
{
	unsigned row = config_scalar_find("environment");
	struct config_section overlay;
	struct fw_slice name;

	check_names(config);
	name = slice_text(config->policy->settings.environment);
	if (name.size == 0)
		return;
	if (is_known(name))
		apply_defaults(config, name);
	if (find_overlay(config, name, &overlay)) {
		config_walk(config, overlay.value, (struct config_place){ .node = overlay.key }, CONFIG_OVERLAY);
	} else if (!is_known(name)) {
		report_unknown(config, config->origins[row].place, name);
	}
}

/* The part of the file from a key on to the next key of its mapping or of the file. */
static size_t end_of(struct fy_node *map, size_t start, size_t end)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		size_t offset = config_report_offset((struct config_place){ .node = fy_node_pair_key(pair) });

		if (offset > start && offset < end)
			end = offset;
	}
	return end;
}

void config_environment_others(struct config *config, config_environment_judge *judge)
{
	struct fw_slice chosen = slice_text(config->policy->settings.environment), name;
	struct config_section overlay;
	void *at = NULL;

	while (next_overlay(config, &at, &name, &overlay)) {
		size_t start = config_report_offset((struct config_place){ .node = overlay.key });
		size_t end = end_of(config->root, start, end_of(config->environments.value, start, SIZE_MAX));

		if (!slice_equal(name, chosen))
			judge(config, name, start, end);
	}
}
