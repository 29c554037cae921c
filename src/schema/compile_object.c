#include "base/slice.h"
#include "codec/json_keys.h"
#include "schema/compile.h"

/* The members that properties and required name, being collected. */
struct members {
	struct schema_member *list;
	uint16_t *slots;
	uint32_t mask, count;
};

/* Open addressing, at most half full. NULL: memory is short. */
static struct schema_member *member(struct maker *maker, struct members *members, uint32_t node)
{
	struct schema_name name;
	uint32_t slot;

	if (!maker_name(maker, node, &name))
		return NULL;
	for (slot = name.hash & members->mask; members->slots[slot] != 0; slot = (slot + 1) & members->mask) {
		struct schema_member *other = &members->list[members->slots[slot] - 1];

		if (slice_equal(slice(other->name.data, other->name.size), slice(name.data, name.size)))
			return other;
	}
	members->list[members->count].name = name;
	members->slots[slot] = (uint16_t)++members->count;
	return &members->list[members->count - 1];
}

static bool start(struct maker *maker, struct members *members, size_t count)
{
	size_t slots = 4;

	while (slots < count * 2)
		slots *= 2;
	members->mask = (uint32_t)(slots - 1);
	members->count = 0;
	members->list = maker_alloc(maker, count + 1, sizeof(*members->list));
	members->slots = maker_alloc(maker, slots, sizeof(*members->slots));
	return members->list != NULL && members->slots != NULL;
}

static bool read_properties(struct maker *maker, struct members *members)
{
	uint32_t at = maker->at[KEYWORD_PROPERTIES];
	const struct json_node *nodes = maker->json->nodes;

	for (uint32_t key = at + 1; at != 0 && key < nodes[at].next; key = nodes[key + 1].next) {
		struct schema_member *found = member(maker, members, key);

		if (found == NULL)
			return false;
		found->block = maker_block_here(maker, key + 1);
		if (found->block == 0)
			return false;
	}
	return true;
}

static bool read_required(struct maker *maker, struct members *members, struct schema_object *object)
{
	uint32_t at = maker->resource->validation ? maker->at[KEYWORD_REQUIRED] : 0;
	const struct json_node *nodes = maker->json->nodes;

	for (uint32_t item = at + 1; at != 0 && item < nodes[at].next; item = nodes[item].next) {
		struct schema_member *found;

		if (nodes[item].kind != JSON_STRING)
			return maker_fail(maker, item, "a name is needed");
		found = member(maker, members, item);
		if (found == NULL)
			return false;
		if (found->required == 0)
			found->required = ++object->required_count;
	}
	return true;
}

static bool read_patterns(struct maker *maker, struct schema_object *object)
{
	uint32_t at = maker->at[KEYWORD_PATTERN_PROPERTIES];
	const struct json_node *nodes = maker->json->nodes;
	struct schema_pattern *list;

	if (at == 0)
		return true;
	list = maker_alloc(maker, nodes[at].count + (size_t)1, sizeof(*list));
	if (list == NULL)
		return false;
	object->patterns = list;
	for (uint32_t key = at + 1; key < nodes[at].next; key = nodes[key + 1].next) {
		struct schema_pattern *pattern = &list[object->pattern_count++];

		pattern->regex = maker_pattern(maker, key);
		pattern->block = maker_block_here(maker, key + 1);
		if (pattern->regex == NULL || pattern->block == 0)
			return false;
	}
	return true;
}

static bool shapes(struct maker *maker)
{
	static const struct shape {
		unsigned keyword;
		uint8_t kind;
		const char *what;
	} list[] = {
		{ KEYWORD_PROPERTIES, JSON_OBJECT, "an object of schemas is needed" },
		{ KEYWORD_PATTERN_PROPERTIES, JSON_OBJECT, "an object of schemas is needed" },
		{ KEYWORD_DEFS, JSON_OBJECT, "an object of schemas is needed" },
		{ KEYWORD_DEFINITIONS, JSON_OBJECT, "an object of schemas is needed" },
		{ KEYWORD_REQUIRED, JSON_ARRAY, "a list of names is needed" },
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		uint32_t at = maker->at[list[i].keyword];

		if (at != 0 && maker->json->nodes[at].kind != list[i].kind)
			return maker_fail(maker, at, list[i].what);
	}
	return true;
}

static bool make_names(struct maker *maker)
{
	uint32_t at = maker->at[KEYWORD_PROPERTY_NAMES];

	if (at != 0)
		maker_add(maker, STEP_NAMES, KEYWORD_PROPERTY_NAMES)->block = maker_block_here(maker, at);
	return !maker->loader->failed;
}

bool maker_object(struct maker *maker)
{
	uint32_t properties = maker->at[KEYWORD_PROPERTIES], required = maker->at[KEYWORD_REQUIRED],
		 rest = maker->at[KEYWORD_ADDITIONAL_PROPERTIES];
	const struct json_node *nodes = maker->json->nodes;
	struct schema_object *object;
	struct members members;
	size_t count;

	if (!shapes(maker) || !make_names(maker))
		return false;
	if (properties == 0 && required == 0 && rest == 0 && maker->at[KEYWORD_PATTERN_PROPERTIES] == 0)
		return true;
	count = (properties != 0 ? nodes[properties].count : 0) + (size_t)(required != 0 ? nodes[required].count : 0);
	if (count > UINT16_MAX)
		return loader_memory(maker->loader);
	object = maker_alloc(maker, 1, sizeof(*object));
	if (object == NULL || !start(maker, &members, count) || !read_properties(maker, &members) ||
	    !read_required(maker, &members, object) || !read_patterns(maker, object))
		return false;
	object->members = members.list;
	object->slots = members.slots;
	object->slot_mask = members.mask;
	object->member_count = members.count;
	if (rest != 0) {
		object->rest = maker_block_here(maker, rest);
		object->rest_never = nodes[rest].kind == JSON_FALSE;
		if (object->rest == 0)
			return false;
	}
	maker_add(maker, STEP_OBJECT, KEYWORD_ADDITIONAL_PROPERTIES)->object = object;
	return true;
}
