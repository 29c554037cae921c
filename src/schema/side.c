#include "schema/side.h"

#include <string.h>

#include "base/slice.h"
#include "codec/json_pointer.h"
#include "schema/uri.h"

enum { LISTS_MOST = 16 };

uint32_t side_keyword(const struct side *side, const char *name)
{
	return !side->is_absent && side->json->nodes[side->node].kind == JSON_OBJECT
		       ? json_member(side->json, side->node, name, strlen(name))
		       : 0;
}

struct side side_at(const struct side *side, uint32_t node)
{
	return (struct side){ .json = side->json, .node = node, .implied = side->implied };
}

struct side side_part(const struct side *side, uint32_t node)
{
	struct side made = side_at(side, node);

	made.closed = side->closed;
	made.in_place = true;
	return made;
}

struct fw_slice side_reference(struct sides *sides, const struct side *side)
{
	uint32_t node = side_keyword(side, "$ref");
	struct fw_slice text = slice("", 0);

	if (node != 0 && side->json->nodes[node].kind == JSON_STRING)
		text = json_text(side->json, node, &sides->arena);
	if (text.data == NULL) /* memory is short: no more is looked at */
		sides->steps = SIDES_STEPS + 1;
	return text;
}

/* The schema that has a name by itself. 0: none has. */
static uint32_t named(const struct json *json, struct fw_slice name)
{
	static const char *const keywords[] = { "$anchor", "$dynamicAnchor" };

	for (uint32_t node = 0; node < json->count; node++)
		for (unsigned i = 0; i < 2 && json->nodes[node].kind == JSON_OBJECT; i++) {
			uint32_t at = json_member(json, node, keywords[i], strlen(keywords[i]));

			if (at != 0 && json->nodes[at].kind == JSON_STRING &&
			    slice_equal(slice(json->text + json->nodes[at].offset, json->nodes[at].size), name))
				return node;
		}
	return 0;
}

bool side_lead(struct sides *sides, const struct side *side, struct fw_slice text, uint32_t *ret_node)
{
	struct fw_slice fragment = { 0 };
	struct fw_slice uri = jsonschema_uri_resolve(slice("", 0), text, &sides->arena, &fragment);

	*ret_node = 0;
	if (uri.data == NULL)
		sides->steps = SIDES_STEPS + 1;
	if (uri.size != 0 || fragment.data == NULL)
		return false;
	if (fragment.size == 0)
		return true;
	*ret_node = fragment.data[0] == '/' ? json_pointer_find(side->json, fragment) : named(side->json, fragment);
	return *ret_node != 0;
}

static bool lists(struct sides *sides, const struct side *side, unsigned depth);

static bool one_lists(struct sides *sides, const struct side *side, const char *name, unsigned depth)
{
	uint32_t list = side_keyword(side, name), child;
	const struct json_node *nodes = side->json->nodes;
	bool map = list != 0 && nodes[list].kind == JSON_OBJECT;

	for (child = list + 1; list != 0 && child < nodes[list].next; child = nodes[child].next) {
		struct side made;

		child += map;
		made = side_part(side, child);
		if (lists(sides, &made, depth + 1))
			return true;
	}
	return false;
}

/* Does a schema list members, by itself or by what judges the same value? As compile_close.c has it. */
static bool lists(struct sides *sides, const struct side *side, unsigned depth)
{
	static const char *const maps[] = { "properties", "patternProperties" };
	static const char *const several[] = { "allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies" };
	static const char *const single[] = { "then", "else" };
	struct side made;
	uint32_t node;

	if (depth > LISTS_MOST || ++sides->steps > SIDES_STEPS)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		node = side_keyword(side, maps[i]);
		if (node != 0 && side->json->nodes[node].kind == JSON_OBJECT && side->json->nodes[node].count != 0)
			return true;
	}
	for (unsigned i = 0; i < sizeof(several) / sizeof(*several); i++)
		if (one_lists(sides, side, several[i], depth))
			return true;
	for (unsigned i = 0; i < 2; i++) {
		node = side_keyword(side, single[i]);
		made = side_part(side, node);
		if (node != 0 && lists(sides, &made, depth + 1))
			return true;
	}
	if (!side_lead(sides, side, side_reference(sides, side), &node))
		return false;
	made = side_part(side, node);
	return lists(sides, &made, depth + 1);
}

bool side_is_closed(struct sides *sides, const struct side *side)
{
	uint32_t one = side_keyword(side, "additionalProperties"), two = side_keyword(side, "unevaluatedProperties");

	if (one != 0 || two != 0)
		return side->json->nodes[one != 0 ? one : two].kind == JSON_FALSE;
	return side->closed || (side->implied && !side->in_place && lists(sides, side, 0));
}
