#include "policy/schema_format.h"

#include <string.h>

#include "base/slice.h"
#include "codec/json.h"

enum { ID_MARK = 1, COMMAND_MARK = 2, ATOM_MARK = 4, LABEL_MARK = 8, PATH_MARK = 16, NAME_MOST = 255 };

static const struct {
	const char *word, *expected;
} classes[FIELD_CLASSES] = {
#define FIELD_CLASS(name, word, expected, help) { word, expected },
#include "tables/field_classes.def"
#undef FIELD_CLASS
};

static const uint8_t marks[256] = {
	['0' ... '9'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK | PATH_MARK,
	['a' ... 'z'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK | PATH_MARK,
	['A' ... 'Z'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK | PATH_MARK,
	['_'] = ID_MARK | COMMAND_MARK | ATOM_MARK | PATH_MARK,
	['-'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK | PATH_MARK,
	['.'] = ID_MARK | ATOM_MARK | PATH_MARK,
	['!'] = ATOM_MARK,
	['#'] = ATOM_MARK,
	['$'] = ATOM_MARK,
	['%'] = ATOM_MARK,
	['&'] = ATOM_MARK,
	['\''] = ATOM_MARK,
	['*'] = ATOM_MARK,
	['+'] = ATOM_MARK | PATH_MARK,
	['/'] = ATOM_MARK,
	['='] = ATOM_MARK | PATH_MARK,
	['?'] = ATOM_MARK,
	['^'] = ATOM_MARK,
	['`'] = ATOM_MARK,
	['{'] = ATOM_MARK,
	['|'] = ATOM_MARK,
	['}'] = ATOM_MARK,
	['~'] = ATOM_MARK | PATH_MARK,
	['@'] = PATH_MARK,
	[','] = PATH_MARK,
};

static bool only(struct fw_slice text, uint8_t mark)
{
	for (size_t i = 0; i < text.size; i++)
		if ((marks[text.data[i]] & mark) == 0)
			return false;
	return true;
}

static bool printable(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

static bool label_holds(struct fw_slice label)
{
	return label.size >= 1 && label.size <= 63 && label.data[0] != '-' && label.data[label.size - 1] != '-' &&
	       only(label, LABEL_MARK);
}

/* A name of at least two labels whose last one is no number (RFC 1123 2.1, RFC 3696 2). */
static bool domain_holds(struct fw_slice domain)
{
	size_t start = 0, labels = 0;
	bool letter = false;

	if (domain.size > 253)
		return false;
	for (size_t i = 0; i <= domain.size; i++) {
		if (i < domain.size && domain.data[i] != '.') {
			letter = letter || domain.data[i] > '9';
			continue;
		}
		if (!label_holds((struct fw_slice){ domain.data + start, i - start }))
			return false;
		labels++;
		start = i + 1;
		if (i < domain.size)
			letter = false;
	}
	return labels >= 2 && letter;
}

/* The dot-atom form of RFC 5322 3.4.1 with the lengths of RFC 5321 4.5.3.1; no quotes, no comments, no address
 * literals. */
static bool email_holds(struct fw_slice text)
{
	const uint8_t *at = text.size != 0 ? memchr(text.data, '@', text.size) : NULL;
	struct fw_slice local;

	if (at == NULL)
		return false;
	local = (struct fw_slice){ text.data, (size_t)(at - text.data) };
	if (local.size < 1 || local.size > 64 || !only(local, ATOM_MARK) || local.data[0] == '.' ||
	    local.data[local.size - 1] == '.')
		return false;
	for (size_t i = 1; i < local.size; i++)
		if (local.data[i] == '.' && local.data[i - 1] == '.')
			return false;
	return domain_holds((struct fw_slice){ at + 1, text.size - local.size - 1 });
}

static bool climbs(struct fw_slice name)
{
	return name.size >= 2 && memmem(name.data, name.size, "..", 2) != NULL;
}

/* Names that lead down from a folder, never out of it, whatever reads them. */
static bool path_holds(struct fw_slice text)
{
	size_t start = 0;

	for (size_t i = 0; i <= text.size; i++) {
		struct fw_slice name;

		if (i < text.size && text.data[i] != '/')
			continue;
		name = slice(text.data + start, i - start);
		if (name.size == 0 || name.size > NAME_MOST || name.data[name.size - 1] == '.' || name.data[0] == '-' ||
		    name.data[0] == '~' || !only(name, PATH_MARK) || climbs(name))
			return false;
		start = i + 1;
	}
	return true;
}

bool schema_format_holds(const struct fw_policy *policy, enum field_class class, struct fw_slice text)
{
	switch (class) {
	case CLASS_ID: /* a folder, to whoever makes a path of it: "." and ".." */
		return only(text, ID_MARK) && !slice_is(text, ".") && !climbs(text);
	case CLASS_COMMAND: /* nor "-rf" an option */
		return only(text, COMMAND_MARK) && (text.size == 0 || text.data[0] != '-');
	case CLASS_EMAIL:
		return email_holds(text);
	case CLASS_URL:
		return schema_url_safe(policy, text);
	case CLASS_TOKEN:
		return printable(text);
	case CLASS_PATH:
		return path_holds(text);
	case CLASS_NUMBER:
		return json_is_number(text);
	case CLASS_PLAIN:
	case CLASS_HTML:
	case CLASS_ENUMERATED:
	case CLASS_CODE:
	case FIELD_CLASSES:
		return true;
	}
	return false;
}

bool schema_class_is_strict(enum field_class class)
{
	return class == CLASS_ID || class == CLASS_COMMAND || class == CLASS_EMAIL || class == CLASS_ENUMERATED ||
	       class == CLASS_PATH || class == CLASS_NUMBER;
}

const char *schema_format_name(enum field_class class)
{
	return classes[class].expected;
}

const char *schema_class_word(unsigned class)
{
	return classes[class].word;
}

int schema_class_find(struct fw_slice word)
{
	for (unsigned i = 0; i < FIELD_CLASSES; i++)
		if (word.size != 0 && slice_is(word, classes[i].word))
			return (int)i;
	return -1;
}
