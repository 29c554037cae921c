#include "codec/threat.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { SHOWN = 40 };

static const char *const names[THREAT_FORMATS] = {
#define THREAT_FORMAT(name, function, help) #name,
#include "tables/threat_formats.def"
#undef THREAT_FORMAT
};

const char *threat_format_name(enum threat_format format)
{
	return names[format];
}

static bool is_empty(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] > ' ')
			return false;
	return true;
}

bool threat_read(enum threat_format format, struct fw_slice text, struct threat_reading *reading)
{
	static bool (*const readers[THREAT_FORMATS])(struct fw_slice text, struct threat_reading * reading) = {
#define THREAT_FORMAT(name, function, help) function,
#include "tables/threat_formats.def"
#undef THREAT_FORMAT
	};

	reading->changes_us = UINT64_MAX;
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_from(text, 3);
	if (is_empty(text))
		return threat_refuse(reading, 0, "it is empty", slice(NULL, 0));
	return readers[format](text, reading);
}

/* What cannot be shown on a terminal is not. */
bool threat_refuse(struct threat_reading *reading, size_t line, const char *what, struct fw_slice shown)
{
	char text[SHOWN + 1];
	size_t size = shown.size < SHOWN ? shown.size : SHOWN;

	for (size_t i = 0; i < size; i++)
		text[i] = shown.data[i] > 0x20 && shown.data[i] < 0x7f ? (char)shown.data[i] : '?';
	text[size] = '\0';
	if (line == 0)
		snprintf(reading->why, sizeof(reading->why), "%s", what);
	else
		snprintf(reading->why, sizeof(reading->why), "line %zu: \"%s%s\" %s", line, text,
			 size < shown.size ? "…" : "", what);
	return false;
}

struct special {
	const char *net;
	bool never; /* no client has such an address */
};

/* Wholly in one of these: not to be blocked, or in vain. Lists of bogons have them all. */
static const struct special specials[] = {
	{ "0.0.0.0/8", true },	     { "10.0.0.0/8", false },	 { "100.64.0.0/10", false },  { "127.0.0.0/8", false },
	{ "169.254.0.0/16", false }, { "172.16.0.0/12", false }, { "192.168.0.0/16", false }, { "224.0.0.0/3", true },
	{ "::/8", false },	     { "fc00::/7", false },	 { "fe80::/10", false },      { "ff00::/8", true },
};

static bool is_inside(const struct addr_net *inner, const struct addr_net *outer)
{
	return inner->bits >= outer->bits && addr_net_has(outer, &inner->base);
}

static struct addr_net net_of(const struct special *special)
{
	struct addr_net net = { 0 };

	(void)addr_net_parse(slice_text(special->net), &net);
	return net;
}

bool threat_take(struct threat_reading *reading, const struct addr_net *net)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++) {
		struct addr_net special = net_of(&specials[i]);

		if ((specials[i].never || !reading->private) && is_inside(net, &special)) {
			reading->left_out++;
			return true;
		}
	}
	if (reading->taken == reading->most) {
		snprintf(reading->why, sizeof(reading->why), "it has more than %zu networks", reading->most);
		return false;
	}
	if (!prefix_build_add(reading->build, net))
		return threat_refuse(reading, 0, "memory is short", slice(NULL, 0));
	reading->taken++;
	return true;
}

static bool meets(const struct prefix_set *set, const struct addr_net *net, const char *what, char why[THREAT_WHY])
{
	char text[ADDR_TEXT], of[ADDR_TEXT];
	struct addr_net found;

	if (!prefix_set_meets(set, net, &found))
		return false;
	addr_format(&found.base, text);
	addr_format(&net->base, of);
	snprintf(why, THREAT_WHY, "%s/%u has %s (%s/%u)", text, found.bits, what, of, net->bits);
	return true;
}

bool threat_judge(const struct prefix_set *set, uint64_t most_covered, const struct addr_net *trusted,
		  size_t trusted_count, bool private, char ret_why[THREAT_WHY])
{
	for (size_t i = 0; i < trusted_count; i++)
		if (meets(set, &trusted[i], "an address that this server trusts", ret_why))
			return false;
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials) && !private; i++) {
		struct addr_net special = net_of(&specials[i]);

		if (!specials[i].never &&
		    meets(set, &special, "private addresses or those of a machine itself", ret_why))
			return false;
	}
	if (prefix_set_covered4(set) >= most_covered) {
		snprintf(ret_why, THREAT_WHY, "it has %.1f %% of all IPv4 addresses",
			 (double)prefix_set_covered4(set) * 100 / 4294967296.0);
		return false;
	}
	return true;
}

bool threat_next_line(struct fw_slice *rest, struct fw_slice *ret_line)
{
	const uint8_t *end;
	size_t size;

	if (rest->size == 0)
		return false;
	end = memchr(rest->data, '\n', rest->size);
	size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	*ret_line = slice(rest->data, size);
	*rest = slice_from(*rest, end != NULL ? size + 1 : size);
	if (ret_line->size != 0 && ret_line->data[ret_line->size - 1] == '\r')
		ret_line->size--;
	return true;
}

static const char *net_fault(struct fw_slice text)
{
	struct fw_addr address;
	const uint8_t *slash = text.size != 0 ? memchr(text.data, '/', text.size) : NULL;

	if (slash != NULL && addr_parse(slice(text.data, (size_t)(slash - text.data)), &address))
		return "is no network: its length is none, or a bit behind that is set";
	return "is no address and no network";
}

static bool read_v4(struct fw_slice text, uint32_t *ret_address)
{
	struct fw_addr address;

	if (!addr_parse(slice_trim(text), &address) || address.family != 4)
		return false;
	*ret_address = (uint32_t)address.bytes[0] << 24 | (uint32_t)address.bytes[1] << 16 |
		       (uint32_t)address.bytes[2] << 8 | address.bytes[3];
	return true;
}

/* The fewest networks that are a range: the largest each that begins where it is, and does not go beyond. */
static bool take_range(struct threat_reading *reading, uint64_t first, uint64_t last)
{
	while (first <= last) {
		unsigned bits = 32;
		struct addr_net net = { .base = { .family = 4 } };

		while (bits != 0 && (first & (uint64_t)1 << (32 - bits)) == 0 &&
		       first + ((uint64_t)2 << (32 - bits)) - 1 <= last)
			bits--;
		for (unsigned i = 0; i < 4; i++)
			net.base.bytes[i] = (uint8_t)(first >> (24 - 8 * i));
		net.bits = (uint8_t)bits;
		if (!threat_take(reading, &net))
			return false;
		first += (uint64_t)1 << (32 - bits);
	}
	return true;
}

static bool take_text(struct threat_reading *reading, size_t line, struct fw_slice text, bool ranges)
{
	const uint8_t *dash = ranges ? memchr(text.data, '-', text.size) : NULL;
	size_t before = dash != NULL ? (size_t)(dash - text.data) : 0;
	uint32_t first, last;
	struct addr_net net;

	if (dash != NULL) {
		if (!read_v4(slice(text.data, before), &first) || !read_v4(slice_from(text, before + 1), &last) ||
		    first > last)
			return threat_refuse(reading, line, "is no range of IPv4 addresses", text);
		return take_range(reading, first, last);
	}
	if (!addr_net_parse(text, &net))
		return threat_refuse(reading, line, net_fault(text), text);
	return threat_take(reading, &net);
}

/* comments: what begins one. */
static bool read_lines(struct fw_slice text, struct threat_reading *reading, const char *comments, bool ranges)
{
	struct fw_slice line;

	for (size_t number = 1; threat_next_line(&text, &line); number++) {
		size_t size = 0;

		while (size < line.size && (line.data[size] == '\0' || strchr(comments, line.data[size]) == NULL))
			size++;
		line = slice_trim(slice(line.data, size));
		if (line.size != 0 && !take_text(reading, number, line, ranges))
			return false;
	}
	return true;
}

bool threat_read_netset(struct fw_slice text, struct threat_reading *reading)
{
	return read_lines(text, reading, "#", true);
}

bool threat_read_cidr(struct fw_slice text, struct threat_reading *reading)
{
	return read_lines(text, reading, "#;", false);
}

bool threat_read_drop(struct fw_slice text, struct threat_reading *reading)
{
	return read_lines(text, reading, ";", false);
}
