#include "engine/sanitize_url.h"

#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/html_tokens.h"

enum {
	END = -1,
	SCHEME_ROOM = 32,
	HOST_ROOM = 300, /* longer ones are none that is allowed or blocked */
};

/* The octets of an attribute value, as a browser decodes it, one by one. */
struct characters {
	struct fw_slice rest;
	uint8_t decoded[8]; /* of a reference: two characters of four octets at most */
	uint8_t at, size;
};

static int32_t decoded(struct characters *chars)
{
	uint32_t characters[2] = { 0xfffd, 0 }; /* what NUL is in an attribute */
	size_t taken = 0;
	uint8_t c;

	if (chars->at < chars->size)
		return chars->decoded[chars->at++];
	if (chars->rest.size == 0)
		return END;
	c = chars->rest.data[0];
	if (c == '\0')
		taken = 1;
	else if (c == '&')
		taken = html_reference(chars->rest, true, characters);
	chars->rest = slice_from(chars->rest, taken != 0 ? taken : 1);
	if (taken == 0)
		return c;
	chars->size = (uint8_t)utf8_encode(characters[0], chars->decoded);
	if (characters[1] != 0)
		chars->size = (uint8_t)(chars->size + utf8_encode(characters[1], chars->decoded + chars->size));
	chars->at = 1;
	return chars->decoded[0];
}

/* The next octet that the URL parser sees: it removes tabs and newlines everywhere (URL 4.4). */
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
	struct characters chars = { .rest = raw };

	return judge(policy, &chars);
}
