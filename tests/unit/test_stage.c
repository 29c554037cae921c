/* Stages of an embedding program: where they may stand, what they see, what becomes of their word; on a connection and
 * in explain. The list is one of the process, so all are registered first and told by `plan` what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <framewall/conn.h>
#include <framewall/stage.h>

#include "base/limits.h"
#include "base/mem.h"
#include "policy_of.h"

enum { STAGES = 4 }; /* first, before json; checked, after schema; route, in its place; out, after rbac */

static struct {
	enum fw_stage_verdict verdict;
	struct fw_stage_word word;
	unsigned calls;
	/* what it saw last */
	char type[64], text[512], user[64], role[64], field[128], decoded[128];
	bool outbound, binary;
	const char *path;
} plan[STAGES];

static void keep(char *ret_text, size_t room, struct fw_slice text)
{
	snprintf(ret_text, room, "%.*s", (int)text.size, text.data != NULL ? (const char *)text.data : "");
}

static enum fw_stage_verdict judge(void *user, const struct fw_stage_message *message, struct fw_stage_word *ret_word)
{
	unsigned i = (unsigned)(uintptr_t)user;

	assert_null(ret_word->code);
	assert_null(ret_word->type);
	plan[i].calls++;
	plan[i].outbound = message->outbound;
	plan[i].binary = message->binary;
	snprintf(plan[i].type, sizeof(plan[i].type), "%s", message->type != NULL ? message->type : "-");
	keep(plan[i].text, sizeof(plan[i].text), message->text);
	keep(plan[i].role, sizeof(plan[i].role), message->who.role);
	keep(plan[i].user, sizeof(plan[i].user), message->who.user_id);
	if (plan[i].path != NULL) {
		keep(plan[i].field, sizeof(plan[i].field), fw_stage_field(message, plan[i].path));
		keep(plan[i].decoded, sizeof(plan[i].decoded), fw_stage_text(message, plan[i].path));
	}
	*ret_word = plan[i].word;
	return plan[i].verdict;
}

static int put(enum fw_stage_place place, const char *stage, enum fw_stage_direction direction, const char *name,
	       unsigned number)
{
	return fw_stage_register(&(struct fw_stage_position){ place, stage, direction }, name, judge,
				 (void *)(uintptr_t)number);
}

/* An engine with one connection ---------------------------------------------------------------------------------- */
static struct {
	struct fw_policy *policy;
	struct fw_engine *engine;
	struct fw_conn *conn;
	char records[4096]; /* names and details of what was recorded */
	unsigned messages, types;
	bool hung_up;
} world;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 7, size);
}

static void note(const struct fw_record *record)
{
	size_t used = strlen(world.records);

	used += (size_t)snprintf(world.records + used, sizeof(world.records) - used, "%s", fw_event_name(record->type));
	for (unsigned i = 0; i < record->detail_count; i++)
		if (record->details[i].kind == FW_DETAIL_TEXT)
			used += (size_t)snprintf(world.records + used, sizeof(world.records) - used, " %s=%.*s",
						 record->details[i].key, (int)record->details[i].text.size,
						 (const char *)record->details[i].text.data);
	snprintf(world.records + used, sizeof(world.records) - used, "\n");
}

static void obey(void)
{
	const struct fw_event *event;

	while ((event = fw_conn_next_event(world.conn)) != NULL) {
		if (event->kind == FW_EV_NEED)
			fw_conn_supply(world.conn, event->as.need.id, &(struct fw_answer){ .code = FW_ANSWER_YES });
		else if (event->kind == FW_EV_RECORD)
			note(&event->as.record);
		else if (event->kind == FW_EV_MESSAGE)
			world.messages++;
	}
}

static const char *output(void)
{
	static char text[4096];
	struct fw_slice out = fw_conn_output(world.conn, FW_CLIENT);

	assert_true(out.size < sizeof(text));
	for (size_t i = 0; i < out.size; i++)
		text[i] = out.data[i] != 0 ? (char)out.data[i] : '.'; /* frames: their headers may have a NUL */
	text[out.size] = '\0';
	fw_conn_sent(world.conn, FW_CLIENT, out.size);
	return text;
}

static void open_conn(const char *more)
{
	char yaml[512];
	char head[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

	snprintf(yaml, sizeof(yaml), "routes: [{path: /, anonymous: user}]\n%s", more);
	memset(&world, 0, sizeof(world));
	world.policy = policy_of(yaml);
	world.engine = fw_engine_new(&(struct fw_engine_options){ .policy = world.policy, .random = { .fill = fill } });
	assert_non_null(world.engine);
	fw_engine_time(world.engine, (struct fw_time){ 1000000000, 1700000000000000 });
	world.conn = fw_conn_new(world.engine, &(struct fw_conn_options){ .peer = { 4, { 10, 0, 0, 1 } } });
	assert_non_null(world.conn);
	fw_conn_receive(world.conn, FW_CLIENT, (uint8_t *)head, strlen(head));
	obey();
	assert_memory_equal(output(), "HTTP/1.1 101", 12);
	world.records[0] = '\0';
	for (unsigned i = 0; i < STAGES; i++)
		memset(&plan[i], 0, sizeof(plan[i]));
	plan[2].word.type = "chat_message";
}

static void close_conn(void)
{
	fw_conn_free(world.conn);
	fw_engine_free(world.engine);
	fw_policy_unref(world.policy);
}

static void say(const char *text)
{
	size_t size = strlen(text);
	uint8_t frame[200] = { 0x81, (uint8_t)(0x80 | size) };

	assert_true(size < 126);
	memcpy(frame + 6, text, size);
	fw_conn_receive(world.conn, FW_CLIENT, frame, size + 6);
	obey();
}

static const char chat[] = "{\"type\":\"chat_message\",\"text\":\"h\\u00e9llo\",\"mentions\":[\"ann\",\"bob\"]}";

/* The tests ------------------------------------------------------------------------------------------------------ */
static void test_register(void **state)
{
	char name[40];

	(void)state;
	/* What may not be. */
	assert_int_equal(put(FW_STAGE_BEFORE, "nowhere", FW_STAGE_IN, "x", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, NULL, FW_STAGE_IN, "x", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "schema", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "a b", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "a23456789012345678901234567890123", 0),
			 FW_ERR_INVALID);
	assert_int_equal(put((enum fw_stage_place)0, "json", FW_STAGE_IN, "x", 0), FW_ERR_INVALID);
	assert_int_equal(put((enum fw_stage_place)4, "json", FW_STAGE_IN, "x", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", (enum fw_stage_direction)0, "x", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", (enum fw_stage_direction)4, "x", 0), FW_ERR_INVALID);
	assert_int_equal(
		fw_stage_register(&(struct fw_stage_position){ FW_STAGE_BEFORE, "json", FW_STAGE_IN }, "x", NULL, NULL),
		FW_ERR_INVALID);
	/* And what is used below. */
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "first", 0), FW_OK);
	assert_int_equal(put(FW_STAGE_AFTER, "schema", FW_STAGE_IN, "checked", 1), FW_OK);
	assert_int_equal(put(FW_STAGE_INSTEAD, "route", FW_STAGE_IN, "my-route", 2), FW_OK);
	assert_int_equal(put(FW_STAGE_BEFORE, "first", FW_STAGE_OUT, "out", 3), FW_OK);
	assert_int_equal(put(FW_STAGE_BEFORE, "json", FW_STAGE_IN, "first", 0), FW_ERR_INVALID);
	assert_int_equal(put(FW_STAGE_AFTER, "route", FW_STAGE_IN, "x", 0), FW_ERR_INVALID); /* it is gone */
	/* As many as there may be, and not one more. They stand where nothing is judged by them: outbound, in plan[3].
	 */
	for (unsigned i = 4; i < LIMIT_STAGES; i++) {
		snprintf(name, sizeof(name), "more-%u", i);
		assert_int_equal(put(FW_STAGE_AFTER, "out", FW_STAGE_OUT, name, 3), FW_OK);
	}
	assert_int_equal(put(FW_STAGE_AFTER, "out", FW_STAGE_OUT, "one-more", 3), FW_ERR_MEMORY);
	open_conn("");
	assert_int_equal(put(FW_STAGE_AFTER, "out", FW_STAGE_OUT, "late", 3), FW_ERR_STATE);
	close_conn();
}

static void test_sees(void **state)
{
	(void)state;
	open_conn("");
	plan[0].path = "mentions/1";
	plan[1].path = "text";
	say(chat);
	assert_int_equal(world.messages, 1);
	assert_string_equal(plan[0].type, "-");
	assert_string_equal(plan[0].text, chat);
	assert_string_equal(plan[0].role, "user");
	assert_string_equal(plan[0].field, "\"bob\""); /* before the json stage: read for it alone */
	assert_string_equal(plan[0].decoded, "bob");
	assert_string_equal(plan[1].type, "chat_message");
	assert_string_equal(plan[1].field, "\"h\\u00e9llo\"");
	assert_string_equal(plan[1].decoded, "h\xc3\xa9llo");
	assert_false(plan[1].outbound);
	assert_int_equal(plan[3].calls, 0);
	static const char *const absent[] = {
		"nothing", "mentions/2", "mentions/x", "text/0", "mentions/0/0", "", "/"
	};

	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		plan[1].path = absent[i];
		say(chat);
		assert_string_equal(plan[1].field, "");
	}
	plan[1].path = "mentions"; /* no string */
	say(chat);
	assert_string_equal(plan[1].field, "[\"ann\",\"bob\"]");
	assert_string_equal(plan[1].decoded, "");
	close_conn();
}

static void expect_answer(const char *code, const char *rule)
{
	const char *answer = output();
	char part[128];

	snprintf(part, sizeof(part), "\"code\":\"%s\"", code);
	assert_non_null(strstr(answer, part));
	snprintf(part, sizeof(part), "\"rule\":\"%s\"", rule != NULL ? rule : "");
	assert_true((strstr(answer, part) != NULL) == (rule != NULL));
	if (strcmp(code, "INVALID_MESSAGE") == 0 && (rule == NULL || strncmp(rule, "ACME", 4) == 0))
		assert_non_null(strstr(answer, rule != NULL ? "\"message\":\"Dangerous content detected\""
							    : "\"message\":\"Invalid message\""));
	assert_null(strstr(answer, "nothing for the client"));
}

static void test_refuses(void **state)
{
	(void)state;
	open_conn("");
	plan[1].verdict = FW_STAGE_REFUSE;
	say(chat);
	expect_answer("INVALID_MESSAGE", NULL);
	assert_non_null(strstr(world.records, "invalid_message stage=checked error=INVALID_MESSAGE cause=checked"));
	plan[1].word = (struct fw_stage_word){ .rule = "ACME-7", .cause = "nothing for the client" };
	say(chat);
	expect_answer("INVALID_MESSAGE", "ACME-7");
	assert_non_null(strstr(world.records, "dangerous_content stage=checked error=INVALID_MESSAGE "
					      "cause=nothing for the client rule=ACME-7 message_type=chat_message"));
	plan[1].word = (struct fw_stage_word){ .code = "PERMISSION_DENIED" };
	say(chat);
	expect_answer("PERMISSION_DENIED", NULL);
	assert_non_null(strstr(world.records, "permission_denied stage=checked"));
	assert_int_equal(world.messages, 0);
	/* The next is judged again. */
	plan[1].verdict = FW_STAGE_PASS;
	say(chat);
	assert_int_equal(world.messages, 1);
	assert_string_equal(output(), "");
	plan[1].verdict = FW_STAGE_CLOSE;
	plan[1].word = (struct fw_stage_word){ .code = "RATE_LIMITED", .cause = "enough" };
	say(chat);
	assert_non_null(strstr(output(), "\"code\":\"RATE_LIMITED\""));
	assert_non_null(strstr(world.records, "policy_violation close=POLICY error=RATE_LIMITED cause=enough"));
	close_conn();
}

static void test_flags(void **state)
{
	(void)state;
	open_conn("");
	plan[1].verdict = FW_STAGE_FLAG;
	plan[1].word = (struct fw_stage_word){ .cause = "odd", .rule = "ACME-8" };
	say(chat);
	assert_int_equal(world.messages, 1);
	assert_string_equal(output(), "");
	assert_non_null(strstr(world.records, "message_flagged stage=checked cause=odd rule=ACME-8 "
					      "message_type=chat_message"));
	close_conn();
}

/* What is no answer is our own fault: it never passes. */
static void test_fails_closed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_conn("");
		plan[1].verdict = i == 0 ? (enum fw_stage_verdict)99 : FW_STAGE_REFUSE;
		if (i == 1)
			plan[1].word.code = "NO_SUCH_CODE";
		if (i == 2)
			plan[1].word.code = "";
		if (i == 3) {
			plan[1].verdict = FW_STAGE_PASS;
			plan[2].word.type = "no_such_type";
		}
		say(chat);
		assert_non_null(strstr(output(), "\"code\":\"VALIDATION_ERROR\""));
		assert_non_null(strstr(world.records, "system_error close=FAULT"));
		assert_int_equal(world.messages, 0);
		close_conn();
	}
}

static void test_in_place_of_route(void **state)
{
	(void)state;
	open_conn("");
	say("{\"no\":\"text\"}"); /* the stage says chat_message, and that has one */
	expect_answer("INVALID_MESSAGE", "required");
	say("{\"text\":\"no type at all\"}");
	assert_int_equal(world.messages, 1);
	plan[2].word.type = NULL;
	say("{\"no\":\"text\"}"); /* as on an opaque route: nobody asks for more */
	assert_int_equal(world.messages, 2);
	close_conn();
}

static void test_outbound(void **state)
{
	struct fw_slice text = fw_text("{\"type\":\"chat_message\",\"data\":{\"text\":\"hi\"}}");
	uint16_t type;

	(void)state;
	open_conn("");
	assert_true(fw_policy_outbound_type(world.policy, "chat_message", &type));
	assert_string_equal(world.policy->outbound[type].name, "chat_message");
	assert_string_equal(fw_policy_message_name(world.policy, 0), world.policy->messages[0].name);
	assert_null(fw_policy_message_name(world.policy, FW_TYPE_OPAQUE));
	plan[3].path = "data/text";
	assert_int_equal(fw_conn_send(world.conn, type, false, text), FW_OK);
	assert_non_null(strstr(output(), "hi"));
	assert_string_equal(plan[3].type, "chat_message");
	assert_string_equal(plan[3].decoded, "hi");
	assert_true(plan[3].outbound);
	assert_int_equal(plan[0].calls, 0);
	plan[3].verdict = FW_STAGE_REFUSE;
	assert_int_equal(fw_conn_send(world.conn, FW_TYPE_OPAQUE, false, text), FW_ERR_INVALID);
	assert_string_equal(plan[3].type, "-");
	assert_string_equal(output(), "");
	assert_false(fw_policy_outbound_type(world.policy, "nothing", &type));
	/* And how an embedding program ends it. */
	fw_conn_end(world.conn, fw_close_reason("FORBIDDEN"));
	assert_non_null(strstr(output(), "\x11\x33"
					 "forbidden")); /* 4403 */
	assert_int_equal(fw_close_reason("no such"), fw_close_reason("POLICY"));
	close_conn();
}

static void test_monitor(void **state)
{
	(void)state;
	open_conn("mode: monitor\n");
	plan[1].verdict = FW_STAGE_REFUSE;
	plan[1].word.cause[0] = 'x';
	say(chat);
	assert_int_equal(world.messages, 1);
	assert_string_equal(output(), "");
	assert_non_null(strstr(world.records, "mode=monitor would=refuse stage=checked error=INVALID_MESSAGE cause=x"));
	close_conn();
}

static char traced[1024];

static void trace(void *user, const struct fw_trace *said)
{
	size_t used = strlen(traced);

	(void)user;
	snprintf(traced + used, sizeof(traced) - used, "%s:%s%s%.*s ", said->stage, said->verdict,
		 said->detail.size != 0 ? "=" : "", (int)said->detail.size, (const char *)said->detail.data);
}

static void test_explain(void **state)
{
	struct fw_slice forward;

	(void)state;
	open_conn("");
	plan[0].verdict = FW_STAGE_FLAG;
	strcpy(plan[0].word.cause, "hm");
	traced[0] = '\0';
	assert_true(fw_engine_explain(world.engine, "user", false, fw_text(chat), trace, NULL, &forward));
	assert_non_null(strstr(traced, "limit:pass inflate:pass first:flag=hm json:pass my-route:pass "));
	assert_non_null(strstr(traced, "schema:pass checked:pass rbac:pass "));
	assert_string_equal(plan[0].role, "user");
	assert_string_equal(plan[0].user, "");
	plan[1].verdict = FW_STAGE_REFUSE;
	traced[0] = '\0';
	assert_false(fw_engine_explain(world.engine, "user", false, fw_text(chat), trace, NULL, &forward));
	assert_non_null(strstr(traced, "checked:refuse=checked rbac:skip"));
	close_conn();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),     cmocka_unit_test(test_sees),
		cmocka_unit_test(test_refuses),	     cmocka_unit_test(test_flags),
		cmocka_unit_test(test_fails_closed), cmocka_unit_test(test_in_place_of_route),
		cmocka_unit_test(test_outbound),     cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
