/* The sanitizer on any octets: no fault, and by the tokenizer of the tests nothing but allowed tags and attributes
 * comes out, nested, which sanitized again stays as it is. Where gumbo is installed it reads what came out: the tree is
 * what the tags say, before and after it is written out once more, and what is no tag is seen as typed. */
#include <stdlib.h>

#include "base/utf8.h"

#ifdef HAVE_GUMBO
#include "../tests/oracle/html_tree.h"
#else
#include "../tests/conformance/html_check.h"
#endif

/* gumbo reads UTF-8, as a message is, and its texts end at NUL. */
static void reparse(const char *typed, size_t typed_size, struct fw_slice html)
{
#ifdef HAVE_GUMBO
	char *text;

	if (!utf8_valid(html.data, html.size) || (typed_size != 0 && memchr(typed, '\0', typed_size) != NULL))
		return;
	text = calloc(1, html.size + 1);
	if (html.size != 0)
		memcpy(text, html.data, html.size);
	if (wrong_html(text, html.size, typed, typed_size) != NULL)
		abort();
	free(text);
#else
	(void)typed;
	(void)typed_size;
	(void)html;
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct fw_slice html;

	arena_init(&arena, 256u << 20);
	if (html_check(&arena, (const char *)data, size, &html) != NULL)
		abort();
	reparse((const char *)data, size, html);
	arena_fini(&arena);
	return 0;
}
