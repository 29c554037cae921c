/* What is proposed of few messages: types, lists, ranges, forms, what is needed, maps; and that it loads. */
#include "policy_of.h"

#include <stdlib.h>

#include "codec/capture.h"
#include "learn/learn.h"

static char *proposed;
static size_t proposed_size;

static int teardown(void **state)
{
	(void)state;
	free(proposed);
	proposed = NULL;
	return 0;
}

static void say_as(struct learn *learn, const char *role, const char *path, const char *text, unsigned i)
{
	const struct capture_line line = { .has_time = true,
					   .wall_us = UINT64_C(1795953600000000) + i * UINT64_C(1000000),
					   .connection = slice_text("c"),
					   .role = slice_text(role),
					   .path = slice_text(path),
					   .payload = slice_text(text) };

	assert_int_equal(learn_add(learn, &line), FW_OK);
}

static void say(struct learn *learn, const char *text, unsigned i)
{
	say_as(learn, "user", "/chat", text, i);
}

static bool write_down(struct learn *learn)
{
	FILE *out;
	bool learned;

	free(proposed);
	proposed = NULL;
	out = open_memstream(&proposed, &proposed_size);
	assert_non_null(out);
	learned = learn_write(learn, out, "ws://127.0.0.1:9000");
	assert_int_equal(fclose(out), 0);
	learn_free(learn);
	return learned;
}

/* Of messages with each of the texts in turn between what stands before and behind it; what is proposed loads. */
static void learn_of(unsigned count, const char *before, const char *behind, const char *const *texts,
		     unsigned text_count)
{
	struct learn *learn = learn_new();
	char text[65536];

	assert_non_null(learn);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s%s%s", before, texts[i % text_count], behind);
		say(learn, text, i);
	}
	assert_true(write_down(learn));
	fw_policy_unref(policy_of(proposed));
}

/* What stands around a value of the member v, around a text in it, and around all. */
#define VALUE "{\"type\":\"t\",\"v\":", "}"
#define TEXT "{\"type\":\"t\",\"v\":\"", "\"}"
#define OBJECT "{", "}"
#define LEARN(count, form, ...)                                                                                        \
	learn_of(count, form, (const char *const[]){ __VA_ARGS__ },                                                    \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void has(const char *part)
{
	if (strstr(proposed, part) == NULL)
		fail_msg("lacks %s:\n%s", part, proposed);
}

static void lacks(const char *part)
{
	if (strstr(proposed, part) != NULL)
		fail_msg("has %s:\n%s", part, proposed);
}

static void what_says_the_type(void **state)
{
	(void)state;
	LEARN(40, OBJECT, "\"head\":{\"kind\":\"a\"},\"x\":1", "\"head\":{\"kind\":\"b\"},\"y\":\"z\"");
	has("discriminator: \"/head/kind\"");
	has("\n  \"a\":\n    permission: any # 20 messages, user 20\n");
	has("\n  \"b\":\n");
	has("\n  - path: \"/chat\" # 40 messages\n");
	LEARN(9, OBJECT, "\"type\":\"only\",\"x\":1", "\"type\":\"only\",\"x\":2");
	lacks("discriminator");
	has("\n  \"only\":\n    permission: any # 9 messages: few examples, user 9\n");
	/* without it a number is no name */
	LEARN(40, OBJECT, "\"type\":1,\"x\":1", "\"type\":2,\"y\":\"z\"");
	has("discriminator: \"/type\"");
	LEARN(30, OBJECT, "\"x\":1", "\"x\":2", "\"x\":3");
	has("discriminator: none\n    types: { message: any }");
}

static void types(void **state)
{
	(void)state;
	LEARN(30, VALUE, "1", "true", "false", "null");
	has("type: [\"null\", boolean, integer]");
	LEARN(30, VALUE, "1.5", "2");
	has("type: [number]");
	LEARN(40, VALUE, "[1]", "[2,3]");
	has("type: [array]\n          minItems: 1\n          maxItems: 4 # 40 of 1 to 2 items\n          items: # 60\n "
	    "           type: "
	    "[integer]");
}

static void lists(void **state)
{
	(void)state;
	LEARN(30, TEXT, "buy", "sell", "hold");
	has("enum: [\"buy\", \"sell\", \"hold\"]");
	/* too few of each, and one that came last */
	LEARN(8, TEXT, "buy", "sell", "hold");
	lacks("[\"buy\"");
	LEARN(30, VALUE, "\"on\"", "\"off\"", "null");
	has("enum: [\"on\", \"off\", null]");
	LEARN(90, VALUE, "1", "7", "3");
	has("enum: [1, 7, 3]");
	/* names of things are no list */
	LEARN(30, TEXT, "user-0001", "user-0002", "user-0003");
	lacks("[\"user-");
}

static void ranges(void **state)
{
	(void)state;
	LEARN(60, VALUE, "10", "12", "11", "13", "20");
	has("minimum: 5\n          maximum: 25");
	LEARN(60, VALUE, "-0.5", "0.25", "0.5", "0.3");
	has("minimum: -1\n          maximum: 1");
	/* near the time of its message */
	LEARN(30, VALUE, "1795953600", "1795953700000");
	has("minimum: 0");
	lacks("maximum");
	/* more digits than ten, and than 64; too large to be told */
	LEARN(60, VALUE, "1234567890123.25", "1234567890123.5");
	has("minimum: 1234567890123.125\n          maximum: 1234567890123.625\n");
	LEARN(60, VALUE, "5", "1000000000000000000000000000000000000000000000000000000000000000000000");
	has("maximum: 1.5e+69\n");
	LEARN(60, VALUE, "5", "1e999");
	has("minimum: 0\n");
	lacks("maximum");
	LEARN(60, VALUE, "-1e999", "1e999");
	lacks("imum:");
}

static void needed(void **state)
{
	(void)state;
	LEARN(30, OBJECT, "\"type\":\"t\",\"a\":1,\"b\":2", "\"type\":\"t\",\"a\":1");
	has("additionalProperties: false\n      required: [\"type\", \"a\"]\n      properties:");
	has("\"a\": # 30 of 30\n");
	has("\"b\": # 15 of 30: few examples\n");
}

/* Where evidence is short the rule is weaker. */
static void short_of_evidence(void **state)
{
	struct learn *learn = learn_new();
	char text[128];

	(void)state;
	/* of two examples nothing is needed where most may be left out, and whole numbers may be others */
	LEARN(2, OBJECT, "\"type\":\"t\",\"a\":1,\"b\":1,\"c\":1,\"d\":1",
	      "\"type\":\"t\",\"a\":1,\"e\":1,\"f\":1,\"g\":1");
	has("required: [] # too few examples to need any");
	has("additionalProperties: true # 8 names, of which some are rare");
	has("type: [number] # 2 numbers, 1 to 1");
	/* values and names of which one came once */
	assert_non_null(learn);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"t\",\"v\":\"%s\",\"m\":{\"%s\":1}}",
			 i == 30 ? "rare"
			 : i % 2 ? "buy"
				 : "sell",
			 i == 30     ? "rare"
			 : i / 2 % 2 ? "a"
				     : "b");
		say(learn, text, i);
	}
	assert_true(write_down(learn));
	lacks("\"rare\"]");
	has("additionalProperties: # 3 names, of which some are rare\n            type: [integer]");
	fw_policy_unref(policy_of(proposed));
	/* a counter, though few were seen */
	LEARN(8, VALUE, "10", "20", "30", "40", "50", "60", "70", "80");
	has("minimum: 0\n");
	lacks("maximum");
}

static void forms(void **state)
{
	(void)state;
	LEARN(30, TEXT, "2026-01-31T10:00:00Z", "2026-02-28T11:00:00.5+01:00", "2026-03-01T12:00:00Z");
	has("format: date-time");
	LEARN(30, TEXT, "2026-01-31", "2026-02-28");
	has("format: date");
	LEARN(30, TEXT, "3f0c2c1e-5a38-4a0e-9c6f-0123456789ab", "4f0c2c1e-5a38-4a0e-9c6f-0123456789AB");
	has("format: uuid");
	LEARN(30, TEXT, "alice1@example.com", "bob2@example.org", "ci4@example.net");
	has("format: email\n          minLength: 1\n          maxLength: 200");
	LEARN(30, TEXT, "10.0.0.1", "192.168.1.20");
	has("format: ipv4");
	LEARN(30, TEXT, "2001:db8::1", "fe80::12");
	has("format: ipv6");
	LEARN(30, TEXT, "https://example.com/a1", "https://example.org/b2?c=3");
	has("format: uri");
	LEARN(30, TEXT, "ord_1a2b3c", "ord_4d5e6f", "ord_7a8b9c");
	has("pattern: \"^ord_[0-9a-f]{6}$\"");
	LEARN(30, TEXT, "two words of it", "and 3 more", "end.");
	has("minLength: 1\n          maxLength: 200");
}

/* What looks like a format is none when a policy would not take it as one. */
static void no_forms(void **state)
{
	static const char *const texts[][2] = {
		{ "2026-99-99", "2026-02-30" },
		{ "2026-01-31T25:00:00Z", "2026-01-31T10:00:00.Z" },
		{ "a1@b..c", "a..2@b.c" },
		{ "wss://example.com/a1", "ftp://example.com/b2" },
		{ "http://127.0.0.1/a1", "http://localhost/b2" },
		{ "https://example.com/a1", "mailto:alice@example.com" },
		{ "a:1", "b:2" },
		{ "256.1.1.1", "1.2.3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		LEARN(5, TEXT, texts[i][0], texts[i][1]);
		lacks("format:");
	}
}

/* Whatever marks are in texts, and however long they are. */
static void odd_texts(void **state)
{
	static char marks[2][64], longs[2][60001];
	size_t used = 0;

	(void)state;
	for (char c = ' '; c < 0x7f; c++)
		if (!ascii_is_alpha((uint8_t)c) && !ascii_is_digit((uint8_t)c) && c != '"' && c != '\\')
			marks[0][used++] = c;
	memset(marks[0] + used, 'x', 20); /* too long for a list */
	memcpy(marks[1], marks[0] + 1, used + 19);
	LEARN(30, TEXT, marks[0] + 1, marks[1] + 1);
	has("pattern: \"^[a-z!#$%&'()*+,\\\\-./:;<=>?@[\\\\]\\\\^_`{|}~]{");
	LEARN(5, TEXT,
	      "a\x7f"
	      "1-2",
	      "a\x7f"
	      "3-44");
	lacks("pattern");
	for (size_t size = 39998; size < 60000; size += 20000) {
		memset(longs[0], '7', size);
		memset(longs[1], '3', size - 1);
		longs[1][size - 2] = '-';
		LEARN(30, TEXT, longs[0], longs[1]);
	}
	lacks("pattern");
}

static void maps(void **state)
{
	struct learn *learn = learn_new();
	char text[128];

	(void)state;
	assert_non_null(learn);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"t\",\"m\":{\"k%u\":%u}}", i, i % 7);
		say(learn, text, i);
	}
	assert_true(write_down(learn));
	has("type: [object]\n          maxProperties: 6\n          propertyNames: \n");
	has("additionalProperties:\n            type: [integer]");
	fw_policy_unref(policy_of(proposed));
}

/* A role or path that no configuration can name is left out of it; of paths the query is. */
static void names(void **state)
{
	static const char *const paths[] = {
		"/a?token=1", "/a?token=2", "/a//b", "/%41", "/a*b/{x}", "chat", "/a#b", ""
	};
	static const char *const roles[] = {
		"user", "a b",
		"a\"b", "a\xe2\x80\xa8routes: []",
		"%s",	"a234567890123456789012345678901234567890123456789012345678901234x"
	};
	struct learn *learn = learn_new();

	(void)state;
	assert_non_null(learn);
	for (unsigned i = 0; i < 24; i++)
		say_as(learn, roles[i % 6], paths[i % 8], "{\"type\":\"t\",\"v\":1}", i);
	assert_true(write_down(learn));
	has("routes:\n  - path: \"/a\" # 6 messages\n");
	has("  - path: \"*\" # 18 messages\n");
	has("roles:\n    \"user\": { permissions: [] } # 4 messages: few examples\n");
	lacks("token");
	fw_policy_unref(policy_of(proposed));
}

/* Levels of what is before, around 1. */
static void nest(char *to, const char *before, const char *behind, unsigned levels)
{
	to += sprintf(to, "{\"type\":\"t\",\"v\":");
	for (unsigned i = 0; i < levels; i++)
		to += sprintf(to, "%s", before);
	to += sprintf(to, "1");
	for (unsigned i = 0; i < levels; i++)
		to += sprintf(to, "%s", behind);
	sprintf(to, "}");
}

/* As deep as a message may be; what is new behind it is still learned. */
static void depths(void **state)
{
	static const struct {
		const char *before, *behind;
		unsigned levels;
	} forms[] = { { "[", "]", 31 }, { "{\"k\":", "}", 31 }, { "[{\"k\":", "}]", 15 }, { "{\"k\":[", "]}", 15 } };
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct learn *learn = learn_new();

		assert_non_null(learn);
		nest(text, forms[i].before, forms[i].behind, forms[i].levels);
		say(learn, text, 0);
		say(learn, "{\"type\":\"u\",\"w\":[{\"x\":1}]}", 1);
		assert_true(write_down(learn));
		has("additionalProperties: true # too deep");
		has("\"x\": # 1 of 1");
		fw_policy_unref(policy_of(proposed));
	}
}

static void nothing(void **state)
{
	struct learn *learn = learn_new();

	(void)state;
	assert_non_null(learn);
	say(learn, "[1]", 0);
	say(learn, "no", 1);
	say(learn, "", 2);
	assert_false(write_down(learn));
	assert_int_equal(proposed_size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_says_the_type, teardown),
		cmocka_unit_test_teardown(types, teardown),
		cmocka_unit_test_teardown(lists, teardown),
		cmocka_unit_test_teardown(ranges, teardown),
		cmocka_unit_test_teardown(needed, teardown),
		cmocka_unit_test_teardown(short_of_evidence, teardown),
		cmocka_unit_test_teardown(forms, teardown),
		cmocka_unit_test_teardown(no_forms, teardown),
		cmocka_unit_test_teardown(odd_texts, teardown),
		cmocka_unit_test_teardown(maps, teardown),
		cmocka_unit_test_teardown(names, teardown),
		cmocka_unit_test_teardown(depths, teardown),
		cmocka_unit_test_teardown(nothing, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
