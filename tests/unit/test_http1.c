/* codec/http1: what a head that was read says, and the look-ups in it. What is refused:
 * tests/conformance/conf_rfc9112.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "codec/http1.h"

static struct http1_head head;

static void read_request(const char *text)
{
	const char *rule = "";

	memset(&head, 0xa5, sizeof(head)); /* nothing of an older head may shine through */
	assert_int_equal(http1_request(slice_text(text), &head, &rule), HTTP1_OK);
	assert_null(rule);
	assert_int_equal(head.size, strlen(text));
}

static void assert_slice(struct fw_slice text, const char *want)
{
	assert_int_equal(text.size, strlen(want));
	assert_memory_equal(text.data, want, text.size);
}

static void a_request_is_taken_apart(void **state)
{
	(void)state;
	read_request(
		"GET /chat/1?token=abc&x=%41?y HTTP/1.1\r\nHost: example.com:8765\r\nX-Empty:\r\nX-Trim: \t a b \t\r\n"
		"Content-Length: 18446744073709551615\r\n\r\n");
	assert_slice(head.method, "GET");
	assert_slice(head.target, "/chat/1?token=abc&x=%41?y");
	assert_slice(head.path, "/chat/1");
	assert_slice(head.query, "token=abc&x=%41?y");
	assert_int_equal(head.status, 0);
	assert_int_equal(head.minor, 1);
	assert_true(head.has_content_length);
	assert_true(head.content_length == UINT64_MAX);
	assert_false(head.chunked);
	assert_int_equal(head.count, 4);
	assert_slice(head.fields[0].name, "Host");
	assert_slice(head.fields[0].value, "example.com:8765");
	assert_slice(head.fields[1].name, "X-Empty");
	assert_slice(head.fields[1].value, "");
	assert_slice(head.fields[2].value, "a b");
}

static void a_request_without_query_has_none(void **state)
{
	(void)state;
	read_request("GET / HTTP/1.0\r\n\r\n");
	assert_slice(head.path, "/");
	assert_int_equal(head.query.size, 0);
	assert_int_equal(head.minor, 0);
	assert_int_equal(head.count, 0);
	assert_false(head.has_content_length);
	read_request("GET /? HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_slice(head.target, "/?");
	assert_slice(head.path, "/");
	assert_int_equal(head.query.size, 0);
}

static void a_response_is_taken_apart(void **state)
{
	static const char text[] =
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n\x81\x00";

	(void)state;
	memset(&head, 0xa5, sizeof(head));
	assert_int_equal(http1_response(slice(text, sizeof(text) - 1), &head, NULL), HTTP1_OK);
	assert_int_equal(head.size, sizeof(text) - 3); /* frames behind the head are not of it */
	assert_int_equal(head.status, 101);
	assert_int_equal(head.minor, 1);
	assert_true(head.chunked);
	assert_int_equal(head.method.size, 0);
	assert_int_equal(head.count, 2);
}

static void slices_are_of_the_input(void **state)
{
	static const char text[] = "GET /a?b HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";

	(void)state;
	read_request(text);
	assert_ptr_equal(head.method.data, text);
	assert_ptr_equal(head.target.data, text + 4);
	assert_ptr_equal(head.query.data, text + 7);
	assert_ptr_equal(head.fields[1].name.data, strstr(text, "B:"));
}

static void find_gives_the_only_one(void **state)
{
	unsigned count = 77;

	(void)state;
	read_request("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-b: 2\r\nX-B: 3\r\nX-AA: 4\r\n\r\n");
	assert_slice(http1_find(&head, "x-a", &count)->value, "1");
	assert_int_equal(count, 1);
	assert_slice(http1_find(&head, "X-a", NULL)->value, "1");
	assert_null(http1_find(&head, "x-b", &count));
	assert_int_equal(count, 2);
	assert_null(http1_find(&head, "x-", &count));
	assert_int_equal(count, 0);
	assert_null(http1_find(&head, "", NULL));
}

static void elements_of_a_list(void **state)
{
	static const char *const want[] = { "a", "b c", "d; e=\"f, \\\" g\"", "h", "\"open, end" };
	struct fw_slice list = slice_text(",, a ,\tb c\t, d; e=\"f, \\\" g\",,h , \"open, end"), element;
	size_t i = 0;

	(void)state;
	while (http1_next_element(&list, &element))
		assert_slice(element, want[i++]);
	assert_int_equal(i, 5);
	assert_false(http1_next_element(&list, &element));
	list = slice_text(" , ,\t,");
	assert_false(http1_next_element(&list, &element));
	list = slice_text("\"a\\"); /* a backslash with nothing behind it */
	assert_true(http1_next_element(&list, &element));
	assert_slice(element, "\"a\\");
	assert_false(http1_next_element(&list, &element));
}

static void tokens_are_found_in_all_fields(void **state)
{
	(void)state;
	read_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: websocketx, h2c\r\nconnection: "
		     ",UPGRADE ,x\r\n"
		     "X: \"a, b\"\r\n\r\n");
	assert_true(http1_has_token(&head, "connection", "upgrade"));
	assert_true(http1_has_token(&head, "Connection", "Keep-Alive"));
	assert_false(http1_has_token(&head, "connection", "keep"));
	assert_false(http1_has_token(&head, "upgrade", "websocket"));
	assert_true(http1_has_token(&head, "upgrade", "h2c"));
	assert_false(http1_has_token(&head, "x", "b"));
	assert_false(http1_has_token(&head, "x", "\"a"));
	assert_false(http1_has_token(&head, "connection", ""));
}

static void cookies_are_found_once_or_not_at_all(void **state)
{
	struct fw_slice value;

	(void)state;
	read_request("GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=abc=d; Other=1;empty=; flag;spaced = x \r\nCookie: "
		     "second=\"q\"; "
		     "twice=1\r\ncookie: twice=2;;xsid=no\r\n\r\n");
	assert_true(http1_cookie(&head, "sid", &value));
	assert_slice(value, "abc=d");
	assert_true(http1_cookie(&head, "Other", &value));
	assert_slice(value, "1");
	assert_true(http1_cookie(&head, "other", &value)); /* names have case (RFC 6265) */
	assert_null(value.data);
	assert_true(http1_cookie(&head, "empty", &value));
	assert_int_equal(value.size, 0);
	assert_non_null(value.data);
	assert_true(http1_cookie(&head, "flag", &value));
	assert_int_equal(value.size, 0);
	assert_true(http1_cookie(&head, "spaced", &value));
	assert_slice(value, "x");
	assert_true(http1_cookie(&head, "second", &value));
	assert_slice(value, "\"q\"");
	assert_false(http1_cookie(&head, "twice", &value));
	assert_int_equal(value.size, 0);
	assert_true(http1_cookie(&head, "absent", &value));
	assert_null(value.data);
	read_request("GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=a; sid=a\r\n\r\n");
	assert_false(http1_cookie(&head, "sid", &value)); /* though they are equal */
}

static void query_parameters_are_found_once_or_not_at_all(void **state)
{
	static const char query[] = "token=a%20b=c&&x&empty=&Token=2&twice=1&twice=1";
	struct fw_slice value;

	(void)state;
	assert_true(http1_query(slice_text(query), "token", &value));
	assert_slice(value, "a%20b=c");
	assert_true(http1_query(slice_text(query), "x", &value));
	assert_int_equal(value.size, 0);
	assert_true(http1_query(slice_text(query), "empty", &value));
	assert_int_equal(value.size, 0);
	assert_false(http1_query(slice_text(query), "twice", &value));
	assert_int_equal(value.size, 0);
	assert_false(http1_query(slice_text(query), "tok", &value));
	assert_false(http1_query(slice(NULL, 0), "token", &value));
}

static void tokens_are_those_of_rfc_9110(void **state)
{
	static const char others[] = "\"(),/:;<=>?@[\\]{}";

	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		const uint8_t text[3] = { 'a', (uint8_t)octet, 'b' };
		bool want = octet > 0x20 && octet < 0x7f && strchr(others, (int)octet) == NULL;

		assert_true(http1_is_token(slice(text, 3)) == want);
	}
	assert_false(http1_is_token(slice(NULL, 0)));
}

/* Every octet at every place where octets of a class are read. */
static void every_octet_has_its_place(void **state)
{
	static const char others[] = "\"(),/:;<=>?@[\\]{}";

	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		bool visible = octet > 0x20 && octet < 0x7f, token = visible && strchr(others, (int)octet) == NULL;
		char method[] = "G?T / HTTP/1.1\r\nHost: a\r\n\r\n", target[] = "GET /? HTTP/1.1\r\nHost: a\r\n\r\n";
		char name[] = "GET / HTTP/1.1\r\nHost: a\r\nA?B: c\r\n\r\n",
		     value[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b?c\r\n\r\n";

		method[1] = target[5] = name[26] = value[29] = (char)octet;
		assert_true((http1_request(slice(method, sizeof(method) - 1), &head, NULL) == HTTP1_OK) == token);
		/* a blank or "?" ends nothing here: "GET /  HTTP" has two blanks */
		assert_true((http1_request(slice(target, sizeof(target) - 1), &head, NULL) == HTTP1_OK) ==
			    (visible && octet != '#'));
		/* a colon ends the name and begins a value */
		assert_true((http1_request(slice(name, sizeof(name) - 1), &head, NULL) == HTTP1_OK) ==
			    (token || octet == ':'));
		assert_true((http1_request(slice(value, sizeof(value) - 1), &head, NULL) == HTTP1_OK) ==
			    (visible || octet == ' ' || octet == '\t' || octet >= 0x80));
	}
}

static void reasons_are_known(void **state)
{
	(void)state;
	assert_string_equal(http1_reason(101), "Switching Protocols");
	assert_string_equal(http1_reason(404), "Not Found");
	assert_string_equal(http1_reason(431), "Request Header Fields Too Large");
	assert_string_equal(http1_reason(505), "HTTP Version Not Supported");
	assert_string_equal(http1_reason(299), "");
	assert_string_equal(http1_reason(0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(a_request_without_query_has_none),
		cmocka_unit_test(a_response_is_taken_apart),
		cmocka_unit_test(slices_are_of_the_input),
		cmocka_unit_test(find_gives_the_only_one),
		cmocka_unit_test(elements_of_a_list),
		cmocka_unit_test(tokens_are_found_in_all_fields),
		cmocka_unit_test(cookies_are_found_once_or_not_at_all),
		cmocka_unit_test(query_parameters_are_found_once_or_not_at_all),
		cmocka_unit_test(tokens_are_those_of_rfc_9110),
		cmocka_unit_test(every_octet_has_its_place),
		cmocka_unit_test(reasons_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
