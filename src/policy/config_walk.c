#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

/* The file is a tree of sections whose leaves are the rows of config.def and the sections below, which have a shape of
 * their own. */

enum { CHILDREN = 64, PATH_ROOM = 96 };

/* A section that is kept for later. NOWHERE: known to the specification and without effect in this version. */
struct special {
	const char *path;
	size_t offset; /* of the config_section in struct config, or NOWHERE */
};
#define NOWHERE SIZE_MAX

static const struct special specials[] = {
#define SECTION(path, member, example, help) { path, offsetof(struct config, member) },
#define SECTION_IDLE(path, example, help) { path, NOWHERE },
#include "tables/sections.def"
};
enum { SPECIALS = sizeof(specials) / sizeof(*specials) };

/* All paths of the file: the rows, then the sections. */
static const char *path_of(unsigned i)
{
	unsigned rows = config_scalar_count();

	if (i < rows)
		return config_scalar_path(i);
	return i - rows < SPECIALS ? specials[i - rows].path : NULL;
}

/* A key of the section `prefix`: where its name starts in a path, and how long it is; 0: the path is not below the
 * section. */
static size_t child_of(const char *path, const char *prefix, const char **ret_name)
{
	size_t n = strlen(prefix);
	const char *end;

	if (n != 0) {
		if (strncmp(path, prefix, n) != 0 || path[n] != '.')
			return 0;
		path += n + 1;
	}
	end = strchr(path, '.');
	*ret_name = path;
	return end != NULL ? (size_t)(end - path) : strlen(path);
}

struct walk {
	struct config *config;
	const char *prefix;
	struct {
		const char *name; /* of a path above, so that equal names are found without copies */
		size_t size;
		struct fy_node *key;
	} seen[CHILDREN];
	unsigned seen_count;
};

static unsigned line_of(struct fy_node *key)
{
	const struct fy_mark *mark = fy_token_start_mark(fy_node_get_scalar_token(key));

	return mark != NULL ? (unsigned)mark->line + 1 : 0;
}

static bool first_time(struct walk *walk, struct fw_slice name, struct fy_node *key)
{
	for (unsigned i = 0; i < walk->seen_count; i++) {
		if (!slice_equal(name, slice(walk->seen[i].name, walk->seen[i].size)))
			continue;
		config_report_error(walk->config, (struct config_place){ .node = key },
				    "\"%.*s\" is given a second time; first in line %u", (int)name.size,
				    (const char *)name.data, line_of(walk->seen[i].key));
		return false;
	}
	if (walk->seen_count < CHILDREN) {
		walk->seen[walk->seen_count].name = (const char *)name.data;
		walk->seen[walk->seen_count].size = name.size;
		walk->seen[walk->seen_count++].key = key;
	}
	return true;
}

/* The same name elsewhere in the file is the likeliest mistake after a misspelt one. */
static const char *elsewhere(struct fw_slice name)
{
	const char *path;

	for (unsigned i = 0; (path = path_of(i)) != NULL; i++) {
		const char *last = strrchr(path, '.');

		if (slice_is(name, last != NULL ? last + 1 : path))
			return path;
	}
	return NULL;
}

static void report_unknown(struct walk *walk, struct fy_node *key, struct fw_slice name)
{
	struct config_suggest suggest;
	const char *path, *child;
	char shown[64], hint[128];

	config_suggest_start(&suggest, name);
	for (unsigned i = 0; !config_report_is_full(walk->config) && (path = path_of(i)) != NULL; i++) {
		size_t size = child_of(path, walk->prefix, &child);

		if (size != 0)
			config_suggest_offer(&suggest, child, size);
	}
	if (suggest.best == NULL && elsewhere(name) != NULL) {
		suggest.best = elsewhere(name);
		suggest.best_size = strlen(suggest.best);
	}
	config_report_error(walk->config, (struct config_place){ .node = key }, "unknown key \"%s\"%s%s%s%s",
			    config_report_quote(walk->config, name, shown), *walk->prefix != '\0' ? " in \"" : "",
			    walk->prefix, *walk->prefix != '\0' ? "\"" : "", config_suggest_text(&suggest, hint));
}

/* An overlay that named an environment, or had overlays, could not be read in any order. */
static bool misplaced(struct config *config, const char *path, struct fy_node *key)
{
	bool of_file = strcmp(path, "environment") == 0 || strcmp(path, "environment_overrides") == 0;

	if (config->layer == CONFIG_OVERLAY && of_file)
		config_report_error(config, (struct config_place){ .node = key },
				    "\"%s\" cannot stand in an overlay: it is a key of the file", path);
	return config->layer == CONFIG_OVERLAY && of_file;
}

static void take_special(struct config *config, const struct special *special, struct fy_node *key,
			 struct fy_node *value)
{
	struct config_place place = { .node = key };
	struct config_section *sections = (struct config_section *)((uint8_t *)config + special->offset);

	if (special->offset == NOWHERE)
		config_idle_add(config, place, special->path);
	else if (config_yaml_kind(config, place, value) != CONFIG_BAD)
		sections[config->layer] = (struct config_section){ key, value };
}

static void walk_section(struct config *config, struct config_place place, const char *prefix, struct fy_node *map);

/* security_policies.csp may be the header's text, or a mapping of directives as in the reference configuration. */
static bool is_csp_map(const char *path, struct fy_node *value)
{
	return strcmp(path, "security_policies.csp") == 0 && value != NULL && fy_node_is_mapping(value);
}

static void take_row(struct config *config, unsigned row, struct fy_node *key, struct fy_node *value)
{
	struct config_place place = { .node = key };

	if (is_csp_map(config_scalar_path(row), value))
		config_derive_csp(config, place, value);
	else
		config_scalar_set(config, row, place, value);
	config->origins[row] = (struct config_origin){
		.from = config->layer == CONFIG_OVERLAY ? CONFIG_FROM_OVERLAY : CONFIG_FROM_FILE,
		.place = place,
		.secret = config->secret,
	};
	config->secret = false;
}

static void take_member(struct walk *walk, struct fy_node *key, struct fy_node *value)
{
	unsigned rows = config_scalar_count();
	struct config_place place = { .node = key };
	struct fw_slice name;
	const char *path, *child;

	if (!config_yaml_key(walk->config, place, key, &name))
		return;
	for (unsigned i = 0; (path = path_of(i)) != NULL; i++) {
		size_t size = child_of(path, walk->prefix, &child);
		char below[PATH_ROOM];

		if (size == 0 || !slice_equal(name, slice(child, size)))
			continue;
		if (!first_time(walk, slice(child, size), key) || misplaced(walk->config, path, key))
			return;
		if (child[size] == '.') {
			snprintf(below, sizeof(below), "%.*s", (int)(child - path + (ptrdiff_t)size), path);
			walk_section(walk->config, place, below, value);
		} else if (i >= rows) {
			take_special(walk->config, &specials[i - rows], key, value);
		} else {
			take_row(walk->config, i, key, value);
		}
		return;
	}
	report_unknown(walk, key, name);
}

static void walk_section(struct config *config, struct config_place place, const char *prefix, struct fy_node *map)
{
	struct walk walk = { .config = config, .prefix = prefix };
	struct fy_node_pair *pair;
	char what[PATH_ROOM + 2];
	void *at = NULL;

	snprintf(what, sizeof(what), *prefix != '\0' ? "\"%s\"" : "the configuration%s", prefix);
	if (!config_yaml_is_map(config, place, what, map))
		return;
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL)
		take_member(&walk, fy_node_pair_key(pair), fy_node_pair_value(pair));
}

void config_walk(struct config *config, struct fy_node *root, struct config_place place, unsigned layer)
{
	config->layer = layer;
	walk_section(config, place, "", root);
}

bool config_walk_first(struct config *config, struct fy_node *map, struct fy_node *key)
{
	struct fw_slice name = config_yaml_text(key, NULL);
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL && fy_node_pair_key(pair) != key) {
		if (!slice_equal(config_yaml_text(fy_node_pair_key(pair), NULL), name))
			continue;
		config_report_error(config, (struct config_place){ .node = key },
				    "\"%.*s\" is given a second time; first in line %u", (int)name.size,
				    (const char *)name.data, line_of(fy_node_pair_key(pair)));
		return false;
	}
	return true;
}

static void take_named(struct walk *walk, const char *const *names, unsigned count, struct fy_node_pair *pair,
		       config_walk_member *set, void *user)
{
	struct config_place place = { .node = fy_node_pair_key(pair) };
	struct config_suggest suggest;
	struct fw_slice name;
	char shown[64], hint[128];

	if (!config_yaml_key(walk->config, place, fy_node_pair_key(pair), &name))
		return;
	config_suggest_start(&suggest, name);
	for (unsigned i = 0; i < count; i++) {
		if (slice_is(name, names[i])) {
			if (first_time(walk, slice_text(names[i]), fy_node_pair_key(pair)))
				set(walk->config, user, i, place, fy_node_pair_value(pair));
			return;
		}
		config_suggest_offer(&suggest, names[i], strlen(names[i]));
	}
	config_report_error(walk->config, place, "unknown key \"%s\" in %s%s",
			    config_report_quote(walk->config, name, shown), walk->prefix,
			    config_suggest_text(&suggest, hint));
}

void config_walk_map(struct config *config, struct fy_node *map, const char *what, const char *const *names,
		     unsigned count, config_walk_member *set, void *user)
{
	struct walk walk = { .config = config, .prefix = what };
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL)
		take_named(&walk, names, count, pair, set, user);
}
