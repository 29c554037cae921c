#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "policy/contract.h"

/* Roles while they are read: whose parents, and where the file says so. */
struct builder {
	struct config *config;
	uint32_t parents[LIMIT_ROLES];          /* bit sets of role indexes */
	struct config_place place[LIMIT_ROLES]; /* of the last thing the file says of a role; none: it is a default */
	struct texts own[LIMIT_ROLES];          /* patterns as written */
	struct config_place own_place[LIMIT_ROLES];
	struct fy_node *own_node[LIMIT_ROLES];  /* list of patterns of the file, not yet read */
	bool given[LIMIT_ROLES];                /* the file gives the permissions */
	unsigned known;                         /* permissions of the closed list, before those that only roles name */
};

static const struct {
	const char *name, *inherits, *permissions;
} default_roles[] = {
#define ROLE(name, inherits, permissions) { #name, inherits, permissions },
#include "tables/roles.def"
#undef ROLE
};

static const char *const default_permissions[] = {
#define PERMISSION(name) name,
#include "tables/permissions.def"
#undef PERMISSION
};

enum { DEFAULT_ROLES = sizeof(default_roles) / sizeof(*default_roles) };

static struct fw_policy *policy_of(struct builder *builder)
{
	return builder->config->policy;
}

static uint16_t add_permission(struct config *config, struct config_place place, struct fw_slice name)
{
	struct fw_policy *policy = config->policy;
	uint16_t found = policy_permission_find(policy, name);
	const char *copy;

	if (found != POLICY_NONE)
		return found;
	if (policy->permission_count == LIMIT_PERMISSIONS) {
		config_report_error(config, place, "there are more than %d permissions", (int)LIMIT_PERMISSIONS);
		return POLICY_NONE;
	}
	copy = config_value_text(config, name);
	if (copy == NULL)
		return POLICY_NONE;
	policy->permissions[policy->permission_count] = copy;
	return (uint16_t)policy->permission_count++;
}

static void add_contract_permission(void *user, const char *name)
{
	add_permission(user, (struct config_place){ 0 }, slice_text(name));
}

static uint16_t add_role(struct config *config, struct config_place place, struct fw_slice name)
{
	struct fw_policy *policy = config->policy;
	struct policy_role *role;

	if (policy->role_count == LIMIT_ROLES) {
		config_report_error(config, place, "there are more than %d roles", (int)LIMIT_ROLES);
		return POLICY_NONE;
	}
	role = &policy->roles[policy->role_count];
	role->name = config_value_text(config, name);
	role->name_size = name.size;
	return role->name != NULL ? (uint16_t)policy->role_count++ : POLICY_NONE;
}

/* "a b c" of roles.def as a list. */
static void split(struct config *config, const char *text, struct texts *ret_texts)
{
	size_t count = 0, n;

	for (const char *c = text; *c != '\0'; c++)
		count += *c == ' ';
	ret_texts->items = config_value_zero(config, count + 1, sizeof(*ret_texts->items));
	ret_texts->count = 0;
	for (; ret_texts->items != NULL && *text != '\0'; text += n + (text[n] == ' ')) {
		n = strcspn(text, " ");
		ret_texts->items[ret_texts->count++] = config_value_text(config, slice(text, n));
	}
}

static void add_defaults(struct builder *builder)
{
	struct config *config = builder->config;

	for (size_t i = 0; i < sizeof(default_permissions) / sizeof(*default_permissions); i++)
		add_permission(config, (struct config_place){ 0 }, slice_text(default_permissions[i]));
	contract_permissions(add_contract_permission, config);
	for (unsigned i = 0; i < DEFAULT_ROLES && !config->short_of_memory; i++) {
		uint16_t role = add_role(config, (struct config_place){ 0 }, slice_text(default_roles[i].name));
		uint16_t parent = policy_role_find(config->policy, slice_text(default_roles[i].inherits));

		if (role == POLICY_NONE)
			return;
		/* D3 of the checklist: admin is a moderator is a user is a guest, whatever else the file adds. */
		if (parent != POLICY_NONE)
			builder->parents[role] = 1u << parent;
		split(config, default_roles[i].permissions, &builder->own[role]);
	}
}

uint16_t config_rbac_role(struct config *config, struct config_place place, struct fw_slice name)
{
	struct fw_policy *policy = config->policy;
	uint16_t role = policy_role_find(policy, name);
	struct config_suggest suggest;
	char shown[64], hint[128];

	if (role != POLICY_NONE)
		return role;
	config_suggest_start(&suggest, name);
	for (unsigned i = 0; i < policy->role_count; i++)
		config_suggest_offer(&suggest, policy->roles[i].name, policy->roles[i].name_size);
	config_report_error(config, place, "there is no role \"%s\"%s", config_report_quote(name, shown),
			    suggest.best != NULL ? config_suggest_text(&suggest, hint) : "; define it in rbac.roles");
	return POLICY_NONE;
}

/* permission_categories: {chat: [send, read]} */
static void read_category(struct config *config, struct fw_slice category, struct config_place place, struct fy_node *list)
{
	struct fy_node *item;
	void *at = NULL;
	char name[160];

	if (!config_yaml_is_list(config, place, "a category", list))
		return;
	while ((item = fy_node_sequence_iterate(list, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);
		struct fw_slice action;

		if (!config_yaml_is_text(config, here, "a permission", item, &action))
			continue;
		if (!config_check_id(action, 64)) {
			config_report_error(config, here, "a permission is a name of letters, digits, _ and -");
			continue;
		}
		snprintf(name, sizeof(name), "%.*s.%.*s", (int)category.size, (const char *)category.data, (int)action.size,
			 (const char *)action.data);
		add_permission(config, here, slice_text(name));
	}
}

static void read_categories(struct config *config)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (config->categories.key == NULL ||
	    !config_yaml_is_map(config, (struct config_place){ .node = config->categories.key }, "\"rbac.permission_categories\"",
				config->categories.value))
		return;
	while ((pair = fy_node_mapping_iterate(config->categories.value, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;

		if (!config_yaml_key(config, place, fy_node_pair_key(pair), &name))
			continue;
		if (config_check_id(name, 64))
			read_category(config, name, place, fy_node_pair_value(pair));
		else
			config_report_error(config, place, "a category is a name of letters, digits, _ and -");
	}
}

static void give_permissions(struct builder *builder, uint16_t role, struct config_place place, struct fy_node *list)
{
	if (builder->given[role]) {
		config_report_error(builder->config, place, "the permissions of role \"%s\" are given a second time",
				    policy_of(builder)->roles[role].name);
		return;
	}
	builder->given[role] = true;
	builder->own_place[role] = place;
	builder->own_node[role] = list;
}

static void read_parents(struct builder *builder, uint16_t role, struct config_place place, struct fy_node *list)
{
	struct fy_node *item;
	void *at = NULL;

	if (!config_yaml_is_list(builder->config, place, "what a role inherits", list))
		return;
	while ((item = fy_node_sequence_iterate(list, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);
		struct fw_slice name;
		uint16_t parent;

		if (!config_yaml_is_text(builder->config, here, "a role", item, &name))
			continue;
		parent = config_rbac_role(builder->config, here, name);
		/* A role that is said to be itself, as the reference configuration has it, inherits nothing by that. */
		if (parent == POLICY_NONE || parent == role)
			continue;
		builder->parents[role] |= 1u << parent;
		builder->place[role] = here;
	}
}

/* Calls for each role of a map {role: …}; names must be known. */
static void each_role(struct builder *builder, const struct config_section *section, const char *what, bool parents)
{
	struct fy_node_pair *pair;
	uint32_t seen = 0;
	void *at = NULL;

	if (section->key == NULL ||
	    !config_yaml_is_map(builder->config, (struct config_place){ .node = section->key }, what, section->value))
		return;
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;
		uint16_t role;

		if (!config_yaml_key(builder->config, place, fy_node_pair_key(pair), &name))
			continue;
		role = config_rbac_role(builder->config, place, name);
		if (role == POLICY_NONE)
			continue;
		if ((seen >> role) & 1)
			config_report_error(builder->config, place, "role \"%s\" is given a second time", policy_of(builder)->roles[role].name);
		else if (parents)
			read_parents(builder, role, place, fy_node_pair_value(pair));
		else
			give_permissions(builder, role, place, fy_node_pair_value(pair));
		seen |= 1u << role;
	}
}

/* First the names, so that a role may inherit one that stands below it. */
static void name_roles(struct builder *builder, struct fy_node *map)
{
	struct config *config = builder->config;
	struct fy_node_pair *pair;
	uint32_t seen = 0;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;
		uint16_t role;

		if (!config_yaml_key(config, place, fy_node_pair_key(pair), &name))
			continue;
		if (!config_check_id(name, 64)) {
			config_report_error(config, place, "a role is a name of at most 64 letters, digits, _, - and .");
			continue;
		}
		role = policy_role_find(config->policy, name);
		if (role == POLICY_NONE)
			role = add_role(config, place, name);
		else if ((seen >> role) & 1)
			config_report_error(config, place, "role \"%s\" is given a second time", config->policy->roles[role].name);
		if (role == POLICY_NONE)
			continue;
		seen |= 1u << role;
		builder->place[role] = place;
	}
}

struct role_reader {
	struct builder *builder;
	uint16_t role;
};

static void set_role_member(struct config *config, void *user, unsigned index, struct config_place key, struct fy_node *value)
{
	struct role_reader *reader = user;

	(void)config;
	if (index == 0)
		give_permissions(reader->builder, reader->role, key, value);
	else
		read_parents(reader->builder, reader->role, key, value);
}

static void read_roles(struct builder *builder)
{
	static const char *const names[] = { "permissions", "inherits" };
	struct config *config = builder->config;
	struct fy_node_pair *pair;
	void *at = NULL;

	if (config->roles.key == NULL ||
	    !config_yaml_is_map(config, (struct config_place){ .node = config->roles.key }, "\"rbac.roles\"", config->roles.value))
		return;
	name_roles(builder, config->roles.value);
	while ((pair = fy_node_mapping_iterate(config->roles.value, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct role_reader reader = { .builder = builder };

		if (!fy_node_is_scalar(fy_node_pair_key(pair)))
			continue;
		reader.role = policy_role_find(config->policy, config_yaml_text(fy_node_pair_key(pair), NULL));
		if (reader.role != POLICY_NONE && config_yaml_is_map(config, place, "a role", fy_node_pair_value(pair)))
			config_walk_map(config, fy_node_pair_value(pair), "a role", names, 2, set_role_member, &reader);
	}
}

static bool pattern_holds(struct fw_slice pattern, bool *ret_wild)
{
	size_t start = 0;

	*ret_wild = false;
	for (size_t i = 0; i <= pattern.size; i++) {
		struct fw_slice segment;

		if (i < pattern.size && pattern.data[i] != '.')
			continue;
		segment = slice(pattern.data + start, i - start);
		if (slice_is(segment, "*"))
			*ret_wild = true;
		else if (!config_check_id(segment, 64))
			return false;
		start = i + 1;
	}
	return pattern.size <= 128;
}

/* What looks like a known permission and is none grants nothing anybody asks for. */
static void suspect(struct builder *builder, struct config_place place, struct fw_slice name)
{
	struct config *config = builder->config;
	struct config_suggest suggest;
	char shown[64], hint[128];

	config_suggest_start(&suggest, name);
	for (unsigned i = 0; i < builder->known; i++)
		config_suggest_offer(&suggest, config->policy->permissions[i], strlen(config->policy->permissions[i]));
	if (suggest.best == NULL || suggest.distance > 2)
		return;
	config_report_quote(name, shown);
	config_suggest_text(&suggest, hint);
	if (config->strict)
		config_report_error(config, place, "no message and no category has the permission \"%s\"%s", shown, hint);
	else
		config_report_warning(config, place, "no message and no category has the permission \"%s\"%s", shown, hint);
}

static bool known_permission(struct builder *builder, struct fw_slice name)
{
	uint16_t found = policy_permission_find(policy_of(builder), name);

	return found < builder->known;
}

static bool grants_any(struct builder *builder, struct fw_slice pattern)
{
	struct fw_policy *policy = policy_of(builder);

	for (unsigned i = 0; i < policy->permission_count; i++)
		if (rbac_pattern_grants(pattern, slice_text(policy->permissions[i])))
			return true;
	return false;
}

static void read_patterns(struct builder *builder, uint16_t role)
{
	struct config *config = builder->config;
	struct fy_node *list = builder->own_node[role], *item;
	struct texts *own = &builder->own[role];
	void *at = NULL;
	char shown[64];

	if (!config_yaml_is_list(config, builder->own_place[role], "the permissions of a role", list))
		return;
	*own = (struct texts){ config_value_zero(config, (size_t)fy_node_sequence_item_count(list), sizeof(*own->items)), 0 };
	while (own->items != NULL && (item = fy_node_sequence_iterate(list, &at)) != NULL) {
		struct config_place place = config_yaml_place(item, builder->own_place[role]);
		struct fw_slice pattern;
		bool wild;

		if (!config_yaml_is_text(config, place, "a permission", item, &pattern))
			continue;
		if (!pattern_holds(pattern, &wild)) {
			config_report_error(config, place, "\"%s\" is not a permission: names with dots between, \"*\" for a whole one",
					    config_report_quote(pattern, shown));
			continue;
		}
		if (!wild && !known_permission(builder, pattern)) {
			suspect(builder, place, pattern);
			add_permission(config, place, pattern);
		}
		own->items[own->count] = config_value_text(config, pattern);
		own->count += own->items[own->count] != NULL;
	}
}

static void warn_of_idle_wildcards(struct builder *builder, uint16_t role)
{
	struct config *config = builder->config;
	struct fy_node *item;
	void *at = NULL;
	char shown[64];

	if (builder->own_node[role] == NULL || !fy_node_is_sequence(builder->own_node[role]))
		return;
	while ((item = fy_node_sequence_iterate(builder->own_node[role], &at)) != NULL) {
		struct fw_slice pattern;
		bool wild;

		if (!fy_node_is_scalar(item) || fy_node_is_alias(item))
			continue;
		pattern = config_yaml_text(item, NULL);
		if (pattern_holds(pattern, &wild) && wild && !grants_any(builder, pattern))
			config_report_warning(config, config_yaml_place(item, builder->own_place[role]), "\"%s\" grants nothing",
					      config_report_quote(pattern, shown));
	}
}

/* Depth first with the way so far, so that a cycle can be named. */
struct way {
	uint16_t role[LIMIT_ROLES + 1];
	unsigned size;
	uint32_t done, reported;
};

static void report_cycle(struct builder *builder, const struct way *way, unsigned from)
{
	struct config_place place = { 0 };
	char text[400];
	size_t n = 0;

	for (unsigned i = from; i < way->size; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i != from ? " -> " : "", policy_of(builder)->roles[way->role[i]].name);
		if (n >= sizeof(text))
			n = sizeof(text) - 1;
		if (builder->place[way->role[i]].node != NULL)
			place = builder->place[way->role[i]];
	}
	snprintf(text + n, sizeof(text) - n, " -> %s", policy_of(builder)->roles[way->role[from]].name);
	config_report_error(builder->config, place, "roles inherit in a circle: %s", text);
}

static void visit(struct builder *builder, struct way *way, uint16_t role)
{
	for (unsigned i = 0; i < way->size; i++) {
		if (way->role[i] == role) {
			report_cycle(builder, way, i);
			return;
		}
	}
	if ((way->done >> role) & 1)
		return;
	way->role[way->size++] = role;
	for (uint16_t parent = 0; parent < policy_of(builder)->role_count; parent++)
		if ((builder->parents[role] >> parent) & 1)
			visit(builder, way, parent);
	way->size--;
	way->done |= 1u << role;
}

static void close_over(struct builder *builder)
{
	struct fw_policy *policy = policy_of(builder);
	bool grew = true;

	for (unsigned i = 0; i < policy->role_count; i++)
		policy->roles[i].is = (1u << i) | builder->parents[i];
	while (grew) {
		grew = false;
		for (unsigned i = 0; i < policy->role_count; i++) {
			uint32_t is = policy->roles[i].is;

			for (unsigned k = 0; k < policy->role_count; k++)
				if ((is >> k) & 1)
					is |= policy->roles[k].is;
			grew = grew || is != policy->roles[i].is;
			policy->roles[i].is = is;
		}
	}
}

static bool has_text(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return false;
}

static void finish_role(struct builder *builder, uint16_t number)
{
	struct fw_policy *policy = policy_of(builder);
	struct policy_role *role = &policy->roles[number];
	size_t count = 0;

	for (unsigned i = 0; i < policy->role_count; i++)
		count += (role->is >> i) & 1 ? builder->own[i].count : 0;
	role->patterns.items = config_value_zero(builder->config, count, sizeof(*role->patterns.items));
	if (role->patterns.items == NULL)
		return;
	/* Its own first, then those of what it is, nearest first in most files: roles are defined after what they inherit. */
	for (unsigned step = 0; step <= policy->role_count; step++) {
		unsigned from = step == 0 ? number : policy->role_count - step;

		if (((role->is >> from) & 1) == 0 || (step != 0 && from == number))
			continue;
		for (size_t k = 0; k < builder->own[from].count; k++)
			if (!has_text(&role->patterns, builder->own[from].items[k]))
				role->patterns.items[role->patterns.count++] = builder->own[from].items[k];
	}
	for (unsigned p = 0; p < policy->permission_count; p++)
		for (size_t k = 0; k < role->patterns.count; k++)
			if (rbac_pattern_grants(slice_text(role->patterns.items[k]), slice_text(policy->permissions[p])))
				bits_add(&role->permissions, p);
}

void config_rbac(struct config *config)
{
	struct builder builder = { .config = config };
	struct fw_policy *policy = config->policy;
	struct way way = { .size = 0 };

	add_defaults(&builder);
	read_categories(config);
	builder.known = policy->permission_count;
	read_roles(&builder);
	each_role(&builder, &config->permissions, "\"rbac.default_permissions\"", false);
	each_role(&builder, &config->hierarchy, "\"rbac.role_hierarchy\"", true);
	for (uint16_t i = 0; i < policy->role_count; i++)
		if (builder.given[i])
			read_patterns(&builder, i);
	for (uint16_t i = 0; i < policy->role_count; i++)
		warn_of_idle_wildcards(&builder, i);
	for (uint16_t i = 0; i < policy->role_count; i++)
		visit(&builder, &way, i);
	if (config->short_of_memory)
		return;
	close_over(&builder);
	for (uint16_t i = 0; i < policy->role_count; i++)
		finish_role(&builder, i);
	policy->role_default = policy_role_find(policy, slice_text("guest"));
	if (policy->role_default == POLICY_NONE)
		policy->role_default = 0;
}
