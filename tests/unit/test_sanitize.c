#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"
#include "engine/sanitize.h"
#include "policy/html_attribute.h"
#include "engine/sanitize_url.h"

#include "../conformance/html_check.h"
#include "../conformance/vectors.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)1 << 30);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Sanitizes a copy of exactly the size of the text. */
static void check(const char *text, size_t size, const char *expected, size_t expected_size)
{
	char *copy = malloc(size != 0 ? size : 1);
	struct fw_slice html = { 0 };
	const char *wrong;

	memcpy(copy, text, size);
	arena_reset(&arena);
	wrong = html_check(&arena, copy, size, &html);
	if (wrong != NULL || (expected != NULL && !slice_equal(html, slice(expected, expected_size))))
		fail_msg("%s: %.*s\nbecame   %.*s\nexpected %s", wrong != NULL ? wrong : "differs", (int)size, text,
			 (int)html.size, (const char *)html.data, expected != NULL ? expected : "");
	if (expected != NULL && size == expected_size && memcmp(text, expected, size) == 0)
		assert_ptr_equal(html.data, copy); /* unchanged is the input itself */
	free(copy);
}

static void becomes(const char *text, const char *expected)
{
	check(text, strlen(text), expected, strlen(expected));
}

static void stays(const char *text)
{
	becomes(text, text);
}

static void test_readable(void **state)
{
	(void)state;
	stays("");
	stays("a < b && c");
	stays("a<1 && b>2 <= >= <> <- << <<< <3 <\xe2\x98\xba <");
	stays("&lt;b&gt; &amp; &copy &#60;script&#62;");
	stays("x \"y\" 'z' \t\r\n \xc3\xa9");
	becomes("vector<int>", "vector&lt;int>");
	becomes("map<string, vector<int>> m;", "map&lt;string, vector&lt;int>> m;");
	becomes("if (a<b) x</y", "if (a&lt;b) x&lt;/y");
	becomes("see <https://example.com/>", "see &lt;https://example.com/>");
	becomes("<user@example.com>", "&lt;user@example.com>");
	becomes("</>", "&lt;/>");
	becomes("</ b>", "&lt;/ b>");
	becomes("</", "&lt;/");
	becomes("<!-- c -->", "&lt;!-- c -->");
	becomes("<!DOCTYPE html>", "&lt;!DOCTYPE html>");
	becomes("<![CDATA[x]]>", "&lt;![CDATA[x]]>");
	becomes("<?xml version='1.0'?>", "&lt;?xml version='1.0'?>");
	becomes("<!", "&lt;!");
	becomes("<?", "&lt;?");
}

static void test_allowed(void **state)
{
	static const char *const tags[] = { "b", "i",  "u",    "strong", "em", "code", "pre", "blockquote",
					    "p", "br", "span", "div",	 "a",  "ul",   "ol",  "li" };
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		snprintf(text, sizeof(text), "<%s>x</%s>", tags[i], tags[i]);
		stays(text);
	}
	stays("<a href=\"https://example.com/a?b=c&d=e#f\" title=\"T\">x</a>");
	stays("<a title=\"T\" href=\"mailto:a@b.example\">x</a>");
	stays("<code class=\"language-c x_1\">a < b</code><pre class=\"a\"></pre><div class=\"b\"></div><span "
	      "class=\"c\"></span>");
	becomes("<B>x</B><BlockQuote>y</BLOCKQUOTE >", "<b>x</b><blockquote>y</blockquote>");
	becomes("<br/><br /><br / >", "<br><br><br>");
	becomes("<b\n>x</b\t\f\r >", "<b>x</b>");
	becomes("<b\r>x</b\r>", "<b>x</b>");
	becomes("<b/x>y", "<b>y");
	becomes("</b class=x>", "</b>");
	becomes("</a href='x>y'>z", "</a>z");
	becomes("<<b>>", "<<b>>");
	becomes("<b<i>x", "&lt;b<i>x");
	becomes("</<b>x", "&lt;/<b>x");
	becomes("<bb>", "&lt;bb>");
	becomes("<b-x>", "&lt;b-x>");
	becomes("<b:x>", "&lt;b:x>");
	check("<b\0>", 4, "&lt;b\0>", 7);
	check("<\0b>", 4, "<\0b>", 4);
}

static void test_attributes(void **state)
{
	(void)state;
	becomes("<b class=\"x\">", "<b>");
	becomes("<a class=x>", "<a>");
	becomes("<span href=x title=y>", "<span>");
	becomes("<b onclick=\"x\" style='y' id=z>", "<b>");
	becomes("<a href=/x>", "<a href=\"/x\">");
	becomes("<a href='/x'>", "<a href=\"/x\">");
	becomes("<a\nhref\n=\n'/x'\n>", "<a href=\"/x\">");
	becomes("<a\fhref\t=\r/x\n>", "<a href=\"/x\">");
	becomes("<a HREF=/x TITLE=T>", "<a href=\"/x\" title=\"T\">");
	becomes("<a/href=/x/title=y>", "<a href=\"/x/title=y\">");
	becomes("<a/href='/x'/title=\"y\"/>", "<a href=\"/x\" title=\"y\">");
	becomes("<a href='/x'title='y'>", "<a href=\"/x\" title=\"y\">");
	becomes("<a title=\"1\" title=\"2\">", "<a title=\"1\">");
	becomes("<a href=javascript:x href=/y>", "<a>");
	becomes("<a title>", "<a title=\"\">");
	becomes("<a title=>", "<a title=\"\">");
	becomes("<a title href=/x>", "<a title=\"\" href=\"/x\">");
	becomes("<a title= href=/x>", "<a title=\"href=/x\">");
	becomes("<a title/=x>", "<a title=\"\">");
	becomes("<a =title=x>", "<a>");
	becomes("<a title==x>", "<a title=\"=x\">");
	becomes("<a title=\"a'b\" >", "<a title=\"a'b\">");
	becomes("<a title='a\"b<c>d&e'>", "<a title=\"a&quot;b&lt;c&gt;d&e\">");
	becomes("<a title=a\"b'c<d`e>", "<a title=\"a&quot;b'c&lt;d`e\">");
	becomes("<a title='&quot;&#34;&lt;'>", "<a title=\"&quot;&#34;&lt;\">");
	becomes("<a \"title=x>", "<a>");
	becomes("<a title\"=x>", "<a>");
	becomes("<a title='x>y", "&lt;a title='x>y");
	becomes("<a title=\"x>y", "&lt;a title=\"x>y");
	becomes("<a title", "&lt;a title");
	becomes("<a title=x", "&lt;a title=x");
	becomes("<a", "&lt;a");
	becomes("<a ", "&lt;a ");
	becomes("<a title='<b>y", "&lt;a title='<b>y");
	check("<a ti\0tle=x>", 12, "<a>", 3);
	check("<a title=x\0y>", 13, "<a title=\"x\0y\">", 15);
	becomes("<span class=\"a b\tc\">", "<span class=\"a b\tc\">");
	becomes("<span class=\"a;b\">", "<span>");
	becomes("<span class=\"&#97;\">", "<span>");
	becomes("<span class=\"\xc3\xa9\">", "<span>");
	becomes("<span class>", "<span>");
	becomes("<span class=' '>", "<span>");
}

static void test_attacks(void **state)
{
	(void)state;
	becomes("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>");
	becomes("<img src=x onerror\n=alert(1)>", "&lt;img src=x onerror\n=alert(1)>");
	becomes("<svg onload=alert(1)>", "&lt;svg onload=alert(1)>");
	becomes("<svg><a xlink:href=\"javascript:alert(1)\">x</a></svg>", "&lt;svg><a>x</a>&lt;/svg>");
	becomes("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>");
	becomes("<scr<script>ipt>alert(1)</script>", "&lt;scr&lt;script>ipt>alert(1)&lt;/script>");
	becomes("<a href=\"javascript:alert(1)\">x</a>", "<a>x</a>");
	becomes("<a href=/ onclick=alert(1)>x</a>", "<a href=\"/\">x</a>");
	becomes("<b onmouseover=alert(1)//", "&lt;b onmouseover=alert(1)//");
	becomes("<p title=\"</p><img src=x onerror=alert(1)>\">", "<p>");
	becomes("<img title=\"<b>\">", "&lt;img title=\"<b>\">");
	becomes("<!--><b>x</b>-->", "&lt;!--><b>x</b>-->");
	becomes("<!-- <b title=\" --> \">", "&lt;!-- <b>");
	becomes("<iframe srcdoc='<script>x</script>'>", "&lt;iframe srcdoc='&lt;script>x&lt;/script>'>");
	becomes("<base href=//evil.example>", "&lt;base href=//evil.example>");
	becomes("<meta http-equiv=refresh content=0>", "&lt;meta http-equiv=refresh content=0>");
	becomes("<form action=x><input name=y>", "&lt;form action=x>&lt;input name=y>");
	becomes("<object data=x><embed src=y>", "&lt;object data=x>&lt;embed src=y>");
}

/* Text that parsers change when they read their own output (mutation XSS): no element that does it comes through. */
static void test_mutations(void **state)
{
	static const char *const texts[] = {
		"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
		"<listing>&lt;img src=1 onerror=alert(1)></listing>",
		"<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
		"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 "
		"onerror=alert(1)&gt;\">",
		"<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
		"<math><annotation-xml encoding=\"text/html\"><style><img src=x "
		"onerror=alert(1)></style></annotation-xml></math>",
		"<svg><style>&lt;img src=x onerror=alert(1)&gt;</style></svg>",
		"<svg><desc><noscript>&lt;/noscript>&lt;/desc>&lt;s>&lt;/s>&lt;style>&lt;a title=\"&lt;/style>&lt;img "
		"src onerror=alert(1)>\">",
		"<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
		"<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
		"<noframes><p title=\"</noframes><svg/onload=alert(1)>\">",
		"<iframe><p title=\"</iframe><svg/onload=alert(1)>\">",
		"<textarea><p title=\"</textarea><svg/onload=alert(1)>\">",
		"<title><p title=\"</title><svg/onload=alert(1)>\">",
		"<template><p title=\"</template><svg/onload=alert(1)>\">",
		"<select><style></select><svg/onload=alert(1)>",
		"<select><option><style><img src=x onerror=alert(1)>",
		"<plaintext><b title=\"</plaintext><svg onload=alert(1)>\">",
		"<p><table><td></p><style><!--</style><b title=\"--><svg onload=alert(1)>\">",
		"<a href=\"/\" title=\"`<img src=x onerror=alert(1)>\">x</a>",
		"<pre>\n\n<listing>\n\n&lt;x</listing></pre>",
		"<b><p title='--><svg onload=alert(1)>'></b></p>",
		"<i title=\"&lt;/i>&lt;img src=x onerror=alert(1)>\">",
		"<a title=\"&quot;><img src=x onerror=alert(1)>\">",
		"<a title='&#34;><img src=x onerror=alert(1)>'>",
		"<image src=x onerror=alert(1)>",
		"<isindex prompt=x action=javascript:alert(1)>",
		"<keygen autofocus onfocus=alert(1)>",
		"<div><div><div><div><div><div><svg><p><style><!--</style><img title=\"--><img src "
		"onerror=alert(1)>\">",
		"<style><!--</style><img src=x onerror=alert(1)>-->",
		"<!--!><img src=x onerror=alert(1)>-->",
		"<!--x--!><img src=x onerror=alert(1)>-->",
		"<!x=\"><img src=x onerror=alert(1)>\">",
		"</x \"><img src=x onerror=alert(1)>",
		"</b/\"><img src=x onerror=alert(1)>\">",
		"<%<b title=\"%><img src=x onerror=alert(1)>\">",
		"<![CDATA[<b title=\"]]><img src=x onerror=alert(1)>\">",
		"<math href=\"javascript:alert(1)\">x</math>",
		"<a href=\"/x\"<img src=x onerror=alert(1)>",
		"<a\x0bhref=x>",
		"<a href=x\x0bonclick=alert(1)>",
		"\xef\xbc\x9cscript\xef\xbc\x9e (1)\xef\xbc\x9c/script\xef\xbc\x9e",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(texts[i], strlen(texts[i]), NULL, 0);
}

static void test_urls(void **state)
{
	static const char *const allowed[] = {
		"http://example.com",
		"https://example.com/a:b",
		"HTTPS://EXAMPLE.COM",
		"mailto:a@b",
		"MailTo:x",
		"",
		"/",
		"/a:b",
		"a",
		"a/b:c",
		"?a:b",
		"#a:b",
		"../x",
		".",
		"x?javascript:1",
		"//example.com/x",
		"https&#58;//example.com",
		"https&colon;&sol;&sol;e.com",
		"  https://e.com",
		"h\nttps:/\t/e.com",
		"&#x68;ttp://e.com",
		"&#104ttp://e.com",
		"\xc3\xa9/x",
		"a & b",
		"&amp;x/y",
		"?a=1&copy=2&x;",
		"https://e.com/?a&b&unknown;",
		"javascript%3Aalert(1)",
		"/\xe2\x80\x8bjavascript:x",
		"&#/x",
	};
	static const char *const refused[] = {
		"javascript:alert(1)",
		"JavaScript:alert(1)",
		"JAVASCRIPT:alert(1)",
		" javascript:x",
		"\tjavascript:x",
		"\x01javascript:x",
		"\x1f\x1fjavascript:x",
		"java\tscript:x",
		"java\nscript:x",
		"java\rscript:x",
		"j\ta\nv\ra\tscript\n:x",
		"java&Tab;script:x",
		"java&NewLine;script:x",
		"javascript&colon;x",
		"javascript&#58;x",
		"javascript&#58x",
		"javascript&#x3a;x",
		"javascript&#X3A;x",
		"javascript&#x00003a;x",
		"javascript&#0000058x",
		"&#106;avascript:x",
		"&#106avascript:x",
		"&#0000106avascript:x",
		"&#x6a;avascript:x",
		"&#x6Aavascript:x",
		"&#1;javascript:x",
		"&#9;javascript:x",
		"java&#9;script:x",
		"java&#x0A;script:x",
		"java&#13;script:x",
		"&#32;javascript:x",
		"java&#0;script:x",
		"java script:x",
		"java&nbsp;script:x",
		"&unknown;javascript:x",
		"&unknown;",
		"a&b",
		"&lparjavascript:x",
		"vbscript:x",
		"data:text/html,x",
		"DATA:x",
		"file:///etc/passwd",
		"ftp://e.com",
		"blob:x",
		"about:blank",
		"view-source:x",
		"tel:1",
		"ws://e.com",
		"x:y",
		"1:2",
		":",
		":x",
		"http",
		"x&colon;y",
		"\xc3\xa9:x",
		"\357\275\212avascript:x",
		"\xe2\x80\x8bjavascript:x",
		"\xc2\xa0javascript:x",
		"\xef\xbb\xbfjavascript:x",
		"http:",
		"http:/",
		"http://",
		"https:///e.com",
		"https:e.com",
		"https:/e.com",
		"https:\\\\e.com",
		"https:/\\e.com",
		"https://\\e.com",
		"https://?x",
		"https://#x",
		"https:// e.com",
		"//",
		"///e.com",
		"//?x",
		"/\\e.com",
		"\\e.com",
		"\\\\e.com",
		"\\/e.com",
		"/\t/",
		"/&#92;e.com",
		"&bsol;e.com",
		"/&bsol;e.com",
		"//\\e.com",
		"a\\b",
		"https://&unknown;.com",
		"verylongschemenamethatdoesnotfitanywhere:x",
		"httpsxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:x",
		"https://@e.com",
		"https://:80",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (!sanitize_url_allowed(html_policy(), slice_text(allowed[i])))
			fail_msg("refused: %s", allowed[i]);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(refused[i], "http") != 0 && sanitize_url_allowed(html_policy(), slice_text(refused[i])))
			fail_msg("allowed: %s", refused[i]);
	assert_false(sanitize_url_allowed(html_policy(), slice("java\0script:x", 13)));
	assert_false(sanitize_url_allowed(html_policy(), slice("\0javascript:x", 13)));
	assert_false(sanitize_url_allowed(html_policy(), slice("javascript\0:x", 13)));
	assert_true(sanitize_url_allowed(html_policy(), slice(NULL, 0)));
}

static void assert_with(const struct fw_policy *policy, const char *text, const char *expected)
{
	struct fw_slice html;

	assert_int_equal(sanitize_html(policy, &arena, slice_text(text), &html), FW_OK);
	assert_int_equal(html.size, strlen(expected));
	assert_memory_equal(html.data, expected, html.size);
}

static void test_configured(void **state)
{
	static const char *tags[] = { "H1", "script", "SVG", "style", "textarea", "x-long-name-of-thirty-two-octets" };
	static const char *schemes[] = { "HTTP", "mailto" };
	static struct fw_policy policy;

	(void)state;
	policy.settings.html_tags = (struct texts){ tags, sizeof(tags) / sizeof(tags[0]) };
	policy.html_attributes = html_attribute_defaults(&policy.html_attribute_count);
	policy.settings.blocked_schemes = (struct texts){ schemes, 2 };
	assert_with(&policy, "<h1 class=x>y</H1><b>", "<h1>y</h1>&lt;b>");
	assert_with(&policy, "<script>x</script><svg><style><textarea>",
		    "&lt;script>x&lt;/script>&lt;svg>&lt;style>&lt;textarea>");
	assert_with(&policy, "<x-long-name-of-thirty-two-octets><x-long-name-of-thirty-two-octetsx>",
		    "<x-long-name-of-thirty-two-octets>&lt;x-long-name-of-thirty-two-octetsx>");
	assert_false(sanitize_url_allowed(&policy, slice_text("http://e.com")));
	assert_false(sanitize_url_allowed(&policy, slice_text("//e.com")));
	assert_false(sanitize_url_allowed(&policy, slice_text("mailto:x")));
	assert_false(sanitize_url_allowed(&policy, slice_text("javascript:x")));
	assert_true(sanitize_url_allowed(&policy, slice_text("https://e.com")));
	policy.settings.html_tags.count = 0;
	assert_with(&policy, "<h1>x", "&lt;h1>x");
}

static void test_hosts(void **state)
{
	struct fw_policy *policy;

	(void)state;
	assert_int_equal(fw_policy_load("test", slice_text(""), NULL, NULL, &policy), FW_OK);
	assert_true(sanitize_url_allowed(policy, slice_text("https://172.200.1.1/x")));
	assert_true(sanitize_url_allowed(policy, slice_text("https://\xd0\xb6.example/")));
	assert_false(sanitize_url_allowed(policy, slice_text("https://127.0.0.1/")));
	assert_false(sanitize_url_allowed(policy, slice_text("https://2130706433")));
	assert_false(sanitize_url_allowed(policy, slice_text("https://1&#50;7.0.0.1/")));
	assert_false(sanitize_url_allowed(policy, slice_text("//[::1]/x")));
	assert_false(sanitize_url_allowed(policy, slice_text("https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/")));
	fw_policy_unref(policy);
}

static void test_memory(void **state)
{
	static const char text[] =
		"<b title='x'><a title='\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"'><b x='";
	size_t limit, failed = 0;

	(void)state;
	for (limit = 0; limit < 2048; limit += 16) {
		struct arena small;
		struct fw_slice html;
		int result;

		arena_init(&small, limit);
		result = sanitize_html(html_policy(), &small, slice_text(text), &html);
		assert_true(result == FW_OK || result == FW_ERR_MEMORY);
		failed += result != FW_OK;
		assert_int_equal(sanitize_html(html_policy(), &small, slice_text("a < b"), &html), FW_OK);
		arena_fini(&small);
	}
	assert_in_range(failed, 5, 100);
}

/* Texts that are quadratic for a scanner that reads to the end again and again: here they would not come to an end in
 * time. */
static void test_linear(void **state)
{
	static const char *const pieces[][2] = {
		{ "<a", "" },	       { "<a ", "" },	      { "<b x=\"", "" },     { "<b x='<b x=\"", ">" },
		{ "<b/x=", " y=\">" }, { "<a title=", ">" },  { "<a title='", ">" }, { "<!--", "" },
		{ "</a", " \"" },      { "<a href=&#", ">" }, { "<a href=&a", ">" }, { "<", "" },
		{ "</", "" },	       { "<b '", ">" },	      { "<b/", "x='>" },     { "<b =\"", ">" }
	};
	enum { SIZE = 1 << 20 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t n = strlen(pieces[i][0]), size = 0;
		char *text = malloc(SIZE + 16);
		struct fw_slice html, again;

		while (size + n <= SIZE) {
			memcpy(text + size, pieces[i][0], n);
			size += n;
		}
		memcpy(text + size, pieces[i][1], strlen(pieces[i][1]));
		size += strlen(pieces[i][1]);
		arena_reset(&arena);
		assert_int_equal(sanitize_html(html_policy(), &arena, slice(text, size), &html), FW_OK);
		assert_true(html.size <= 6 * size);
		assert_int_equal(sanitize_html(html_policy(), &arena, html, &again), FW_OK);
		assert_ptr_equal(again.data, html.data);
		free(text);
	}
}

static uint64_t random_state = 20240229;
static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % bound;
}

static void check_corpus(const char *path)
{
	struct arena lines;
	size_t size, count = 0;
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
		check((const char *)text.data, text.size, NULL, 0);
		/* and mutated: an octet overwritten, two halves swapped, cut */
		for (unsigned i = 0; i < 8 && text.size > 2; i++) {
			char *mutant = arena_alloc(&lines, text.size);
			size_t cut = 1 + random_below((uint32_t)text.size - 1);

			memcpy(mutant, text.data + cut, text.size - cut);
			memcpy(mutant + text.size - cut, text.data, cut);
			mutant[random_below((uint32_t)text.size)] = "<>\"'/= \n"[random_below(8)];
			check(mutant, text.size - (i & 1 ? cut / 2 : 0), NULL, 0);
		}
		count++;
	}
	print_message("# %zu lines of %s\n", count, strrchr(path, '/') + 1);
	arena_fini(&lines);
	free(bytes);
}

static void test_corpora(void **state)
{
	struct dirent **entries;
	char folder[4096], path[4400];
	int count = vectors_list(vectors_path(folder, "corpora/attack"), &entries), i;

	(void)state;
	for (i = 0; i < count; i++) {
		if (strncmp(entries[i]->d_name, "xss.", 4) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			check_corpus(path);
		}
		free(entries[i]);
	}
	free(entries);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readable),   cmocka_unit_test(test_allowed),   cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attacks),	   cmocka_unit_test(test_mutations), cmocka_unit_test(test_urls),
		cmocka_unit_test(test_configured), cmocka_unit_test(test_hosts),     cmocka_unit_test(test_memory),
		cmocka_unit_test(test_linear),	   cmocka_unit_test(test_corpora), /* the last */
	};
	size_t count = sizeof(tests) / sizeof(tests[0]) - !corpora_here();

	return _cmocka_run_group_tests("sanitize", tests, count, setup, teardown);
}
