/* schema_json.c: a message against the JSON Schema of its type, said in the words of the contract. */
#include <string.h>

#include "base/slice.h"
#include "policy/policy.h"
#include "policy/schema_format.h"

/* What clients are told has the words of the contract; what is not here is told as it is. */
static const struct {
	const char *keyword, *rule;
} rules[] = {
	{ "maxLength", "max_length" },
	{ "minLength", "min_length" },
	{ "maxItems", "max_items" },
	{ "minItems", "min_items" },
	{ "maxProperties", "max_properties" },
	{ "minProperties", "min_properties" },
	{ "maxContains", "max_contains" },
	{ "minContains", "min_contains" },
	{ "exclusiveMaximum", "exclusive_maximum" },
	{ "exclusiveMinimum", "exclusive_minimum" },
	{ "multipleOf", "multiple_of" },
	{ "uniqueItems", "unique_items" },
	{ "anyOf", "any_of" },
	{ "oneOf", "one_of" },
	{ "dependentRequired", "required" },
	{ "dependencies", "required" },
	{ "false", "unknown" },
	{ "x-framewall", "format" },
	{ "contentMediaType", "format" },
};

/* What is no class by its name, but has one. */
static const struct {
	const char *keyword, *word;
	enum field_class class;
} chosen[] = {
	{ "format", "uri", CLASS_URL },
	{ "format", "iri", CLASS_URL },
	{ "contentMediaType", "text/html", CLASS_HTML },
	{ "contentMediaType", "text/javascript", CLASS_CODE },
	{ "contentMediaType", "application/javascript", CLASS_CODE },
	{ "contentMediaType", "application/sql", CLASS_CODE },
	{ "contentMediaType", "application/x-sh", CLASS_CODE },
	{ "contentMediaType", "text/x-python", CLASS_CODE },
	{ "contentMediaType", "text/x-c", CLASS_CODE },
};

static int find_class(const char *keyword, struct fw_slice word)
{
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++)
		if (strcmp(chosen[i].keyword, keyword) == 0 && slice_is(word, chosen[i].word))
			return (int)chosen[i].class;
	return strcmp(keyword, "contentMediaType") != 0 ? schema_class_find(word) : -1;
}

const struct jsonschema_classes schema_json_classes = { find_class, SCHEMA_CLASS_WORDS };

/* An empty text has no form to hold, as with fields. */
static const char *class_fault(const void *user, unsigned class, struct fw_slice text)
{
	return text.size == 0 || schema_format_holds(user, class, text) ? NULL : schema_format_name(class);
}

bool schema_json_format_holds(const struct fw_policy *policy, const char *format, struct fw_slice text)
{
	int known = jsonschema_format_find(slice_text(format)), class = find_class("format", slice_text(format));

	return known >= 0 && jsonschema_format_holds((unsigned)known, text, NULL) &&
	       (class < 0 || class_fault(policy, (unsigned)class, text) == NULL);
}

static const char *rule_of(const struct jsonschema_problem *problem)
{
	if (problem->unknown)
		return "unknown";
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].keyword, problem->keyword) == 0)
			return rules[i].rule;
	return problem->keyword;
}

/* Cut at a whole name. */
static void copy_field(char to[96], const char *pointer)
{
	size_t size = strlen(pointer + (*pointer == '/'));

	pointer += *pointer == '/';
	if (size > 95)
		for (size = 95; size != 0 && pointer[size] != '/';)
			size--;
	memcpy(to, pointer, size);
	to[size] = '\0';
}

static void tell(const struct jsonschema_problems *found, struct problems *ret_problems)
{
	ret_problems->total = found->total;
	ret_problems->count = found->count;
	for (unsigned i = 0; i < found->count; i++) {
		const struct jsonschema_problem *from = &found->list[i];
		struct problem *to = &ret_problems->list[i];

		*to = (struct problem){ .rule = rule_of(from),
					.limit = from->limit,
					.has_limit = from->has_limit,
					.expected = from->expected,
					.schema = from->schema,
					.keyword = from->keyword };
		copy_field(to->field, from->instance);
	}
}

/* The tape without the members whose keys are marked, and where each node stood. NULL: memory is short. */
static struct json_node *without(const struct json *json, const uint64_t *keys, struct arena *arena,
				 uint32_t *ret_count, uint32_t *type, uint32_t **ret_origins)
{
	uint32_t *moved = arena_alloc(arena, ((size_t)json->count + 1) * sizeof(*moved));
	uint32_t *origins = arena_alloc(arena, ((size_t)json->count + 1) * sizeof(*origins));
	struct json_node *nodes = arena_alloc(arena, json->count * sizeof(*nodes));
	uint32_t count = 0, around[LIMIT_JSON_DEPTH + 1], depth = 0;

	if (moved == NULL || nodes == NULL || origins == NULL)
		return NULL;
	*ret_origins = origins;
	for (uint32_t i = 0; i < json->count;) {
		const struct json_node *n = &json->nodes[i];

		while (depth != 0 && json->nodes[around[depth - 1]].next <= i)
			depth--;
		if (depth != 0 && n->is_key && ((keys[i / 64] >> (i % 64)) & 1)) {
			nodes[moved[around[depth - 1]]].count--;
			for (uint32_t end = json->nodes[i + 1].next; i < end; i++)
				moved[i] = count;
			continue;
		}
		moved[i] = count;
		origins[count] = i;
		nodes[count++] = *n;
		if (n->kind >= JSON_ARRAY)
			around[depth++] = i;
		i++;
	}
	moved[json->count] = count;
	for (uint32_t i = 0; i < count; i++)
		nodes[i].next = moved[nodes[i].next];
	*ret_count = count;
	*type = *type != 0 ? moved[*type] : 0;
	return nodes;
}

struct judging {
	const struct policy_message *message;
	struct arena *arena;
	struct jsonschema_problems *found;
	uint32_t root;
	uint32_t type; /* a member that a schema need not list */
};

static enum jsonschema_result judge(struct judging *judging, const struct json *json)
{
	judging->found->known[0] = judging->type;
	judging->found->known[1] = judging->message->csrf ? json_member(json, judging->root, "csrf_token", 10) : 0;
	return jsonschema_check(judging->message->schema->schema, json, judging->root, judging->arena,
				jsonschema_steps(json->size), judging->found);
}

/* Of a text that is said to be several things nothing is believed but that it is text. */
static bool keep_classes(const struct judging *judging, const struct json *json, const uint32_t *origins,
			 struct problems *ret_problems)
{
	const struct jsonschema_classed *classed = judging->found->classed;

	if (classed == NULL || classed->count == 0)
		return true;
	ret_problems->classes = arena_alloc(judging->arena, json->count);
	if (ret_problems->classes == NULL)
		return false;
	memset(ret_problems->classes, FIELD_CLASSES, json->count);
	for (uint32_t i = 0; i < classed->count; i++) {
		uint8_t *class =
			&ret_problems->classes[origins != NULL ? origins[classed->nodes[i]] : classed->nodes[i]];

		*class = *class == FIELD_CLASSES || *class == classed->classes[i] ? classed->classes[i] : CLASS_PLAIN;
	}
	return true;
}

/* What is stripped is judged anew: without it the message may lack what it had. */
static enum jsonschema_result strip(struct judging *judging, const struct json *json, struct problems *ret_problems)
{
	struct json rest = *json;
	uint64_t *keys = judging->found->unknown_keys;
	enum jsonschema_result result;
	uint32_t *origins;

	ret_problems->stripped = arena_alloc(judging->arena, json->count);
	rest.nodes = without(json, keys, judging->arena, &rest.count, &judging->type, &origins);
	if (rest.nodes == NULL || ret_problems->stripped == NULL)
		return JSONSCHEMA_MEMORY;
	for (uint32_t i = 0; i < json->count; i++)
		ret_problems->stripped[i] = (keys[i / 64] >> (i % 64)) & 1;
	judging->found->unknown_keys = NULL;
	result = judge(judging, &rest);
	if (result != JSONSCHEMA_VALID)
		ret_problems->stripped = NULL;
	else if (!keep_classes(judging, json, origins, ret_problems))
		return JSONSCHEMA_MEMORY;
	return result;
}

int schema_check_json(const struct fw_policy *policy, const struct policy_message *message, const struct json *json,
		      uint32_t root, uint32_t type, struct arena *arena, struct problems *ret_problems)
{
	struct judging judging = { message, arena, arena_alloc(arena, sizeof(*judging.found)), root, type };
	size_t words = ((size_t)json->count + 63) / 64;
	uint64_t *keys = arena_alloc(arena, words * sizeof(*keys));
	enum jsonschema_result result;
	unsigned unknown;

	problems_clear(ret_problems);
	if (judging.found == NULL || keys == NULL)
		return FW_ERR_MEMORY;
	judging.found->classed = NULL;
	if (jsonschema_class_set(message->schema->schema) != 0) {
		judging.found->classed = arena_alloc(arena, sizeof(*judging.found->classed));
		if (judging.found->classed == NULL)
			return FW_ERR_MEMORY;
		judging.found->classed->fault = class_fault;
		judging.found->classed->user = policy;
	}
	memset(keys, 0, words * sizeof(*keys));
	judging.found->unknown_keys = keys;
	result = judge(&judging, json);
	unknown = judging.found->unknown;
	if (result == JSONSCHEMA_INVALID && unknown == judging.found->total &&
	    policy->settings.unknown_fields != UNKNOWN_REJECT) {
		result = policy->settings.unknown_fields == UNKNOWN_STRIP ? strip(&judging, json, ret_problems)
									  : JSONSCHEMA_VALID;
		if (result == JSONSCHEMA_VALID)
			ret_problems->unknown = unknown;
	}
	if (result == JSONSCHEMA_VALID && ret_problems->stripped == NULL &&
	    !keep_classes(&judging, json, NULL, ret_problems))
		return FW_ERR_MEMORY;
	if (result == JSONSCHEMA_MEMORY)
		return FW_ERR_MEMORY;
	if (result == JSONSCHEMA_INVALID) {
		tell(judging.found, ret_problems);
	} else if (result != JSONSCHEMA_VALID) { /* who sends what cannot be judged to the end is refused */
		ret_problems->list[0] = (struct problem){ .rule = "too_complex" };
		ret_problems->count = ret_problems->total = 1;
	}
	return FW_OK;
}
