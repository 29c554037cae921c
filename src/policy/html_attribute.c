#include "policy/html_attribute.h"

#include <string.h>

#include "base/slice.h"

#define HTML_ATTRIBUTE_DEFAULT(tag, name)
enum {
#define HTML_ATTRIBUTE(name, value, tags, help) VALUE_##name = HTML_##value,
#include "tables/html_attributes.def"
#undef HTML_ATTRIBUTE
};
static const struct {
	const char *name, *tags;
	uint8_t value;
} rows[] = {
#define HTML_ATTRIBUTE(name, value, tags, help) { #name, tags, VALUE_##name },
#include "tables/html_attributes.def"
#undef HTML_ATTRIBUTE
#undef HTML_ATTRIBUTE_DEFAULT
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

static const struct policy_html_attribute defaults[] = {
#define HTML_ATTRIBUTE(name, value, tags, help)
#define HTML_ATTRIBUTE_DEFAULT(tag, name) { #tag, #name, VALUE_##name },
#include "tables/html_attributes.def"
};
enum { DEFAULTS = sizeof(defaults) / sizeof(*defaults) };

/* Is the word among those that blanks part? An empty list has them all. */
static bool in_list(const char *list, struct fw_slice word)
{
	bool found = *list == '\0';

	while (!found && *list != '\0') {
		size_t size = strcspn(list, " ");

		found = slice_equal(slice(list, size), word);
		list += size + (list[size] == ' ');
	}
	return found;
}

const char *html_attribute_find(struct fw_slice name, struct fw_slice tag, uint8_t *ret_value, bool *ret_known)
{
	*ret_known = false;
	for (unsigned i = 0; i < ROWS; i++) {
		if (!slice_is(name, rows[i].name))
			continue;
		*ret_known = true;
		*ret_value = rows[i].value;
		return in_list(rows[i].tags, tag) ? rows[i].name : NULL;
	}
	return NULL;
}

const char *html_attribute_name(unsigned n)
{
	return n < ROWS ? rows[n].name : NULL;
}

const struct policy_html_attribute *html_attribute_defaults(unsigned *ret_count)
{
	*ret_count = DEFAULTS;
	return defaults;
}
