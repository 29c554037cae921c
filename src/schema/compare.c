#include "schema/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/slice.h"
#include "schema/load.h"
#include "schema/side.h"

enum { DEPTH_MOST = 40, PLACE_ROOM = 256, TEXT_ROOM = 512 };

struct comparing {
	struct sides sides;
	difference_function *say;
	void *user;
	bool short_of_memory, ended;
	bool quiet; /* what differs is counted alone */
	unsigned said;
	unsigned depth;
	struct {
		uint32_t one, two;
	} within[DEPTH_MOST + 1]; /* what is being compared: a schema may lead to itself */
	char place[PLACE_ROOM];	  /* "order.legs[]"; "" is the message */
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
/* What has words of its own below, or none at all. Any other keyword can be told to be there, or not to be. */
static const char *const worded[] = { "$id",
				      "$schema",
				      "$ref",
				      "$anchor",
				      "$dynamicAnchor",
				      "$defs",
				      "type",
				      "$vocabulary",
				      "unevaluatedProperties",
				      "definitions",
				      "items",
				      "enum",
				      "contentEncoding",
				      "contentSchema",
				      "properties",
				      "required",
				      "allOf",
				      "anyOf",
				      "additionalProperties" };

__attribute__((format(printf, 3, 4))) static void say(struct comparing *c, enum difference effect, const char *format,
						      ...)
{
	char text[TEXT_ROOM + PLACE_ROOM + 2], what[TEXT_ROOM];
	va_list arguments;

	c->said++;
	if (c->quiet)
		return;
	va_start(arguments, format);
	/* NOLINTNEXTLINE: clang-tidy 14 forgets the va_start above */
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%s%s%s", c->place, *c->place != '\0' ? ": " : "", what);
	c->say(c->user, effect, text);
}

static const char *shown(struct comparing *c, const struct side *side, uint32_t node)
{
	struct fw_slice raw = json_raw(side->json, node);
	size_t size = raw.size > 60 ? 60 : raw.size;
	char *text = arena_alloc(&c->sides.arena, size + 4);

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

static bool equal(const struct side *a, uint32_t x, const struct side *b, uint32_t y)
{
	uint64_t steps = SIDES_STEPS;

	return jsonschema_value_equal((struct schema_value){ a->json, x }, (struct schema_value){ b->json, y }, &steps);
}

static void compare(struct comparing *c, struct side a, struct side b);

static void within(struct comparing *c, struct side a, struct side b, const char *name, size_t size)
{
	size_t before = strlen(c->place);

	if (before + size + 2 < PLACE_ROOM)
		snprintf(c->place + before, PLACE_ROOM - before, "%s%.*s", before != 0 && *name != '[' ? "." : "",
			 (int)size, name);
	compare(c, a, b);
	c->place[before] = '\0';
}

static void compare_bounds(struct comparing *c, const struct side *a, const struct side *b)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		uint32_t x = side_keyword(a, bounds[i].name), y = side_keyword(b, bounds[i].name);
		struct decimal one, two;
		int order;

		if (x != 0 && y == 0)
			say(c, DIFFERENCE_OPENS, "no %s any more; it was %s", bounds[i].words, shown(c, a, x));
		if (x == 0 && y != 0)
			say(c, DIFFERENCE_CLOSES, "%s %s, where there was none", bounds[i].words, shown(c, b, y));
		if (x == 0 || y == 0)
			continue;
		decimal_read(json_raw(a->json, x), &one);
		decimal_read(json_raw(b->json, y), &two);
		order = decimal_compare(&one, &two);
		if (order != 0)
			say(c, (order < 0) == bounds[i].upper ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s %s, was %s",
			    bounds[i].words, shown(c, b, y), shown(c, a, x));
	}
}

/* Values of a list that the other one lacks. A value that is no list is one of its own. */
static bool has(const struct side *side, uint32_t list, const struct side *other, uint32_t value)
{
	const struct json_node *n = &side->json->nodes[list];

	if (n->kind != JSON_ARRAY)
		return equal(side, list, other, value);
	for (uint32_t item = list + 1; item < n->next; item = side->json->nodes[item].next)
		if (equal(side, item, other, value))
			return true;
	return false;
}

static void lacks(struct comparing *c, const struct side *side, uint32_t list, const struct side *other, uint32_t in,
		  enum difference effect, const char *format)
{
	const struct json_node *n = &side->json->nodes[list];
	uint32_t item = n->kind == JSON_ARRAY ? list + 1 : list;

	for (; item < n->next; item = side->json->nodes[item].next)
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
		uint32_t x = side_keyword(a, rows[i].name), y = side_keyword(b, rows[i].name);

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

static bool is_worded(const char *name)
{
	for (size_t i = 0; i < sizeof(worded) / sizeof(*worded); i++)
		if (strcmp(worded[i], name) == 0)
			return true;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		if (strcmp(bounds[i].name, name) == 0)
			return true;
	return false;
}

/* Both values are the same; but is what they refer to? */
static bool refer_alike(struct comparing *c, const struct side *a, uint32_t x, const struct side *b)
{
	bool quiet = c->quiet;
	unsigned before = c->said, found;

	c->quiet = true;
	for (uint32_t node = x; node < a->json->nodes[x].next && c->said == before; node++) {
		struct side one = side_at(a, node);
		struct fw_slice text = side_reference(&c->sides, &one);
		uint32_t in_a, in_b;

		if (side_lead(&c->sides, a, text, &in_a) && side_lead(&c->sides, b, text, &in_b))
			compare(c, side_at(a, in_a), side_at(b, in_b));
	}
	found = c->said - before;
	c->said = before;
	c->quiet = quiet;
	return found == 0;
}

static void compare_values(struct comparing *c, const struct side *a, uint32_t x, const struct side *b, uint32_t y,
			   const char *what)
{
	if (!equal(a, x, b, y))
		say(c, DIFFERENCE_CHANGES, "%s is %s, was %s", what, shown(c, b, y), shown(c, a, x));
	else if (!refer_alike(c, a, x, b))
		say(c, DIFFERENCE_CHANGES, "%s is %s as before, which refers to what has changed", what,
		    shown(c, b, y));
}

static void compare_demand(struct comparing *c, const struct side *a, const struct side *b, const char *name)
{
	uint32_t x = side_keyword(a, name), y = side_keyword(b, name);
	char what[64];

	snprintf(what, sizeof(what), "\"%s\"", name);
	if (x != 0 && y == 0)
		say(c, DIFFERENCE_OPENS, "%s is gone; it was %s", what, shown(c, a, x));
	else if (x == 0 && y != 0)
		say(c, DIFFERENCE_CLOSES, "%s is new: %s", what, shown(c, b, y));
	else if (x != 0)
		compare_values(c, a, x, b, y, what);
}

static void compare_demands(struct comparing *c, const struct side *a, const struct side *b)
{
	for (unsigned i = 0; i < KEYWORDS; i++)
		if (!is_worded(loader_keyword_name(i)))
			compare_demand(c, a, b, loader_keyword_name(i));
}

static struct fw_slice name_of(struct comparing *c, const struct side *side, uint32_t key)
{
	struct fw_slice name = json_text(side->json, key, &c->sides.arena);

	c->short_of_memory = c->short_of_memory || name.data == NULL;
	return name.data != NULL ? name : slice_text("");
}

static void compare_properties(struct comparing *c, const struct side *a, const struct side *b)
{
	bool closed_before = a->closed, closed_after = b->closed;
	uint32_t x = side_keyword(a, "properties"), y = side_keyword(b, "properties");

	for (uint32_t key = x + 1; x != 0 && key < a->json->nodes[x].next; key = a->json->nodes[key + 1].next) {
		struct fw_slice name = name_of(c, a, key);
		uint32_t other = y != 0 ? json_member(b->json, y, (const char *)name.data, name.size) : 0;

		if (other != 0)
			within(c, side_at(a, key + 1), side_at(b, other), (const char *)name.data, name.size);
		else
			say(c, closed_after ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS,
			    closed_after ? "no member %s any more" : "the member %s may be anything", shown(c, a, key));
	}
	for (uint32_t key = y + 1; y != 0 && key < b->json->nodes[y].next; key = b->json->nodes[key + 1].next) {
		struct fw_slice name = name_of(c, b, key);

		if (x == 0 || json_member(a->json, x, (const char *)name.data, name.size) == 0)
			say(c, closed_before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
			    closed_before ? "a new member %s" : "the member %s, which could be anything, is described",
			    shown(c, b, key));
	}
}

/* A schema of members or elements that others do not name: 0: anything. */
static uint32_t schema_of_others(const struct side *side, const char *name)
{
	uint32_t node = side_keyword(side, name);

	return node != 0 && side->json->nodes[node].kind == JSON_OBJECT && side->json->nodes[node].count != 0 ? node
													      : 0;
}

static void compare_others(struct comparing *c, const struct side *a, const struct side *b)
{
	static const char *const names[] = { "additionalProperties", "unevaluatedProperties" };
	uint32_t x = side_keyword(a, "items"), y = side_keyword(b, "items");

	if (x != 0 && y != 0)
		within(c, side_at(a, x), side_at(b, y), "[]", 2);
	else if (x != 0 || y != 0)
		say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    x != 0 ? "elements may be anything" : "what elements are is described");
	for (unsigned i = 0; i < 2; i++) {
		x = schema_of_others(a, names[i]);
		y = schema_of_others(b, names[i]);
		if (x != 0 && y != 0)
			within(c, side_at(a, x), side_at(b, y), "[]", 2);
		else if (x != y && a->closed == b->closed) /* else that was said */
			say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
			    x != 0 ? "members that nobody lists may be anything"
				   : "what members are that nobody lists is described");
	}
}

/* Alternatives and parts, in their order: one that was added or is gone stands at the end, mostly. */
static void compare_parts(struct comparing *c, const struct side *a, const struct side *b, const char *name)
{
	uint32_t x = side_keyword(a, name), y = side_keyword(b, name), one, two;
	bool all = strcmp(name, "allOf") == 0;

	if (x == 0 && y == 0)
		return;
	if (x == 0 || y == 0 || a->json->nodes[x].kind != JSON_ARRAY || b->json->nodes[y].kind != JSON_ARRAY) {
		say(c, x != 0 ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "\"%s\" is %s", name, x != 0 ? "gone" : "new");
		return;
	}
	for (one = x + 1, two = y + 1; one < a->json->nodes[x].next && two < b->json->nodes[y].next;
	     one = a->json->nodes[one].next, two = b->json->nodes[two].next)
		compare(c, side_part(a, one), side_part(b, two));
	if (one < a->json->nodes[x].next)
		say(c, all ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    all ? "a demand less in \"%s\"" : "an alternative less in \"%s\"", name);
	if (two < b->json->nodes[y].next)
		say(c, all ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS,
		    all ? "a demand more in \"%s\"" : "another alternative in \"%s\"", name);
}

static void compare_whole(struct comparing *c, const struct side *a, const struct side *b)
{
	bool nothing_before = a->json->nodes[a->node].kind == JSON_FALSE;
	bool nothing_after = b->json->nodes[b->node].kind == JSON_FALSE;

	if (nothing_before != nothing_after)
		say(c, nothing_before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    nothing_before ? "may be there" : "may not be there");
	else if (a->json->nodes[a->node].kind != b->json->nodes[b->node].kind)
		say(c, a->json->nodes[a->node].kind == JSON_OBJECT ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s",
		    a->json->nodes[a->node].kind == JSON_OBJECT ? "may be anything" : "is described");
	else
		compare_values(c, a, a->node, b, b->node, "it");
}

static void compare_keywords(struct comparing *c, const struct side *a, const struct side *b)
{
	c->ended = c->ended || side_keyword(a, "$dynamicRef") != 0; /* leads here or there */
	compare_lists(c, a, b);
	compare_bounds(c, a, b);
	compare_demands(c, a, b);
	compare_properties(c, a, b);
	compare_others(c, a, b);
	compare_parts(c, a, b, "allOf");
	compare_parts(c, a, b, "anyOf");
}

/* What they refer to, and then what is said beside that. False: neither refers to a place that is found. */
static bool compare_references(struct comparing *c, const struct side *a, const struct side *b)
{
	struct fw_slice one = side_reference(&c->sides, a), two = side_reference(&c->sides, b);
	uint32_t x, y;
	bool a_leads = side_lead(&c->sides, a, one, &x), b_leads = side_lead(&c->sides, b, two, &y);
	struct side none_a = *a, none_b = *b;

	if ((one.size != 0 && !a_leads) || (two.size != 0 && !b_leads))
		compare_demand(c, a, b, "$ref");
	if (!a_leads && !b_leads)
		return false;
	compare(c, side_part(a, a_leads ? x : a->node), side_part(b, b_leads ? y : b->node));
	none_a.is_absent = !a_leads;
	none_b.is_absent = !b_leads;
	compare_keywords(c, &none_a, &none_b);
	return true;
}

/* A schema that leads to itself is the same as it was, unless another part of it is not. */
static bool is_within(const struct comparing *c, uint32_t x, uint32_t y)
{
	for (unsigned i = 0; i < c->depth; i++)
		if (c->within[i].one == x && c->within[i].two == y)
			return true;
	return false;
}

static void compare(struct comparing *c, struct side a, struct side b)
{
	bool closed_before = a.closed, closed_after = b.closed;

	if (is_within(c, a.node, b.node))
		return;
	if (c->depth == DEPTH_MOST || ++c->sides.steps > SIDES_STEPS) {
		c->ended = true;
		return;
	}
	c->within[c->depth].one = a.node;
	c->within[c->depth++].two = b.node;
	a.closed = side_is_closed(&c->sides, &a);
	b.closed = side_is_closed(&c->sides, &b);
	if (a.closed != b.closed && closed_before == closed_after)
		say(c, a.closed ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "members that nobody lists %s",
		    a.closed ? "pass" : "are refused");
	if (!compare_references(c, &a, &b)) {
		if (a.json->nodes[a.node].kind != JSON_OBJECT || b.json->nodes[b.node].kind != JSON_OBJECT)
			compare_whole(c, &a, &b);
		else
			compare_keywords(c, &a, &b);
	}
	c->depth--;
}

bool jsonschema_compare(const struct jsonschema_compared *before, const struct jsonschema_compared *after,
			difference_function *say_it, void *user)
{
	struct comparing c = { .say = say_it, .user = user };
	struct json one, two;
	bool read;

	if (before->closed == after->closed && slice_equal(before->text, after->text))
		return true;
	arena_init(&c.sides.arena, LIMIT_POLICY_BYTES);
	read = json_parse(&c.sides.arena, before->text, 0, &one, NULL) == JSON_OK &&
	       json_parse(&c.sides.arena, after->text, 0, &two, NULL) == JSON_OK;
	if (read)
		compare(&c, (struct side){ .json = &one, .implied = before->closed },
			(struct side){ .json = &two, .implied = after->closed });
	if (c.ended || c.sides.steps > SIDES_STEPS)
		say(&c, DIFFERENCE_CHANGES, "it is written in another way, and not all of it could be compared");
	arena_fini(&c.sides.arena);
	return read && !c.short_of_memory;
}
