#include "policy/config_rbac.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

uint16_t config_rbac_permission(struct config *config, struct config_place place, struct fw_slice name)
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

/* permission_categories: {chat: [send, read]} */
static void read_category(struct config *config, struct fw_slice category, struct config_place place,
			  struct fy_node *list)
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
		snprintf(name, sizeof(name), "%.*s.%.*s", (int)category.size, (const char *)category.data,
			 (int)action.size, (const char *)action.data);
		config_rbac_permission(config, here, slice_text(name));
	}
}

/* Permissions only come to be: what the file lists and what an overlay lists exists. */
void config_rbac_categories(struct config *config, const struct config_section *section)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
							"\"rbac.permission_categories\"", section->value))
		return;
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL) {
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
static void suspect(struct config_rbac_builder *builder, struct config_place place, struct fw_slice name)
{
	struct config *config = builder->config;
	struct config_suggest suggest;
	char shown[64], hint[128];

	config_suggest_start(&suggest, name);
	for (unsigned i = 0; i < builder->known; i++)
		config_suggest_offer(&suggest, config->policy->permissions[i], strlen(config->policy->permissions[i]));
	if (suggest.best == NULL || suggest.distance > 2)
		return;
	config_report_quote(config, name, shown);
	config_suggest_text(&suggest, hint);
	if (config->policy->settings.rbac_strict)
		config_report_error(config, place, "no message and no category has the permission \"%s\"%s", shown,
				    hint);
	else
		config_report_warning(config, place, "no message and no category has the permission \"%s\"%s", shown,
				      hint);
}

static bool known_permission(struct config_rbac_builder *builder, struct fw_slice name)
{
	uint16_t found = policy_permission_find(builder->config->policy, name);

	return found < builder->known;
}

static bool grants_any(struct config_rbac_builder *builder, struct fw_slice pattern)
{
	struct fw_policy *policy = builder->config->policy;

	for (unsigned i = 0; i < policy->permission_count; i++)
		if (rbac_pattern_grants(pattern, slice_text(policy->permissions[i])))
			return true;
	return false;
}

static void read_patterns(struct config_rbac_builder *builder, unsigned role)
{
	struct config *config = builder->config;
	struct fy_node *list = builder->own_node[role], *item;
	struct texts *own = &builder->own[role];
	void *at = NULL;
	char shown[64];

	if (!config_yaml_is_list(config, builder->own_place[role], "the permissions of a role", list))
		return;
	*own = (struct texts){
		config_value_zero(config, (size_t)fy_node_sequence_item_count(list), sizeof(*own->items)), 0
	};
	while (own->items != NULL && (item = fy_node_sequence_iterate(list, &at)) != NULL) {
		struct config_place place = config_yaml_place(item, builder->own_place[role]);
		struct fw_slice pattern;
		bool wild;

		if (!config_yaml_is_text(config, place, "a permission", item, &pattern))
			continue;
		if (!pattern_holds(pattern, &wild)) {
			config_report_error(
				config, place,
				"\"%s\" is not a permission: names with dots between, \"*\" for a whole one",
				config_report_quote(config, pattern, shown));
			continue;
		}
		if (!wild && !known_permission(builder, pattern)) {
			suspect(builder, place, pattern);
			config_rbac_permission(config, place, pattern);
		}
		own->items[own->count] = config_value_text(config, pattern);
		own->count += own->items[own->count] != NULL;
	}
}

static void warn_of_idle_wildcards(struct config_rbac_builder *builder, unsigned role)
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
			config_report_warning(config, config_yaml_place(item, builder->own_place[role]),
					      "\"%s\" grants nothing", config_report_quote(config, pattern, shown));
	}
}

void config_rbac_patterns(struct config_rbac_builder *builder)
{
	struct fw_policy *policy = builder->config->policy;

	for (unsigned i = 0; i < policy->role_count; i++)
		if (builder->given[i])
			read_patterns(builder, i);
	/* Only now all permissions are known. */
	for (unsigned i = 0; i < policy->role_count; i++)
		warn_of_idle_wildcards(builder, i);
}
