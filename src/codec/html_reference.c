/* Character references (HTML 13.2.5.72 to 80). */
#include "codec/html_tokens.h"

#include "base/utf8.h"

enum { REPLACEMENT = 0xfffd, NAME_ROOM = 32 }; /* the longest name of the table has 32 octets, with its semicolon */

/* Names stand in the rows themselves: pointers to them would have to be mended at each start of the program. */
struct reference {
	char name[NAME_ROOM + 1];
	uint16_t second;
	uint32_t first;
};

static const struct reference references[] = {
#define HTML_REFERENCE(name, first, second) { name, second, first },
#include "tables/html_references.def"
#undef HTML_REFERENCE
};
enum { REFERENCES = sizeof(references) / sizeof(*references) };

static bool alphanumeric(uint8_t c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* The first row from low on whose octet at the place is c or more. */
static unsigned lower_bound(unsigned low, unsigned high, unsigned place, uint8_t c)
{
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if ((uint8_t)references[middle].name[place] < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The longest name that stands there. The rows whose names begin as the text does are narrowed octet by octet. */
static size_t named(struct fw_slice text, bool in_attribute, uint32_t ret_characters[2])
{
	const struct reference *found = NULL;
	unsigned low = 0, high = REFERENCES;
	size_t size = 0, i;

	for (i = 1; i < text.size && i <= NAME_ROOM; i++) {
		uint8_t c = text.data[i];

		if (!alphanumeric(c) && c != ';')
			break;
		low = lower_bound(low, high, (unsigned)i - 1, c);
		high = lower_bound(low, high, (unsigned)i - 1, (uint8_t)(c + 1));
		if (low == high)
			break;
		if (references[low].name[i] == '\0') { /* the shortest of them is the first */
			found = &references[low];
			size = i + 1;
		}
	}
	if (found == NULL)
		return 0;
	/* "&copy=" and "&copyright" in a link are parameters (13.2.5.73) */
	if (in_attribute && text.data[size - 1] != ';' && size < text.size &&
	    (text.data[size] == '=' || alphanumeric(text.data[size])))
		return 0;
	ret_characters[0] = found->first;
	ret_characters[1] = found->second;
	return size;
}

/* What a number stands for (13.2.5.80): the C1 controls are read as Windows-1252 has them. */
static uint32_t meant(uint32_t number)
{
	static const uint16_t windows[] = { 0x20ac, 0,	    0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
					    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,	    0x017d, 0,
					    0,	    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
					    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,	    0x017e, 0x0178 };

	if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
		return REPLACEMENT;
	if (number >= 0x80 && number <= 0x9f && windows[number - 0x80] != 0)
		return windows[number - 0x80];
	return number;
}

static size_t numeric(struct fw_slice text, uint32_t ret_characters[2])
{
	size_t i = 2, digits;
	bool hexadecimal = i < text.size && ascii_lower(text.data[i]) == 'x';
	uint32_t number = 0;

	i += hexadecimal;
	for (digits = i; i < text.size; i++) {
		uint8_t c = ascii_lower(text.data[i]);
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)c - '0';
		else if (hexadecimal && c >= 'a' && c <= 'f')
			digit = (uint32_t)c - 'a' + 10;
		else
			break;
		if (number <= 0x10ffff) /* larger ones stay too large */
			number = number * (hexadecimal ? 16 : 10) + digit;
	}
	if (i == digits)
		return 0;
	ret_characters[0] = meant(number);
	ret_characters[1] = 0;
	return i + (i < text.size && text.data[i] == ';');
}

size_t html_reference(struct fw_slice text, bool in_attribute, uint32_t ret_characters[2])
{
	if (text.size < 2 || text.data[0] != '&')
		return 0;
	return text.data[1] == '#' ? numeric(text, ret_characters) : named(text, in_attribute, ret_characters);
}

static size_t write_reference(struct fw_slice text, bool in_attribute, uint8_t *out, size_t *size)
{
	uint32_t characters[2];
	size_t taken = html_reference(text, in_attribute, characters);

	for (unsigned i = 0; i < 2 && taken != 0 && (i == 0 || characters[i] != 0); i++)
		*size += utf8_encode(characters[i], out + *size);
	return taken;
}

size_t html_tokens_decode(struct fw_slice raw, enum html_where where, uint8_t *out)
{
	bool decodes = where == HTML_IN_TEXT || where == HTML_IN_RCDATA || where == HTML_IN_ATTRIBUTE;
	bool nul = where == HTML_IN_TEXT || where == HTML_IN_CDATA;
	size_t size = 0, taken;

	for (size_t i = 0; i < raw.size; i += taken) {
		uint8_t c = raw.data[i];

		taken = 1;
		if (c == '&' && decodes) {
			taken = write_reference(slice_from(raw, i), where == HTML_IN_ATTRIBUTE, out, &size);
			if (taken != 0)
				continue;
			taken = 1;
		} else if (c == '\r') {
			taken += i + 1 < raw.size && raw.data[i + 1] == '\n';
			c = '\n';
		} else if (c == '\0' && !nul) {
			size += utf8_encode(REPLACEMENT, out + size);
			continue;
		} else if (where == HTML_IN_NAME) {
			c = ascii_lower(c);
		}
		out[size++] = c;
	}
	return size;
}
