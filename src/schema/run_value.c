#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json_string.h"
#include "schema/run.h"

enum { OCTETS_A_STEP = 64 };

struct fw_slice run_text(struct run *run, uint32_t node)
{
	const struct json_node *n = &run->json->nodes[node];
	struct fw_slice text;

	run_spend(run, n->size / OCTETS_A_STEP);
	if (!n->escaped)
		return slice(run->json->text + n->offset, n->size);
	text = json_text(run->json, node, run->arena);
	if (text.data == NULL)
		run_stop(run, JSONSCHEMA_MEMORY);
	return text;
}

static bool is_integer(const struct json *json, uint32_t node)
{
	struct decimal decimal;

	if (!json->nodes[node].escaped)
		return true;
	decimal_read(json_raw(json, node), &decimal); /* 1.0 and 1e3 are integers */
	return decimal_is_integer(&decimal);
}

static bool type_holds(const struct run *run, const struct schema_step *step, uint32_t node)
{
	uint8_t kind = run->json->nodes[node].kind;

	if (step->types & (1 << kind))
		return true;
	return kind == JSON_NUMBER && (step->types & TYPE_INTEGER_BIT) && is_integer(run->json, node);
}

/* Characters of a string; no more are counted than one above most. */
static uint64_t length_of(const struct json *json, uint32_t node)
{
	const struct json_node *n = &json->nodes[node];
	struct json_string_reader reader;
	uint64_t count = 0;
	int octet;

	if (!n->escaped)
		return utf8_length(json->text + n->offset, n->size);
	reader = json_string_read(json->text + n->offset, n->size);
	while ((octet = json_string_next(&reader)) >= 0)
		count += (octet & 0xc0) != 0x80;
	return count;
}

/* A character has 1 to 12 octets in JSON, so that most texts need no counting. */
static bool length_holds(struct run *run, const struct schema_step *step, uint32_t node)
{
	uint64_t size = run->json->nodes[node].size, limit = step->count.limit;

	if (step->count.below ? size <= limit : size / 12 >= limit)
		return true;
	if (!step->count.below && size < limit)
		return false;
	run_spend(run, size / OCTETS_A_STEP);
	return step->count.below ? length_of(run->json, node) <= limit : length_of(run->json, node) >= limit;
}

static bool bound_holds(const struct run *run, const struct schema_bound *bound, uint32_t node)
{
	struct decimal decimal;
	int64_t value;
	int order;

	if (bound->is_small && json_integer(run->json, node, &value)) {
		order = value < bound->small ? -1 : value > bound->small;
	} else {
		decimal_read(json_raw(run->json, node), &decimal);
		order = decimal_compare(&decimal, &bound->limit);
	}
	if (order == 0)
		return !bound->exclusive;
	return bound->below ? order < 0 : order > 0;
}

static bool multiple_holds(const struct run *run, const struct schema_step *step, uint32_t node)
{
	struct decimal decimal;

	decimal_read(json_raw(run->json, node), &decimal);
	return decimal_is_multiple(&decimal, &step->divisor);
}

static bool equals(struct run *run, struct schema_value value, uint32_t node)
{
	bool equal = jsonschema_value_equal(value, (struct schema_value){ run->json, node }, &run->steps);

	if (run->steps == 0)
		run_stop(run, JSONSCHEMA_BUDGET);
	return equal;
}

static bool is_listed(struct run *run, struct schema_value list, uint32_t node)
{
	const struct json_node *nodes = list.json->nodes, *n = &run->json->nodes[node];

	for (uint32_t at = list.node + 1; at < nodes[list.node].next; at = nodes[at].next) {
		/* Most differ in what costs nothing to see. */
		if (nodes[at].kind != n->kind ||
		    (n->kind == JSON_STRING && !n->escaped && !nodes[at].escaped && nodes[at].size != n->size))
			continue;
		if (equals(run, (struct schema_value){ list.json, at }, node))
			return true;
	}
	run_spend(run, nodes[list.node].count / 16);
	return false;
}

static bool is_unique(struct run *run, uint32_t node)
{
	int64_t repeated = jsonschema_value_repeated((struct schema_value){ run->json, node }, run->arena, &run->steps);

	if (repeated < 0)
		run_stop(run, JSONSCHEMA_MEMORY);
	else if (run->steps == 0)
		run_stop(run, JSONSCHEMA_BUDGET);
	return repeated == 0;
}

static bool text_holds(struct run *run, const struct schema_step *step, uint32_t node)
{
	struct fw_slice text = run_text(run, node);

	if (run->fatal != JSONSCHEMA_VALID)
		return false;
	return step->kind == STEP_PATTERN ? run_matches(run, step->regex, text)
					  : jsonschema_format_holds(step->format, text, run->arena);
}

static bool count_holds(const struct schema_step *step, uint32_t count)
{
	return step->count.below ? count <= step->count.limit : count >= step->count.limit;
}

static bool has_class(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node)
{
	struct jsonschema_classed *classed = run->classed;
	struct fw_slice text = run_text(run, node);
	struct schema_step said = *step;

	if (text.data == NULL)
		return false;
	if (classed->count == JSONSCHEMA_CLASSED) {
		run_stop(run, JSONSCHEMA_BUDGET);
		return false;
	}
	said.expected = classed->fault(classed->user, step->format, text);
	if (said.expected != NULL)
		return report_fail(run, block, &said, node);
	classed->nodes[classed->count] = node;
	classed->classes[classed->count++] = (uint8_t)step->format;
	return true;
}

bool run_value(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node)
{
	const struct json_node *n = &run->json->nodes[node];
	bool good = true;

	switch (step->kind) {
	case STEP_NEVER:
		good = false;
		break;
	case STEP_TYPE:
		good = type_holds(run, step, node);
		break;
	case STEP_CONST:
		good = equals(run, step->value, node);
		break;
	case STEP_ENUM:
		good = is_listed(run, step->value, node);
		break;
	case STEP_BOUND:
		if (n->kind != JSON_NUMBER || bound_holds(run, step->bound, node))
			return true;
		return step->bound->is_small ? report_limit(run, block, step, node, (uint64_t)step->bound->small)
					     : report_fail(run, block, step, node);
	case STEP_MULTIPLE:
		good = n->kind != JSON_NUMBER || multiple_holds(run, step, node);
		break;
	case STEP_LENGTH:
		return n->kind != JSON_STRING || length_holds(run, step, node) ||
		       report_limit(run, block, step, node, step->count.limit);
	case STEP_COUNT:
		return n->kind != step->types || count_holds(step, n->count) ||
		       report_limit(run, block, step, node, step->count.limit);
	case STEP_UNIQUE:
		good = n->kind != JSON_ARRAY || is_unique(run, node);
		break;
	case STEP_CLASS:
		return n->kind != JSON_STRING || run->classed == NULL || has_class(run, block, step, node);
	default: /* STEP_PATTERN, STEP_FORMAT */
		good = n->kind != JSON_STRING || text_holds(run, step, node);
		break;
	}
	return good || report_fail(run, block, step, node);
}
