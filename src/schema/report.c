/* report.c: the list of what is wrong with a value. */
#include "base/slice.h"
#include "codec/json_pointer.h"
#include "schema/run.h"

static struct jsonschema_problem *note(struct run *run, const struct schema_block *block, const char *keyword,
				       uint32_t node)
{
	struct jsonschema_problems *problems = run->problems;
	struct jsonschema_problem *problem;

	if (problems == NULL)
		return NULL;
	problems->total++;
	if (problems->count == LIMIT_PROBLEMS)
		return NULL;
	problem = &problems->list[problems->count++];
	*problem = (struct jsonschema_problem){ .keyword = keyword, .schema = block->where };
	json_pointer_write(run->json, run->base, node, problem->instance, sizeof(problem->instance));
	return problem;
}

/* In a value that has one of several forms, a constant says which: of itself, or of a member. */
static void look_whether_other(struct run *run, const struct schema_step *step, uint32_t node)
{
	const struct json_node *nodes = run->json->nodes;
	bool constant = step->kind == STEP_CONST ||
			(step->kind == STEP_ENUM && step->value.json->nodes[step->value.node].count == 1);

	if (node == run->choosing) {
		run->other = run->other || constant || step->kind == STEP_ENUM || step->kind == STEP_TYPE ||
			     step->kind == STEP_NEVER;
		return;
	}
	if (!constant || run->other || nodes[run->choosing].kind != JSON_OBJECT)
		return;
	for (uint32_t key = run->choosing + 1; key < node; key = nodes[key + 1].next)
		run->other = run->other || key + 1 == node;
}

bool report_fail(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node)
{
	struct jsonschema_problem *problem = note(run, block, step->keyword, node);

	if (run->choosing != RUN_NOTHING && run->problems == run->scratch)
		look_whether_other(run, step, node);
	if (problem != NULL)
		problem->expected = step->expected;
	return false;
}

bool report_limit(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		  uint64_t limit)
{
	struct jsonschema_problem *problem = note(run, block, step->keyword, node);

	if (problem != NULL) {
		problem->limit = (int64_t)limit;
		problem->has_limit = true;
	}
	return false;
}

bool report_missing(struct run *run, const struct schema_block *block, const char *keyword, uint32_t object,
		    const struct schema_name *name)
{
	struct jsonschema_problem *problem = note(run, block, keyword, object);

	if (problem != NULL)
		json_pointer_add(problem->instance, sizeof(problem->instance), slice(name->data, name->size));
	return false;
}

bool report_unknown(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t key)
{
	struct jsonschema_problem *problem;

	if (key + 1 == run->known[0] || key + 1 == run->known[1])
		return true;
	problem = note(run, block, step->keyword, key);
	if (run->problems == NULL)
		return false;
	run->problems->unknown++;
	if (run->problems->unknown_keys != NULL)
		run->problems->unknown_keys[key / 64] |= (uint64_t)1 << (key % 64);
	if (problem != NULL)
		problem->unknown = true;
	return false;
}
