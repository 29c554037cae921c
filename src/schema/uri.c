#include "schema/uri.h"

#include "base/slice.h"

/* RFC 3986 appendix B. data NULL: the part is absent. */
struct uri {
	struct fw_slice scheme, authority, path, query, fragment;
};

static size_t find_any(struct fw_slice text, const char *ends)
{
	size_t i = 0;

	while (i < text.size && strchr(ends, text.data[i]) == NULL)
		i++;
	return i;
}

static struct uri split(struct fw_slice text)
{
	struct uri uri = { 0 };
	size_t end = find_any(text, ":/?#");

	if (end < text.size && end != 0 && text.data[end] == ':') {
		uri.scheme = slice(text.data, end);
		text = slice(text.data + end + 1, text.size - end - 1);
	}
	if (slice_starts(text, "//")) {
		text = slice(text.data + 2, text.size - 2);
		end = find_any(text, "/?#");
		uri.authority = slice(text.data, end);
		text = slice(text.data + end, text.size - end);
	}
	end = find_any(text, "?#");
	uri.path = slice(text.data, end);
	text = slice(text.data + end, text.size - end);
	if (text.size != 0 && text.data[0] == '?') {
		end = find_any(text, "#");
		uri.query = slice(text.data + 1, end - 1);
		text = slice(text.data + end, text.size - end);
	}
	if (text.size != 0)
		uri.fragment = slice(text.data + 1, text.size - 1);
	return uri;
}

static void add(uint8_t **to, struct fw_slice text)
{
	if (text.size != 0)
		memcpy(*to, text.data, text.size);
	*to += text.size;
}

/* RFC 3986 5.2.4, in place. Returns the new size. */
static size_t remove_dots(uint8_t *path, size_t size)
{
	size_t to = 0, at = 0;

	while (at < size) {
		size_t end = at + 1;
		bool dot, dots;

		while (end < size && path[end] != '/')
			end++;
		dot = end - at == 2 && memcmp(path + at, "/.", 2) == 0;
		dots = end - at == 3 && memcmp(path + at, "/..", 3) == 0;
		if (dots)
			while (to != 0 && path[--to] != '/')
				;
		if (!dot && !dots) {
			memmove(path + to, path + at, end - at);
			to += end - at;
		} else if (end == size) {
			path[to++] = '/';
		}
		at = end;
	}
	return to;
}

static struct fw_slice percent_decoded(struct fw_slice text, struct arena *arena)
{
	uint8_t *bytes = arena_alloc(arena, text.size + 1), *to = bytes;

	if (bytes == NULL)
		return slice(NULL, 0);
	for (size_t i = 0; i < text.size; i++) {
		int high = i + 2 < text.size && text.data[i] == '%' ? ascii_hex(text.data[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex(text.data[i + 2]) : -1;

		*to++ = low >= 0 ? (uint8_t)(high << 4 | low) : text.data[i];
		if (low >= 0)
			i += 2;
	}
	return slice(bytes, (size_t)(to - bytes));
}

struct fw_slice jsonschema_uri_resolve(struct fw_slice base, struct fw_slice reference, struct arena *arena,
				       struct fw_slice *ret_fragment)
{
	struct uri b = split(base), r = split(reference), t = r;
	uint8_t *bytes = arena_alloc(arena, base.size + reference.size + 8), *to = bytes, *path;

	*ret_fragment = slice(NULL, 0);
	if (bytes == NULL)
		return slice(NULL, 0);
	if (r.fragment.data != NULL) {
		*ret_fragment = percent_decoded(r.fragment, arena);
		if (ret_fragment->data == NULL)
			return slice(NULL, 0);
	}
	if (r.scheme.data == NULL) {
		t.scheme = b.scheme;
		if (r.authority.data == NULL) {
			t.authority = b.authority;
			if (r.path.size == 0 && r.query.data == NULL)
				t.query = b.query;
		}
	}
	if (t.scheme.data != NULL) {
		add(&to, t.scheme);
		*to++ = ':';
	}
	if (t.authority.data != NULL) {
		add(&to, slice("//", 2));
		add(&to, t.authority);
	}
	path = to;
	if (r.scheme.data != NULL || r.authority.data != NULL || (r.path.size != 0 && r.path.data[0] == '/')) {
		add(&to, r.path);
	} else if (r.path.size == 0) {
		add(&to, b.path);
	} else {
		size_t keep = b.path.size;

		while (keep != 0 && b.path.data[keep - 1] != '/')
			keep--;
		if (keep == 0 && b.authority.data != NULL)
			*to++ = '/';
		add(&to, slice(b.path.data, keep));
		add(&to, r.path);
	}
	if (to != path && *path == '/')
		to = path + remove_dots(path, (size_t)(to - path));
	if (t.query.data != NULL) {
		*to++ = '?';
		add(&to, t.query);
	}
	return slice(bytes, (size_t)(to - bytes));
}
