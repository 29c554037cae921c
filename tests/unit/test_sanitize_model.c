/* The sanitizer against a model of its three rules, on random texts, the same ones each run: the outputs are equal to
 * the octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/sanitize.h"
#include "engine/sanitize_url.h"

#include "../conformance/html_check.h"

static void model_value(struct html_text *to, const struct html_text *value)
{
	for (size_t i = 0; i < value->size; i++) {
		char c = value->bytes[i];

		if (c == '"')
			html_add(to, "&quot;", 6);
		else if (c == '<' || c == '>')
			html_add(to, c == '<' ? "&lt;" : "&gt;", 4);
		else
			html_add_char(to, c);
	}
}

static bool model_allows(const struct html_text *name, const struct html_text *value)
{
	size_t words =
		strspn(value->bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- \t\n\f\r");

	if (strcmp(name->bytes, "href") == 0)
		return sanitize_url_allowed(html_policy(), slice(value->bytes, value->size));
	if (strcmp(name->bytes, "class") == 0)
		return words == value->size && strspn(value->bytes, " \t\n\f\r") != value->size;
	return true;
}

static void model_tag(struct html_text *to, const struct html_token *t)
{
	html_add(to, t->kind == HTML_END ? "</" : "<", t->kind == HTML_END ? 2 : 1);
	html_add(to, t->text.bytes, t->text.size);
	for (unsigned i = 0; i < t->attribute_count && t->kind == HTML_START; i++) {
		if (!html_attribute_allowed(t->text.bytes, t->names[i].bytes) ||
		    !model_allows(&t->names[i], &t->values[i]))
			continue;
		html_add_char(to, ' ');
		html_add(to, t->names[i].bytes, t->names[i].size);
		html_add(to, "=\"", 2);
		model_value(to, &t->values[i]);
		html_add_char(to, '"');
	}
	html_add_char(to, '>');
}

/* What the sanitizer should write, by the tokenizer of the tests and the three rules of sanitize.h. */
static struct html_text model(const char *bytes, size_t size)
{
	struct html_text text = { 0 };
	size_t at = 0;

	html_add(&text, "", 0);
	while (at < size) {
		struct html_tokens tokens;
		const struct html_token *first;
		bool typed = true;

		if (bytes[at] != '<') {
			html_add_char(&text, bytes[at++]);
			continue;
		}
		tokens = html_tokenize(bytes + at, size - at);
		first = tokens.list;
		if (tokens.count == 0 || (size - at >= 3 && memcmp(bytes + at, "</>", 3) == 0)) {
			/* cut, or "</>" which is no token */
		} else if ((first->kind == HTML_START || first->kind == HTML_END) &&
			   html_tag_allowed(first->text.bytes)) {
			typed = false;
			model_tag(&text, first);
			at += first->end;
		} else if (first->kind == HTML_RUN && first->text.bytes[0] == '<' &&
			   !(first->text.size == 2 && at + 2 == size && first->text.bytes[1] == '/')) {
			typed = false;
			html_add_char(&text, '<');
			at++;
		}
		if (typed) {
			html_add(&text, "&lt;", 4);
			at++;
		}
		html_tokens_free(&tokens);
	}
	return text;
}

static uint64_t random_state = 20240229;
static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % bound;
}

static size_t random_html(char *to, size_t room)
{
	static const char *const pieces[] = { "<",	     "<",
					      "<a",	     "</a",
					      "<b",	     "</b>",
					      "<span",	     "<img",
					      "<svg",	     "</",
					      "<!",	     "<!--",
					      "-->",	     "<?",
					      ">",	     ">",
					      "/",	     " ",
					      "\t",	     "\n",
					      "\f",	     "=",
					      "=",	     "\"",
					      "\"",	     "'",
					      "'",	     " href",
					      " title",	     " class",
					      "href=",	     " title=",
					      "class=\"",    "x",
					      "b",	     "a",
					      "javascript:", "https://e.com",
					      "&lt;",	     "&",
					      "\xc3\xa9",    "-",
					      "A",	     "TITLE",
					      "/>",	     "><" };
	uint32_t count = 1 + random_below(30);
	size_t size = 0;

	while (count-- > 0) {
		const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];

		if (size + strlen(piece) > room)
			break;
		memcpy(to + size, piece, strlen(piece));
		size += strlen(piece);
	}
	return size;
}

static void compare(struct arena *arena, const char *text, size_t size, const struct html_text *expected)
{
	char *copy = malloc(size != 0 ? size : 1);
	struct fw_slice html = { 0 };
	const char *wrong;

	memcpy(copy, text, size);
	arena_reset(arena);
	wrong = html_check(arena, copy, size, &html);
	if (wrong != NULL || !slice_equal(html, slice(expected->bytes, expected->size)))
		fail_msg("%s: %.*s\nbecame   %.*s\nexpected %s", wrong != NULL ? wrong : "differs", (int)size, text,
			 (int)html.size, (const char *)html.data, expected->bytes);
	free(copy);
}

static void test_random(void **state)
{
	unsigned round, changed = 0, tags = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1u << 20);
	for (round = 0; round < 100000; round++) {
		char text[512];
		size_t size = random_html(text, sizeof(text));
		struct html_text expected = model(text, size);

		compare(&arena, text, size, &expected);
		changed += expected.size != size;
		tags += memchr(expected.bytes, '<', expected.size) != NULL;
		free(expected.bytes);
	}
	arena_fini(&arena);
	assert_true(changed > 10000 && tags > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests_name("sanitize_model", tests, NULL, NULL);
}
