/* base/addr: RFC 4291 and 5952 by example, and the reader against inet_pton on mutated texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/slice.h"

static struct fw_addr addr_of(const char *text)
{
	struct fw_addr addr;

	if (!addr_parse(slice_text(text), &addr))
		fail_msg("%s is an address", text);
	return addr;
}

static struct addr_net net_of(const char *text)
{
	struct addr_net net;

	if (!addr_net_parse(slice_text(text), &net))
		fail_msg("%s is a prefix", text);
	return net;
}

static void addresses_are_written_as_rfc_5952_says(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "192.0.2.10", "192.0.2.10" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:0DB8:0:0:0:0:0:1", "2001:db8::1" },	    /* 4.1 leading zeros, 4.3 lower case */
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* 4.2.2 not for one group */
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },	 /* 4.2.3 the longest */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, /* 4.2.3 the first of two */
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "1:0:0:0:0:0:0:8", "1::8" },
		{ "0:0:0:0:0:0:7:8", "::7:8" },
		{ "1:2:0:0:0:0:0:0", "1:2::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "::1.2.3.4", "::102:304" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "::ffff:192.0.2.1", "192.0.2.1" }, /* one host, one address */
		{ "::FFFF:c000:201", "192.0.2.1" },
		{ "0000:0000:0000:0000:0000:ffff:192.168.100.200", "192.168.100.200" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fw_addr addr = addr_of(rows[i].in), again;
		char text[ADDR_TEXT];

		assert_int_equal(addr_format(&addr, text), strlen(rows[i].out));
		assert_string_equal(text, rows[i].out);
		again = addr_of(text);
		assert_true(addr_equal(&addr, &again));
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     " ",
					     "1",
					     "1.2.3",
					     "1.2.3.4.5",
					     "1.2.3.",
					     ".1.2.3",
					     "1..2.3",
					     "256.1.1.1",
					     "1.2.3.999",
					     "01.2.3.4",
					     "1.2.3.04",
					     "1.2.3.00",
					     "0x1.2.3.4",
					     "1.2.3.4 ",
					     " 1.2.3.4",
					     "1.2.3.-4",
					     "+1.2.3.4",
					     "1.2.3.4/8",
					     "1.2.3.4:80",
					     "1e1.2.3.4",
					     ":",
					     ":::",
					     "::::",
					     "1:::2",
					     "1::2::3",
					     "::1::",
					     ":1",
					     "1:",
					     "1:2:3:4:5:6:7",
					     "1:2:3:4:5:6:7:",
					     ":1:2:3:4:5:6:7:8",
					     "1:2:3:4:5:6:7:8:9",
					     "1:2:3:4::5:6:7:8",
					     "::1:2:3:4:5:6:7:8",
					     "1:2:3:4:5:6:7:8::",
					     "12345::",
					     "::12345",
					     "00001::",
					     "g::",
					     "::1%eth0",
					     "fe80::1%1",
					     "[::1]",
					     "::1/64",
					     "::1.2.3",
					     "::1.2.3.4.5",
					     "::01.2.3.4",
					     "1.2.3.4::",
					     "::1.2.3.4:5",
					     "1:2:3:4:5:6:7:1.2.3.4",
					     "1:2:3:4:5:1.2.3.4",
					     "::ffff:1.2.3.256",
					     "0000:0000:0000:0000:0000:ffff:0192.168.100.200",
					     "localhost",
					     "::1\n" };
	struct fw_addr addr = { .family = 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (addr_parse(slice_text(texts[i]), &addr))
			fail_msg("%s is no address", texts[i]);
	assert_int_equal(addr.family, 9);
	assert_false(addr_parse(slice("1.2.3.4", 8), &addr)); /* with its NUL */
	assert_false(addr_parse(slice(NULL, 0), &addr));
}

/* Another reader of the same grammar, on texts that are nearly right. */
static void the_reader_agrees_with_inet_pton(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF:::::....gx %/-";
	unsigned accepted = 0;

	(void)state;
	srand(2);
	for (unsigned round = 0; round < 300000; round++) {
		char text[ADDR_TEXT];
		uint8_t bytes[16], want[16];
		struct fw_addr addr;
		int family = rand() % 3 != 0 ? AF_INET6 : AF_INET;
		bool is_v4, is_v6, ours;

		for (size_t i = 0; i < 16; i++)
			bytes[i] = rand() % 3 != 0 ? 0 : (uint8_t)rand();
		assert_non_null(inet_ntop(family, bytes, text, sizeof(text)));
		for (int changes = rand() % 3; changes != 0; changes--) {
			size_t at = (size_t)rand() % strlen(text);

			if (rand() % 2 != 0)
				text[at] = digits[(size_t)rand() % (sizeof(digits) - 1)];
			else
				memmove(text + at, text + at + 1, strlen(text + at));
			if (text[0] == '\0')
				break;
		}
		is_v4 = inet_pton(AF_INET, text, want) == 1;
		is_v6 = !is_v4 && inet_pton(AF_INET6, text, want) == 1;
		ours = addr_parse(slice_text(text), &addr);
		if (ours != (is_v4 || is_v6))
			fail_msg("%s: %d, inet_pton says otherwise", text, ours);
		if (!ours)
			continue;
		accepted++;
		if (is_v6 && addr.family == 4)
			assert_memory_equal(addr.bytes, want + 12, 4);
		else
			assert_memory_equal(addr.bytes, want, is_v4 ? 4 : 16);
	}
	assert_in_range(accepted, 100000, 290000); /* both answers were seen often */
}

static void format_and_parse_are_inverse(void **state)
{
	(void)state;
	srand(3);
	for (unsigned round = 0; round < 100000; round++) {
		struct fw_addr addr = { .family = 6 }, back;
		char text[ADDR_TEXT];
		uint8_t want[16];
		size_t size;

		for (size_t i = 0; i < 8; i++)
			if (rand() % 2 != 0) {
				addr.bytes[2 * i] = (uint8_t)rand();
				addr.bytes[2 * i + 1] = (uint8_t)rand();
			}
		addr.bytes[0] |= 0x20; /* not an IPv4-mapped one */
		size = addr_format(&addr, text);
		assert_int_equal(size, strlen(text));
		assert_int_equal(inet_pton(AF_INET6, text, want), 1);
		assert_memory_equal(want, addr.bytes, 16);
		back = addr_of(text);
		assert_true(addr_equal(&addr, &back));
	}
}

static void an_unknown_address_has_a_text(void **state)
{
	struct fw_addr none = { 0 };
	struct fw_addr mapped = { .family = 6,
				  .bytes = { [10] = 0xff, [11] = 0xff, [12] = 1, [13] = 2, [14] = 3, [15] = 255 } };
	char text[ADDR_TEXT];

	(void)state;
	assert_int_equal(addr_format(&none, text), 7);
	assert_string_equal(text, "unknown");
	assert_int_equal(addr_format(&mapped, text), 16);
	assert_string_equal(text, "::ffff:1.2.3.255");
	assert_false(addr_is_loopback(&none));
}

static void scope_is_known(void **state)
{
	static const struct {
		const char *text;
		enum addr_scope scope;
	} rows[] = {
		{ "1.1.1.1", ADDR_PUBLIC },
		{ "172.15.255.255", ADDR_PUBLIC },
		{ "172.32.0.0", ADDR_PUBLIC },
		{ "2606:4700::1111", ADDR_PUBLIC },
		{ "127.255.255.255", ADDR_LOOPBACK },
		{ "::1", ADDR_LOOPBACK },
		{ "::ffff:127.0.0.1", ADDR_LOOPBACK },
		{ "10.1.2.3", ADDR_PRIVATE },
		{ "172.16.0.0", ADDR_PRIVATE },
		{ "172.31.255.255", ADDR_PRIVATE },
		{ "192.168.0.1", ADDR_PRIVATE },
		{ "100.64.0.1", ADDR_PRIVATE },
		{ "fc00::1", ADDR_PRIVATE },
		{ "0.0.0.0", ADDR_SPECIAL },
		{ "169.254.169.254", ADDR_SPECIAL },
		{ "224.0.0.1", ADDR_SPECIAL },
		{ "255.255.255.255", ADDR_SPECIAL },
		{ "192.0.0.8", ADDR_SPECIAL },
		{ "198.19.0.1", ADDR_SPECIAL },
		{ "::", ADDR_SPECIAL },
		{ "fe80::1", ADDR_SPECIAL },
		{ "ff02::1", ADDR_SPECIAL },
		{ "64:ff9b::7f00:1", ADDR_SPECIAL },
		{ "2002:7f00:1::", ADDR_SPECIAL },
		{ "2001:0:7f00:1::", ADDR_SPECIAL },
		{ "2001:db8::1", ADDR_SPECIAL },
		{ "::127.0.0.1", ADDR_SPECIAL },
		{ "3fff::1", ADDR_SPECIAL },
		{ "3fff:1000::1", ADDR_PUBLIC },
		{ "168.63.129.16", ADDR_SPECIAL }, /* metadata of clouds */
		{ "168.63.129.17", ADDR_PUBLIC },
		{ "100.100.100.200", ADDR_SPECIAL },
		{ "fd00:ec2::254", ADDR_SPECIAL },
		{ "fd00:ec2::255", ADDR_PRIVATE },
	};
	struct fw_addr addr, none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(addr_parse(slice_text(rows[i].text), &addr));
		assert_int_equal(addr_scope(&addr), rows[i].scope);
	}
	assert_int_equal(addr_scope(&none), ADDR_SPECIAL);
}

static void loopback_is_known(void **state)
{
	static const char *const yes[] = { "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1" };
	static const char *const no[] = { "128.0.0.1", "126.0.0.1", "::", "::2", "0.0.0.0", "fe80::1", "7f00::1" };
	struct fw_addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		addr = addr_of(yes[i]);
		assert_true(addr_is_loopback(&addr));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		addr = addr_of(no[i]);
		assert_false(addr_is_loopback(&addr));
	}
}

static void limits_count_by_prefix(void **state)
{
	struct fw_addr a = addr_of("2001:db8:1:2:3:4:5:6"), b = addr_of("2001:db8:1:2::"), c = addr_of("192.0.2.7"),
		       prefix;

	(void)state;
	prefix = addr_prefix(&a);
	assert_true(addr_equal(&prefix, &b));
	prefix = addr_prefix(&c);
	assert_true(addr_equal(&prefix, &c));
	assert_false(addr_equal(&a, &b));
	c.bytes[9] = 1; /* what lies behind an IPv4 address is nothing */
	prefix = addr_of("192.0.2.7");
	assert_true(addr_equal(&prefix, &c));
}

static void prefixes_hold_their_addresses(void **state)
{
	static const struct {
		const char *net, *addr;
		bool has;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0", true },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/8", "a00::", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "::1", true },
		{ "::/0", "1.2.3.4", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.2/31", "192.0.2.3", true },
		{ "192.0.2.2/31", "192.0.2.4", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::/127", "2001:db8::1", true },
		{ "2001:db8::/127", "2001:db8::2", false },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
		{ "::ffff:10.0.0.0/104", "11.9.9.9", false },
	};
	struct fw_addr none = { 0 };
	struct addr_net net;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fw_addr addr = addr_of(rows[i].addr);

		net = net_of(rows[i].net);
		if (addr_net_has(&net, &addr) != rows[i].has)
			fail_msg("%s in %s", rows[i].addr, rows[i].net);
		assert_false(addr_net_has(&net, &none));
	}
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "/",
					     "/8",
					     "10.0.0.0/",
					     "10.0.0.0/33",
					     "10.0.0.0/08",
					     "10.0.0.0/8 ",
					     "10.0.0.0/-1",
					     "10.0.0.0/8/8",
					     "10.0.0.1/8",
					     "10.0.0.0/255.0.0.0",
					     "0.0.0.1/0",
					     "::1/0",
					     "::/129",
					     "::/1280",
					     "2001:db8::1/64",
					     "::ffff:0.0.0.0/95",
					     "::ffff:10.0.0.1/104",
					     "10.0.0/8",
					     "*",
					     "10.0.0.0/a" };
	struct addr_net net = { .bits = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (addr_net_parse(slice_text(texts[i]), &net))
			fail_msg("%s is no prefix", texts[i]);
	assert_int_equal(net.bits, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_written_as_rfc_5952_says),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(the_reader_agrees_with_inet_pton),
		cmocka_unit_test(format_and_parse_are_inverse),
		cmocka_unit_test(an_unknown_address_has_a_text),
		cmocka_unit_test(loopback_is_known),
		cmocka_unit_test(scope_is_known),
		cmocka_unit_test(limits_count_by_prefix),
		cmocka_unit_test(prefixes_hold_their_addresses),
		cmocka_unit_test(what_is_no_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
