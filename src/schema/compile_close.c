/* compile_close.c: objects whose schema lists members take no others, where the caller asks for it (options.closed):
 * what JSON Schema lets pass unless it is told otherwise is unknown then, as in any other list of fields.
 *
 * It is a schema for a member, an element or the whole that is closed, with all that is said of the same value by
 * references and alternatives within it: a part of an object is not an object of its own. Under "not", "if", "contains"
 * and "propertyNames", where a schema is a question and no description, all stays as it is written. So there are three
 * blocks of each schema: as it is written; the same with its members closed; and closed itself. */
#include <string.h>

#include "schema/compile.h"

struct closing {
	struct maker *maker;
	uint32_t count;			   /* of blocks as written */
	struct schema_dynamic_name *names; /* of their targets with members closed */
};

static uint32_t part(const struct closing *closing, uint32_t block)
{
	return block != 0 ? block + closing->count : 0;
}

static uint32_t place(const struct closing *closing, uint32_t block)
{
	return block != 0 ? block + 2 * closing->count : 0;
}

static uint32_t *list_of(const struct closing *closing, const uint32_t *list, uint32_t count,
			 uint32_t (*to)(const struct closing *closing, uint32_t block))
{
	uint32_t *made = maker_alloc(closing->maker, (size_t)count + 1, sizeof(*made));

	for (uint32_t i = 0; made != NULL && i < count; i++)
		made[i] = to(closing, list[i]);
	return made;
}

static bool close_object(const struct closing *closing, struct schema_step *step)
{
	struct maker *maker = closing->maker;
	struct schema_object *made = maker_alloc(maker, 1, sizeof(*made));
	struct schema_member *members = maker_alloc(maker, (size_t)step->object->member_count + 1, sizeof(*members));
	struct schema_pattern *patterns =
		maker_alloc(maker, (size_t)step->object->pattern_count + 1, sizeof(*patterns));

	if (made == NULL || members == NULL || patterns == NULL)
		return false;
	*made = *step->object;
	for (uint32_t i = 0; i < made->member_count; i++) {
		members[i] = made->members[i];
		members[i].block = place(closing, members[i].block);
	}
	for (uint32_t i = 0; i < made->pattern_count; i++) {
		patterns[i] = made->patterns[i];
		patterns[i].block = place(closing, patterns[i].block);
	}
	made->members = members;
	made->patterns = patterns;
	made->rest = place(closing, made->rest);
	step->object = made;
	return true;
}

static bool close_array(const struct closing *closing, struct schema_step *step)
{
	struct schema_array *made = maker_alloc(closing->maker, 1, sizeof(*made));

	if (made == NULL)
		return false;
	*made = *step->array;
	made->prefix = list_of(closing, made->prefix, made->prefix_count, place);
	made->rest = place(closing, made->rest);
	step->array = made;
	return made->prefix != NULL;
}

static bool close_dependents(const struct closing *closing, struct schema_step *step)
{
	struct schema_dependent *made = maker_alloc(closing->maker, (size_t)step->dependents.count + 1, sizeof(*made));

	if (made == NULL)
		return false;
	for (uint32_t i = 0; i < step->dependents.count; i++) {
		made[i] = step->dependents.list[i];
		made[i].block = part(closing, made[i].block);
	}
	step->dependents.list = made;
	return true;
}

static const struct schema_dynamic_name *name_of(const struct closing *closing,
						 const struct schema_dynamic_name *written)
{
	const struct schema_dynamic_name *name = closing->names;

	for (const struct schema_dynamic_name *at = closing->maker->dynamic; name != NULL && at != written;
	     at = at->next)
		name = name->next;
	return name;
}

/* The step as it is where members are closed. */
static bool close_step(const struct closing *closing, struct schema_step *step)
{
	switch (step->kind) {
	case STEP_OBJECT:
		return close_object(closing, step);
	case STEP_ARRAY:
		return close_array(closing, step);
	case STEP_DEPENDENT:
		return close_dependents(closing, step);
	case STEP_UNEVALUATED:
		step->unevaluated.block = place(closing, step->unevaluated.block);
		return true;
	case STEP_ALL:
	case STEP_ANY:
	case STEP_ONE:
		step->blocks.list = list_of(closing, step->blocks.list, step->blocks.count, part);
		return step->blocks.list != NULL;
	case STEP_IF:
		step->condition.then = part(closing, step->condition.then);
		step->condition.otherwise = part(closing, step->condition.otherwise);
		return true;
	case STEP_DYNAMIC:
		step->dynamic.usual = part(closing, step->dynamic.usual);
		step->dynamic.name = name_of(closing, step->dynamic.name);
		return true;
	default:
		return true;
	}
}

static bool lists(const struct schema_object *object)
{
	for (uint32_t i = 0; i < object->member_count; i++)
		if (object->members[i].block != 0)
			return true;
	return object->pattern_count != 0;
}

static bool any(const bool *lists_some, const uint32_t *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (lists_some[list[i]])
			return true;
	return false;
}

/* Says the step of its value which members that has, by itself or by schemas in its place? */
static bool says_members(const struct schema_step *step, const bool *lists_some)
{
	switch (step->kind) {
	case STEP_OBJECT:
		return lists(step->object);
	case STEP_ALL:
	case STEP_ANY:
	case STEP_ONE:
		return any(lists_some, step->blocks.list, step->blocks.count);
	case STEP_IF:
		return lists_some[step->condition.then] || lists_some[step->condition.otherwise];
	case STEP_DYNAMIC:
		for (uint32_t i = 0; i < step->dynamic.name->count; i++)
			if (lists_some[step->dynamic.name->pairs[i].block])
				return true;
		return lists_some[step->dynamic.usual];
	case STEP_DEPENDENT:
		for (uint32_t i = 0; i < step->dependents.count; i++)
			if (lists_some[step->dependents.list[i].block])
				return true;
		return false;
	default:
		return false;
	}
}

/* Of each block. What is further than a run may go (LIMIT_SCHEMA_DEPTH) need not be seen. */
static void find_lists(const struct closing *closing, bool *lists_some)
{
	bool changed = true;

	for (unsigned pass = 0; changed && pass <= LIMIT_SCHEMA_DEPTH; pass++) {
		changed = false;
		for (uint32_t number = closing->count - 1; number != 0; number--) {
			const struct schema_block *block = &closing->maker->blocks[number];

			for (uint32_t i = 0; i < block->step_count && !lists_some[number]; i++) {
				lists_some[number] = says_members(&block->steps[i], lists_some);
				changed = changed || lists_some[number];
			}
		}
	}
}

/* Has it a word of its own on others, or parts in its place that may know more members? */
static void look(const struct schema_block *block, bool *ret_said, bool *ret_parts, uint32_t *ret_object)
{
	*ret_said = *ret_parts = false;
	*ret_object = block->step_count;
	for (uint32_t i = 0; i < block->step_count; i++) {
		const struct schema_step *step = &block->steps[i];

		if (step->kind == STEP_OBJECT)
			*ret_object = i;
		*ret_said = *ret_said || (step->kind == STEP_OBJECT && step->object->rest != 0) ||
			    (step->kind == STEP_UNEVALUATED && step->unevaluated.kind == JSON_OBJECT);
		*ret_parts = *ret_parts || step->kind == STEP_ALL || step->kind == STEP_ANY || step->kind == STEP_ONE ||
			     step->kind == STEP_IF || step->kind == STEP_DYNAMIC || step->kind == STEP_DEPENDENT;
	}
}

static bool close_block(const struct closing *closing, struct schema_block *blocks, uint32_t number,
			const bool *lists_some)
{
	const struct schema_block *written = &blocks[number];
	struct schema_block *open = &blocks[part(closing, number)], *closed = &blocks[place(closing, number)];
	struct schema_step *steps, *own;
	uint32_t object;
	bool said, parts;

	steps = maker_alloc(closing->maker, (size_t)written->step_count + 1, sizeof(*steps));
	own = maker_alloc(closing->maker, (size_t)written->step_count + 2, sizeof(*own));
	if (steps == NULL || own == NULL)
		return false;
	memcpy(steps, written->steps, written->step_count * sizeof(*steps));
	for (uint32_t i = 0; i < written->step_count; i++)
		if (!close_step(closing, &steps[i]))
			return false;
	*open = *closed = *written;
	open->steps = closed->steps = steps;
	look(written, &said, &parts, &object);
	if (said || !lists_some[number])
		return true;
	memcpy(own, steps, written->step_count * sizeof(*own));
	closed->steps = own;
	if (!parts) {
		struct schema_object *alone = maker_alloc(closing->maker, 1, sizeof(*alone));

		if (alone == NULL)
			return false;
		*alone = *own[object].object;
		alone->rest = number;
		alone->rest_never = true;
		own[object].object = alone;
		return true;
	}
	own[closed->step_count++] =
		(struct schema_step){ .kind = STEP_UNEVALUATED,
				      .keyword = loader_keyword_name(KEYWORD_UNEVALUATED_PROPERTIES),
				      .unevaluated = { number, JSON_OBJECT, true, true } };
	closed->marks = true;
	return true;
}

static bool close_names(struct closing *closing)
{
	struct schema_dynamic_name **last = &closing->names;

	for (const struct schema_dynamic_name *at = closing->maker->dynamic; at != NULL; at = at->next) {
		struct schema_dynamic_name *name = maker_alloc(closing->maker, 1, sizeof(*name));
		struct schema_dynamic_pair *pairs = maker_alloc(closing->maker, (size_t)at->count + 1, sizeof(*pairs));

		if (name == NULL || pairs == NULL)
			return false;
		for (uint32_t i = 0; i < at->count; i++)
			pairs[i] = (struct schema_dynamic_pair){ at->pairs[i].resource,
								 part(closing, at->pairs[i].block) };
		*name = (struct schema_dynamic_name){ at->name, pairs, at->count, NULL };
		*last = name;
		last = &name->next;
	}
	return true;
}

bool maker_close(struct maker *maker)
{
	struct closing closing = { maker, maker->schema->block_count, NULL };
	struct schema_block *blocks = maker_alloc(maker, (size_t)closing.count * 3, sizeof(*blocks));
	bool *lists_some = maker_alloc(maker, closing.count, sizeof(*lists_some));

	if (blocks == NULL || lists_some == NULL || !close_names(&closing))
		return false;
	find_lists(&closing, lists_some);
	memcpy(blocks, maker->blocks, closing.count * sizeof(*blocks));
	for (uint32_t number = 1; number < closing.count; number++)
		if (!close_block(&closing, blocks, number, lists_some))
			return false;
	maker->schema->blocks = blocks;
	maker->schema->block_count = closing.count * 3;
	maker->schema->root = place(&closing, maker->schema->root);
	return true;
}
