#include "engine/sanitize_url.h"

#include <string.h>

#include "base/slice.h"

enum {
	END = -1,
	REPLACEMENT = 0xfffd,
	SCHEME_ROOM = 32,
	HOST_ROOM = 300, /* longer ones are none that is allowed or blocked */
};

/* The characters of an attribute value, decoded as far as a link is judged. */
struct characters {
	const uint8_t *at;
	const uint8_t *end;
	bool unknown; /* a named reference that is not in the table: what it stands for is not guessed */
};

/* The names that could stand for a part of "scheme://host"; any other name before the host refuses the link. */
static const struct {
	const char *name;
	uint8_t character;
} references[] = {
	{ "Tab", '\t' }, { "NewLine", '\n' }, { "colon", ':' },	 { "sol", '/' },   { "bsol", '\\' },  { "quest", '?' },
	{ "num", '#' },	 { "amp", '&' },      { "period", '.' }, { "plus", '+' },  { "lowbar", '_' }, { "equals", '=' },
	{ "lt", '<' },	 { "gt", '>' },	      { "quot", '"' },	 { "apos", '\'' }, { "excl", '!' },   { "percnt", '%' },
};

static bool alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* HTML 13.2.5.75 to 80: "#" and digits; the semicolon may be missing. at is behind the "&". False: no digits. */
static bool numeric(struct characters *chars, int32_t *ret_character)
{
	const uint8_t *at = chars->at + 1, *digits;
	bool hexadecimal = at != chars->end && ascii_lower(*at) == 'x';
	uint32_t value = 0;

	at += hexadecimal;
	for (digits = at; at != chars->end; at++) {
		uint8_t c = ascii_lower(*at);
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)c - '0';
		else if (hexadecimal && c >= 'a' && c <= 'f')
			digit = (uint32_t)c - 'a' + 10;
		else
			break;
		if (value <= 0x10ffff)
			value = value * (hexadecimal ? 16 : 10) + digit;
	}
	if (at == digits)
		return false;
	chars->at = at + (at != chars->end && *at == ';');
	/* From U+0080 on the exact character does not matter: none of them is part of a scheme. */
	*ret_character = value == 0 || value >= 0x80 ? REPLACEMENT : (int32_t)value;
	return true;
}

static int32_t named(struct characters *chars)
{
	const uint8_t *at = chars->at;
	struct fw_slice name;
	size_t i;

	while (at != chars->end && alphanumeric(*at))
		at++;
	name = slice(chars->at, (size_t)(at - chars->at));
	for (i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
		if (at != chars->end && *at == ';' && slice_is(name, references[i].name)) {
			chars->at = at + 1;
			return references[i].character;
		}
	}
	chars->unknown = true;
	return END;
}

static int32_t decoded(struct characters *chars)
{
	int32_t character;
	uint8_t c;

	if (chars->at == chars->end)
		return END;
	c = *chars->at++;
	if (c == '\0' || c >= 0x80)
		return REPLACEMENT;
	if (c != '&' || chars->at == chars->end)
		return c;
	if (*chars->at == '#' && numeric(chars, &character))
		return character;
	return alphanumeric(*chars->at) ? named(chars) : '&';
}

/* The next character that the URL parser sees: it removes tabs and newlines everywhere (URL 4.4). */
static int32_t next(struct characters *chars)
{
	int32_t c;

	do
		c = decoded(chars);
	while (c == '\t' || c == '\n' || c == '\r');
	return c;
}

/* "//" and the beginning of a host. Backslashes, which browsers read as slashes, and empty hosts are refused. */
static bool host_follows(struct characters *chars)
{
	int32_t c = next(chars);

	return c > ' ' && c != '/' && c != '\\' && c != '?' && c != '#' && c != ':' && c != '@';
}

/* Not this machine and no private network: what an attachment's url may be (checklist 2.1), asked of the host as a
 * browser reads it. */
static bool host_allowed(const struct fw_policy *policy, bool encrypted, struct characters chars)
{
	uint8_t url[HOST_ROOM] = "https://";
	size_t size = 8;

	if (!encrypted)
		memcpy(url + --size - 3, "://", 3); /* "http://" */
	for (;;) {
		int32_t c = next(&chars);

		if (c == END || c == '/' || c == '?' || c == '#')
			return schema_url_safe(policy, slice(url, size));
		if (size == sizeof(url) || c == '\\')
			return false;
		/* An octet of a name in another script stands for itself; a reference to one is no way to write a host.
		 */
		if (chars.at[-1] >= 0x80)
			c = chars.at[-1];
		else if (c >= 0x80)
			return false;
		url[size++] = (uint8_t)c;
	}
}

static bool listed(const struct texts *schemes, struct fw_slice scheme)
{
	size_t i;

	for (i = 0; i < schemes->count; i++)
		if (slice_is_nocase(scheme, schemes->items[i]))
			return true;
	return false;
}

static bool scheme_allowed(const struct fw_policy *policy, struct fw_slice scheme, struct characters *chars)
{
	if (listed(&policy->settings.blocked_schemes, scheme))
		return false;
	if (slice_is(scheme, "mailto"))
		return true;
	if (!slice_is(scheme, "http") && !slice_is(scheme, "https"))
		return false;
	return next(chars) == '/' && next(chars) == '/' && host_allowed(policy, slice_is(scheme, "https"), *chars) &&
	       host_follows(chars);
}

/* Without a scheme: "/path", or "//host" which takes the scheme of the page. */
static bool slash_allowed(const struct fw_policy *policy, struct characters *chars)
{
	int32_t c = next(chars);

	if (c == '\\')
		return false;
	if (c != '/')
		return true;
	return !listed(&policy->settings.blocked_schemes, slice_text("http")) &&
	       !listed(&policy->settings.blocked_schemes, slice_text("https")) && host_allowed(policy, true, *chars) &&
	       host_follows(chars);
}

static bool judge(const struct fw_policy *policy, struct characters *chars)
{
	uint8_t scheme[SCHEME_ROOM];
	size_t size = 0;
	int32_t c;

	do
		c = next(chars);
	while (c >= 0 && c <= ' '); /* URL 4.4: leading C0 controls and blanks are removed */
	for (;; c = next(chars)) {
		if (c == '/' && size == 0)
			return slash_allowed(policy, chars);
		if (c == END || c == '/' || c == '?' || c == '#')
			return true;
		if (c == ':')
			return size <= sizeof(scheme) && scheme_allowed(policy, slice(scheme, size), chars);
		if (c == '\\')
			return false;
		if (size < sizeof(scheme))
			scheme[size] = c < 0x80 ? ascii_lower((uint8_t)c) : '\0';
		if (size <= sizeof(scheme))
			size++;
	}
}

bool sanitize_url_allowed(const struct fw_policy *policy, struct fw_slice raw)
{
	struct characters chars = { .at = raw.data, .end = raw.size != 0 ? raw.data + raw.size : raw.data };

	return judge(policy, &chars) && !chars.unknown;
}
