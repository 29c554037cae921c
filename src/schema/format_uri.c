/* format_uri.c: URIs (RFC 3986), IRIs (RFC 3987) and templates of URIs (RFC 6570). */
#include "base/slice.h"
#include "codec/json_string.h"
#include "schema/format.h"

static bool in(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* "%" and two digits. */
static bool is_encoded(struct fw_slice text, size_t i)
{
	return i + 2 < text.size && text.data[i] == '%' && ascii_hex(text.data[i + 1]) >= 0 &&
	       ascii_hex(text.data[i + 2]) >= 0;
}

/* Unreserved, percent-encoded, sub-delims and what is in more. */
static bool only(struct fw_slice text, const char *more, bool international)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (ascii_is_alpha(c) || ascii_is_digit(c) || in(c, "-._~!$&'()*+,;=") || in(c, more) ||
		    (international && c >= 0x80))
			continue;
		if (!is_encoded(text, i))
			return false;
		i += 2;
	}
	return true;
}

static bool literal_holds(struct fw_slice text)
{
	size_t dot = 1;

	if (text.size < 2 || (text.data[0] | 0x20) != 'v')
		return format_ipv6(text);
	while (dot < text.size && ascii_hex(text.data[dot]) >= 0)
		dot++;
	return dot > 1 && dot + 1 < text.size && text.data[dot] == '.' && only(slice_from(text, dot + 1), ":", false);
}

static bool authority_holds(struct fw_slice text, bool international)
{
	size_t at = text.size, end;

	while (at != 0 && text.data[at - 1] != '@')
		at--;
	if (at != 0 && !only(slice(text.data, at - 1), ":", international))
		return false;
	text = slice(text.data + at, text.size - at);
	end = text.size;
	while (end != 0 && ascii_is_digit(text.data[end - 1]))
		end--;
	if (end != 0 && text.data[end - 1] == ':')
		text.size = end - 1;
	if (text.size != 0 && text.data[0] == '[')
		return text.data[text.size - 1] == ']' && literal_holds(slice(text.data + 1, text.size - 2));
	return only(text, "", international);
}

static size_t until(struct fw_slice text, const char *ends)
{
	size_t i = 0;

	while (i < text.size && !in(text.data[i], ends))
		i++;
	return i;
}

static bool scheme_holds(struct fw_slice text)
{
	if (text.size == 0 || !ascii_is_alpha(text.data[0]))
		return false;
	for (size_t i = 1; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) && !in(text.data[i], "+-."))
			return false;
	return true;
}

static bool reference_holds(struct fw_slice text, bool absolute, bool international)
{
	size_t end = until(text, ":/?#");

	if (end < text.size && text.data[end] == ':') {
		if (!scheme_holds(slice(text.data, end)))
			return false; /* nor may a first segment have a ":" without a scheme before it */
		text = slice(text.data + end + 1, text.size - end - 1);
	} else if (absolute) {
		return false;
	}
	if (slice_starts(text, "//")) {
		text = slice(text.data + 2, text.size - 2);
		end = until(text, "/?#");
		if (!authority_holds(slice(text.data, end), international))
			return false;
		text = slice(text.data + end, text.size - end);
	}
	end = until(text, "?#");
	if (!only(slice(text.data, end), ":@/", international))
		return false;
	text = slice(text.data + end, text.size - end);
	if (text.size != 0 && text.data[0] == '?') {
		end = until(text, "#");
		if (!only(slice(text.data + 1, end - 1), ":@/?", international))
			return false;
		text = slice(text.data + end, text.size - end);
	}
	return text.size == 0 || only(slice(text.data + 1, text.size - 1), ":@/?", international);
}

bool format_uri(struct fw_slice text)
{
	return reference_holds(text, true, false);
}

bool format_uri_reference(struct fw_slice text)
{
	return reference_holds(text, false, false);
}

bool format_iri(struct fw_slice text)
{
	return reference_holds(text, true, true);
}

bool format_iri_reference(struct fw_slice text)
{
	return reference_holds(text, false, true);
}

/* RFC 6570 2.2: what stands between braces. */
static bool expression_holds(struct fw_slice text)
{
	bool name = false, modified = false, dot = false; /* dot: the last one was a "." */

	if (text.size != 0 && in(text.data[0], "+#./;?&=,!@|"))
		text = slice(text.data + 1, text.size - 1);
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == ',' && name && !dot) {
			name = modified = false;
		} else if (c == '*' && name && !modified && !dot) {
			modified = true;
		} else if (c == ':' && name && !modified && !dot && i + 1 < text.size && text.data[i + 1] >= '1' &&
			   text.data[i + 1] <= '9') {
			size_t start = i;

			while (i + 1 < text.size && ascii_is_digit(text.data[i + 1]))
				i++;
			if (i - start > 4)
				return false;
			modified = true;
		} else if (!modified && c == '.' && name && !dot) {
			dot = true;
			continue;
		} else if (!modified && (ascii_is_alpha(c) || ascii_is_digit(c) || c == '_')) {
			name = true;
		} else if (!modified && is_encoded(text, i)) {
			name = true;
			i += 2;
		} else {
			return false;
		}
		dot = false;
	}
	return name && !dot;
}

bool format_uri_template(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == '{') {
			size_t size = until(slice(text.data + i + 1, text.size - i - 1), "{}");

			if (i + 1 + size == text.size || text.data[i + 1 + size] != '}' ||
			    !expression_holds(slice(text.data + i + 1, size)))
				return false;
			i += size + 1;
		} else if (c <= 0x20 || c == 0x7f || in(c, "\"<>\\^`|}") || (c == '%' && !is_encoded(text, i))) {
			return false;
		}
	}
	return true;
}
