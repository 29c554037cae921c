#include "schema/compile.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/json_keys.h"

enum { MEMORY = 16 << 20, BLOCKS_MOST = 65535 };

struct schema_step *maker_add(struct maker *maker, enum step_kind kind, unsigned keyword)
{
	struct schema_step *step = &maker->steps[maker->count++];

	memset(step, 0, sizeof(*step));
	step->kind = (uint8_t)kind;
	step->keyword = keyword < KEYWORDS ? loader_keyword_name(keyword) : "false";
	return step;
}

void *maker_alloc(struct maker *maker, size_t count, size_t size)
{
	size_t bytes;
	void *memory = size_mul(count, size, &bytes) ? arena_alloc(maker->loader->arena, bytes) : NULL;

	if (memory == NULL)
		loader_memory(maker->loader);
	else
		memset(memory, 0, bytes);
	return memory;
}

bool maker_fail(struct maker *maker, uint32_t node, const char *what)
{
	return loader_fail(maker->loader, (struct loader_place){ maker->document, node }, "%s", what);
}

uint32_t maker_block(struct maker *maker, struct loader_place place)
{
	struct loader_document *document = &maker->loader->documents[place.document];
	uint8_t kind = document->json.nodes[place.node].kind;
	struct pending *pending;

	if (document->blocks[place.node] != 0)
		return document->blocks[place.node];
	if ((kind != JSON_OBJECT && kind != JSON_TRUE && kind != JSON_FALSE) ||
	    document->json.nodes[place.node].is_key) {
		loader_fail(maker->loader, place, "a schema is an object, true or false");
		return 0;
	}
	if (maker->schema->block_count == BLOCKS_MOST) {
		loader_memory(maker->loader);
		return 0;
	}
	if (maker->schema->block_count == maker->block_room) {
		struct schema_block *bigger = maker_alloc(maker, maker->block_room * 2, sizeof(*bigger));

		if (bigger == NULL)
			return 0;
		memcpy(bigger, maker->blocks, maker->block_room * sizeof(*bigger));
		maker->blocks = bigger;
		maker->block_room *= 2;
	}
	pending = maker_alloc(maker, 1, sizeof(*pending));
	if (pending == NULL)
		return 0;
	*pending = (struct pending){ .place = place, .block = maker->schema->block_count++ };
	*maker->last = pending;
	maker->last = &pending->next;
	return document->blocks[place.node] = pending->block;
}

uint32_t maker_block_here(struct maker *maker, uint32_t node)
{
	return maker_block(maker, (struct loader_place){ maker->document, node });
}

bool maker_name(struct maker *maker, uint32_t node, struct schema_name *ret_name)
{
	struct fw_slice text = json_text(maker->json, node, maker->loader->arena);

	if (text.data == NULL)
		return loader_memory(maker->loader);
	*ret_name = (struct schema_name){ text.data, (uint32_t)text.size, json_keys_hash(text.data, text.size, false) };
	return true;
}

const struct schema_regex *maker_pattern(struct maker *maker, uint32_t node)
{
	struct fw_slice text = json_text(maker->json, node, maker->loader->arena);
	struct schema_regex *regex = maker_alloc(maker, 1, sizeof(*regex));
	struct schema_simple simple;
	const char *what = NULL;

	if (text.data == NULL || regex == NULL) {
		loader_memory(maker->loader);
		return NULL;
	}
	if (!jsonschema_pattern_compile(text, maker->loader->arena, regex, &what)) {
		loader_fail(maker->loader, (struct loader_place){ maker->document, node },
			    "no regular expression that is understood here: %s", what);
		return NULL;
	}
	if (jsonschema_simple_compile(text, &simple)) {
		struct schema_simple *kept = maker_alloc(maker, 1, sizeof(*kept));

		if (kept != NULL)
			*kept = simple;
		regex->simple = kept;
	}
	regex->next = maker->schema->regexes;
	maker->schema->regexes = regex;
	return regex;
}

static bool compile_one(struct maker *maker, const struct pending *pending)
{
	struct loader *loader = maker->loader;
	struct schema_block *block;
	struct schema_step *steps;
	bool good = true;

	maker->document = pending->place.document;
	maker->node = pending->place.node;
	maker->json = &loader->documents[maker->document].json;
	maker->resource_number = loader_resource_of(loader, pending->place);
	maker->resource = &loader->resources[maker->resource_number];
	maker->count = 0;
	if (maker->json->nodes[maker->node].kind == JSON_FALSE) {
		maker_add(maker, STEP_NEVER, KEYWORDS);
	} else if (maker->json->nodes[maker->node].kind == JSON_OBJECT) {
		loader_keywords(maker->json, maker->node, maker->resource->draft, maker->at);
		loader_look(loader, pending->place, maker->resource->draft, maker->at);
		good = maker_assertions(maker) && maker_array(maker) && maker_object(maker) && maker_dependent(maker) &&
		       maker_in_place(maker) && maker_unevaluated(maker);
	}
	if (!good)
		return false;
	steps = maker_alloc(maker, maker->count + 1, sizeof(*steps));
	if (steps == NULL)
		return false;
	memcpy(steps, maker->steps, maker->count * sizeof(*steps));
	block = &maker->blocks[pending->block];
	*block = (struct schema_block){ .steps = steps,
					.step_count = maker->count,
					.resource = maker->resource_number,
					.where = loader_where(loader, pending->place),
					.marks = maker->at[KEYWORD_UNEVALUATED_ITEMS] != 0 ||
						 maker->at[KEYWORD_UNEVALUATED_PROPERTIES] != 0 };
	memset(maker->at, 0, sizeof(maker->at));
	return block->where != NULL || loader_memory(loader);
}

/* The in-place successors of a step: schemas for the same value. Calls with each. */
static uint32_t successor(const struct schema_step *step, uint32_t i)
{
	switch (step->kind) {
	case STEP_ALL:
	case STEP_ANY:
	case STEP_ONE:
		return i < step->blocks.count ? step->blocks.list[i] : 0;
	case STEP_NOT:
		return i == 0 ? step->block : 0;
	case STEP_IF:
		return i == 0 ? step->condition.when : 0;
	default:
		return 0;
	}
}

/* A schema that asks itself about the same value never comes to an end: said when it is compiled. Depth first, with a
 * stack of its own: chains of references may be long. */
static bool check_endless(struct maker *maker)
{
	uint32_t count = maker->schema->block_count;
	struct walk {
		uint32_t block, step, next;
	} *stack = maker_alloc(maker, count + 1, sizeof(*stack));
	uint8_t *state = maker_alloc(maker, count, 1); /* 1: on the stack, 2: done */

	if (stack == NULL || state == NULL)
		return false;
	for (uint32_t start = 1; start < count; start++) {
		uint32_t depth = 0;

		if (state[start] != 0)
			continue;
		stack[depth++] = (struct walk){ start, 0, 0 };
		state[start] = 1;
		while (depth != 0) {
			struct walk *at = &stack[depth - 1];
			const struct schema_block *block = &maker->blocks[at->block];
			uint32_t next;

			if (at->step == block->step_count) {
				state[at->block] = 2;
				depth--;
				continue;
			}
			next = successor(&block->steps[at->step], at->next);
			if (next == 0) {
				at->step++;
				at->next = 0;
				continue;
			}
			at->next++;
			if (state[next] == 1) {
				snprintf(maker->loader->error->pointer, sizeof(maker->loader->error->pointer), "%s",
					 maker->blocks[next].where + (maker->blocks[next].where[0] == '#'));
				snprintf(maker->loader->error->what, sizeof(maker->loader->error->what),
					 "refers to itself without end");
				maker->loader->error->line = 1;
				return false;
			}
			if (state[next] == 0) {
				state[next] = 1;
				stack[depth++] = (struct walk){ next, 0, 0 };
			}
		}
	}
	return true;
}

static bool compile_all(struct jsonschema *schema, struct fw_slice text, const struct jsonschema_options *options,
			struct jsonschema_error *error)
{
	struct loader loader = { .arena = &schema->arena, .options = options, .error = error };
	struct maker maker = { .schema = schema, .loader = &loader, .block_room = 16 };
	bool more;

	maker.last = &maker.first;
	schema->block_count = 1;
	if (!loader_start(&loader, text))
		return false;
	maker.blocks = maker_alloc(&maker, maker.block_room, sizeof(*maker.blocks));
	if (maker.blocks == NULL)
		return false;
	schema->root = maker_block(&maker, (struct loader_place){ 0, 0 });
	if (schema->root == 0)
		return false;
	do {
		for (; maker.first != NULL; maker.first = maker.first->next)
			if (!compile_one(&maker, maker.first))
				return false;
		maker.last = &maker.first;
		if (!maker_dynamic(&maker, &more)) /* new ones may lead to documents with still others */
			return false;
	} while (more);
	schema->blocks = maker.blocks;
	return !loader.failed && check_endless(&maker) && (!options->closed || maker_close(&maker));
}

struct jsonschema *jsonschema_compile(struct fw_slice text, const struct jsonschema_options *options,
				      struct jsonschema_error *reterr_error)
{
	struct jsonschema *schema = mem_zero(1, sizeof(*schema));

	*reterr_error = (struct jsonschema_error){ 0 };
	if (schema == NULL) {
		snprintf(reterr_error->what, sizeof(reterr_error->what), "memory is short");
		return NULL;
	}
	arena_init(&schema->arena, options->memory != 0 ? options->memory : MEMORY);
	if (!compile_all(schema, text, options, reterr_error)) {
		jsonschema_free(schema);
		return NULL;
	}
	return schema;
}

uint64_t jsonschema_class_set(const struct jsonschema *schema)
{
	return schema->classes;
}

void jsonschema_free(struct jsonschema *schema)
{
	if (schema == NULL)
		return;
	for (struct schema_regex *regex = schema->regexes; regex != NULL; regex = regex->next)
		pcre2_code_free(regex->code);
	arena_fini(&schema->arena);
	mem_free(schema);
}
