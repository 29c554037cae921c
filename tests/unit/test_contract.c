/* The message types of the contract: lookups, and that the compiled policy says what contract.def says. */
#include "policy_of.h"

enum { NOFLAG = 0, CSRF = 1, HERE = 2 };
#define MAX_SAFE 9007199254740991

static const struct {
	const char *name;
	unsigned max_bytes;
	const char *permission, *role;
	unsigned flags;
} messages[] = {
#define MESSAGE(name, max_bytes, permission, role, flags, help) { #name, max_bytes, permission, role, flags },
#define FIELD(message, name, kind, class, need, min, max, help)
#define ITEM(message, field, kind, class, min, max)
#define MEMBER(message, field, name, kind, class, need, min, max)
#define CHOICE(message, field, value)
#include "tables/contract.def"
#undef MESSAGE
#undef FIELD
};
enum { MESSAGES = sizeof(messages) / sizeof(*messages) };

static const struct {
	const char *message, *name;
	int kind, class;
	bool required;
	int64_t min, max;
} fields[] = {
#define REQUIRED true
#define OPTIONAL false
#define MESSAGE(name, max_bytes, permission, role, flags, help)
#define FIELD(message, name, kind, class, need, min, max, help)                                                        \
	{ #message, #name, KIND_##kind, CLASS_##class, need, min, max },
#include "tables/contract.def"
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

static const struct policy_message *message_of(const struct fw_policy *policy, const char *name)
{
	uint16_t index = policy_message_find(policy, slice_text(name));

	assert_int_not_equal(index, POLICY_NONE);
	return &policy->messages[index];
}

static void types(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	assert_int_equal(policy->message_count, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct policy_message *message = message_of(policy, messages[i].name);

		assert_string_equal(message->name, messages[i].name);
		assert_int_equal(message->max_bytes, messages[i].max_bytes);
		assert_int_equal(message->answered_here, (messages[i].flags & HERE) != 0);
		/* The default list of protected operations is the contract's own. */
		assert_int_equal(message->csrf, (messages[i].flags & CSRF) != 0);
		assert_int_equal(message->permission,
				 *messages[i].permission != '\0'
					 ? policy_permission_find(policy, slice_text(messages[i].permission))
					 : POLICY_NONE);
		assert_int_equal(message->role, *messages[i].role != '\0'
							? policy_role_find(policy, slice_text(messages[i].role))
							: POLICY_NONE);
	}
	fw_policy_unref(policy);
}

static void fields_of_types(void **state)
{
	struct fw_policy *policy = policy_of("");
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < FIELDS; i++) {
		const struct policy_message *message = message_of(policy, fields[i].message);
		const struct policy_field *field = schema_field(message, slice_text(fields[i].name));

		assert_non_null(field);
		assert_int_equal(field->kind, fields[i].kind);
		assert_int_equal(field->class, fields[i].class);
		assert_int_equal(field->required, fields[i].required);
		assert_true(field->min == fields[i].min && field->max == fields[i].max);
		if (field->class == CLASS_HTML)
			assert_true(message->has_html);
		if (field->class == CLASS_ENUMERATED)
			assert_true(field->choices.count > 1);
	}
	for (unsigned i = 0; i < policy->message_count; i++)
		count += policy->messages[i].field_count;
	assert_int_equal(count, FIELDS);
	assert_false(message_of(policy, "typing")->has_html);
	assert_null(schema_field(message_of(policy, "typing"), slice_text("is_typin")));
	fw_policy_unref(policy);
}

static void arrays(void **state)
{
	struct fw_policy *policy = policy_of("");
	const struct policy_field *field = schema_field(message_of(policy, "chat_message"), slice_text("attachments"));

	(void)state;
	assert_int_equal(field->item->kind, KIND_OBJECT);
	assert_int_equal(field->item->member_count, 4);
	assert_string_equal(field->item->members[0].name, "url");
	assert_int_equal(field->item->members[0].class, CLASS_URL);
	assert_true(field->item->members[0].required);
	field = schema_field(message_of(policy, "chat_message"), slice_text("mentions"));
	assert_int_equal(field->item->class, CLASS_ID);
	assert_int_equal(field->item->max, 50);
	field = schema_field(message_of(policy, "admin_command"), slice_text("args"));
	assert_int_equal(field->item->max, 500);
	field = schema_field(message_of(policy, "update_task"), slice_text("status"));
	assert_int_equal(field->choices.count, 5);
	assert_string_equal(field->choices.items[1], "in_progress");
	fw_policy_unref(policy);
}

static void unknown_names(void **state)
{
	static const char *const names[] = { "",     "chat_messag", "chat_message2", "CHAT_MESSAGE",
					     "chat", "error",	    "pong",	     "auth_success" };
	struct fw_policy *policy = policy_of("");
	char name[2] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(policy_message_find(policy, slice_text(names[i])), POLICY_NONE);
	for (unsigned c = 0; c < 256; c++) {
		name[0] = (char)c;
		assert_int_equal(policy_message_find(policy, slice(name, 1)), POLICY_NONE);
		assert_int_equal(policy_outbound_find(policy, slice(name, 1)), POLICY_NONE);
	}
	/* Same length, same slot, other name. */
	for (uint32_t i = 0; i < 200000; i++) {
		char other[16];
		size_t size = 4 + i % 12;

		for (size_t k = 0; k < size; k++)
			other[k] = (char)('a' + (i * 2654435761u >> (k * 2)) % 26);
		other[size] = '\0';
		assert_int_equal(policy_message_find(policy, slice(other, size)), POLICY_NONE);
		assert_int_equal(policy_outbound_find(policy, slice(other, size)), POLICY_NONE);
	}
	assert_int_equal(policy_outbound_find(policy, slice_text("admin_coXXXXd_result")), POLICY_NONE);
	/* A NUL inside is a part of the name. */
	assert_int_equal(policy_message_find(policy, slice("ping\0", 5)), POLICY_NONE);
	fw_policy_unref(policy);
}

static void outbound(void **state)
{
	struct fw_policy *policy = policy_of("");
	const struct policy_outbound *chat =
		&policy->outbound[policy_outbound_find(policy, slice_text("chat_message"))];
	const struct policy_outbound *result =
		&policy->outbound[policy_outbound_find(policy, slice_text("admin_command_result"))];

	(void)state;
	assert_int_equal(policy->outbound_count, 9);
	assert_string_equal(chat->name, "chat_message");
	assert_int_equal(chat->permission, policy_permission_find(policy, slice_text("chat.read")));
	assert_int_equal(chat->role, POLICY_NONE);
	assert_int_equal(result->role, policy_role_find(policy, slice_text("admin")));
	assert_int_equal(policy_outbound_find(policy, slice_text("nothing")), POLICY_NONE);
	for (unsigned i = 0; i < policy->outbound_count; i++)
		assert_int_equal(policy_outbound_find(policy, slice_text(policy->outbound[i].name)), i);
	fw_policy_unref(policy);
}

static void protected_operations(void **state)
{
	struct fw_policy *policy = policy_of("csrf: {protected_operations: [typing, delete_task]}");

	(void)state;
	assert_true(message_of(policy, "typing")->csrf);
	assert_true(message_of(policy, "delete_task")->csrf);
	assert_false(message_of(policy, "create_task")->csrf);
	/* A type that needs the token accepts it. */
	assert_int_equal(schema_field(message_of(policy, "typing"), slice_text("csrf_token"))->class, CLASS_TOKEN);
	assert_int_equal(message_of(policy, "delete_task")->field_count, 2);
	fw_policy_unref(policy);
	policy = policy_of("csrf: {protected_operations: []}");
	for (unsigned i = 0; i < policy->message_count; i++)
		assert_false(policy->messages[i].csrf);
	fw_policy_unref(policy);
	refused_for("csrf: {protected_operations: [delete_taks]}",
		    "not a message type that can need a token; did you mean \"delete_task\"?");
	refused_for("csrf: {protected_operations: [ping]}", "\"ping\" is not a message type that can need a token");
}

static void message_sizes(void **state)
{
	struct fw_policy *policy = policy_of("validation: {message_sizes: {chat_message: 70000}}");

	(void)state;
	assert_int_equal(policy->messages[policy_message_find(policy, slice_text("chat_message"))].max_bytes, 70000);
	assert_int_equal(policy->messages[policy_message_find(policy, slice_text("typing"))].max_bytes, 256);
	fw_policy_unref(policy);
	refused_for("validation: {message_sizes: {chat_mesage: 100}}",
		    "there is no message type \"chat_mesage\"; did you mean \"chat_message\"?");
	refused_for("validation: {message_sizes: {typing: 3}}",
		    "\"typing\" must be from 16 to 1073741824 bytes, not 3");
}

static void max_lengths(void **state)
{
	struct fw_policy *policy = policy_of("validation: {max_lengths: {text: 10, title: 300}}");

	(void)state;
	assert_int_equal(schema_field(message_of(policy, "chat_message"), slice_text("text"))->max, 10);
	assert_int_equal(schema_field(message_of(policy, "create_task"), slice_text("title"))->max, 300);
	assert_int_equal(schema_field(message_of(policy, "update_task"), slice_text("title"))->max, 300);
	assert_int_equal(schema_field(message_of(policy, "create_task"), slice_text("description"))->max, 2000);
	fw_policy_unref(policy);
	refused_for("validation: {max_lengths: {txet: 10}}",
		    "no message has a text field \"txet\"; did you mean \"text\"?");
	refused_for("validation: {max_lengths: {text: 0}}", "\"text\" must be from 1 to 1048576 characters, not 0");
	refused_for("validation: {max_lengths: {reply_to: 5}}", "no message has a text field \"reply_to\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),       cmocka_unit_test(fields_of_types),
		cmocka_unit_test(arrays),      cmocka_unit_test(unknown_names),
		cmocka_unit_test(outbound),    cmocka_unit_test(protected_operations),
		cmocka_unit_test(max_lengths), cmocka_unit_test(message_sizes),
	};

	return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
