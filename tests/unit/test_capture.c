/* Lines of a capture: what is read of them, and what is wrong with others; texts as a capture may have them. */
#include "policy_of.h"

#include <stdlib.h>

#include "base/mem.h"
#include "codec/capture.h"
#include "codec/json.h"
#include "shell/capture_redact.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* NULL: it is one. */
static const char *read_line(const char *text, struct capture_line *ret)
{
	const char *what;

	return capture_read(&arena, slice_text(text), ret, &what) ? NULL : what;
}

static void reads(void **state)
{
	struct capture_line line;

	(void)state;
	assert_null(
		read_line("{\"time\":1.5,\"connection\":\"c\",\"user\":\"u\",\"role\":\"r\",\"path\":\"/p\","
			  "\"direction\":\"out\",\"text\":\"{\\\"a\\\":1}\",\"verdict\":\"refuse\",\"stage\":\"rbac\","
			  "\"code\":\"C\",\"type\":\"t\",\"rewritten\":true,\"more\":[{}]}",
			  &line));
	assert_int_equal(line.wall_us, 1500000);
	assert_true(line.has_time && line.outbound && !line.binary && line.has_verdict && line.rewritten);
	assert_int_equal(line.verdict, CAPTURE_REFUSE);
	assert_true(slice_is(line.payload, "{\"a\":1}") && slice_is(line.connection, "c") && slice_is(line.user, "u") &&
		    slice_is(line.role, "r") && slice_is(line.path, "/p") && slice_is(line.stage, "rbac") &&
		    slice_is(line.code, "C") && slice_is(line.type, "t"));
	assert_null(read_line("{\"time\":\"2026-11-29T12:00:00.25Z\",\"connection\":7,\"role\":null,"
			      "\"direction\":\"client\",\"message\":{\"b\": 2}}",
			      &line));
	assert_int_equal(line.wall_us, UINT64_C(1795953600250000));
	assert_true(slice_is(line.payload, "{\"b\": 2}") && slice_is(line.connection, "7") && line.role.data == NULL);
	assert_null(read_line("{\"binary\":\"AP8=\"}", &line));
	assert_true(line.binary && line.payload.size == 2 && line.payload.data[1] == 0xff);
	assert_null(read_line("{\"text\":\"\"}", &line));
	assert_true(line.payload.data != NULL && line.payload.size == 0);
	assert_null(read_line("{\"cut\":true,\"size\":9}", &line));
	assert_true(line.is_cut && line.size == 9);
	assert_null(read_line("{\"lost\":3}", &line));
	assert_true(line.is_note);
}

static void refuses(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"direction\":\"in\"}",
		"{\"text\":5}",
		"{\"text\":null}",
		"{\"text\":\"a\",\"text\":\"b\"}",
		"{\"text\":\"a\",\"direction\":\"up\"}",
		"{\"text\":\"a\",\"direction\":[]}",
		"{\"text\":\"a\",\"time\":\"soon\"}",
		"{\"text\":\"a\",\"time\":-1}",
		"{\"text\":\"a\",\"time\":1e300}",
		"{\"text\":\"a\",\"time\":\"2026-11-29T12:00:00.xZ\"}",
		"{\"text\":\"a\",\"verdict\":\"perhaps\"}",
		"{\"text\":\"a\",\"user\":{}}",
		"{\"binary\":\"AP8\"}",
		"{\"binary\":7}",
		"{\"cut\":true,\"size\":-1}",
	};
	struct capture_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_non_null(read_line(wrong[i], &line));
}

static const uint8_t key[CAPTURE_KEY] = { 1, 2, 3 };

/* In memory of just its size. */
static char *redacted(const char *text, enum capture_keep keep)
{
	static char kept[4096];
	const struct capture_rules rules = { .keep = keep };
	size_t size = strlen(text);
	uint8_t *copy = malloc(size != 0 ? size : 1);

	assert_non_null(copy);
	memcpy(copy, text, size);
	assert_true(capture_redact(key, &rules, &arena, copy, size));
	memcpy(kept, copy, size);
	kept[size] = '\0';
	free(copy);
	return kept;
}

static void keeps(const char *text, enum capture_keep keep)
{
	assert_string_equal(redacted(text, keep), text);
}

static void keeps_words(void **state)
{
	(void)state;
	keeps("{\"type\":\"order.place\",\"n\":-1.5e3,\"b\":[true,null],\"at\":\"2026-11-29T12:00:00Z\"}",
	      CAPTURE_KEEP_WORDS);
	keeps("{\"id\":\"3f0c2c1e-5a38-4a0e-9c6f-0123456789ab\",\"e\":\"\"}", CAPTURE_KEEP_WORDS);
	keeps("{\"text\":\"all of it, and more\"}", CAPTURE_KEEP_ALL);
	keeps("42[\"event\",{\"a\":\"word\"}]", CAPTURE_KEEP_WORDS);
	keeps("", CAPTURE_KEEP_WORDS);
}

/* What is left is as long, JSON as before, and other letters and digits. */
static void shapes(const char *text, const char *secret, enum capture_keep keep)
{
	const char *made = redacted(text, keep);
	struct json json, before;

	assert_int_equal(strlen(made), strlen(text));
	assert_null(strstr(made, secret));
	assert_int_equal(json_parse(&arena, slice_text(text), 0, &before, NULL), JSON_OK);
	assert_int_equal(json_parse(&arena, slice_text(made), 0, &json, NULL), JSON_OK);
	assert_int_equal(json.count, before.count);
	for (uint32_t i = 0; i < json.count; i++)
		assert_int_equal(json.nodes[i].kind, before.nodes[i].kind);
}

static void shapes_secrets(void **state)
{
	(void)state;
	shapes("{\"password\":\"hunter2\"}", "hunter2", CAPTURE_KEEP_ALL);
	shapes("{\"userPassword\":\"hunter2\"}", "hunter2", CAPTURE_KEEP_ALL);
	shapes("{\"Access-Token\":{\"a\":[\"hunter2\",12345]}}", "hunter2", CAPTURE_KEEP_ALL);
	shapes("{\"Access-Token\":{\"type\":[\"hunter2\",12345]}}", "12345", CAPTURE_KEEP_ALL);
	shapes("{\"pin\":1203}", "1203", CAPTURE_KEEP_ALL);
	shapes("{\"pin\":-0.5e10}", "0.5e10", CAPTURE_KEEP_ALL);
	shapes("{\"p\\u0061ssword\":\"hunter2\"}", "hunter2", CAPTURE_KEEP_ALL);
	shapes("{\"a\":\"my key is AKIA"
	       "QYLPMN5HFIQR7XYA\"}",
	       "PMN5HFIQR7X", CAPTURE_KEEP_ALL);
	shapes("{\"a\":4111111111111111}", "4111111111111111", CAPTURE_KEEP_ALL);
	shapes("{\"a\":\"alice@example.com\"}", "alice", CAPTURE_KEEP_WORDS);
	/* What is found may begin with the rest of an escape, which stays one. */
	shapes("{\"a\":\"one\\nalice@example.com \\\\nbob@example.com\"}", "ice@", CAPTURE_KEEP_ALL);
	shapes("{\"a\":\"\\u4d4dalice@example.com and \\ud83d\\ude00bob@example.com\"}", "lice@", CAPTURE_KEEP_ALL);
	shapes("{\"a\":\"444d\\u4d44d44@441445oks.si\"}", "441445oks", CAPTURE_KEEP_ALL);
	shapes("{\"alice@example.com\":1,\"b\":2}", "alice", CAPTURE_KEEP_WORDS);
	shapes("{\"a\":\"two w\\u00f6rds \\\"quoted\\\" \\ud83d\\ude00 end\"}", "words", CAPTURE_KEEP_WORDS);
	shapes("{\"a\":\"zw\xc3\xb6lf \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80 Boxk\xc3\xa4mpfer\"}", "Boxk",
	       CAPTURE_KEEP_WORDS);
	shapes("{\"a\":\"0123456789abcdef0123456789abcdef\"}", "0123456789abcdef", CAPTURE_KEEP_WORDS);
	shapes("{\"a\":\"word\"}", "word", CAPTURE_KEEP_SHAPES);
	shapes("[\"-----BEGIN PRIVATE KEY-----\\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAq7BFUpkGp3+LQmlQ\\n"
	       "-----END PRIVATE KEY-----\"]",
	       "MIIBVgIBADANBgkq", CAPTURE_KEEP_WORDS);
}

static void equal_stay_equal(void **state)
{
	static const uint8_t other[CAPTURE_KEY] = { 9 };
	char one[CAPTURE_USER], two[CAPTURE_USER];
	char first[256];

	(void)state;
	snprintf(first, sizeof(first), "%s", redacted("{\"a\":\"some words\"}", CAPTURE_KEEP_WORDS));
	assert_string_equal(redacted("{\"a\":\"some words\"}", CAPTURE_KEEP_WORDS), first);
	capture_redact_user(key, slice_text("alice"), one);
	capture_redact_user(other, slice_text("alice"), two);
	assert_memory_equal(one, "u-", 2);
	assert_memory_not_equal(one, two, CAPTURE_USER);
	/* What is no JSON has no members by which anything could be kept. */
	assert_string_not_equal(redacted("SEND hunter2", CAPTURE_KEEP_WORDS), "SEND hunter2");
}

static void classes(void **state)
{
	struct fw_policy *policy =
		policy_of("messages: {note: {permission: any, fields: {body: {class: html}, who: {class: "
			  "id}}}}\n");
	const struct capture_rules rules = {
		.keep = CAPTURE_KEEP_WORDS,
		.message = &policy->messages[policy_message_find(policy, slice_text("note"))]
	};
	uint8_t text[] = "{\"type\":\"note\",\"body\":\"hello\",\"who\":\"alice\"}";

	(void)state;
	assert_true(capture_redact(key, &rules, &arena, text, sizeof(text) - 1));
	assert_null(strstr((char *)text, "hello"));
	assert_non_null(strstr((char *)text, "\"who\":\"alice\""));
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_words, setup, teardown),
		cmocka_unit_test_setup_teardown(shapes_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_stay_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(classes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
