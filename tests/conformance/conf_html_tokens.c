/* The tokenizer against html5lib's tokenizer tests, in every state that they begin in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/html_tokens.h"
#include "html_vectors.h"

/* What came out so far, in the words of the tests. */
struct said {
	struct source *s;
	uint32_t expected; /* the next token that should come */
	uint32_t end;
	uint8_t *text; /* that is not said yet: texts side by side are one token to the tests */
	size_t size;
	bool wrong;
};

static struct fw_slice decoded(struct source *s, struct fw_slice raw, enum html_where where)
{
	uint8_t *out = arena_alloc(&s->arena, HTML_DECODED(raw.size) + 1);
	size_t size;

	assert_non_null(out);
	size = html_tokens_decode(raw, where, out);
	assert_true(size <= HTML_DECODED(raw.size));
	return slice(out, size);
}

static bool is_text(struct source *s, uint32_t node, struct fw_slice text)
{
	if (s->json.nodes[node].kind != JSON_STRING) /* null: there is none */
		return text.data == NULL;
	return text.data != NULL && slice_equal(text_of(s, node), text);
}

/* The next token of the test, if it is of that kind. 0: something is wrong. */
static uint32_t take(struct said *said, const char *kind)
{
	uint32_t array = said->expected;

	if (said->wrong || array >= said->end ||
	    !slice_is(json_text(&said->s->json, array + 1, &said->s->arena), kind)) {
		said->wrong = true;
		return 0;
	}
	said->expected = said->s->json.nodes[array].next;
	return array;
}

static void say_text(struct said *said)
{
	uint32_t array;

	if (said->size == 0)
		return;
	array = take(said, "Character");
	if (array != 0 && !is_text(said->s, array + 2, slice(said->text, said->size)))
		said->wrong = true;
	said->size = 0;
}

/* The tests want the first of a name and no order. */
static bool same_attributes(struct source *s, uint32_t object, const struct html_token *token)
{
	struct html_attribute attribute = { 0 };
	struct fw_slice names[64];
	unsigned count = 0, i;

	while (html_tokens_attribute(token, &attribute)) {
		struct fw_slice name = decoded(s, attribute.name, HTML_IN_NAME);
		uint32_t value;

		for (i = 0; i < count && !slice_equal(names[i], name); i++)
			;
		if (i != count)
			continue;
		assert_true(count < 64);
		names[count++] = name;
		for (value = object + 1; value < s->json.nodes[object].next; value = s->json.nodes[value + 1].next)
			if (slice_equal(text_of(s, value), name))
				break;
		if (value >= s->json.nodes[object].next ||
		    !slice_equal(text_of(s, value + 1), decoded(s, attribute.value, HTML_IN_ATTRIBUTE)))
			return false;
	}
	return count == s->json.nodes[object].count;
}

static void say_tag(struct said *said, const struct html_token *token)
{
	struct source *s = said->s;
	uint32_t array = take(said, token->kind == HTML_TOKEN_END_TAG ? "EndTag" : "StartTag");

	if (array == 0)
		return;
	if (!is_text(s, array + 2, decoded(s, token->name, HTML_IN_NAME)))
		said->wrong = true;
	else if (token->kind == HTML_TOKEN_START_TAG)
		said->wrong = !same_attributes(s, array + 3, token) ||
			      token->self_closing != (s->json.nodes[array].count == 4);
}

static struct fw_slice identifier(struct source *s, struct fw_slice raw, enum html_where where)
{
	return raw.data != NULL ? decoded(s, raw, where) : raw;
}

static void say_doctype(struct said *said, const struct html_token *token)
{
	struct source *s = said->s;
	uint32_t array = take(said, "DOCTYPE");

	if (array != 0 && (!is_text(s, array + 2, identifier(s, token->name, HTML_IN_NAME)) ||
			   !is_text(s, array + 3, identifier(s, token->public, HTML_IN_RAW)) ||
			   !is_text(s, array + 4, identifier(s, token->system, HTML_IN_RAW)) ||
			   token->quirks != (s->json.nodes[array + 5].kind == JSON_FALSE)))
		said->wrong = true;
}

static void say(struct said *said, const struct html_token *token)
{
	struct fw_slice text;
	uint32_t array;

	switch (token->kind) {
	case HTML_TOKEN_TEXT:
		text = decoded(said->s, token->text, token->where);
		memcpy(said->text + said->size, text.data, text.size);
		said->size += text.size;
		break;
	case HTML_TOKEN_NOTHING:
		break;
	case HTML_TOKEN_START_TAG:
	case HTML_TOKEN_END_TAG:
		say_text(said);
		if (!token->cut) /* such a tag is dropped */
			say_tag(said, token);
		break;
	case HTML_TOKEN_COMMENT:
		say_text(said);
		array = take(said, "Comment");
		if (array != 0 && !is_text(said->s, array + 2, decoded(said->s, token->text, HTML_IN_RAW)))
			said->wrong = true;
		break;
	case HTML_TOKEN_DOCTYPE:
		say_text(said);
		say_doctype(said, token);
		break;
	}
}

static enum html_mode mode_of(struct fw_slice state)
{
	static const char *const names[] = {
		[HTML_DATA] = "Data state",	      [HTML_RCDATA] = "RCDATA state",
		[HTML_RAWTEXT] = "RAWTEXT state",     [HTML_SCRIPT] = "Script data state",
		[HTML_PLAINTEXT] = "PLAINTEXT state", [HTML_CDATA] = "CDATA section state",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_is(state, names[i]))
			return (enum html_mode)i;
	fail_msg("unknown state %.*s", (int)state.size, (const char *)state.data);
	return HTML_DATA;
}

static unsigned runs[HTML_CDATA + 1];

static void run_in(struct source *s, uint32_t test, struct fw_slice input, enum html_mode mode)
{
	uint32_t output = json_member(&s->json, test, "output", 6),
		 tag = json_member(&s->json, test, "lastStartTag", 12);
	uint8_t *copy = malloc(input.size != 0 ? input.size : 1); /* of that size, so that no octet behind it is read */
	struct said said = { .s = s, .expected = output + 1, .end = s->json.nodes[output].next };
	struct html_tokens tokens;
	struct html_token token;
	size_t covered = 0;

	memcpy(copy, input.data, input.size);
	said.text = arena_alloc(&s->arena, HTML_DECODED(input.size) + 1);
	html_tokens_start(&tokens, slice(copy, input.size));
	tokens.mode = mode;
	if (tag != 0)
		tokens.last_tag = text_of(s, tag);
	while (html_tokens_next(&tokens, &token)) {
		assert_true(token.raw.data == copy + covered && token.raw.size != 0);
		covered += token.raw.size;
		say(&said, &token);
	}
	say_text(&said);
	if (said.wrong || said.expected != said.end || covered != input.size)
		fail_msg("in mode %d: %.*s", (int)mode, (int)input.size, (const char *)input.data);
	free(copy);
	runs[mode]++;
}

static void visit(struct source *s, uint32_t test, struct fw_slice input, void *user)
{
	uint32_t states = json_member(&s->json, test, "initialStates", 13);

	(void)user;
	if (states == 0)
		run_in(s, test, input, HTML_DATA);
	for (uint32_t node = states + 1; states != 0 && node < s->json.nodes[states].next; node++)
		run_in(s, test, input, mode_of(text_of(s, node)));
}

static void test_vectors(void **state)
{
	(void)state;
	visit_all(visit, NULL);
	print_message("# html5lib: data %u, RCDATA %u, RAWTEXT %u, script %u, plain text %u, CDATA %u\n",
		      runs[HTML_DATA], runs[HTML_RCDATA], runs[HTML_RAWTEXT], runs[HTML_SCRIPT], runs[HTML_PLAINTEXT],
		      runs[HTML_CDATA]);
	assert_true(runs[HTML_DATA] > 6000);
	for (unsigned i = 0; i <= HTML_CDATA; i++)
		assert_true(runs[i] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

	if (!html_vectors_found())
		return vectors_absent(html_vectors_folder);
	return cmocka_run_group_tests_name("html tokens", tests, NULL, NULL);
}
