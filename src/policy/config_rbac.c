#include "policy/config_rbac.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "policy/contract.h"

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

static void add_contract_permission(void *user, const char *name)
{
	config_rbac_permission(user, (struct config_place){ 0 }, slice_text(name));
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

static void add_defaults(struct config_rbac_builder *builder)
{
	struct config *config = builder->config;

	for (size_t i = 0; i < sizeof(default_permissions) / sizeof(*default_permissions); i++)
		config_rbac_permission(config, (struct config_place){ 0 }, slice_text(default_permissions[i]));
	contract_permissions(add_contract_permission, config);
	for (unsigned i = 0; i < DEFAULT_ROLES && !config->short_of_memory; i++) {
		uint16_t role = add_role(config, (struct config_place){ 0 }, slice_text(default_roles[i].name));
		uint16_t parent = policy_role_find(config->policy, slice_text(default_roles[i].inherits));

		if (role == POLICY_NONE)
			return;
		/* D3 of the checklist: admin is a moderator is a user is a guest, whatever else the file adds. */
		if (parent != POLICY_NONE)
			builder->default_parents[role] = builder->parents[role] = 1u << parent;
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
	config_report_error(config, place, "there is no role \"%s\"%s", config_report_quote(config, name, shown),
			    suggest.best != NULL ? config_suggest_text(&suggest, hint) : "; define it in rbac.roles");
	return POLICY_NONE;
}

static void give_permissions(struct config_rbac_builder *builder, uint16_t role, struct config_place place,
			     struct fy_node *list)
{
	if (builder->given[role] && builder->given_layer[role] == builder->config->layer) {
		config_report_error(builder->config, place, "the permissions of role \"%s\" are given a second time",
				    builder->config->policy->roles[role].name);
		return;
	}
	builder->given[role] = true;
	builder->given_layer[role] = builder->config->layer;
	builder->own_place[role] = place;
	builder->own_node[role] = list;
}

static void read_parents(struct config_rbac_builder *builder, uint16_t role, struct config_place place,
			 struct fy_node *list)
{
	struct fy_node *item;
	void *at = NULL;

	if (!config_yaml_is_list(builder->config, place, "what a role inherits", list))
		return;
	if (builder->layer[role] != builder->config->layer) { /* an overlay's list replaces that of the file */
		builder->layer[role] = builder->config->layer;
		builder->parents[role] = builder->default_parents[role];
	}
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
static void each_role(struct config_rbac_builder *builder, const struct config_section *section, const char *what,
		      bool parents)
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
			config_report_error(builder->config, place, "role \"%s\" is given a second time",
					    builder->config->policy->roles[role].name);
		else if (parents)
			read_parents(builder, role, place, fy_node_pair_value(pair));
		else
			give_permissions(builder, role, place, fy_node_pair_value(pair));
		seen |= 1u << role;
	}
}

/* First the names, so that a role may inherit one that stands below it. */
static void name_roles(struct config_rbac_builder *builder, struct fy_node *map)
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
			config_report_error(config, place,
					    "a role is a name of at most 64 letters, digits, _, - and .");
			continue;
		}
		role = policy_role_find(config->policy, name);
		if (role == POLICY_NONE)
			role = add_role(config, place, name);
		else if ((seen >> role) & 1)
			config_report_error(config, place, "role \"%s\" is given a second time",
					    config->policy->roles[role].name);
		if (role == POLICY_NONE)
			continue;
		seen |= 1u << role;
		builder->place[role] = place;
	}
}

struct role_reader {
	struct config_rbac_builder *builder;
	uint16_t role;
};

static void set_role_member(struct config *config, void *user, unsigned index, struct config_place key,
			    struct fy_node *value)
{
	struct role_reader *reader = user;

	(void)config;
	if (index == 0)
		give_permissions(reader->builder, reader->role, key, value);
	else
		read_parents(reader->builder, reader->role, key, value);
}

static void read_roles(struct config_rbac_builder *builder, const struct config_section *section)
{
	static const char *const names[] = { "permissions", "inherits" };
	struct config *config = builder->config;
	struct fy_node_pair *pair;
	void *at = NULL;

	if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
							"\"rbac.roles\"", section->value))
		return;
	name_roles(builder, section->value);
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL) {
		struct config_place place = { .node = fy_node_pair_key(pair) };
		struct role_reader reader = { .builder = builder };

		if (!fy_node_is_scalar(fy_node_pair_key(pair)))
			continue;
		reader.role = policy_role_find(config->policy, config_yaml_text(fy_node_pair_key(pair), NULL));
		if (reader.role != POLICY_NONE && config_yaml_is_map(config, place, "a role", fy_node_pair_value(pair)))
			config_walk_map(config, fy_node_pair_value(pair), "a role", names, 2, set_role_member, &reader);
	}
}

void config_rbac(struct config *config)
{
	struct config_rbac_builder builder = { .config = config };
	struct fw_policy *policy = config->policy;

	add_defaults(&builder);
	for (unsigned i = 0; i < CONFIG_LAYERS; i++)
		config_rbac_categories(config, &config->categories[i]);
	config_define_permissions(config);
	builder.known = policy->permission_count;
	for (unsigned i = 0; i < CONFIG_LAYERS; i++) {
		config->layer = i;
		read_roles(&builder, &config->roles[i]);
		each_role(&builder, &config->permissions[i], "\"rbac.default_permissions\"", false);
		each_role(&builder, &config->hierarchy[i], "\"rbac.role_hierarchy\"", true);
	}
	config_rbac_patterns(&builder);
	config_rbac_circles(&builder);
	if (config->short_of_memory)
		return;
	config_rbac_close(&builder);
	policy->role_default = policy_role_find(policy, slice_text("guest"));
	if (policy->role_default == POLICY_NONE)
		policy->role_default = 0;
}
