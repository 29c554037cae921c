#include "policy/html_element.h"

#include "base/slice.h"

#define BLOCK HTML_BLOCK
#define ITEM HTML_ITEM
#define TERM HTML_TERM
#define LINK HTML_LINK
#define HEADING HTML_HEADING
#define HTML_ELEMENT(name, puts, keeps, bars)
#define HTML_ELEMENT_EMPTY(name, puts)
#define HTML_ELEMENT_REFUSED(name, id)
#define HTML_REFUSAL(id, text) static const char refused_##id[] = text;
#include "tables/html_elements.def"
#undef HTML_ELEMENT
#undef HTML_ELEMENT_EMPTY
#undef HTML_ELEMENT_REFUSED
#undef HTML_REFUSAL
static const struct html_element rows[] = {
#define HTML_ELEMENT(name, puts, keeps, bars) { #name, NULL, false, puts, keeps, bars },
#define HTML_ELEMENT_EMPTY(name, puts) { #name, NULL, true, puts, 0, 0 },
#define HTML_ELEMENT_REFUSED(name, id) { #name, refused_##id, false, 0, 0, 0 },
#define HTML_REFUSAL(id, text)
#include "tables/html_elements.def"
};

const struct html_element *html_element_find(struct fw_slice name)
{
	static const struct html_element other = { .name = "" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is_nocase(name, rows[i].name))
			return &rows[i];
	return &other;
}
