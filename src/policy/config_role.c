/* config_role.c: roles that an embedding program defines beside those of the configuration. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/config_suggest.h"
#include "policy/policy.h"

enum { NAME_SIZE = 64, PATTERN_SIZE = 128 };

static int refuse(struct fw_error *reterr_error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int refuse(struct fw_error *reterr_error, int code, const char *format, ...)
{
	va_list arguments;

	if (reterr_error == NULL)
		return code;
	reterr_error->code = code;
	va_start(arguments, format);
	vsnprintf(reterr_error->text, sizeof(reterr_error->text), format, arguments); /* NOLINT: va_start is above */
	va_end(arguments);
	return code;
}

static bool is_name(const char *text, const char *besides)
{
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	while (text[size] != '\0' && strchr(besides, text[size]) != NULL)
		size += 1 +
			strspn(text + size + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	return size != 0 && text[size] == '\0';
}

/* A pattern that grants nothing is a mistake, and so is a name that nothing asks for. */
static int check_permission(const struct fw_policy *policy, const char *name, struct fw_error *reterr_error)
{
	struct config_suggest suggest;
	char hint[128];

	config_suggest_start(&suggest, slice_text(name));
	for (unsigned i = 0; i < policy->permission_count; i++) {
		const char *permission = policy->permissions[i];

		if (rbac_pattern_grants(slice_text(name), slice_text(permission)) && is_name(name, "*") &&
		    strlen(name) <= PATTERN_SIZE)
			return FW_OK;
		config_suggest_offer(&suggest, permission, strlen(permission));
	}
	return refuse(reterr_error, FW_ERR_INVALID, "no permission is \"%.130s\"%s", name,
		      config_suggest_text(&suggest, hint));
}

static int find_parents(const struct fw_policy *policy, const struct fw_role *role, uint32_t *ret_parents,
			struct fw_error *reterr_error)
{
	*ret_parents = 0;
	for (size_t i = 0; i < role->inherit_count; i++) {
		uint16_t parent = policy_role_find(policy, slice_text(role->inherits[i]));

		if (parent == POLICY_NONE)
			return refuse(reterr_error, FW_ERR_INVALID, "there is no role \"%.70s\" to inherit",
				      role->inherits[i]);
		*ret_parents |= policy->roles[parent].is;
	}
	return FW_OK;
}

static int check(struct fw_policy *policy, const struct fw_role *role, uint32_t *ret_parents,
		 struct fw_error *reterr_error)
{
	if (atomic_load_explicit(&policy->references, memory_order_acquire) != 1)
		return refuse(reterr_error, FW_ERR_STATE, "the policy is in use: define roles before");
	if (role->name == NULL || !is_name(role->name, "") || strlen(role->name) > NAME_SIZE)
		return refuse(reterr_error, FW_ERR_INVALID,
			      "a role is a name of at most %d letters, digits, _, - and .", (int)NAME_SIZE);
	if (policy_role_find(policy, slice_text(role->name)) != POLICY_NONE)
		return refuse(reterr_error, FW_ERR_INVALID, "there is a role \"%s\" already", role->name);
	if (policy->role_count == LIMIT_ROLES)
		return refuse(reterr_error, FW_ERR_MEMORY, "there are %d roles: there may not be more",
			      (int)LIMIT_ROLES);
	for (size_t i = 0; i < role->permission_count; i++) {
		int result = check_permission(policy, role->permissions[i], reterr_error);

		if (result != FW_OK)
			return result;
	}
	return find_parents(policy, role, ret_parents, reterr_error);
}

static const char *copy(struct fw_policy *policy, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copied = arena_alloc(&policy->arena, size);

	return copied != NULL ? memcpy(copied, text, size) : NULL;
}

static bool has_text(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return false;
}

/* Its own patterns first, then those it inherits: as in a role of a configuration. */
static int make_patterns(struct fw_policy *policy, const struct fw_role *role, uint32_t parents,
			 struct texts *ret_texts)
{
	size_t room = role->permission_count, size;

	for (unsigned i = 0; i < policy->role_count; i++)
		if ((parents >> i & 1) != 0 && !size_add(room, policy->roles[i].patterns.count, &room))
			return FW_ERR_MEMORY;
	if (!size_mul(room + 1, sizeof(*ret_texts->items), &size))
		return FW_ERR_MEMORY;
	*ret_texts = (struct texts){ .items = arena_alloc(&policy->arena, size) };
	if (ret_texts->items == NULL)
		return FW_ERR_MEMORY;
	for (size_t i = 0; i < role->permission_count; i++) {
		if (has_text(ret_texts, role->permissions[i]))
			continue;
		ret_texts->items[ret_texts->count] = copy(policy, role->permissions[i]);
		if (ret_texts->items[ret_texts->count++] == NULL)
			return FW_ERR_MEMORY;
	}
	for (unsigned i = 0; i < policy->role_count; i++)
		for (size_t k = 0; (parents >> i & 1) != 0 && k < policy->roles[i].patterns.count; k++)
			if (!has_text(ret_texts, policy->roles[i].patterns.items[k]))
				ret_texts->items[ret_texts->count++] = policy->roles[i].patterns.items[k];
	return FW_OK;
}

int fw_role_define(struct fw_policy *policy, const struct fw_role *role, struct fw_error *reterr_error)
{
	struct policy_role made = { 0 };
	uint32_t parents = 0;
	int result = check(policy, role, &parents, reterr_error);

	if (result != FW_OK)
		return result;
	made.name = copy(policy, role->name);
	made.name_size = strlen(role->name);
	made.is = parents | 1u << policy->role_count;
	if (made.name == NULL || make_patterns(policy, role, parents, &made.patterns) != FW_OK)
		return refuse(reterr_error, FW_ERR_MEMORY, "out of memory");
	for (unsigned p = 0; p < policy->permission_count; p++)
		for (size_t k = 0; k < made.patterns.count; k++)
			if (rbac_pattern_grants(slice_text(made.patterns.items[k]), slice_text(policy->permissions[p])))
				bits_add(&made.permissions, p);
	policy->roles[policy->role_count++] = made;
	return FW_OK;
}
