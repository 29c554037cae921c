#include "policy/config_rbac.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

/* Depth first with the way so far, so that a cycle can be named. */
struct way {
	uint16_t role[LIMIT_ROLES + 1];
	unsigned size;
	uint32_t done, reported;
};

static void report_cycle(struct config_rbac_builder *builder, const struct way *way, unsigned from)
{
	struct config_place place = { 0 };
	char text[400];
	size_t n = 0;

	for (unsigned i = from; i < way->size; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i != from ? " -> " : "",
				      builder->config->policy->roles[way->role[i]].name);
		if (n >= sizeof(text))
			n = sizeof(text) - 1;
		if (builder->place[way->role[i]].node != NULL)
			place = builder->place[way->role[i]];
	}
	snprintf(text + n, sizeof(text) - n, " -> %s", builder->config->policy->roles[way->role[from]].name);
	config_report_error(builder->config, place, "roles inherit in a circle: %s", text);
}

static void visit(struct config_rbac_builder *builder, struct way *way, unsigned role)
{
	for (unsigned i = 0; i < way->size; i++) {
		if (way->role[i] == role) {
			report_cycle(builder, way, i);
			return;
		}
	}
	if ((way->done >> role) & 1)
		return;
	way->role[way->size++] = (uint16_t)role;
	for (unsigned parent = 0; parent < builder->config->policy->role_count; parent++)
		if ((builder->parents[role] >> parent) & 1)
			visit(builder, way, parent);
	way->size--;
	way->done |= 1u << role;
}

static void include_all(struct config_rbac_builder *builder)
{
	struct fw_policy *policy = builder->config->policy;
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

static void finish_role(struct config_rbac_builder *builder, unsigned number)
{
	struct fw_policy *policy = builder->config->policy;
	struct policy_role *role = &policy->roles[number];
	size_t count = 0;

	for (unsigned i = 0; i < policy->role_count; i++)
		count += (role->is >> i) & 1 ? builder->own[i].count : 0;
	role->patterns.items = config_value_zero(builder->config, count, sizeof(*role->patterns.items));
	if (role->patterns.items == NULL)
		return;
	/* Its own first, then those of what it is, nearest first in most files: roles are defined after what they
	 * inherit. */
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
			if (rbac_pattern_grants(slice_text(role->patterns.items[k]),
						slice_text(policy->permissions[p])))
				bits_add(&role->permissions, p);
}

void config_rbac_circles(struct config_rbac_builder *builder)
{
	struct way way = { .size = 0 };

	for (unsigned i = 0; i < builder->config->policy->role_count; i++)
		visit(builder, &way, i);
}

void config_rbac_close(struct config_rbac_builder *builder)
{
	include_all(builder);
	for (unsigned i = 0; i < builder->config->policy->role_count; i++)
		finish_role(builder, i);
}
