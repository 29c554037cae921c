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

static struct pool pool;
static struct arena arena;
static struct buf out;

static int setup(void **state)
{
	(void)state;
	pool_init(&pool);
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_clear(&out, &pool);
	arena_fini(&arena);
	pool_fini(&pool);
	return 0;
}

static struct json_writer start(void)
{
	buf_clear(&out, &pool);
	return (struct json_writer){ .out = &out, .pool = &pool };
}

static void assert_written(const struct json_writer *w, const char *expected)
{
	size_t size = strlen(expected);

	assert_false(w->failed);
	if (buf_size(&out) != size || memcmp(buf_data(&out), expected, size) != 0)
		fail_msg("%.*s, expected %s", (int)buf_size(&out), (const char *)buf_data(&out), expected);
}

static void test_pieces(void **state)
{
	struct json_writer w = start();

	(void)state;
	json_write_open(&w, '{');
	json_write_key(&w, "a");
	json_write_integer(&w, 1);
	json_write_key(&w, "b\"c");
	json_write_open(&w, '[');
	json_write_string(&w, "x");
	json_write_null(&w);
	json_write_boolean(&w, true);
	json_write_boolean(&w, false);
	json_write_open(&w, '{');
	json_write_close(&w, '}');
	json_write_open(&w, '[');
	json_write_close(&w, ']');
	json_write_raw(&w, slice_text("1.50"));
	json_write_close(&w, ']');
	json_write_key_slice(&w, slice("\0", 1));
	json_write_text(&w, slice(NULL, 0));
	json_write_close(&w, '}');
	assert_written(&w, "{\"a\":1,\"b\\\"c\":[\"x\",null,true,false,{},[],1.50],\"\\u0000\":\"\"}");
}

static void test_integers(void **state)
{
	struct json_writer w = start();

	(void)state;
	json_write_open(&w, '[');
	json_write_integer(&w, 0);
	json_write_integer(&w, -1);
	json_write_integer(&w, 10);
	json_write_integer(&w, 9007199254740991);
	json_write_integer(&w, INT64_MAX);
	json_write_integer(&w, INT64_MIN);
	json_write_close(&w, ']');
	assert_written(&w, "[0,-1,10,9007199254740991,9223372036854775807,-9223372036854775808]");
}

static void test_escapes(void **state)
{
	char text[256], expected[600], *at = expected;
	struct json_writer w = start();
	struct json json;
	struct fw_slice back;
	unsigned c;

	(void)state;
	*at++ = '"';
	for (c = 0; c < 128; c++) {
		text[c] = (char)c;
		if (c == '"' || c == '\\')
			at += sprintf(at, "\\%c", c);
		else if (c < 32 && strchr("\b\t\n\f\r", (int)c) != NULL && c != 0)
			at += sprintf(at, "\\%c",
				      c == '\b'	  ? 'b'
				      : c == '\t' ? 't'
				      : c == '\n' ? 'n'
				      : c == '\f' ? 'f'
						  : 'r');
		else if (c < 32)
			at += sprintf(at, "\\u%04x", c);
		else
			*at++ = (char)c;
	}
	memcpy(text + 128, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
	at = stpcpy(at, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	json_write_text(&w, slice(text, 137));
	assert_written(&w, expected);
	assert_int_equal(json_parse(&arena, slice(buf_data(&out), buf_size(&out)), 0, &json, NULL), JSON_OK);
	back = json_text(&json, 0, &arena);
	assert_true(slice_equal(back, slice(text, 137)));
}

static void value(const char *text, json_replace_function *replace, const char *expected)
{
	struct json_writer w = start();
	struct json json;

	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
	json_write_value(&w, &json, 0, &arena, replace, &json);
	assert_written(&w, expected);
}

static void test_canonical(void **state)
{
	(void)state;
	value(" 1.50e+3 ", NULL, "1.50e+3");
	value("\"\\u0061\\/\\u00e9\\ud83d\\ude00\\u001F\\u000a\\\"\"", NULL,
	      "\"a/\xc3\xa9\xf0\x9f\x98\x80\\u001f\\n\\\"\"");
	value(" [ ] ", NULL, "[]");
	value(" { } ", NULL, "{}");
	value("[ [ [ ] , [ 1 ] ] , { \"b\" : { } , \"a\" : [ { } ] } , null , true , false ]", NULL,
	      "[[[],[1]],{\"b\":{},\"a\":[{}]},null,true,false]");
	value("{ \"\\u0062\" : \"\\u0063\" , \"\" : \"\" }", NULL, "{\"b\":\"c\",\"\":\"\"}");
}

static void test_part(void **state)
{
	struct json_writer w = start();
	struct json json;

	(void)state;
	assert_int_equal(json_parse(&arena, slice_text("{\"a\": [ 1, {\"b\": 2}, \"c\" ], \"d\": 3}"), 0, &json, NULL),
			 JSON_OK);
	json_write_open(&w, '{');
	json_write_key(&w, "x");
	json_write_value(&w, &json, json_member(&json, 0, "a", 1), &arena, NULL, NULL);
	json_write_key(&w, "y");
	json_write_value(&w, &json, json_member(&json, 0, "d", 1), &arena, NULL, NULL);
	json_write_close(&w, '}');
	assert_written(&w, "{\"x\":[1,{\"b\":2},\"c\"],\"y\":3}");
}

/* Leaves out members named "drop" (and gives "Drop" another value, saying true as well), replaces "old" by what needs
 * escapes. A key replaced is a key renamed. */
static bool change(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip)
{
	const struct json *json = user;

	if (json->nodes[node].is_key && json_string_is(json, node, "drop", 4)) {
		*ret_skip = true;
		return false;
	}
	if (json_string_is(json, node, "Drop", 4)) {
		*ret_text = slice_text("dropped");
		*ret_skip = true; /* means nothing for a value */
		return true;
	}
	if (!json_string_is(json, node, "old", 3))
		return false;
	*ret_text = slice_text("n\"e\nw");
	return true;
}

static void test_replace(void **state)
{
	(void)state;
	value("{\"a\":\"old\",\"old\":1,\"b\":[\"old\",\"drop\",{\"c\":\"old\"}]}", change,
	      "{\"a\":\"n\\\"e\\nw\",\"n\\\"e\\nw\":1,\"b\":[\"n\\\"e\\nw\",\"drop\",{\"c\":\"n\\\"e\\nw\"}]}");
	value("{\"drop\":1}", change, "{}");
	value("{\"Drop\":1,\"a\":\"Drop\"}", change, "{\"Drop\":\"dropped\",\"a\":\"dropped\"}");
	value("{\"b\":0,\"Drop\":{\"x\":[1]},\"a\":2}", change, "{\"b\":0,\"Drop\":\"dropped\",\"a\":2}");
	value("{\"drop\":[1,{\"x\":2}],\"a\":1}", change, "{\"a\":1}");
	value("{\"a\":1,\"drop\":{\"y\":[]}}", change, "{\"a\":1}");
	value("{\"a\":1,\"drop\":2,\"b\":3}", change, "{\"a\":1,\"b\":3}");
	value("[{\"drop\":1},{\"drop\":{\"drop\":1}},1]", change, "[{},{},1]");
}

static void test_deepest(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 1] = { 0 };

	(void)state;
	memset(text, '[', LIMIT_JSON_DEPTH);
	memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	value(text, NULL, text);
}

static void test_failure_sticks(void **state)
{
	char text[9000];
	struct json_writer w = { 0 };
	unsigned n;

	(void)state;
	memset(text, '\n', sizeof(text));
	for (n = 1; n < 20; n++) {
		buf_clear(&out, &pool);
		pool_fini(&pool);
		pool_init(&pool);
		w = start();
		mem_fail_at(n);
		json_write_open(&w, '[');
		json_write_text(&w, slice(text, sizeof(text)));
		json_write_integer(&w, 1);
		json_write_close(&w, ']');
		mem_fail_at(0);
		if (!w.failed)
			break;
		if (n == 1)
			assert_int_equal(buf_size(&out), 0);
	}
	assert_in_range(n, 2, 19);
	assert_int_equal(buf_size(&out), 2 * sizeof(text) + 6);
	/* An arena that has nothing left for a string with escapes. */
	{
		struct arena none;
		struct json json;

		w = start();
		arena_init(&none, 0);
		assert_int_equal(json_parse(&arena, slice_text("[\"\\u0061\"]"), 0, &json, NULL), JSON_OK);
		json_write_value(&w, &json, 0, &none, NULL, NULL);
		assert_true(w.failed);
		arena_fini(&none);
	}
	w = start();
	json_write_text(&w, slice(text, SIZE_MAX / 3));
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),	  cmocka_unit_test(test_integers),	 cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_canonical), cmocka_unit_test(test_part),		 cmocka_unit_test(test_replace),
		cmocka_unit_test(test_deepest),	  cmocka_unit_test(test_failure_sticks),
	};

	return cmocka_run_group_tests_name("json_write", tests, setup, teardown);
}
