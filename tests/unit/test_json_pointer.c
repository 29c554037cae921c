/* codec/json_pointer: the examples of RFC 6901 5, what leads nowhere, and every cut of each. */
#include "crypto_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json_pointer.h"

static const char document[] = "{\"foo\":[\"bar\",\"baz\",{\"x\":7}],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
			       "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,\"r\":{\"roles\":[\"admin\"]}}";

static struct json read_document(void)
{
	struct json json;

	assert_int_equal(json_parse(&arena, slice_text(document), 0, &json, NULL), JSON_OK);
	return json;
}

static const char *found(const struct json *json, const char *pointer)
{
	static char text[64];
	uint8_t *copy = malloc(strlen(pointer) + 1); /* so that reading beyond it is seen */
	struct fw_slice raw;
	uint32_t node;

	assert_non_null(copy);
	memcpy(copy, pointer, strlen(pointer));
	node = json_pointer_find(json, slice(copy, strlen(pointer)));
	free(copy);
	if (node == 0)
		return "nothing";
	raw = json_raw(json, node);
	assert_true(raw.size < sizeof(text));
	memcpy(text, raw.data, raw.size);
	text[raw.size] = '\0';
	return text;
}

static void examples(void **state)
{
	static const char *const rows[][2] = {
		{ "/foo", "[\"bar\",\"baz\",{\"x\":7}]" },
		{ "/foo/0", "\"bar\"" },
		{ "/foo/2/x", "7" },
		{ "/", "0" },
		{ "/a~1b", "1" },
		{ "/c%d", "2" },
		{ "/e^f", "3" },
		{ "/g|h", "4" },
		{ "/i\\j", "5" },
		{ "/k\"l", "6" },
		{ "/ ", "7" },
		{ "/m~0n", "8" },
		{ "/r/roles", "[\"admin\"]" },
		{ "/r/roles/0", "\"admin\"" },
	};
	struct json json = read_document();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(found(&json, rows[i][0]), rows[i][1]);
}

static void leads_nowhere(void **state)
{
	static const char *const rows[] = { "",		  "foo",     "r/roles",	  "/fo",   "/foo/3",
					    "/foo/-",	  "/foo/00", "/foo/01",	  "/foo/", "/foo/0/0",
					    "/foo/+1",	  "/foo/1x", "/a/b",	  "/m~n",  "/m~2n",
					    "/m~",	  "/r/role", "/r//roles", "//r",   "/foo/99999999999999999999",
					    "/r/roles/0/" };
	struct json json = read_document();
	char longest[600];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(found(&json, rows[i]), "nothing");
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(found(&json, longest), "nothing");
}

static void roots_that_are_no_object(void **state)
{
	static const char *const texts[] = { "[5]", "5", "\"x\"", "[]", "{}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json json;

		assert_int_equal(json_parse(&arena, slice_text(texts[i]), 0, &json, NULL), JSON_OK);
		assert_string_equal(found(&json, "/0"), i == 0 ? "5" : "nothing");
		assert_string_equal(found(&json, "/"), "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(examples, set_up, tear_down),
		cmocka_unit_test_setup_teardown(leads_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(roots_that_are_no_object, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
