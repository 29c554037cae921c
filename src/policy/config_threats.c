/* threat_intelligence.lists: lists of addresses that others publish. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <string.h>

#include "base/slice.h"

enum {
#define THREAT_TEXT(name, help) ROW_##name,
#define THREAT_BOOLEAN(name, value, help) ROW_##name,
#define THREAT_INTEGER(name, value, min, max, unit, help) ROW_##name,
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
	ROWS
};

static const char *const names[ROWS] = {
#define THREAT_TEXT(name, help) #name,
#define THREAT_BOOLEAN(name, value, help) #name,
#define THREAT_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
};

static const char *const actions[THREAT_ACTIONS] = { "block", "flag", "count" };

static void set_text(struct config *config, const char *name, struct config_place place, struct fy_node *value,
		     const char **ret_text)
{
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, name, value, &text))
		return;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			text.size = 0;
	if (text.size == 0)
		config_report_error(config, place, "\"%s\" is one line, and not empty", name);
	else
		*ret_text = config_value_text(config, text);
}

static void read_format(struct config *config, struct config_place place, struct threat_list *list)
{
	unsigned format = 0;

	while (format < THREAT_FORMATS && strcmp(threat_format_name(format), list->format) != 0)
		format++;
	if (format == THREAT_FORMATS)
		config_report_error(config, place, "\"format\" is netset, cidr, drop, drop_json or stix");
	list->kind = format;
}

static void read_action(struct config *config, struct config_place place, struct threat_list *list)
{
	unsigned action = 0;

	while (action < THREAT_ACTIONS && strcmp(actions[action], list->action) != 0)
		action++;
	if (action == THREAT_ACTIONS)
		config_report_error(config, place, "\"action\" is block, flag or count");
	list->does = action;
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct threat_list *list = user;
	struct fw_slice text;

	switch (index) {
#define THREAT_TEXT(name, help)                                                                                        \
	case ROW_##name:                                                                                               \
		set_text(config, #name, place, value, &list->name);                                                    \
		break;
#define THREAT_BOOLEAN(name, value_, help)                                                                             \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_boolean(config, place, #name, text, &list->name);                                 \
		break;
#define THREAT_INTEGER(name, value_, min, max, unit, help)                                                             \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_integer(config, place, #name, text, min, max, unit, &list->name);                 \
		break;
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
	default:
		break;
	}
	if (index == ROW_format && list->format != NULL)
		read_format(config, place, list);
	if (index == ROW_action && list->action != NULL)
		read_action(config, place, list);
}

static void read_url(struct config *config, struct config_place place, struct threat_list *list)
{
	struct fw_slice url = slice_text(list->url);
	const char *fault;

	if (slice_starts(url, "file:")) {
		url = slice_from(url, 5);
		if (url.size == 0)
			config_report_error(config, place, "\"url\" names no file, as in file:/var/lib/lists/drop.txt");
		else
			list->path = config_value_beside(config, url);
		return;
	}
	fault = provider_url_fault(url, list->allow_http);
	if (fault != NULL)
		config_report_error(config, place, "\"url\" of a list is file:PATH, or %s", fault);
	if (url.size > THREAT_URL)
		config_report_error(config, place, "\"url\" has more than %d characters", (int)THREAT_URL);
}

static bool is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if ((uint8_t)*text < 0x20 || (uint8_t)*text > 0x7e)
			return false;
	return true;
}

/* "Auth-Key: abc" */
static bool is_header(const char *text)
{
	size_t name = strcspn(text, ": \t");

	return name != 0 && text[name] == ':' && text[name + 1 + strspn(text + name + 1, " ")] != '\0' &&
	       is_visible(text);
}

/* A member that would do nothing is a mistake. */
static void check_kind(struct config *config, struct config_place place, const struct threat_list *list)
{
	const struct {
		const char *name, *value;
	} fetched[] = { { "collection", list->collection },
			{ "authorization", list->authorization },
			{ "header", list->header },
			{ "ca_file", list->ca_file } };

	for (unsigned i = 0; i < sizeof(fetched) / sizeof(*fetched); i++)
		if (list->path != NULL && fetched[i].value != NULL)
			config_report_error(config, place, "\"%s\" has no meaning with this \"url\"", fetched[i].name);
	if (list->collection != NULL && list->kind != THREAT_stix)
		config_report_error(config, place, "\"collection\" needs \"format\": stix");
	if (list->collection != NULL && !config_check_id(slice_text(list->collection), 128))
		config_report_error(config, place,
				    "\"collection\" is an id of letters, digits, \"_\", \"-\" and \".\"");
	if (list->authorization != NULL && !is_visible(list->authorization))
		config_report_error(config, place, "\"authorization\" is visible ASCII, as a header has it");
	if (list->header != NULL && !is_header(list->header))
		config_report_error(config, place, "\"header\" is NAME: VALUE in visible ASCII");
}

static void check_names(struct config *config, struct config_place place, const struct threat_list *list)
{
	const struct threat_list *other = config->policy->threat_lists;

	if (!config_check_id(slice_text(list->name), THREAT_NAME) || list->name[0] == '.')
		config_report_error(config, place,
				    "\"name\" of a list is 1 to %d letters, digits, \"_\", \"-\" and \".\", the "
				    "last not in front",
				    (int)THREAT_NAME);
	for (; other < list; other++)
		if (other->name != NULL && slice_equal_nocase(slice_text(other->name), slice_text(list->name)))
			config_report_error(config, place, "two lists are named \"%s\"", list->name);
}

static void digest_list(struct threat_list *list)
{
	uint8_t *digest = list->digest;

#define THREAT_TEXT(name, help) config_digest_text(digest, list->name);
#define THREAT_BOOLEAN(name, value, help) config_digest(digest, slice(&list->name, sizeof(list->name)));
#define THREAT_INTEGER(name, value, min, max, unit, help) config_digest(digest, slice(&list->name, sizeof(list->name)));
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
}

static void read_list(struct config *config, struct config_place place, struct fy_node *node)
{
	struct threat_list *list = &config->policy->threat_lists[config->policy->threat_list_count++];
	unsigned before = config->errors;

	*list = (struct threat_list){
#define THREAT_TEXT(member, help)
#define THREAT_BOOLEAN(member, value, help) .member = (value),
#define THREAT_INTEGER(member, value, min, max, unit, help) .member = (value),
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
	};
	config_walk_map(config, node, "a list", names, ROWS, set_member, list);
	if (config->errors != before || config->short_of_memory)
		return;
	if (list->name == NULL || list->url == NULL || list->format == NULL) {
		config_report_error(config, place, "a list needs \"name\", \"url\" and \"format\"");
		return;
	}
	check_names(config, place, list);
	read_url(config, place, list);
	if (list->action == NULL)
		list->action = actions[THREAT_BLOCK]; /* 0: that is what it does */
	check_kind(config, place, list);
	if (list->ca_file != NULL)
		list->ca_file = config_value_beside(config, slice_text(list->ca_file));
	digest_list(list);
}

void config_threats(struct config *config)
{
	const struct config_section *section = config_topmost(config->threats);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key == NULL ||
	    !config_yaml_is_list(config, place, "\"threat_intelligence.lists\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_THREAT_LISTS) {
		config_report_error(config, place, "there are more than %d lists", (int)LIMIT_THREAT_LISTS);
		return;
	}
	config->hiding = true; /* what stands beside a mistake may be a secret */
	config->policy->threat_lists = config_value_zero(config, (size_t)count, sizeof(*config->policy->threat_lists));
	while (config->policy->threat_lists != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_list(config, here, item);
		else
			config_report_error(config, here, "each list is a mapping with name, url and format");
	}
	config->hiding = false;
}
