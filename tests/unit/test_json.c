#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "codec/json_keys.h"
#include "codec/json_string.h"

static struct arena arena;
static struct json json;
static struct json_error error;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Parses a copy that ends where its block ends, so that a read beyond it is seen by the sanitizers. */
static uint8_t *copy;
static enum json_result parse_flags(const char *text, size_t size, unsigned flags)
{
	free(copy);
	copy = malloc(size != 0 ? size : 1);
	memcpy(copy, text, size);
	memset(&error, 0, sizeof(error));
	arena_reset(&arena);
	return json_parse(&arena, slice(copy, size), flags, &json, &error);
}

static enum json_result parse(const char *text)
{
	return parse_flags(text, strlen(text), 0);
}

static void assert_text(uint32_t node, const char *expected, size_t size)
{
	struct fw_slice text = json_text(&json, node, &arena);

	assert_non_null(text.data);
	assert_int_equal(text.size, size);
	assert_memory_equal(text.data, expected, size);
}

static void test_tape(void **state)
{
	static const char text[] = " { \"a\" : [ 1 , -2.5e3 , \"x\" ] , \"b\" : { } , \"c\":[true,false,null]}\n";
	static const struct json_node expected[] = {
		{ JSON_OBJECT, 0, 0, 0, 13, 1, sizeof(text) - 3, 3, 0 },
		{ JSON_STRING, 0, 1, 0, 2, 4, 1, 0, 0 },
		{ JSON_ARRAY, 0, 0, 0, 6, 9, 20, 3, 0 },
		{ JSON_NUMBER, 0, 0, 0, 4, 11, 1, 0, 0 },
		{ JSON_NUMBER, 1, 0, 0, 5, 15, 6, 0, 0 },
		{ JSON_STRING, 0, 0, 0, 6, 25, 1, 0, 0 },
		{ JSON_STRING, 0, 1, 0, 7, 33, 1, 0, 0 },
		{ JSON_OBJECT, 0, 0, 0, 8, 38, 3, 0, 0 },
		{ JSON_STRING, 0, 1, 0, 9, 45, 1, 0, 0 },
		{ JSON_ARRAY, 0, 0, 0, 13, 48, 17, 3, 0 },
		{ JSON_TRUE, 0, 0, 0, 11, 49, 4, 0, 0 },
		{ JSON_FALSE, 0, 0, 0, 12, 54, 5, 0, 0 },
		{ JSON_NULL, 0, 0, 0, 13, 60, 4, 0, 0 },
	};
	uint32_t i;

	(void)state;
	assert_int_equal(parse(text), JSON_OK);
	assert_int_equal(json.count, sizeof(expected) / sizeof(expected[0]));
	for (i = 0; i < json.count; i++) {
		struct json_node node = json.nodes[i];

		node.hash = 0;
		assert_memory_equal(&node, &expected[i], sizeof(node));
	}
	assert_int_not_equal(json.nodes[1].hash, json.nodes[6].hash);
	assert_true(slice_is(json_raw(&json, 2), "[ 1 , -2.5e3 , \"x\" ]"));
	assert_true(slice_is(json_raw(&json, 5), "\"x\""));
	assert_true(slice_is(json_raw(&json, 4), "-2.5e3"));
	assert_true(json_string_is(&json, 5, "x", 1));
	assert_false(json_string_is(&json, 5, "y", 1));
	assert_false(json_string_is(&json, 3, "1", 1));
}

static void test_accepted(void **state)
{
	static const char *const texts[] = { "0",
					     "-0",
					     "-0.0",
					     "1e5",
					     "1E+5",
					     "1e-5",
					     "10.01",
					     "\"\"",
					     "[]",
					     "{}",
					     " null ",
					     "true",
					     "\t\r\n [\t\r\n 1\t\r\n ]\t\r\n ",
					     "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
					     "\"\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"",
					     "\"\\uD834\\uDd1e\"",
					     "\"\\uffff\"",
					     "{\"\":1}",
					     "{\"a\":1,\"A\":2}",
					     "{\"a\":{\"a\":{\"a\":1}}}",
					     "[{\"a\":1},{\"a\":1}]",
					     "{\"a\\u0000\":1,\"a\":2}",
					     "{\"x\":[],\"y\":{},\"z\":\"\"}",
					     "1e400" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i]) != JSON_OK)
			fail_msg("%s: %s", texts[i], error.what);
	assert_int_equal(json_parse(&arena, slice_text("[1]"), 0, &json, NULL), JSON_OK);
	assert_int_equal(json_parse(&arena, slice_text("[1"), 0, &json, NULL), JSON_BAD);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		enum json_result result;
		size_t offset;
		const char *path;
	} cases[] = {
		{ "", JSON_BAD, 0, "" },
		{ "  ", JSON_BAD, 2, "" },
		{ "\xef\xbb\xbf{}", JSON_BAD, 0, "" },
		{ "{} x", JSON_BAD, 3, "" },
		{ "{}{}", JSON_BAD, 2, "" },
		{ "1 2", JSON_BAD, 2, "" },
		{ "+1", JSON_BAD, 0, "" },
		{ ".5", JSON_BAD, 0, "" },
		{ "1.", JSON_BAD, 2, "" },
		{ "1.e5", JSON_BAD, 2, "" },
		{ "1e", JSON_BAD, 2, "" },
		{ "1e+", JSON_BAD, 3, "" },
		{ "-", JSON_BAD, 1, "" },
		{ "-a", JSON_BAD, 1, "" },
		{ "01", JSON_BAD, 0, "" },
		{ "-01", JSON_BAD, 1, "" },
		{ "0x1", JSON_BAD, 1, "" },
		{ "NaN", JSON_BAD, 0, "" },
		{ "Infinity", JSON_BAD, 0, "" },
		{ "tru", JSON_BAD, 0, "" },
		{ "True", JSON_BAD, 0, "" },
		{ "nulll", JSON_BAD, 4, "" },
		{ "'a'", JSON_BAD, 0, "" },
		{ "[1,]", JSON_BAD, 3, "/1" },
		{ "[,1]", JSON_BAD, 1, "/0" },
		{ "[1 2]", JSON_BAD, 3, "" },
		{ "[1", JSON_BAD, 2, "" },
		{ "[", JSON_BAD, 1, "/0" },
		{ "]", JSON_BAD, 0, "" },
		{ "[1}", JSON_BAD, 2, "" },
		{ "{\"a\":1]", JSON_BAD, 6, "" },
		{ "{\"a\":1,}", JSON_BAD, 7, "" },
		{ "{\"a\" 1}", JSON_BAD, 5, "/a" },
		{ "{\"a\":}", JSON_BAD, 5, "/a" },
		{ "{\"a\"}", JSON_BAD, 4, "/a" },
		{ "{\"a\"", JSON_BAD, 4, "/a" },
		{ "{a:1}", JSON_BAD, 1, "" },
		{ "{1:1}", JSON_BAD, 1, "" },
		{ "{,}", JSON_BAD, 1, "" },
		{ "{", JSON_BAD, 1, "" },
		{ "[1,2,{\"x\":[0,tru]}]", JSON_BAD, 13, "/2/x/1" },
		{ "{\"a/b~c\":[x]}", JSON_BAD, 10, "/a~1b~0c/0" },
		{ "{\"\\u0061\\u002f\\u0000\":[x]}", JSON_BAD, 23, "/a~1\xef\xbf\xbd/0" },
		{ "/* c */1", JSON_BAD, 0, "" },
		{ "[1]//", JSON_BAD, 3, "" },
		{ "\"a", JSON_BAD, 2, "" },
		{ "\"a\\", JSON_BAD, 3, "" },
		{ "\"a\\\"", JSON_BAD, 4, "" },
		{ "\"\\x41\"", JSON_BAD, 2, "" },
		{ "\"\\a\"", JSON_BAD, 2, "" },
		{ "\"\\U0041\"", JSON_BAD, 2, "" },
		{ "\"\\u004\"", JSON_BAD, 1, "" },
		{ "\"\\u00g1\"", JSON_BAD, 1, "" },
		{ "\"\\u", JSON_BAD, 1, "" },
		{ "\"ab\ncd\"", JSON_BAD, 3, "" },
		{ "\"\x1f\"", JSON_BAD, 1, "" },
		{ "[\"a\tb\"]", JSON_BAD, 3, "/0" },
		{ "\"\\ud800\"", JSON_BAD, 1, "" },
		{ "\"\\udc00\"", JSON_BAD, 1, "" },
		{ "\"\\udc00\\ud800\"", JSON_BAD, 1, "" },
		{ "\"\\ud800\\ud800\"", JSON_BAD, 1, "" },
		{ "\"\\ud800x\"", JSON_BAD, 1, "" },
		{ "\"\\ud800\\n\"", JSON_BAD, 1, "" },
		{ "\"\\ud800\\ue000\"", JSON_BAD, 1, "" },
		{ "\"\\udbff\\u00g0\"", JSON_BAD, 1, "" },
		{ "\"\\ud834\\udd1", JSON_BAD, 1, "" },
		{ "[\"a\xff\"]", JSON_UTF8, 3, "/0" },
		{ "\"\xc3\"", JSON_UTF8, 2, "" },
		{ "\"\xed\xa0\x80\"", JSON_UTF8, 2, "" },
		{ "\"\xc0\xaf\"", JSON_UTF8, 1, "" },
		{ "{\"k\xff\":1}", JSON_UTF8, 3, "" },
		{ "\xff", JSON_BAD, 0, "" },
		{ "[\xc2\xa0"
		  "1]",
		  JSON_BAD, 1, "/0" },
		{ "{\"a\":1,\"a\":1}", JSON_DUPLICATE, 7, "/a" },
		{ "{\"a\":1,\"b\":2,\"\\u0061\":3}", JSON_DUPLICATE, 13, "/a" },
		{ "{\"\\u0061\":1,\"a\":2}", JSON_DUPLICATE, 12, "/a" },
		{ "{\"\\/\":1,\"/\":2}", JSON_DUPLICATE, 8, "/~1" },
		{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", JSON_DUPLICATE, 18, "/\xf0\x9f\x98\x80" },
		{ "{\"\":1,\"\":2}", JSON_DUPLICATE, 6, "/" },
		{ "{\"a\":{\"b\":1},\"c\":[{\"a\":0,\"a\":1}]}", JSON_DUPLICATE, 25, "/c/0/a" },
		{ "{\"a\":{\"b\":1,\"x\":[1,2]},\"a\":1}", JSON_DUPLICATE, 23, "/a" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum json_result result = parse(cases[i].text);

		if (result != cases[i].result || error.result != result || error.offset != cases[i].offset ||
		    strcmp(error.path, cases[i].path) != 0 || error.what == NULL)
			fail_msg("%s: %d at %zu, path \"%s\", %s", cases[i].text, (int)result, error.offset, error.path,
				 error.what != NULL ? error.what : "no text");
		assert_int_equal(json.count, 0);
	}
	assert_int_equal(parse("\xef\xbb\xbf{}"), JSON_BAD);
	assert_string_equal(error.what, "byte order mark");
	/* With JSON_UTF8_KNOWN the caller answers for it. */
	assert_int_equal(parse_flags("\"\xff\"", 3, JSON_UTF8_KNOWN), JSON_OK);
	assert_int_equal(parse_flags("[1]\0", 4, 0), JSON_BAD);
	assert_int_equal(error.offset, 3);
}

static void test_prefixes(void **state)
{
	static const char text[] = "{\"type\":\"chat_message\",\"a\":[1,-2.5e+10,true,false,null,{"
				   "\"\\ud83d\\ude00\\n\":\"\xc3\xa9\"}],\"b\":{}}";
	size_t size;

	(void)state;
	for (size = 0; size < sizeof(text) - 1; size++)
		assert_int_not_equal(parse_flags(text, size, 0), JSON_OK);
	assert_int_equal(parse_flags(text, size, 0), JSON_OK);
}

static void test_limits(void **state)
{
	char text[512], *at;
	unsigned i, extra;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		memset(text, '[', LIMIT_JSON_DEPTH + extra);
		memset(text + LIMIT_JSON_DEPTH + extra, ']', LIMIT_JSON_DEPTH + extra);
		assert_int_equal(parse_flags(text, 2 * (LIMIT_JSON_DEPTH + extra), 0), extra ? JSON_DEPTH : JSON_OK);
		for (at = text, i = 0; i < LIMIT_JSON_DEPTH + extra; i++)
			at = stpcpy(at, "{\"k\":");
		*at++ = '1';
		memset(at, '}', LIMIT_JSON_DEPTH + extra);
		assert_int_equal(parse_flags(text, (size_t)(at - text) + LIMIT_JSON_DEPTH + extra, 0),
				 extra ? JSON_DEPTH : JSON_OK);
		memset(text, '1', LIMIT_JSON_NUMBER + extra);
		assert_int_equal(parse_flags(text, LIMIT_JSON_NUMBER + extra, 0), extra ? JSON_BAD : JSON_OK);
		text[LIMIT_JSON_NUMBER / 2] = '.';
		assert_int_equal(parse_flags(text, LIMIT_JSON_NUMBER + extra, 0), extra ? JSON_BAD : JSON_OK);
	}
	assert_int_equal(error.offset, LIMIT_JSON_NUMBER);
	assert_int_equal(json_parse(&arena, slice("", (size_t)UINT32_MAX + 1), 0, &json, &error), JSON_BAD);
}

static void test_path_is_cut(void **state)
{
	char text[256];

	(void)state;
	memset(text, 'k', sizeof(text));
	memcpy(text, "{\"", 2);
	memcpy(text + 2 + 124, "\xf0\x9f\x98\x80", 4); /* would not fit */
	memcpy(text + 140, "\":x}", 5);
	assert_int_equal(parse(text), JSON_BAD);
	assert_int_equal(strlen(error.path), 125);
	memcpy(text + 2 + 123, "k\xc3\xa9kk", 5); /* fits exactly */
	assert_int_equal(parse(text), JSON_BAD);
	assert_int_equal(strlen(error.path), 127);
}

static void test_scan(void **state)
{
	static const uint8_t specials[] = { '"', '\\', 0x00, 0x0a, 0x1f };
	uint8_t bytes[96];
	size_t size, at, i;
	unsigned value;

	(void)state;
	for (size = 0; size < sizeof(bytes); size++) {
		for (at = 0; at <= size; at++) {
			unsigned high = 0;

			memset(bytes, 'x', sizeof(bytes));
			for (i = at + 1; i < size; i++)
				bytes[i] = '"';
			if (at < size)
				bytes[at] = specials[at % sizeof(specials)];
			assert_ptr_equal(json_string_scan(bytes, bytes + size, &high), bytes + at);
			assert_int_equal(high, 0);
			if (at != 0) {
				bytes[at - 1] = 0xc3;
				assert_ptr_equal(json_string_scan(bytes, bytes + size, &high), bytes + at);
				assert_int_not_equal(high, 0);
			}
			high = 0;
			if (at + 1 < size) { /* behind the special octet is not looked at */
				bytes[at + 1] = 0xc3;
				if (at != 0)
					bytes[at - 1] = 'x';
				json_string_scan(bytes, bytes + size, &high);
				assert_int_equal(high, 0);
			}
		}
	}
	for (value = 0; value < 256; value++) {
		for (at = 0; at < 8; at++) {
			uint64_t word = 0x4142434445464748u;

			word = (word & ~((uint64_t)0xff << (8 * at))) | (uint64_t)value << (8 * at);
			assert_int_equal(json_string_word_special(word), json_string_special((uint8_t)value));
			word = (0x7fff807fff807fffu & ~((uint64_t)0xff << (8 * at))) | (uint64_t)value << (8 * at);
			assert_int_equal(json_string_word_special(word), json_string_special((uint8_t)value));
		}
	}
}

static void test_text(void **state)
{
	(void)state;
	assert_int_equal(parse("[\"plain\",\"\",\"\\\"\\\\\\/"
			       "\\b\\f\\n\\r\\t\",\"a\\u00e9\\u20ac\\ud83d\\ude00z\",\"x\\u0000y\",\"\\u0000\"]"),
			 JSON_OK);
	assert_text(1, "plain", 5);
	assert_ptr_equal(json_text(&json, 1, &arena).data, copy + 2);
	assert_text(2, "", 0);
	assert_text(3, "\"\\/\b\f\n\r\t", 8);
	assert_text(4, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 11);
	assert_text(5, "x\0y", 3);
	assert_text(6, "", 1);
	assert_false(json.nodes[1].escaped);
	assert_true(json.nodes[3].escaped);
	assert_false(json.nodes[4].nul);
	assert_true(json.nodes[5].nul);
	assert_true(json.nodes[6].nul);
	arena.limit = 0; /* nothing more */
	arena.left = 0;
	assert_null(json_text(&json, 4, &arena).data);
	arena.limit = 64u << 20;
}

static void test_member(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"a\":{\"b\":1,\"c\":[1,2]},\"type\":2,\"t\\u0079pf\":3,\"\":4,\"x\\u0000\":5,"
			       "\"\\ud83d\\ude00\":6}"),
			 JSON_OK);
	assert_int_equal(json_member(&json, 0, "a", 1), 2);
	assert_int_equal(json_member(&json, 2, "c", 1), 6);
	assert_int_equal(json_member(&json, 2, "type", 4), 0);
	assert_true(slice_is(json_raw(&json, json_member(&json, 0, "type", 4)), "2"));
	assert_true(slice_is(json_raw(&json, json_member(&json, 0, "typf", 4)), "3"));
	assert_true(slice_is(json_raw(&json, json_member(&json, 0, "", 0)), "4"));
	assert_true(slice_is(json_raw(&json, json_member(&json, 0, "x\0", 2)), "5"));
	assert_true(slice_is(json_raw(&json, json_member(&json, 0, "\xf0\x9f\x98\x80", 4)), "6"));
	assert_int_equal(json_member(&json, 0, "typ", 3), 0);
	assert_int_equal(json_member(&json, 0, "types", 5), 0);
	assert_int_equal(json_member(&json, 0, "typg", 4), 0);
	assert_int_equal(json_member(&json, 3, "a", 1), 0); /* no object */
	assert_int_equal(json_member(&json, 6, "a", 1), 0);
}

static void test_integer(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "42", true, 42 },
		{ "-17", true, -17 },
		{ "9007199254740991", true, 9007199254740991 },
		{ "-9007199254740991", true, -9007199254740991 },
		{ "9007199254740992", false, 0 },
		{ "-9007199254740992", false, 0 },
		{ "9999999999999999", false, 0 },
		{ "10000000000000000", false, 0 },
		{ "18446744073709551617", false, 0 },
		{ "1.0", false, 0 },
		{ "1e1", false, 0 },
		{ "1E1", false, 0 },
		{ "\"1\"", false, 0 },
		{ "true", false, 0 },
		{ "[1]", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 7;

		assert_int_equal(parse(cases[i].text), JSON_OK);
		assert_int_equal(json_integer(&json, 0, &value), cases[i].ok);
		assert_true(value == (cases[i].ok ? cases[i].value : 7));
	}
}

/* Growth of the tape, with and without something behind it in the arena. */
static void test_many_nodes(void **state)
{
	enum { COUNT = 20000 };
	char *text = malloc(COUNT * 8 + 3), *at;
	uint32_t i;

	(void)state;
	at = text;
	for (i = 0; i < COUNT; i++)
		at += sprintf(at, "%c%u", i == 0 ? '[' : ',', i % 10);
	at = stpcpy(at, "]");
	assert_int_equal(parse_flags(text, (size_t)(at - text), 0), JSON_OK);
	assert_int_equal(json.count, COUNT + 1);
	assert_int_equal(json.nodes[0].count, COUNT);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(copy[json.nodes[i + 1].offset], '0' + i % 10);
	/* What a tape may cost: at most 24 octets for two of text, and as much again while it moves. */
	assert_true(arena.total <= (size_t)(at - text) * 40);
	for (at = text, i = 0; i < COUNT; i++)
		at += sprintf(at, "%s{}", i == 0 ? "[" : ",");
	at = stpcpy(at, "]");
	assert_int_equal(parse_flags(text, (size_t)(at - text), 0), JSON_OK);
	assert_int_equal(json.count, COUNT + 1);
	free(text);
}

/* An object of count members k0 … whose last key is that of member number repeat; -1: none repeats. */
static char *object_of(int count, int repeat, bool escaped)
{
	char *text = malloc((size_t)count * 40 + 64), *at = text;
	int i;

	*at++ = '{';
	for (i = 0; i < count; i++)
		at += sprintf(at, "\"k%d\":[{\"k0\":%d}],", i, i);
	if (repeat >= 0)
		at += sprintf(at, escaped ? "\"\\u006b%d\":0}" : "\"k%d\":0}", repeat);
	else
		at += sprintf(at, "\"other\":0}");
	return text;
}

static void test_duplicates_among_many(void **state)
{
	static const int counts[] = { 1, 2, 14, 15, 16, 17, 18, 31, 32, 33, 100, 1000 };
	size_t i;
	int repeat;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (repeat = -1; repeat<counts[i]; repeat += counts[i]> 40 && repeat > 3 ? 97 : 1) {
			char *text = object_of(counts[i], repeat, repeat & 1), path[16];

			assert_int_equal(parse(text), repeat < 0 ? JSON_OK : JSON_DUPLICATE);
			if (repeat >= 0) {
				snprintf(path, sizeof(path), "/k%d", repeat);
				assert_string_equal(error.path, path);
				assert_int_equal(error.offset, strlen(text) - (repeat & 1 ? 9 : 4) - strlen(path));
			} else {
				assert_int_equal(json.nodes[0].count, counts[i] + 1);
			}
			free(text);
		}
	}
	/* Several large objects in one text share their scratch memory. */
	{
		char *one = object_of(20, -1, false), *two = object_of(200, -1, false),
		     *three = object_of(200, 3, false);
		size_t room = strlen(one) + strlen(two) + strlen(three) + 8;
		char *all = malloc(room);

		assert_non_null(all);
		snprintf(all, room, "[%s,%s,%s]", one, two, one);
		assert_int_equal(parse(all), JSON_OK);
		snprintf(all, room, "[%s,%s,%s]", one, two, three);
		assert_int_equal(parse(all), JSON_DUPLICATE);
		assert_string_equal(error.path, "/2/k3");
		free(one);
		free(two);
		free(three);
		free(all);
	}
}

/* Keys of 16 octets with one and the same hash: the mixing step is undone for the second word. */
static size_t colliding_keys(char *to, size_t count)
{
	const uint64_t factor = 0x9e3779b97f4a7c15u;
	uint64_t seed = 1, first, second, hash;
	size_t made = 0;

	while (made < count) {
		uint8_t key[16];
		size_t i, good = 0;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		first = (seed ^ (seed >> 31)) & 0x7f7f7f7f7f7f7f7fu;
		hash = first * factor;
		second = hash ^ (hash >> 29) ^ 0x123456789abcdefu;
		memcpy(key, &first, 8);
		memcpy(key + 8, &second, 8);
		for (i = 0; i < 16; i++)
			good += !json_string_special(key[i]);
		if (good != 16)
			continue;
		*to++ = made == 0 ? '{' : ',';
		*to++ = '"';
		memcpy(to, key, 16);
		to += 16;
		memcpy(to, "\":1", 3);
		to += 3;
		made++;
	}
	*to = '}';
	return count * 21 + 1;
}

static void test_colliding_keys(void **state)
{
	enum { COUNT = 5000 };
	char *text = malloc((COUNT + 1) * 21 + 2);
	size_t size = colliding_keys(text, COUNT), counts[] = { 2, 10, 16, 17, 40 }, i;
	uint32_t key;

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		free(text);
		return; /* the keys above are made for the other order */
	}
	assert_int_equal(parse_flags(text, size, JSON_UTF8_KNOWN), JSON_OK);
	assert_int_equal(json.nodes[0].count, COUNT);
	for (key = 3; key < json.count; key += 2)
		assert_int_equal(json.nodes[key].hash, json.nodes[1].hash);
	memcpy(text + size - 1, text, 21); /* the first once more */
	text[size - 1] = ',';
	text[size + 20] = '}';
	assert_int_equal(parse_flags(text, size + 21, JSON_UTF8_KNOWN), JSON_DUPLICATE);
	assert_int_equal(error.offset, size);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size = colliding_keys(text, counts[i]);
		assert_int_equal(parse_flags(text, size, JSON_UTF8_KNOWN), JSON_OK);
	}
	free(text);
}

static void test_keys(void **state)
{
	static const char *const pairs[][2] = { { "", "" },
						{ "a", "\\u0061" },
						{ "abcdefg", "abc\\u0064efg" },
						{ "abcdefgh", "abcdefg\\u0068" },
						{ "abcdefghi", "\\u0061bcdefghi" },
						{ "\xc3\xa9/", "\\u00e9\\/" },
						{ "\n", NULL } };
	size_t i, size;
	uint8_t bytes[40];

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(json_keys_hash((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), false),
				 json_keys_hash((const uint8_t *)pairs[i][1], strlen(pairs[i][1]), true));
	/* With and without decoding the same, at every length; and lengths of zeros differ. */
	memset(bytes, 0, sizeof(bytes));
	for (size = 0; size < sizeof(bytes); size++) {
		assert_int_equal(json_keys_hash(bytes, size, false), json_keys_hash(bytes, size, true));
		if (size != 0)
			assert_int_not_equal(json_keys_hash(bytes, size, false),
					     json_keys_hash(bytes, size - 1, false));
	}
	for (size = 0; size < sizeof(bytes); size++)
		bytes[size] = (uint8_t)(size * 7 + 100);
	for (size = 0; size < sizeof(bytes); size++)
		if (memchr(bytes, '\\', size) == NULL)
			assert_int_equal(json_keys_hash(bytes, size, false), json_keys_hash(bytes, size, true));
	assert_int_equal(parse("{\"a\":1,\"ab\":2,\"\\u0061c\":3,\"b\":4}"), JSON_OK);
	for (i = 1; i < 7; i += 2) {
		assert_true(json_keys_compare(json.text, &json.nodes[i], &json.nodes[i + 2]) < 0);
		assert_true(json_keys_compare(json.text, &json.nodes[i + 2], &json.nodes[i]) > 0);
		assert_int_equal(json_keys_compare(json.text, &json.nodes[i], &json.nodes[i]), 0);
	}
}

static void test_memory(void **state)
{
	char *text = object_of(300, -1, false);
	size_t size = strlen(text), limit, failures = 0;

	(void)state;
	for (limit = 0; limit < 400000; limit += 2048) {
		struct arena small;
		enum json_result result;

		arena_init(&small, limit);
		result = json_parse(&small, slice(text, size), 0, &json, &error);
		assert_true(result == JSON_OK || result == JSON_MEMORY);
		failures += result == JSON_MEMORY;
		arena_fini(&small);
	}
	assert_in_range(failures, 1, 199);
	for (limit = 1; limit < 10; limit++) {
		struct arena fresh;
		enum json_result result;

		arena_init(&fresh, 1u << 20);
		mem_fail_at(limit);
		result = json_parse(&fresh, slice(text, size), 0, &json, &error);
		mem_fail_at(0);
		assert_true(result == JSON_OK || result == JSON_MEMORY);
		if (limit == 1)
			assert_int_equal(result, JSON_MEMORY);
		arena_fini(&fresh);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tape),	       cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),	       cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_path_is_cut),
		cmocka_unit_test(test_scan),	       cmocka_unit_test(test_text),
		cmocka_unit_test(test_member),	       cmocka_unit_test(test_integer),
		cmocka_unit_test(test_many_nodes),     cmocka_unit_test(test_duplicates_among_many),
		cmocka_unit_test(test_colliding_keys), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_memory),
	};
	int failed = cmocka_run_group_tests_name("json", tests, setup, teardown);

	free(copy);
	return failed;
}
