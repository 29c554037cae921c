#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/views.h"

/* Decodes a copy of exactly the size of the text, so that a sanitizer sees an octet too many. */
static void decodes(const char *text, size_t size, const char *expected, size_t expected_size, unsigned expected_kinds)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);
	unsigned kinds;
	size_t left;

	assert_non_null(copy);
	views_lower(copy, (const uint8_t *)text, size);
	left = views_decode(copy, size, &kinds);
	if (left != expected_size || memcmp(copy, expected, left) != 0 || kinds != expected_kinds)
		fail_msg("%.*s became %.*s (%#x), not %.*s (%#x)", (int)size, text, (int)left, (char *)copy, kinds,
			 (int)expected_size, expected, expected_kinds);
	free(copy);
}
#define BECOMES(text, expected, kinds) decodes(text, sizeof(text) - 1, expected, sizeof(expected) - 1, kinds)
#define STAYS(text) BECOMES(text, text, 0)

static void test_percent(void **state)
{
	(void)state;
	BECOMES("%3Cscript%3e", "<script>", VIEW_PERCENT);
	BECOMES("%41%zz%4", "a%zz%4", VIEW_PERCENT);
	BECOMES("%u003c%U003C%uff1c", "<<<", VIEW_PERCENT | VIEW_WIDE);
	BECOMES("%u00", "%u00", 0);
	BECOMES("%", "%", 0);
	BECOMES("%c0%ae%c0%ae%c0%af", "../", VIEW_PERCENT | VIEW_OVERLONG);
	STAYS("100% sure, 5%-10 %");
}

static void test_entities(void **state)
{
	(void)state;
	BECOMES("&lt;b&GT;", "<b>", VIEW_ENTITY);
	BECOMES("&ltscript&gt", "<script>", VIEW_ENTITY); /* these need no semicolon */
	BECOMES("&#60;&#x3C;&#0000060;&#x3c", "<<<<", VIEW_ENTITY);
	BECOMES("java&Tab;script&colon;", "java\tscript:", VIEW_ENTITY);
	BECOMES("&#X41;&#1114111;&#99999999;&#00000000000000000060;", "a\xf4\x8f\xbf\xbf\xef\xbf\xbd<", VIEW_ENTITY);
	BECOMES("&#233;", "\xc3\xa9", VIEW_ENTITY);
	STAYS("a & b &&; &# &#; &#x; &colon &nothing;");
}

static void test_escapes(void **state)
{
	(void)state;
	BECOMES("\\u003Cscript\\x3e\\u{3C}", "<script><", VIEW_ESCAPE);
	BECOMES("\\074script\\076", "<script>", VIEW_ESCAPE);
	BECOMES("\\ud835\\udc2c\\u{0000000000003c}", "s<", VIEW_ESCAPE | VIEW_WIDE);
	BECOMES("\\ud835x\\udc2c", "\xed\xa0\xb5x\xed\xb0\xac", VIEW_ESCAPE);
	STAYS("\\400 \\78 \\08");
	STAYS("\\u00 \\x3 \\u{} \\u{3c \\ c:\\users\\x");
}

static void test_overlong(void **state)
{
	(void)state;
	BECOMES("\xc0\xae\xc0\xae\xc0\xaf", "../", VIEW_OVERLONG);
	BECOMES("\xe0\x80\xae\xf0\x80\x80\xaf", "./", VIEW_OVERLONG);
	BECOMES("\xc0.", ".", VIEW_OVERLONG);
	STAYS("\xc0");
	STAYS("\xe0\x80");
	STAYS("\xc3\xa9\xd0\xb4\xe4\xb8\xad\xf0\x9f\x98\x80");
}

static void test_wide(void **state)
{
	(void)state;
	BECOMES("\uff1c\uff33cript\uff1e", "<script>", VIEW_WIDE);
	BECOMES("\u2024\u2024\u2215\uff0e\uff0e\uff3c", "../..\\", VIEW_WIDE);
	BECOMES("\ufe64\ufe66\ufe65", "<=>", VIEW_WIDE);
	BECOMES("\U0001d42c\u017f\u212a\u2460\u00a0\u037e", "ssk1 ;", VIEW_WIDE);
	BECOMES("\u2025\u2026\u02bc", ".....'", VIEW_WIDE);
	STAYS("\ud55c\u4e2d\u00e9\U0001f600\u2019");
}

static void test_removed(void **state)
{
	(void)state;
	BECOMES("un\0ion se\u200blect\ufeff\u00ad", "union select", VIEW_REMOVED);
	BECOMES("u\x01n\x7fi\u202eo\U000e0041n\ufe0f\xc2\x81", "union", VIEW_REMOVED);
	STAYS("\t\n\v\f\r");
}

static void squeezes(const char *text, const char *expected)
{
	size_t size = strlen(text);
	uint8_t *copy = malloc(size);
	unsigned kinds = 0;

	assert_non_null(copy);
	memcpy(copy, text, size);
	size = views_squeeze(copy, size, &kinds);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(copy, expected, size);
	assert_int_equal(kinds, size == strlen(text) ? 0 : VIEW_SHORTER);
	free(copy);
}

static void test_squeeze(void **state)
{
	(void)state;
	squeezes("1 union                                select", "1 union                select");
	squeezes("a \t\n\r\v\f \t\n\r\v\f \t\n\r\v\f \t\n\r\v\fb", "a \t\n\r\v\f \t\n\r\v\f \t\n\rb");
	squeezes("////////////////////etc", "////////////////etc");
	squeezes("1/*abc*/2/**/3/*!x*/4/*d**/5/*", "1/**/2/**/3/*!x*/4/**/5/*");
	squeezes("/*/*/ /*/", "/**/ /*/");
}

static void test_rounds(void **state)
{
	(void)state;
	BECOMES("%253Cb%253E", "<b>", VIEW_PERCENT | VIEW_TWICE);
	BECOMES("%25253c", "<", VIEW_PERCENT | VIEW_TWICE);
	BECOMES("%2525253c", "%3c", VIEW_PERCENT | VIEW_TWICE); /* four deep: three rounds are undone */
	BECOMES("&amp;lt;", "<", VIEW_ENTITY | VIEW_TWICE);
	BECOMES("&commat;&comma;&lt&lcub;", "@,<{", VIEW_ENTITY); /* one begins as the other */
	STAYS("&commat&apos");
	BECOMES("%26%2360%3b", "<", VIEW_PERCENT | VIEW_ENTITY | VIEW_TWICE);
	BECOMES("%5cu003c", "<", VIEW_PERCENT | VIEW_ESCAPE | VIEW_TWICE);
}

static void test_clean(void **state)
{
	(void)state;
	BECOMES("Hello, World 42!", "hello, world 42!", 0);
	BECOMES("", "", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent),	 cmocka_unit_test(test_entities), cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_overlong), cmocka_unit_test(test_wide),	  cmocka_unit_test(test_removed),
		cmocka_unit_test(test_rounds),	 cmocka_unit_test(test_clean),	  cmocka_unit_test(test_squeeze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
