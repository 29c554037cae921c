#include "policy/schema_format.h"

#include <string.h>

enum { ID_MARK = 1, COMMAND_MARK = 2, ATOM_MARK = 4, LABEL_MARK = 8 };

static const uint8_t marks[256] = {
	['0' ... '9'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK,
	['a' ... 'z'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK,
	['A' ... 'Z'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK,
	['_'] = ID_MARK | COMMAND_MARK | ATOM_MARK,
	['-'] = ID_MARK | COMMAND_MARK | ATOM_MARK | LABEL_MARK,
	['.'] = ID_MARK | ATOM_MARK,
	['!'] = ATOM_MARK,
	['#'] = ATOM_MARK,
	['$'] = ATOM_MARK,
	['%'] = ATOM_MARK,
	['&'] = ATOM_MARK,
	['\''] = ATOM_MARK,
	['*'] = ATOM_MARK,
	['+'] = ATOM_MARK,
	['/'] = ATOM_MARK,
	['='] = ATOM_MARK,
	['?'] = ATOM_MARK,
	['^'] = ATOM_MARK,
	['`'] = ATOM_MARK,
	['{'] = ATOM_MARK,
	['|'] = ATOM_MARK,
	['}'] = ATOM_MARK,
	['~'] = ATOM_MARK,
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

bool schema_format_holds(const struct fw_policy *policy, enum field_class class, struct fw_slice text)
{
	switch (class) {
	case CLASS_ID:
		return only(text, ID_MARK);
	case CLASS_COMMAND:
		return only(text, COMMAND_MARK);
	case CLASS_EMAIL:
		return email_holds(text);
	case CLASS_URL:
		return schema_url_safe(policy, text);
	case CLASS_TOKEN:
		return printable(text);
	case CLASS_PLAIN:
	case CLASS_HTML:
	case CLASS_ENUMERATED:
	case CLASS_CODE:
		return true;
	}
	return false;
}

const char *schema_format_name(enum field_class class)
{
	switch (class) {
	case CLASS_ID:
		return "id";
	case CLASS_COMMAND:
		return "command";
	case CLASS_EMAIL:
		return "email";
	case CLASS_URL:
		return "url";
	case CLASS_TOKEN:
		return "printable ASCII";
	case CLASS_PLAIN:
	case CLASS_HTML:
	case CLASS_ENUMERATED:
	case CLASS_CODE:
		return NULL;
	}
	return NULL;
}
