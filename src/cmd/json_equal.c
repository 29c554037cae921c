#include "cmd/json_equal.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/slice.h"
#include "codec/json.h"

enum { MOST = 256 << 20, NUMBER_ROOM = 128 };

struct comparing {
	struct arena arena;
	struct json a, b;
};

static bool same_number(struct fw_slice a, struct fw_slice b)
{
	char one[NUMBER_ROOM], other[NUMBER_ROOM];

	if (slice_equal(a, b))
		return true;
	if (a.size >= NUMBER_ROOM || b.size >= NUMBER_ROOM)
		return false;
	memcpy(one, a.data, a.size);
	one[a.size] = '\0';
	memcpy(other, b.data, b.size);
	other[b.size] = '\0';
	/* Whole numbers that a double cannot tell apart are not the same. */
	if (strpbrk(one, ".eE") == NULL && strpbrk(other, ".eE") == NULL)
		return false;
	return strtod(one, NULL) == strtod(other, NULL);
}

static bool same(struct comparing *c, uint32_t a, uint32_t b);

/* Recursion is as deep as the JSON, which is bounded. */
static bool same_children(struct comparing *c, uint32_t a, uint32_t b)
{
	const struct json_node *one = &c->a.nodes[a];

	for (uint32_t at = a + 1, other = b + 1; at < one->next; at = c->a.nodes[at].next) {
		if (one->kind == JSON_ARRAY) {
			if (!same(c, at, other))
				return false;
			other = c->b.nodes[other].next;
		} else {
			struct fw_slice key = json_text(&c->a, at, &c->arena);
			uint32_t value = json_member(&c->b, b, (const char *)key.data, key.size);

			if (value == 0 || !same(c, at + 1, value))
				return false;
			at++;
		}
	}
	return true;
}

static bool same(struct comparing *c, uint32_t a, uint32_t b)
{
	const struct json_node *one = &c->a.nodes[a], *other = &c->b.nodes[b];

	if (one->kind != other->kind)
		return false;
	switch (one->kind) {
	case JSON_NUMBER:
		return same_number(json_raw(&c->a, a), json_raw(&c->b, b));
	case JSON_STRING:
		return slice_equal(json_text(&c->a, a, &c->arena), json_text(&c->b, b, &c->arena));
	case JSON_ARRAY:
	case JSON_OBJECT:
		return one->count == other->count && same_children(c, a, b);
	default:
		return true;
	}
}

bool json_equal(struct fw_slice a, struct fw_slice b)
{
	struct comparing c;
	bool equal;

	if (slice_equal(a, b))
		return true;
	arena_init(&c.arena, MOST);
	equal = json_parse(&c.arena, a, 0, &c.a, NULL) == JSON_OK &&
		json_parse(&c.arena, b, 0, &c.b, NULL) == JSON_OK && same(&c, 0, 0);
	arena_fini(&c.arena);
	return equal;
}
