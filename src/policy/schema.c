#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "policy/schema_format.h"

/* Where a value stands, for the pointer of a problem: made into text only when there is a problem. */
struct place {
	const struct place *above; /* NULL: member of the root */
	struct fw_slice name;	   /* decoded; data NULL: an element */
	uint32_t element;
};

struct check {
	const struct fw_policy *policy;
	const struct json *json;
	struct arena *arena;
	struct problems *problems;
	uint32_t type; /* node of what says the type; 0: none */
	bool short_of_memory;
};

/* The pointer being written: cut at a whole character, so that it stays valid UTF-8. */
struct pointer {
	char *text;
	size_t size;
	bool full;
};
enum { POINTER_ROOM = sizeof(((struct problem *)0)->field) - 1 };

static void pointer_add(struct pointer *pointer, const void *bytes, size_t size)
{
	pointer->full = pointer->full || size > POINTER_ROOM - pointer->size;
	if (pointer->full)
		return;
	memcpy(pointer->text + pointer->size, bytes, size);
	pointer->size += size;
}

static size_t character_size(uint8_t lead)
{
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* RFC 6901 3: "~" and "/" of a name are written ~0 and ~1. */
static void pointer_add_name(struct pointer *pointer, struct fw_slice name)
{
	for (size_t i = 0; i < name.size;) {
		size_t size = character_size(name.data[i]);

		if (size > name.size - i)
			size = name.size - i;
		if (name.data[i] == '~')
			pointer_add(pointer, "~0", 2);
		else if (name.data[i] == '/')
			pointer_add(pointer, "~1", 2);
		else
			pointer_add(pointer, name.data + i, size);
		i += size;
	}
}

static void pointer_add_place(struct pointer *pointer, const struct place *place)
{
	char digits[ENCODE_U64];

	if (place->above != NULL) {
		pointer_add_place(pointer, place->above);
		pointer_add(pointer, "/", 1);
	}
	if (place->name.data != NULL)
		pointer_add_name(pointer, place->name);
	else
		pointer_add(pointer, digits, encode_u64(place->element, digits));
}

static struct problem *note(struct check *check, const struct place *place, const char *rule)
{
	struct problems *problems = check->problems;
	struct problem *problem;
	struct pointer pointer;

	problems->total++;
	if (problems->count == LIMIT_PROBLEMS)
		return NULL;
	problem = &problems->list[problems->count++];
	*problem = (struct problem){ .rule = rule };
	pointer = (struct pointer){ problem->field, 0, false };
	pointer_add_place(&pointer, place);
	return problem;
}

static void note_limit(struct check *check, const struct place *place, const char *rule, int64_t limit)
{
	struct problem *problem = note(check, place, rule);

	if (problem != NULL) {
		problem->limit = limit;
		problem->has_limit = true;
	}
}

static void note_expected(struct check *check, const struct place *place, const char *rule, const char *expected)
{
	struct problem *problem = note(check, place, rule);

	if (problem != NULL)
		problem->expected = expected;
}

static const char *const kind_names[] = {
	[KIND_STRING] = "string", [KIND_BOOLEAN] = "boolean",	   [KIND_INTEGER] = "integer",
	[KIND_NUMBER] = "number", [KIND_ANY] = "number or string", [KIND_ARRAY] = "array",
	[KIND_OBJECT] = "object", [KIND_OPEN] = "anything",
};

static bool kind_holds(uint8_t want, uint8_t have)
{
	switch (want) {
	case KIND_STRING:
		return have == JSON_STRING;
	case KIND_BOOLEAN:
		return have == JSON_TRUE || have == JSON_FALSE;
	case KIND_INTEGER:
	case KIND_NUMBER:
		return have == JSON_NUMBER;
	case KIND_ANY:
		return have == JSON_NUMBER || have == JSON_STRING;
	case KIND_ARRAY:
		return have == JSON_ARRAY;
	case KIND_OBJECT:
		return have == JSON_OBJECT;
	case KIND_OPEN:
		return true;
	default:
		return false;
	}
}

static struct fw_slice text_of(struct check *check, uint32_t node)
{
	const struct json_node *n = &check->json->nodes[node];
	struct fw_slice text;

	if (!n->escaped)
		return slice(check->json->text + n->offset, n->size);
	text = json_text(check->json, node, check->arena);
	check->short_of_memory = check->short_of_memory || text.data == NULL;
	return text;
}

/* Lengths count characters. A character has 1 to 4 octets (up to 12 written as escapes), so most texts need no
 * counting. */
static void check_length(struct check *check, const struct place *place, const struct policy_field *field,
			 uint32_t node)
{
	const struct json_node *n = &check->json->nodes[node];
	bool surely_short = n->size <= (uint64_t)field->max;
	bool surely_long = field->min <= 0 || (field->min == 1 && n->size != 0);
	struct fw_slice text;
	int64_t length;

	if (surely_short && surely_long)
		return;
	text = text_of(check, node);
	if (text.data == NULL && check->short_of_memory)
		return;
	length = (int64_t)utf8_length(text.data, text.size);
	if (length > field->max)
		note_limit(check, place, "max_length", field->max);
	else if (length < field->min)
		note_limit(check, place, "min_length", field->min);
}

static bool is_choice(const struct texts *choices, struct fw_slice text)
{
	for (size_t i = 0; i < choices->count; i++)
		if (slice_is(text, choices->items[i]))
			return true;
	return false;
}

static void check_format(struct check *check, const struct place *place, const struct policy_field *field,
			 uint32_t node)
{
	struct fw_slice text = text_of(check, node);

	if (check->short_of_memory)
		return;
	if (field->class == CLASS_ENUMERATED) {
		if (!is_choice(&field->choices, text))
			note(check, place, "enum");
	} else if (!schema_format_holds(check->policy, field->class, text)) {
		note_expected(check, place, "format", schema_format_name(field->class));
	}
}

static void check_string(struct check *check, const struct place *place, const struct policy_field *field,
			 uint32_t node)
{
	unsigned before = check->problems->total;

	check_length(check, place, field, node);
	if (field->class == CLASS_PLAIN || field->class == CLASS_HTML || field->class == CLASS_CODE) {
		if (check->json->nodes[node].nul)
			note(check, place, "nul");
		return;
	}
	/* A text of the wrong length gets one problem, not two; an optional empty one has no form to hold. */
	if (check->problems->total == before && check->json->nodes[node].size != 0)
		check_format(check, place, field, node);
	else if (check->problems->total == before && field->class == CLASS_ENUMERATED)
		note(check, place, "enum");
}

static void check_integer(struct check *check, const struct place *place, const struct policy_field *field,
			  uint32_t node)
{
	const struct json_node *n = &check->json->nodes[node];
	int64_t value;

	if (n->escaped) { /* written with a fraction or an exponent: readers differ in what integer that is */
		note_expected(check, place, "type", kind_names[KIND_INTEGER]);
		return;
	}
	/* Beyond 2^53 - 1 two readers may see different numbers; the row's limit is never beyond that. */
	if (!json_integer(check->json, node, &value))
		value = check->json->text[n->offset] == '-' ? INT64_MIN : INT64_MAX;
	if (value > field->max)
		note_limit(check, place, "maximum", field->max);
	else if (value < field->min)
		note_limit(check, place, "minimum", field->min);
}

/* The bounds are whole numbers. A number that no double holds exactly is compared as the nearest one, which is what its
 * reader sees. */
static void check_number(struct check *check, const struct place *place, const struct policy_field *field,
			 uint32_t node)
{
	const struct json_node *n = &check->json->nodes[node];
	char text[LIMIT_JSON_NUMBER + 1];
	double value;

	if (!field->bounded || n->size > LIMIT_JSON_NUMBER)
		return;
	memcpy(text, check->json->text + n->offset, n->size);
	text[n->size] = '\0';
	value = strtod(text, NULL);
	if (value > (double)field->max)
		note_limit(check, place, "maximum", field->max);
	else if (value < (double)field->min)
		note_limit(check, place, "minimum", field->min);
}

static void check_members(struct check *check, const struct place *above, uint32_t object,
			  const struct policy_field *fields, uint16_t count);
static void check_value(struct check *check, const struct place *place, const struct policy_field *field,
			uint32_t node);

static void check_array(struct check *check, const struct place *place, const struct policy_field *field, uint32_t node)
{
	const struct json_node *nodes = check->json->nodes;
	uint32_t element = 0;

	if (nodes[node].count > field->max)
		note_limit(check, place, "max_items", field->max);
	else if (nodes[node].count < field->min)
		note_limit(check, place, "min_items", field->min);
	if (field->item == NULL)
		return;
	for (uint32_t at = node + 1; at < nodes[node].next; at = nodes[at].next) {
		struct place inner = { .above = place, .element = element };

		/* Beyond the limit elements are not looked at: that one problem refuses them all. */
		if (element++ == field->max)
			break;
		check_value(check, &inner, field->item, at);
	}
}

static void check_value(struct check *check, const struct place *place, const struct policy_field *field, uint32_t node)
{
	uint8_t have = check->json->nodes[node].kind;

	if (!kind_holds(field->kind, have)) {
		note_expected(check, place, "type", kind_names[field->kind]);
		return;
	}
	switch (field->kind) {
	case KIND_STRING:
		check_string(check, place, field, node);
		break;
	case KIND_ANY:
		if (have == JSON_STRING)
			check_string(check, place, field, node);
		break;
	case KIND_INTEGER:
		check_integer(check, place, field, node);
		break;
	case KIND_NUMBER:
		check_number(check, place, field, node);
		break;
	case KIND_ARRAY:
		check_array(check, place, field, node);
		break;
	case KIND_OBJECT:
		check_members(check, place, node, field->members, field->member_count);
		break;
	default: /* booleans have no more to hold */
		break;
	}
}

/* Types have few fields: comparing lengths and a first character finds the name faster than a hash would. */
static unsigned find(const struct policy_field *fields, unsigned count, struct fw_slice name)
{
	unsigned i;

	for (i = 0; i < count && name.size != 0; i++)
		if (fields[i].name_size == name.size && (uint8_t)fields[i].name[0] == name.data[0] &&
		    octets_equal(fields[i].name, name.data, name.size))
			return i;
	return count;
}

static void note_missing(struct check *check, const struct place *above, const struct policy_field *fields,
			 unsigned count, uint64_t seen)
{
	for (unsigned i = 0; i < count; i++) {
		struct place place = { .above = above, .name = slice(fields[i].name, fields[i].name_size) };

		if (fields[i].required && ((seen >> i) & 1) == 0)
			note(check, &place, "required");
	}
}

/* It is let pass, or goes no further. */
static void note_unknown(struct check *check, uint32_t key)
{
	struct problems *problems = check->problems;

	problems->unknown++;
	if (check->policy->settings.unknown_fields != UNKNOWN_STRIP)
		return;
	if (problems->stripped == NULL) {
		problems->stripped = arena_alloc(check->arena, check->json->count);
		if (problems->stripped != NULL)
			memset(problems->stripped, 0, check->json->count);
	}
	if (problems->stripped != NULL)
		problems->stripped[key] = 1;
	else
		check->short_of_memory = true;
}

static void check_members(struct check *check, const struct place *above, uint32_t object,
			  const struct policy_field *fields, uint16_t count)
{
	const struct json_node *nodes = check->json->nodes;
	uint64_t seen = 0;

	for (uint32_t key = object + 1; key < nodes[object].next; key = nodes[key + 1].next) {
		struct place place = { .above = above, .name = text_of(check, key) };
		unsigned i;

		if (check->short_of_memory)
			return;
		if (key + 1 == check->type)
			continue;
		i = find(fields, count, place.name);
		if (i < count) {
			seen |= (uint64_t)1 << i;
			check_value(check, &place, &fields[i], key + 1);
		} else if (check->policy->settings.unknown_fields == UNKNOWN_REJECT) {
			note(check, &place, "unknown");
		} else {
			note_unknown(check, key);
		}
	}
	note_missing(check, above, fields, count, seen);
}

int schema_check(const struct fw_policy *policy, const struct policy_message *message, const struct json *json,
		 uint32_t root, uint32_t type, struct arena *arena, struct problems *ret_problems)
{
	struct check check = { policy, json, arena, ret_problems, type, false };

	/* The list itself is not cleared: count says how much of it is filled. */
	problems_clear(ret_problems);
	check_members(&check, NULL, root, message->fields, message->field_count);
	return check.short_of_memory ? FW_ERR_MEMORY : FW_OK;
}

const struct policy_field *schema_field(const struct policy_message *message, struct fw_slice name)
{
	unsigned i = find(message->fields, message->field_count, name);

	return i < message->field_count ? &message->fields[i] : NULL;
}
