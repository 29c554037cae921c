/* codec/proxyproto: headers of both versions, cut at every octet, with every octet changed, too long and too short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/slice.h"
#include "codec/proxyproto.h"

enum { ANY = PROXYPROTO_V1 | PROXYPROTO_V2 };

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb"

static enum proxyproto_result read_octets(const void *octets, size_t size, unsigned versions, struct proxyproto *ret)
{
	uint8_t *fit = malloc(size + 1); /* a sanitizer sees an octet too many */
	enum proxyproto_result result;
	const char *rule = "";

	assert_non_null(fit);
	if (size != 0)
		memcpy(fit + 1, octets, size);
	result = proxyproto_read(slice(fit + 1, size), versions, ret, &rule);
	assert_int_equal(result < 0, rule != NULL);
	free(fit);
	return result;
}

/* It holds, alone and with the connection's own octets behind it; each beginning of it asks for more. */
static void holds(const void *octets, size_t size, const char *source, uint16_t port)
{
	uint8_t longer[LIMIT_PROXY_HEADER + 16];
	struct proxyproto header;
	char text[ADDR_TEXT];

	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(read_octets(octets, cut, ANY, &header), PROXYPROTO_MORE);
	memcpy(longer, octets, size);
	memcpy(longer + size, "\r\nPROXY GET / ", 14);
	for (unsigned more = 0; more <= 14; more += 7) {
		assert_int_equal(read_octets(longer, size + more, ANY, &header), PROXYPROTO_OK);
		assert_int_equal(header.size, size);
		assert_int_equal(header.known, source != NULL);
		addr_format(&header.source, text);
		assert_string_equal(text, source != NULL ? source : "unknown");
		assert_int_equal(header.source_port, port);
	}
}

static void line_holds(const char *line, const char *source, uint16_t port)
{
	struct proxyproto header;

	holds(line, strlen(line), source, port);
	assert_int_equal(read_octets(line, strlen(line), PROXYPROTO_V2, &header), PROXYPROTO_BAD);
}

static void refused(const void *octets, size_t size)
{
	struct proxyproto header;

	assert_int_equal(read_octets(octets, size, ANY, &header), PROXYPROTO_BAD);
	assert_int_equal(header.size, 0);
}

static void lines_that_hold(void **state)
{
	char longest[108];

	(void)state;
	line_holds("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1", 56324);
	line_holds("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535);
	line_holds("PROXY TCP6 2001:db8::1 ::1 0 1\r\n", "2001:db8::1", 0);
	line_holds("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 1\r\n", "192.0.2.1", 1);
	line_holds("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
	line_holds("PROXY UNKNOWN\r\n", NULL, 0);
	line_holds("PROXY UNKNOWN ffff::1 whatever\t\x01 1 2 3 4\r\n", NULL, 0);
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "PROXY UNKNOWN ", 14);
	memcpy(longest + 105, "\r\n", 3);
	line_holds(longest, NULL, 0);
}

static void lines_that_do_not(void **state)
{
	static const char *const lines[] = {
		"GET / HTTP/1.1\r\n",
		"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
		"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2\r\n",
		"PROXY TCP4 192.0.2.1\r\n",
		"PROXY TCP4\r\n",
		"PROXY \r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2x\r\n",
		"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2 1 2\r\n",
		"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
		"PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP6 2001:db8::1 ::1::2 1 2\r\n",
		"PROXY TCP6 [2001:db8::1] ::1 1 2\r\n",
		"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY UNKNOWNX\r\n",
	};
	char endless[200];
	struct proxyproto header;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		refused(lines[i], strlen(lines[i]));
	memset(endless, 'x', sizeof(endless));
	memcpy(endless, "PROXY UNKNOWN ", 14);
	assert_int_equal(read_octets(endless, 106, ANY, &header), PROXYPROTO_MORE);
	refused(endless, 107); /* without waiting for more */
	memcpy(endless + 106, "\r\n", 2);
	refused(endless, 108);
}

static void binary_headers_that_hold(void **state)
{
	static const char v6[] = SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"
					   "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x06\x12\x34\0\x50";
	static const char mapped[] = SIGNATURE "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07"
					       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02";
	static const char local[] = SIGNATURE "\x20\0\0\0";
	static const char local_with[] = SIGNATURE "\x20\x77\0\x03\xff\xff\xff";
	static const char unknown[] = SIGNATURE "\x21\0\0\x07\x04\0\x04xxxx";
	uint8_t unix_stream[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
	uint8_t largest[LIMIT_PROXY_HEADER] = SIGNATURE TCP4;
	struct proxyproto header;

	(void)state;
	holds(SIGNATURE TCP4, 28, "192.0.2.1", 56324);
	holds(v6, sizeof(v6) - 1, "2001:db8::5", 0x1234);
	holds(mapped, sizeof(mapped) - 1, "192.0.2.7", 1);
	holds(local, sizeof(local) - 1, NULL, 0);
	holds(local_with, sizeof(local_with) - 1, NULL, 0);
	holds(unknown, sizeof(unknown) - 1, NULL, 0);
	holds(unix_stream, sizeof(unix_stream), NULL, 0);
	/* One extension up to the limit. */
	largest[14] = (sizeof(largest) - 16) >> 8;
	largest[15] = (sizeof(largest) - 16) & 255;
	largest[28] = 4;
	largest[29] = (sizeof(largest) - 31) >> 8;
	largest[30] = (sizeof(largest) - 31) & 255;
	holds(largest, sizeof(largest), "192.0.2.1", 56324);
	assert_int_equal(read_octets(largest, sizeof(largest), PROXYPROTO_V1, &header), PROXYPROTO_BAD);
	largest[15]++;
	refused(largest, 16); /* without waiting for it */
}

static void binary_headers_that_do_not(void **state)
{
	static const struct {
		size_t size;
		const char *octets;
	} rows[] = {
		{ 13, SIGNATURE "\x11" },				    /* version 1 */
		{ 13, SIGNATURE "\x31" },				    /* version 3 */
		{ 13, SIGNATURE "\x22" },				    /* command 2 */
		{ 28, SIGNATURE "\x21\x12\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2" }, /* UDP */
		{ 28, SIGNATURE "\x21\x41\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2" }, /* no family */
		{ 28, SIGNATURE "\x21\x10\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2" }, /* no protocol */
		{ 27, SIGNATURE "\x21\x11\0\x0b\1\1\1\1\2\2\2\2\0\1\0" },   /* shorter than its addresses */
		{ 16, SIGNATURE "\x21\x11\0\0" },
		{ 28, SIGNATURE "\x21\x21\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2" },
		{ 28, SIGNATURE "\x21\x31\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2" },
		{ 29, SIGNATURE "\x21\x11\0\x0d\1\1\1\1\2\2\2\2\0\1\0\2\x04" },	      /* an extension cut off */
		{ 31, SIGNATURE "\x21\x11\0\x0f\1\1\1\1\2\2\2\2\0\1\0\2\x04\0\x01" }, /* and one too long */
		{ 31, SIGNATURE "\x21\x11\0\x0f\1\1\1\1\2\2\2\2\0\1\0\2\x03\0\0" },   /* a checksum of nothing */
		{ 35, SIGNATURE "\x21\x11\0\x13\1\1\1\1\2\2\2\2\0\1\0\2\x03\0\x04\0\0\0\0" }, /* a wrong one */
		{ 16, SIGNATURE "\x21\x11\xff\xff" },					      /* too large: at once */
		{ 12, "\r\n\r\n\0\r\nQUIT\r" },
		{ 2, "\r\r" },
		{ 1, "" }, /* a NUL */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i].octets, rows[i].size);
}

/* The header of the protocol's text for version 2 with the checksum extension, computed once by hand below. */
static uint32_t crc_by_table(const uint8_t *octets, size_t size)
{
	uint32_t table[256], crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned bit = 0; bit < 8; bit++)
			table[i] = (table[i] & 1) != 0 ? table[i] >> 1 ^ UINT32_C(0x82f63b78) : table[i] >> 1;
	}
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(crc ^ octets[i]) & 255];
	return ~crc;
}

static void a_checksum_sees_every_octet(void **state)
{
	uint8_t octets[16 + 12 + 5 + 7 + 3] = SIGNATURE "\x21\x11\0\x1b\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb"
							"\x02\0\x02hi\x03\0\x04\0\0\0\0\x04\0\0";
	uint32_t crc;

	(void)state;
	assert_int_equal(crc_by_table((const uint8_t *)"123456789", 9), 0xe3069283); /* the known one of CRC-32C */
	crc = crc_by_table(octets, sizeof(octets));
	for (unsigned i = 0; i < 4; i++)
		octets[36 + i] = (uint8_t)(crc >> (24 - 8 * i));
	holds(octets, sizeof(octets), "192.0.2.1", 56324);
	for (size_t i = 0; i < sizeof(octets); i++) {
		if (i == 33)
			continue; /* its own type: there would be no checksum */
		for (unsigned bit = 0; bit < 8; bit++) {
			struct proxyproto header;
			enum proxyproto_result result;
			bool local = i == 12 && bit == 0; /* LOCAL: all else is to be ignored */

			octets[i] = (uint8_t)(octets[i] ^ 1u << bit);
			result = read_octets(octets, sizeof(octets), ANY, &header);
			/* A longer length asks for more, and then its checksum is wrong. */
			if (local ? result != PROXYPROTO_OK || header.known : result == PROXYPROTO_OK)
				fail_msg("octet %zu bit %u", i, bit);
			octets[i] = (uint8_t)(octets[i] ^ 1u << bit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_hold),
		cmocka_unit_test(lines_that_do_not),
		cmocka_unit_test(binary_headers_that_hold),
		cmocka_unit_test(binary_headers_that_do_not),
		cmocka_unit_test(a_checksum_sees_every_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
