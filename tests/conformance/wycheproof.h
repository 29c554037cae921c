/* wycheproof.h: for tests only: the vectors of a file of Wycheproof, one after the other. */
#ifndef TESTS_WYCHEPROOF_H
#define TESTS_WYCHEPROOF_H
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "../unit/crypto_fixture.h"
#include "vectors.h"

static inline void load(const char *path, struct json *ret_json)
{
	char name[4096];
	size_t size;
	char *bytes = vectors_read(vectors_path(name, path), &size), *copy;

	if (bytes == NULL)
		fail_msg("%s is absent", name);
	copy = arena_alloc(&arena, size);
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	free(bytes);
	assert_int_equal(json_parse(&arena, slice(copy, size), 0, ret_json, NULL), JSON_OK);
}

static inline struct fw_slice hex_at(const struct json *json, uint32_t object, const char *name)
{
	struct fw_slice text = json_text(json, json_member(json, object, name, strlen(name)), &arena);
	uint8_t *octets = arena_alloc(&arena, text.size / 2 + 1);

	assert_non_null(octets);
	for (size_t i = 0; i + 1 < text.size; i += 2) {
		char digits[3] = { (char)text.data[i], (char)text.data[i + 1], '\0' };

		octets[i / 2] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return slice(octets, text.size / 2);
}

static inline int64_t number_at(const struct json *json, uint32_t object, const char *name)
{
	int64_t value = -1;

	json_integer(json, json_member(json, object, name, strlen(name)), &value);
	return value;
}

/* Calls one(json, group, test, valid) for each; how many. */
static inline unsigned each(const char *path,
			    void (*one)(const struct json *json, uint32_t group, uint32_t test, bool valid))
{
	unsigned count = 0;
	struct json json;
	uint32_t groups;

	load(path, &json);
	groups = json_member(&json, 0, "testGroups", 10);
	for (uint32_t group = groups + 1; group < json.nodes[groups].next; group = json.nodes[group].next) {
		uint32_t tests = json_member(&json, group, "tests", 5);

		for (uint32_t at = tests + 1; at < json.nodes[tests].next; at = json.nodes[at].next) {
			struct fw_slice result = json_text(&json, json_member(&json, at, "result", 6), &arena);

			one(&json, group, at, slice_is(result, "valid"));
			count++;
		}
	}
	return count;
}
#endif
