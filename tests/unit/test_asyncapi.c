/* Imports without a program: what a document is read as, and memory that ends anywhere. What whole documents become is
 * tests/e2e/test_asyncapi.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "asyncapi/asyncapi.h"
#include "base/mem.h"
#include "base/slice.h"
#include "policy/config.h"

static char said[8192];

static void report(void *user, const char *text)
{
	size_t size = strlen(said);

	(void)user;
	if (size + strlen(text) + 2 < sizeof(said)) {
		memcpy(said + size, text, strlen(text));
		memcpy(said + size + strlen(text), "\n", 2);
	}
}

static int read_other(void *user, const char *path, struct fw_slice *ret_text)
{
	(void)user;
	if (strcmp(path, "d/more/o.yaml") != 0)
		return 2; /* ENOENT */
	*ret_text = slice_text("p: {type: object, properties: {op: {const: a}, next: {$ref: '#/p'}}}\n");
	return 0;
}

static int import(const char *text, char **ret_text)
{
	const struct asyncapi_options options = { .name = "d/doc.yaml",
						  .text = slice_text(text),
						  .upstream = "ws://h:1",
						  .read = read_other,
						  .report = report };
	size_t size = 0;

	said[0] = '\0';
	return asyncapi_import(&options, ret_text, &size);
}

#define HEAD "asyncapi: 3.0.0\nservers: {s: {host: h, protocol: ws, pathname: /p/}}\n"
#define OPERATION "operations: {o: {action: receive, channel: {$ref: '#/channels/c'}}}\n"

static const char document[] =
	HEAD "channels: {c: {address: '/c/{x}', messages: {a: {payload: {$ref: 'more/./x/../o.yaml#/p'}}, "
	     "b: {payload: {type: object, properties: {op: {enum: [b, 7]}}}}}}}\n" OPERATION;

static void holds(const char *text)
{
	const struct config_options options = { .name = "out", .text = slice_text(text), .report = report };
	struct fw_policy *policy = NULL;

	assert_int_equal(config_load(&options, &policy), FW_OK);
	assert_int_equal(policy->route_count, 1);
	assert_string_equal(policy->routes[0].path, "/p/c/{x}");
	assert_string_equal(policy->routes[0].discriminator, "/op");
	assert_int_equal(policy->routes[0].type_count, 3);
	fw_policy_unref(policy);
}

static void whole(void **state)
{
	char *text;

	(void)state;
	assert_int_equal(import(document, &text), FW_OK);
	holds(text);
	mem_free(text);
}

static void gives(const char *text, int result, const char *words)
{
	char *out;

	assert_int_equal(import(text, &out), result);
	if (strstr(out != NULL && strstr(out, words) != NULL ? out : said, words) == NULL)
		fail_msg("\"%s\" is not in: %s%s", words, said, out != NULL ? out : "");
	mem_free(out);
}

static void one_by_one(void **state)
{
	(void)state;
	gives(HEAD "channels: {c: {address: c, messages: {m: {payload: {type: object}}}}}\n" OPERATION, FW_OK,
	      "discriminator: none\n    outbound: { unknown_types: stop, invalid: stop }\n    types:\n      m:\n");
	/* A place within an object, found by its own name. */
	gives(HEAD "channels: {c: {messages: {m: {payload: {properties: {h: {properties: {\"a/b\": {const: 1}}}}}},\n"
		   "  n: {payload: {properties: {h: {properties: {\"a/b\": {const: 2}}}}}}}}}\n" OPERATION,
	      FW_OK, "discriminator: \"/h/a~1b\"");
	/* What YAML or a comment could take for something else is quoted or replaced. */
	gives(HEAD "channels: {c: {messages: {\"x\\nlisten: y\": {payload: {properties: {type: {const: \"no: "
		   "[\"}}}}}}}\n" OPERATION,
	      FW_OK, "  \"no: [\": # x?listen: y (doc.yaml:3:");
	/* A member of a closed object may be in any part of it. */
	gives(HEAD "channels: {c: {messages: {m: {payload: {allOf: [{properties: {a: {}}}, {properties: {b: "
		   "{}}}]}}}}}\n" OPERATION,
	      FW_OK, "      unevaluatedProperties: false\n");
	gives(HEAD "channels: {c: {messages: {m: {payload: {properties: {a: {}}, additionalProperties: "
		   "true}}}}}\n" OPERATION,
	      FW_OK, "      additionalProperties: true\n");
	gives(HEAD "channels: {c: {messages: {auth: {payload: {properties: {type: {const: auth}}}}}}}\n" OPERATION,
	      FW_ERR_INVALID, "is a message of the login here");
	gives(HEAD "channels: {c: {messages: {m: {payload: {$ref: 'no.yaml#/p'}}}}}\n" OPERATION, FW_ERR_INVALID,
	      "d/doc.yaml:3:41: error: cannot read \"d/no.yaml\"");
}

static void short_of_memory(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		char *text = NULL;
		int result;

		mem_fail_at(n);
		result = import(document, &text);
		mem_fail_at(0);
		if (result == FW_OK) {
			holds(text);
			mem_free(text);
			assert_in_range(n, 5, 10000);
			return;
		}
		/* The compiler of schemas says it like any other fault of a schema. */
		assert_true(result == FW_ERR_MEMORY || strstr(said, "memory") != NULL);
		assert_null(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(short_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
