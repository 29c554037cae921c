/* format.c: "format" asserted: names, numbers of addresses, pointers. Dates stand in format_time.c, URIs in
 * format_uri.c. */
#include "schema/format.h"

#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json_pointer.h"
#include "codec/json_string.h"
#include "schema/program.h"

enum { LABEL_MOST = 63, NAME_MOST = 253, LOCAL_MOST = 64 };

/* RFC 1123 2.1. Labels with "--" at the third place say something to IDNA alone; only its A-labels ("xn--") are left.
 */
static bool label_holds(struct fw_slice label)
{
	if (label.size == 0 || label.size > LABEL_MOST || label.data[0] == '-' || label.data[label.size - 1] == '-')
		return false;
	for (size_t i = 0; i < label.size; i++)
		if (!ascii_is_alpha(label.data[i]) && !ascii_is_digit(label.data[i]) && label.data[i] != '-')
			return false;
	return label.size < 4 || label.data[2] != '-' || label.data[3] != '-' ||
	       (slice_equal_nocase(slice(label.data, 2), slice("xn", 2)) && label.size > 4);
}

static bool hostname_holds(struct fw_slice text)
{
	size_t start = 0;

	if (text.size == 0 || text.size > NAME_MOST)
		return false;
	for (size_t i = 0; i <= text.size; i++) {
		if (i != text.size && text.data[i] != '.')
			continue;
		if (!label_holds(slice(text.data + start, i - start)))
			return false;
		start = i + 1;
	}
	return true;
}

bool format_ipv4(struct fw_slice text)
{
	unsigned parts = 0, value = 0, digits = 0;

	for (size_t i = 0; i <= text.size; i++) {
		if (i != text.size && text.data[i] != '.') {
			if (!ascii_is_digit(text.data[i]) || (digits != 0 && value == 0))
				return false;
			value = value * 10 + (text.data[i] - '0');
			if (value > 255)
				return false;
			digits++;
			continue;
		}
		if (digits == 0)
			return false;
		parts++;
		digits = value = 0;
	}
	return parts == 4;
}

/* RFC 4291 2.2, without a zone. */
bool format_ipv6(struct fw_slice text)
{
	unsigned groups = 0;
	bool gap = false;
	size_t i = 0;

	if (text.size >= 2 && text.data[0] == ':' && text.data[1] == ':') {
		gap = true;
		i = 2;
	}
	while (i < text.size) {
		size_t start = i;

		while (i < text.size && ascii_hex(text.data[i]) >= 0)
			i++;
		if (i < text.size && text.data[i] == '.')
			return format_ipv4(slice_from(text, start)) && (gap ? groups <= 5 : groups == 6);
		if (i == start || i - start > 4 || ++groups > 8)
			return false;
		if (i == text.size)
			break;
		if (text.data[i++] != ':' || i == text.size)
			return false;
		if (text.data[i] == ':') {
			if (gap)
				return false;
			gap = true;
			i++;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

static bool is_atom(uint8_t c, bool international)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || (c >= 0x80 && international) ||
	       (c != 0 && c < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool quoted_holds(struct fw_slice text, bool international)
{
	for (size_t i = 1; i + 1 < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == '\\') {
			if (++i + 1 >= text.size)
				return false;
			c = text.data[i];
		} else if (c == '"') {
			return false;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !international))
			return false;
	}
	return text.size >= 2 && text.data[text.size - 1] == '"';
}

static bool local_holds(struct fw_slice local, bool international)
{
	if (local.size == 0 || local.size > LOCAL_MOST)
		return false;
	if (local.data[0] == '"')
		return quoted_holds(local, international);
	for (size_t i = 0; i < local.size; i++) {
		if (!is_atom(local.data[i], international))
			return false;
		if (local.data[i] == '.' && (i == 0 || i + 1 == local.size || local.data[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool international_domain_holds(struct fw_slice text)
{
	size_t start = 0;

	for (size_t i = 0; i <= text.size; i++) {
		if (i != text.size && text.data[i] != '.') {
			if (text.data[i] < 0x80 && !ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) &&
			    text.data[i] != '-')
				return false;
			continue;
		}
		if (i == start || text.data[start] == '-' || text.data[i - 1] == '-')
			return false;
		start = i + 1;
	}
	return text.size <= NAME_MOST;
}

/* RFC 5321 4.1.2 (mailbox), with international ones RFC 6531 3.3. */
static bool mailbox_holds(struct fw_slice text, bool international)
{
	size_t at = text.size;
	struct fw_slice domain;

	while (at != 0 && text.data[at - 1] != '@')
		at--;
	if (at == 0 || !local_holds(slice(text.data, at - 1), international))
		return false;
	domain = slice(text.data + at, text.size - at);
	if (domain.size > 2 && domain.data[0] == '[' && domain.data[domain.size - 1] == ']') {
		domain = slice(domain.data + 1, domain.size - 2);
		return slice_starts(domain, "IPv6:") ? format_ipv6(slice_from(domain, 5)) : format_ipv4(domain);
	}
	return international ? international_domain_holds(domain) : hostname_holds(domain);
}

static bool email_holds(struct fw_slice text)
{
	return mailbox_holds(text, false);
}

static bool idn_email_holds(struct fw_slice text)
{
	return mailbox_holds(text, true);
}

static bool uuid_holds(struct fw_slice text)
{
	if (text.size != 36)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.data[i] != '-' : ascii_hex(text.data[i]) < 0)
			return false;
	}
	return true;
}

static bool relative_pointer_holds(struct fw_slice text)
{
	size_t i = 0;

	while (i < text.size && ascii_is_digit(text.data[i]))
		i++;
	if (i == 0 || (i > 1 && text.data[0] == '0'))
		return false;
	text = slice(text.data + i, text.size - i);
	return slice_is(text, "#") || json_pointer_is(text);
}

static const struct format {
	const char *name;
	bool (*holds)(struct fw_slice text);
} formats[] = {
	{ "date-time", format_date_time },
	{ "date", format_date },
	{ "time", format_time },
	{ "duration", format_duration },
	{ "email", email_holds },
	{ "idn-email", idn_email_holds },
	{ "hostname", hostname_holds },
	{ "ipv4", format_ipv4 },
	{ "ipv6", format_ipv6 },
	{ "uri", format_uri },
	{ "uri-reference", format_uri_reference },
	{ "iri", format_iri },
	{ "iri-reference", format_iri_reference },
	{ "uri-template", format_uri_template },
	{ "uuid", uuid_holds },
	{ "json-pointer", json_pointer_is },
	{ "relative-json-pointer", relative_pointer_holds },
	{ "regex", NULL }, /* it needs memory */
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

const char *jsonschema_format_known(unsigned i)
{
	return i < FORMATS ? formats[i].name : NULL;
}

int jsonschema_format_find(struct fw_slice name)
{
	for (unsigned i = 0; i < FORMATS; i++)
		if (slice_is(name, formats[i].name))
			return (int)i;
	return -1;
}

bool jsonschema_format_holds(unsigned format, struct fw_slice text, struct arena *arena)
{
	const char *what;

	if (formats[format].holds != NULL)
		return formats[format].holds(text);
	return jsonschema_pattern_text(text, arena, &what).data != NULL;
}
