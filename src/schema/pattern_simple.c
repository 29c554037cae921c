/* pattern_simple.c: expressions that need no going back: characters and classes of ASCII in a row, each repeated, as in
 * "^[A-Z]{1,6}$". They are most of what schemas have. One pass over the text decides, in time that has a bound. What is
 * not surely such an expression is left to PCRE2, which has compiled it before: here nothing is refused. */
#include <string.h>

#include "base/slice.h"
#include "schema/program.h"

enum { COUNT_MOST = 65535, REACH_MOST = 64 };

struct reading {
	const uint8_t *at, *end;
};

static void set_add(struct schema_item *item, uint8_t c)
{
	item->set[c / 64] |= (uint64_t)1 << (c % 64);
}

static bool set_has(const struct schema_item *item, uint8_t c)
{
	return c < 0x80 && (item->set[c / 64] >> (c % 64) & 1) != 0;
}

static void set_range(struct schema_item *item, uint8_t first, uint8_t last)
{
	for (unsigned c = first; c <= last; c++)
		set_add(item, (uint8_t)c);
}

/* Behind a backslash: \d, \w, or a character that only stands for itself there. */
static bool read_escape(struct reading *reading, struct schema_item *item, int *ret_one)
{
	uint8_t c = reading->at < reading->end ? *reading->at++ : 0;

	*ret_one = -1;
	if (c == 'd' || c == 'w')
		set_range(item, '0', '9');
	if (c == 'w') {
		set_range(item, 'A', 'Z');
		set_range(item, 'a', 'z');
		set_add(item, '_');
	}
	if (c == 'd' || c == 'w')
		return true;
	if (c == 0 || strchr("^$\\.*+?()[]{}|/-", c) == NULL)
		return false;
	set_add(item, c);
	*ret_one = c;
	return true;
}

static bool read_class(struct reading *reading, struct schema_item *item)
{
	if (reading->at < reading->end && *reading->at == '^')
		return false;
	while (reading->at < reading->end && *reading->at != ']') {
		int first = *reading->at++, last = -1;

		if (first >= 0x80 || (first == '\\' && !read_escape(reading, item, &first)))
			return false;
		if (first >= 0)
			set_add(item, (uint8_t)first);
		if (reading->end - reading->at < 2 || reading->at[0] != '-' || reading->at[1] == ']')
			continue;
		reading->at++;
		last = *reading->at++;
		if (last >= 0x80 || (last == '\\' && !read_escape(reading, item, &last)) || first < 0 || last < first)
			return false;
		set_range(item, (uint8_t)first, (uint8_t)last);
	}
	return reading->at++ < reading->end;
}

static bool read_number(struct reading *reading, uint32_t *ret_number)
{
	const uint8_t *begun = reading->at;

	*ret_number = 0;
	for (; reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9'; reading->at++) {
		*ret_number = *ret_number * 10 + (uint32_t)(*reading->at - '0');
		if (*ret_number > COUNT_MOST)
			return false;
	}
	return reading->at != begun;
}

static bool read_count(struct reading *reading, struct schema_item *item)
{
	uint8_t c = reading->at < reading->end ? *reading->at : 0;

	item->least = c == '*' || c == '?' ? 0 : 1;
	item->most = c == '*' || c == '+' ? UINT32_MAX : 1;
	if (c == '{') {
		reading->at++;
		if (!read_number(reading, &item->least))
			return false;
		item->most = item->least;
		if (reading->at < reading->end && *reading->at == ',') {
			reading->at++;
			item->most = UINT32_MAX;
			if (reading->at < reading->end && *reading->at != '}' && !read_number(reading, &item->most))
				return false;
		}
		c = reading->at < reading->end && *reading->at == '}' ? '}' : 0;
		if (c == 0 || item->most < item->least)
			return false;
	}
	if (c != 0 && strchr("*+?}", c) != NULL) {
		reading->at++;
		return reading->at == reading->end || strchr("*+?{", *reading->at) == NULL;
	}
	return true;
}

static bool read_item(struct reading *reading, struct schema_item *item)
{
	uint8_t c = *reading->at++;
	int one;

	*item = (struct schema_item){ .least = 1, .most = 1 };
	if (c == '[') {
		if (!read_class(reading, item))
			return false;
	} else if (c == '\\') {
		if (!read_escape(reading, item, &one))
			return false;
	} else if (c < 0x80 && strchr("^$.*+?()]{}|", c) == NULL && c != 0) {
		set_add(item, c);
	} else {
		return false;
	}
	return read_count(reading, item);
}

/* What stands at an end that is open need not be there more often than it must. */
static void shorten(struct schema_simple *simple)
{
	while (!simple->begins && simple->count != 0) {
		simple->items[0].most = simple->items[0].least;
		if (simple->items[0].least != 0)
			break;
		memmove(simple->items, simple->items + 1, --simple->count * sizeof(*simple->items));
	}
	while (!simple->ends && simple->count != 0) {
		struct schema_item *last = &simple->items[simple->count - 1];

		last->most = last->least;
		if (last->least != 0)
			break;
		simple->count--;
	}
}

/* May the taking of an item, as often as it goes, take from what is behind it? */
static bool is_greedy(const struct schema_simple *simple, unsigned at)
{
	const struct schema_item *item = &simple->items[at];

	if (item->least == item->most)
		return false;
	for (unsigned i = at + 1; i < simple->count; i++) {
		if ((item->set[0] & simple->items[i].set[0]) != 0 || (item->set[1] & simple->items[i].set[1]) != 0)
			return true;
		if (simple->items[i].least != 0)
			break;
	}
	return false;
}

bool jsonschema_simple_compile(struct fw_slice pattern, struct schema_simple *ret_simple)
{
	struct reading reading = { pattern.data, pattern.data + pattern.size };
	uint64_t reach = 0;

	*ret_simple = (struct schema_simple){ .count = 0 };
	ret_simple->begins = pattern.size != 0 && *reading.at == '^';
	reading.at += ret_simple->begins;
	while (reading.at < reading.end) {
		if (*reading.at == '$' && reading.at + 1 == reading.end) {
			ret_simple->ends = true;
			break;
		}
		if (ret_simple->count == SCHEMA_ITEMS || !read_item(&reading, &ret_simple->items[ret_simple->count++]))
			return false;
	}
	shorten(ret_simple);
	for (unsigned i = 0; i < ret_simple->count; i++) {
		if (is_greedy(ret_simple, i))
			return false;
		reach += ret_simple->items[i].most;
	}
	ret_simple->reach = reach < UINT32_MAX ? (uint32_t)reach : UINT32_MAX;
	return ret_simple->begins || reach <= REACH_MOST;
}

static bool matches_at(const struct schema_simple *simple, struct fw_slice text, size_t at)
{
	for (unsigned i = 0; i < simple->count; i++) {
		const struct schema_item *item = &simple->items[i];
		size_t room = text.size - at, most = item->most < room ? item->most : room, taken = 0;

		while (taken < most && set_has(item, text.data[at + taken]))
			taken++;
		if (taken < item->least)
			return false;
		at += taken;
	}
	return !simple->ends || at == text.size;
}

bool jsonschema_simple_matches(const struct schema_simple *simple, struct fw_slice text, uint64_t *ret_looked)
{
	size_t at = 0;

	*ret_looked = text.size;
	if (simple->begins)
		return matches_at(simple, text, 0);
	for (;; at++) {
		if (matches_at(simple, text, at))
			return true;
		*ret_looked += simple->reach;
		if (at == text.size)
			return false;
	}
}
