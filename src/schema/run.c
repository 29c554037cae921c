#include "base/slice.h"
#include "schema/run.h"

void run_stop(struct run *run, enum jsonschema_result why)
{
	if (run->fatal == JSONSCHEMA_VALID)
		run->fatal = why;
	run->problems = NULL; /* so that the first failure ends all */
}

bool run_spend(struct run *run, uint64_t steps)
{
	if (run->steps <= steps) {
		run->steps = 0;
		run_stop(run, JSONSCHEMA_BUDGET);
		return false;
	}
	run->steps -= steps;
	return true;
}

/* Whether a schema holds, without a word about why not. What it looked at is marked only if it does. */
static bool quietly(struct run *run, uint32_t block, uint32_t node, struct marks *marks)
{
	struct jsonschema_problems *problems = run->problems;
	uint32_t classed = run_classed(run);
	struct marks own;
	bool good;

	run->problems = NULL;
	if (marks == NULL) {
		good = run_block(run, block, node, NULL);
	} else {
		good = marks_start(run, node, &own) && run_block(run, block, node, &own);
		if (good)
			marks_join(marks, &own);
	}
	if (!good)
		run_classed_back(run, classed);
	if (run->fatal == JSONSCHEMA_VALID)
		run->problems = problems;
	return good && run->fatal == JSONSCHEMA_VALID;
}

static bool run_all(struct run *run, const struct schema_blocks *blocks, uint32_t node, struct marks *marks)
{
	bool good = true;

	for (uint32_t i = 0; i < blocks->count; i++)
		if (!run_block(run, blocks->list[i], node, marks)) {
			good = false;
			if (run->problems == NULL)
				return false;
		}
	return good;
}

/* Does the value hold all but what would be said of it as well if it were meant to be another one? */
static bool may_be_meant(struct run *run, uint32_t block, uint32_t node)
{
	run->scratch->count = LIMIT_PROBLEMS; /* nothing is listed */
	run->problems = run->scratch;
	run->choosing = node;
	run->other = false;
	run_block(run, block, node, NULL);
	run->choosing = RUN_NOTHING;
	return !run->other;
}

/* The alternative that is meant: the only one whose type and whose constants the value has. 0: there is no such one. */
static uint32_t meant(struct run *run, const struct schema_blocks *blocks, uint32_t node)
{
	struct jsonschema_problems *problems = run->problems;
	uint32_t found = 0, count = 0;

	if (run->scratch == NULL)
		run->scratch = arena_alloc(run->arena, sizeof(*run->scratch));
	if (run->scratch == NULL) {
		run_stop(run, JSONSCHEMA_MEMORY);
		return 0;
	}
	run->scratch->unknown_keys = NULL;
	for (uint32_t i = 0; i < blocks->count && run->fatal == JSONSCHEMA_VALID; i++)
		if (may_be_meant(run, blocks->list[i], node)) {
			found = blocks->list[i];
			count++;
		}
	if (run->fatal == JSONSCHEMA_VALID)
		run->problems = problems;
	return count == 1 ? found : 0;
}

/* None of the alternatives holds: the problems of the one that is meant are of more use than that. */
static bool run_none(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node)
{
	uint32_t one = 0;

	if (run->problems != NULL && run->choosing == RUN_NOTHING)
		one = meant(run, &step->blocks, node);
	if (one != 0 && run->fatal == JSONSCHEMA_VALID)
		return run_block(run, one, node, NULL);
	return report_fail(run, block, step, node);
}

static bool run_any(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		    struct marks *marks)
{
	bool one = step->kind == STEP_ONE;
	uint32_t good = 0;

	for (uint32_t i = 0; i < step->blocks.count && run->fatal == JSONSCHEMA_VALID; i++) {
		good += quietly(run, step->blocks.list[i], node, marks);
		/* What the others would mark may be asked for. */
		if (good != 0 && marks == NULL && (!one || good > 1))
			break;
	}
	if (run->fatal != JSONSCHEMA_VALID)
		return false;
	if (good == 0)
		return run_none(run, block, step, node);
	return !one || good == 1 || report_fail(run, block, step, node);
}

static bool run_if(struct run *run, const struct schema_condition *condition, uint32_t node, struct marks *marks)
{
	uint32_t next = quietly(run, condition->when, node, marks) ? condition->then : condition->otherwise;

	if (run->fatal != JSONSCHEMA_VALID)
		return false;
	return next == 0 || run_block(run, next, node, marks);
}

/* The outermost resource on the way here that has an anchor of the name. */
static bool run_dynamic(struct run *run, const struct schema_dynamic *dynamic, uint32_t node, struct marks *marks)
{
	uint32_t block = dynamic->usual;

	for (const struct scope *scope = run->scope; scope != NULL; scope = scope->above)
		for (uint32_t i = 0; i < dynamic->name->count; i++)
			if (dynamic->name->pairs[i].resource == scope->resource)
				block = dynamic->name->pairs[i].block;
	return run_spend(run, dynamic->name->count) && run_block(run, block, node, marks);
}

static bool run_step(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		     struct marks *marks)
{
	switch (step->kind) {
	case STEP_OBJECT:
		return run_object(run, block, step, node, marks);
	case STEP_NAMES:
		return run_names(run, step, node);
	case STEP_DEPENDENT:
		return run_dependent(run, block, step, node, marks);
	case STEP_ARRAY:
		return run_array(run, block, step, node, marks);
	case STEP_CONTAINS:
		return run_contains(run, block, step, node, marks);
	case STEP_ALL:
		return run_all(run, &step->blocks, node, marks);
	case STEP_ANY:
	case STEP_ONE:
		return run_any(run, block, step, node, marks);
	case STEP_NOT:
		return (!quietly(run, step->block, node, NULL) && run->fatal == JSONSCHEMA_VALID) ||
		       report_fail(run, block, step, node);
	case STEP_IF:
		return run_if(run, &step->condition, node, marks);
	case STEP_DYNAMIC:
		return run_dynamic(run, &step->dynamic, node, marks);
	case STEP_UNEVALUATED:
		return run_unevaluated(run, block, step, node, marks);
	default:
		return run_value(run, block, step, node);
	}
}

static bool run_steps(struct run *run, const struct schema_block *block, uint32_t node, struct marks *marks)
{
	bool good = true, chosen = true; /* its parts held: what they looked at is known */

	for (uint32_t i = 0; i < block->step_count; i++) {
		const struct schema_step *step = &block->steps[i];

		if (!chosen && step->kind == STEP_UNEVALUATED && step->unevaluated.implied)
			continue;
		if (!run_step(run, block, step, node, marks)) {
			good = false;
			chosen = chosen && step->kind == STEP_OBJECT;
			if (run->problems == NULL)
				break;
		}
	}
	return good;
}

/* unevaluated… sees what the schemas beside it and below it looked at, not those around it. */
static bool run_marking(struct run *run, const struct schema_block *block, uint32_t node, struct marks *marks)
{
	struct marks own;
	bool good = marks_start(run, node, &own) && run_steps(run, block, node, &own);

	if (good)
		marks_join(marks, &own);
	return good;
}

bool run_block(struct run *run, uint32_t number, uint32_t node, struct marks *marks)
{
	const struct schema_block *block = &run->schema->blocks[number];
	const struct scope *before = run->scope;
	struct scope scope = { before, block->resource };
	bool good;

	if (!run_spend(run, 1 + block->step_count))
		return false;
	if (run->depth == LIMIT_SCHEMA_DEPTH) {
		run_stop(run, JSONSCHEMA_DEPTH);
		return false;
	}
	run->depth++;
	if (before == NULL || before->resource != block->resource)
		run->scope = &scope;
	good = block->marks ? run_marking(run, block, node, marks) : run_steps(run, block, node, marks);
	run->scope = before;
	run->depth--;
	return good && run->fatal == JSONSCHEMA_VALID;
}

enum jsonschema_result jsonschema_check(const struct jsonschema *schema, const struct json *json, uint32_t node,
					struct arena *arena, uint64_t steps, struct jsonschema_problems *ret_problems)
{
	struct run run = { .schema = schema,
			   .json = json,
			   .arena = arena,
			   .steps = steps,
			   .base = node,
			   .choosing = RUN_NOTHING,
			   .problems = ret_problems };
	bool good;

	if (ret_problems != NULL) { /* the list itself is not cleared: count says how much of it is filled */
		ret_problems->count = ret_problems->total = ret_problems->unknown = 0;
		memcpy(run.known, ret_problems->known, sizeof(run.known));
		run.classed = ret_problems->classed;
		run_classed_back(&run, 0);
	}
	good = run_block(&run, schema->root, node, NULL);
	run_matches_end(&run);
	if (run.fatal != JSONSCHEMA_VALID)
		return run.fatal;
	return good ? JSONSCHEMA_VALID : JSONSCHEMA_INVALID;
}
