/* Every role × every message type, both ways, as the tables have them: the stage's word against a model that knows no
 * bit sets, no numbers and no compiled policy. A row that is added to a table is judged here without a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "engine/message.h"
#include "policy_of.h"

struct role_row {
	const char *name, *inherits, *permissions;
};
static const struct role_row roles[] = {
#define ROLE(name, inherits, permissions) { #name, inherits, permissions },
#include "tables/roles.def"
#undef ROLE
};
enum { ROLES = sizeof(roles) / sizeof(*roles) };

struct type_row {
	const char *name, *permission, *role;
};
enum { NOFLAG, CSRF, HERE, REQUIRED, OPTIONAL };
#define MAX_SAFE 0
#define FIELD(...)
#define ITEM(...)
#define MEMBER(...)
#define CHOICE(...)
static const struct type_row inbound[] = {
#define MESSAGE(name, max_bytes, permission, role, flags, help) { #name, permission, role },
#include "tables/contract.def"
};
static const struct type_row outbound[] = {
#define OUTBOUND(name, permission, role, help) { #name, permission, role },
#include "tables/outbound.def"
};

static const struct role_row *find(const char *name)
{
	for (unsigned i = 0; i < ROLES; i++)
		if (strcmp(roles[i].name, name) == 0)
			return &roles[i];
	return NULL;
}

/* "*", "chat.*" or the permission itself: what the tables have. */
static bool grants(const char *pattern, size_t size, const char *permission)
{
	if (size == 1 && *pattern == '*')
		return true;
	if (size > 2 && pattern[size - 1] == '*')
		return strncmp(pattern, permission, size - 1) == 0 && strlen(permission) > size - 1;
	return strlen(permission) == size && strncmp(pattern, permission, size) == 0;
}

static bool has(const struct role_row *role, const char *permission)
{
	for (; role != NULL; role = find(role->inherits))
		for (const char *at = role->permissions; *at != '\0'; at += strspn(at, " ")) {
			size_t size = strcspn(at, " ");

			if (grants(at, size, permission))
				return true;
			at += size;
		}
	return false;
}

static bool is(const struct role_row *role, const char *name)
{
	for (; role != NULL; role = find(role->inherits))
		if (strcmp(role->name, name) == 0)
			return true;
	return false;
}

static bool expected(const struct role_row *role, const struct type_row *type)
{
	return (*type->permission == '\0' || has(role, type->permission)) &&
	       (*type->role == '\0' || is(role, type->role));
}

static void matrix(void **state)
{
	struct fw_policy *policy = policy_of("");
	unsigned judged = 0, passed = 0;

	(void)state;
	for (unsigned r = 0; r < ROLES; r++) {
		struct message message = {
			.policy = policy, .role = &policy->roles[policy_role_find(policy, slice_text(roles[r].name))]
		};

		for (unsigned i = 0; i < sizeof(inbound) / sizeof(*inbound); i++, judged++) {
			bool pass;

			message.outbound = false;
			message.type = policy_message_find(policy, slice_text(inbound[i].name));
			message.rule = &policy->messages[message.type];
			pass = stage_rbac(&message) == VERDICT_PASS;
			if (pass != expected(&roles[r], &inbound[i]))
				fail_msg("%s sends %s: %d", roles[r].name, inbound[i].name, pass);
			passed += pass;
		}
		for (unsigned i = 0; i < sizeof(outbound) / sizeof(*outbound); i++, judged++) {
			bool pass;

			message.outbound = true;
			message.type = policy_outbound_find(policy, slice_text(outbound[i].name));
			pass = stage_rbac(&message) == VERDICT_PASS;
			if (pass != expected(&roles[r], &outbound[i]))
				fail_msg("%s sees %s: %d", roles[r].name, outbound[i].name, pass);
			passed += pass;
		}
	}
	print_message("# %u pairs, %u pass\n", judged, passed);
	assert_true(judged >= 88 && passed > 40 && passed < judged);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
