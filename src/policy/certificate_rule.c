/* certificate_rule.c: patterns of names in certificates, and templates of users. */
#include <string.h>

#include "base/slice.h"
#include "policy/policy.h"

static const struct {
	const char *name; /* in a configuration */
	char separator;	  /* which "*" does not stand for */
} kinds[FW_NAMES] = {
	[FW_NAME_SUBJECT] = { "subject", ',' }, [FW_NAME_ISSUER] = { "issuer", ',' },
	[FW_NAME_COMMON] = { "cn", '\0' },	[FW_NAME_DNS] = { "san_dns", '.' },
	[FW_NAME_URI] = { "san_uri", '/' },	[FW_NAME_EMAIL] = { "san_email", '@' },
};

const char *policy_certificate_kind(unsigned kind)
{
	return kind < FW_NAMES ? kinds[kind].name : NULL;
}

/* Names of hosts have no case (RFC 4343); all else is compared octet by octet. */
static bool same(unsigned kind, uint8_t a, uint8_t b)
{
	return kind == FW_NAME_DNS ? ascii_lower(a) == ascii_lower(b) : a == b;
}

/* A "*" stands for one character or more, none of them the separator: for one label of a name, one part of a path.
 * Where the rest does not fit, only the last one need be tried longer: the first place that fits leaves the most to the
 * rest.
 */
bool policy_certificate_matches(unsigned kind, const char *pattern, struct fw_slice name)
{
	const uint8_t separator = (uint8_t)kinds[kind].separator;
	const char *star = NULL; /* behind it */
	size_t at = 0, after = 0;

	while (at < name.size) {
		if (*pattern == '*' && name.data[at] != separator) {
			star = ++pattern;
			after = ++at;
		} else if (*pattern != '\0' && *pattern != '*' && same(kind, (uint8_t)*pattern, name.data[at])) {
			pattern++;
			at++;
		} else if (star != NULL && after < name.size && name.data[after] != separator) {
			pattern = star;
			at = ++after;
		} else {
			return false;
		}
	}
	return *pattern == '\0';
}

const char *policy_operator_read(const char *entry, unsigned *ret_kind, char ret_pattern[POLICY_OPERATOR_NAME])
{
	const char *colon = strchr(entry, ':'), *blank = strrchr(entry, ' ');
	size_t size;

	if (colon == NULL || blank == NULL || blank < colon)
		return NULL;
	for (*ret_kind = 0; *ret_kind < FW_NAMES; ++*ret_kind)
		if (slice_is(slice(entry, (size_t)(colon - entry)), kinds[*ret_kind].name))
			break;
	size = (size_t)(blank - colon) - 1;
	if (*ret_kind == FW_NAMES || *ret_kind == FW_NAME_ISSUER || size == 0 || size >= POLICY_OPERATOR_NAME)
		return NULL;
	memcpy(ret_pattern, colon + 1, size);
	ret_pattern[size] = '\0';
	return blank + 1;
}

size_t policy_certificate_placeholder_size(unsigned kind)
{
	return strlen(kinds[kind].name) + 3;
}

unsigned policy_certificate_placeholder(struct fw_slice text)
{
	for (unsigned kind = 0; kind < FW_NAMES; kind++) {
		size_t size = strlen(kinds[kind].name);

		if (text.size >= size + 3 && memcmp(text.data, "${", 2) == 0 &&
		    memcmp(text.data + 2, kinds[kind].name, size) == 0 && text.data[size + 2] == '}')
			return kind;
	}
	return FW_NAMES;
}
