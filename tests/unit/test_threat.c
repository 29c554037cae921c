/* codec/threat: what each format has, what refuses a list and where, which patterns of STIX are addresses, and what a
 * list may not have in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/threat.h"

#define NOW ((uint64_t)1790000000 * 1000000) /* 2026-09-21T14:13:20Z */

static struct threat_reading reading;
static void *memory;
static const struct prefix_set *set;

static bool read_as(enum threat_format format, const char *text, size_t most, bool private)
{
	size_t size;
	bool holds;

	reading = (struct threat_reading){
		.build = prefix_build_new(), .wall_us = NOW, .most = most, .private = private
	};
	assert_non_null(reading.build);
	holds = threat_read(format, slice_text(text), &reading);
	size = prefix_build_size(reading.build);
	free(memory);
	memory = aligned_alloc(8, size);
	assert_non_null(memory);
	prefix_build_write(reading.build, memory);
	set = prefix_set_of(memory, size);
	assert_non_null(set);
	prefix_build_free(reading.build);
	return holds;
}

static void has(enum threat_format format, const char *text, const char *nets)
{
	char found[4096] = "", line[ADDR_TEXT + 8];
	struct fw_slice rest = slice_text(nets);
	size_t count = 0;

	if (!read_as(format, text, 1000, false))
		fail_msg("%s: refused: %s", text, reading.why);
	while (rest.size != 0) {
		const uint8_t *end = memchr(rest.data, ' ', rest.size);
		size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
		struct addr_net net, got;

		assert_true(addr_net_parse(slice(rest.data, size), &net));
		if (!prefix_set_find(set, &net.base, &got) || got.bits != net.bits) {
			snprintf(line, sizeof(line), "%.*s ", (int)size, (const char *)rest.data);
			strcat(found, line);
		}
		count++;
		rest = slice_from(rest, size + (end != NULL));
	}
	if (found[0] != '\0' || prefix_set_count(set) != count)
		fail_msg("%s: lacks %s of %zu, has %zu", text, found, count, prefix_set_count(set));
}

static void refused(enum threat_format format, const char *text, const char *why)
{
	if (read_as(format, text, 3, false))
		fail_msg("%s: taken", text);
	if (strstr(reading.why, why) == NULL)
		fail_msg("%s: %s", text, reading.why);
}

static void lists_of_lines(void **state)
{
	(void)state;
	has(THREAT_netset, "# a\n1.2.3.0/24\n\n5.6.7.8 # b\r\n2001:db8::/32", "1.2.3.0/24 5.6.7.8 2001:db8::/32");
	has(THREAT_netset, "\xef\xbb\xbf# BOM\n1.2.3.4", "1.2.3.4");
	has(THREAT_netset, "1.2.3.1-1.2.3.6", "1.2.3.1 1.2.3.2/31 1.2.3.4/31 1.2.3.6");
	has(THREAT_netset, "1.2.3.4 - 1.2.3.4", "1.2.3.4");
	has(THREAT_netset, "1.0.0.0-1.255.255.255", "1.0.0.0/8");
	has(THREAT_netset, "223.255.255.254-223.255.255.255", "223.255.255.254/31");
	has(THREAT_netset, "# nothing at all", "");
	has(THREAT_cidr, "# a\n; b\n1.2.3.4 ; c\n1.2.3.4\n", "1.2.3.4");
	has(THREAT_drop, "; Spamhaus DROP\n1.10.16.0/20 ; SBL256894\n2a06:5280::/29 ; SBL1\n",
	    "1.10.16.0/20 2a06:5280::/29");
	refused(THREAT_netset, "", "empty");
	refused(THREAT_netset, " \n\r\n\t", "empty");
	refused(THREAT_netset, "1.2.3.4\n<!DOCTYPE html>\n", "line 2: \"<!DOCTYPE?html>\" is no address");
	refused(THREAT_netset, "1.2.3.4/24", "line 1: \"1.2.3.4/24\" is no network");
	refused(THREAT_netset, "1.2.3.0/33", "line 1");
	refused(THREAT_netset, "01.2.3.4", "line 1");
	refused(THREAT_netset, "1.2.3", "line 1");
	refused(THREAT_netset, "1.2.3.9-1.2.3.4", "no range");
	refused(THREAT_netset, "1.2.3.4-", "no range");
	refused(THREAT_netset, "-", "no range");
	refused(THREAT_netset, "::1-::2", "no range");
	refused(THREAT_cidr, "1.2.3.1-1.2.3.6", "line 1");
	refused(THREAT_drop, "1.2.3.0/24 # SBL", "line 1");
	refused(THREAT_netset, "1.2.3.4\033[2J", "\"1.2.3.4?[2J\"");
	refused(THREAT_netset, "1.2.3.1\n1.2.3.2\n1.2.3.3\n1.2.3.4\n", "more than 3");
	refused(THREAT_netset, "1.0.0.1-1.255.255.254", "more than 3");
}

static void lists_of_json_lines(void **state)
{
	(void)state;
	has(THREAT_drop_json,
	    "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n{\"cidr\":\"2a06:5280::/29\"}\n"
	    "{\"type\":\"metadata\",\"timestamp\":1,\"size\":9,\"records\":2}\n",
	    "1.10.16.0/20 2a06:5280::/29");
	has(THREAT_drop_json, "{\"cidr\":\"1.10.16.0/20\"}", "1.10.16.0/20");
	refused(THREAT_drop_json, "{\"cidr\":\"1.10.16.0/20\"}\n{\"type\":\"metadata\",\"records\":2}",
		"says that there are 2");
	refused(THREAT_drop_json, "{\"cidr\":\"1.10.16.0/20\"}\n{\"cidr\":\"1.10", "line 2");
	refused(THREAT_drop_json, "{\"asn\":213702}", "no network in \"cidr\"");
	refused(THREAT_drop_json, "{\"cidr\":\"1.10.16.1/20\"}", "no network in \"cidr\"");
	refused(THREAT_drop_json, "[]", "no JSON object");
	refused(THREAT_drop_json, "{\"type\":\"metadata\",\"records\":\"x\"}", "no number");
}

static char *bundle(const char *members)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "{\"type\":\"bundle\",\"objects\":[{\"type\":\"malware\",\"id\":\"m\"},{\"type\":\"indicator\","
		 "\"id\":\"i\",\"pattern_type\":\"stix\",%s}]}",
		 members);
	return text;
}

static char *pattern(const char *text)
{
	static char member[2048];

	snprintf(member, sizeof(member), "\"pattern\":\"%s\"", text);
	return bundle(member);
}

static void patterns(void **state)
{
	static const char *const unsupported[] = {
		"[domain-name:value = 'example.com']",
		"[ipv4-addr:value = '1.2.3.4'] AND [ipv4-addr:value = '1.2.3.5']",
		"[ipv4-addr:value = '1.2.3.4' AND network-traffic:dst_port = '25']",
		"[ipv4-addr:value = '1.2.3.4'] FOLLOWEDBY [ipv4-addr:value = '1.2.3.5']",
		"[ipv4-addr:value = '1.2.3.4'] WITHIN 5 SECONDS",
		"[ipv4-addr:value != '1.2.3.4']",
		"[ipv4-addr:value NOT = '1.2.3.4']",
		"[NOT ipv4-addr:value = '1.2.3.4']",
		"[ipv4-addr:value = '1.2.3.4'",
		"[ipv4-addr:value = '1.2.3.4]",
		"[ipv4-addr:value = 1]",
		"[ipv4-addr:value = '1.2.3.4/8']",
		"[ipv4-addr:value LIKE '1.2.3.%']",
		"[ipv4-addr:value IN ()]",
		"[ipv4-addr:value = '1.2.3.4'] OR",
		"[ipv4-addr:value = '1.2.3.4'] x",
		"ipv4-addr:value = '1.2.3.4'",
		"[]",
		"",
	};

	(void)state;
	has(THREAT_stix, pattern("[ipv4-addr:value = '1.2.3.4']"), "1.2.3.4");
	has(THREAT_stix, pattern("[ipv4-addr:value='1.2.3.0/24' OR ipv6-addr:value ISSUBSET '2001:db8::/32']"),
	    "1.2.3.0/24 2001:db8::/32");
	has(THREAT_stix, pattern(" [ ipv4-addr:value IN ( '1.2.3.4' , '1.2.3.6' ) ] OR [ipv4-addr:value = '1.2.3.8'] "),
	    "1.2.3.4 1.2.3.6 1.2.3.8");
	has(THREAT_stix, pattern("[ipv4-addr:value = '1.2.3.4' OR domain-name:value = 'example.com']"), "1.2.3.4");
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
		has(THREAT_stix, pattern(unsupported[i]), "");
		assert_int_equal(reading.unsupported, 1);
	}
	has(THREAT_stix, bundle("\"pattern\":5"), "");
	assert_int_equal(reading.unsupported, 1);
}

static void indicators(void **state)
{
	static const struct {
		const char *members;
		bool valid;
		uint64_t changes_s; /* 0: never */
	} rows[] = {
		{ "\"valid_from\":\"2026-01-01T00:00:00Z\"", true, 0 },
		{ "\"valid_from\":\"2026-09-21T14:13:20.000Z\"", true, 0 },
		{ "\"valid_from\":\"2026-09-21T14:13:21Z\"", false, 1790000001 },
		{ "\"valid_until\":\"2026-09-21T14:13:21.000000000Z\"", true, 1790000001 },
		{ "\"valid_until\":\"2026-09-21T14:13:20Z\"", false, 0 },
		{ "\"valid_from\":\"1969-01-01T00:00:00Z\"", true, 0 },
		{ "\"valid_from\":\"yesterday\"", false, 0 },
		{ "\"valid_until\":\"2027-13-01T00:00:00Z\"", false, 0 },
		{ "\"valid_until\":\"2027-01-01T00:00:00+01:00\"", false, 0 },
		{ "\"revoked\":true", false, 0 },
		{ "\"revoked\":false", true, 0 },
		{ "\"revoked\":\"no\"", false, 0 },
	};
	char members[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(members, sizeof(members), "\"pattern\":\"[ipv4-addr:value = '1.2.3.4']\",%s", rows[i].members);
		has(THREAT_stix, bundle(members), rows[i].valid ? "1.2.3.4" : "");
		assert_int_equal(reading.invalid, !rows[i].valid);
		assert_true(reading.changes_us == (rows[i].changes_s != 0 ? rows[i].changes_s * 1000000 : UINT64_MAX));
	}
	has(THREAT_stix, "{}", "");
	has(THREAT_stix, "{\"more\":false}", "");
	refused(THREAT_stix, "[]", "no JSON object");
	refused(THREAT_stix, "{\"title\":\"sorry\"}", "no \"objects\"");
	refused(THREAT_stix, "{\"objects\":5}", "no list");
	refused(THREAT_stix, "{\"objects\":[5]}", "is none");
	refused(THREAT_stix, "{\"objects\":[{\"type\":\"indicator\"}]}", "no \"id\"");
}

#define ONE(id, modified, address, more)                                                                               \
	"{\"type\":\"indicator\",\"id\":\"" id "\",\"modified\":\"" modified                                           \
	"\",\"pattern\":\"[ipv4-addr:value = '" address "']\"" more "}"

static void versions(void **state)
{
	const struct fw_slice texts[] = {
		slice_text("{\"objects\":[" ONE("a", "2026-01-01T00:00:00Z", "1.1.1.1", "") "," ONE(
			"b", "2026-01-02T00:00:00Z", "2.2.2.2", "") "," ONE("c", "2026-01-01T00:00:00Z", "3.3.3.3",
									    "") "]}"),
		slice_text("{}"),
		slice_text("{\"objects\":[" ONE("b", "2026-01-01T00:00:00Z", "4.4.4.4", "") "," ONE(
			"a", "2026-01-03T00:00:00Z", "1.1.1.1",
			",\"revoked\":true") "," ONE("c", "2026-01-01T00:00:00.5Z", "5.5.5.5", "") "],\"more\":true}"),
	};
	struct buf out = { 0 };
	char why[THREAT_WHY], *text;
	struct pool pool;

	(void)state;
	pool_init(&pool);
	assert_true(threat_stix_merge(texts, 3, &out, &pool, why));
	text = mem_text(buf_data(&out), buf_size(&out));
	has(THREAT_stix, text, "2.2.2.2 5.5.5.5");
	assert_int_equal(reading.invalid, 1);
	mem_free(text);
	buf_clear(&out, &pool);
	assert_false(threat_stix_merge(&(struct fw_slice){ (const uint8_t *)"[]", 2 }, 1, &out, &pool, why));
	buf_clear(&out, &pool);
	pool_fini(&pool);
}

static void what_is_left_out(void **state)
{
	static const char bogons[] =
		"0.0.0.0/8\n10.0.0.0/8\n10.1.2.3\n100.64.0.0/10\n127.0.0.0/8\n169.254.0.0/16\n172.16.0.0/12\n"
		"192.168.1.0/24\n224.0.0.0/3\n::1\nfc00::/7\nfe80::/10\nff02::1\n1.2.3.4\n";

	(void)state;
	has(THREAT_netset, bogons, "1.2.3.4");
	assert_int_equal(reading.left_out, 13);
	assert_true(read_as(THREAT_netset, bogons, 1000, true));
	assert_int_equal(reading.left_out, 3); /* those that no client has */
	assert_int_equal(prefix_set_count(set), 11);
}

static void judged(void **state)
{
	static const struct {
		const char *text;
		bool private;
		const char *why; /* NULL: it holds */
	} rows[] = {
		{ "1.2.3.0/24", false, NULL },
		{ "203.0.113.0/25", false, NULL },
		{ "203.0.113.128/25", false,
		  "203.0.113.128/25 has an address that this server trusts (203.0.113.130/32)" },
		{ "2001:db8::/32", false, "2001:db8::/32 has an address that this server trusts (2001:db8:5::/48)" },
		{ "8.0.0.0/6", false, "8.0.0.0/6 has private addresses" },
		{ "10.0.0.0/8", true, NULL },
		{ "32.0.0.0/5", false, NULL },
		{ "32.0.0.0/4", false, "6.2 %" },
		{ "0.0.0.0/0", true, "0.0.0.0/0 has an address that this server trusts" },
		{ "::/0", false, "::/0 has an address that this server trusts" },
	};
	struct addr_net trusted[2];
	char why[THREAT_WHY];

	(void)state;
	assert_true(addr_net_parse(slice_text("203.0.113.130"), &trusted[0]));
	assert_true(addr_net_parse(slice_text("2001:db8:5::/48"), &trusted[1]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool holds;

		assert_true(read_as(THREAT_netset, rows[i].text, 10, rows[i].private));
		holds = threat_judge(set, (UINT64_C(1) << 32) / 20, trusted, 2, rows[i].private, why);
		if (holds != (rows[i].why == NULL) || (!holds && strstr(why, rows[i].why) == NULL))
			fail_msg("%s: %s", rows[i].text, holds ? "holds" : why);
	}
}

static void memory_is_short(void **state)
{
	static const char text[] = "{\"objects\":[" ONE("a", "2026-01-01T00:00:00Z", "1.1.1.1", "") "]}";

	(void)state;
	for (uint64_t n = 1; n < 20; n++) {
		bool holds;

		reading = (struct threat_reading){ .build = prefix_build_new(), .wall_us = NOW, .most = 9 };
		mem_fail_at(n);
		holds = threat_read(THREAT_stix, slice_text(text), &reading);
		if (mem_fail_at(0) >= n)
			assert_false(holds);
		prefix_build_free(reading.build);
	}
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_lines), cmocka_unit_test(lists_of_json_lines),
		cmocka_unit_test(patterns),	  cmocka_unit_test(indicators),
		cmocka_unit_test(versions),	  cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(judged),	  cmocka_unit_test(memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
