/* The input is an octet (its lowest bit: the draft), a schema, a NUL, and a message. The
 * compiler says what is wrong at a place within the text; a run ends within its steps, says the same in brief and in
 * full, and names no more problems than there is room for. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "schema/jsonschema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void warn(void *user, const struct jsonschema_error *what)
{
	(void)user;
	require(what->line != 0 && what->what[0] != '\0');
}

static void run(const struct jsonschema *schema, struct fw_slice text)
{
	static struct jsonschema_problems problems;
	struct arena arena;
	struct json json;
	enum jsonschema_result full, brief;

	arena_init(&arena, (size_t)1 << 22);
	if (json_parse(&arena, text, 0, &json, NULL) == JSON_OK) {
		memset(problems.known, 0, sizeof(problems.known));
		full = jsonschema_check(schema, &json, 0, &arena, 50000, &problems);
		brief = jsonschema_check(schema, &json, 0, &arena, 50000, NULL);
		require(problems.count <= LIMIT_PROBLEMS && problems.count <= problems.total);
		require(problems.unknown <= problems.total);
		if (full >= 0 && brief >= 0) /* neither came to a bound */
			require(full == brief && (full == JSONSCHEMA_INVALID) == (problems.total != 0));
		for (unsigned i = 0; full >= 0 && i < problems.count; i++) {
			const char *at = problems.list[i].instance;

			require(utf8_valid((const uint8_t *)at, strlen(at)) && (*at == '\0' || *at == '/'));
			require(problems.list[i].keyword != NULL && strchr(problems.list[i].schema, '#') != NULL);
		}
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size > 1 ? memchr(data + 1, '\0', size - 1) : NULL;
	struct jsonschema_options options = { .formats = true, .memory = (size_t)1 << 20, .warn = warn };
	struct jsonschema_error error;
	struct jsonschema *schema;

	if (cut == NULL)
		return 0;
	options.draft = data[0] & 1 ? JSONSCHEMA_7 : JSONSCHEMA_2020_12;
	schema = jsonschema_compile(slice(data + 1, (size_t)(cut - data - 1)), &options, &error);
	if (schema == NULL)
		require(error.what[0] != '\0');
	else
		run(schema, slice(cut + 1, size - (size_t)(cut - data) - 1));
	jsonschema_free(schema);
	return 0;
}
