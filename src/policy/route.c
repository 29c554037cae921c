#include "policy/route.h"

#include <string.h>

#include "base/slice.h"

/* Paths are compared as a server behind us may read them: percent escapes of unreserved characters mean the character
 * (RFC 3986 6.2.2.2), and several slashes mean one. So no spelling of "/admin" slips past the route "/admin". */
struct reader {
	struct fw_slice rest;
	bool slash; /* the last character given was a slash */
};

static bool unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

/* The octet at the front, escapes of any octet decoded; ret_size is how long it is written. */
static uint8_t front(struct fw_slice text, size_t *ret_size)
{
	if (text.data[0] == '%' && text.size >= 3 && ascii_hex(text.data[1]) >= 0 && ascii_hex(text.data[2]) >= 0) {
		*ret_size = 3;
		return (uint8_t)(ascii_hex(text.data[1]) * 16 + ascii_hex(text.data[2]));
	}
	*ret_size = 1;
	return text.data[0];
}

/* The next character, or -1 at the end. */
static int next_character(struct reader *reader)
{
	while (reader->rest.size != 0) {
		size_t size;
		uint8_t c = front(reader->rest, &size);

		if (size == 3 && !unreserved(c)) {
			c = '%';
			size = 1;
		}
		reader->rest = slice_from(reader->rest, size);
		if (c == '/' && reader->slash)
			continue;
		reader->slash = c == '/';
		return c;
	}
	return -1;
}

/* "." and ".." segments, however the dots and slashes are written: what they mean is the server's secret, so they have
 * no route. */
static bool has_dot_segment(struct fw_slice path)
{
	size_t dots = 0, others = 0;

	for (;;) {
		size_t size = 0;
		uint8_t c = path.size != 0 ? front(path, &size) : '/';

		if (c == '/' || c == '\\') {
			if (others == 0 && (dots == 1 || dots == 2))
				return true;
			dots = 0;
			others = 0;
			if (path.size == 0)
				return false;
		} else if (c == '.') {
			dots++;
		} else {
			others++;
		}
		path = slice_from(path, size);
	}
}

/* An escaped slash, which a server behind may read as the end of the segment. */
static bool hides_slash(struct fw_slice rest)
{
	return rest.size >= 2 && ((rest.data[0] == '2' && ascii_lower(rest.data[1]) == 'f') ||
				  (rest.data[0] == '5' && ascii_lower(rest.data[1]) == 'c'));
}

/* One segment that is not empty. */
static bool take_segment(struct reader *reader)
{
	struct reader ahead = *reader;
	bool taken = false;

	for (int c; (c = next_character(&ahead)) != -1 && c != '/'; taken = true) {
		if (c == '\\' || (c == '%' && hides_slash(ahead.rest)))
			return false;
		*reader = ahead;
	}
	return taken;
}

static bool route_matches(const struct policy_route *route, struct fw_slice path)
{
	struct reader reader = { path, false };

	for (size_t i = 0; i < route->path_size; i++)
		if (route->templated && route->path[i] == '{') {
			if (!take_segment(&reader))
				return false;
			while (route->path[i] != '}')
				i++;
		} else if (next_character(&reader) != (uint8_t)route->path[i])
			return false;
	return route->prefix || next_character(&reader) == -1;
}

const struct policy_route *policy_route_find(const struct fw_policy *policy, struct fw_slice path)
{
	const struct policy_route *best = NULL;

	if (path.size == 0 || path.data[0] != '/' || has_dot_segment(path))
		return NULL;
	for (unsigned i = 0; i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];

		if (!route_matches(route, path))
			continue;
		if (!route->prefix && !route->templated)
			return route;
		if (best == NULL || (best->prefix && (!route->prefix || route->path_size > best->path_size)))
			best = route;
	}
	return best;
}

/* host[:port]; brackets of IPv6 stay with the host. port: -1 none. */
struct place {
	struct fw_slice host;
	long port;
};

static bool read_port(struct fw_slice digits, long *ret_port)
{
	long port = 0;

	if (digits.size == 0 || digits.size > 5)
		return false;
	for (size_t i = 0; i < digits.size; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		port = port * 10 + (digits.data[i] - '0');
	}
	*ret_port = port;
	return port <= 65535;
}

static bool host_character(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '.' ||
	       c == '_';
}

static bool read_place(struct fw_slice text, struct place *ret_place)
{
	size_t n = 0;

	ret_place->port = -1;
	if (text.size != 0 && text.data[0] == '[') {
		while (n < text.size && text.data[n] != ']')
			n++;
		if (n == text.size)
			return false;
		n++;
	} else {
		while (n < text.size && host_character(text.data[n]))
			n++;
	}
	ret_place->host = slice(text.data, n);
	if (n == 0)
		return false;
	if (n == text.size)
		return true;
	return text.data[n] == ':' && read_port(slice_from(text, n + 1), &ret_place->port);
}

static bool loopback_name(struct fw_slice host)
{
	return slice_is_nocase(host, "localhost") || slice_is(host, "127.0.0.1") || slice_is(host, "[::1]");
}

struct origin {
	struct fw_slice scheme;
	struct place place;
};

static bool read_origin(struct fw_slice text, struct origin *ret_origin)
{
	size_t n = 0;

	while (n < text.size && text.data[n] != ':')
		n++;
	if (n == 0 || text.size - n < 4 || memcmp(text.data + n, "://", 3) != 0)
		return false;
	ret_origin->scheme = slice(text.data, n);
	if (!read_place(slice_from(text, n + 3), &ret_origin->place))
		return false;
	/* Browsers leave the default port out (RFC 6454 6.2); people write it. */
	if (ret_origin->place.port == 80 &&
	    (slice_is_nocase(ret_origin->scheme, "http") || slice_is_nocase(ret_origin->scheme, "ws")))
		ret_origin->place.port = -1;
	if (ret_origin->place.port == 443 &&
	    (slice_is_nocase(ret_origin->scheme, "https") || slice_is_nocase(ret_origin->scheme, "wss")))
		ret_origin->place.port = -1;
	return true;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
	return slice_equal_nocase(a->scheme, b->scheme) && slice_equal_nocase(a->place.host, b->place.host) &&
	       a->place.port == b->place.port;
}

bool policy_origin_allowed(const struct fw_policy *policy, const struct policy_route *route, struct fw_slice origin)
{
	const struct texts *list =
		route != NULL && route->origins.count != 0 ? &route->origins : &policy->settings.origins;
	struct origin have, want;
	bool readable = read_origin(origin, &have);

	if (list->count == 0)
		return readable && (slice_is_nocase(have.scheme, "http") || slice_is_nocase(have.scheme, "https")) &&
		       loopback_name(have.place.host);
	for (size_t i = 0; i < list->count; i++) {
		struct fw_slice entry = slice_text(list->items[i]);

		if (slice_is(entry, "null")) {
			if (slice_is(origin, "null"))
				return true;
		} else if (readable && read_origin(entry, &want) && same_origin(&have, &want)) {
			return true;
		}
	}
	return false;
}

bool policy_host_allowed(const struct fw_policy *policy, const struct policy_route *route, struct fw_slice host,
			 bool secure)
{
	const struct texts *list = route != NULL && route->hosts.count != 0 ? &route->hosts : &policy->settings.hosts;
	struct place have, want;

	if (!read_place(host, &have))
		return false;
	if (list->count == 0)
		return loopback_name(have.host);
	if (have.port == -1)
		have.port = secure ? 443 : 80; /* RFC 9110 4.2.1, 4.2.2 */
	for (size_t i = 0; i < list->count; i++)
		if (read_place(slice_text(list->items[i]), &want) && slice_equal_nocase(have.host, want.host) &&
		    (want.port == -1 || want.port == have.port))
			return true;
	return false;
}

bool route_origin_holds(struct fw_slice origin)
{
	struct origin parts;

	return slice_is(origin, "null") || read_origin(origin, &parts);
}

bool route_host_holds(struct fw_slice host)
{
	struct place place;

	return read_place(host, &place);
}

bool route_place(struct fw_slice text, struct fw_slice *ret_host, long *ret_port)
{
	struct place place;
	bool holds = read_place(text, &place);

	*ret_host = place.host;
	*ret_port = place.port;
	return holds;
}

bool policy_type_matches(struct fw_slice pattern, struct fw_slice type)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < type.size) {
		if (p < pattern.size && pattern.data[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.size && pattern.data[p] == type.data[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX && type.data[from] != ' ') {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.size && pattern.data[p] == '*')
		p++;
	return p == pattern.size;
}
