/* `where` of a rule: which events it is about, in the words of `audit search`. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "crypto/digest.h"
#include "policy/config_event.h"
#include "policy/event_where.h"

enum { WHERE_LEVEL, WHERE_USER, WHERE_WORDS, WHERE_IP, WHERE_MAP, WHERE_MEMBERS };
static const char *const members[WHERE_MEMBERS] = { "level", "user", "text", "ip", "details" };
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
	const char **const texts[] = { &where->level, &where->user, &where->text };
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

static void take(uint8_t digest[32], struct fw_slice value)
{
	digest_sha256_pair(slice(digest, 32), value, digest);
}

static void take_text(uint8_t digest[32], const char *text)
{
	take(digest, text != NULL ? slice(text, strlen(text) + 1) : slice("", 0));
}

void config_where_digest(uint8_t digest[32], const struct event_where *where)
{
	take_text(digest, where->level);
	take_text(digest, where->user);
	take_text(digest, where->text);
	take(digest, slice(where->ip.base.bytes, sizeof(where->ip.base.bytes)));
	take(digest, slice(&where->ip.base.family, 1));
	take(digest, slice(&where->ip.bits, 1));
	for (unsigned i = 0; i < where->detail_count; i++) {
		take_text(digest, where->details[i].key);
		take(digest, slice(&where->details[i].values.count, sizeof(where->details[i].values.count)));
		for (size_t at = 0; at < where->details[i].values.count; at++)
			take_text(digest, where->details[i].values.items[at]);
	}
}
