#include "base/addr.h"

#include <string.h>

#include "base/slice.h"

enum { GROUPS = 8 };

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* 1 to 3 digits without a leading zero, at most limit: what inet_aton reads as octal is nothing here. */
static bool parse_decimal(struct fw_slice *text, unsigned limit, unsigned *ret_value)
{
	unsigned value = 0;
	size_t digits = 0;

	while (digits < text->size && digits < 4 && text->data[digits] >= '0' && text->data[digits] <= '9')
		value = value * 10 + text->data[digits++] - '0';
	if (digits == 0 || digits > 3 || value > limit || (digits > 1 && text->data[0] == '0'))
		return false;
	*text = slice_from(*text, digits);
	*ret_value = value;
	return true;
}

static bool parse_v4(struct fw_slice text, uint8_t ret_bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned value;

		if (i != 0) {
			if (text.size == 0 || text.data[0] != '.')
				return false;
			text = slice_from(text, 1);
		}
		if (!parse_decimal(&text, 255, &value))
			return false;
		ret_bytes[i] = (uint8_t)value;
	}
	return text.size == 0;
}

/* 1 to 4 hexadecimal digits; returns how many, or 0. */
static size_t parse_group(struct fw_slice text, uint8_t ret_bytes[2])
{
	unsigned value = 0;
	size_t digits = 0;

	while (digits < text.size && digits < 5 && ascii_hex(text.data[digits]) >= 0)
		value = (value << 4 | (unsigned)ascii_hex(text.data[digits++])) & 0xfffff;
	if (digits > 4)
		return 0;
	ret_bytes[0] = (uint8_t)(value >> 8);
	ret_bytes[1] = (uint8_t)value;
	return digits;
}

/* Groups between colons (RFC 4291 2.2), the last two perhaps as a dotted quad. Returns the octets read, or -1. */
static int parse_groups(struct fw_slice text, bool may_end_dotted, uint8_t *ret_bytes, int room)
{
	int size = 0;

	if (text.size == 0)
		return 0;
	for (;;) {
		size_t digits;

		if (may_end_dotted && size + 4 <= room && parse_v4(text, ret_bytes + size))
			return size + 4;
		digits = size + 2 <= room ? parse_group(text, ret_bytes + size) : 0;
		if (digits == 0)
			return -1;
		size += 2;
		text = slice_from(text, digits);
		if (text.size == 0)
			return size;
		if (text.data[0] != ':')
			return -1;
		text = slice_from(text, 1);
	}
}

static bool parse_v6(struct fw_slice text, uint8_t ret_bytes[16])
{
	uint8_t tail[16];
	size_t gap = 0;
	int before, behind;

	while (gap + 1 < text.size && (text.data[gap] != ':' || text.data[gap + 1] != ':'))
		gap++;
	if (gap + 1 >= text.size)
		return parse_groups(text, true, ret_bytes, 16) == 16;
	/* "::" stands for at least one group, so that the parts hold at most seven. */
	before = parse_groups(slice(text.data, gap), false, ret_bytes, 14);
	if (before < 0)
		return false;
	behind = parse_groups(slice_from(text, gap + 2), true, tail, 14 - before);
	if (behind < 0)
		return false;
	memset(ret_bytes + before, 0, (size_t)(16 - before - behind));
	memcpy(ret_bytes + 16 - behind, tail, (size_t)behind);
	return true;
}

struct fw_addr addr_of_v6(const uint8_t bytes[16])
{
	bool is_mapped = memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
	struct fw_addr addr = { .family = is_mapped ? 4 : 6 };

	memcpy(addr.bytes, bytes + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
	return addr;
}

bool addr_parse(struct fw_slice text, struct fw_addr *ret_addr)
{
	struct fw_addr addr = { 0 };
	uint8_t bytes[16];

	if (text.size >= ADDR_TEXT)
		return false;
	if (parse_v4(text, addr.bytes))
		addr.family = 4;
	else if (parse_v6(text, bytes))
		addr = addr_of_v6(bytes);
	else
		return false;
	*ret_addr = addr;
	return true;
}

static size_t put_decimal(char *text, unsigned value)
{
	size_t n = 0;

	if (value >= 100)
		text[n++] = (char)('0' + value / 100);
	if (value >= 10)
		text[n++] = (char)('0' + value / 10 % 10);
	text[n++] = (char)('0' + value % 10);
	return n;
}

static size_t put_v4(char *text, const uint8_t bytes[4])
{
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		if (i != 0)
			text[n++] = '.';
		n += put_decimal(text + n, bytes[i]);
	}
	return n;
}

static size_t put_group(char *text, const uint8_t bytes[2])
{
	static const char digits[] = "0123456789abcdef";
	unsigned value = (unsigned)bytes[0] << 8 | bytes[1];
	size_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (n != 0 || shift == 0 || value >> shift != 0)
			text[n++] = digits[value >> shift & 15];
	return n;
}

/* The first of the longest runs of two or more zero groups (RFC 5952 4.2). */
static void longest_run(const uint8_t bytes[16], int *ret_start, int *ret_length)
{
	int run = 0;

	*ret_start = -1;
	*ret_length = 1;
	for (int i = 0; i < GROUPS; i++) {
		run = (bytes[2 * i] | bytes[2 * i + 1]) == 0 ? run + 1 : 0;
		if (run > *ret_length) {
			*ret_length = run;
			*ret_start = i + 1 - run;
		}
	}
}

static size_t put_v6(char *text, const uint8_t bytes[16])
{
	int start, length;
	size_t n = 0;

	if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		memcpy(text, "::ffff:", 7); /* RFC 5952 5 */
		return 7 + put_v4(text + 7, bytes + 12);
	}
	longest_run(bytes, &start, &length);
	for (int i = 0; i < GROUPS; i++) {
		if (i == start) {
			text[n++] = ':';
			text[n++] = ':';
			i += length - 1;
			continue;
		}
		if (n != 0 && text[n - 1] != ':')
			text[n++] = ':';
		n += put_group(text + n, bytes + 2 * i);
	}
	return n;
}

size_t addr_format(const struct fw_addr *addr, char ret_text[ADDR_TEXT])
{
	size_t size = 7;

	if (addr->family == 4)
		size = put_v4(ret_text, addr->bytes);
	else if (addr->family == 6)
		size = put_v6(ret_text, addr->bytes);
	else
		memcpy(ret_text, "unknown", 7);
	ret_text[size] = '\0';
	return size;
}

static size_t octets_of(const struct fw_addr *addr)
{
	return addr->family == 4 ? 4 : addr->family == 6 ? 16 : 0;
}

bool addr_equal(const struct fw_addr *a, const struct fw_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, octets_of(a)) == 0;
}

bool addr_is_loopback(const struct fw_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (addr->family == 4)
		return addr->bytes[0] == 127;
	return addr->family == 6 && memcmp(addr->bytes, one, sizeof(one)) == 0;
}

struct fw_addr addr_prefix(const struct fw_addr *addr)
{
	struct fw_addr prefix = { .family = addr->family };

	memcpy(prefix.bytes, addr->bytes, addr->family == 6 ? 8 : octets_of(addr));
	return prefix;
}

static bool host_bits_are_zero(const struct addr_net *net)
{
	size_t octets = octets_of(&net->base);

	for (size_t bit = net->bits; bit < octets * 8; bit++)
		if ((net->base.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

bool addr_net_parse(struct fw_slice text, struct addr_net *ret_net)
{
	struct addr_net net = { 0 };
	unsigned bits;
	size_t slash = 0;
	bool as_v6;

	while (slash < text.size && text.data[slash] != '/')
		slash++;
	if (!addr_parse(slice(text.data, slash), &net.base))
		return false;
	as_v6 = slash != 0 && memchr(text.data, ':', slash) != NULL;
	bits = as_v6 ? 128 : 32;
	if (slash != text.size) {
		struct fw_slice rest = slice_from(text, slash + 1);

		if (!parse_decimal(&rest, bits, &bits) || rest.size != 0)
			return false;
	}
	if (as_v6 && net.base.family == 4) {
		if (bits < 96) /* holds more than the mapped addresses */
			return false;
		bits -= 96;
	}
	net.bits = (uint8_t)bits;
	if (!host_bits_are_zero(&net))
		return false;
	*ret_net = net;
	return true;
}

bool addr_net_has(const struct addr_net *net, const struct fw_addr *addr)
{
	size_t whole = net->bits / 8, rest = net->bits % 8;

	if (net->base.family != addr->family || addr->family == 0)
		return false;
	if (memcmp(net->base.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 || ((net->base.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest)) == 0;
}

static enum addr_scope scope4(const uint8_t *b)
{
	static const struct {
		uint8_t base[2], mask[2], scope;
	} rows[] = {
		{ { 127, 0 }, { 255, 0 }, ADDR_LOOPBACK },    { { 10, 0 }, { 255, 0 }, ADDR_PRIVATE },
		{ { 172, 16 }, { 255, 240 }, ADDR_PRIVATE },  { { 192, 168 }, { 255, 255 }, ADDR_PRIVATE },
		{ { 100, 64 }, { 255, 192 }, ADDR_PRIVATE },  { { 0, 0 }, { 255, 0 }, ADDR_SPECIAL },
		{ { 169, 254 }, { 255, 255 }, ADDR_SPECIAL }, { { 198, 18 }, { 255, 254 }, ADDR_SPECIAL },
		{ { 224, 0 }, { 224, 0 }, ADDR_SPECIAL }, /* multicast, reserved and broadcast */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((b[0] & rows[i].mask[0]) == rows[i].base[0] && (b[1] & rows[i].mask[1]) == rows[i].base[1])
			return (enum addr_scope)rows[i].scope;
	if (b[0] == 192 && b[1] == 0 && b[2] == 0) /* RFC 6890 protocol assignments */
		return ADDR_SPECIAL;
	return ADDR_PUBLIC;
}

/* Where clouds tell a machine its secrets, of networks that are public or can be opened: Azure, Alibaba, AWS. */
static bool metadata(const struct fw_addr *addr)
{
	static const uint8_t hosts[][4] = { { 168, 63, 129, 16 }, { 100, 100, 100, 200 } };
	static const uint8_t host6[16] = { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 };

	if (addr->family == 6)
		return memcmp(addr->bytes, host6, 16) == 0;
	return memcmp(addr->bytes, hosts[0], 4) == 0 || memcmp(addr->bytes, hosts[1], 4) == 0;
}

/* Only global unicast, 2000::/3, without the ranges that carry an IPv4 address (6to4, Teredo) or are documentation. */
static enum addr_scope scope6(const uint8_t *b)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (memcmp(b, loopback, 16) == 0)
		return ADDR_LOOPBACK;
	if ((b[0] & 0xfe) == 0xfc)
		return ADDR_PRIVATE;
	if ((b[0] & 0xe0) != 0x20 || (b[0] == 0x20 && b[1] == 0x02))
		return ADDR_SPECIAL;
	if (b[0] == 0x20 && b[1] == 0x01 && ((b[2] & 0xfe) == 0 || (b[2] == 0x0d && b[3] == 0xb8)))
		return ADDR_SPECIAL;
	if (b[0] == 0x3f && b[1] == 0xff && (b[2] & 0xf0) == 0) /* RFC 9637 */
		return ADDR_SPECIAL;
	return ADDR_PUBLIC;
}

enum addr_scope addr_scope(const struct fw_addr *addr)
{
	if ((addr->family != 4 && addr->family != 6) || metadata(addr))
		return ADDR_SPECIAL;
	return addr->family == 4 ? scope4(addr->bytes) : scope6(addr->bytes);
}
