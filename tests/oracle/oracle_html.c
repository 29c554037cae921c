/* The sanitizer against gumbo, a complete HTML5 parser: what a page would build from sanitized HTML by innerHTML holds
 * only allowed elements, attributes and links, and as its tags say; still so when the tree is written out and read once
 * more, as editors do; and what was not let through is seen as it was typed. */
#include <gumbo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/json.h"

#include "../conformance/html_check.h"
#include "../conformance/vectors.h"

static struct arena arena;

static GumboOutput *parse(const char *bytes, size_t size)
{
	GumboOptions options = kGumboDefaultOptions;

	options.fragment_context = GUMBO_TAG_DIV;
	options.max_errors = 0;
	return gumbo_parse_with_options(&options, bytes, size);
}

static const GumboVector *children_of(const GumboOutput *output)
{
	return &output->root->v.element.children;
}

static bool starts_nocase(const char *text, const char *word)
{
	for (; *word != '\0'; text++, word++)
		if (ascii_lower((uint8_t)*text) != (uint8_t)*word)
			return false;
	return true;
}

/* By the URL standard: trimmed, without tabs and newlines, a scheme is a letter, then letters, digits, "+", "-", ".",
 * up to ":". */
static bool link_allowed(const char *value)
{
	char *text = malloc(strlen(value) + 1), *to = text, *at;
	bool allowed = true;

	while (*value != '\0' && (uint8_t)*value <= ' ')
		value++;
	for (; *value != '\0'; value++)
		if (*value != '\t' && *value != '\n' && *value != '\r')
			*to++ = *value;
	*to = '\0';
	at = text;
	if (html_letter((uint8_t)*at)) {
		while (html_letter((uint8_t)*at) || strchr("0123456789+-.", *at) != NULL) {
			if (*at == '\0')
				break;
			at++;
		}
		if (*at == ':')
			allowed = starts_nocase(text, "http://") || starts_nocase(text, "https://") ||
				  starts_nocase(text, "mailto:");
	}
	free(text);
	return allowed;
}

static const char *wrong_element(const GumboElement *element)
{
	const char *name = gumbo_normalized_tagname(element->tag);

	if (element->tag == GUMBO_TAG_UNKNOWN || element->tag_namespace != GUMBO_NAMESPACE_HTML ||
	    !html_tag_allowed(name))
		return "an element outside the list";
	for (unsigned i = 0; i < element->attributes.length; i++) {
		const GumboAttribute *attribute = element->attributes.data[i];

		if (attribute->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE ||
		    !html_attribute_allowed(name, attribute->name))
			return "an attribute outside the list";
		if (strcmp(attribute->name, "href") == 0 && !link_allowed(attribute->value))
			return "a link of another scheme";
	}
	return NULL;
}

static const char *wrong_children(const GumboVector *children)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < children->length && wrong == NULL; i++) {
		const GumboNode *node = children->data[i];

		if (node->type == GUMBO_NODE_ELEMENT) {
			wrong = wrong_element(&node->v.element);
			if (wrong == NULL)
				wrong = wrong_children(&node->v.element.children);
		} else if (node->type != GUMBO_NODE_TEXT && node->type != GUMBO_NODE_WHITESPACE) {
			wrong = "a node that is neither element nor text";
		}
	}
	return wrong;
}

static void write_escaped(struct html_text *to, const char *text, bool attribute)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			html_add(to, "&amp;", 5);
		else if (*text == '"' && attribute)
			html_add(to, "&quot;", 6);
		else if (*text == '<' && !attribute) /* browsers left "<" in attributes as it is until 2025 */
			html_add(to, "&lt;", 4);
		else if (*text == '>' && !attribute)
			html_add(to, "&gt;", 4);
		else
			html_add_char(to, *text);
	}
}

/* As innerHTML is read (HTML 13.3). */
static void serialize(struct html_text *to, const GumboVector *children)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];
		const GumboElement *element = &node->v.element;
		const char *name;

		if (node->type != GUMBO_NODE_ELEMENT) {
			write_escaped(to, node->v.text.text, false);
			continue;
		}
		name = gumbo_normalized_tagname(element->tag);
		html_add_char(to, '<');
		html_add(to, name, strlen(name));
		for (unsigned k = 0; k < element->attributes.length; k++) {
			const GumboAttribute *attribute = element->attributes.data[k];

			html_add_char(to, ' ');
			html_add(to, attribute->name, strlen(attribute->name));
			html_add(to, "=\"", 2);
			write_escaped(to, attribute->value, true);
			html_add_char(to, '"');
		}
		html_add_char(to, '>');
		if (element->tag == GUMBO_TAG_BR)
			continue;
		serialize(to, &element->children);
		html_add(to, "</", 2);
		html_add(to, name, strlen(name));
		html_add_char(to, '>');
	}
}

static void text_content(struct html_text *to, const GumboVector *children, bool *ret_elements)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];

		if (node->type == GUMBO_NODE_ELEMENT) {
			*ret_elements = true;
			text_content(to, &node->v.element.children, ret_elements);
		} else {
			html_add(to, node->v.text.text, strlen(node->v.text.text));
		}
	}
}

static unsigned seen_count;

static bool only_text(const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	bool text = tokens.count == 0 || (tokens.count == 1 && tokens.list[0].kind == HTML_RUN);

	html_tokens_free(&tokens);
	return text;
}

/* Without any allowed tag in it, a text is seen exactly as it was typed. */
static const char *seen_as_typed(const struct html_text *seen, const char *bytes, size_t size)
{
	struct html_text typed = { 0 }, expected = { 0 };
	GumboOutput *output;
	const char *wrong = NULL;
	bool elements = false;

	html_add(&typed, "", 0);
	html_add(&expected, "", 0);
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '<')
			html_add(&typed, "&lt;", 4);
		else
			html_add_char(&typed, bytes[i]);
	}
	seen_count++;
	output = parse(typed.bytes, typed.size);
	text_content(&expected, children_of(output), &elements);
	if (elements || seen->size != expected.size || memcmp(seen->bytes, expected.bytes, seen->size) != 0)
		wrong = "text that is not seen as typed";
	gumbo_destroy_output(&kGumboDefaultOptions, output);
	free(typed.bytes);
	free(expected.bytes);
	return wrong;
}

/* The next tag of the text, past what is none. */
static const struct html_token *next_tag(const struct html_tokens *tokens, size_t *at)
{
	while (*at < tokens->count && tokens->list[*at].kind != HTML_START && tokens->list[*at].kind != HTML_END)
		(*at)++;
	return *at < tokens->count ? &tokens->list[(*at)++] : NULL;
}

static unsigned elements_count;

/* Is the tree what the tags say, none of them left over, none added? */
static bool as_tagged(const GumboVector *children, const struct html_tokens *tokens, size_t *at)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];
		const struct html_token *tag;
		const char *name;

		if (node->type != GUMBO_NODE_ELEMENT)
			continue;
		name = gumbo_normalized_tagname(node->v.element.tag);
		elements_count++;
		tag = next_tag(tokens, at);
		if (tag == NULL || tag->kind != HTML_START || strcmp(tag->text.bytes, name) != 0)
			return false;
		if (!as_tagged(&node->v.element.children, tokens, at))
			return false;
		if (node->v.element.tag == GUMBO_TAG_BR)
			continue;
		tag = next_tag(tokens, at);
		if (tag == NULL || tag->kind != HTML_END || strcmp(tag->text.bytes, name) != 0)
			return false;
	}
	return true;
}

static const char *wrong_tree(const GumboVector *children, const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	size_t at = 0;
	bool same = as_tagged(children, &tokens, &at) && next_tag(&tokens, &at) == NULL;

	html_tokens_free(&tokens);
	return same ? NULL : "a tree that is not what the tags say";
}

static const char *wrong_html(const char *bytes, size_t size, const char *typed, size_t typed_size)
{
	struct html_text again = { 0 }, seen = { 0 };
	GumboOutput *output = parse(bytes, size);
	const char *wrong = wrong_children(children_of(output));
	bool elements = false;

	if (wrong == NULL)
		wrong = wrong_tree(children_of(output), bytes, size);

	html_add(&again, "", 0);
	html_add(&seen, "", 0);
	if (wrong == NULL) {
		serialize(&again, children_of(output));
		text_content(&seen, children_of(output), &elements);
		if (typed != NULL && only_text(bytes, size))
			wrong = seen_as_typed(&seen, typed, typed_size);
	}
	gumbo_destroy_output(&kGumboDefaultOptions, output);
	if (wrong == NULL && typed != NULL)
		wrong = wrong_html(again.bytes, again.size, NULL, 0);
	free(again.bytes);
	free(seen.bytes);
	return wrong;
}

static unsigned checked;

static void check(const char *bytes, size_t size)
{
	struct fw_slice html;
	const char *wrong;
	char *text;

	arena_reset(&arena);
	wrong = html_check(&arena, bytes, size, &html);
	text = malloc(html.size + 1);
	memcpy(text, html.data, html.size);
	text[html.size] = '\0';
	if (wrong == NULL)
		wrong = wrong_html(text, html.size, bytes, size);
	if (wrong != NULL)
		fail_msg("%s: %.*s became %s", wrong, (int)size, bytes, text);
	free(text);
	checked++;
}

static uint64_t random_state = 99;
static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % bound;
}

static void test_random(void **state)
{
	static const char *const pieces[] = { "<a ",
					      "<b>",
					      "</b>",
					      "<p",
					      "</p>",
					      "<pre>",
					      "\n",
					      "<div>",
					      "<ul><li>",
					      "</a>",
					      "<img ",
					      "<svg>",
					      "<math>",
					      "<style>",
					      "</style>",
					      "<script>",
					      "<table>",
					      "<td>",
					      "<select>",
					      "<template>",
					      "<noscript>",
					      "<!--",
					      "-->",
					      "<!",
					      "<?",
					      "</",
					      ">",
					      "/>",
					      " ",
					      "=",
					      "\"",
					      "'",
					      "href=",
					      "href=\"",
					      "title='",
					      "title=\"",
					      "class=",
					      "onclick=x",
					      "javascript:x",
					      "&#106;avascript:x",
					      "java&Tab;script:",
					      "https://e.com/",
					      "&lt;",
					      "&gt",
					      "&quot",
					      "&amp;lt;",
					      "&",
					      "x",
					      "<",
					      "]]>",
					      "<![CDATA[",
					      "`",
					      "\xc3\xa9",
					      "<br",
					      "</br>",
					      "\t",
					      "mailto:",
					      "//",
					      "\\",
					      ":",
					      "&colon;",
					      "&NewLine;" };

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		char text[1024];
		size_t size = 0;

		for (uint32_t count = 1 + below(25); count != 0; count--) {
			const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + size, piece, strlen(piece));
			size += strlen(piece);
		}
		check(text, size);
	}
	print_message("# %u texts, %u without a tag that stays\n", checked, seen_count);
	assert_true(seen_count > checked / 20);
}

/* Whole tags, so that elements come about and get in each other's way. */
static void test_nested(void **state)
{
	static const char *const names[] = { "a", "b", "i", "p", "div", "ul", "li", "pre", "blockquote", "span", "br" };
	unsigned before = checked;

	(void)state;
	elements_count = 0;
	for (unsigned round = 0; round < 60000; round++) {
		char text[1024];
		size_t size = 0;

		for (uint32_t count = 1 + below(24); count != 0; count--) {
			const char *name = names[below(sizeof(names) / sizeof(*names))];

			size += (size_t)sprintf(text + size, "%s%s%s>", below(3) == 0 ? "x" : "", below(2) ? "</" : "<",
						name);
		}
		check(text, size);
	}
	print_message("# %u texts, %u elements\n", checked - before, elements_count);
	assert_true(elements_count > checked - before);
}

static void check_corpus(const char *path)
{
	struct arena lines;
	size_t size;
	char *bytes = vectors_read(path, &size), *at = bytes, *end;

	arena_init(&lines, (size_t)1 << 30);
	for (; bytes != NULL && at < bytes + size; at = end + 1) {
		struct json json;
		struct fw_slice text;

		end = memchr(at, '\n', (size_t)(bytes + size - at));
		if (end == NULL)
			end = bytes + size;
		if (end == at)
			continue;
		arena_reset(&lines);
		assert_int_equal(json_parse(&lines, slice(at, (size_t)(end - at)), 0, &json, NULL), JSON_OK);
		text = json_text(&json, 0, &lines);
		check((const char *)text.data, text.size);
	}
	arena_fini(&lines);
	free(bytes);
}

static void test_corpora(void **state)
{
	struct dirent **entries;
	char folder[4096], path[4400];
	int count = vectors_list(vectors_path(folder, "corpora/attack"), &entries), i;
	unsigned before = checked;

	(void)state;
	for (i = 0; i < count; i++) {
		if (strncmp(entries[i]->d_name, "xss.", 4) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			check_corpus(path);
		}
		free(entries[i]);
	}
	free(entries);
	print_message("# %u lines of the corpora\n", checked - before);
	assert_true(checked - before > 6000);
}

/* Without the corpora their test is not run. */
static bool corpora_here(void)
{
	struct dirent **entries;
	char folder[4096];
	int count = vectors_list(vectors_path(folder, "corpora/attack"), &entries);

	if (count == 0) {
		print_message("# not run: test_corpora, no corpora at %s (set FRAMEWALL_SHARED)\n", folder);
		return false;
	}
	while (count-- > 0)
		free(entries[count]);
	free(entries);
	return true;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_nested),
					    cmocka_unit_test(test_corpora) };
	int failed;

	arena_init(&arena, (size_t)1 << 30);
	failed = _cmocka_run_group_tests("oracle_html", tests, corpora_here() ? 2 : 1, NULL, NULL);
	arena_fini(&arena);
	return failed;
}
