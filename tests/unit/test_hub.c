/* hub: every message of checklist 2.2 that it makes, who gets it, and that commands and rows stay within their tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/policy.h"
#include "shell/hub.h"

enum { DELIVERIES = 64, WALL = 1700000000 };

struct delivery {
	char type[32];
	char *text;
	uint64_t only, except;
};

struct world {
	struct fw_policy *policy;
	struct hub *hub;
	struct hub_delivery to;
	struct delivery got[DELIVERIES];
	unsigned count;
	char *payload; /* freed at the first delivery: what the hub still reads then is found by the sanitizer */
};

static const struct fw_principal alice = {
	{ (const uint8_t *)"alice", 5 }, { (const uint8_t *)"user", 4 }, { NULL, 0 }, 7
};
static const struct fw_principal root = {
	{ (const uint8_t *)"root", 4 }, { (const uint8_t *)"admin", 5 }, { NULL, 0 }, 9
};

static void deliver(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	struct world *world = user;
	struct delivery *delivery = &world->got[world->count++];

	assert_true(world->count < DELIVERIES);
	assert_true(outbound < world->policy->outbound_count);
	free(world->payload);
	world->payload = NULL;
	snprintf(delivery->type, sizeof(delivery->type), "%s", world->policy->outbound[outbound].name);
	delivery->text = mem_text(message.data, message.size);
	delivery->only = only;
	delivery->except = except;
}

static void forget(struct world *world)
{
	for (unsigned i = 0; i < world->count; i++)
		mem_free(world->got[i].text);
	world->count = 0;
	free(world->payload);
	world->payload = NULL;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(fw_policy_load("test", slice_text(""), NULL, NULL, &world->policy), FW_OK);
	world->hub = hub_new();
	assert_non_null(world->hub);
	world->to = (struct hub_delivery){ deliver, world };
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	forget(world);
	hub_free(world->hub);
	fw_policy_unref(world->policy);
	free(world);
	return 0;
}

static int send_raw(struct world *world, struct fw_principal who, const char *type, const char *json)
{
	struct fw_incoming message = { .type = policy_message_find(world->policy, slice_text(type)) };

	assert_int_not_equal(message.type, POLICY_NONE);
	world->payload = malloc(strlen(json));
	assert_non_null(world->payload);
	memcpy(world->payload, json, strlen(json));
	message.payload = slice(world->payload, strlen(json));
	return hub_message(world->hub, world->policy, who, &message, (uint64_t)WALL * 1000000, &world->to);
}

static void send(struct world *world, struct fw_principal who, const char *type, const char *json)
{
	forget(world);
	assert_int_equal(send_raw(world, who, type, json), 0);
}

static void expect(struct world *world, unsigned index, const char *type, uint64_t only, uint64_t except,
		   const char *text)
{
	assert_true(index < world->count);
	assert_string_equal(world->got[index].type, type);
	assert_true(world->got[index].only == only && world->got[index].except == except);
	assert_string_equal(world->got[index].text, text);
}

static void test_chat(void **state)
{
	struct world *world = *state;

	send(world, alice, "chat_message",
	     "{\"type\":\"chat_message\",\"text\":\"a &lt; b "
	     "\\u00e9\",\"mentions\":[\"bob\"],\"reply_to\":3,\"csrf_token\":\"x\"}");
	assert_int_equal(world->count, 1);
	expect(world, 0, "chat_message", 0, 7,
	       "{\"type\":\"chat_message\",\"data\":{\"id\":1,\"text\":\"a &lt; b \xc3\xa9\",\"sender\":\"alice\","
	       "\"sender_role\":\"user\",\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"mentions\":[\"bob\"],"
	       "\"is_command\":false,\"command\":null,\"command_args\":[],\"reply_to\":3,\"security_verified\":true}}");
	send(world, alice, "chat_message", "{\"type\":\"chat_message\",\"text\":\"x\"}");
	assert_non_null(strstr(world->got[0].text, "\"id\":2,"));
	assert_non_null(strstr(world->got[0].text, "\"mentions\":[],"));
	assert_non_null(strstr(world->got[0].text, "\"reply_to\":null,"));
	assert_null(strstr(world->got[0].text, "attachments"));
	send(world, alice, "chat_message",
	     "{\"type\":\"chat_message\",\"text\":\"x\",\"attachments\":[{\"url\":\"https://example.com/"
	     "a\",\"size\":3}]}");
	assert_non_null(
		strstr(world->got[0].text, "\"attachments\":[{\"url\":\"https://example.com/a\",\"size\":3}],"));
}

static void test_chat_command(void **state)
{
	struct world *world = *state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "/help", "\"is_command\":true,\"command\":\"help\",\"command_args\":[]" },
		{ "/assign  task-1\\tbob ",
		  "\"is_command\":true,\"command\":\"assign\",\"command_args\":[\"task-1\",\"bob\"]" },
		{ "/", "\"is_command\":true,\"command\":\"\",\"command_args\":[]" },
		{ "/ a", "\"is_command\":true,\"command\":\"\",\"command_args\":[\"a\"]" },
		{ " /a", "\"is_command\":false,\"command\":null,\"command_args\":[]" },
		/* A word cut out of an attribute must not become a tag where a client shows it alone. */
		{ "/me <a title=\\\"x <img src=y onerror=z>\\\">",
		  "\"command_args\":[\"&lt;a\",\"title=&quot;x\",\"&lt;img\",\"src=y\",\"onerror=z&gt;&quot;&gt;\"]" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char json[256];

		snprintf(json, sizeof(json), "{\"type\":\"chat_message\",\"text\":\"%s\"}", cases[i].text);
		send(world, alice, "chat_message", json);
		assert_int_equal(world->count, 1);
		if (strstr(world->got[0].text, cases[i].expected) == NULL)
			fail_msg("%s: %s", cases[i].text, world->got[0].text);
	}
}

static void test_typing_and_status(void **state)
{
	struct world *world = *state;

	send(world, alice, "typing", "{\"type\":\"typing\",\"is_typing\":false}");
	expect(world, 0, "typing", 0, 7, "{\"type\":\"typing\",\"data\":{\"user_id\":\"alice\",\"is_typing\":false}}");
	send(world, alice, "typing", "{\"type\":\"typing\"}");
	expect(world, 0, "typing", 0, 7, "{\"type\":\"typing\",\"data\":{\"user_id\":\"alice\",\"is_typing\":true}}");
	forget(world);
	hub_join(world->hub, world->policy, alice, (uint64_t)WALL * 1000000, &world->to);
	expect(world, 0, "user_status", 0, 7,
	       "{\"type\":\"user_status\",\"data\":{\"user_id\":\"alice\",\"status\":\"connected\",\"role\":\"user\","
	       "\"timestamp\":\"2023-11-14T22:13:20.000000Z\"}}");
	forget(world);
	hub_leave(world->hub, world->policy, alice, (uint64_t)WALL * 1000000, &world->to);
	assert_non_null(strstr(world->got[0].text, "\"status\":\"disconnected\""));
	forget(world);
	hub_leave(world->hub, world->policy, alice, 0, &world->to); /* gone already: nobody is told twice */
	assert_int_equal(world->count, 0);
}

#define RESULT(operation, success, message, more)                                                                      \
	"{\"type\":\"task_operation_result\",\"data\":{\"operation\":\"" operation "\",\"success\":" success           \
	",\"message\":\"" message "\"" more "}}"

static void test_tasks(void **state)
{
	struct world *world = *state;

	send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"\\u0041\",\"csrf_token\":\"t\"}");
	assert_int_equal(world->count, 2);
	expect(world, 0, "task_operation_result", 7, 0,
	       RESULT("create_task", "true", "Task created", ",\"task_id\":1"));
	expect(world, 1, "task_operation_result", 0, 7,
	       RESULT("create_task", "true", "Task created", ",\"task_id\":1"));
	send(world, alice, "update_task", "{\"type\":\"update_task\",\"task_id\":1,\"status\":\"done\"}");
	expect(world, 1, "task_operation_result", 0, 7,
	       RESULT("update_task", "true", "Task updated", ",\"task_id\":1"));
	send(world, alice, "update_task", "{\"type\":\"update_task\",\"task_id\":2,\"status\":\"done\"}");
	assert_int_equal(world->count, 1); /* what failed is told to the sender only */
	expect(world, 0, "task_operation_result", 7, 0, RESULT("update_task", "false", "Task not found", ""));
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"list_tasks\"}");
	expect(world, 0, "admin_command_result", 9, 0,
	       "{\"type\":\"admin_command_result\",\"data\":{\"command\":\"list_tasks\",\"success\":true,"
	       "\"result\":[{\"task_id\":1,\"title\":\"A\",\"status\":\"done\"}],\"message\":\"1 of 1 tasks\"}}");
	send(world, alice, "delete_task", "{\"type\":\"delete_task\",\"task_id\":1}");
	expect(world, 0, "task_operation_result", 7, 0,
	       RESULT("delete_task", "true", "Task deleted", ",\"task_id\":1"));
	send(world, alice, "delete_task", "{\"type\":\"delete_task\",\"task_id\":1}");
	expect(world, 0, "task_operation_result", 7, 0, RESULT("delete_task", "false", "Task not found", ""));
	send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"B\"}");
	expect(world, 0, "task_operation_result", 7, 0,
	       RESULT("create_task", "true", "Task created", ",\"task_id\":2"));
}

static void test_employees(void **state)
{
	struct world *world = *state;

	send(world, root, "create_employee", "{\"type\":\"create_employee\",\"employee_id\":\"e1\",\"name\":\"E\"}");
	expect(world, 0, "task_operation_result", 9, 0,
	       RESULT("create_employee", "true", "Employee created", ",\"employee_id\":\"e1\""));
	send(world, root, "create_employee", "{\"type\":\"create_employee\",\"employee_id\":\"e1\",\"name\":\"F\"}");
	assert_int_equal(world->count, 1);
	assert_non_null(strstr(world->got[0].text, "Employee exists already"));
	send(world, root, "update_employee", "{\"type\":\"update_employee\",\"employee_id\":\"e1\",\"name\":\"G\"}");
	assert_int_equal(world->count, 2);
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"list_employees\"}");
	assert_non_null(strstr(world->got[0].text, "[{\"employee_id\":\"e1\",\"name\":\"G\"}]"));
	send(world, root, "delete_employee", "{\"type\":\"delete_employee\",\"employee_id\":\"e1\"}");
	assert_int_equal(world->count, 2);
	send(world, root, "delete_employee", "{\"type\":\"delete_employee\",\"employee_id\":\"e1\"}");
	assert_non_null(strstr(world->got[0].text, "Employee not found"));
}

static void test_commands(void **state)
{
	struct world *world = *state;

	hub_join(world->hub, world->policy, alice, 0, &world->to);
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"list_users\"}");
	assert_non_null(strstr(world->got[0].text, "\"result\":[{\"user_id\":\"alice\",\"role\":\"user\"}]"));
	send(world, root, "system_command", "{\"type\":\"system_command\",\"command\":\"status\"}");
	assert_non_null(strstr(world->got[0].text, "\"result\":{\"users\":1,\"tasks\":0,\"employees\":0}"));
	send(world, root, "system_command", "{\"type\":\"system_command\",\"command\":\"list_users\"}");
	assert_non_null(strstr(world->got[0].text, "\"success\":false")); /* not in the table of this sender */
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"reboot\",\"args\":[\"; id\"]}");
	expect(world, 0, "admin_command_result", 9, 0,
	       "{\"type\":\"admin_command_result\",\"data\":{\"command\":\"reboot\",\"success\":false,"
	       "\"message\":\"Unknown command; \\\"help\\\" lists them\"}}");
	send(world, root, "admin_command",
	     "{\"type\":\"admin_command\",\"command\":\"announce\",\"args\":[\"<b>&\",\"now\"]}");
	assert_int_equal(world->count, 2);
	assert_int_equal(world->got[1].except, 9);
	assert_non_null(strstr(world->got[1].text, "\"text\":\"&lt;b&gt;&amp; now\""));
	send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"A\"}");
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"clear_tasks\"}");
	assert_non_null(strstr(world->got[0].text, "1 tasks forgotten"));
	send(world, root, "admin_command", "{\"type\":\"admin_command\",\"command\":\"help\"}");
	assert_non_null(strstr(world->got[0].text, "{\"command\":\"announce\""));
}

static void test_task_limit(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < LIMIT_HUB_TASKS; i++)
		send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"A\"}");
	send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"A\"}");
	assert_int_equal(world->count, 1);
	expect(world, 0, "task_operation_result", 7, 0, RESULT("create_task", "false", "Task list is full", ""));
	send(world, alice, "delete_task", "{\"type\":\"delete_task\",\"task_id\":5000}");
	send(world, alice, "create_task", "{\"type\":\"create_task\",\"title\":\"A\"}");
	expect(world, 0, "task_operation_result", 7, 0,
	       RESULT("create_task", "true", "Task created", ",\"task_id\":10001"));
}

/* With each allocation failing in turn the hub says so or delivers whole messages; it never delivers half a one. */
static void test_short_memory(void **state)
{
	struct world *world = *state;
	static const char *const messages[][2] = {
		{ "chat_message", "{\"type\":\"chat_message\",\"text\":\"/a <b \\u0041\",\"mentions\":[\"b\"]}" },
		{ "create_task", "{\"type\":\"create_task\",\"title\":\"\\u0041\",\"description\":\"d\"}" },
		{ "create_employee", "{\"type\":\"create_employee\",\"employee_id\":\"z\",\"name\":\"n\"}" },
		{ "admin_command", "{\"type\":\"admin_command\",\"command\":\"announce\",\"args\":[\"a\",\"b\"]}" },
	};

	for (unsigned m = 0; m < sizeof(messages) / sizeof(messages[0]); m++) {
		for (unsigned n = 1;; n++) {
			uint64_t made;
			int result;

			forget(world);
			mem_fail_at(n);
			result = send_raw(world, root, messages[m][0], messages[m][1]);
			made = mem_fail_at(0);
			for (unsigned i = 0; i < world->count; i++)
				if (world->got[i].text != NULL)
					assert_string_equal(world->got[i].text + strlen(world->got[i].text) - 2, "}}");
			if (made < n) {
				assert_int_equal(result, 0);
				break;
			}
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chat),      TEST(test_chat_command), TEST(test_typing_and_status), TEST(test_tasks),
		TEST(test_employees), TEST(test_commands),     TEST(test_task_limit),	     TEST(test_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
