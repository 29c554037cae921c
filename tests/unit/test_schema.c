/* Fields of messages: every type against every JSON kind, every length at its limit and one beyond, formats, the list
 * of problems. */
#include "policy_of.h"

#include "base/utf8.h"
#include "codec/json.h"

static struct fw_policy *policy;
static struct arena arena;
static struct problems problems;

static int set_up(void **state)
{
	(void)state;
	policy = policy_of("");
	arena_init(&arena, 1 << 24);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	fw_policy_unref(policy);
	return 0;
}

static void judge_by(const struct fw_policy *by, const char *type, struct fw_slice text)
{
	uint16_t index = policy_message_find(by, slice_text(type));
	struct json json;

	arena_reset(&arena);
	assert_int_not_equal(index, POLICY_NONE);
	assert_int_equal(json_parse(&arena, text, 0, &json, NULL), JSON_OK);
	memset(&problems, 0xa5, sizeof(problems));
	assert_int_equal(
		schema_check(by, &by->messages[index], &json, 0, json_member(&json, 0, "type", 4), &arena, &problems),
		FW_OK);
}

/* The problems of a message as "field:rule[=limit][<expected] …". */
static const char *judge(const char *type, const char *text)
{
	static char said[4096];
	size_t n = 0;

	judge_by(policy, type, slice_text(text));
	said[0] = '\0';
	for (unsigned i = 0; i < problems.count; i++) {
		const struct problem *problem = &problems.list[i];

		n += (size_t)sprintf(said + n, "%s%s:%s", i != 0 ? " " : "", problem->field, problem->rule);
		if (problem->has_limit)
			n += (size_t)sprintf(said + n, "=%lld", (long long)problem->limit);
		if (problem->expected != NULL)
			n += (size_t)sprintf(said + n, "<%s", problem->expected);
	}
	return said;
}

#define SAYS(type, text, expected) assert_string_equal(judge(type, text), expected)

static void good_messages(void **state)
{
	(void)state;
	SAYS("chat_message", "{\"type\":\"chat_message\",\"text\":\"hi\"}", "");
	SAYS("chat_message",
	     "{\"text\":\"hi\",\"type\":\"chat_message\",\"reply_to\":7,\"mentions\":[\"bob\",\"a.b-c_d\"],\"csrf_"
	     "token\":\"x\"}",
	     "");
	SAYS("chat_message",
	     "{\"text\":\"a\",\"attachments\":[{\"url\":\"https://example.com/a.png\",\"name\":\"a\",\"type\":\"image/"
	     "png\",\"size\":0}]}",
	     "");
	SAYS("typing", "{\"type\":\"typing\"}", "");
	SAYS("typing", "{\"type\":\"typing\",\"is_typing\":false}", "");
	SAYS("ping", "{\"timestamp\":1.5e300}", "");
	SAYS("ping", "{\"timestamp\":\"now\"}", "");
	SAYS("create_task", "{\"title\":\"t\",\"priority\":\"urgent\",\"due_date\":\"\",\"assignee\":\"bob\"}", "");
	SAYS("update_task", "{\"task_id\":9007199254740991,\"status\":\"in_progress\"}", "");
	SAYS("create_employee", "{\"employee_id\":\"e1\",\"name\":\"N\",\"email\":\"a.b+c@example.co.uk\"}", "");
	SAYS("admin_command", "{\"command\":\"list-users_2\",\"args\":[\"\",\"x y\"]}", "");
	SAYS("auth", "{\"method\":\"jwt\",\"token\":\"a.b.c\"}", "");
}

static void missing_and_unknown(void **state)
{
	(void)state;
	SAYS("chat_message", "{}", "text:required");
	SAYS("chat_message", "{\"type\":\"chat_message\"}", "text:required");
	SAYS("create_employee", "{\"nmae\":1}", "nmae:unknown employee_id:required name:required");
	SAYS("typing", "{\"Type\":1,\"is_typing\":true,\"isTyping\":true}", "Type:unknown isTyping:unknown");
	SAYS("typing", "{\"csrf_token\":\"x\"}", "csrf_token:unknown");
	/* In document order, what is missing last. */
	SAYS("chat_message", "{\"zz\":1,\"reply_to\":\"x\",\"aa\":2,\"mentions\":{}}",
	     "zz:unknown reply_to:type<integer aa:unknown mentions:type<array text:required");
	SAYS("chat_message", "{\"text\":\"\"}", "text:min_length=1");
	SAYS("chat_message", "{\"text\":null}", "text:type<string");
	/* A name written with escapes is the same name. */
	SAYS("chat_message", "{\"te\\u0078t\":\"hi\"}", "");
	SAYS("chat_message", "{\"t\\u0079pe\":\"chat_message\",\"text\":\"hi\"}", "");
}

/* Which JSON kinds each kind of field takes: the cell is the whole answer. */
static void every_field_by_kind(void **state)
{
	static const char *const values[] = { "null", "true", "7", "0.5", "\"x\"", "[]", "{}" };
	/* rows: STRING BOOLEAN INTEGER NUMBER ANY ARRAY OBJECT */
	static const bool takes[7][7] = {
		{ 0, 0, 0, 0, 1, 0, 0 }, { 0, 1, 0, 0, 0, 0, 0 }, { 0, 0, 1, 0, 0, 0, 0 }, { 0, 0, 1, 1, 0, 0, 0 },
		{ 0, 0, 1, 1, 1, 0, 0 }, { 0, 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 0, 1 },
	};
	unsigned cells = 0;

	(void)state;
	for (unsigned m = 0; m < policy->message_count; m++) {
		const struct policy_message *message = &policy->messages[m];

		for (unsigned f = 0; f < message->field_count; f++) {
			for (unsigned v = 0; v < 7; v++, cells++) {
				const struct policy_field *field = &message->fields[f];
				bool type = false, about = false;
				char text[128];

				sprintf(text, "{\"%s\":%s}", field->name, values[v]);
				judge_by(policy, message->name, slice_text(text));
				for (unsigned i = 0; i < problems.count; i++) {
					if (strcmp(problems.list[i].field, field->name) != 0)
						continue;
					about = true;
					type = type || strcmp(problems.list[i].rule, "type") == 0;
				}
				if (type == takes[field->kind][v])
					fail_msg("%s: %s", message->name, text);
				if (takes[field->kind][v] && field->class == CLASS_PLAIN && field->kind != KIND_ARRAY)
					assert_false(about);
			}
		}
	}
	assert_true(cells > 7 * 40);
}

static void fill(char *text, const char *before, const char *unit, int64_t count, const char *after)
{
	strcpy(text, before);
	for (size_t n = strlen(text), size = strlen(unit); count-- > 0; n += size)
		strcpy(text + n, unit);
	strcat(text, after);
}

static bool has_problem(const char *field, const char *rule, int64_t limit)
{
	for (unsigned i = 0; i < problems.count; i++)
		if (strcmp(problems.list[i].field, field) == 0 && strcmp(problems.list[i].rule, rule) == 0 &&
		    problems.list[i].has_limit && problems.list[i].limit == limit)
			return true;
	return false;
}

static void every_length(void **state)
{
	static char text[400000];
	/* One octet, two, four, and the same written as escapes: a length is of characters. */
	static const char *const units[] = { "a", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\u0061", "\\ud83d\\ude00", "\\n" };
	unsigned fields = 0;

	(void)state;
	for (unsigned m = 0; m < policy->message_count; m++) {
		const struct policy_message *message = &policy->messages[m];

		for (unsigned f = 0; f < message->field_count; f++) {
			const struct policy_field *field = &message->fields[f];
			char before[64];

			if (field->kind != KIND_STRING && field->kind != KIND_ANY)
				continue;
			fields++;
			sprintf(before, "{\"%s\":\"", field->name);
			for (size_t u = 0; u < sizeof(units) / sizeof(*units); u++) {
				fill(text, before, units[u], field->max, "\"}");
				judge_by(policy, message->name, slice_text(text));
				assert_false(has_problem(field->name, "max_length", field->max));
				fill(text, before, units[u], field->max + 1, "\"}");
				judge_by(policy, message->name, slice_text(text));
				assert_true(has_problem(field->name, "max_length", field->max));
				if (field->min == 0)
					continue;
				fill(text, before, units[u], field->min - 1, "\"}");
				judge_by(policy, message->name, slice_text(text));
				assert_true(has_problem(field->name, "min_length", field->min));
				fill(text, before, units[u], field->min, "\"}");
				judge_by(policy, message->name, slice_text(text));
				assert_false(has_problem(field->name, "min_length", field->min));
			}
		}
	}
	assert_true(fields > 30);
}

static void integers(void **state)
{
	(void)state;
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":9007199254740991}", "");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":9007199254740992}", "reply_to:maximum=9007199254740991");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":9007199254740993}", "reply_to:maximum=9007199254740991");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":123456789012345678901234567890}",
	     "reply_to:maximum=9007199254740991");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":-1}", "reply_to:minimum=0");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":-99999999999999999999}", "reply_to:minimum=0");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":0}", "");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":1.0}", "reply_to:type<integer");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":1e3}", "reply_to:type<integer");
	SAYS("chat_message", "{\"text\":\"a\",\"reply_to\":\"1\"}", "reply_to:type<integer");
}

static void arrays(void **state)
{
	char text[4096];

	(void)state;
	SAYS("chat_message", "{\"text\":\"a\",\"mentions\":[\"ok\",5,\"no spaces\",\"\",null]}",
	     "mentions/1:type<string mentions/2:format<id mentions/3:min_length=1 mentions/4:type<string");
	SAYS("chat_message",
	     "{\"text\":\"a\",\"attachments\":[{\"url\":\"https://example.com/"
	     "\"},{\"url\":\"javascript:1\",\"x\":1},{\"name\":5}]}",
	     "attachments/1/url:format<url attachments/1/x:unknown attachments/2/name:type<string "
	     "attachments/2/url:required");
	SAYS("chat_message",
	     "{\"text\":\"a\",\"attachments\":[{\"url\":\"https://example.com/\",\"type\":5,\"size\":-1}]}",
	     "attachments/0/type:type<string attachments/0/size:minimum=0");
	fill(text, "{\"text\":\"a\",\"mentions\":[\"x\"", ",\"x\"", 49, "]}");
	SAYS("chat_message", text, "");
	fill(text, "{\"text\":\"a\",\"mentions\":[\"x\"", ",\"x\"", 50, "]}");
	SAYS("chat_message", text, "mentions:max_items=50");
	fill(text, "{\"text\":\"a\",\"attachments\":[{}", ",{}", 10, "]}");
	judge_by(policy, "chat_message", slice_text(text));
	assert_string_equal(problems.list[0].rule, "max_items");
	assert_int_equal(problems.total, 11); /* ten without url, and too many; the eleventh is not looked at */
	fill(text, "{\"command\":\"x\",\"args\":[\"x\"", ",\"x\"", 20, "]}");
	SAYS("admin_command", text, "args:max_items=20");
}

static void formats(void **state)
{
	static const char *const bad_mails[] = {
		"a",	   "a@",      "@b.c",		"a@b",	       "a@b.c@d",	"a..b@c.de",
		".a@c.de", "a.@c.de", "a b@c.de",	"a@-c.de",     "a@c-.de",	"a@c..de",
		"a@c.de.", "a@c.123", "\\\"a\\\"@c.de", "a@[1.2.3.4]", "\xc3\xa9@c.de", "a@c_d.de",
		"a@.de"
	};
	static const char *const good_mails[] = { "a@b.cd", "o'neil+tag@mail.example.org", "x_y@xn--bcher-kva.example",
						  "1@2.c3" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_mails) / sizeof(*bad_mails); i++) {
		sprintf(text, "{\"employee_id\":\"e\",\"name\":\"n\",\"email\":\"%s\"}", bad_mails[i]);
		if (strcmp(judge("create_employee", text), "email:format<email") != 0 &&
		    strcmp(judge("create_employee", text), "email:min_length=3") != 0)
			fail_msg("%s: %s", bad_mails[i], judge("create_employee", text));
	}
	for (size_t i = 0; i < sizeof(good_mails) / sizeof(*good_mails); i++) {
		sprintf(text, "{\"employee_id\":\"e\",\"name\":\"n\",\"email\":\"%s\"}", good_mails[i]);
		SAYS("create_employee", text, "");
	}
	for (unsigned c = 1; c < 128; c++) {
		bool id = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", (int)c) != NULL;

		sprintf(text, "{\"command\":\"\\u%04x\",\"target\":\"\\u%04x\"}", c, c);
		judge_by(policy, "admin_command", slice_text(text));
		assert_int_equal(problems.total, (id && c != '.' ? 0 : 1) + (id && c != '.' && c != '-' ? 0 : 1));
		sprintf(text, "{\"token\":\"\\u%04x\"}", c);
		SAYS("auth", text, c >= 0x20 && c <= 0x7e ? "" : "token:format<printable ASCII");
	}
	SAYS("admin_command", "{\"command\":\"a\",\"target\":\"caf\xc3\xa9\"}", "target:format<id");
	SAYS("create_task", "{\"title\":\"t\",\"priority\":\"Low\"}", "priority:enum");
	SAYS("create_task", "{\"title\":\"t\",\"priority\":\"\"}", "priority:enum");
	SAYS("create_task", "{\"title\":\"t\",\"priority\":\"lo\\u0077\"}", "");
}

static void nul_characters(void **state)
{
	(void)state;
	SAYS("chat_message", "{\"text\":\"a\\u0000b\"}", "text:nul");
	SAYS("create_task", "{\"title\":\"\\u0000\",\"due_date\":\"x\\u0000\"}", "title:nul due_date:nul");
	SAYS("admin_command", "{\"command\":\"a\\u0000\"}", "command:format<command");
	SAYS("admin_command", "{\"command\":\"a\",\"args\":[\"\\u0000\"]}", "args/0:nul");
	SAYS("ping", "{\"timestamp\":\"\\u0000\"}", "timestamp:nul");
	SAYS("auth", "{\"token\":\"a\\u0000\"}", "token:format<printable ASCII");
}

static void many_problems(void **state)
{
	char text[4096] = "{";

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		sprintf(text + strlen(text), "\"x%u\":1,", i);
	strcat(text, "\"is_typing\":5}");
	judge_by(policy, "typing", slice_text(text));
	assert_int_equal(problems.count, LIMIT_PROBLEMS);
	assert_int_equal(problems.total, 41);
	assert_string_equal(problems.list[15].field, "x15");
	assert_int_equal(problems.unknown, 0);
}

static void pointers(void **state)
{
	char text[1024], field[96];

	(void)state;
	SAYS("typing", "{\"a/b~c\":1}", "a~1b~0c:unknown");
	SAYS("typing", "{\"\":1}", ":unknown");
	SAYS("typing", "{\"\\u000a\\u202e\":1}", "\n\xe2\x80\xae:unknown");
	/* Cut at a whole character. */
	fill(text, "{\"", "a", 94, "\xc3\xa9\xc3\xa9\":1}");
	fill(field, "", "a", 94, "");
	judge_by(policy, "typing", slice_text(text));
	assert_string_equal(problems.list[0].field, field);
	fill(text, "{\"", "a", 500, "\":1}");
	judge_by(policy, "typing", slice_text(text));
	assert_int_equal(strlen(problems.list[0].field), 95);
	assert_true(utf8_valid((const uint8_t *)problems.list[0].field, 95));
}

static void unknown_fields_by_setting(void **state)
{
	static const char text[] =
		"{\"text\":\"a\",\"x\":1,\"y\":{\"z\":[1]},\"attachments\":[{\"url\":\"http://a.b/\",\"q\":0}]}";
	struct fw_policy *other;

	(void)state;
	SAYS("chat_message", text, "x:unknown y:unknown attachments/0/q:unknown");
	for (unsigned i = 0; i < 2; i++) {
		other = policy_of(i == 0 ? "validation: {unknown_fields: strip}"
					 : "validation: {unknown_fields: warn}");
		judge_by(other, "chat_message", slice_text(text));
		assert_int_equal(problems.total, 0);
		assert_int_equal(problems.unknown, 3);
		fw_policy_unref(other);
	}
}

static void short_memory(void **state)
{
	static const char text[] = "{\"employee_id\":\"\\u0061\",\"na\\u006de\":\"n\",\"email\":\"a\\u0040b.cd\"}";
	const struct policy_message *message =
		&policy->messages[policy_message_find(policy, slice_text("create_employee"))];
	struct arena small;
	struct json json;
	unsigned failed = 0;

	(void)state;
	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
	for (uint64_t n = 1;; n++) {
		int result;

		arena_init(&small, 1 << 20);
		mem_fail_at(n);
		result = schema_check(policy, message, &json, 0, 0, &small, &problems);
		mem_fail_at(0);
		arena_fini(&small);
		if (result == FW_OK)
			break;
		assert_int_equal(result, FW_ERR_MEMORY);
		failed++;
	}
	assert_int_equal(failed, 1);
	assert_int_equal(problems.total, 0);
	/* Without escapes nothing is allocated at all. */
	arena_reset(&arena);
	assert_int_equal(
		json_parse(&arena, slice_text("{\"employee_id\":\"a b\",\"name\":\"n\",\"x\":1}"), 0, &json, NULL),
		JSON_OK);
	arena_init(&small, 0);
	assert_int_equal(schema_check(policy, message, &json, 0, 0, &small, &problems), FW_OK);
	assert_int_equal(problems.total, 2);
	arena_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_messages),
		cmocka_unit_test(missing_and_unknown),
		cmocka_unit_test(every_field_by_kind),
		cmocka_unit_test(every_length),
		cmocka_unit_test(integers),
		cmocka_unit_test(arrays),
		cmocka_unit_test(formats),
		cmocka_unit_test(nul_characters),
		cmocka_unit_test(many_problems),
		cmocka_unit_test(pointers),
		cmocka_unit_test(unknown_fields_by_setting),
		cmocka_unit_test(short_memory),
	};

	return cmocka_run_group_tests_name("schema", tests, set_up, tear_down);
}
