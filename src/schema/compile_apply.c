#include "base/slice.h"
#include "codec/json_keys.h"
#include "schema/compile.h"

/* Index of the first inner value, and of the one behind it. */
static uint32_t first_in(const struct maker *maker, uint32_t node)
{
	return node + 1 + (maker->json->nodes[node].kind == JSON_OBJECT);
}

static bool is_never(const struct maker *maker, uint32_t node)
{
	return node != 0 && maker->json->nodes[node].kind == JSON_FALSE;
}

static bool make_list(struct maker *maker, uint32_t node, struct schema_blocks *ret_blocks)
{
	const struct json_node *nodes = maker->json->nodes;
	uint32_t *list, i = 0;

	if (nodes[node].kind != JSON_ARRAY)
		return maker_fail(maker, node, "a list of schemas is needed");
	list = maker_alloc(maker, nodes[node].count + 1, sizeof(*list));
	if (list == NULL)
		return false;
	for (uint32_t at = first_in(maker, node); at < nodes[node].next; at = nodes[at].next) {
		list[i] = maker_block_here(maker, at);
		if (list[i++] == 0)
			return false;
	}
	*ret_blocks = (struct schema_blocks){ list, i };
	return true;
}

bool maker_array(struct maker *maker)
{
	bool old = maker->resource->draft == JSONSCHEMA_7;
	uint32_t items = maker->at[old ? KEYWORD_ITEMS_7 : KEYWORD_ITEMS], prefix = maker->at[KEYWORD_PREFIX_ITEMS];
	unsigned rest_keyword = old ? KEYWORD_ITEMS_7 : KEYWORD_ITEMS;
	struct schema_blocks list = { 0 };
	struct schema_array *array;

	if (old && items != 0 && maker->json->nodes[items].kind == JSON_ARRAY) {
		prefix = items;
		items = maker->at[KEYWORD_ADDITIONAL_ITEMS];
		rest_keyword = KEYWORD_ADDITIONAL_ITEMS;
	}
	if (items == 0 && prefix == 0)
		return true;
	array = maker_alloc(maker, 1, sizeof(*array));
	if (array == NULL || (prefix != 0 && !make_list(maker, prefix, &list)))
		return false;
	array->prefix = list.list;
	array->prefix_count = list.count;
	array->rest_keyword = loader_keyword_name(rest_keyword);
	array->rest_never = is_never(maker, items);
	if (items != 0)
		array->rest = maker_block_here(maker, items);
	maker_add(maker, STEP_ARRAY, rest_keyword)->array = array;
	return items == 0 || array->rest != 0;
}

static bool make_reference(struct maker *maker, uint32_t *ret_block, struct loader_place *ret_target,
			   struct fw_slice *ret_fragment, unsigned keyword)
{
	if (!loader_follow(maker->loader, (struct loader_place){ maker->document, maker->at[keyword] }, ret_target,
			   ret_fragment))
		return false;
	/* The resources may have moved when a document was read. */
	maker->resource = &maker->loader->resources[maker->resource_number];
	*ret_block = maker_block(maker, *ret_target);
	return *ret_block != 0;
}

static bool make_one(struct maker *maker, unsigned keyword, enum step_kind kind, uint32_t block)
{
	uint32_t *list = maker_alloc(maker, 1, sizeof(*list));

	if (list == NULL || block == 0)
		return false;
	*list = block;
	maker_add(maker, kind, keyword)->blocks = (struct schema_blocks){ list, 1 };
	return true;
}

static struct schema_dynamic_name *dynamic_name(struct maker *maker, struct fw_slice name)
{
	struct schema_dynamic_name *at = maker->dynamic;

	while (at != NULL && !slice_equal(at->name, name))
		at = at->next;
	if (at == NULL) {
		at = maker_alloc(maker, 1, sizeof(*at));
		if (at == NULL)
			return NULL;
		at->name = name;
		at->next = maker->dynamic;
		maker->dynamic = at;
	}
	return at;
}

/* "$dynamicRef": where its first target is a dynamic anchor, the outermost resource on the way here that has an anchor
 * of that name decides. */
static bool make_dynamic(struct maker *maker)
{
	struct loader *loader = maker->loader;
	struct fw_slice name = { 0 };
	struct loader_place target = { 0 };
	uint32_t usual;
	struct schema_dynamic dynamic;
	bool anchored = false;

	if (!make_reference(maker, &usual, &target, &name, KEYWORD_DYNAMIC_REF))
		return false;
	for (uint32_t i = 0; i < loader->anchor_count; i++)
		anchored = anchored || (loader->anchors[i].dynamic && loader->anchors[i].node == target.node &&
					slice_equal(loader->anchors[i].name, name) &&
					loader->resources[loader->anchors[i].resource].document == target.document);
	if (!anchored)
		return make_one(maker, KEYWORD_DYNAMIC_REF, STEP_ALL, usual);
	dynamic = (struct schema_dynamic){ usual, dynamic_name(maker, name) };
	maker_add(maker, STEP_DYNAMIC, KEYWORD_DYNAMIC_REF)->dynamic = dynamic;
	return dynamic.name != NULL;
}

static bool fill_name(struct maker *maker, struct schema_dynamic_name *name, uint32_t count)
{
	struct loader *loader = maker->loader;
	struct schema_dynamic_pair *pairs = maker_alloc(maker, count, sizeof(*pairs));

	if (pairs == NULL)
		return false;
	name->pairs = pairs;
	name->count = count;
	for (uint32_t i = 0; i < loader->anchor_count; i++) {
		const struct loader_anchor *anchor = &loader->anchors[i];

		if (!anchor->dynamic || !slice_equal(anchor->name, name->name))
			continue;
		pairs->resource = anchor->resource;
		pairs->block = maker_block(
			maker, (struct loader_place){ loader->resources[anchor->resource].document, anchor->node });
		if (pairs++->block == 0)
			return false;
	}
	return true;
}

bool maker_dynamic(struct maker *maker, bool *ret_more)
{
	const struct loader *loader = maker->loader;

	*ret_more = false;
	for (struct schema_dynamic_name *name = maker->dynamic; name != NULL; name = name->next) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < loader->anchor_count; i++)
			count += loader->anchors[i].dynamic && slice_equal(loader->anchors[i].name, name->name);
		if (count == name->count)
			continue;
		*ret_more = true;
		if (!fill_name(maker, name, count))
			return false;
	}
	return true;
}

static bool make_several(struct maker *maker, unsigned keyword, enum step_kind kind)
{
	struct schema_blocks blocks = { 0 };

	if (maker->at[keyword] == 0)
		return true;
	if (!make_list(maker, maker->at[keyword], &blocks))
		return false;
	if (blocks.count == 0)
		return maker_fail(maker, maker->at[keyword], "the list is empty");
	maker_add(maker, kind, keyword)->blocks = blocks;
	return true;
}

static bool make_condition(struct maker *maker)
{
	struct schema_condition condition = { 0 };
	uint32_t then = maker->at[KEYWORD_THEN], otherwise = maker->at[KEYWORD_ELSE];

	if (maker->at[KEYWORD_IF] == 0)
		return true;
	condition.when = maker_block_here(maker, maker->at[KEYWORD_IF]);
	condition.then = then != 0 ? maker_block_here(maker, then) : 0;
	condition.otherwise = otherwise != 0 ? maker_block_here(maker, otherwise) : 0;
	maker_add(maker, STEP_IF, KEYWORD_IF)->condition = condition;
	return condition.when != 0 && (then == 0 || condition.then != 0) &&
	       (otherwise == 0 || condition.otherwise != 0);
}

bool maker_in_place(struct maker *maker)
{
	struct loader_place target = { 0 };
	struct fw_slice fragment = { 0 };
	uint32_t block = 0;

	if (maker->at[KEYWORD_REF] != 0 && (!make_reference(maker, &block, &target, &fragment, KEYWORD_REF) ||
					    !make_one(maker, KEYWORD_REF, STEP_ALL, block)))
		return false;
	if (maker->at[KEYWORD_DYNAMIC_REF] != 0 && !make_dynamic(maker))
		return false;
	if (maker->at[KEYWORD_NOT] != 0) {
		block = maker_block_here(maker, maker->at[KEYWORD_NOT]);
		if (block == 0)
			return false;
		maker_add(maker, STEP_NOT, KEYWORD_NOT)->block = block;
	}
	return make_several(maker, KEYWORD_ALL_OF, STEP_ALL) && make_several(maker, KEYWORD_ANY_OF, STEP_ANY) &&
	       make_several(maker, KEYWORD_ONE_OF, STEP_ONE) && make_condition(maker);
}

static bool make_unevaluated(struct maker *maker, unsigned keyword, enum json_kind kind)
{
	struct schema_step *step;

	if (maker->at[keyword] == 0)
		return true;
	step = maker_add(maker, STEP_UNEVALUATED, keyword);
	step->unevaluated.kind = (uint8_t)kind;
	step->unevaluated.never = is_never(maker, maker->at[keyword]);
	step->unevaluated.block = maker_block_here(maker, maker->at[keyword]);
	return step->unevaluated.block != 0;
}

bool maker_unevaluated(struct maker *maker)
{
	return make_unevaluated(maker, KEYWORD_UNEVALUATED_ITEMS, JSON_ARRAY) &&
	       make_unevaluated(maker, KEYWORD_UNEVALUATED_PROPERTIES, JSON_OBJECT);
}

static bool read_dependent(struct maker *maker, uint32_t key, struct schema_dependent *dependent, unsigned keyword)
{
	const struct json_node *nodes = maker->json->nodes;
	uint32_t value = key + 1;
	bool list = nodes[value].kind == JSON_ARRAY;

	if (!maker_name(maker, key, &dependent->name))
		return false;
	if (list ? keyword == KEYWORD_DEPENDENT_SCHEMAS : keyword == KEYWORD_DEPENDENT_REQUIRED)
		return maker_fail(maker, value, list ? "a schema is needed" : "a list of names is needed");
	if (!list) {
		dependent->block = maker_block_here(maker, value);
		return dependent->block != 0;
	}
	dependent->names = maker_alloc(maker, nodes[value].count + (size_t)1, sizeof(*dependent->names));
	if (dependent->names == NULL)
		return false;
	for (uint32_t at = value + 1; at < nodes[value].next; at = nodes[at].next) {
		if (nodes[at].kind != JSON_STRING)
			return maker_fail(maker, at, "a name is needed");
		if (!maker_name(maker, at, &dependent->names[dependent->count++]))
			return false;
	}
	return true;
}

static bool make_dependent(struct maker *maker, unsigned keyword)
{
	uint32_t at = maker->at[keyword], count = 0;
	const struct json_node *nodes = maker->json->nodes;
	struct schema_dependent *list;

	if (at == 0)
		return true;
	if (nodes[at].kind != JSON_OBJECT)
		return maker_fail(maker, at, "an object is needed");
	list = maker_alloc(maker, nodes[at].count + (size_t)1, sizeof(*list));
	if (list == NULL)
		return false;
	for (uint32_t key = at + 1; key < nodes[at].next; key = nodes[key + 1].next)
		if (!read_dependent(maker, key, &list[count++], keyword))
			return false;
	maker_add(maker, STEP_DEPENDENT, keyword)->dependents = (struct schema_dependents){ list, count };
	return true;
}

bool maker_dependent(struct maker *maker)
{
	if (maker->resource->validation && !make_dependent(maker, KEYWORD_DEPENDENT_REQUIRED))
		return false;
	return make_dependent(maker, KEYWORD_DEPENDENT_SCHEMAS) && make_dependent(maker, KEYWORD_DEPENDENCIES);
}
