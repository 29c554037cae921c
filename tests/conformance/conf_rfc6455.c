/* RFC 6455, a case a rule, numbered by its section. Each case is read as a server and as a client; whole, octet by
 * octet, cut in two at each octet, and with each allocation failing. The outcome must always be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "codec/ws.h"

enum { FRAMES = 8, LOG = 4096, ALL_CUTS = 700 };

enum frame_flags { USED = 1, WRONG_MASKING = 2, ZERO_MASK = 4 };

struct frame {
	uint8_t flags;
	uint8_t first;	     /* first octet of the header */
	uint8_t form;	     /* 126, 127: this form of the length, whatever it is; 0: the shortest */
	const char *payload; /* NULL: size octets of the alphabet */
	size_t size;	     /* octets that are there */
	uint64_t claim;	     /* octets that the header says, when it is not size */
};

/* Where the failure must be seen: at an octet of the header or of the payload of the last frame, counted from 1. */
enum place { ANYWHERE, HEADER, PAYLOAD };

struct rfc_case {
	const char *name;
	struct frame frames[FRAMES];
	const char *expect;
	enum place place;
	size_t octet;
	uint64_t max_message;
	uint32_t max_fragments;
};

/* A row a case, one a line. */
/* clang-format off */
#define FRAME(first, payload) { USED, first, 0, payload, sizeof(payload) - 1, 0 }
#define TEXT(payload) FRAME(0x81, payload)
#define BINARY(payload) FRAME(0x82, payload)
#define CLOSE(payload) FRAME(0x88, payload)
#define PING(payload) FRAME(0x89, payload)
#define PONG(payload) FRAME(0x8a, payload)
/* A message in pieces. */
#define TEXT_PART(payload) FRAME(0x01, payload)
#define BINARY_PART(payload) FRAME(0x02, payload)
#define PART(payload) FRAME(0x00, payload)
#define LAST(payload) FRAME(0x80, payload)
/* Alphabets of a size; headers that claim what is not there; lengths in a form of the sender's choice. */
#define LONG(first, size) { USED, first, 0, NULL, size, 0 }
#define CLAIM(first, claim, payload) { USED, first, 0, payload, sizeof(payload) - 1, claim }
#define FORM(first, form, claim) { USED, first, form, "", 0, claim }
#define WRONG(first, payload) { USED | WRONG_MASKING, first, 0, payload, sizeof(payload) - 1, 0 }
#define ZERO(first, payload) { USED | ZERO_MASK, first, 0, payload, sizeof(payload) - 1, 0 }

#define ONE(name, frame, expect, ...) { name, { frame }, expect, __VA_ARGS__ }

#define RESERVED_OPCODE(opcode) \
	ONE("5.2-reserved-opcode-" #opcode, FRAME(0x80 | opcode, "x"), "fail(1002 5.2)", HEADER, 1), \
	ONE("5.2-reserved-opcode-" #opcode "-fragment", FRAME(opcode, ""), "fail(1002 5.2)", HEADER, 1)
#define RESERVED_BITS(name, bits) \
	ONE("5.2-" name "-text", FRAME(0x81 | bits, "x"), "fail(1002 5.2)", HEADER, 1), \
	ONE("5.2-" name "-binary", FRAME(0x82 | bits, "x"), "fail(1002 5.2)", HEADER, 1), \
	ONE("5.2-" name "-ping", FRAME(0x89 | bits, ""), "fail(1002 5.2)", HEADER, 1), \
	ONE("5.2-" name "-close", FRAME(0x88 | bits, ""), "fail(1002 5.2)", HEADER, 1), \
	{ "5.2-" name "-continuation", { TEXT_PART("a"), FRAME(0x80 | bits, "b") }, "fail(1002 5.2)", HEADER, 1 }
#define LENGTH(size) \
	ONE("5.2-length-" #size "-text", LONG(0x81, size), "text(" #size " ok)", ANYWHERE), \
	ONE("5.2-length-" #size "-binary", LONG(0x82, size), "binary(" #size " ok)", ANYWHERE)
#define MASK_PHASE(size) ONE("5.3-mask-" #size "-octets", LONG(0x82, size), "binary(" #size " ok)", ANYWHERE)
#define CODE(code, high, low) \
	ONE("7.4-code-" #code, CLOSE(high low), "close(" #code " )", ANYWHERE), \
	ONE("7.4-code-" #code "-reason", CLOSE(high low "bye"), "close(" #code " bye)", ANYWHERE)
#define NO_CODE(code, high, low) ONE("7.4-no-code-" #code, CLOSE(high low), "fail(1002 7.4)", ANYWHERE)
#define VALID(name, text) \
	ONE("8.1-valid-" name, TEXT(text), "text(" text ")", ANYWHERE), \
	{ "8.1-valid-" name "-close", { CLOSE("\x03\xe8" text) }, "close(1000 " text ")", ANYWHERE }
/* The octet that is wrong: the failure is seen there, whatever the header claims after it. */
#define INVALID(name, text, octet) \
	ONE("8.1-invalid-" name, CLAIM(0x81, 300, text), "fail(1007 8.1)", PAYLOAD, octet), \
	ONE("8.1-invalid-" name "-whole", TEXT(text "."), "fail(1007 8.1)", ANYWHERE), \
	{ "8.1-invalid-" name "-fragment", { TEXT_PART("abc"), CLAIM(0x00, 300, text) }, "fail(1007 8.1)", PAYLOAD, octet }, \
	ONE("5.5.1-reason-" name, CLOSE("\x03\xe8" text), "fail(1007 5.5.1)", ANYWHERE)
#define CUT_SHORT(name, text) \
	ONE("8.1-incomplete-" name, TEXT(text), "fail(1007 8.1)", ANYWHERE), \
	{ "8.1-incomplete-" name "-fragments", { TEXT_PART(text), LAST("") }, "fail(1007 8.1)", ANYWHERE }, \
	{ "8.1-incomplete-" name "-then-ascii", { TEXT_PART(text), LAST("a") }, "fail(1007 8.1)", PAYLOAD, 1 }, \
	ONE("8.1-incomplete-" name "-binary", BINARY(text), "binary(" text ")", ANYWHERE), \
	ONE("5.5.1-reason-incomplete-" name, CLOSE("\x03\xe8" text), "fail(1007 5.5.1)", ANYWHERE)

#define A16 "abcdefghijklmnop"
#define A64 A16 A16 A16 A16
#define A125 A64 A16 A16 A16 "abcdefghijklm"

static const struct rfc_case cases[] = {
	/* 5.1 */
	ONE("5.1-masking-text", WRONG(0x81, "a"), "fail(1002 5.1)", HEADER, 2),
	ONE("5.1-masking-binary", WRONG(0x82, "a"), "fail(1002 5.1)", HEADER, 2),
	ONE("5.1-masking-empty", WRONG(0x81, ""), "fail(1002 5.1)", HEADER, 2),
	ONE("5.1-masking-ping", WRONG(0x89, ""), "fail(1002 5.1)", HEADER, 2),
	ONE("5.1-masking-close", WRONG(0x88, "\x03\xe8"), "fail(1002 5.1)", HEADER, 2),
	{ "5.1-masking-continuation", { TEXT_PART("a"), WRONG(0x80, "b") }, "fail(1002 5.1)", HEADER, 2 },
	{ "5.1-masking-second-message", { TEXT("a"), WRONG(0x81, "b") }, "text(a) fail(1002 5.1)", HEADER, 2 },

	/* 5.2 */
	RESERVED_BITS("rsv1", 0x40),
	RESERVED_BITS("rsv2", 0x20),
	RESERVED_BITS("rsv3", 0x10),
	RESERVED_BITS("rsv-all", 0x70),
	RESERVED_OPCODE(3),
	RESERVED_OPCODE(4),
	RESERVED_OPCODE(5),
	RESERVED_OPCODE(6),
	RESERVED_OPCODE(7),
	RESERVED_OPCODE(11),
	RESERVED_OPCODE(12),
	RESERVED_OPCODE(13),
	RESERVED_OPCODE(14),
	RESERVED_OPCODE(15),
	{ "5.2-reserved-opcode-in-message", { TEXT_PART("a"), FRAME(0x83, "") }, "fail(1002 5.2)", HEADER, 1 },
	LENGTH(0),
	LENGTH(1),
	LENGTH(124),
	LENGTH(125),
	LENGTH(126),
	LENGTH(127),
	LENGTH(128),
	LENGTH(65535),
	LENGTH(65536),
	LENGTH(65537),
	ONE("5.2-minimal-length-126-0", FORM(0x82, 126, 0), "fail(1002 5.2)", HEADER, 4),
	ONE("5.2-minimal-length-126-1", FORM(0x82, 126, 1), "fail(1002 5.2)", HEADER, 4),
	ONE("5.2-minimal-length-126-125", FORM(0x81, 126, 125), "fail(1002 5.2)", HEADER, 4),
	ONE("5.2-minimal-length-126-126", FORM(0x81, 126, 126), "...", ANYWHERE),
	ONE("5.2-minimal-length-127-0", FORM(0x82, 127, 0), "fail(1002 5.2)", HEADER, 10),
	ONE("5.2-minimal-length-127-125", FORM(0x81, 127, 125), "fail(1002 5.2)", HEADER, 10),
	ONE("5.2-minimal-length-127-126", FORM(0x82, 127, 126), "fail(1002 5.2)", HEADER, 10),
	ONE("5.2-minimal-length-127-65535", FORM(0x82, 127, 65535), "fail(1002 5.2)", HEADER, 10),
	ONE("5.2-minimal-length-127-65536", FORM(0x82, 127, 65536), "...", ANYWHERE),
	{ "5.2-minimal-length-continuation", { TEXT_PART("a"), FORM(0x80, 126, 7) }, "fail(1002 5.2)", HEADER, 4 },
	ONE("5.2-length-top-bit", FORM(0x82, 127, (uint64_t)1 << 63), "fail(1002 5.2)", HEADER, 10),
	ONE("5.2-length-top-bit-and-all", FORM(0x82, 127, UINT64_MAX), "fail(1002 5.2)", HEADER, 10),
	{ "5.2-messages-in-a-row", { TEXT("a"), BINARY("b"), TEXT(""), BINARY(""), TEXT("c") },
	  "text(a) binary(b) text() binary() text(c)", ANYWHERE },
	ONE("5.2-nothing-yet", CLAIM(0x81, 5, ""), "...", ANYWHERE),
	ONE("5.2-payload-not-yet", CLAIM(0x81, 5, "Hell"), "...", ANYWHERE),
	ONE("5.7-hello", TEXT("Hello"), "text(Hello)", ANYWHERE),
	{ "5.7-hello-fragments", { TEXT_PART("Hel"), LAST("lo") }, "text(Hello)", ANYWHERE },
	{ "5.7-ping-pong", { PING("Hello"), PONG("Hello") }, "ping(Hello) pong(Hello)", ANYWHERE },
	ONE("5.7-binary-256", LONG(0x82, 256), "binary(256 ok)", ANYWHERE),

	/* 5.3 */
	MASK_PHASE(2),
	MASK_PHASE(3),
	MASK_PHASE(4),
	MASK_PHASE(5),
	MASK_PHASE(7),
	MASK_PHASE(8),
	MASK_PHASE(9),
	MASK_PHASE(15),
	MASK_PHASE(16),
	MASK_PHASE(17),
	MASK_PHASE(31),
	MASK_PHASE(33),
	MASK_PHASE(63),
	MASK_PHASE(65),
	ONE("5.3-mask-zero-text", ZERO(0x81, "a"), "text(a)0", ANYWHERE),
	ONE("5.3-mask-zero-empty", ZERO(0x82, ""), "binary()0", ANYWHERE),
	ONE("5.3-mask-zero-ping", ZERO(0x89, "a"), "ping(a)0", ANYWHERE),
	{ "5.3-mask-zero-last-frame", { TEXT_PART("a"), ZERO(0x80, "b"), TEXT("c") }, "text(ab)0 text(c)", ANYWHERE },

	/* 5.4 */
	{ "5.4-two-fragments-binary", { BINARY_PART("\xff"), LAST("\xfe") }, "binary(\xff\xfe)", ANYWHERE },
	{ "5.4-three-fragments", { TEXT_PART("a"), PART("b"), LAST("c") }, "text(abc)", ANYWHERE },
	{ "5.4-single-octets", { TEXT_PART("a"), PART("b"), PART("c"), PART("d"), PART("e"), PART("f"), LAST("g") },
	  "text(abcdefg)", ANYWHERE },
	{ "5.4-empty-first", { TEXT_PART(""), LAST("a") }, "text(a)", ANYWHERE },
	{ "5.4-empty-middle", { TEXT_PART("a"), PART(""), PART(""), LAST("b") }, "text(ab)", ANYWHERE },
	{ "5.4-empty-last", { TEXT_PART("a"), LAST("") }, "text(a)", ANYWHERE },
	{ "5.4-empty-all", { BINARY_PART(""), PART(""), LAST("") }, "binary()", ANYWHERE },
	{ "5.4-message-not-over", { TEXT_PART("a"), PART("b") }, "...", ANYWHERE },
	{ "5.4-empty-message-not-over", { TEXT_PART("") }, "...", ANYWHERE },
	{ "5.4-large-fragments", { LONG(0x02, 26000), LONG(0x00, 26000), LONG(0x80, 26000) }, "binary(78000 ok)", ANYWHERE },
	{ "5.4-fragments-of-each-form", { LONG(0x01, 104), LONG(0x00, 130), LONG(0x80, 65546) }, "text(65780 ok)", ANYWHERE },
	{ "5.4-message-after-fragments", { TEXT_PART("a"), LAST("b"), TEXT("c"), BINARY_PART("d"), LAST("e") },
	  "text(ab) text(c) binary(de)", ANYWHERE },
	ONE("5.4-continuation-alone", LAST("a"), "fail(1002 5.4)", HEADER, 1),
	ONE("5.4-continuation-alone-not-final", PART("a"), "fail(1002 5.4)", HEADER, 1),
	{ "5.4-continuation-after-text", { TEXT("a"), LAST("b") }, "text(a) fail(1002 5.4)", HEADER, 1 },
	{ "5.4-continuation-after-fragments", { TEXT_PART("a"), LAST("b"), PART("c") }, "text(ab) fail(1002 5.4)", HEADER, 1 },
	{ "5.4-continuation-after-ping", { PING(""), LAST("c") }, "ping() fail(1002 5.4)", HEADER, 1 },
	{ "5.4-text-in-text", { TEXT_PART("a"), TEXT("b") }, "fail(1002 5.4)", HEADER, 1 },
	{ "5.4-binary-in-text", { TEXT_PART("a"), BINARY("b") }, "fail(1002 5.4)", HEADER, 1 },
	{ "5.4-text-in-binary", { BINARY_PART("a"), TEXT_PART("b") }, "fail(1002 5.4)", HEADER, 1 },
	{ "5.4-text-in-empty-text", { TEXT_PART(""), TEXT("b") }, "fail(1002 5.4)", HEADER, 1 },
	{ "5.4-ping-between", { TEXT_PART("a"), PING("x"), LAST("b") }, "ping(x) text(ab)", ANYWHERE },
	{ "5.4-pong-between", { BINARY_PART("a"), PONG("x"), LAST("b") }, "pong(x) binary(ab)", ANYWHERE },
	{ "5.4-pings-between-each", { TEXT_PART("a"), PING("x"), PART("b"), PING(""), PONG("z"), LAST("c") },
	  "ping(x) ping() pong(z) text(abc)", ANYWHERE },
	{ "5.4-ping-inside-a-code-point", { TEXT_PART("\xe2\x82"), PING("\xff"), LAST("\xac") }, "ping(\xff) text(\xe2\x82\xac)",
	  ANYWHERE },
	{ "5.4-close-between", { TEXT_PART("a"), CLOSE("\x03\xe8") }, "close(1000 ) ...", ANYWHERE },
	{ "5.4-large-ping-between", { LONG(0x02, 2600), PING(A125), LONG(0x80, 2600) }, "ping(" A125 ") binary(5200 ok)", ANYWHERE },

	/* 5.5 */
	ONE("5.5-ping-fragment", FRAME(0x09, "a"), "fail(1002 5.5)", HEADER, 1),
	ONE("5.5-pong-fragment", FRAME(0x0a, "a"), "fail(1002 5.5)", HEADER, 1),
	ONE("5.5-close-fragment", FRAME(0x08, "\x03\xe8"), "fail(1002 5.5)", HEADER, 1),
	{ "5.5-ping-fragment-in-message", { TEXT_PART("a"), FRAME(0x09, "") }, "fail(1002 5.5)", HEADER, 1 },
	ONE("5.5-ping-126", LONG(0x89, 126), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5-pong-126", LONG(0x8a, 126), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5-close-126", LONG(0x88, 126), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5-ping-65536", LONG(0x89, 65536), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5-ping-form-126", FORM(0x89, 126, 5), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5-ping-form-127", FORM(0x89, 127, 5), "fail(1002 5.5)", HEADER, 2),
	ONE("5.5.2-ping-empty", PING(""), "ping()", ANYWHERE),
	ONE("5.5.2-ping-binary", PING("\xff\xfe"), "ping(\xff\xfe)", ANYWHERE),
	ONE("5.5.2-ping-125", PING(A125), "ping(" A125 ")", ANYWHERE),
	ONE("5.5.2-ping-not-yet", CLAIM(0x89, 5, "Hell"), "...", ANYWHERE),
	ONE("5.5.3-pong-unasked", PONG("a"), "pong(a)", ANYWHERE),
	ONE("5.5.3-pong-125", PONG(A125), "pong(" A125 ")", ANYWHERE),
	ONE("5.5.1-close-empty", CLOSE(""), "close(1005 )", ANYWHERE),
	ONE("5.5.1-close-1-octet", CLOSE("\x03"), "fail(1002 5.5.1)", ANYWHERE),
	ONE("5.5.1-close-reason-123", CLOSE("\x03\xe8" A64 A16 A16 A16 "abcdefghijk"), "close(1000 " A64 A16 A16 A16 "abcdefghijk)",
	    ANYWHERE),
	{ "5.5.1-after-close", { CLOSE("\x03\xe8"), TEXT("a") }, "close(1000 ) text(a)", ANYWHERE },

	/* 7.1.7 */
	{ "7.1.7-nothing-after-failure", { FRAME(0x83, ""), TEXT("a"), FRAME(0x84, "") }, "fail(1002 5.2)", ANYWHERE },
	{ "7.1.7-message-before-failure", { TEXT("a"), FRAME(0x83, ""), TEXT("b") }, "text(a) fail(1002 5.2)", ANYWHERE },
	{ "7.1.7-failure-ends-assembly", { LONG(0x02, 5000), FRAME(0x83, ""), LAST("") }, "fail(1002 5.2)", ANYWHERE },

	/* 7.4 */
	CODE(1000, "\x03", "\xe8"),
	CODE(1001, "\x03", "\xe9"),
	CODE(1002, "\x03", "\xea"),
	CODE(1003, "\x03", "\xeb"),
	CODE(1007, "\x03", "\xef"),
	CODE(1008, "\x03", "\xf0"),
	CODE(1009, "\x03", "\xf1"),
	CODE(1010, "\x03", "\xf2"),
	CODE(1011, "\x03", "\xf3"),
	CODE(1012, "\x03", "\xf4"),
	CODE(1013, "\x03", "\xf5"),
	CODE(1014, "\x03", "\xf6"),
	CODE(3000, "\x0b", "\xb8"),
	CODE(3999, "\x0f", "\x9f"),
	CODE(4000, "\x0f", "\xa0"),
	CODE(4999, "\x13", "\x87"),
	NO_CODE(0, "\0", "\0"),
	NO_CODE(999, "\x03", "\xe7"),
	NO_CODE(1004, "\x03", "\xec"),
	NO_CODE(1005, "\x03", "\xed"),
	NO_CODE(1006, "\x03", "\xee"),
	NO_CODE(1015, "\x03", "\xf7"),
	NO_CODE(1016, "\x03", "\xf8"),
	NO_CODE(1100, "\x04", "\x4c"),
	NO_CODE(2000, "\x07", "\xd0"),
	NO_CODE(2999, "\x0b", "\xb7"),
	NO_CODE(5000, "\x13", "\x88"),
	NO_CODE(65535, "\xff", "\xff"),

	/* 8.1 */
	VALID("2-octets-first", "\xc2\x80"),
	VALID("2-octets-last", "\xdf\xbf"),
	VALID("3-octets-first", "\xe0\xa0\x80"),
	VALID("before-surrogates", "\xed\x9f\xbf"),
	VALID("after-surrogates", "\xee\x80\x80"),
	VALID("3-octets-last", "\xef\xbf\xbf"),
	VALID("4-octets-first", "\xf0\x90\x80\x80"),
	VALID("4-octets-last", "\xf4\x8f\xbf\xbf"),
	VALID("byte-order-mark", "\xef\xbb\xbf" "a"),
	VALID("greek", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"),
	VALID("behind-ascii", A64 A16 "\xf0\x9f\x98\x80" A16),
	{ "8.1-code-point-in-octets", { TEXT_PART("\xf4"), PART("\x8f"), PART(""), PART("\xbf"), LAST("\xbf") },
	  "text(\xf4\x8f\xbf\xbf)", ANYWHERE },
	{ "8.1-code-points-across", { TEXT_PART("\xc3"), PART("\xa9\xe2\x82"), LAST("\xac") }, "text(\xc3\xa9\xe2\x82\xac)", ANYWHERE },
	INVALID("continuation", "\x80", 1),
	INVALID("continuation-later", "ab\xbf", 3),
	INVALID("overlong-2-first", "\xc0\x80", 1),
	INVALID("overlong-2-last", "\xc1\xbf", 1),
	INVALID("overlong-3-first", "\xe0\x80\x80", 2),
	INVALID("overlong-3-last", "\xe0\x9f\xbf", 2),
	INVALID("overlong-4-first", "\xf0\x80\x80\x80", 2),
	INVALID("overlong-4-last", "\xf0\x8f\xbf\xbf", 2),
	INVALID("surrogate-first", "\xed\xa0\x80", 2),
	INVALID("surrogate-last", "\xed\xbf\xbf", 2),
	INVALID("above-last", "\xf4\x90\x80\x80", 2),
	INVALID("lead-f5", "\xf5\x80\x80\x80", 1),
	INVALID("lead-f8", "\xf8\x88\x80\x80\x80", 1),
	INVALID("octet-fe", "\xfe", 1),
	INVALID("octet-ff", "a\xff", 2),
	INVALID("lead-twice", "\xc3\xc3\xa9", 2),
	INVALID("ascii-inside", "\xe2\x82" "a", 3),
	INVALID("at-16", A16 "\xff", 17),
	INVALID("at-80", A64 A16 "\x80", 81),
	INVALID("inside-a-step", A16 "abc\xed\xa0\x80" A16, 21),
	CUT_SHORT("2", "\xc3"),
	CUT_SHORT("3", "\xe2\x82"),
	CUT_SHORT("3-lead", "\xe2"),
	CUT_SHORT("4", "\xf0\x9f\x98"),
	CUT_SHORT("4-behind-ascii", A64 "\xf0\x9f"),
	{ "8.1-wrong-in-third-fragment", { TEXT_PART("a\xe2"), PART("\x82"), CLAIM(0x80, 200, "\x28") }, "fail(1007 8.1)", PAYLOAD, 1 },
	{ "8.1-binary-is-not-text", { BINARY_PART("\xc3"), LAST("\x28\xff") }, "binary(\xc3\x28\xff)", ANYWHERE },

	/* 10.4 */
	ONE("10.4-at-the-limit", TEXT(A16), "text(" A16 ")", ANYWHERE, 0, 16),
	ONE("10.4-one-more", CLAIM(0x81, 17, "a"), "fail(1009 10.4 17)", HEADER, 2, 16),
	ONE("10.4-one-more-whole", BINARY(A16 "q"), "fail(1009 10.4 17)", HEADER, 2, 16),
	ONE("10.4-form-126", FORM(0x82, 126, 1000), "fail(1009 10.4 1000)", HEADER, 4, 999),
	ONE("10.4-form-127", FORM(0x82, 127, 65536), "fail(1009 10.4 65536)", HEADER, 10, 65535),
	ONE("10.4-tebibyte", FORM(0x81, 127, (uint64_t)1 << 40), "fail(1009 10.4 1099511627776)", HEADER, 10),
	ONE("10.4-largest-length", FORM(0x81, 127, INT64_MAX), "fail(1009 10.4 9223372036854775807)", HEADER, 10),
	ONE("10.4-no-limit-claims", FORM(0x81, 127, INT64_MAX), "...", ANYWHERE, 0, UINT64_MAX),
	{ "10.4-fragments-at-the-limit", { TEXT_PART("0123456789"), PART("01234"), LAST("5") }, "text(0123456789012345)", ANYWHERE, 0, 16 },
	{ "10.4-fragments-one-more", { TEXT_PART("0123456789"), CLAIM(0x80, 7, "0") }, "fail(1009 10.4 17)", HEADER, 2, 16 },
	{ "10.4-fragments-large", { BINARY_PART("0123456789"), FORM(0x00, 127, INT64_MAX) }, "fail(1009 10.4 9223372036854775817)",
	  HEADER, 10, 16 },
	{ "10.4-empty-at-the-limit", { TEXT_PART(A16), PART(""), LAST("") }, "text(" A16 ")", ANYWHERE, 0, 16 },
	{ "10.4-control-is-not-limited", { TEXT_PART(A16), PING(A125), LAST("") }, "ping(" A125 ") text(" A16 ")", ANYWHERE, 0, 16 },
	{ "10.4-next-message-anew", { TEXT(A16), TEXT_PART("abcdefgh"), LAST("ijklmnop"), TEXT(A16) },
	  "text(" A16 ") text(" A16 ") text(" A16 ")", ANYWHERE, 0, 16 },
	{ "10.4-fragments-at-the-count", { TEXT_PART("a"), PART("b"), LAST("c") }, "text(abc)", ANYWHERE, 0, 0, 3 },
	{ "10.4-fragments-over-the-count", { TEXT_PART("a"), PART("b"), PART("c"), LAST("d") }, "fail(1008 10.4)", HEADER, 1, 0, 3 },
	{ "10.4-empty-fragments-count", { TEXT_PART(""), PART(""), PART(""), PART("") }, "fail(1008 10.4)", HEADER, 1, 0, 3 },
	{ "10.4-control-frames-do-not-count", { TEXT_PART("a"), PING(""), PING(""), PONG(""), LAST("b") },
	  "ping() ping() pong() text(ab)", ANYWHERE, 0, 0, 2 },
	{ "10.4-count-begins-anew", { TEXT_PART("a"), LAST("b"), TEXT("c"), TEXT_PART("d"), LAST("e") }, "text(ab) text(c) text(de)",
	  ANYWHERE, 0, 0, 2 },
	{ "10.4-one-frame-a-message", { TEXT("a"), TEXT_PART("b"), LAST("c") }, "text(a) fail(1008 10.4)", HEADER, 1, 0, 1 },
	{ "10.4-first-rule-wins", { TEXT_PART("a"), FRAME(0xc3, "") }, "fail(1002 5.2)", HEADER, 1, 0, 1 },
};

/* clang-format on */

enum { CASES = sizeof(cases) / sizeof(cases[0]), DEFAULT_LIMIT = 1 << 20 };

/* One octet stream, and what must come of it. */
struct run {
	const struct rfc_case *rfc;
	enum ws_role role;
	uint8_t *bytes;
	size_t size;
	size_t fails_at; /* octets that must have been read when the failure is seen; 0: anywhere */
	char expect[LOG];
	size_t expect_size;
};

struct outcome {
	char log[LOG];
	size_t size;
	size_t failed_at;
};

static uint8_t alphabet(size_t at)
{
	return (uint8_t)('a' + at % 26);
}

static size_t put_frame(const struct frame *frame, enum ws_role role, unsigned number, uint8_t *out, size_t *ret_header)
{
	uint64_t length = frame->claim != 0 || frame->form != 0 ? frame->claim : frame->size;
	bool masked = (role == WS_SERVER) != ((frame->flags & WRONG_MASKING) != 0);
	unsigned form = frame->form != 0 ? frame->form : length < 126 ? (unsigned)length : length < 65536 ? 126 : 127;
	uint8_t mask[4] = { (uint8_t)(0x37 + number), 0xfa, 0x21, 0x3d };
	size_t size = 2;

	out[0] = frame->first;
	out[1] = (uint8_t)((masked ? 0x80 : 0) | form);
	for (int shift = form == 127 ? 56 : form == 126 ? 8 : -8; shift >= 0; shift -= 8)
		out[size++] = (uint8_t)(length >> shift);
	if ((frame->flags & ZERO_MASK) != 0)
		memset(mask, 0, sizeof(mask));
	if (masked) {
		memcpy(out + size, mask, 4);
		size += 4;
	}
	*ret_header = size;
	for (size_t i = 0; i < frame->size; i++)
		out[size + i] = (uint8_t)((frame->payload != NULL ? (uint8_t)frame->payload[i] : alphabet(i)) ^
					  (masked ? mask[i % 4] : 0));
	return size + frame->size;
}

static void build(struct run *run)
{
	const struct frame *last = NULL;
	size_t room = 1, header = 0, start = 0;
	const char *expect = run->rfc->expect;

	for (unsigned i = 0; i < FRAMES; i++)
		room += run->rfc->frames[i].size + 14;
	run->bytes = malloc(room);
	assert_non_null(run->bytes);
	for (unsigned i = 0; i < FRAMES && run->rfc->frames[i].flags != 0; i++) {
		last = &run->rfc->frames[i];
		start = run->size;
		run->size += put_frame(last, run->role, i, run->bytes + run->size, &header);
	}
	if (run->rfc->place != ANYWHERE)
		run->fails_at = start + run->rfc->octet + (run->rfc->place == PAYLOAD ? header : 0);
	/* Only a server sees masks: the note "0" of a zero one is for it alone. */
	for (; *expect != '\0'; expect++)
		if (*expect != '0' || expect[-1] != ')' || run->role == WS_SERVER)
			run->expect[run->expect_size++] = *expect;
}

static void put(struct outcome *outcome, const void *bytes, size_t size)
{
	assert_true(size <= LOG - outcome->size);
	memcpy(outcome->log + outcome->size, bytes, size);
	outcome->size += size;
}

static void put_text(struct outcome *outcome, const char *text)
{
	put(outcome, text, strlen(text));
}

static void put_number(struct outcome *outcome, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put_text(outcome, text);
}

/* Payloads made by LONG are noted by their size, others as they are. */
static void put_payload(struct outcome *outcome, const struct rfc_case *rfc, const struct ws_item *item)
{
	bool large = false, same = true;

	for (unsigned i = 0; i < FRAMES; i++)
		large = large || (rfc->frames[i].flags != 0 && rfc->frames[i].payload == NULL);
	if (!large || item->opcode >= WS_CLOSE) {
		put(outcome, item->payload, item->size);
		return;
	}
	for (size_t i = 0; i < item->size; i++)
		same = same && item->payload[i] == alphabet(i);
	put_number(outcome, item->size);
	put_text(outcome, same ? " ok" : " differs");
}

static void put_failure(struct outcome *outcome, const struct ws_item *item)
{
	const char *section = strchr(strchr(item->rule, ' ') + 1, ' ') + 1;

	put_text(outcome, "fail(");
	put_number(outcome, item->code);
	put_text(outcome, " ");
	put(outcome, section, (size_t)(strchr(section, ':') - section));
	if (item->declared != 0) {
		put_text(outcome, " ");
		put_number(outcome, item->declared);
	}
	put_text(outcome, ")");
}

static void put_item(struct outcome *outcome, const struct rfc_case *rfc, enum ws_step step, const struct ws_item *item)
{
	static const char *const names[] = { [WS_TEXT] = "text(",
					     [WS_BINARY] = "binary(",
					     [WS_CLOSE] = "close(",
					     [WS_PING] = "ping(",
					     [WS_PONG] = "pong(" };

	if (outcome->size != 0)
		put_text(outcome, " ");
	if (step == WS_FAIL) {
		put_failure(outcome, item);
		return;
	}
	assert_int_equal(step, item->opcode >= WS_CLOSE ? WS_CONTROL : WS_MESSAGE);
	assert_non_null(item->payload);
	put_text(outcome, names[item->opcode]);
	if (item->opcode == WS_CLOSE) {
		put_number(outcome, item->code);
		put_text(outcome, " ");
	}
	put_payload(outcome, rfc, item);
	put_text(outcome, item->zero_mask ? ")0" : ")");
}

/* Reads a first piece, then pieces of step octets; each is a block of its own, so that reading beyond it is seen. */
static void read_cut(const struct run *run, size_t first, size_t step, struct outcome *ret_outcome)
{
	const struct rfc_case *rfc = run->rfc;
	struct ws_limits limits = { rfc->max_message != 0 ? rfc->max_message : DEFAULT_LIMIT, rfc->max_fragments };
	struct ws_reader reader;
	struct pool pool;
	struct ws_item item;
	enum ws_step result;

	ret_outcome->size = 0;
	ret_outcome->failed_at = 0;
	pool_init(&pool);
	ws_reader_init(&reader, run->role);
	for (size_t at = 0, piece = first; at < run->size; at += piece, piece = step) {
		uint8_t *copy, *bytes;
		size_t size;

		piece = piece < run->size - at ? piece : run->size - at;
		bytes = copy = malloc(piece);
		assert_non_null(copy);
		memcpy(copy, run->bytes + at, piece);
		size = piece;
		while ((result = ws_reader_next(&reader, &limits, &pool, &bytes, &size, &item)) != WS_MORE) {
			assert_true(result != WS_FAIL || ret_outcome->failed_at == 0);
			if (result == WS_FAIL)
				ret_outcome->failed_at = at + piece;
			put_item(ret_outcome, rfc, result, &item);
		}
		assert_int_equal(size, 0);
		assert_ptr_equal(bytes, copy + piece);
		free(copy);
	}
	if (ret_outcome->failed_at == 0 && !ws_reader_idle(&reader))
		put_text(ret_outcome, ret_outcome->size != 0 ? " ..." : "...");
	ws_reader_fini(&reader, &pool);
	pool_fini(&pool);
}

static void check_same(const struct run *run, size_t first, size_t step)
{
	struct outcome outcome;

	read_cut(run, first, step, &outcome);
	if (outcome.size != run->expect_size || memcmp(outcome.log, run->expect, outcome.size) != 0)
		fail_msg("cut at %zu, then each %zu: got %.*s, not %.*s", first, step, (int)outcome.size, outcome.log,
			 (int)run->expect_size, run->expect);
	if (first == 1 && step == 1 && run->fails_at != 0 && outcome.failed_at != run->fails_at)
		fail_msg("failure seen after %zu octets, not %zu", outcome.failed_at, run->fails_at);
}

/* Without memory it fails with 1011, and what came before is right. */
static void check_no_memory(const struct run *run, size_t step)
{
	static const char lost[] = "fail(1011 7.4.1)";
	const size_t lost_size = sizeof(lost) - 1;
	struct outcome outcome;

	for (uint64_t n = 1;; n++) {
		mem_fail_at(n);
		read_cut(run, step, step, &outcome);
		if (mem_fail_at(0) < n)
			return;
		assert_true(outcome.size >= lost_size);
		assert_memory_equal(outcome.log + outcome.size - lost_size, lost, lost_size);
		assert_true(outcome.size - lost_size <= run->expect_size);
		assert_memory_equal(outcome.log, run->expect, outcome.size - lost_size);
	}
}

static void check_case(void **state)
{
	struct run *run = *state;
	/* Of a large case the beginning and the end are cut at each octet. */
	size_t every = run->size <= ALL_CUTS ? run->size : ALL_CUTS / 10;

	check_same(run, run->size, run->size);
	check_same(run, 1, 1);
	for (size_t at = 1; at < every; at++) {
		check_same(run, at, run->size);
		check_same(run, run->size - at, run->size);
	}
	check_same(run, 7, 1000);
	check_no_memory(run, run->size);
	check_no_memory(run, run->size <= ALL_CUTS ? 1 : 1000);
}

static int free_run(void **state)
{
	struct run *run = *state;

	free(run->bytes);
	return 0;
}

static int make_run(void **state)
{
	build(*state);
	return 0;
}

int main(void)
{
	static struct CMUnitTest tests[2 * CASES];
	static struct run runs[2 * CASES];
	static char names[2 * CASES][80];

	for (size_t i = 0; i < 2 * CASES; i++) {
		runs[i].rfc = &cases[i / 2];
		runs[i].role = i % 2 == 0 ? WS_SERVER : WS_CLIENT;
		snprintf(names[i], sizeof(names[i]), "%s %s", cases[i / 2].name, i % 2 == 0 ? "server" : "client");
		tests[i] = (struct CMUnitTest){ names[i], check_case, make_run, free_run, &runs[i] };
	}
	return _cmocka_run_group_tests("RFC 6455", tests, 2 * CASES, NULL, NULL);
}
