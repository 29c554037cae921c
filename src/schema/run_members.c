/* run_members.c: steps that lead into a value. */
#include "base/slice.h"
#include "codec/json_keys.h"
#include "schema/run.h"

static bool key_is(const struct json *json, uint32_t key, const struct schema_name *name)
{
	const struct json_node *n = &json->nodes[key];

	if (n->hash != name->hash)
		return false;
	return n->escaped ? json_keys_is(json->text, n, (const char *)name->data, name->size)
			  : n->size == name->size && octets_equal(json->text + n->offset, name->data, name->size);
}

static const struct schema_member *listed(const struct json *json, uint32_t key, const struct schema_object *object)
{
	for (uint32_t slot = json->nodes[key].hash & object->slot_mask; object->slots[slot] != 0;
	     slot = (slot + 1) & object->slot_mask) {
		const struct schema_member *member = &object->members[object->slots[slot] - 1];

		if (key_is(json, key, &member->name))
			return member;
	}
	return NULL;
}

/* Key of the member of that name; 0: there is none. */
static uint32_t find(struct run *run, uint32_t object, const struct schema_name *name)
{
	const struct json_node *nodes = run->json->nodes;

	run_spend(run, nodes[object].count / 8);
	for (uint32_t key = object + 1; key < nodes[object].next; key = nodes[key + 1].next)
		if (key_is(run->json, key, name))
			return key;
	return 0;
}

/* Every pattern that the name matches has a word; ret_matched: there is one. */
static bool run_patterns(struct run *run, const struct schema_object *object, uint32_t key, bool *ret_matched)
{
	struct fw_slice name = run_text(run, key);
	bool good = true;

	for (uint32_t i = 0; i < object->pattern_count && run->fatal == JSONSCHEMA_VALID; i++) {
		if (!run_matches(run, object->patterns[i].regex, name))
			continue;
		*ret_matched = true;
		good = run_block(run, object->patterns[i].block, key + 1, NULL) && good;
	}
	return good;
}

static bool run_member(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t key,
		       uint32_t *required, bool *ret_known)
{
	const struct schema_object *object = step->object;
	const struct schema_member *member = listed(run->json, key, object);
	bool known = member != NULL && member->block != 0, good = true;

	*required += member != NULL && member->required != 0;
	if (known)
		good = run_block(run, member->block, key + 1, NULL);
	if (object->pattern_count != 0)
		good = run_patterns(run, object, key, &known) && good;
	if (!known && object->rest != 0) {
		known = true;
		good = object->rest_never ? report_unknown(run, block, step, key)
					  : run_block(run, object->rest, key + 1, NULL);
	}
	*ret_known = known;
	return good;
}

bool run_object(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		struct marks *marks)
{
	const struct json_node *nodes = run->json->nodes;
	const struct schema_object *object = step->object;
	uint32_t required = 0, number = 0;
	bool good = true;

	if (nodes[node].kind != JSON_OBJECT)
		return true;
	for (uint32_t key = node + 1; key < nodes[node].next; key = nodes[key + 1].next, number++) {
		bool known;

		if (!run_member(run, block, step, key, &required, &known)) {
			good = false;
			if (run->problems == NULL)
				return false;
		}
		if (known)
			marks_add(marks, number);
	}
	if (!run_spend(run, number))
		return false;
	if (required == object->required_count)
		return good;
	for (uint32_t i = 0; i < object->member_count; i++) {
		if (object->members[i].required == 0 || find(run, node, &object->members[i].name) != 0)
			continue;
		good = report_missing(run, block, "required", node, &object->members[i].name);
		if (run->problems == NULL)
			return false;
	}
	return good;
}

bool run_names(struct run *run, const struct schema_step *step, uint32_t node)
{
	const struct json_node *nodes = run->json->nodes;
	bool good = true;

	if (nodes[node].kind != JSON_OBJECT)
		return true;
	for (uint32_t key = node + 1; key < nodes[node].next; key = nodes[key + 1].next)
		if (!run_block(run, step->block, key, NULL)) {
			good = false;
			if (run->problems == NULL)
				return false;
		}
	return good;
}

bool run_dependent(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		   struct marks *marks)
{
	bool good = true;

	if (run->json->nodes[node].kind != JSON_OBJECT)
		return true;
	for (uint32_t i = 0; i < step->dependents.count && run->fatal == JSONSCHEMA_VALID; i++) {
		const struct schema_dependent *dependent = &step->dependents.list[i];

		if (find(run, node, &dependent->name) == 0)
			continue;
		if (dependent->block != 0)
			good = run_block(run, dependent->block, node, marks) && good;
		for (uint32_t k = 0; k < dependent->count; k++)
			if (find(run, node, &dependent->names[k]) == 0)
				good = report_missing(run, block, step->keyword, node, &dependent->names[k]);
		if (!good && run->problems == NULL)
			return false;
	}
	return good;
}

bool run_array(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
	       struct marks *marks)
{
	const struct json_node *nodes = run->json->nodes;
	const struct schema_array *array = step->array;
	uint32_t number = 0;
	bool good = true;

	if (nodes[node].kind != JSON_ARRAY)
		return true;
	for (uint32_t at = node + 1; at < nodes[node].next; at = nodes[at].next, number++) {
		struct schema_step rest = { .keyword = array->rest_keyword };

		if (number < array->prefix_count)
			good = run_block(run, array->prefix[number], at, NULL) && good;
		else if (array->rest == 0)
			break;
		else if (array->rest_never)
			good = report_fail(run, block, &rest, at);
		else
			good = run_block(run, array->rest, at, NULL) && good;
		if (!good && run->problems == NULL)
			return false;
		marks_add(marks, number);
	}
	return good;
}

bool run_contains(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		  struct marks *marks)
{
	const struct json_node *nodes = run->json->nodes;
	const struct schema_contains *contains = step->contains;
	struct jsonschema_problems *problems = run->problems;
	struct schema_step low = *step, high = *step;
	uint64_t found = 0;
	uint32_t number = 0, classed = run_classed(run);

	if (nodes[node].kind != JSON_ARRAY)
		return true;
	run->problems = NULL;
	for (uint32_t at = node + 1; at < nodes[node].next && run->fatal == JSONSCHEMA_VALID;
	     at = nodes[at].next, number++)
		if (run_block(run, contains->block, at, NULL)) {
			found++;
			marks_add(marks, number);
			classed = run_classed(run);
		} else {
			run_classed_back(run, classed);
		}
	if (run->fatal != JSONSCHEMA_VALID)
		return false;
	run->problems = problems;
	low.keyword = contains->least_keyword;
	high.keyword = "maxContains";
	if (found < contains->least)
		return report_limit(run, block, &low, node, contains->least);
	return found <= contains->most || report_limit(run, block, &high, node, contains->most);
}

bool run_unevaluated(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		     struct marks *marks)
{
	const struct json_node *nodes = run->json->nodes;
	bool object = step->unevaluated.kind == JSON_OBJECT, good = true;
	uint32_t number = 0;

	if (nodes[node].kind != step->unevaluated.kind)
		return true;
	for (uint32_t at = node + 1; at < nodes[node].next; at = nodes[at + object].next, number++) {
		if (marks_has(marks, number))
			continue;
		if (!step->unevaluated.never)
			good = run_block(run, step->unevaluated.block, at + object, NULL) && good;
		else
			good = object ? report_unknown(run, block, step, at) : report_fail(run, block, step, at);
		if (!good && run->problems == NULL)
			return false;
	}
	marks_all(marks);
	return good;
}
