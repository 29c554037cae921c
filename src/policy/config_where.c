/* `where` of a rule: which events it is about, in the words of `audit search`. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <string.h>

#include "base/slice.h"
#include "policy/config_event.h"
#include "base/event_where.h"

enum { WHERE_LEVEL, WHERE_USER, WHERE_SESSION, WHERE_WORDS, WHERE_IP, WHERE_MAP, WHERE_MEMBERS };
static const char *const members[WHERE_MEMBERS] = { "level", "user", "session", "text", "ip", "details" };
static const char *const levels[] = { "info", "warning", "critical", "emergency" };

int config_where_level(const char *text)
{
	for (int level = 0; level < (int)(sizeof(levels) / sizeof(*levels)); level++)
		if (slice_is_nocase(slice_text(text), levels[level]))
			return level;
	return -1;
}

void config_where_text(struct config *config, const char *name, struct config_place place, struct fy_node *value,
		       const char **ret_text)
{
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, name, value, &text))
		return;
	if (text.size == 0 || text.size > WHERE_TEXT || memchr(text.data, '\n', text.size) != NULL)
		config_report_error(config, place, "\"%s\" is one line of 1 to %d octets", name, (int)WHERE_TEXT);
	else
		*ret_text = config_value_text(config, text);
}

static void read_details(struct config *config, struct config_place place, struct fy_node *map,
			 struct event_where *where)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (!config_yaml_is_map(config, place, "\"details\"", map))
		return;
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;
		unsigned n = where->detail_count;

		if (!config_yaml_key(config, key, key.node, &name) || !config_walk_first(config, map, key.node))
			continue;
		if (n == WHERE_DETAILS) {
			config_report_error(config, key, "\"details\" has more than %d members", (int)WHERE_DETAILS);
			return;
		}
		where->details[n].key = config_value_text(config, name);
		if (config_value_texts(config, key, "details", fy_node_pair_value(pair), NULL,
				       &where->details[n].values) &&
		    where->details[n].values.count == 0)
			config_report_error(config, key, "none of no texts can hold");
		where->detail_count++;
	}
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct event_where *where = user;
	const char **const texts[] = { &where->level, &where->user, &where->session, &where->text };
	struct fw_slice text;
	int level;

	if (index == WHERE_IP) {
		if (config_yaml_is_text(config, place, "ip", value, &text) && !addr_net_parse(text, &where->ip))
			config_report_error(config, place, "\"ip\" is an address or a network such as 10.0.0.0/8");
		return;
	}
	if (index == WHERE_MAP) {
		read_details(config, place, value, where);
		return;
	}
	config_where_text(config, members[index], place, value, texts[index]);
	if (index != WHERE_LEVEL || where->level == NULL)
		return;
	level = config_where_level(where->level);
	if (level < 0)
		config_report_error(config, place, "\"level\" is info, warning, critical or emergency");
	else
		where->level = levels[level];
}

void config_where(struct config *config, struct config_place place, struct fy_node *map, struct event_where *where)
{
	if (config_yaml_is_map(config, place, "\"where\"", map))
		config_walk_map(config, map, "where", members, WHERE_MEMBERS, set_member, where);
}

void config_where_digest(uint8_t digest[32], const struct event_where *where)
{
	config_digest_text(digest, where->level);
	config_digest_text(digest, where->user);
	config_digest_text(digest, where->session);
	config_digest_text(digest, where->text);
	config_digest(digest, slice(where->ip.base.bytes, sizeof(where->ip.base.bytes)));
	config_digest(digest, slice(&where->ip.base.family, 1));
	config_digest(digest, slice(&where->ip.bits, 1));
	for (unsigned i = 0; i < where->detail_count; i++) {
		config_digest_text(digest, where->details[i].key);
		config_digest_texts(digest, &where->details[i].values);
	}
}
