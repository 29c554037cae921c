/* The sanitizer against a model of its rules, on random texts, the same ones each run: the outputs are equal to
 * the octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* What is known of each token of a text. */
struct judged {
	size_t partner; /* of a start tag its end tag, and the other way; the token itself: none is needed; SIZE_MAX:
			   none */
	bool lost;	/* a start tag that no end tag can be of any more */
};

static bool one_of(const char *name, const char *list)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(list, word) != NULL;
}

/* Would what stands between the tags end the element before its end tag? Asked of what is markup there; between it and
 * the element only elements that do not keep it from that may be. */
static bool torn(const struct html_tokens *tokens, const struct judged *judged, size_t start, size_t end)
{
	const char *name = tokens->list[start].text.bytes;

	for (size_t i = start + 1; i < end; i++) {
		const char *inner = tokens->list[i].text.bytes;

		if (tokens->list[i].kind != HTML_START || judged[i].partner == SIZE_MAX)
			continue;
		if (strcmp(name, "a") == 0 && strcmp(inner, "a") == 0)
			return true;
		if (strcmp(name, "p") == 0 && one_of(inner, " p div pre ul ol li blockquote "))
			return true;
		if (strcmp(name, "li") == 0 && strcmp(inner, "li") == 0)
			return true;
		if (strcmp(name, "li") == 0 && one_of(inner, " ul ol pre blockquote "))
			i = judged[i].partner;
	}
	return false;
}

/* Each end tag belongs to the last start tag before it that has its name and may still have one. */
static struct judged *judge(const struct html_tokens *tokens)
{
	struct judged *judged = calloc(tokens->count + 1, sizeof(*judged));

	for (size_t i = 0; i < tokens->count; i++) {
		const struct html_token *t = &tokens->list[i];
		size_t start;

		judged[i].partner = SIZE_MAX;
		if ((t->kind != HTML_START && t->kind != HTML_END) || !html_tag_allowed(t->text.bytes))
			continue;
		if (strcmp(t->text.bytes, "br") == 0) {
			judged[i].partner = t->kind == HTML_START ? i : SIZE_MAX;
			continue;
		}
		for (start = i; t->kind == HTML_END && start-- > 0;)
			if (tokens->list[start].kind == HTML_START && judged[start].partner == SIZE_MAX &&
			    !judged[start].lost && strcmp(tokens->list[start].text.bytes, t->text.bytes) == 0)
				break;
		if (t->kind != HTML_END || start == SIZE_MAX)
			continue;
		if (!torn(tokens, judged, start, i)) {
			judged[start].partner = i;
			judged[i].partner = start;
		}
		for (size_t k = start; k < i; k++)
			judged[k].lost = true;
	}
	return judged;
}

static void model_text(struct html_text *to, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char next = i + 1 < size ? bytes[i + 1] : ' ';

		if (bytes[i] == '<' && (html_letter(next) || strchr("/!?", next) != NULL))
			html_add(to, "&lt;", 4);
		else
			html_add_char(to, bytes[i]);
	}
}

/* What the sanitizer should write, by the tokenizer of the tests and the rules of sanitize.h. */
static struct html_text model(const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	struct judged *judged = judge(&tokens);
	struct html_text text = { 0 };
	size_t at = 0;

	html_add(&text, "", 0);
	for (size_t i = 0; i < tokens.count; i++) {
		const struct html_token *t = &tokens.list[i];

		if (judged[i].partner == SIZE_MAX)
			continue;
		model_text(&text, bytes + at, t->start - at);
		model_tag(&text, t);
		at = t->end;
	}
	model_text(&text, bytes + at, size - at);
	html_tokens_free(&tokens);
	free(judged);
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
	static const char *const pieces[] = { "<p>",
					      "</p>",
					      "<li>",
					      "</li>",
					      "<ul>",
					      "</ul>",
					      "<div>",
					      "</div>",
					      "<i>",
					      "</i>",
					      "<br>",
					      "<a>",
					      "</a>",
					      "<b>",
					      "</b>",
					      "<",
					      "<",
					      "<a",
					      "</a",
					      "<b",
					      "</b>",
					      "<span",
					      "<img",
					      "<svg",
					      "</",
					      "<!",
					      "<!--",
					      "-->",
					      "<?",
					      ">",
					      ">",
					      "/",
					      " ",
					      "\t",
					      "\n",
					      "\f",
					      "=",
					      "=",
					      "\"",
					      "\"",
					      "'",
					      "'",
					      " href",
					      " title",
					      " class",
					      "href=",
					      " title=",
					      "class=\"",
					      "x",
					      "b",
					      "a",
					      "javascript:",
					      "https://e.com",
					      "&lt;",
					      "&",
					      "\xc3\xa9",
					      "-",
					      "A",
					      "TITLE",
					      "/>",
					      "><" };
	uint32_t count = 1 + random_below(40);
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
