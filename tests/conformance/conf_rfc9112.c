/* HTTP/1.1 heads, one case a rule, numbered by the section of RFC 9112 (or of RFC 9110 where that is said).
 * Every case is also cut at every octet: what is known of a head never depends on how the network cut it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "codec/http1.h"

struct row {
	const char *name;
	const char *bytes;
	size_t size;
	enum http1_result want;
	size_t known; /* octets after which it must be known what is wrong, and not before; 0: nothing is wrong */
	bool response;
};

#define H "Host: a\r\n"
/* Two parts: with the last octet of the first, and no sooner, it is known what is wrong. OK and MORE have one part. */
#define ROW(name, want, text, rest, response)                                                                          \
	{                                                                                                              \
		name, text rest, sizeof(text rest) - 1, HTTP1_##want, HTTP1_##want < 0 ? sizeof(text) - 1 : 0,         \
			response                                                                                       \
	}
#define REQ(name, want, text, rest) ROW(name, want, text, rest, false)
#define RES(name, want, text, rest) ROW(name, want, text, rest, true)

static const struct row rows[] = {
	/* 2.1 message format */
	REQ("2.1-simple", OK, "GET / HTTP/1.1\r\n" H "\r\n", ""),
	REQ("2.1-body-is-left", OK, "GET / HTTP/1.1\r\n" H "\r\nGET \0\n\r\n", ""),
	REQ("2.1-no-empty-line", MORE, "GET / HTTP/1.1\r\n" H, ""),
	REQ("2.1-nothing", MORE, "", ""),
	REQ("2.1-half-an-empty-line", MORE, "GET / HTTP/1.1\r\n" H "\r", ""),
	/* 2.2 message parsing */
	REQ("2.2-bare-lf-request-line", BAD, "GET / HTTP/1.1\n", H "\r\n"),
	REQ("2.2-bare-lf-field", BAD, "GET / HTTP/1.1\r\nHost: a\n", "X: y\r\n\r\n"),
	REQ("2.2-bare-lf-at-the-end", BAD, "GET / HTTP/1.1\r\n" H "\n", ""),
	REQ("2.2-bare-lf-everywhere", BAD, "GET / HTTP/1.1\n", "Host: a\n\n"),
	REQ("2.2-bare-cr-request-line", BAD, "GET / HTTP/1.1\rH", "ost: a\r\n\r\n"),
	REQ("2.2-bare-cr-in-target", BAD, "GET /\r", " HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-bare-cr-in-value", BAD, "GET / HTTP/1.1\r\nHost: a\rb", "\r\n\r\n"),
	REQ("2.2-cr-cr-lf", BAD, "GET / HTTP/1.1\r\nHost: a\r\r", "\n\r\n"),
	REQ("2.2-bare-cr-at-the-end", BAD, "GET / HTTP/1.1\r\n" H "\rX", "\r\n\r\n"),
	REQ("2.2-empty-line-in-front", BAD, "\r", "\nGET / HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-lf-in-front", BAD, "\n", "GET / HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-space-in-front", BAD, " ", "GET / HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-white-space-before-first-field", BAD, "GET / HTTP/1.1\r\n ", "Host: a\r\n\r\n"),
	REQ("2.2-tab-before-first-field", BAD, "GET / HTTP/1.1\r\n\t", "Host: a\r\n\r\n"),
	REQ("2.2-nul-in-front", BAD, "\0", "GET / HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-utf8-mark-in-front", BAD, "\xef", "\xbb\xbfGET / HTTP/1.1\r\n" H "\r\n"),
	REQ("2.2-tls-hello", BAD, "\x16", "\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	/* 2.3 HTTP version */
	REQ("2.3-http-1.0", OK, "GET / HTTP/1.0\r\n\r\n", ""),
	REQ("2.3-http-0.9", BAD, "GET /\r", "\n"),
	REQ("2.3-http-2.0", VERSION, "GET / HTTP/2", ".0\r\n" H "\r\n"),
	REQ("2.3-http-0.9-named", VERSION, "GET / HTTP/0", ".9\r\n" H "\r\n"),
	REQ("2.3-http-3", VERSION, "GET / HTTP/3", "\r\n" H "\r\n"),
	REQ("2.3-http-1.2", VERSION, "GET / HTTP/1.2", "\r\n" H "\r\n"),
	REQ("2.3-http-1.9", VERSION, "GET / HTTP/1.9", "\r\n" H "\r\n"),
	REQ("2.3-preface-of-http-2", BAD, "PRI *", " HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	REQ("2.3-lower-case", BAD, "GET / h", "ttp/1.1\r\n" H "\r\n"),
	REQ("2.3-other-protocol", BAD, "GET / I", "CY/1.1\r\n" H "\r\n"),
	REQ("2.3-no-minor", BAD, "GET / HTTP/1\r", "\n" H "\r\n"),
	REQ("2.3-two-digits-major", BAD, "GET / HTTP/11", ".1\r\n" H "\r\n"),
	REQ("2.3-two-digits-minor", BAD, "GET / HTTP/1.10", "\r\n" H "\r\n"),
	REQ("2.3-zero-in-front", VERSION, "GET / HTTP/0", "1.1\r\n" H "\r\n"),
	REQ("2.3-letter-as-minor", BAD, "GET / HTTP/1.x", "\r\n" H "\r\n"),
	REQ("2.3-comma", BAD, "GET / HTTP/1,", "1\r\n" H "\r\n"),
	REQ("2.3-white-space-within", BAD, "GET / HTTP/ ", "1.1\r\n" H "\r\n"),
	/* 3 request line */
	REQ("3-two-spaces-before-target", BAD, "GET  ", "/ HTTP/1.1\r\n" H "\r\n"),
	REQ("3-two-spaces-before-version", BAD, "GET /  ", "HTTP/1.1\r\n" H "\r\n"),
	REQ("3-tab-before-target", BAD, "GET\t", "/ HTTP/1.1\r\n" H "\r\n"),
	REQ("3-tab-before-version", BAD, "GET /\t", "HTTP/1.1\r\n" H "\r\n"),
	REQ("3-space-at-the-end", BAD, "GET / HTTP/1.1 ", "\r\n" H "\r\n"),
	REQ("3-tab-at-the-end", BAD, "GET / HTTP/1.1\t", "\r\n" H "\r\n"),
	REQ("3-no-target", BAD, "GET H", "TTP/1.1\r\n" H "\r\n"),
	REQ("3-no-version", BAD, "GET / \r", "\n" H "\r\n"),
	REQ("3-only-a-method", BAD, "GET\r", "\n" H "\r\n"),
	REQ("3-a-fourth-word", BAD, "GET / HTTP/1.1 ", "HTTP/1.1\r\n" H "\r\n"),
	/* 3.1 method */
	REQ("3.1-any-token", OK, "M-SEARCH!#$%&'*+-.^_`|~09az / HTTP/1.1\r\n" H "\r\n", ""),
	REQ("3.1-lower-case-is-another-method", OK, "get / HTTP/1.1\r\n" H "\r\n", ""),
	REQ("3.1-empty", BAD, " ", "/ HTTP/1.1\r\n" H "\r\n"),
	REQ("3.1-separator", BAD, "GE(", "T / HTTP/1.1\r\n" H "\r\n"),
	REQ("3.1-quoted", BAD, "\"", "GET\" / HTTP/1.1\r\n" H "\r\n"),
	REQ("3.1-colon", BAD, "GET:", " / HTTP/1.1\r\n" H "\r\n"),
	REQ("3.1-nul", BAD, "GE\0", "T / HTTP/1.1\r\n" H "\r\n"),
	REQ("3.1-not-ascii", BAD, "GE\xc3", "\xa9T / HTTP/1.1\r\n" H "\r\n"),
	/* 3.2 request target */
	REQ("3.2.1-path-and-query", OK, "GET /a/b;c=d?e=f&g=%20h HTTP/1.1\r\n" H "\r\n", ""),
	REQ("3.2.1-every-printable-octet", OK, "GET /!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ HTTP/1.1\r\n" H "\r\n",
	    ""),
	REQ("3.2.1-two-slashes", OK, "GET //a HTTP/1.1\r\n" H "\r\n", ""),
	REQ("3.2.1-no-slash", BAD, "GET a", " HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2.1-only-a-query", BAD, "GET ?", "a HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2.2-absolute-form", BAD, "GET h", "ttp://a/ HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2.2-absolute-form-ws", BAD, "GET w", "s://a/ HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2.3-authority-form", BAD, "CONNECT a", ":443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
	REQ("3.2.4-asterisk-form", BAD, "OPTIONS *", " HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-fragment", BAD, "GET /a#", "b HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-fragment-in-query", BAD, "GET /a?b#", "c HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-nul", BAD, "GET /a\0", "b HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-control", BAD, "GET /a\x01", "b HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-delete", BAD, "GET /a\x7f", "b HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-not-ascii", BAD, "GET /a\xc3", "\xa9 HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-lf", BAD, "GET /a\n", "b HTTP/1.1\r\n" H "\r\n"),
	REQ("3.2-space", BAD, "GET /a b", " HTTP/1.1\r\n" H "\r\n"),
	/* 3.2 Host (RFC 9110 7.2) */
	REQ("3.2-no-host", BAD, "GET / HTTP/1.1\r\nA: b\r\n\r\n", ""),
	REQ("3.2-two-hosts", BAD, "GET / HTTP/1.1\r\n" H H, "\r\n"),
	REQ("3.2-two-hosts-that-differ", BAD, "GET / HTTP/1.1\r\n" H "A: b\r\nhOST: b\r\n", "\r\n"),
	REQ("3.2-two-hosts-in-1.0", BAD, "GET / HTTP/1.0\r\n" H H, "\r\n"),
	REQ("3.2-host-name-and-port", OK, "GET / HTTP/1.1\r\nHost: ws.example.com:8765\r\n\r\n", ""),
	REQ("3.2-host-ipv6", OK, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8765\r\n\r\n", ""),
	REQ("3.2-host-ipv6-shortest", OK, "GET / HTTP/1.1\r\nHost: [::]\r\n\r\n", ""),
	REQ("3.2-host-ipv6-empty", BAD, "GET / HTTP/1.1\r\nHost: []\r\n", "\r\n"),
	REQ("3.2-host-ipv6-one-colon", BAD, "GET / HTTP/1.1\r\nHost: [:]\r\n", "\r\n"),
	REQ("3.2-host-ipv6-ipv4-in-brackets", BAD, "GET / HTTP/1.1\r\nHost: [1.2.3.4]:1\r\n", "\r\n"),
	REQ("3.2-host-ipv6-no-hexadecimal", BAD, "GET / HTTP/1.1\r\nHost: [::g]\r\n", "\r\n"),
	REQ("3.2-host-ipv6-no-brackets", BAD, "GET / HTTP/1.1\r\nHost: ::1\r\n", "\r\n"),
	REQ("3.2-host-only-a-port", BAD, "GET / HTTP/1.1\r\nHost: :80\r\n", "\r\n"),
	REQ("3.2-host-empty-port", OK, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", ""),
	REQ("3.2-host-ipv4", OK, "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", ""),
	REQ("3.2-host-empty", BAD, "GET / HTTP/1.1\r\nHost: \r\n", "\r\n"),
	REQ("3.2-host-list", BAD, "GET / HTTP/1.1\r\nHost: a, b\r\n", "\r\n"),
	REQ("3.2-host-user", BAD, "GET / HTTP/1.1\r\nHost: u@a\r\n", "\r\n"),
	REQ("3.2-host-path", BAD, "GET / HTTP/1.1\r\nHost: a/b\r\n", "\r\n"),
	REQ("3.2-host-url", BAD, "GET / HTTP/1.1\r\nHost: http://a\r\n", "\r\n"),
	REQ("3.2-host-space", BAD, "GET / HTTP/1.1\r\nHost: a b\r\n", "\r\n"),
	REQ("3.2-host-port-name", BAD, "GET / HTTP/1.1\r\nHost: a:http\r\n", "\r\n"),
	REQ("3.2-host-port-long", BAD, "GET / HTTP/1.1\r\nHost: a:123456\r\n", "\r\n"),
	REQ("3.2-host-two-ports", BAD, "GET / HTTP/1.1\r\nHost: a:1:2\r\n", "\r\n"),
	REQ("3.2-host-ipv6-open", BAD, "GET / HTTP/1.1\r\nHost: [::1\r\n", "\r\n"),
	REQ("3.2-host-ipv6-tail", BAD, "GET / HTTP/1.1\r\nHost: [::1]a\r\n", "\r\n"),
	REQ("3.2-host-not-ascii", BAD, "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n", "\r\n"),
	/* 4 status line */
	RES("4-simple", OK, "HTTP/1.1 101 Switching Protocols\r\n\r\n", ""),
	RES("4-empty-reason", OK, "HTTP/1.1 200 \r\n\r\n", ""),
	RES("4-obs-text-in-reason", OK, "HTTP/1.1 404 nicht gefunden \xfc\r\n\r\n", ""),
	RES("4-http-1.0", OK, "HTTP/1.0 200 OK\r\n\r\n", ""),
	RES("4-no-space-behind-the-code", BAD, "HTTP/1.1 200\r", "\n\r\n"),
	RES("4-two-digits", BAD, "HTTP/1.1 20 ", "OK\r\n\r\n"),
	RES("4-four-digits", BAD, "HTTP/1.1 2000", " OK\r\n\r\n"),
	RES("4-code-below-100", BAD, "HTTP/1.1 0", "99 X\r\n\r\n"),
	RES("4-code-above-599", BAD, "HTTP/1.1 6", "00 X\r\n\r\n"),
	RES("4-code-signed", BAD, "HTTP/1.1 +", "20 X\r\n\r\n"),
	RES("4-code-hexadecimal", BAD, "HTTP/1.1 1f", "0 X\r\n\r\n"),
	RES("4-two-spaces", BAD, "HTTP/1.1  ", "200 OK\r\n\r\n"),
	RES("4-tab", BAD, "HTTP/1.1\t", "200 OK\r\n\r\n"),
	RES("4-version-2", VERSION, "HTTP/2", " 200 OK\r\n\r\n"),
	RES("4-version-1.2", VERSION, "HTTP/1.2", " 200 OK\r\n\r\n"),
	RES("4-icy", BAD, "I", "CY 200 OK\r\n\r\n"),
	RES("4-control-in-reason", BAD, "HTTP/1.1 200 O\x01", "K\r\n\r\n"),
	RES("4-nul-in-reason", BAD, "HTTP/1.1 200 O\0", "K\r\n\r\n"),
	RES("4-bare-lf", BAD, "HTTP/1.1 200 OK\n", "\r\n"),
	RES("4-bare-cr", BAD, "HTTP/1.1 200 OK\rX", "\r\n\r\n"),
	RES("4-empty-line-in-front", BAD, "\r", "\nHTTP/1.1 200 OK\r\n\r\n"),
	RES("4-request-as-response", BAD, "G", "ET / HTTP/1.1\r\n" H "\r\n"),
	RES("4-response-needs-no-host", OK, "HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n\r\n", ""),
	REQ("4-response-as-request", BAD, "HTTP/", "1.1 200 OK\r\n\r\n"),
	/* 5 field syntax */
	REQ("5-no-colon", BAD, "GET / HTTP/1.1\r\n" H "Abc\r", "\n\r\n"),
	REQ("5-empty-name", BAD, "GET / HTTP/1.1\r\n" H ":", " b\r\n\r\n"),
	REQ("5-empty-value", OK, "GET / HTTP/1.1\r\n" H "A:\r\n\r\n", ""),
	REQ("5-value-of-blanks", OK, "GET / HTTP/1.1\r\n" H "A: \t \r\n\r\n", ""),
	REQ("5-no-blank-behind-colon", OK, "GET / HTTP/1.1\r\n" H "A:b\r\n\r\n", ""),
	REQ("5-colon-in-value", OK, "GET / HTTP/1.1\r\n" H "A::b:\r\n\r\n", ""),
	REQ("5-name-nul", BAD, "GET / HTTP/1.1\r\n" H "A\0", "b: c\r\n\r\n"),
	REQ("5-name-not-ascii", BAD, "GET / HTTP/1.1\r\n" H "A\xc3", "\xa9: c\r\n\r\n"),
	REQ("5-name-with-parenthesis", BAD, "GET / HTTP/1.1\r\n" H "A(", "b): c\r\n\r\n"),
	REQ("5-name-with-slash", BAD, "GET / HTTP/1.1\r\n" H "A/", "b: c\r\n\r\n"),
	REQ("5-name-quoted", BAD, "GET / HTTP/1.1\r\n" H "\"", "A\": c\r\n\r\n"),
	REQ("5-name-with-lf", BAD, "GET / HTTP/1.1\r\n" H "A\n", ": c\r\n\r\n"),
	REQ("5-every-token-octet", OK, "GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09AZaz: c\r\n\r\n", ""),
	REQ("5.1-space-before-colon", BAD, "GET / HTTP/1.1\r\n" H "A ", ": b\r\n\r\n"),
	REQ("5.1-tab-before-colon", BAD, "GET / HTTP/1.1\r\n" H "A\t", ": b\r\n\r\n"),
	REQ("5.1-space-in-name", BAD, "GET / HTTP/1.1\r\n" H "A ", "b: c\r\n\r\n"),
	REQ("5.1-space-before-colon-of-framing", BAD, "GET / HTTP/1.1\r\n" H "Transfer-Encoding ", ": chunked\r\n\r\n"),
	REQ("5.2-obs-fold-space", BAD, "GET / HTTP/1.1\r\n" H " ", "b\r\n\r\n"),
	REQ("5.2-obs-fold-tab", BAD, "GET / HTTP/1.1\r\n" H "\t", "b\r\n\r\n"),
	REQ("5.2-obs-fold-empty", BAD, "GET / HTTP/1.1\r\n" H " ", "\r\n\r\n"),
	RES("5.2-obs-fold-response", BAD, "HTTP/1.1 200 OK\r\nA: b\r\n ", "c\r\n\r\n"),
	REQ("5.5-nul", BAD, "GET / HTTP/1.1\r\n" H "A: b\0", "c\r\n\r\n"), /* RFC 9110 5.5 */
	REQ("5.5-control", BAD, "GET / HTTP/1.1\r\n" H "A: b\x1b", "[1m\r\n\r\n"),
	REQ("5.5-delete", BAD, "GET / HTTP/1.1\r\n" H "A: b\x7f", "\r\n\r\n"),
	REQ("5.5-vertical-tab", BAD, "GET / HTTP/1.1\r\n" H "A: b\x0b", "\r\n\r\n"),
	REQ("5.5-tab-within", OK, "GET / HTTP/1.1\r\n" H "A: b\tc\r\n\r\n", ""),
	REQ("5.5-obs-text", OK, "GET / HTTP/1.1\r\n" H "A: \xc3\xa9\xff\r\n\r\n", ""),
	/* 6.1 Transfer-Encoding */
	REQ("6.1-chunked", OK, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", ""),
	REQ("6.1-chunked-without-case", OK, "POST / HTTP/1.1\r\n" H "transfer-encoding:\tChunkeD \r\n\r\n", ""),
	REQ("6.1-identity", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n", "\r\n"),
	REQ("6.1-gzip-chunked", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n", "\r\n"),
	REQ("6.1-chunked-twice-in-one", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n", "\r\n"),
	REQ("6.1-chunked-twice", BAD,
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "\r\n"),
	REQ("6.1-chunked-and-identity", BAD,
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "\r\n"),
	REQ("6.1-chunked-with-parameter", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;a=b\r\n", "\r\n"),
	REQ("6.1-chunked-quoted", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n", "\r\n"),
	REQ("6.1-nearly-chunked", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n", "\r\n"),
	REQ("6.1-vertical-tab-chunked", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b", "chunked\r\n\r\n"),
	REQ("6.1-empty", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n", "\r\n"),
	REQ("6.1-in-http-1.0", BAD, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n", "\r\n"),
	RES("6.1-response", OK, "HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
	/* 6.2 Content-Length */
	REQ("6.2-length", OK, "POST / HTTP/1.1\r\n" H "Content-Length: 12345\r\n\r\n", ""),
	REQ("6.2-zero", OK, "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", ""),
	REQ("6.2-largest", OK, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n", ""),
	REQ("6.2-overflow-by-one", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n", "\r\n"),
	REQ("6.2-overflow-by-a-digit", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 100000000000000000000\r\n",
	    "\r\n"),
	REQ("6.2-empty", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: \r\n", "\r\n"),
	REQ("6.2-plus", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n", "\r\n"),
	REQ("6.2-minus", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n", "\r\n"),
	REQ("6.2-hexadecimal", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n", "\r\n"),
	REQ("6.2-fraction", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 1.0\r\n", "\r\n"),
	REQ("6.2-exponent", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 1e1\r\n", "\r\n"),
	REQ("6.2-space-within", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n", "\r\n"),
	REQ("6.2-list-of-equal-ones", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n", "\r\n"),
	REQ("6.2-list-of-different-ones", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 5,6\r\n", "\r\n"),
	REQ("6.2-not-ascii-digits", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: \xd9\xa1\r\n", "\r\n"),
	/* 6.3 message body length */
	REQ("6.3-two-equal-lengths", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n", "\r\n"),
	REQ("6.3-two-different-lengths", BAD, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\ncontent-length: 6\r\n",
	    "\r\n"),
	REQ("6.3-length-then-chunked", BAD,
	    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "\r\n"),
	REQ("6.3-chunked-then-length", BAD,
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "\r\n"),
	RES("6.3-response-two-lengths", BAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", "\r\n"),
	RES("6.3-response-length-and-chunked", BAD,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "\r\n"),
	/* 11.1 response splitting, 11.2 request smuggling: what the splitters and smugglers send */
	REQ("11.2-cl-cl-hidden-by-nul", BAD, "POST / HTTP/1.1\r\n" H "Content\0", "-Length: 5\r\n\r\n"),
	REQ("11.2-te-hidden-by-underscore-is-no-te", OK, "POST / HTTP/1.1\r\n" H "Transfer_Encoding: chunked\r\n\r\n",
	    ""),
	REQ("11.2-te-behind-a-lf", BAD, "POST / HTTP/1.1\r\nHost: abcd\n", "Transfer-Encoding: chunked\r\n\r\n"),
	REQ("11.2-te-behind-a-cr", BAD, "POST / HTTP/1.1\r\nHost: abcd\rT", "ransfer-Encoding: chunked\r\n\r\n"),
	REQ("11.2-te-folded", BAD, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n", " chunked\r\n\r\n"),
	REQ("11.2-second-request-in-target", BAD, "GET /\r", "\nX: y HTTP/1.1\r\n" H "\r\n"),
};

/* The octets in a block of exactly their size, so that a sanitizer sees every octet that is read beyond them. */
static enum http1_result read_exactly(const struct row *row, size_t size, struct http1_head *ret_head,
				      const char **reterr_rule)
{
	uint8_t *copy = malloc(size + 1);
	enum http1_result result;

	assert_non_null(copy);
	if (size != 0)
		memcpy(copy + 1, row->bytes, size);
	result = (row->response ? http1_response : http1_request)(slice(copy + 1, size), ret_head, reterr_rule);
	free(copy);
	return result;
}

static void check_cut(const struct row *row, size_t cut, const struct http1_head *whole, const char *rule)
{
	static struct http1_head kept, *head = &kept;
	const char *cut_rule = "";
	enum http1_result result = read_exactly(row, cut, head, &cut_rule);

	if (result == HTTP1_OK) {
		assert_int_equal(row->want, HTTP1_OK);
		assert_in_range(cut, whole->size, row->size);
		assert_int_equal(head->size, whole->size);
		assert_int_equal(head->count, whole->count);
	} else if (result != HTTP1_MORE) {
		assert_int_equal(result, row->want);
		assert_string_equal(cut_rule, rule);
	} else if (row->want == HTTP1_OK) {
		assert_in_range(cut, 0, whole->size - 1);
	} else if (row->want != HTTP1_MORE && cut >= row->known) {
		fail_msg("%s is not yet known after %zu octets", row->name, cut);
	}
	if (cut < row->known && result != HTTP1_MORE)
		fail_msg("%s is known after %zu octets", row->name, cut);
}

static void check_row(const struct row *row, size_t step)
{
	static struct http1_head whole;
	const char *rule = "";
	enum http1_result result = read_exactly(row, row->size, &whole, &rule);

	if (result != row->want)
		fail_msg("%s gives %d (%s)", row->name, result, rule != NULL ? rule : "");
	assert_true((result < 0) == (rule != NULL));
	for (size_t cut = 0; cut < row->size; cut += step)
		check_cut(row, cut, &whole, rule);
}

static void run_row(void **state)
{
	check_row(*state, 1);
}

/* A text that grows. */
struct text {
	char bytes[40000];
	size_t size;
};

static void put(struct text *text, const char *piece)
{
	size_t size = strlen(piece);

	assert_true(text->size + size <= sizeof(text->bytes));
	memcpy(text->bytes + text->size, piece, size);
	text->size += size;
}

static void put_many(struct text *text, char octet, size_t count)
{
	assert_true(text->size + count <= sizeof(text->bytes));
	memset(text->bytes + text->size, octet, count);
	text->size += count;
}

static void check_text(const struct text *text, enum http1_result want, size_t known, bool response)
{
	const struct row row = { "limit", text->bytes, text->size, want, known, response };

	check_row(&row, 61);
	if (known != 0) {
		static struct http1_head head;

		assert_int_equal(read_exactly(&row, known - 1, &head, NULL), HTTP1_MORE);
		assert_int_equal(read_exactly(&row, known, &head, NULL), want);
	}
}

/* 3: a request line of LIMIT_HEAD_LINE octets is read, one octet more is known to be too much before the line has its
 * end. */
static void limit_of_the_request_line(void **state)
{
	static struct text text;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		text.size = 0;
		put(&text, "GET /");
		put_many(&text, 'a', LIMIT_HEAD_LINE - 14 + more);
		put(&text, " HTTP/1.1\r\n" H "\r\n");
		check_text(&text, more ? HTTP1_TOO_LARGE : HTTP1_OK, more ? LIMIT_HEAD_LINE + 1 : 0, false);
	}
	text.size = 0;
	put(&text, "GET /");
	put_many(&text, 'a', 30000);
	check_text(&text, HTTP1_TOO_LARGE, LIMIT_HEAD_LINE + 1, false);
	text.size = 0;
	put_many(&text, 'G', 30000);
	check_text(&text, HTTP1_TOO_LARGE, LIMIT_HEAD_LINE + 1, false);
	text.size = 0;
	put(&text, "HTTP/1.1 200 ");
	put_many(&text, 'a', 30000);
	check_text(&text, HTTP1_TOO_LARGE, LIMIT_HEAD_LINE + 1, true);
}

static void limit_of_a_field_line(void **state)
{
	static struct text text;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		text.size = 0;
		put(&text, "GET / HTTP/1.1\r\n" H "A: ");
		put_many(&text, 'a', LIMIT_HEAD_LINE - 3 + more);
		put(&text, "\r\n\r\n");
		check_text(&text, more ? HTTP1_TOO_LARGE : HTTP1_OK, more ? 25 + LIMIT_HEAD_LINE + 1 : 0, false);
	}
	text.size = 0;
	put(&text, "GET / HTTP/1.1\r\n" H);
	put_many(&text, 'a', 9000);
	check_text(&text, HTTP1_TOO_LARGE, 25 + LIMIT_HEAD_LINE + 1, false);
}

/* A head of LIMIT_HEAD_BYTES is read; when that many octets have come and it has no end, none is waited for. */
static void limit_of_the_head(void **state)
{
	static struct text text;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		text.size = 0;
		put(&text, "GET / HTTP/1.1\r\n" H "A: ");
		put_many(&text, 'a', 8000);
		put(&text, "\r\nB: ");
		put_many(&text, 'b', 8000);
		put(&text, "\r\nC: ");
		put_many(&text, 'c', LIMIT_HEAD_BYTES - text.size - 4 + more);
		put(&text, "\r\n\r\n");
		assert_int_equal(text.size, LIMIT_HEAD_BYTES + more);
		check_text(&text, more ? HTTP1_TOO_LARGE : HTTP1_OK, more ? LIMIT_HEAD_BYTES : 0, false);
	}
	text.size = 0;
	put(&text, "GET / HTTP/1.1\r\n" H);
	while (text.size < 30000) {
		put(&text, "A: ");
		put_many(&text, 'a', 1000);
		put(&text, "\r\n");
	}
	check_text(&text, HTTP1_TOO_LARGE, LIMIT_HEAD_BYTES, false);
}

static void limit_of_the_number_of_fields(void **state)
{
	static struct text text;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		text.size = 0;
		put(&text, "GET / HTTP/1.1\r\n" H);
		for (unsigned i = 1; i < LIMIT_HEAD_FIELDS + more; i++)
			put(&text, "a:b\r\n");
		put(&text, "\r\n");
		check_text(&text, more ? HTTP1_TOO_LARGE : HTTP1_OK, more ? 25 + 5 * (LIMIT_HEAD_FIELDS - 1) + 1 : 0,
			   false);
	}
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static struct CMUnitTest tests[ROWS + 4];
	static const struct CMUnitTest limits[] = {
		cmocka_unit_test(limit_of_the_request_line),
		cmocka_unit_test(limit_of_a_field_line),
		cmocka_unit_test(limit_of_the_head),
		cmocka_unit_test(limit_of_the_number_of_fields),
	};

	for (size_t i = 0; i < ROWS; i++) {
		tests[i].name = rows[i].name;
		tests[i].test_func = run_row;
		tests[i].initial_state = (void *)(uintptr_t)&rows[i];
	}
	memcpy(tests + ROWS, limits, sizeof(limits));
	return _cmocka_run_group_tests("rfc9112", tests, ROWS + 4, NULL, NULL);
}
