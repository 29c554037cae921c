#include "base/slice.h"
#include "schema/compile.h"

static const struct type_name {
	const char *name;
	uint8_t types;
} type_names[] = {
	{ "null", 1 << JSON_NULL },	{ "boolean", 1 << JSON_FALSE | 1 << JSON_TRUE },
	{ "number", 1 << JSON_NUMBER }, { "integer", TYPE_INTEGER_BIT },
	{ "string", 1 << JSON_STRING }, { "array", 1 << JSON_ARRAY },
	{ "object", 1 << JSON_OBJECT },
};
enum { TYPE_NAMES = sizeof(type_names) / sizeof(type_names[0]) };

static bool add_type(struct maker *maker, uint32_t node, struct schema_step *step)
{
	unsigned i = 0;

	while (i < TYPE_NAMES && !json_string_is(maker->json, node, type_names[i].name, strlen(type_names[i].name)))
		i++;
	if (i == TYPE_NAMES)
		return maker_fail(maker, node, "no type: null, boolean, number, integer, string, array and object are");
	step->types |= type_names[i].types;
	step->expected = step->expected == NULL ? type_names[i].name : "another type";
	return true;
}

static bool make_type(struct maker *maker)
{
	uint32_t at = maker->at[KEYWORD_TYPE];
	struct schema_step *step;

	if (at == 0)
		return true;
	step = maker_add(maker, STEP_TYPE, KEYWORD_TYPE);
	if (maker->json->nodes[at].kind != JSON_ARRAY)
		return add_type(maker, at, step);
	for (uint32_t item = at + 1; item < maker->json->nodes[at].next; item = maker->json->nodes[item].next)
		if (!add_type(maker, item, step))
			return false;
	return true;
}

static bool make_values(struct maker *maker)
{
	if (maker->at[KEYWORD_CONST] != 0)
		maker_add(maker, STEP_CONST, KEYWORD_CONST)->value =
			(struct schema_value){ maker->json, maker->at[KEYWORD_CONST] };
	if (maker->at[KEYWORD_ENUM] == 0)
		return true;
	if (maker->json->nodes[maker->at[KEYWORD_ENUM]].kind != JSON_ARRAY)
		return maker_fail(maker, maker->at[KEYWORD_ENUM], "a list of values is needed");
	maker_add(maker, STEP_ENUM, KEYWORD_ENUM)->value =
		(struct schema_value){ maker->json, maker->at[KEYWORD_ENUM] };
	return true;
}

static bool make_bound(struct maker *maker, unsigned keyword, bool below, bool exclusive)
{
	uint32_t at = maker->at[keyword];
	struct schema_bound *bound;

	if (at == 0)
		return true;
	if (maker->json->nodes[at].kind != JSON_NUMBER)
		return maker_fail(maker, at, "a number is needed");
	bound = maker_alloc(maker, 1, sizeof(*bound));
	if (bound == NULL)
		return false;
	decimal_read(json_raw(maker->json, at), &bound->limit);
	bound->is_small = json_integer(maker->json, at, &bound->small);
	bound->below = below;
	bound->exclusive = exclusive;
	maker_add(maker, STEP_BOUND, keyword)->bound = bound;
	return true;
}

static bool make_multiple(struct maker *maker)
{
	uint32_t at = maker->at[KEYWORD_MULTIPLE_OF];
	struct decimal decimal;
	struct schema_step *step;

	if (at == 0)
		return true;
	if (maker->json->nodes[at].kind != JSON_NUMBER)
		return maker_fail(maker, at, "a number is needed");
	decimal_read(json_raw(maker->json, at), &decimal);
	step = maker_add(maker, STEP_MULTIPLE, KEYWORD_MULTIPLE_OF);
	return decimal_divisor(&decimal, &step->divisor) ||
	       maker_fail(maker, at, "a number above 0 of at most 18 digits is needed");
}

/* A count may be written 2.0 or 1e3; one beyond what is counted is as good as the largest. */
static bool read_count(struct maker *maker, uint32_t at, uint64_t *ret_count)
{
	struct decimal decimal;

	if (maker->json->nodes[at].kind != JSON_NUMBER)
		return maker_fail(maker, at, "a number is needed");
	decimal_read(json_raw(maker->json, at), &decimal);
	if (decimal.negative || !decimal_is_integer(&decimal))
		return maker_fail(maker, at, "an integer of 0 or more is needed");
	*ret_count = 0;
	if (decimal.exponent + decimal.count > 18) {
		*ret_count = INT64_MAX;
		return true;
	}
	for (uint8_t i = 0; i < decimal.count; i++)
		*ret_count = *ret_count * 10 + decimal.digits[i];
	for (int64_t i = 0; i < decimal.exponent; i++)
		*ret_count *= 10;
	return true;
}

static bool make_count(struct maker *maker, unsigned keyword, enum step_kind kind, uint8_t types, bool below)
{
	struct schema_step *step;

	if (maker->at[keyword] == 0)
		return true;
	step = maker_add(maker, kind, keyword);
	step->types = types;
	step->count.below = below;
	return read_count(maker, maker->at[keyword], &step->count.limit);
}

static bool make_pattern(struct maker *maker)
{
	uint32_t at = maker->at[KEYWORD_PATTERN];
	struct schema_step *step;

	if (at == 0)
		return true;
	if (maker->json->nodes[at].kind != JSON_STRING)
		return maker_fail(maker, at, "a string is needed");
	step = maker_add(maker, STEP_PATTERN, KEYWORD_PATTERN);
	step->regex = maker_pattern(maker, at);
	return step->regex != NULL;
}

/* A vocabulary of its own: it may count where those of the others do not. */
static bool make_format(struct maker *maker)
{
	const struct jsonschema_classes *classes = maker->loader->options->classes;
	uint32_t at = maker->at[KEYWORD_FORMAT];
	struct schema_step *step;
	struct fw_slice name;
	int known;

	if (at == 0)
		return true;
	if (maker->json->nodes[at].kind != JSON_STRING)
		return maker_fail(maker, at, "a string is needed");
	if (!maker->resource->formats)
		return true;
	name = json_text(maker->json, at, maker->loader->arena);
	if (name.data == NULL)
		return loader_memory(maker->loader);
	/* a class is the stricter word */
	if (classes != NULL && maker->at[KEYWORD_X_FRAMEWALL] == 0 && classes->find("format", name) >= 0)
		return true;
	known = jsonschema_format_find(name);
	if (known < 0) {
		loader_warn(maker->loader, (struct loader_place){ maker->document, at },
			    "the format \"%.*s\" is not judged here", (int)name.size, name.data);
		return true;
	}
	step = maker_add(maker, STEP_FORMAT, KEYWORD_FORMAT);
	step->format = (uint16_t)known;
	step->expected = jsonschema_format_known((unsigned)known);
	return true;
}

static bool make_contains(struct maker *maker)
{
	struct schema_contains *contains;

	if (maker->at[KEYWORD_CONTAINS] == 0)
		return true;
	contains = maker_alloc(maker, 1, sizeof(*contains));
	if (contains == NULL)
		return false;
	contains->block = maker_block_here(maker, maker->at[KEYWORD_CONTAINS]);
	contains->least = 1;
	contains->least_keyword =
		loader_keyword_name(maker->at[KEYWORD_MIN_CONTAINS] != 0 ? KEYWORD_MIN_CONTAINS : KEYWORD_CONTAINS);
	contains->most = UINT64_MAX;
	if (maker->resource->validation && maker->at[KEYWORD_MIN_CONTAINS] != 0 &&
	    !read_count(maker, maker->at[KEYWORD_MIN_CONTAINS], &contains->least))
		return false;
	if (maker->resource->validation && maker->at[KEYWORD_MAX_CONTAINS] != 0 &&
	    !read_count(maker, maker->at[KEYWORD_MAX_CONTAINS], &contains->most))
		return false;
	maker_add(maker, STEP_CONTAINS, KEYWORD_CONTAINS)->contains = contains;
	return contains->block != 0;
}

static bool make_unique(struct maker *maker)
{
	uint32_t at = maker->at[KEYWORD_UNIQUE_ITEMS];

	if (at == 0)
		return true;
	if (maker->json->nodes[at].kind == JSON_TRUE)
		maker_add(maker, STEP_UNIQUE, KEYWORD_UNIQUE_ITEMS);
	else if (maker->json->nodes[at].kind != JSON_FALSE)
		return maker_fail(maker, at, "true or false is needed");
	return true;
}

static bool make_annotations(struct maker *maker)
{
	static const unsigned texts[] = { KEYWORD_CONTENT_ENCODING, KEYWORD_CONTENT_MEDIA_TYPE };

	for (unsigned i = 0; i < 2; i++)
		if (maker->at[texts[i]] != 0 && maker->json->nodes[maker->at[texts[i]]].kind != JSON_STRING)
			return maker_fail(maker, maker->at[texts[i]], "a string is needed");
	return true;
}

/* What the class of a text is "x-framewall" says; where it does not, what format and contentMediaType say. */
static bool make_class(struct maker *maker)
{
	static const unsigned keywords[] = { KEYWORD_X_FRAMEWALL, KEYWORD_FORMAT, KEYWORD_CONTENT_MEDIA_TYPE };
	const struct jsonschema_classes *classes = maker->loader->options->classes;

	for (unsigned i = 0; classes != NULL && i < 3; i++) {
		uint32_t at = maker->at[keywords[i]];
		struct schema_step *step;
		struct fw_slice word;
		int class;

		if (at == 0 || (keywords[i] == KEYWORD_FORMAT && !maker->loader->options->formats))
			continue;
		if (maker->json->nodes[at].kind != JSON_STRING)
			return maker_fail(maker, at, "a string is needed");
		word = json_text(maker->json, at, maker->loader->arena);
		if (word.data == NULL)
			return loader_memory(maker->loader);
		class = classes->find(loader_keyword_name(keywords[i]), word);
		if (class < 0 && i == 0)
			return loader_fail(maker->loader, (struct loader_place){ maker->document, at },
					   "there is no class \"%.*s\"; there are %s",
					   (int)(word.size < 64 ? word.size : 64), word.data, classes->words);
		if (class < 0)
			continue;
		step = maker_add(maker, STEP_CLASS, keywords[i]);
		step->format = (uint16_t) class;
		maker->schema->classes |= UINT64_C(1) << class;
		break;
	}
	return true;
}

bool maker_assertions(struct maker *maker)
{
	if (!make_contains(maker) || !make_annotations(maker) || !make_format(maker) || !make_class(maker))
		return false;
	if (!maker->resource->validation)
		return true;
	return make_type(maker) && make_values(maker) && make_bound(maker, KEYWORD_MAXIMUM, true, false) &&
	       make_bound(maker, KEYWORD_EXCLUSIVE_MAXIMUM, true, true) &&
	       make_bound(maker, KEYWORD_MINIMUM, false, false) &&
	       make_bound(maker, KEYWORD_EXCLUSIVE_MINIMUM, false, true) && make_multiple(maker) &&
	       make_count(maker, KEYWORD_MAX_LENGTH, STEP_LENGTH, 0, true) &&
	       make_count(maker, KEYWORD_MIN_LENGTH, STEP_LENGTH, 0, false) && make_pattern(maker) &&
	       make_count(maker, KEYWORD_MAX_ITEMS, STEP_COUNT, JSON_ARRAY, true) &&
	       make_count(maker, KEYWORD_MIN_ITEMS, STEP_COUNT, JSON_ARRAY, false) &&
	       make_count(maker, KEYWORD_MAX_PROPERTIES, STEP_COUNT, JSON_OBJECT, true) &&
	       make_count(maker, KEYWORD_MIN_PROPERTIES, STEP_COUNT, JSON_OBJECT, false) && make_unique(maker);
}
