#include "codec/views.h"

#include <stdbool.h>
#include <string.h>

#include "base/slice.h"
#include "codec/point_range.h"

/* Characters that may be read as others: the first of a range as that octet, 0: as nothing. */
static const struct point_range likes[] = {
#define VIEW_AS(first, last, octet, step) { first, last, octet, step },
#include "tables/views.def"
#undef VIEW_AS
};
/* Between these no character is read as another: most of what is written in East Asia. */
enum { NONE_FROM = 0x3300, NONE_TO = 0xa7f1 };

struct view {
	const uint8_t *at, *end;
	uint8_t *out;
	unsigned kinds;
};

/* Small letters: the text is lowered before. Sorted. */
static const struct entity {
	char name[11];
	uint8_t size;
	char is;
	bool bare; /* read without a semicolon, too */
} entities[] = {
#define ENTITY(name, is, bare)                                                                                         \
	{                                                                                                              \
		name, sizeof(name) - 1, is, bare                                                                       \
	}
	ENTITY("amp", '&', true),	ENTITY("apos", '\'', false),  ENTITY("ast", '*', false),
	ENTITY("bsol", '\\', false),	ENTITY("colon", ':', false),  ENTITY("comma", ',', false),
	ENTITY("commat", '@', false),	ENTITY("dollar", '$', false), ENTITY("equals", '=', false),
	ENTITY("excl", '!', false),	ENTITY("grave", '`', false),  ENTITY("gt", '>', true),
	ENTITY("hyphen", '-', false),	ENTITY("lbrace", '{', false), ENTITY("lbrack", '[', false),
	ENTITY("lcub", '{', false),	ENTITY("lowbar", '_', false), ENTITY("lpar", '(', false),
	ENTITY("lsqb", '[', false),	ENTITY("lt", '<', true),      ENTITY("nbsp", ' ', true),
	ENTITY("newline", '\n', false), ENTITY("num", '#', false),    ENTITY("percnt", '%', false),
	ENTITY("period", '.', false),	ENTITY("plus", '+', false),   ENTITY("quest", '?', false),
	ENTITY("quot", '"', true),	ENTITY("rbrace", '}', false), ENTITY("rbrack", ']', false),
	ENTITY("rcub", '}', false),	ENTITY("rpar", ')', false),   ENTITY("rsqb", ']', false),
	ENTITY("semi", ';', false),	ENTITY("sol", '/', false),    ENTITY("tab", '\t', false),
	ENTITY("verbar", '|', false),	ENTITY("vert", '|', false),
#undef ENTITY
};

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
	if (c > 0x10ffff)
		c = 0xfffd;
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
		*v->out++ = (uint8_t)(0xf0 | c >> 18);
		*v->out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*v->out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*v->out++ = (uint8_t)(0x80 | (c & 0x3f));
	}
}

/* What the escape \uD835\uDC00 or %uD835%uDC00 stands for: its second half is read, too. */
static uint32_t whole(struct view *v, uint32_t first)
{
	uint32_t second;

	if (first < 0xd800 || first > 0xdbff || v->end - v->at < 6 || v->at[0] != v->at[-6] || v->at[1] != 'u' ||
	    number(v->at + 2, v->end, 16, 4, &second) != 4 || second < 0xdc00 || second > 0xdfff)
		return first;
	v->at += 6;
	return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static bool percent(struct view *v)
{
	uint32_t c;

	if (v->end - v->at >= 6 && v->at[1] == 'u' && number(v->at + 2, v->end, 16, 4, &c) == 4) {
		v->at += 6;
		put(v, whole(v, c), VIEW_PERCENT);
		return true;
	}
	if (v->end - v->at < 3 || number(v->at + 1, v->end, 16, 2, &c) != 2)
		return false;
	*v->out++ = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	v->kinds |= VIEW_PERCENT;
	v->at += 3;
	return true;
}

/* left: octets of the name and what follows. NULL: it is none. */
static const struct entity *find_entity(const uint8_t *name, size_t left)
{
	enum { COUNT = sizeof(entities) / sizeof(entities[0]) };
	size_t low = 0, high = COUNT;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((uint8_t)entities[middle].name[0] < name[0])
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < COUNT && (uint8_t)entities[low].name[0] == name[0]; low++) {
		const struct entity *e = &entities[low];

		if (left >= e->size && memcmp(name, e->name, e->size) == 0 &&
		    (e->bare || (left > e->size && name[e->size] == ';')))
			return e;
	}
	return NULL;
}

static bool entity(struct view *v)
{
	size_t left = (size_t)(v->end - v->at) - 1;
	const uint8_t *name = v->at + 1;
	const struct entity *e;
	bool ended;
	uint32_t c;

	if (left >= 2 && name[0] == '#') {
		bool hex = name[1] == 'x';
		const uint8_t *digits = name + (hex ? 2 : 1), *from = digits;
		size_t n;

		while (digits < v->end && *digits == '0')
			digits++;
		n = number(digits, v->end, hex ? 16 : 10, 10, &c);
		if (digits + n == from)
			return false;
		/* never longer than it was: &#9 is three octets at least, and four only from five digits on */
		put(v, c, VIEW_ENTITY);
		v->at = digits + n;
		if (v->at < v->end && *v->at == ';')
			v->at++;
		return true;
	}
	e = left >= 2 && ascii_is_alpha(name[0]) ? find_entity(name, left) : NULL;
	if (e == NULL)
		return false;
	ended = left > e->size && name[e->size] == ';';
	put(v, (uint8_t)e->is, VIEW_ENTITY);
	v->at = name + e->size + ended;
	return true;
}

static bool escape(struct view *v)
{
	size_t left = (size_t)(v->end - v->at), n;
	uint32_t c;

	if (left >= 5 && v->at[1] == 'u' && v->at[2] == '{') {
		const uint8_t *digits = v->at + 3;

		while (digits < v->end && *digits == '0')
			digits++;
		n = number(digits, v->end, 16, 8, &c);
		digits += n;
		if (digits == v->at + 3 || digits >= v->end || *digits != '}')
			return false;
		put(v, c, VIEW_ESCAPE);
		v->at = digits + 1;
		return true;
	}
	if (left >= 3 && v->at[1] == '0' && ascii_is_alpha(v->at[2])) { /* a NUL, which readers drop */
		v->kinds |= VIEW_REMOVED;
		v->at += 2;
		return true;
	}
	if (left >= 4 && v->at[1] <= '3' && number(v->at + 1, v->end, 8, 3, &c) == 3) {
		put(v, c, VIEW_ESCAPE);
		v->at += 4;
		return true;
	}
	n = left >= 6 && v->at[1] == 'u' ? 4 : left >= 4 && v->at[1] == 'x' ? 2 : 0;
	if (n == 0 || number(v->at + 2, v->end, 16, n, &c) != n)
		return false;
	v->at += 2 + n;
	put(v, n == 4 ? whole(v, c) : c, VIEW_ESCAPE);
	return true;
}

/* The character as somebody may read it. False: as itself. */
static bool like(struct view *v, uint32_t c, size_t size)
{
	const struct point_range *range;

	if (c >= NONE_FROM && c <= NONE_TO)
		return false;
	if (c == 0x2025 || c == 0x2026 || c == 0xfe30 || c == 0xfe19) { /* two dots, three */
		put(v, '.', VIEW_WIDE);
		put(v, '.', VIEW_WIDE);
		if (c == 0x2026 || c == 0xfe19)
			put(v, '.', VIEW_WIDE);
		v->at += size;
		return true;
	}
	range = point_range_find(likes, sizeof(likes) / sizeof(likes[0]), c);
	if (range == NULL)
		return false;
	if (range->value != 0)
		put(v, range->value + range->step * (c - range->first), VIEW_WIDE);
	else
		v->kinds |= VIEW_REMOVED;
	v->at += size;
	return true;
}

static bool follows(uint8_t c)
{
	return (c & 0xc0) == 0x80;
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
	if (left >= 2 && (p[0] & 0xe0) == 0xc0 && follows(p[1]))
		return like(v, (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f), 2);
	if (left >= 4 && (p[0] & 0xf8) == 0xf0 && follows(p[1]) && follows(p[2]) && follows(p[3])) {
		c = (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
		    (p[3] & 0x3f);
		if (c >= 0x10000)
			return like(v, c, 4);
		put(v, c, VIEW_OVERLONG);
		v->at += 4;
		return true;
	}
	if (left < 3 || (p[0] & 0xf0) != 0xe0 || !follows(p[1]) || !follows(p[2]))
		return false;
	c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	if (c >= 0x800)
		return like(v, c, 3);
	put(v, c, VIEW_OVERLONG);
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

/* Octets that are read as themselves, and so most of any text. */
static bool is_itself(uint8_t c)
{
	return c != '%' && c != '&' && c != '\\' && (uint8_t)(c - 0x20) < 0x7f - 0x20;
}

/* Of eight octets at once: is none of them beyond ASCII, a control, DEL, or one of the three marks? A blank, line end
 * or the like among them only means that they are looked at one by one. */
static bool are_themselves(const uint8_t *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t word, any;

	memcpy(&word, at, sizeof(word));
	any = word | (word - ones * 0x20) | (word + ones);
#define IS(c) (((word ^ ones * (c)) - ones) & ~(word ^ ones * (c)))
	any |= IS('%') | IS('&') | IS('\\');
#undef IS
	return (any & highs) == 0;
}

/* Copies what is read as itself. */
static void pass(struct view *v)
{
	while (v->end - v->at >= 8 && are_themselves(v->at)) {
		memmove(v->out, v->at, 8);
		v->at += 8;
		v->out += 8;
	}
	while (v->at < v->end && is_itself(*v->at))
		*v->out++ = *v->at++;
}

size_t views_round(uint8_t *text, size_t size, unsigned *kinds)
{
	struct view v = { text, text + size, text, 0 };

	for (;;) {
		uint8_t c;
		bool done = false;

		pass(&v);
		if (v.at == v.end)
			break;
		c = *v.at;

		if (c == '%')
			done = percent(&v);
		else if (c == '&')
			done = entity(&v);
		else if (c == '\\')
			done = escape(&v);
		else if (c >= 0x80)
			done = high(&v);
		else if ((c < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f) {
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

static uint8_t as_one(uint8_t c)
{
	return c >= '\t' && c <= '\r' ? ' ' : c;
}

size_t views_squeeze(uint8_t *text, size_t size, unsigned *kinds)
{
	size_t out = 0, run = 0;
	bool ends = true; /* a comment that begins may have an end */

	for (size_t i = 0; i < size; i++) {
		run = out != 0 && as_one(text[i]) == as_one(text[out - 1]) ? run + 1 : 0;
		if (run >= VIEW_RUN) {
			*kinds |= VIEW_SHORTER;
			continue;
		}
		text[out++] = text[i];
		if (ends && text[i] == '*' && out >= 2 && text[out - 2] == '/' && i + 1 < size && text[i + 1] != '!') {
			const uint8_t *end = memmem(text + i + 1, size - i - 1, "*/", 2);

			ends = end != NULL;
			if (ends && end != text + i + 1) {
				i = (size_t)(end - text) - 1;
				*kinds |= VIEW_SHORTER;
			}
		}
	}
	return out;
}
