/* audit_logging.log_levels: the level that an event has in the record, where it is another than that of events.def. */
#include "policy/config_build.h"

#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"

/* The levels of records, and what other log systems call one of them. */
static const struct {
	const char *name;
	uint8_t level;
} words[] = {
	{ "info", FW_LEVEL_INFO },	     { "warning", FW_LEVEL_WARNING }, { "critical", FW_LEVEL_CRITICAL },
	{ "emergency", FW_LEVEL_EMERGENCY }, { "error", FW_LEVEL_CRITICAL },
};
enum { WORDS = sizeof(words) / sizeof(*words) };

/* The reference configuration speaks of attacks as one. */
static const char group[] = "security_violation";
static const uint16_t attacks[] = { EVENT_dangerous_content, EVENT_csrf_violation, EVENT_origin_refused };

static bool read_level(struct config *config, struct config_place place, struct fw_slice name, struct fy_node *value,
		       uint8_t *ret_level)
{
	struct config_suggest suggest;
	struct fw_slice text;
	char shown[64], quoted[64], hint[128];

	config_report_quote(config, name, quoted);
	if (!config_yaml_is_text(config, place, quoted, value, &text))
		return false;
	config_suggest_start(&suggest, text);
	for (unsigned i = 0; i < WORDS; i++) {
		*ret_level = words[i].level;
		if (slice_is_nocase(text, words[i].name))
			return true;
		config_suggest_offer(&suggest, words[i].name, strlen(words[i].name));
	}
	config_report_error(config, config_yaml_place(value, place),
			    "\"%s\": \"%s\" is not a level; there are info, warning, critical and emergency%s", quoted,
			    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
	return false;
}

static void report_unknown(struct config *config, struct config_place place, struct fw_slice name)
{
	struct config_suggest suggest;
	char shown[64], hint[128];

	config_suggest_start(&suggest, name);
	config_suggest_offer(&suggest, group, strlen(group));
	for (unsigned i = 0; i < EVENT_TYPES; i++)
		config_suggest_offer(&suggest, fw_event_name((uint16_t)i), strlen(fw_event_name((uint16_t)i)));
	config_report_error(config, place, "\"audit_logging.log_levels\": there is no event \"%s\"%s",
			    config_report_quote(config, name, shown), config_suggest_text(&suggest, hint));
}

/* groups: of several events; what is said of one of them alone counts more, so it is read later. */
static void read_entry(struct config *config, bool groups, struct fy_node *key, struct fy_node *value)
{
	uint8_t *levels = config->policy->event_levels, level;
	struct config_place place = { .node = key };
	struct fw_slice name = config_yaml_text(key, NULL);
	unsigned event = config_event_find(name);

	if (groups != slice_is(name, group) || !config_yaml_key(config, place, key, &name))
		return;
	if (!groups && event == EVENT_TYPES)
		report_unknown(config, place, name);
	else if (!read_level(config, place, name, value, &level))
		return;
	else if (groups)
		for (unsigned i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
			levels[attacks[i]] = level;
	else
		levels[event] = level;
}

unsigned config_levels_event(struct fw_slice name)
{
	return slice_is(name, group) ? attacks[0] : config_event_find(name);
}

static void read_layer(struct config *config, const struct config_section *section, bool groups)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL)
		read_entry(config, groups, fy_node_pair_key(pair), fy_node_pair_value(pair));
}

void config_levels(struct config *config)
{
	for (unsigned i = 0; i < EVENT_TYPES; i++)
		config->policy->event_levels[i] = event_type_level(i);
	for (unsigned layer = 0; layer < CONFIG_LAYERS; layer++) {
		const struct config_section *section = &config->log_levels[layer];

		if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
								"\"audit_logging.log_levels\"", section->value))
			continue;
		read_layer(config, section, true);
		read_layer(config, section, false);
	}
}
