/* config_show_entry.h: for check --print: members of an entry of a list of mappings, as in "routes[0].path". */
#ifndef POLICY_CONFIG_SHOW_ENTRY_H
#define POLICY_CONFIG_SHOW_ENTRY_H
#include "policy/config_build.h"

#include <stdio.h>

enum { PATH_ROOM = 256 };

void config_show_scenarios(struct config *config); /* config_show_alerts.c, as */
void config_show_responses(struct config *config); /* config_show_alerts.c, as */
void config_show_alerts(struct config *config);	   /* config_show_alerts.c */

/* One entry of a list of mappings: "routes[0]". */
struct entry {
	struct config *config;
	const char *list;
	unsigned number;
	enum config_from from;
	struct config_place place;
	struct config_shown shown;
};

static inline void give_member(struct entry *entry, const char *name)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s[%u].%s", entry->list, entry->number, name);
	entry->shown.path = path;
	config_show_value(entry->config, entry->from, entry->place, &entry->shown);
}

static inline void give_text(struct entry *entry, const char *name, const char *text)
{
	entry->shown.type = CONFIG_TYPE_TEXT;
	entry->shown.text = text;
	give_member(entry, name);
}

static inline void give_boolean(struct entry *entry, const char *name, bool value)
{
	entry->shown.type = CONFIG_TYPE_BOOLEAN;
	entry->shown.number = value;
	give_member(entry, name);
}

static inline void give_integer(struct entry *entry, const char *name, int64_t value)
{
	entry->shown.type = CONFIG_TYPE_INTEGER;
	entry->shown.number = value;
	give_member(entry, name);
}

static inline void give_texts(struct entry *entry, const char *name, const struct texts *texts)
{
	entry->shown.type = CONFIG_TYPE_TEXTS;
	entry->shown.texts = *texts;
	give_member(entry, name);
}

static inline void give_secret(struct entry *entry, const char *name)
{
	entry->shown.type = CONFIG_TYPE_SECRET;
	give_member(entry, name);
}

/* Where the entry stands; a list that the file does not have is a default. */
static inline struct entry entry_of(struct config *config, const char *list, const struct config_section sections[],
				    unsigned number)
{
	const struct config_section *section = config_topmost(sections);
	struct entry entry = { .config = config, .list = list, .number = number, .from = CONFIG_FROM_DEFAULT };

	if (section->key != NULL) {
		entry.from = section == &sections[CONFIG_OVERLAY] ? CONFIG_FROM_OVERLAY : CONFIG_FROM_FILE;
		entry.place = config_yaml_place(fy_node_sequence_get_by_index(section->value, (int)number),
						(struct config_place){ .node = section->key });
	}
	return entry;
}
#endif
