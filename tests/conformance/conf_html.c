/* The sanitizer against html5lib's tokenizer tests: first the tokenizer of html_check.h is shown right by them, then it
 * judges what the sanitizer makes of every input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "html_check.h"
#include "html_vectors.h"

static bool same(struct fw_slice expected, const struct html_text *text)
{
	return slice_equal(expected, slice(text->bytes, text->size));
}

static bool same_attributes(struct source *s, uint32_t object, const struct html_token *token)
{
	const struct json_node *nodes = s->json.nodes;
	uint32_t key;
	unsigned i;

	if (nodes[object].count != token->attribute_count)
		return false;
	for (key = object + 1; key < nodes[object].next; key = nodes[key + 1].next) {
		struct fw_slice name = text_of(s, key), value = text_of(s, key + 1);

		for (i = 0; i < token->attribute_count; i++)
			if (same(name, &token->names[i]) && same(value, &token->values[i]))
				break;
		if (i == token->attribute_count)
			return false;
	}
	return true;
}

static bool same_token(struct source *s, uint32_t array, const struct html_token *token)
{
	static const char *const kinds[] = { "Character", "StartTag", "EndTag", "Comment", "DOCTYPE" };

	if (!slice_is(json_text(&s->json, array + 1, &s->arena), kinds[token->kind]))
		return false;
	if (token->kind == HTML_DOCTYPE)
		return true;
	if (!same(text_of(s, array + 2), &token->text))
		return false;
	return token->kind != HTML_START || same_attributes(s, array + 3, token);
}

static bool same_tokens(struct source *s, uint32_t output, const struct html_tokens *tokens)
{
	uint32_t node = output + 1;
	size_t i;

	if (s->json.nodes[output].count != tokens->count)
		return false;
	for (i = 0; i < tokens->count; i++, node = s->json.nodes[node].next)
		if (!same_token(s, node, &tokens->list[i]))
			return false;
	return true;
}

/* Does the test run in the data state? */
static bool data_state(struct source *s, uint32_t test)
{
	uint32_t states = json_member(&s->json, test, "initialStates", 13), node;

	if (states == 0)
		return true;
	for (node = states + 1; node < s->json.nodes[states].next; node++)
		if (json_string_is(&s->json, node, "Data state", 10))
			return true;
	return false;
}

struct counts {
	unsigned run;
	unsigned left_out;
	unsigned changed;
};

/* Character references are not decoded by this tokenizer, so inputs with "&" are left to the other test. */
static void visit_reference(struct source *s, uint32_t test, struct fw_slice input, void *user)
{
	struct counts *counts = user;
	struct html_tokens tokens;

	if (!data_state(s, test) || memchr(input.data, '&', input.size) != NULL) {
		counts->left_out++;
		return;
	}
	tokens = html_tokenize((const char *)input.data, input.size);
	if (!same_tokens(s, json_member(&s->json, test, "output", 6), &tokens))
		fail_msg("%.*s", (int)input.size, (const char *)input.data);
	html_tokens_free(&tokens);
	counts->run++;
}

static void test_reference(void **state)
{
	struct counts counts = { 0 };

	(void)state;
	visit_all(visit_reference, &counts);
	print_message("# %u tests of html5lib agree with the tokenizer of the tests, %u are of other states or hold "
		      "references\n",
		      counts.run, counts.left_out);
	assert_true(counts.run > 1500);
}

static void visit_sanitize(struct source *s, uint32_t test, struct fw_slice input, void *user)
{
	struct counts *counts = user;
	struct fw_slice html;
	const char *wrong = html_check(&s->arena, (const char *)input.data, input.size, &html);

	(void)test;
	if (wrong != NULL)
		fail_msg("%s: %.*s became %.*s", wrong, (int)input.size, (const char *)input.data, (int)html.size,
			 (const char *)html.data);
	counts->run++;
	counts->changed += html.data != input.data;
}

static void test_sanitize(void **state)
{
	struct counts counts = { 0 };

	(void)state;
	visit_all(visit_sanitize, &counts);
	print_message("# %u inputs sanitized, %u of them changed\n", counts.run, counts.changed);
	assert_true(counts.run > 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_sanitize),
	};

	if (!html_vectors_found())
		return vectors_absent(html_vectors_folder);
	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
