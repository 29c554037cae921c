/* The sanitizer against gumbo, a complete HTML5 parser: what a page would build from sanitized HTML by innerHTML holds
 * only allowed elements, attributes and links, and as its tags say; still so when the tree is written out and read once
 * more, as editors do; and what was not let through is seen as it was typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/json.h"

#include "html_tree.h"
#include "../conformance/vectors.h"

static struct arena arena;

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
	print_message("# %u texts, %u without a tag that stays\n", checked, tree_texts);
	assert_true(tree_texts > checked / 20);
}

/* Whole tags, so that elements come about and get in each other's way. */
static void test_nested(void **state)
{
	static const char *const names[] = { "a", "b", "i", "p", "div", "ul", "li", "pre", "blockquote", "span", "br" };
	unsigned before = checked;

	(void)state;
	tree_elements = 0;
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
	print_message("# %u texts, %u elements\n", checked - before, tree_elements);
	assert_true(tree_elements > checked - before);
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
