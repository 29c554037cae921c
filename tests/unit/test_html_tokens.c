/* HTML token by token: what is written here is what the standard's tokenizer says of it, with what no browser shows:
 * where each token stands, and tags that the text cuts off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/html_tokens.h"

static char said[4096];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	size_t size = strlen(said);
	va_list list;

	va_start(list, format);
	vsnprintf(said + size, sizeof(said) - size, format, list);
	va_end(list);
}

static void say_slice(struct fw_slice raw, enum html_where where)
{
	uint8_t out[HTML_DECODED(256)];
	size_t size;

	assert_true(raw.size <= 256);
	size = html_tokens_decode(raw, where, out);
	say("%.*s", (int)size, (const char *)out);
}

static void say_token(const struct html_token *token)
{
	static const char *const kinds[] = { "text ", "start ", "end ", "comment ", "doctype ", "nothing" };
	struct html_attribute attribute = { 0 };

	say("%s%s", said[0] != '\0' ? " | " : "", kinds[token->kind]);
	if (token->kind == HTML_TOKEN_START_TAG || token->kind == HTML_TOKEN_END_TAG)
		say_slice(token->name, HTML_IN_NAME);
	else
		say_slice(token->text, token->kind == HTML_TOKEN_TEXT ? token->where : HTML_IN_RAW);
	while (html_tokens_attribute(token, &attribute)) {
		say(" ");
		say_slice(attribute.name, HTML_IN_NAME);
		if (attribute.quote != HTML_NO_VALUE) {
			say("=");
			say_slice(attribute.value, HTML_IN_ATTRIBUTE);
		}
	}
	say("%s%s", token->self_closing ? " /" : "", token->cut ? " CUT" : "");
}

/* What the text is, as a page with scripts reads it. */
static const char *read_octets(const char *text, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);
	struct html_tokens tokens;
	struct html_token token;
	size_t covered = 0;

	memcpy(copy, text, size);
	said[0] = '\0';
	html_tokens_start(&tokens, slice(copy, size));
	while (html_tokens_next(&tokens, &token)) {
		assert_true(token.raw.data == copy + covered && token.raw.size != 0);
		covered += token.raw.size;
		say_token(&token);
		if (token.kind == HTML_TOKEN_START_TAG) {
			tokens.foreign = slice_is_nocase(token.name, "svg");
			tokens.mode = html_tokens_mode(&token, true);
		}
	}
	assert_int_equal(covered, size);
	free(copy);
	return said;
}

static const char *read_text(const char *text)
{
	return read_octets(text, strlen(text));
}

static void tags(void **state)
{
	(void)state;
	assert_string_equal(read_text(""), "");
	assert_string_equal(read_text("a < b <3 <"), "text a < b <3 <");
	assert_string_equal(read_text("a</"), "text a</");
	assert_string_equal(read_text("x<B>y</b\n>"), "text x | start b | text y | end b");
	assert_string_equal(read_text("<a\nHREF = '/x'title=y z>"), "start a href=/x title=y z");
	assert_string_equal(read_text("<a b=1 b=2 B=3>"), "start a b=1 b=2 b=3");
	assert_string_equal(read_text("<br/><br / ><a b=/><a b='c'/><a/b/=c>"),
			    "start br / | start br | start a b=/ | start a b=c / | start a b =c");
	assert_string_equal(read_text("<a =b==c \"d'<e=f>"), "start a =b==c \"d'<e=f");
	assert_string_equal(read_text("<a b=\">\" c='<d>'>"), "start a b=> c=<d>");
	assert_string_equal(read_text("</a b=c>"), "end a b=c");
	assert_string_equal(read_text("<a-b:c.d>"), "start a-b:c.d");
	assert_string_equal(read_octets("<a\0 b\0=\0>", 9), "start a\xef\xbf\xbd b\xef\xbf\xbd=\xef\xbf\xbd");
}

static void not_tags(void **state)
{
	(void)state;
	assert_string_equal(read_text("</><?x?></ a><!b><!>"),
			    "nothing | comment ?x? | comment  a | comment b | comment ");
	assert_string_equal(read_text("<!--a--b--!>c<!--><!---><!---->d<!--<!-->"),
			    "comment a--b | text c | comment  | comment  | comment  | text d | comment <!");
	assert_string_equal(read_text("<!DocType HTML>x"), "doctype  | text x");
	assert_string_equal(read_text("<![CDATA[x]]>"), "comment [CDATA[x]]");
	assert_string_equal(read_text("<svg><![CDATA[<b>]]>x"), "start svg | nothing | text <b> | nothing | text x");
	assert_string_equal(read_text("<svg><![CDATA[<b>"), "start svg | nothing | text <b>");
}

static void modes(void **state)
{
	(void)state;
	assert_string_equal(read_text("<title>&lt;<b></titlex></Title >&lt;"),
			    "start title | text <<b></titlex> | end title | text <");
	assert_string_equal(read_text("<style>&lt;<b></style/>c"), "start style | text &lt;<b> | end style / | text c");
	assert_string_equal(read_text("<noscript><b></noscript>"), "start noscript | text <b> | end noscript");
	assert_string_equal(read_text("<script><!--<script></script>--></script>x"),
			    "start script | text <!--<script></script>--> | end script | text x");
	assert_string_equal(read_text("<script><!--</script>x"), "start script | text <!-- | end script | text x");
	assert_string_equal(read_text("<plaintext></plaintext>"), "start plaintext | text </plaintext>");
	assert_string_equal(read_text("<xmp></xm"), "start xmp | text </xm");
	assert_string_equal(read_octets("<xmp>\0", 6), "start xmp | text \xef\xbf\xbd");
}

/* Of these a browser makes nothing, but on its own page something may follow. */
static void cut(void **state)
{
	(void)state;
	assert_string_equal(read_text("x<img src=x onerror=alert(1)//"),
			    "text x | start img src=x onerror=alert(1)// CUT");
	assert_string_equal(read_text("<a b='c>d"), "start a b=c>d CUT");
	assert_string_equal(read_text("<a"), "start a CUT");
	assert_string_equal(read_text("<a b"), "start a b CUT");
	assert_string_equal(read_text("<a b="), "start a b= CUT");
	assert_string_equal(read_text("</a "), "end a CUT");
	assert_string_equal(read_text("<!--x-"), "comment x CUT");
	assert_string_equal(read_text("<!"), "comment  CUT");
	assert_string_equal(read_text("<!doctype html"), "doctype  CUT");
}

static void references(void **state)
{
	(void)state;
	assert_string_equal(read_text("&lt;&LT&#60;&#x3C&amp;lt;&bogus;&"), "text <<<<&lt;&bogus;&");
	assert_string_equal(read_text("&notit;&notin;&NotEqualTilde;"),
			    "text \xc2\xacit;\xe2\x88\x89\xe2\x89\x82\xcc\xb8");
	assert_string_equal(read_text("&CounterClockwiseContourIntegral;&CounterClockwiseContourIntegral"),
			    "text \xe2\x88\xb3&CounterClockwiseContourIntegral");
	assert_string_equal(read_text("&#0;&#xd800;&#x110000;&#99999999999;&#128;&#x81;"),
			    "text \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac\xc2\x81");
	assert_string_equal(read_text("&#;&#x;&#xg"), "text &#;&#x;&#xg");
	assert_string_equal(read_text("<a b='&copy=1&copyx&copy;&copy'>"), "start a b=&copy=1&copyx\xc2\xa9\xc2\xa9");
	assert_string_equal(read_text("<a b=&colon;&#58c>"), "start a b=::c");
	assert_string_equal(read_text("a\r\nb\rc"), "text a\nb\nc");
}

/* Text that the longest expansion makes longest still has room. */
static void room(void **state)
{
	static const char *const worst[] = { "&nGt;", "&nLt;", "&gt", "\0" };
	uint8_t out[HTML_DECODED(8)];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t size = i == 3 ? 1 : strlen(worst[i]);

		assert_true(html_tokens_decode(slice(worst[i], size), HTML_IN_ATTRIBUTE, out) <= HTML_DECODED(size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tags),	  cmocka_unit_test(not_tags),
					    cmocka_unit_test(modes),	  cmocka_unit_test(cut),
					    cmocka_unit_test(references), cmocka_unit_test(room) };

	return cmocka_run_group_tests_name("html tokens", tests, NULL, NULL);
}
