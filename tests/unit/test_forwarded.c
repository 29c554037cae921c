/* codec/forwarded: addresses as proxies write them, and that nothing put in front of a proxy's element changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/slice.h"
#include "codec/forwarded.h"

static struct http1_head head;

static void addresses_have_ports_and_brackets_and_nothing_else(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:80", "192.0.2.1" },
		{ "192.0.2.1:_x", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:65535", "2001:db8::1" },
		{ "::1", "::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "[::ffff:192.0.2.1]:1", "192.0.2.1" },
		{ "", NULL },
		{ ":", NULL },
		{ ":80", NULL },
		{ "[]", NULL },
		{ "[]:80", NULL },
		{ "[192.0.2.1]", NULL },
		{ "[2001:db8::1", NULL },
		{ "2001:db8::1]", NULL },
		{ "[2001:db8::1]80", NULL },
		{ "[2001:db8::1]:", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:123456", NULL },
		{ "192.0.2.1:8x", NULL },
		{ "192.0.2.1:_", NULL },
		{ "192.0.2.1:80:80", NULL },
		{ "192.0.2.01", NULL },
		{ "fe80::1%eth0", NULL },
		{ "unknown", NULL },
		{ "_hidden", NULL },
		{ "localhost", NULL },
		{ "192.0.2.1 ", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fw_addr address = { 0 };
		bool read = forwarded_address(slice_text(rows[i][0]), &address);
		char text[ADDR_TEXT];

		if (read != (rows[i][1] != NULL))
			fail_msg("%s: %s", rows[i][0], read ? "read" : "not read");
		if (!read)
			continue;
		addr_format(&address, text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void read_value(enum forwarded_kind kind, struct fw_slice value, struct forwarded *ret_forwarded)
{
	head.count = 2;
	head.fields[0] = (struct http1_field){ slice_text("Host"), slice_text("localhost") };
	head.fields[1] =
		(struct http1_field){ slice_text(kind == FORWARDED_STANDARD ? "forwarded" : "x-forwarded-for"), value };
	forwarded_read(&head, kind, ret_forwarded);
}

static void too_many_are_not_whole(void **state)
{
	char text[40 * LIMIT_FORWARDED] = "";
	struct forwarded said;

	(void)state;
	for (unsigned i = 0; i < LIMIT_FORWARDED; i++)
		strcat(text, "for=192.0.2.1, ");
	read_value(FORWARDED_STANDARD, slice_text(text), &said);
	assert_true(said.whole);
	assert_int_equal(said.count, LIMIT_FORWARDED);
	strcat(text, "for=192.0.2.1");
	read_value(FORWARDED_STANDARD, slice_text(text), &said);
	assert_false(said.whole);
	assert_int_equal(said.count, LIMIT_FORWARDED);
}

static uint64_t state64 = 88172645463325252u;

static unsigned next(unsigned below)
{
	state64 ^= state64 << 13;
	state64 ^= state64 >> 7;
	state64 ^= state64 << 17;
	return (unsigned)(state64 >> 33) % below;
}

/* Pieces that mean something in one of the two headers. */
static size_t forge(char *text)
{
	static const char *const pieces[] = { "for=",
					      "\"",
					      "\\",
					      ",",
					      ";",
					      "=",
					      "6.6.6.6",
					      "[",
					      "]",
					      ":",
					      " ",
					      "\t",
					      "x",
					      "[2001:db8::6]",
					      "FOR=\"6.6.6.6\"",
					      "by=",
					      "1",
					      "proto",
					      ", " };
	size_t size = 0;

	for (unsigned left = next(12); left != 0; left--) {
		const char *piece = pieces[next(sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(text + size, piece, strlen(piece));
		size += strlen(piece);
	}
	return size;
}

static void check_forged(enum forwarded_kind kind, const char *appended, bool always)
{
	static const char proxy[] = "203.0.113.5";
	struct forwarded said;
	struct fw_addr real;
	char text[512], *fit;
	size_t size = forge(text);

	addr_parse(slice_text(proxy), &real);
	memcpy(text + size, appended, strlen(appended));
	size += strlen(appended);
	fit = malloc(size); /* a sanitizer sees an octet too many */
	assert_non_null(fit);
	memcpy(fit, text, size);
	read_value(kind, slice(fit, size), &said);
	if (always ? said.count == 0 || !addr_equal(&said.addresses[0], &real)
		   : said.count != 0 && !addr_equal(&said.addresses[0], &real))
		fail_msg("%.*s", (int)size, fit);
	free(fit);
}

static void what_stands_in_front_of_a_proxys_element_does_not_change_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		check_forged(FORWARDED_X_FOR, ", 203.0.113.5", true);
		check_forged(FORWARDED_STANDARD, ", for=203.0.113.5;proto=https", false);
		check_forged(FORWARDED_STANDARD, ", for=\"203.0.113.5\";host=\"a,b\"", false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_ports_and_brackets_and_nothing_else),
		cmocka_unit_test(too_many_are_not_whole),
		cmocka_unit_test(what_stands_in_front_of_a_proxys_element_does_not_change_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
