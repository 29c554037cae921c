/* fw_role_define: roles of an embedding program. */
#include "policy_of.h"

#include "base/limits.h"

static const char *const permissions[] = { "tasks.*", "chat.read", "tasks.*" };
static const char *const parents[] = { "user" };

static void refused(struct fw_policy *policy, const struct fw_role *role, int code, const char *text)
{
	struct fw_error error = { 0 };
	unsigned before = policy->role_count;

	assert_int_equal(fw_role_define(policy, role, &error), code);
	assert_int_equal(error.code, code);
	if (strstr(error.text, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, error.text);
	assert_int_equal(fw_role_define(policy, role, NULL), code);
	assert_int_equal(policy->role_count, before);
}

static void test_define(void **state)
{
	struct fw_policy *policy = policy_of("");
	struct fw_role clerk = { "clerk", permissions, 3, NULL, 0 }, chief = { "chief", NULL, 0, parents, 1 };
	const char *const of_clerk[] = { "clerk", "moderator" };
	struct fw_role lead = { "lead", permissions + 1, 1, of_clerk, 2 };
	const struct policy_role *made;

	(void)state;
	assert_false(fw_policy_allows(policy, "clerk", "tasks.delete"));
	assert_int_equal(fw_role_define(policy, &clerk, NULL), FW_OK);
	assert_true(fw_policy_allows(policy, "clerk", "tasks.delete"));
	assert_true(fw_policy_allows(policy, "clerk", "chat.read"));
	assert_false(fw_policy_allows(policy, "clerk", "chat.send"));
	assert_false(fw_policy_allows(policy, "clerk", "no.such"));
	made = &policy->roles[policy_role_find(policy, slice_text("clerk"))];
	assert_int_equal(made->patterns.count, 2);
	assert_string_equal(made->patterns.items[0], "tasks.*");

	assert_int_equal(fw_role_define(policy, &chief, NULL), FW_OK);
	assert_true(fw_policy_allows(policy, "chief", "chat.send"));
	assert_false(fw_policy_allows(policy, "chief", "tasks.delete"));

	/* From one that was defined here, and from one of the contract: is a user, too. */
	assert_int_equal(fw_role_define(policy, &lead, NULL), FW_OK);
	assert_true(fw_policy_allows(policy, "lead", "tasks.delete"));
	assert_true(fw_policy_allows(policy, "lead", "monitoring.read"));
	assert_false(fw_policy_allows(policy, "lead", "system.execute"));
	made = &policy->roles[policy_role_find(policy, slice_text("lead"))];
	assert_true(made->is >> policy_role_find(policy, slice_text("user")) & 1);
	assert_true(made->is >> policy_role_find(policy, slice_text("clerk")) & 1);
	assert_false(made->is >> policy_role_find(policy, slice_text("admin")) & 1);
	fw_policy_unref(policy);
}

static void test_refused(void **state)
{
	struct fw_policy *policy = policy_of("");
	const char *const unknown[] = { "chat.sent" }, *const wild[] = { "nothing.*" },
			  *const odd[] = { "chat.send\n" }, *const nobody[] = { "nobody" };
	char names[LIMIT_ROLES][16];

	(void)state;
	refused(policy, &(struct fw_role){ "admin", NULL, 0, NULL, 0 }, FW_ERR_INVALID,
		"there is a role \"admin\" already");
	refused(policy, &(struct fw_role){ NULL, NULL, 0, NULL, 0 }, FW_ERR_INVALID, "a role is a name");
	refused(policy, &(struct fw_role){ "", NULL, 0, NULL, 0 }, FW_ERR_INVALID, "a role is a name");
	refused(policy, &(struct fw_role){ "a*", NULL, 0, NULL, 0 }, FW_ERR_INVALID, "a role is a name");
	refused(policy,
		&(struct fw_role){ "a2345678901234567890123456789012345678901234567890123456789012345", NULL, 0, NULL,
				   0 },
		FW_ERR_INVALID, "a role is a name");
	refused(policy, &(struct fw_role){ "x", unknown, 1, NULL, 0 }, FW_ERR_INVALID,
		"no permission is \"chat.sent\"; did you mean \"chat.send\"?");
	refused(policy, &(struct fw_role){ "x", wild, 1, NULL, 0 }, FW_ERR_INVALID, "no permission is \"nothing.*\"");
	refused(policy, &(struct fw_role){ "x", odd, 1, NULL, 0 }, FW_ERR_INVALID, "no permission is");
	refused(policy, &(struct fw_role){ "x", NULL, 0, nobody, 1 }, FW_ERR_INVALID,
		"there is no role \"nobody\" to inherit");
	fw_policy_ref(policy);
	refused(policy, &(struct fw_role){ "x", NULL, 0, NULL, 0 }, FW_ERR_STATE, "in use");
	fw_policy_unref(policy);
	for (unsigned i = policy->role_count; i < LIMIT_ROLES; i++) {
		snprintf(names[i], sizeof(names[i]), "role-%u", i);
		assert_int_equal(fw_role_define(policy, &(struct fw_role){ names[i], NULL, 0, NULL, 0 }, NULL), FW_OK);
	}
	refused(policy, &(struct fw_role){ "one-more", NULL, 0, NULL, 0 }, FW_ERR_MEMORY, "32 roles");
	assert_false(fw_policy_allows(policy, names[LIMIT_ROLES - 1], "chat.read"));
	fw_policy_unref(policy);
}

/* Each allocation failing leaves the policy as it was. */
static void test_memory(void **state)
{
	struct fw_role role = { "clerk", permissions, 3, parents, 1 };
	int result = FW_ERR_MEMORY;

	(void)state;
	for (uint64_t n = 1; result != FW_OK; n++) {
		struct fw_policy *policy = policy_of("");
		unsigned before = policy->role_count;

		while (arena_alloc(&policy->arena, 1) != NULL && policy->arena.left != 0)
			; /* the next one needs a block */
		mem_fail_at(n);
		result = fw_role_define(policy, &role, NULL);
		mem_fail_at(0);
		assert_int_equal(policy->role_count, before + (result == FW_OK));
		if (result != FW_OK)
			assert_int_equal(result, FW_ERR_MEMORY);
		fw_policy_unref(policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_define),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
