#include "codec/views.h"

#include <stdbool.h>
#include <string.h>

#include "base/slice.h"

struct view {
	const uint8_t *at, *end;
	uint8_t *out;
	unsigned kinds;
};

/* Small letters: the text is lowered before. Those in front of NEEDS_END are read without a semicolon, too. */
static const struct entity {
	char name[11];
	uint8_t size;
	char is;
} entities[] = {
#define ENTITY(name, is)                                                                                               \
	{                                                                                                              \
		name, sizeof(name) - 1, is                                                                             \
	}
	ENTITY("quot", '"'),	 ENTITY("amp", '&'),	ENTITY("lt", '<'),     ENTITY("gt", '>'),
	ENTITY("nbsp", ' '),	 ENTITY("apos", '\''),	ENTITY("lpar", '('),   ENTITY("rpar", ')'),
	ENTITY("equals", '='),	 ENTITY("colon", ':'),	ENTITY("semi", ';'),   ENTITY("tab", '\t'),
	ENTITY("newline", '\n'), ENTITY("sol", '/'),	ENTITY("bsol", '\\'),  ENTITY("grave", '`'),
	ENTITY("lbrace", '{'),	 ENTITY("lcub", '{'),	ENTITY("rbrace", '}'), ENTITY("rcub", '}'),
	ENTITY("lsqb", '['),	 ENTITY("lbrack", '['), ENTITY("rsqb", ']'),   ENTITY("rbrack", ']'),
	ENTITY("num", '#'),	 ENTITY("dollar", '$'), ENTITY("percnt", '%'), ENTITY("plus", '+'),
	ENTITY("comma", ','),	 ENTITY("period", '.'), ENTITY("commat", '@'), ENTITY("verbar", '|'),
	ENTITY("vert", '|'),	 ENTITY("lowbar", '_'), ENTITY("ast", '*'),    ENTITY("excl", '!'),
	ENTITY("quest", '?'),	 ENTITY("hyphen", '-'),
#undef ENTITY
};
enum { NEEDS_END = 5 };

/* Up to most digits of that base; the number of digits that were there. */
static size_t number(const uint8_t *at, const uint8_t *end, unsigned base, size_t most, uint32_t *ret_value)
{
	size_t n = 0;

	*ret_value = 0;
	while (n < most && at + n < end) {
		int d = ascii_hex(at[n]);

		if (d < 0 || (unsigned)d >= base)
			break;
		if (*ret_value < 0x110000)
			*ret_value = *ret_value * base + (unsigned)d;
		n++;
	}
	return n;
}

static void put(struct view *v, uint32_t c, unsigned kind)
{
	v->kinds |= kind;
	if (c < 0x80) {
		*v->out++ = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	} else if (c < 0x800) {
		*v->out++ = (uint8_t)(0xc0 | c >> 6);
		*v->out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*v->out++ = (uint8_t)(0xe0 | c >> 12);
		*v->out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*v->out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*v->out++ = 0xef; /* beyond what any of us looks for */
		*v->out++ = 0xbf;
		*v->out++ = 0xbd;
	}
}

static bool percent(struct view *v)
{
	uint32_t c;

	if (v->end - v->at >= 6 && v->at[1] == 'u' && number(v->at + 2, v->end, 16, 4, &c) == 4) {
		put(v, c, VIEW_PERCENT);
		v->at += 6;
		return true;
	}
	if (v->end - v->at < 3 || number(v->at + 1, v->end, 16, 2, &c) != 2)
		return false;
	*v->out++ = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	v->kinds |= VIEW_PERCENT;
	v->at += 3;
	return true;
}

static bool entity(struct view *v)
{
	size_t left = (size_t)(v->end - v->at) - 1;
	const uint8_t *name = v->at + 1;
	uint32_t c;

	if (left >= 2 && name[0] == '#') {
		bool hex = name[1] == 'x';
		size_t skip = hex ? 2 : 1;
		size_t n = number(name + skip, v->end, hex ? 16 : 10, 10, &c);

		if (n == 0)
			return false;
		/* never longer than it was: &#9 is three octets at least, and four only from five digits on */
		put(v, c, VIEW_ENTITY);
		v->at = name + skip + n;
		if (v->at < v->end && *v->at == ';')
			v->at++;
		return true;
	}
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		const struct entity *e = &entities[i];
		bool ended;

		if (left < e->size || memcmp(name, e->name, e->size) != 0)
			continue;
		ended = left > e->size && name[e->size] == ';';
		if (!ended && i >= NEEDS_END)
			continue;
		put(v, (uint8_t)e->is, VIEW_ENTITY);
		v->at = name + e->size + ended;
		return true;
	}
	return false;
}

static bool escape(struct view *v)
{
	size_t left = (size_t)(v->end - v->at), n;
	uint32_t c;

	if (left >= 5 && v->at[1] == 'u' && v->at[2] == '{') {
		n = number(v->at + 3, v->end, 16, 8, &c);
		if (n == 0 || v->at + 3 + n >= v->end || v->at[3 + n] != '}')
			return false;
		put(v, c, VIEW_ESCAPE);
		v->at += 4 + n;
		return true;
	}
	n = left >= 6 && v->at[1] == 'u' ? 4 : left >= 4 && v->at[1] == 'x' ? 2 : 0;
	if (n == 0 || number(v->at + 2, v->end, 16, n, &c) != n)
		return false;
	put(v, c, VIEW_ESCAPE);
	v->at += 2 + n;
	return true;
}

/* A lead octet and what follows it, whether valid UTF-8 or what lenient readers take for it. */
static bool high(struct view *v)
{
	size_t left = (size_t)(v->end - v->at);
	const uint8_t *p = v->at;
	uint32_t c;

	if (p[0] == 0xc0 || p[0] == 0xc1) {
		if (left < 2)
			return false;
		/* C0 2E: readers that drop what they cannot read see the dot */
		c = p[1] >= 0x80 && p[1] < 0xc0 ? (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f) : p[1];
		if (c >= 0x80)
			return false;
		put(v, c, VIEW_OVERLONG);
		v->at += 2;
		return true;
	}
	if (p[0] == 0xc2 && left >= 2 && p[1] == 0xad) { /* soft hyphen */
		v->kinds |= VIEW_REMOVED;
		v->at += 2;
		return true;
	}
	if (left >= 4 && p[0] == 0xf0 && p[1] == 0x80 && p[2] < 0xc0 && p[3] < 0xc0 && p[2] >= 0x80 && p[3] >= 0x80) {
		put(v, (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f), VIEW_OVERLONG);
		v->at += 4;
		return true;
	}
	if (left < 3 || (p[0] & 0xf0) != 0xe0 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
		return false;
	c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	if (c < 0x800)
		put(v, c, VIEW_OVERLONG);
	else if (c >= 0xff01 && c <= 0xff5e)
		put(v, c - 0xfee0, VIEW_WIDE);
	else if (c == 0x2215 || c == 0x2044 || c == 0x29f8 || c == 0xefc8 || c == 0xf025) /* two by a best-fit table */
		put(v, '/', VIEW_WIDE);
	else if (c == 0x2216 || c == 0xfe68 || c == 0x29f5)
		put(v, '\\', VIEW_WIDE);
	else if (c == 0x2024 || c == 0xfe52)
		put(v, '.', VIEW_WIDE);
	else if (c == 0xfe64 || c == 0xfe65 || c == 0xfe66)
		put(v, c - 0xfe64 + '<' == '=' ? '>' : c == 0xfe64 ? '<' : '=', VIEW_WIDE);
	else if (c == 0xfeff || (c >= 0x200b && c <= 0x200d) || c == 0x2060 || c == 0x180e)
		v->kinds |= VIEW_REMOVED;
	else
		return false;
	v->at += 3;
	return true;
}

void views_lower(uint8_t *out, const uint8_t *text, size_t size)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	size_t i = 0;

	for (; i + 8 <= size; i += 8) { /* eight at once: bit 7 of each octet says that it is a capital */
		uint64_t eight, seven, capital;

		memcpy(&eight, text + i, 8);
		seven = eight & ones * 0x7f;
		capital = ~eight & ((seven + ones * (0x80 - 'A')) ^ (seven + ones * (0x7f - 'Z'))) & ones * 0x80;
		eight |= capital >> 2;
		memcpy(out + i, &eight, 8);
	}
	for (; i < size; i++)
		out[i] = (uint8_t)(text[i] | ((uint8_t)(text[i] - 'A') < 26) << 5);
}

size_t views_round(uint8_t *text, size_t size, unsigned *kinds)
{
	struct view v = { text, text + size, text, 0 };

	while (v.at < v.end) {
		uint8_t c = *v.at;
		bool done = false;

		if (c == '%')
			done = percent(&v);
		else if (c == '&')
			done = entity(&v);
		else if (c == '\\')
			done = escape(&v);
		else if (c >= 0x80)
			done = high(&v);
		else if (c == '\0') {
			v.kinds |= VIEW_REMOVED;
			v.at++;
			done = true;
		}
		if (!done)
			*v.out++ = *v.at++;
	}
	*kinds |= v.kinds;
	return (size_t)(v.out - text);
}

size_t views_decode(uint8_t *text, size_t size, unsigned *ret_kinds)
{
	*ret_kinds = 0;
	for (unsigned round = 0; round < VIEW_ROUNDS; round++) {
		unsigned kinds = 0;

		size = views_round(text, size, &kinds);
		if (kinds == 0)
			break;
		if (round != 0 && (kinds & (VIEW_PERCENT | VIEW_ENTITY | VIEW_ESCAPE)) != 0)
			kinds |= VIEW_TWICE;
		*ret_kinds |= kinds;
	}
	return size;
}
