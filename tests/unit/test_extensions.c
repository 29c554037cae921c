/* codec/extensions: offers and answers of permessage-deflate, by RFC 6455 9.1 and RFC 7692 7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "codec/extensions.h"

#define BOTH "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define NOTHING ""
#define BAD NULL

struct offer_case {
	const char *offer;  /* of one field, or of several: lines are split at '\n' */
	const char *answer; /* NOTHING: none; BAD: malformed */
};

static struct http1_head head;

static void head_of(const char *values)
{
	unsigned count = 0;

	memset(&head, 0, sizeof(head));
	head.fields[count++] = (struct http1_field){ slice_text("Host"), slice_text("localhost") };
	while (values != NULL) {
		const char *end = strchr(values, '\n');
		size_t size = end != NULL ? (size_t)(end - values) : strlen(values);
		const char *name = count % 2 == 1 ? "Sec-WebSocket-Extensions" : "sec-websocket-EXTENSIONS";

		head.fields[count++] = (struct http1_field){ slice_text(name), slice_trim(slice(values, size)) };
		values = end != NULL ? end + 1 : NULL;
	}
	head.fields[count++] = (struct http1_field){ slice_text("Accept"), slice_text("permessage-deflate") };
	head.count = (uint16_t)count;
}

static const struct offer_case offers[] = {
	{ NULL, NOTHING },
	{ "", NOTHING },
	{ " , ,", NOTHING },
	{ "permessage-deflate", BOTH },
	{ " permessage-deflate ", BOTH },
	{ ",permessage-deflate,", BOTH },
	/* What the browsers say. */
	{ "permessage-deflate; client_max_window_bits", BOTH },
	{ "x-webkit-deflate-frame", NOTHING },
	/* 7.1.1: no value. */
	{ "permessage-deflate; server_no_context_takeover", BOTH },
	{ "permessage-deflate; client_no_context_takeover", BOTH },
	{ "permessage-deflate;server_no_context_takeover;client_no_context_takeover", BOTH },
	{ "permessage-deflate; client_no_context_takeover; server_no_context_takeover", BOTH },
	{ "permessage-deflate; server_no_context_takeover=true", NOTHING },
	{ "permessage-deflate; client_no_context_takeover=1", NOTHING },
	{ "permessage-deflate; server_no_context_takeover=\"x\"", NOTHING },
	/* 7.1.2.1: 8 to 15, and there must be one. */
	{ "permessage-deflate; server_max_window_bits", NOTHING },
	{ "permessage-deflate; server_max_window_bits=7", NOTHING },
	{ "permessage-deflate; server_max_window_bits=8", BOTH "; server_max_window_bits=8" },
	{ "permessage-deflate; server_max_window_bits=9", BOTH "; server_max_window_bits=9" },
	{ "permessage-deflate; server_max_window_bits=10", BOTH "; server_max_window_bits=10" },
	{ "permessage-deflate; server_max_window_bits=11", BOTH "; server_max_window_bits=11" },
	{ "permessage-deflate; server_max_window_bits=12", BOTH "; server_max_window_bits=12" },
	{ "permessage-deflate; server_max_window_bits=13", BOTH "; server_max_window_bits=13" },
	{ "permessage-deflate; server_max_window_bits=14", BOTH "; server_max_window_bits=14" },
	{ "permessage-deflate; server_max_window_bits=15", BOTH "; server_max_window_bits=15" },
	{ "permessage-deflate; server_max_window_bits=16", NOTHING },
	{ "permessage-deflate; server_max_window_bits=0", NOTHING },
	{ "permessage-deflate; server_max_window_bits=08", NOTHING },
	{ "permessage-deflate; server_max_window_bits=015", NOTHING },
	{ "permessage-deflate; server_max_window_bits=+9", NOTHING },
	{ "permessage-deflate; server_max_window_bits=-9", NOTHING },
	{ "permessage-deflate; server_max_window_bits=1", NOTHING },
	{ "permessage-deflate; server_max_window_bits=115", NOTHING },
	{ "permessage-deflate; server_max_window_bits=1x", NOTHING },
	{ "permessage-deflate; server_max_window_bits=4294967304", NOTHING },
	{ "permessage-deflate; server_max_window_bits=\"10\"", BOTH "; server_max_window_bits=10" },
	{ "permessage-deflate; server_max_window_bits=\"\\1\\0\"", BOTH "; server_max_window_bits=10" },
	{ "permessage-deflate; server_max_window_bits = 10", BOTH "; server_max_window_bits=10" },
	{ "permessage-deflate\t;\tserver_max_window_bits\t=\t\"10\"\t", BOTH "; server_max_window_bits=10" },
	/* 7.1.2.2: with or without a value. */
	{ "permessage-deflate; client_max_window_bits=8", BOTH },
	{ "permessage-deflate; client_max_window_bits=15", BOTH },
	{ "permessage-deflate; client_max_window_bits=\"12\"", BOTH },
	{ "permessage-deflate; client_max_window_bits=7", NOTHING },
	{ "permessage-deflate; client_max_window_bits=16", NOTHING },
	{ "permessage-deflate; client_max_window_bits=09", NOTHING },
	/* 7: unknown and repeated ones. */
	{ "permessage-deflate; window=9", NOTHING },
	{ "permessage-deflate; SERVER_MAX_WINDOW_BITS=9", NOTHING },
	{ "permessage-deflate; client_max_window_bits; client_max_window_bits", NOTHING },
	{ "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", NOTHING },
	{ "permessage-deflate; server_max_window_bits=9; server_max_window_bits=10", NOTHING },
	{ "permessage-deflate; server_no_context_takeover; server_no_context_takeover", NOTHING },
	{ "permessage-deflate; client_no_context_takeover; client_no_context_takeover", NOTHING },
	/* 7.1.3: fallback. */
	{ "permessage-deflate; server_max_window_bits=16, permessage-deflate", BOTH },
	{ "permessage-deflate; x, permessage-deflate; server_max_window_bits=9, permessage-deflate",
	  BOTH "; server_max_window_bits=9" },
	{ "permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=11",
	  BOTH "; server_max_window_bits=10" },
	{ "permessage-bzip2, permessage-snappy; a=b, permessage-deflate", BOTH },
	{ "foo; bar=\"baz\"", NOTHING },
	{ "permessage-deflate; x\npermessage-deflate; server_max_window_bits=9", BOTH "; server_max_window_bits=9" },
	{ "foo\n\nbar\npermessage-deflate", BOTH },
	/* RFC 6455 9.1. */
	{ "permessage-deflate;", BAD },
	{ "permessage-deflate; ;client_max_window_bits", BAD },
	{ "permessage-deflate; =9", BAD },
	{ "permessage-deflate; server_max_window_bits=", BAD },
	{ "permessage-deflate; server_max_window_bits==9", BAD },
	{ "permessage-deflate; server_max_window_bits=\"", BAD },
	{ "permessage-deflate; server_max_window_bits=\"9", BAD },
	{ "permessage-deflate; server_max_window_bits=\"\"", BAD },
	{ "permessage-deflate; server_max_window_bits=\"9 \"", BAD },
	{ "permessage-deflate; server_max_window_bits=\"9\\", BAD },
	{ "permessage-deflate; server_max_window_bits=\"9\"9", BAD },
	{ "permessage-deflate; server_max_window_bits=9 9", BAD },
	{ "permessage-deflate; server_max_window_bits=\"9,10\"", BAD },
	{ "permessage-deflate client_max_window_bits", BAD },
	{ "permessage-deflate=9", BAD },
	{ "permessage deflate", BAD },
	{ ";client_max_window_bits", BAD },
	{ "=", BAD },
	{ "\"permessage-deflate\"", BAD },
	{ "(permessage-deflate)", BAD },
	{ "permessage-deflate; \"client_max_window_bits\"", BAD },
	/* What is malformed behind a good offer is malformed all the same. */
	{ "permessage-deflate, foo;", BAD },
	{ "permessage-deflate\nfoo bar", BAD },
};

static void offers_are_taken_or_passed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct extensions_deflate offer;
		char text[EXTENSIONS_TEXT + 1] = "";
		enum extensions_result result;

		head_of(offers[i].offer);
		result = extensions_offered(&head, &offer);
		if (result == EXTENSIONS_DEFLATE)
			text[extensions_write_answer(&offer, text)] = '\0';
		if (offers[i].answer == BAD ? result != EXTENSIONS_MALFORMED
					    : result == EXTENSIONS_MALFORMED || strcmp(text, offers[i].answer) != 0)
			fail_msg("offer '%s': result %d, answer '%s'", offers[i].offer, result, text);
	}
}

/* Every combination of parameters, in every order of the four, is taken and its window honoured. */
static void every_combination_is_taken(void **state)
{
	static const char *const client[] = { "", "; client_max_window_bits", "; client_max_window_bits=8",
					      "; client_max_window_bits=9", "; client_max_window_bits=15" };
	unsigned cases = 0;

	(void)state;
	for (unsigned bits = 7; bits <= 15; bits++) {
		for (unsigned flags = 0; flags < 8; flags++) {
			for (size_t c = 0; c < sizeof(client) / sizeof(client[0]); c++) {
				struct extensions_deflate offer;
				char text[256], server[40] = "", answer[EXTENSIONS_TEXT + 1], expected[160];
				const char *first = (flags & 4) != 0 ? client[c] : server;
				const char *last = (flags & 4) != 0 ? server : client[c];

				if (bits != 7)
					snprintf(server, sizeof(server), "; server_max_window_bits=%u", bits);
				snprintf(text, sizeof(text), "permessage-deflate%s%s%s%s", first,
					 (flags & 1) != 0 ? "; server_no_context_takeover" : "",
					 (flags & 2) != 0 ? "; client_no_context_takeover" : "", last);
				head_of(text);
				assert_int_equal(extensions_offered(&head, &offer), EXTENSIONS_DEFLATE);
				assert_int_equal(offer.server_bits, bits == 7 ? 0 : bits);
				assert_int_equal(offer.server_no_takeover, flags & 1);
				assert_int_equal(offer.client_no_takeover, flags >> 1 & 1);
				assert_int_equal(offer.client_bits_offered, c != 0);
				answer[extensions_write_answer(&offer, answer)] = '\0';
				snprintf(expected, sizeof(expected), BOTH "%s", server);
				assert_string_equal(answer, expected);
				cases++;
			}
		}
	}
	assert_int_equal(cases, 9 * 8 * 5);
}

struct answer_case {
	const char *answer;
	const char *cause; /* a part of it; NULL: it holds */
	uint8_t client_bits;
};

static const struct answer_case answers[] = {
	{ NULL, NULL, 0 },
	{ "", NULL, 0 },
	{ "permessage-deflate; server_no_context_takeover", NULL, 0 },
	{ BOTH, NULL, 0 },
	{ BOTH "; client_max_window_bits=15", NULL, 15 },
	{ BOTH "; client_max_window_bits=9", NULL, 9 },
	{ BOTH "; client_max_window_bits=8", NULL, 8 },
	{ BOTH "; client_max_window_bits=\"10\"", NULL, 10 },
	/* 7.1.2.1: the server may bound its own window unasked. */
	{ BOTH "; server_max_window_bits=9", NULL, 0 },
	{ BOTH "; server_max_window_bits=8; client_max_window_bits=11", NULL, 11 },
	{ "permessage-deflate", "7.1.1.1", 0 },
	{ "permessage-deflate; client_no_context_takeover", "7.1.1.1", 0 },
	{ BOTH "; client_max_window_bits", "7.1:", 0 },
	{ BOTH "; client_max_window_bits=7", "7.1:", 0 },
	{ BOTH "; client_max_window_bits=16", "7.1:", 0 },
	{ BOTH "; client_max_window_bits=9; client_max_window_bits=9", "7.1:", 0 },
	{ BOTH "; server_max_window_bits", "7.1:", 0 },
	{ BOTH "; server_max_window_bits=16", "7.1:", 0 },
	{ BOTH "; server_max_window_bits=09", "7.1:", 0 },
	{ BOTH "; server_no_context_takeover", "7.1:", 0 },
	{ BOTH "; window=9", "7.1:", 0 },
	{ "permessage-deflate; server_no_context_takeover=1", "7.1:", 0 },
	{ "permessage-bzip2", "not offered", 0 },
	{ "permessage-bzip2, " BOTH, "not offered", 0 },
	{ BOTH ", permessage-bzip2", "more extensions", 0 },
	{ BOTH ", " BOTH, "more extensions", 0 },
	{ BOTH "\n" BOTH, "more extensions", 0 },
	{ BOTH ";", "RFC 6455 9.1", 0 },
	{ "permessage-deflate; server_no_context_takeover=", "RFC 6455 9.1", 0 },
	{ "=", "RFC 6455 9.1", 0 },
};

static void answers_hold_or_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct extensions_deflate answer;
		enum extensions_result result;
		const char *cause, *expected = answers[i].cause;

		head_of(answers[i].answer);
		cause = extensions_answered(&head, &result, &answer);
		if ((cause == NULL) != (expected == NULL) || (cause != NULL && strstr(cause, expected) == NULL))
			fail_msg("answer '%s': cause %s", answers[i].answer, cause != NULL ? cause : "none");
		if (cause != NULL)
			continue;
		assert_int_equal(result, i < 2 ? EXTENSIONS_NONE : EXTENSIONS_DEFLATE);
		assert_int_equal(answer.client_bits, answers[i].client_bits);
	}
}

/* What this program offers is understood by its own reader, with all that it asks for. */
static void our_offer_is_good(void **state)
{
	struct extensions_deflate offer;

	(void)state;
	head_of(extensions_offer);
	assert_int_equal(extensions_offered(&head, &offer), EXTENSIONS_DEFLATE);
	assert_true(offer.server_no_takeover && offer.client_no_takeover && offer.client_bits_offered);
	assert_int_equal(offer.client_bits, 0);
	assert_int_equal(offer.server_bits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_are_taken_or_passed_over),
		cmocka_unit_test(every_combination_is_taken),
		cmocka_unit_test(answers_hold_or_fail),
		cmocka_unit_test(our_offer_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
