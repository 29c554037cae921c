#include "schema/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/slice.h"
#include "codec/json.h"
#include "codec/json_pointer.h"
#include "schema/number.h"

enum { DEPTH_MOST = 40, STEPS_MOST = 20000, PLACE_ROOM = 256, TEXT_ROOM = 512 };

struct side {
	struct json json;
	uint32_t node; /* of the schema */
	bool closed;   /* what is around it in the same place takes no members that nobody lists */
};

struct comparing {
	struct arena arena;
	difference_function *say;
	void *user;
	unsigned steps;
	bool short_of_memory;
	char place[PLACE_ROOM]; /* "order.legs[]"; "" is the message */
};

/* A keyword that is a bound: more of it lets more pass, or less. */
static const struct bound {
	const char *name, *words;
	bool upper;
} bounds[] = {
	{ "maximum", "maximum", true },
	{ "exclusiveMaximum", "exclusive maximum", true },
	{ "maxLength", "greatest length", true },
	{ "maxItems", "greatest count of elements", true },
	{ "maxProperties", "greatest count of members", true },
	{ "maxContains", "greatest count of what it contains", true },
	{ "minimum", "minimum", false },
	{ "exclusiveMinimum", "exclusive minimum", false },
	{ "minLength", "least length", false },
	{ "minItems", "least count of elements", false },
	{ "minProperties", "least count of members", false },
	{ "minContains", "least count of what it contains", false },
};
/* Only there or not there can be told. */
static const char *const demands[] = { "multipleOf",
				       "pattern",
				       "format",
				       "uniqueItems",
				       "not",
				       "contains",
				       "const",
				       "propertyNames",
				       "if",
				       "then",
				       "else",
				       "dependentRequired",
				       "dependentSchemas",
				       "dependencies",
				       "patternProperties",
				       "x-framewall",
				       "contentMediaType",
				       "oneOf" };

__attribute__((format(printf, 3, 4))) static void say(struct comparing *c, enum difference effect, const char *format,
						      ...)
{
	char text[TEXT_ROOM + PLACE_ROOM + 2], what[TEXT_ROOM];
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE: clang-tidy 14 forgets the va_start above */
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%s%s%s", c->place, *c->place != '\0' ? ": " : "", what);
	c->say(c->user, effect, text);
}

static uint32_t keyword(const struct side *side, const char *name)
{
	return side->json.nodes[side->node].kind == JSON_OBJECT
		       ? json_member(&side->json, side->node, name, strlen(name))
		       : 0;
}

static struct side at(const struct side *side, uint32_t node)
{
	return (struct side){ side->json, node, false };
}

/* "#/$defs/name", as often as it leads on. */
static struct side follow(struct comparing *c, struct side side)
{
	for (unsigned i = 0; i < 16; i++) {
		uint32_t node = keyword(&side, "$ref");
		struct fw_slice text = node != 0 && side.json.nodes[node].kind == JSON_STRING
					       ? json_text(&side.json, node, &c->arena)
					       : slice(NULL, 0);
		uint32_t target = 0;

		if (text.size > 1 && text.data[0] == '#')
			target = json_pointer_find(&side.json, slice_from(text, 1));
		if (target == 0)
			break;
		side.node = target;
	}
	return side;
}

static const char *shown(struct comparing *c, const struct side *side, uint32_t node)
{
	struct fw_slice raw = json_raw(&side->json, node);
	size_t size = raw.size > 60 ? 60 : raw.size;
	char *text = arena_alloc(&c->arena, size + 4);

	if (text == NULL) {
		c->short_of_memory = true;
		return "";
	}
	while (size < raw.size && size > 0 && (raw.data[size] & 0xc0) == 0x80)
		size--;
	for (size_t i = 0; i < size; i++)
		text[i] = raw.data[i] < 0x20 || raw.data[i] == 0x7f ? ' ' : (char)raw.data[i];
	memcpy(text + size, size < raw.size ? "…" : "", size < raw.size ? 4 : 1);
	return text;
}

/* As JSON that was written by one writer both times, so that octets compare. */
static bool equal(const struct side *a, uint32_t x, const struct side *b, uint32_t y)
{
	return slice_equal(json_raw(&a->json, x), json_raw(&b->json, y));
}

static void compare(struct comparing *c, struct side a, struct side b, unsigned depth);

static void within(struct comparing *c, struct side a, struct side b, const char *name, size_t size, unsigned depth)
{
	size_t before = strlen(c->place);

	if (before + size + 2 < PLACE_ROOM)
		snprintf(c->place + before, PLACE_ROOM - before, "%s%.*s", before != 0 && *name != '[' ? "." : "",
			 (int)size, name);
	compare(c, a, b, depth + 1);
	c->place[before] = '\0';
}

static void compare_bounds(struct comparing *c, const struct side *a, const struct side *b)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		uint32_t x = keyword(a, bounds[i].name), y = keyword(b, bounds[i].name);
		struct decimal one, two;
		int order;

		if (x != 0 && y == 0)
			say(c, DIFFERENCE_OPENS, "no %s any more; it was %s", bounds[i].words, shown(c, a, x));
		if (x == 0 && y != 0)
			say(c, DIFFERENCE_CLOSES, "%s %s, where there was none", bounds[i].words, shown(c, b, y));
		if (x == 0 || y == 0)
			continue;
		decimal_read(json_raw(&a->json, x), &one);
		decimal_read(json_raw(&b->json, y), &two);
		order = decimal_compare(&one, &two);
		if (order != 0)
			say(c, (order < 0) == bounds[i].upper ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s %s, was %s",
			    bounds[i].words, shown(c, b, y), shown(c, a, x));
	}
}

/* Values of a list that the other one lacks. A value that is no list is one of its own. */
static bool has(const struct side *side, uint32_t list, const struct side *other, uint32_t value)
{
	const struct json_node *n = &side->json.nodes[list];

	if (n->kind != JSON_ARRAY)
		return equal(side, list, other, value);
	for (uint32_t item = list + 1; item < n->next; item = side->json.nodes[item].next)
		if (equal(side, item, other, value))
			return true;
	return false;
}

static void lacks(struct comparing *c, const struct side *side, uint32_t list, const struct side *other, uint32_t in,
		  enum difference effect, const char *format)
{
	const struct json_node *n = &side->json.nodes[list];
	uint32_t item = n->kind == JSON_ARRAY ? list + 1 : list;

	for (; item < n->next; item = side->json.nodes[item].next)
		if (in == 0 || !has(other, in, side, item)) {
			char text[TEXT_ROOM];

			snprintf(text, sizeof(text), "%s%s", format, shown(c, side, item));
			say(c, effect, "%s", text);
			if (n->kind != JSON_ARRAY)
				break;
		}
}

static void compare_lists(struct comparing *c, const struct side *a, const struct side *b)
{
	static const struct {
		const char *name, *more, *less;
		bool restricts; /* more in it lets less pass */
	} rows[] = {
		{ "enum", "another value: ", "no longer the value ", false },
		{ "type", "another type: ", "no longer the type ", false },
		{ "required", "must have ", "need not have ", true },
	};

	for (size_t i = 0; i < 3; i++) {
		uint32_t x = keyword(a, rows[i].name), y = keyword(b, rows[i].name);

		if (!rows[i].restricts && (x == 0) != (y == 0))
			say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s %s %s", x != 0 ? "any" : "only",
			    i == 0 ? "value," : "type,", x != 0 ? "where it was one of a list" : shown(c, b, y));
		if (!rows[i].restricts && (x == 0 || y == 0))
			continue;
		if (y != 0)
			lacks(c, b, y, a, x, rows[i].restricts ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS, rows[i].more);
		if (x != 0)
			lacks(c, a, x, b, y, rows[i].restricts ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, rows[i].less);
	}
}

static void compare_demands(struct comparing *c, const struct side *a, const struct side *b)
{
	for (size_t i = 0; i < sizeof(demands) / sizeof(*demands); i++) {
		uint32_t x = keyword(a, demands[i]), y = keyword(b, demands[i]);

		if (x != 0 && y == 0)
			say(c, DIFFERENCE_OPENS, "\"%s\" is gone; it was %s", demands[i], shown(c, a, x));
		else if (x == 0 && y != 0)
			say(c, DIFFERENCE_CLOSES, "\"%s\" is new: %s", demands[i], shown(c, b, y));
		else if (x != 0 && !equal(a, x, b, y))
			say(c, DIFFERENCE_CHANGES, "\"%s\" is %s, was %s", demands[i], shown(c, b, y), shown(c, a, x));
	}
}

/* Does an object take no members that nobody lists? */
static bool is_closed(const struct side *side)
{
	uint32_t one = keyword(side, "additionalProperties"), two = keyword(side, "unevaluatedProperties");

	return side->closed || (one != 0 && side->json.nodes[one].kind == JSON_FALSE) ||
	       (two != 0 && side->json.nodes[two].kind == JSON_FALSE);
}

static struct fw_slice name_of(struct comparing *c, const struct side *side, uint32_t key)
{
	struct fw_slice name = json_text(&side->json, key, &c->arena);

	c->short_of_memory = c->short_of_memory || name.data == NULL;
	return name.data != NULL ? name : slice_text("");
}

static void compare_properties(struct comparing *c, const struct side *a, const struct side *b, unsigned depth)
{
	bool closed_before = is_closed(a), closed_after = is_closed(b);
	uint32_t x = keyword(a, "properties"), y = keyword(b, "properties");

	for (uint32_t key = x + 1; x != 0 && key < a->json.nodes[x].next; key = a->json.nodes[key + 1].next) {
		struct fw_slice name = name_of(c, a, key);
		uint32_t other = y != 0 ? json_member(&b->json, y, (const char *)name.data, name.size) : 0;

		if (other != 0)
			within(c, at(a, key + 1), at(b, other), (const char *)name.data, name.size, depth);
		else
			say(c, closed_after ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS,
			    closed_after ? "no member %s any more" : "the member %s may be anything", shown(c, a, key));
	}
	for (uint32_t key = y + 1; y != 0 && key < b->json.nodes[y].next; key = b->json.nodes[key + 1].next) {
		struct fw_slice name = name_of(c, b, key);

		if (x == 0 || json_member(&a->json, x, (const char *)name.data, name.size) == 0)
			say(c, closed_before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
			    closed_before ? "a new member %s" : "the member %s, which could be anything, is described",
			    shown(c, b, key));
	}
}

static void compare_others(struct comparing *c, const struct side *a, const struct side *b, unsigned depth)
{
	uint32_t x = keyword(a, "additionalProperties"), y = keyword(b, "additionalProperties");

	if (x != 0 && y != 0 && a->json.nodes[x].kind == JSON_OBJECT && b->json.nodes[y].kind == JSON_OBJECT)
		within(c, at(a, x), at(b, y), "[]", 2, depth);
	x = keyword(a, "items");
	y = keyword(b, "items");
	if (x != 0 && y != 0)
		within(c, at(a, x), at(b, y), "[]", 2, depth);
	else if (x != 0 || y != 0)
		say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    x != 0 ? "elements may be anything" : "what elements are is described");
}

/* Alternatives and parts, in their order: one that was added or is gone stands at the end, mostly. */
static void compare_parts(struct comparing *c, const struct side *a, const struct side *b, const char *name,
			  unsigned depth)
{
	uint32_t x = keyword(a, name), y = keyword(b, name), one, two;
	bool all = strcmp(name, "allOf") == 0;

	if (x == 0 && y == 0)
		return;
	if (x == 0 || y == 0 || a->json.nodes[x].kind != JSON_ARRAY || b->json.nodes[y].kind != JSON_ARRAY) {
		say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "\"%s\" is %s", name, x != 0 ? "gone" : "new");
		return;
	}
	for (one = x + 1, two = y + 1; one < a->json.nodes[x].next && two < b->json.nodes[y].next;
	     one = a->json.nodes[one].next, two = b->json.nodes[two].next)
		compare(c, (struct side){ a->json, one, is_closed(a) }, (struct side){ b->json, two, is_closed(b) },
			depth + 1);
	if (one < a->json.nodes[x].next)
		say(c, all ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    all ? "a demand less in \"%s\"" : "an alternative less in \"%s\"", name);
	if (two < b->json.nodes[y].next)
		say(c, all ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS,
		    all ? "a demand more in \"%s\"" : "another alternative in \"%s\"", name);
}

static void compare_whole(struct comparing *c, const struct side *a, const struct side *b)
{
	bool nothing_before = a->json.nodes[a->node].kind == JSON_FALSE;
	bool nothing_after = b->json.nodes[b->node].kind == JSON_FALSE;

	if (nothing_before != nothing_after)
		say(c, nothing_before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    nothing_before ? "may be there" : "may not be there");
	else if (a->json.nodes[a->node].kind != b->json.nodes[b->node].kind)
		say(c, a->json.nodes[a->node].kind == JSON_OBJECT ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s",
		    a->json.nodes[a->node].kind == JSON_OBJECT ? "may be anything" : "is described");
}

static void compare(struct comparing *c, struct side a, struct side b, unsigned depth)
{
	struct side one = follow(c, a), two = follow(c, b);

	if (depth > DEPTH_MOST || ++c->steps > STEPS_MOST)
		return;
	one.closed = is_closed(&a); /* it may be said beside a reference */
	two.closed = is_closed(&b);
	if (one.json.nodes[one.node].kind != JSON_OBJECT || two.json.nodes[two.node].kind != JSON_OBJECT) {
		compare_whole(c, &one, &two);
		return;
	}
	if (is_closed(&one) != is_closed(&two) && !a.closed && !b.closed)
		say(c, is_closed(&one) ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "members that nobody lists %s",
		    is_closed(&one) ? "pass" : "are refused");
	compare_lists(c, &one, &two);
	compare_bounds(c, &one, &two);
	compare_demands(c, &one, &two);
	compare_properties(c, &one, &two, depth);
	compare_others(c, &one, &two, depth);
	compare_parts(c, &one, &two, "allOf", depth);
	compare_parts(c, &one, &two, "anyOf", depth);
}

bool jsonschema_compare(struct fw_slice before, struct fw_slice after, difference_function *say_it, void *user)
{
	struct comparing c = { .say = say_it, .user = user };
	struct side a = { 0 }, b = { 0 };
	bool read;

	arena_init(&c.arena, LIMIT_POLICY_BYTES);
	read = json_parse(&c.arena, before, 0, &a.json, NULL) == JSON_OK &&
	       json_parse(&c.arena, after, 0, &b.json, NULL) == JSON_OK;
	if (read)
		compare(&c, a, b, 0);
	arena_fini(&c.arena);
	return read && !c.short_of_memory;
}
