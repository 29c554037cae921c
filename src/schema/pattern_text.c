/* pattern_text.c: a regular expression of ECMA-262 (flag "u"), read by its grammar and written as PCRE2 has it. What
 * the two would read differently is translated or refused, so that nothing of PCRE2 alone is reachable: verbs,
 * recursion, \Q, \C, inline options, POSIX classes. */
#include <stdio.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json_string.h"
#include "schema/program.h"

enum { GROWTH = 16, GROUPS_MOST = 200, PATTERN_MOST = 16384 };

struct translation {
	const uint8_t *at, *end;
	uint8_t *to, *room_end;
	const char *what; /* is wrong; NULL: nothing */
	unsigned depth;	  /* of groups */
};

/* \s of ECMA-262: WhiteSpace and LineTerminator; \S: the rest. */
static const char spaces[] =
	"\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"
	"\\x{3000}\\x{feff}";
static const char no_spaces[] = "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
				"\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"
				"\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";

/* General categories that PCRE2 knows by their short names alone. */
static const struct category {
	const char *name, *briefly;
} categories[] = {
	{ "Letter", "L" },
	{ "Cased_Letter", "L&" },
	{ "LC", "L&" },
	{ "Uppercase_Letter", "Lu" },
	{ "Lowercase_Letter", "Ll" },
	{ "Titlecase_Letter", "Lt" },
	{ "Modifier_Letter", "Lm" },
	{ "Other_Letter", "Lo" },
	{ "Mark", "M" },
	{ "Combining_Mark", "M" },
	{ "Nonspacing_Mark", "Mn" },
	{ "Spacing_Mark", "Mc" },
	{ "Enclosing_Mark", "Me" },
	{ "Number", "N" },
	{ "Decimal_Number", "Nd" },
	{ "digit", "Nd" },
	{ "Letter_Number", "Nl" },
	{ "Other_Number", "No" },
	{ "Punctuation", "P" },
	{ "punct", "P" },
	{ "Connector_Punctuation", "Pc" },
	{ "Dash_Punctuation", "Pd" },
	{ "Open_Punctuation", "Ps" },
	{ "Close_Punctuation", "Pe" },
	{ "Initial_Punctuation", "Pi" },
	{ "Final_Punctuation", "Pf" },
	{ "Other_Punctuation", "Po" },
	{ "Symbol", "S" },
	{ "Math_Symbol", "Sm" },
	{ "Currency_Symbol", "Sc" },
	{ "Modifier_Symbol", "Sk" },
	{ "Other_Symbol", "So" },
	{ "Separator", "Z" },
	{ "Space_Separator", "Zs" },
	{ "Line_Separator", "Zl" },
	{ "Paragraph_Separator", "Zp" },
	{ "Other", "C" },
	{ "Control", "Cc" },
	{ "cntrl", "Cc" },
	{ "Format", "Cf" },
	{ "Surrogate", "Cs" },
	{ "Private_Use", "Co" },
	{ "Unassigned", "Cn" },
};

static bool wrong(struct translation *t, const char *what)
{
	if (t->what == NULL)
		t->what = what;
	return false;
}

static void put(struct translation *t, const void *text, size_t size)
{
	if (size > (size_t)(t->room_end - t->to)) {
		wrong(t, "it is too long");
		return;
	}
	memcpy(t->to, text, size);
	t->to += size;
}

static void put_text(struct translation *t, const char *text)
{
	put(t, text, strlen(text));
}

static void put_code(struct translation *t, uint32_t code)
{
	char text[16];

	snprintf(text, sizeof(text), "\\x{%x}", code);
	put_text(t, text);
}

static int peek(const struct translation *t, size_t ahead)
{
	return (size_t)(t->end - t->at) > ahead ? t->at[ahead] : -1;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool read_hex(struct translation *t, size_t digits, uint32_t *ret_code)
{
	*ret_code = 0;
	for (size_t i = 0; i < digits; i++) {
		int value = peek(t, i) < 0 ? -1 : ascii_hex((uint8_t)peek(t, i));

		if (value < 0)
			return wrong(t, "an escape lacks its hexadecimal digits");
		*ret_code = *ret_code << 4 | (uint32_t)value;
	}
	t->at += digits;
	return true;
}

/* Behind "\u". */
static bool read_unicode(struct translation *t, uint32_t *ret_code)
{
	uint32_t low;

	if (peek(t, 0) == '{') {
		size_t digits = 1;

		while (peek(t, digits) >= 0 && ascii_hex((uint8_t)peek(t, digits)) >= 0)
			digits++;
		if (digits == 1 || digits > 7 || peek(t, digits) != '}')
			return wrong(t, "\"\\u{\" is not a code point and \"}\"");
		t->at++;
		if (!read_hex(t, digits - 1, ret_code))
			return false;
		t->at++;
	} else if (!read_hex(t, 4, ret_code)) {
		return false;
	} else if (*ret_code >= 0xd800 && *ret_code <= 0xdbff && peek(t, 0) == '\\' && peek(t, 1) == 'u') {
		t->at += 2;
		if (!read_hex(t, 4, &low) || low < 0xdc00 || low > 0xdfff)
			return wrong(t, "half a surrogate pair stands for no character");
		*ret_code = 0x10000 + ((*ret_code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (*ret_code > 0x10ffff || (*ret_code >= 0xd800 && *ret_code <= 0xdfff))
		return wrong(t, "half a surrogate pair stands for no character");
	return true;
}

/* Behind "\p" or "\P". */
static bool read_property(struct translation *t, bool negated)
{
	struct fw_slice name = slice(t->at, 0);
	const char *briefly = NULL;

	if (peek(t, 0) != '{')
		return wrong(t, "\"\\p\" needs the name of a property in braces");
	name.data = ++t->at;
	while (peek(t, 0) >= 0 && peek(t, 0) != '}') {
		int c = *t->at++;

		if (!is_digit(c) && c != '_' && c != '=' && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			return wrong(t, "no name of a property");
	}
	name.size = (size_t)(t->at - name.data);
	if (name.size == 0 || peek(t, 0) != '}')
		return wrong(t, "\"\\p\" needs the name of a property in braces");
	t->at++;
	if (slice_starts(name, "General_Category="))
		name = slice_from(name, sizeof("General_Category=") - 1);
	else if (slice_starts(name, "gc="))
		name = slice_from(name, sizeof("gc=") - 1);
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		if (slice_is(name, categories[i].name))
			briefly = categories[i].briefly;
	put_text(t, negated ? "\\P{" : "\\p{");
	if (briefly != NULL)
		put_text(t, briefly);
	else
		put(t, name.data, name.size);
	put_text(t, "}");
	return true;
}

static void put_spaces(struct translation *t, bool in_class, bool negated)
{
	if (!in_class)
		put_text(t, negated ? "[^" : "[");
	put_text(t, in_class && negated ? no_spaces : spaces);
	if (!in_class)
		put_text(t, "]");
}

/* An escape that stands for one character. */
static bool read_character(struct translation *t, int c)
{
	static const char names[] = "tnrfv", codes[] = "\t\n\r\f\v";
	const char *found = c > 0 ? strchr(names, c) : NULL;
	uint32_t code = (uint32_t)c;

	if (found != NULL) {
		code = (uint32_t)codes[found - names];
	} else if (c == '0') {
		if (is_digit(peek(t, 0)))
			return wrong(t, "\"\\0\" with a digit behind it");
		code = 0;
	} else if (c == 'c') {
		code = peek(t, 0) < 0 ? 0 : (uint32_t)peek(t, 0) | 0x20;
		if (code < 'a' || code > 'z')
			return wrong(t, "\"\\c\" needs a letter");
		t->at++;
		code &= 31;
	} else if (c == 'x') {
		if (!read_hex(t, 2, &code))
			return false;
	} else if (c == 'u') {
		if (!read_unicode(t, &code))
			return false;
	} else if (c < 0x21 || c > 0x7e || is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		return wrong(t, "an escape that ECMA-262 does not have");
	}
	put_code(t, code);
	return true;
}

static bool read_escape(struct translation *t, bool in_class)
{
	int c = peek(t, 0);
	const uint8_t *start;

	if (c < 0)
		return wrong(t, "it ends with \"\\\"");
	t->at++;
	switch (c) {
	case 'd':
	case 'D':
	case 'w':
	case 'W':
		put(t, (char[]){ '\\', (char)c }, 2);
		return true;
	case 's':
	case 'S':
		put_spaces(t, in_class, c == 'S');
		return true;
	case 'p':
	case 'P':
		return read_property(t, c == 'P');
	case 'b':
	case 'B':
		if (in_class && c == 'B')
			return wrong(t, "\"\\B\" in a class");
		put_text(t, in_class ? "\\x{8}" : c == 'b' ? "\\b" : "\\B");
		return true;
	case 'k':
		if (in_class || peek(t, 0) != '<')
			return wrong(t, "\"\\k\" needs the name of a group");
		put_text(t, "\\k");
		return true; /* the name is read as it stands */
	default:
		break;
	}
	if (is_digit(c) && c != '0') {
		start = t->at - 1;
		while (is_digit(peek(t, 0)))
			t->at++;
		if (in_class)
			return wrong(t, "a reference to a group in a class");
		put_text(t, "\\g{");
		put(t, start, (size_t)(t->at - start));
		put_text(t, "}");
		return true;
	}
	return read_character(t, c);
}

static bool read_class(struct translation *t)
{
	bool negated = peek(t, 0) == '^';

	t->at += negated;
	if (peek(t, 0) == ']') {
		t->at++;
		put_text(t, negated ? "(?s:.)" : "(?!)");
		return true;
	}
	put_text(t, negated ? "[^" : "[");
	while (peek(t, 0) != ']') {
		int c = peek(t, 0);

		if (c < 0)
			return wrong(t, "a class without its \"]\"");
		t->at++;
		if (c == '\\') {
			if (!read_escape(t, true))
				return false;
		} else if (c == '[' || c == '^') {
			put_text(t, c == '[' ? "\\[" : "\\^");
		} else {
			put(t, t->at - 1, 1);
		}
	}
	t->at++;
	put_text(t, "]");
	return true;
}

/* Behind "(". */
static bool read_group(struct translation *t)
{
	static const char *const kinds[] = { "?:", "?=", "?!", "?<=", "?<!" };
	struct fw_slice rest = slice(t->at, (size_t)(t->end - t->at));

	if (++t->depth > GROUPS_MOST)
		return wrong(t, "groups within groups within groups");
	put_text(t, "(");
	if (peek(t, 0) != '?')
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_starts(rest, kinds[i])) {
			put_text(t, kinds[i]);
			t->at += strlen(kinds[i]);
			return true;
		}
	if (!slice_starts(rest, "?<"))
		return wrong(t, "a group that ECMA-262 does not have");
	while (peek(t, 0) >= 0 && peek(t, 0) != '>')
		put(t, t->at++, 1);
	if (peek(t, 0) != '>')
		return wrong(t, "a group's name without its \">\"");
	put(t, t->at++, 1);
	return true;
}

/* At "{": the size of "{1}", "{1,}" or "{1,2}", 0: it is none. */
static size_t braces(const struct translation *t)
{
	size_t i = 1;

	while (is_digit(peek(t, i)))
		i++;
	if (i == 1)
		return 0;
	if (peek(t, i) == ',')
		do
			i++;
		while (is_digit(peek(t, i)));
	return peek(t, i) == '}' ? i + 1 : 0;
}

static bool read_quantifier(struct translation *t, bool *atom)
{
	size_t size = peek(t, 0) == '{' ? braces(t) : 1;

	if (size == 0)
		return wrong(t, "a \"{\" that is to be one is written \"\\{\"");
	if (!*atom)
		return wrong(t, "nothing stands before a quantifier");
	put(t, t->at, size);
	t->at += size;
	if (peek(t, 0) == '?')
		put(t, t->at++, 1);
	*atom = false;
	return true;
}

/* One term; *atom: a quantifier may stand behind it. */
static bool read_term(struct translation *t, bool *atom)
{
	int c = peek(t, 0);

	if (c == '*' || c == '+' || c == '?' || c == '{')
		return read_quantifier(t, atom);
	t->at++;
	*atom = c != '(' && c != '|' && c != '^' && c != '$';
	switch (c) {
	case '\\':
		return read_escape(t, false);
	case '[':
		return read_class(t);
	case '(':
		return read_group(t);
	case ')':
		if (t->depth-- == 0)
			return wrong(t, "a \")\" without its \"(\"");
		put_text(t, ")");
		return true;
	case '.':
		put_text(t, "[^\\n\\r\\x{2028}\\x{2029}]");
		return true;
	case '$':
		put_text(t, "\\z");
		return true;
	case ']':
	case '}':
		return wrong(t, "a bracket that is to be one is written with \"\\\" before it");
	default:
		put(t, t->at - 1, 1);
		return true;
	}
}

struct fw_slice jsonschema_pattern_text(struct fw_slice pattern, struct arena *arena, const char **reterr_what)
{
	size_t room = pattern.size * GROWTH + 512;
	uint8_t *bytes = pattern.size <= PATTERN_MOST ? arena_alloc(arena, room) : NULL;
	struct translation t = { .at = pattern.data, .end = pattern.data + pattern.size, .to = bytes };
	bool atom = false;

	*reterr_what = pattern.size > PATTERN_MOST ? "it is too long" : "memory is short";
	if (bytes == NULL)
		return slice(NULL, 0);
	t.room_end = bytes + room;
	while (t.what == NULL && t.at != t.end)
		if (!read_term(&t, &atom))
			break;
	if (t.what == NULL && t.depth != 0)
		wrong(&t, "a \"(\" without its \")\"");
	*reterr_what = t.what;
	if (t.what != NULL)
		return slice(NULL, 0);
	arena_trim(arena, bytes, room, (size_t)(t.to - bytes) + 1);
	return slice(bytes, (size_t)(t.to - bytes));
}
