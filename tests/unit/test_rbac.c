/* Roles: wildcards against a naive model, the default hierarchy, roles of a configuration. */
#include "policy_of.h"

static bool grants(const char *pattern, const char *permission)
{
	return rbac_pattern_grants(slice_text(pattern), slice_text(permission));
}

static void wildcards(void **state)
{
	(void)state;
	assert_true(grants("chat.send", "chat.send"));
	assert_false(grants("chat.send", "chat.read"));
	assert_false(grants("chat.send", "chat.send.now"));
	assert_false(grants("chat.send", "chat"));
	assert_true(grants("chat.*", "chat.send"));
	assert_true(grants("chat.*", "chat.x.y"));
	assert_false(grants("chat.*", "chatter.x"));
	assert_false(grants("chat.*", "chat"));
	assert_false(grants("chat.*", "chat."));
	assert_true(grants("*", "chat.send"));
	assert_true(grants("*", "chat"));
	assert_true(grants("*", "a.b.c.d"));
	assert_true(grants("*.read", "chat.read"));
	assert_false(grants("*.read", "chat.x.read"));
	assert_false(grants("*.read", "read"));
	assert_true(grants("a.*.c", "a.b.c"));
	assert_false(grants("a.*.c", "a.b.b.c"));
	assert_true(grants("a.*.*", "a.b.c.d"));
	assert_false(grants("a.*.*", "a.b"));
	assert_false(grants("ch*", "chat"));
	assert_false(grants("ch*.send", "chat.send"));
	assert_false(grants("chat.**", "chat.send"));
	assert_false(grants("", "chat"));
	assert_false(grants("*", ""));
	assert_false(grants("", ""));
	assert_false(grants(".*", ".a"));
	assert_false(grants("*", "a..b"));
	assert_false(grants("Chat.send", "chat.send"));
}

/* The model: segments in arrays, compared the slow and plain way. */
static unsigned split(const char *text, char parts[8][8])
{
	unsigned count = 0;
	size_t n = 0;

	memset(parts, 0, 64);
	for (;; text++) {
		if (*text != '.' && *text != '\0') {
			parts[count][n++] = *text;
			continue;
		}
		if (n == 0)
			return 0;
		count++;
		n = 0;
		if (*text == '\0')
			return count;
	}
}

static bool model(const char *pattern, const char *permission)
{
	char want[8][8], have[8][8];
	unsigned wants = split(pattern, want), haves = split(permission, have);
	bool open = wants != 0 && strcmp(want[wants - 1], "*") == 0;

	if (wants == 0 || haves == 0 || haves < wants || (haves > wants && !open))
		return false;
	for (unsigned i = 0; i < wants; i++)
		if (strcmp(want[i], "*") != 0 && strcmp(want[i], have[i]) != 0)
			return false;
	return true;
}

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t roll(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % sides;
}

/* Few letters and few segments, so that a good share of the pairs match. */
static void invent(char *text, const char *letters)
{
	unsigned segments = 1 + roll(5);
	size_t n = 0;

	for (unsigned i = 0; i < segments; i++) {
		unsigned size = roll(16) == 0 ? 0 : 1 + (roll(4) == 0);

		if (i != 0)
			text[n++] = '.';
		while (size-- != 0)
			text[n++] = letters[roll((uint32_t)strlen(letters))];
	}
	text[n] = '\0';
}

static void against_the_model(void **state)
{
	unsigned granted = 0;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		char pattern[32], permission[32];

		invent(pattern, "ab**");
		invent(permission, "ab");
		if (grants(pattern, permission) != model(pattern, permission))
			fail_msg("\"%s\" and \"%s\": %d", pattern, permission, grants(pattern, permission));
		granted += grants(pattern, permission);
	}
	assert_true(granted > 100000 && granted < 900000);
}

static const char *const lowest_first[] = { "guest", "user", "moderator", "admin" };

static void default_roles(void **state)
{
	struct fw_policy *policy = policy_of("");
	static const struct {
		const char *permission;
		unsigned from; /* index of the lowest role that has it */
	} cells[] = {
		{ "chat.read", 0 },	   { "chat.send", 1 },	      { "chat.moderate", 2 },
		{ "tasks.read", 1 },	   { "tasks.create", 1 },     { "tasks.update", 2 },
		{ "tasks.delete", 3 },	   { "tasks.assign", 3 },     { "employees.read", 1 },
		{ "employees.create", 3 }, { "employees.update", 3 }, { "employees.delete", 3 },
		{ "admin.execute", 3 },	   { "admin.configure", 3 },  { "admin.monitor", 3 },
		{ "system.execute", 3 },   { "system.backup", 3 },    { "system.restore", 3 },
		{ "monitoring.read", 2 },  { "system.configure", 3 },
	};

	(void)state;
	assert_int_equal(sizeof(cells) / sizeof(*cells), policy->permission_count);
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		for (unsigned role = 0; role < 4; role++)
			assert_int_equal(fw_policy_allows(policy, lowest_first[role], cells[i].permission),
					 role >= cells[i].from);
	assert_false(fw_policy_allows(policy, "root", "chat.read"));
	assert_false(fw_policy_allows(policy, "notadmin", "chat.read"));
	assert_false(fw_policy_allows(policy, "admin", "no.such"));
	assert_false(fw_policy_allows(policy, "admin", "*"));
	assert_false(fw_policy_allows(policy, "", ""));
	assert_string_equal(policy->roles[policy->role_default].name, "guest");
	fw_policy_unref(policy);
}

static void check_inheritance(const struct fw_policy *policy)
{
	for (unsigned high = 0; high < policy->role_count; high++)
		for (unsigned low = 0; low < policy->role_count; low++)
			for (unsigned p = 0; (policy->roles[high].is >> low & 1) != 0 && p < policy->permission_count;
			     p++)
				if (bits_has(&policy->roles[low].permissions, p))
					assert_true(bits_has(&policy->roles[high].permissions, p));
}

static void hierarchy(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(policy->roles[policy_role_find(policy, slice_text(lowest_first[i]))].is,
				 (2u << i) - 1);
	check_inheritance(policy);
	fw_policy_unref(policy);
}

/* The specification's example: analyst inherits user. */
static void custom_role(void **state)
{
	struct fw_policy *policy =
		policy_of("rbac:\n  roles:\n    analyst:\n"
			  "      permissions: ['monitoring.read', 'reports.generate']\n      inherits: ['user']\n");
	uint16_t role = policy_role_find(policy, slice_text("analyst"));

	(void)state;
	assert_string_equal(reported, "");
	assert_true(fw_policy_allows(policy, "analyst", "monitoring.read"));
	assert_true(fw_policy_allows(policy, "analyst", "reports.generate"));
	assert_true(fw_policy_allows(policy, "analyst", "chat.send"));
	assert_true(fw_policy_allows(policy, "analyst", "chat.read"));
	assert_false(fw_policy_allows(policy, "analyst", "tasks.update"));
	assert_false(fw_policy_allows(policy, "user", "reports.generate"));
	assert_true(fw_policy_allows(policy, "admin", "reports.generate"));
	assert_string_equal(policy->roles[role].patterns.items[0], "monitoring.read");
	assert_string_equal(policy->roles[role].patterns.items[1], "reports.generate");
	assert_int_equal(policy->roles[role].patterns.count, 7);
	check_inheritance(policy);
	fw_policy_unref(policy);
}

static void changed_roles(void **state)
{
	struct fw_policy *policy =
		policy_of("rbac:\n  default_permissions:\n    user: [chat.read, 'tasks.*']\n"
			  "  role_hierarchy: {guest: [guest], user: [user], admin: [admin, moderator, user]}\n");

	(void)state;
	assert_false(fw_policy_allows(policy, "user", "chat.send"));
	assert_true(fw_policy_allows(policy, "user", "tasks.delete"));
	assert_true(fw_policy_allows(policy, "moderator", "tasks.delete")); /* by inheritance */
	assert_true(fw_policy_allows(policy, "moderator", "chat.send"));    /* by its own chat.* */
	fw_policy_unref(policy);

	/* A role may stand above what it inherits, and inherit several. */
	policy = policy_of("rbac: {roles: {lead: {inherits: [helper, user]}, helper: {permissions: [tasks.assign]}}}");
	assert_true(fw_policy_allows(policy, "lead", "tasks.assign"));
	assert_true(fw_policy_allows(policy, "lead", "tasks.create"));
	assert_false(fw_policy_allows(policy, "helper", "tasks.create"));
	assert_false(fw_policy_allows(policy, "helper", "chat.read"));
	check_inheritance(policy);
	fw_policy_unref(policy);
}

static void categories(void **state)
{
	struct fw_policy *policy = policy_of("rbac:\n  permission_categories: {files: [upload, fetch]}\n"
					     "  roles: {clerk: {permissions: ['files.*']}}\n");

	(void)state;
	assert_string_equal(reported, "");
	assert_true(fw_policy_allows(policy, "clerk", "files.upload"));
	assert_true(fw_policy_allows(policy, "admin", "files.fetch"));
	assert_false(fw_policy_allows(policy, "user", "files.fetch"));
	fw_policy_unref(policy);
}

static void refused_roles(void **state)
{
	(void)state;
	refused_with("rbac:\n  roles:\n    analyst: {inherits: [usr]}\n",
		     "f.yaml:3:26: error: there is no role \"usr\"; did you mean \"user\"?\n"
		     "    analyst: {inherits: [usr]}\n                         ^\n");
	refused_for("rbac: {roles: {a: {inherits: [nobody]}}}", "there is no role \"nobody\"; define it in rbac.roles");
	refused_for("rbac: {roles: {a: {inherits: [b]}, b: {inherits: [c]}, c: {inherits: [a]}}}",
		    "roles inherit in a circle: a -> b -> c -> a");
	refused_for("rbac: {role_hierarchy: {guest: [admin]}}",
		    "roles inherit in a circle: guest -> admin -> moderator -> user -> guest");
	refused_for("rbac: {default_permissions: {usr: [chat.read]}}",
		    "there is no role \"usr\"; did you mean \"user\"?");
	refused_for("rbac: {role_hierarchy: {admn: [user]}}", "there is no role \"admn\"; did you mean \"admin\"?");
	refused_for("rbac: {roles: {'a b': {}}}", "a role is a name");
	refused_for("rbac: {roles: {a: {permissions: ['ch*t.x']}}}", "\"ch*t.x\" is not a permission");
	refused_for("rbac: {roles: {a: {permissions: ['chat.']}}}", "\"chat.\" is not a permission");
	refused_for("rbac: {roles: {a: {permission: []}}}",
		    "unknown key \"permission\" in a role; did you mean \"permissions\"?");
	refused_for("rbac: {roles: {a: {}, a: {}}}", "role \"a\" is given a second time");
	refused_for("rbac: {roles: {user: {permissions: []}}, default_permissions: {user: []}}",
		    "the permissions of role \"user\" are given a second time");
	refused_for("rbac: {roles: {a: 5}}", "a role is a mapping");
	refused_for("rbac: {roles: [a]}", "\"rbac.roles\" is a mapping");
	refused_for("rbac: {permission_categories: {chat: send}}", "a category is a list");
	refused_for("rbac: {permission_categories: {chat: ['*']}}", "a permission is a name");
}

static void typos(void **state)
{
	struct fw_policy *policy = policy_of("rbac: {roles: {a: {permissions: [chat.sned, 'chatt.*', reports.x]}}}");

	(void)state;
	assert_non_null(strstr(reported,
			       "f.yaml:1:34: warning: no message and no category has the permission \"chat.sned\"; "
			       "did you mean \"chat.send\"?"));
	assert_non_null(strstr(reported, "warning: \"chatt.*\" grants nothing"));
	assert_null(strstr(reported, "reports.x\";"));
	fw_policy_unref(policy);
	refused_for("rbac: {strict: true, roles: {a: {permissions: [chat.sned]}}}",
		    "error: no message and no category has the permission \"chat.sned\"; did you mean \"chat.send\"?");
}

static void bounds(void **state)
{
	char yaml[16384] = "rbac: {roles: {";
	struct fw_policy *policy;

	(void)state;
	for (unsigned i = 0; i < LIMIT_ROLES - 4; i++)
		sprintf(yaml + strlen(yaml), "r%u: {}, ", i);
	strcat(yaml, "}}");
	policy = policy_of(yaml);
	assert_int_equal(policy->role_count, LIMIT_ROLES);
	fw_policy_unref(policy);
	strcpy(yaml + strlen(yaml) - 2, "one_more: {}}}");
	refused_for(yaml, "there are more than 32 roles");

	strcpy(yaml, "rbac: {permission_categories: {x: [");
	for (unsigned i = 0; i < LIMIT_PERMISSIONS - 20; i++)
		sprintf(yaml + strlen(yaml), "p%u, ", i);
	strcat(yaml, "]}}");
	policy = policy_of(yaml);
	assert_int_equal(policy->permission_count, LIMIT_PERMISSIONS);
	assert_true(fw_policy_allows(policy, "admin", "x.p235"));
	fw_policy_unref(policy);
	strcpy(yaml + strlen(yaml) - 3, "one_more]}}");
	refused_for(yaml, "there are more than 256 permissions");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcards),  cmocka_unit_test(against_the_model), cmocka_unit_test(default_roles),
		cmocka_unit_test(hierarchy),  cmocka_unit_test(custom_role),	   cmocka_unit_test(changed_roles),
		cmocka_unit_test(categories), cmocka_unit_test(refused_roles),	   cmocka_unit_test(typos),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("rbac", tests, NULL, NULL);
}
