#include "policy/policy.h"

#include <string.h>

#include "base/addr.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/idna.h"

/* A URL is judged as a browser reads it (WHATWG URL, 4.4 and 3.5), with everything refused that a browser would mend:
 * what reads in two ways is not safe. */

enum { HOST_ROOM = 253 };

/* A host after mapping: lower case, full-width forms and ideographic dots as ASCII. */
struct host {
	uint8_t text[HOST_ROOM + 4];
	size_t size;
	uint8_t ascii[IDNA_ROOM];
};

/* What a host may have after mapping, or 0. */
static uint32_t map_character(uint32_t c)
{
	if (c == 0x3002 || c == 0xff61)
		return '.';
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xfee0;
	if (c < 0x80) {
		c = ascii_lower((uint8_t)c);
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ? c : 0;
	}
	return c;
}

static bool map_host(struct fw_slice text, struct host *ret_host)
{
	ret_host->size = 0;
	for (size_t i = 0; i < text.size;) {
		uint32_t c;
		size_t size = utf8_decode(text.data + i, &c);

		c = map_character(c);
		if (c == 0 || ret_host->size >= HOST_ROOM)
			return false;
		ret_host->size += utf8_encode(c, ret_host->text + ret_host->size);
		i += size;
	}
	return ret_host->size != 0 && ret_host->size <= HOST_ROOM;
}

/* Is the host name the same as, or below, the domain? */
static bool within(struct fw_slice host, struct fw_slice domain)
{
	size_t before;

	if (domain.size == 0 || host.size < domain.size)
		return false;
	before = host.size - domain.size;
	for (size_t i = 0; i < domain.size; i++)
		if (host.data[before + i] != ascii_lower(domain.data[i]))
			return false;
	return before == 0 || host.data[before - 1] == '.';
}

static bool name_blocked(const struct fw_policy *policy, struct fw_slice host)
{
	/* Names that only mean something on the spot: RFC 6761 6.3, RFC 6762 3, RFC 8375, the private "internal", and
	 * where clouds say secrets.
	 */
	static const char *const local[] = { "localhost", "localdomain", "local",
					     "internal",  "home.arpa",	 "metadata.goog" };
	const struct texts *domains = &policy->settings.blocked_domains;

	for (size_t i = 0; i < domains->count; i++)
		if (within(host, slice_text(domains->items[i])))
			return true;
	if (domains->count == 0) /* switched off on purpose, for development */
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if (within(host, slice_text(local[i])))
			return true;
	return memchr(host.data, '.', host.size) == NULL; /* one label: a name of the local network */
}

static bool address_blocked(const struct fw_policy *policy, const struct fw_addr *addr)
{
	const struct texts *domains = &policy->settings.blocked_domains;
	enum addr_scope scope = addr_scope(addr);
	struct fw_addr other;

	for (size_t i = 0; i < domains->count; i++)
		if (addr_parse(slice_text(domains->items[i]), &other) && addr_equal(addr, &other))
			return true;
	for (size_t i = 0; i < policy->blocked_net_count; i++)
		if (addr_net_has(&policy->blocked_nets[i], addr))
			return true;
	/* A list that the configuration empties on purpose opens its kind: development. Special addresses stay refused.
	 */
	if (scope == ADDR_LOOPBACK)
		return domains->count != 0;
	if (scope == ADDR_PRIVATE)
		return policy->settings.blocked_ranges.count != 0;
	return scope == ADDR_SPECIAL;
}

/* Labels of 1 to 63 octets; no dot at either end. */
static bool labels_hold(struct fw_slice host)
{
	size_t label = 0;

	for (size_t i = 0; i < host.size; i++) {
		if (host.data[i] == '.' && label == 0)
			return false;
		label = host.data[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label != 0;
}

/* WHATWG 3.5 "ends in a number": then a browser reads the whole host as an IPv4 address, in any of its spellings. */
static bool ends_in_number(struct fw_slice host)
{
	size_t start = host.size, i;

	while (start != 0 && host.data[start - 1] != '.')
		start--;
	host = slice_from(host, start);
	if (host.size >= 2 && host.data[0] == '0' && host.data[1] == 'x')
		return true;
	for (i = 0; i < host.size; i++)
		if (host.data[i] < '0' || host.data[i] > '9')
			return false;
	return i != 0;
}

static bool name_safe(const struct fw_policy *policy, struct fw_slice text)
{
	struct host host;
	struct fw_slice mapped;
	struct fw_addr addr;

	if (!map_host(text, &host))
		return false;
	/* A name of another script is blocked by its name in ASCII, which is the one that is asked for in the end. */
	mapped = slice(host.ascii, idna_to_ascii(slice(host.text, host.size), host.ascii));
	if (!labels_hold(mapped))
		return false;
	if (ends_in_number(mapped)) /* decimal, octal, hex and short forms are not what addr_parse reads */
		return slice_equal(mapped, text) && addr_parse(mapped, &addr) && addr.family == 4 &&
		       !address_blocked(policy, &addr);
	return !name_blocked(policy, mapped);
}

static bool literal_safe(const struct fw_policy *policy, struct fw_slice text)
{
	struct fw_addr addr;

	/* family 4 here: IPv4 in IPv6 clothes (::ffff:a.b.c.d), which nobody needs to write */
	return addr_parse(text, &addr) && addr.family == 6 && !address_blocked(policy, &addr);
}

static bool port_holds(struct fw_slice rest)
{
	uint32_t port = 0;

	if (rest.size == 0)
		return true;
	if (rest.data[0] != ':' || rest.size < 2 || rest.size > 6)
		return false;
	for (size_t i = 1; i < rest.size; i++) {
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(rest.data[i] - '0');
	}
	return port != 0 && port <= 65535;
}

static bool authority_safe(const struct fw_policy *policy, struct fw_slice authority)
{
	const uint8_t *end;
	size_t n;

	if (authority.size == 0 || memchr(authority.data, '@', authority.size) != NULL)
		return false;
	if (authority.data[0] == '[') {
		end = memchr(authority.data, ']', authority.size);
		if (end == NULL)
			return false;
		n = (size_t)(end - authority.data);
		return port_holds(slice_from(authority, n + 1)) &&
		       literal_safe(policy, slice(authority.data + 1, n - 1));
	}
	end = memchr(authority.data, ':', authority.size);
	n = end != NULL ? (size_t)(end - authority.data) : authority.size;
	return port_holds(slice_from(authority, n)) && name_safe(policy, slice(authority.data, n));
}

/* Browsers strip blanks and line ends and read "\" as "/"; quotes and angle brackets end an attribute somewhere. */
static bool characters_hold(struct fw_slice url)
{
	for (size_t i = 0; i < url.size; i++) {
		uint8_t c = url.data[i];

		if (c <= 0x20 || c == 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' || c == '`')
			return false;
	}
	return true;
}

static bool scheme_holds(const struct fw_policy *policy, struct fw_slice url, size_t *ret_size)
{
	const struct texts *blocked = &policy->settings.blocked_schemes;
	const uint8_t *colon = url.size != 0 ? memchr(url.data, ':', url.size) : NULL;
	struct fw_slice scheme;

	if (colon == NULL)
		return false;
	scheme = slice(url.data, (size_t)(colon - url.data));
	*ret_size = scheme.size;
	for (size_t i = 0; i < blocked->count; i++)
		if (slice_is_nocase(scheme, blocked->items[i]))
			return false;
	return slice_is_nocase(scheme, "http") || slice_is_nocase(scheme, "https");
}

bool schema_url_safe(const struct fw_policy *policy, struct fw_slice url)
{
	struct fw_slice rest;
	size_t size, n = 0;

	if (!characters_hold(url) || !utf8_valid(url.data, url.size) || !scheme_holds(policy, url, &size))
		return false;
	rest = slice_from(url, size + 1);
	if (!slice_starts(rest, "//"))
		return false;
	rest = slice_from(rest, 2);
	while (n < rest.size && rest.data[n] != '/' && rest.data[n] != '?' && rest.data[n] != '#')
		n++;
	return authority_safe(policy, slice(rest.data, n));
}
