/* The JSON reader and writer against nst/JSONTestSuite. docs/reference/json.md tells users what this file decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "codec/json.h"
#include "vectors.h"

static char folder[4096];
static struct dirent **entries;
static int entry_count;

/* The files whose verdict RFC 8259 leaves open, and the two valid ones that are refused. */
static const struct decision {
	const char *name;
	enum json_result result;
} decisions[] = {
	{ "i_number_double_huge_neg_exp.json", JSON_OK },
	{ "i_number_huge_exp.json", JSON_BAD },
	{ "i_number_neg_int_huge_exp.json", JSON_OK },
	{ "i_number_pos_double_huge_exp.json", JSON_OK },
	{ "i_number_real_neg_overflow.json", JSON_OK },
	{ "i_number_real_pos_overflow.json", JSON_OK },
	{ "i_number_real_underflow.json", JSON_OK },
	{ "i_number_too_big_neg_int.json", JSON_OK },
	{ "i_number_too_big_pos_int.json", JSON_OK },
	{ "i_number_very_big_negative_int.json", JSON_OK },
	{ "i_object_key_lone_2nd_surrogate.json", JSON_BAD },
	{ "i_string_1st_surrogate_but_2nd_missing.json", JSON_BAD },
	{ "i_string_1st_valid_surrogate_2nd_invalid.json", JSON_BAD },
	{ "i_string_UTF-16LE_with_BOM.json", JSON_BAD },
	{ "i_string_UTF-8_invalid_sequence.json", JSON_UTF8 },
	{ "i_string_UTF8_surrogate_U+D800.json", JSON_UTF8 },
	{ "i_string_incomplete_surrogate_and_escape_valid.json", JSON_BAD },
	{ "i_string_incomplete_surrogate_pair.json", JSON_BAD },
	{ "i_string_incomplete_surrogates_escape_valid.json", JSON_BAD },
	{ "i_string_invalid_lonely_surrogate.json", JSON_BAD },
	{ "i_string_invalid_surrogate.json", JSON_BAD },
	{ "i_string_invalid_utf-8.json", JSON_UTF8 },
	{ "i_string_inverted_surrogates_U+1D11E.json", JSON_BAD },
	{ "i_string_iso_latin_1.json", JSON_UTF8 },
	{ "i_string_lone_second_surrogate.json", JSON_BAD },
	{ "i_string_lone_utf8_continuation_byte.json", JSON_UTF8 },
	{ "i_string_not_in_unicode_range.json", JSON_UTF8 },
	{ "i_string_overlong_sequence_2_bytes.json", JSON_UTF8 },
	{ "i_string_overlong_sequence_6_bytes.json", JSON_UTF8 },
	{ "i_string_overlong_sequence_6_bytes_null.json", JSON_UTF8 },
	{ "i_string_truncated-utf-8.json", JSON_UTF8 },
	{ "i_string_utf16BE_no_BOM.json", JSON_BAD },
	{ "i_string_utf16LE_no_BOM.json", JSON_BAD },
	{ "i_structure_500_nested_arrays.json", JSON_DEPTH },
	{ "i_structure_UTF-8_BOM_empty_object.json", JSON_BAD },
	{ "y_object_duplicated_key.json", JSON_DUPLICATE },
	{ "y_object_duplicated_key_and_value.json", JSON_DUPLICATE },
};
enum { DECISIONS = sizeof(decisions) / sizeof(decisions[0]) };

static const struct decision *decision_of(const char *name)
{
	for (unsigned i = 0; i < DECISIONS; i++)
		if (strcmp(decisions[i].name, name) == 0)
			return &decisions[i];
	return NULL;
}

static char *read_entry(const char *name, size_t *ret_size)
{
	char path[4400], *bytes;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	bytes = vectors_read(path, ret_size);
	assert_non_null(bytes);
	return bytes;
}

static void assert_same(struct arena *arena, const struct json *a, const struct json *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct json_node *x = &a->nodes[i], *y = &b->nodes[i];

		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->is_key, y->is_key);
		assert_int_equal(x->nul, y->nul);
		assert_int_equal(x->next, y->next);
		assert_int_equal(x->count, y->count);
		assert_int_equal(x->hash, y->hash);
		if (x->kind == JSON_STRING)
			assert_true(slice_equal(json_text(a, i, arena), json_text(b, i, arena)));
		if (x->kind == JSON_NUMBER)
			assert_true(slice_equal(json_raw(a, i), json_raw(b, i)));
	}
}

static void write_canonical(struct arena *arena, struct pool *pool, const struct json *json, struct buf *out)
{
	struct json_writer w = { .out = out, .pool = pool };

	json_write_value(&w, json, 0, arena, NULL, NULL);
	assert_false(w.failed);
}

/* Written canonically it reads the same, and is written the same. */
static void round_trip(struct arena *arena, const struct json *json)
{
	struct pool pool;
	struct buf once = { 0 }, twice = { 0 };
	struct json again;

	pool_init(&pool);
	write_canonical(arena, &pool, json, &once);
	assert_true(buf_size(&once) <= json->size);
	assert_int_equal(json_parse(arena, slice(buf_data(&once), buf_size(&once)), 0, &again, NULL), JSON_OK);
	assert_same(arena, json, &again);
	write_canonical(arena, &pool, &again, &twice);
	assert_true(slice_equal(slice(buf_data(&once), buf_size(&once)), slice(buf_data(&twice), buf_size(&twice))));
	buf_clear(&once, &pool);
	buf_clear(&twice, &pool);
	pool_fini(&pool);
}

static void test_suite(void **state)
{
	unsigned accepted[3] = { 0 }, refused[3] = { 0 };

	(void)state;
	for (int i = 0; i < entry_count; i++) {
		const char *name = entries[i]->d_name;
		const struct decision *decision = decision_of(name);
		unsigned kind = name[0] == 'y' ? 0 : name[0] == 'n' ? 1 : 2;
		struct json_error error = { 0 };
		struct json json;
		struct arena arena;
		size_t size;
		char *bytes = read_entry(name, &size);
		enum json_result result;

		arena_init(&arena, 64u << 20);
		result = json_parse(&arena, slice(bytes, size), 0, &json, &error);
		if (kind == 2 && decision == NULL)
			fail_msg("%s: not decided", name);
		if (decision != NULL ? result != decision->result : (result == JSON_OK) != (kind == 0))
			fail_msg("%s: %d, %s", name, (int)result, result != JSON_OK ? error.what : "accepted");
		if (result == JSON_OK)
			round_trip(&arena, &json);
		else
			assert_true(error.offset <= size && error.what != NULL && error.result == result);
		++*(result == JSON_OK ? &accepted[kind] : &refused[kind]);
		arena_fini(&arena);
		free(bytes);
	}
	print_message("# y_: %u accepted, %u refused; n_: %u accepted, %u refused; i_: %u accepted, %u refused\n",
		      accepted[0], refused[0], accepted[1], refused[1], accepted[2], refused[2]);
	assert_int_equal(accepted[0], 93);
	assert_int_equal(refused[0], 2);
	assert_int_equal(accepted[1], 0);
	assert_int_equal(refused[1], 188);
	assert_int_equal(accepted[2] + refused[2], 35);
}

/* test_transform: files that parsers read differently. What is accepted must come through unharmed. */
static void test_transform(void **state)
{
	char path[4400];
	struct dirent **others;
	int count;
	unsigned accepted = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/../test_transform", folder);
	count = vectors_list(path, &others);
	for (int i = 0; i < count; i++) {
		char file[4800], *bytes;
		struct arena arena;
		struct json json;
		size_t size;

		snprintf(file, sizeof(file), "%s/%s", path, others[i]->d_name);
		bytes = vectors_read(file, &size);
		arena_init(&arena, 64u << 20);
		if (json_parse(&arena, slice(bytes, size), 0, &json, NULL) == JSON_OK) {
			round_trip(&arena, &json);
			accepted++;
		}
		arena_fini(&arena);
		free(bytes);
		free(others[i]);
	}
	if (count != 0)
		free(others);
	print_message("# %u of %d files of test_transform accepted\n", accepted, count);
}

/* The page for users has a row "| `file` | accepted or refused | …" for each decision, and for nothing else. */
static void test_documented(void **state)
{
	size_t size, rows = 0;
	char *page = vectors_read("docs/reference/json.md", &size), *text, row[160];

	(void)state;
	assert_non_null(page);
	text = realloc(page, size + 1);
	text[size] = '\0';
	for (unsigned i = 0; i < DECISIONS; i++) {
		snprintf(row, sizeof(row), "\n| `%s` | %s |", decisions[i].name,
			 decisions[i].result == JSON_OK ? "accepted" : "refused");
		if (strstr(text, row) == NULL)
			fail_msg("docs/reference/json.md lacks:%s", row);
	}
	for (char *at = text; (at = strstr(at, ".json` |")) != NULL; at++)
		rows++;
	assert_int_equal(rows, DECISIONS);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite),
		cmocka_unit_test(test_transform),
		cmocka_unit_test(test_documented),
	};
	int failed;

	entry_count = vectors_list(vectors_path(folder, "vectors/json/test_parsing"), &entries);
	if (entry_count == 0)
		return vectors_absent(folder);
	failed = cmocka_run_group_tests_name("json", tests, NULL, NULL);
	while (entry_count-- > 0)
		free(entries[entry_count]);
	free(entries);
	return failed;
}
