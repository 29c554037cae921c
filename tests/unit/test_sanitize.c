#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
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
		if (strcmp(tags[i], "br") != 0)
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
	becomes("<b/x>y</b>", "<b>y</b>");
	becomes("<b></b class=x>", "<b></b>");
	becomes("<a></a href='x>y'>z", "<a></a>z");
	becomes("<<b>>x</b>", "<<b>>x</b>");
	becomes("<b<i>x</b></i>", "&lt;b&lt;i>x&lt;/b>&lt;/i>");
	becomes("</<b>x</b>", "&lt;/&lt;b>x&lt;/b>");
	becomes("<bb>", "&lt;bb>");
	becomes("<b-x>", "&lt;b-x>");
	becomes("<b:x>", "&lt;b:x>");
	check("<b\0>", 4, "&lt;b\0>", 7);
	check("<\0b>", 4, "<\0b>", 4);
}

/* What is no pair is seen as typed, and what a browser would tear apart is none. */
static void test_nesting(void **state)
{
	char deep[2048] = "", kept[2048] = "";
	unsigned i;

	(void)state;
	becomes("the <b> and <i>", "the &lt;b> and &lt;i>");
	becomes("x</b>y", "x&lt;/b>y");
	becomes("<b>x", "&lt;b>x");
	becomes("<br>x</br>", "<br>x&lt;/br>");
	becomes("<b/>x", "&lt;b/>x");
	becomes("<b><i>x</b>y</i>", "<b>&lt;i>x</b>y&lt;/i>");
	becomes("<b>1<b>2</b>3", "&lt;b>1<b>2</b>3");
	becomes("</b><b>x</b></b>", "&lt;/b><b>x</b>&lt;/b>");
	stays("<ul><li><b>x</b><ol><li>y</li></ol></li></ul>");
	stays("<b><b><b>x</b></b></b>");
	stays("<div><div><p>x<br>y</p></div></div>");
	becomes("<p>1<p>2</p>3</p>", "&lt;p>1<p>2</p>3&lt;/p>");
	becomes("<p>1<span><div>2</div></span></p>", "&lt;p>1<span><div>2</div></span>&lt;/p>");
	becomes("<a href=/1>1<b><a href=/2>2</a></b></a>", "&lt;a href=/1>1<b><a href=\"/2\">2</a></b>&lt;/a>");
	becomes("<li>1<div><li>2</li></div></li>", "&lt;li>1<div><li>2</li></div>&lt;/li>");
	becomes("<li>1<ul><p><li>2</li></ul></li>", "<li>1<ul>&lt;p><li>2</li></ul></li>");
	for (i = 0; i < LIMIT_HTML_DEPTH; i++) {
		strcat(deep, "<b>");
		strcat(kept, "<b>");
	}
	strcat(deep, "<i>x</i>");
	strcat(kept, "&lt;i>x&lt;/i>");
	for (i = 0; i < LIMIT_HTML_DEPTH; i++) {
		strcat(deep, "</b>");
		strcat(kept, "</b>");
	}
	becomes(deep, kept);
	deep[strlen(deep) - 4] = '\0'; /* one less: there is room for it */
	stays(deep + 3);
}

/* A start tag, with an end tag of its name. */
static void opens(const char *start, const char *expected)
{
	char text[256], said[256];
	int size = (int)strcspn(start + 1, " \t\n\f\r/>");

	snprintf(text, sizeof(text), "%sx</%.*s>", start, size, start + 1);
	snprintf(said, sizeof(said), "%sx</%.*s>", expected, size, start + 1);
	becomes(text, said);
}

static void test_attributes(void **state)
{
	(void)state;
	opens("<b class=\"x\">", "<b>");
	opens("<a class=x>", "<a>");
	opens("<span href=x title=y>", "<span>");
	opens("<b onclick=\"x\" style='y' id=z>", "<b>");
	opens("<a href=/x>", "<a href=\"/x\">");
	opens("<a href='/x'>", "<a href=\"/x\">");
	opens("<a\nhref\n=\n'/x'\n>", "<a href=\"/x\">");
	opens("<a\fhref\t=\r/x\n>", "<a href=\"/x\">");
	opens("<a HREF=/x TITLE=T>", "<a href=\"/x\" title=\"T\">");
	opens("<a/href=/x/title=y>", "<a href=\"/x/title=y\">");
	opens("<a/href='/x'/title=\"y\"/>", "<a href=\"/x\" title=\"y\">");
	opens("<a href='/x'title='y'>", "<a href=\"/x\" title=\"y\">");
	opens("<a title=\"1\" title=\"2\">", "<a title=\"1\">");
	opens("<a href=javascript:x href=/y>", "<a>");
	opens("<a title>", "<a title=\"\">");
	opens("<a title=>", "<a title=\"\">");
	opens("<a title href=/x>", "<a title=\"\" href=\"/x\">");
	opens("<a title= href=/x>", "<a title=\"href=/x\">");
	opens("<a title/=x>", "<a title=\"\">");
	opens("<a =title=x>", "<a>");
	opens("<a title==x>", "<a title=\"=x\">");
	opens("<a title=\"a'b\" >", "<a title=\"a'b\">");
	opens("<a title='a\"b<c>d&e'>", "<a title=\"a&quot;b&lt;c&gt;d&e\">");
	opens("<a title=a\"b'c<d`e>", "<a title=\"a&quot;b'c&lt;d`e\">");
	opens("<a title='&quot;&#34;&lt;'>", "<a title=\"&quot;&#34;&lt;\">");
	opens("<a \"title=x>", "<a>");
	opens("<a title\"=x>", "<a>");
	becomes("<a title='x>y", "&lt;a title='x>y");
	becomes("<a title=\"x>y", "&lt;a title=\"x>y");
	becomes("<a title", "&lt;a title");
	becomes("<a title=x", "&lt;a title=x");
	becomes("<a", "&lt;a");
	becomes("<a ", "&lt;a ");
	becomes("<a title='<b>y", "&lt;a title='&lt;b>y");
	becomes("<b>x</b><a title='<b>y</b>", "<b>x</b>&lt;a title='&lt;b>y&lt;/b>");
	check("<a ti\0tle=x></a>", 16, "<a></a>", 7);
	check("<a title=x\0y></a>", 17, "<a title=\"x\xef\xbf\xbdy\"></a>", 21);
	opens("<span class=\"a b\tc\">", "<span class=\"a b\tc\">");
	opens("<span class=\"a;b\">", "<span>");
	opens("<span class=\"&#97;\">", "<span>");
	opens("<span class=\"\xc3\xa9\">", "<span>");
	opens("<span class>", "<span>");
	opens("<span class=' '>", "<span>");
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
	becomes("<p title=\"</p><img src=x onerror=alert(1)>\">",
		"&lt;p title=\"&lt;/p>&lt;img src=x onerror=alert(1)>\">");
	opens("<p title=\"</p><img src=x onerror=alert(1)>\">", "<p>");
	becomes("<img title=\"<b>\">x</b>", "&lt;img title=\"&lt;b>\">x&lt;/b>");
	becomes("<!--><b>x</b>-->", "&lt;!--><b>x</b>-->");
	becomes("<!-- <b title=\" --> \"></b>", "&lt;!-- &lt;b title=\" --> \">&lt;/b>");
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
		"&unknown;",
		"a&b",
		"https://e&period;com",
		"https://&eacute;.com",
		"https://\xc3\xa9.com",
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
	static const char *tags[] = { "h1", "script", "SVG", "style", "textarea", "x-long-name-of-thirty-two-octets" };
	static const char *schemes[] = { "HTTP", "mailto" };
	static struct fw_policy policy;

	(void)state;
	policy.settings.html_tags = (struct texts){ tags, sizeof(tags) / sizeof(tags[0]) };
	policy.html_attributes = html_attribute_defaults(&policy.html_attribute_count);
	policy.settings.blocked_schemes = (struct texts){ schemes, 2 };
	assert_with(&policy, "<h1 class=x>y</H1><b></b>", "<h1>y</h1>&lt;b>&lt;/b>");
	assert_with(&policy, "<script>x</script><svg><style><textarea>",
		    "&lt;script>x&lt;/script>&lt;svg>&lt;style>&lt;textarea>");
	assert_with(&policy, "<x-long-name-of-thirty-two-octets></x-long-name-of-thirty-two-octets>",
		    "<x-long-name-of-thirty-two-octets></x-long-name-of-thirty-two-octets>");
	assert_with(&policy, "<x-long-name-of-thirty-two-octetsx>", "&lt;x-long-name-of-thirty-two-octetsx>");
	assert_false(sanitize_url_allowed(&policy, slice_text("http://e.com")));
	assert_false(sanitize_url_allowed(&policy, slice_text("//e.com")));
	assert_false(sanitize_url_allowed(&policy, slice_text("mailto:x")));
	assert_false(sanitize_url_allowed(&policy, slice_text("javascript:x")));
	assert_true(sanitize_url_allowed(&policy, slice_text("https://e.com")));
	policy.settings.html_tags.count = 0;
	assert_with(&policy, "<h1>x</h1>", "&lt;h1>x&lt;/h1>");
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
		{ "</", "" },	       { "<b '", ">" },	      { "<b/", "x='>" },     { "<b =\"", ">" },
		{ "<b>", "" },	       { "<b><i>", "</b>" },  { "</b>", "" },	     { "<b></b>", "" },
		{ "<i></b>", "" },     { "<br>", "" }
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

typedef void visit_line(struct arena *lines, struct fw_slice text);

static size_t visit_corpus(const char *path, visit_line *visit)
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
		visit(&lines, text);
		count++;
	}
	arena_fini(&lines);
	free(bytes);
	return count;
}

static void check_attack(struct arena *lines, struct fw_slice text)
{
	check((const char *)text.data, text.size, NULL, 0);
	/* and mutated: an octet overwritten, two halves swapped, cut */
	for (unsigned i = 0; i < 8 && text.size > 2; i++) {
		char *mutant = arena_alloc(lines, text.size);
		size_t cut = 1 + random_below((uint32_t)text.size - 1);

		memcpy(mutant, text.data + cut, text.size - cut);
		memcpy(mutant + text.size - cut, text.data, cut);
		mutant[random_below((uint32_t)text.size)] = "<>\"'/= \n"[random_below(8)];
		check(mutant, text.size - (i & 1 ? cut / 2 : 0), NULL, 0);
	}
}

static unsigned plain_count;

static void check_plain(struct arena *lines, struct fw_slice text)
{
	(void)lines;
	if (text.size != 0 && memchr(text.data, '<', text.size) != NULL)
		return;
	check((const char *)text.data, text.size, (const char *)text.data, text.size);
	plain_count++;
}

static void visit_corpora(const char *below, const char *start, visit_line *visit)
{
	struct dirent **entries;
	char folder[4096], path[4400];
	int count = vectors_list(vectors_path(folder, below), &entries), i;

	for (i = 0; i < count; i++) {
		if (strncmp(entries[i]->d_name, start, strlen(start)) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			print_message("# %zu lines of %s\n", visit_corpus(path, visit), entries[i]->d_name);
		}
		free(entries[i]);
	}
	free(entries);
}

static void test_corpora(void **state)
{
	(void)state;
	visit_corpora("corpora/attack", "xss.", check_attack);
	visit_corpora("corpora/benign", "", check_plain);
	print_message("# %u texts without \"<\" stay to the octet\n", plain_count);
	assert_true(plain_count > 10000);
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
		cmocka_unit_test(test_readable),   cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_attacks),	   cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_urls),	   cmocka_unit_test(test_configured),
		cmocka_unit_test(test_hosts),	   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_linear),	   cmocka_unit_test(test_corpora), /* the last */
	};
	size_t count = sizeof(tests) / sizeof(tests[0]) - !corpora_here();

	return _cmocka_run_group_tests("sanitize", tests, count, setup, teardown);
}
