/* config_define_fields.c: messages.TYPE.fields of a type that the configuration defines: what each field is. Who may
 * set and see it is config_fields.c's. */
#include <string.h>

#include "base/slice.h"
#include "policy/config_build.h"
#include "policy/schema_format.h"

enum { NAME_MOST = 128, DEEPEST = 8 };
#define MAX_SAFE INT64_C(9007199254740991) /* 2^53 - 1: the last integer that every JSON reader keeps exact */

const char *const config_field_members[CONFIG_FIELD_MEMBERS] = {
	[CONFIG_FIELD_SET] = "set",	[CONFIG_FIELD_SEE] = "see",	  [CONFIG_FIELD_MASK] = "mask",
	[CONFIG_FIELD_TYPE] = "type",	[CONFIG_FIELD_CLASS] = "class",	  [CONFIG_FIELD_REQUIRED] = "required",
	[CONFIG_FIELD_MIN] = "min",	[CONFIG_FIELD_MAX] = "max",	  [CONFIG_FIELD_VALUES] = "values",
	[CONFIG_FIELD_ITEMS] = "items", [CONFIG_FIELD_FIELDS] = "fields",
};

static const struct {
	const char *name;
	enum field_kind kind;
} kinds[] = {
	{ "text", KIND_STRING },   { "integer", KIND_INTEGER }, { "number", KIND_NUMBER }, { "boolean", KIND_BOOLEAN },
	{ "object", KIND_OBJECT }, { "array", KIND_ARRAY },	{ "any", KIND_OPEN },
};
/* One field while its members are read: what depends on its type waits until all of them are there. */
struct reader {
	struct policy_field *field;
	unsigned depth; /* 1: of the message itself */
	struct config_place places[CONFIG_FIELD_MEMBERS];
	struct fy_node *values[CONFIG_FIELD_MEMBERS]; /* NULL: it was not given */
};

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct reader *reader = user;

	reader->places[index] = place;
	reader->values[index] = value;
	if (index < CONFIG_FIELD_TYPE && reader->depth > 1)
		config_report_error(
			config, place,
			"who may set or see a field of a field is said beside it, by its path: \"a.b: {%s: …}\"",
			config_field_members[index]);
}

static bool read_word(struct config *config, struct reader *reader, enum config_field_member member,
		      struct fw_slice *ret_text)
{
	return reader->values[member] != NULL &&
	       config_yaml_is_text(config, reader->places[member], config_field_members[member], reader->values[member],
				   ret_text);
}

static void read_kind(struct config *config, struct reader *reader)
{
	struct config_suggest suggest;
	struct fw_slice text;
	char shown[64], hint[128];

	reader->field->kind = KIND_STRING;
	if (!read_word(config, reader, CONFIG_FIELD_TYPE, &text))
		return;
	config_suggest_start(&suggest, text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (slice_is(text, kinds[i].name)) {
			reader->field->kind = (uint8_t)kinds[i].kind;
			return;
		}
		config_suggest_offer(&suggest, kinds[i].name, strlen(kinds[i].name));
	}
	config_report_error(
		config, reader->places[CONFIG_FIELD_TYPE],
		"there is no type of field \"%s\"%s; there are text, integer, number, boolean, object, array "
		"and any",
		config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
}

static void read_class(struct config *config, struct reader *reader)
{
	struct config_suggest suggest;
	struct fw_slice text;
	char shown[64], hint[128];
	int class;

	if (!read_word(config, reader, CONFIG_FIELD_CLASS, &text))
		return;
	class = schema_class_find(text);
	if (class >= 0) {
		reader->field->class = (uint8_t) class;
		if (reader->depth > 1 && class == CLASS_HTML)
			config_report_error(config, reader->places[CONFIG_FIELD_CLASS],
					    "only fields of the message itself are HTML, not those within one");
		return;
	}
	config_suggest_start(&suggest, text);
	for (unsigned i = 0; i < FIELD_CLASSES; i++)
		config_suggest_offer(&suggest, schema_class_word(i), strlen(schema_class_word(i)));
	config_report_error(config, reader->places[CONFIG_FIELD_CLASS],
			    "there is no class \"%s\"%s; there are " SCHEMA_CLASS_WORDS,
			    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
}

static void read_bound(struct config *config, struct reader *reader, enum config_field_member member, int64_t least,
		       int64_t *ret_bound)
{
	struct config_place place = reader->places[member];
	struct fw_slice text;

	if (!read_word(config, reader, member, &text))
		return;
	(void)config_value_integer(config, config_yaml_place(reader->values[member], place),
				   config_field_members[member], text, least, MAX_SAFE, "", ret_bound);
	reader->field->bounded = true;
}

static void read_bounds(struct config *config, struct reader *reader)
{
	struct policy_field *field = reader->field;
	bool counts = field->kind == KIND_STRING || field->kind == KIND_ARRAY;

	field->min = counts ? field->kind == KIND_STRING && field->required : -MAX_SAFE;
	field->max = counts ? config->text_most : MAX_SAFE;
	read_bound(config, reader, CONFIG_FIELD_MIN, counts ? 0 : -MAX_SAFE, &field->min);
	read_bound(config, reader, CONFIG_FIELD_MAX, counts ? 0 : -MAX_SAFE, &field->max);
	if (field->min > field->max)
		config_report_error(
			config,
			reader->places[reader->values[CONFIG_FIELD_MIN] != NULL ? CONFIG_FIELD_MIN : CONFIG_FIELD_MAX],
			"\"min\" is above \"max\": nothing would hold");
}

/* A member that says nothing of a field of such a type is a mistake, not a wish. */
static void refuse_others(struct config *config, const struct reader *reader)
{
	static const struct {
		enum config_field_member member;
		unsigned kinds; /* bit set of enum field_kind */
		const char *of;
	} uses[] = {
		{ CONFIG_FIELD_CLASS, 1 << KIND_STRING, "text" },
		{ CONFIG_FIELD_VALUES, 1 << KIND_STRING, "text" },
		{ CONFIG_FIELD_MIN, 1 << KIND_STRING | 1 << KIND_INTEGER | 1 << KIND_NUMBER | 1 << KIND_ARRAY,
		  "text, integer, number and array" },
		{ CONFIG_FIELD_MAX, 1 << KIND_STRING | 1 << KIND_INTEGER | 1 << KIND_NUMBER | 1 << KIND_ARRAY,
		  "text, integer, number and array" },
		{ CONFIG_FIELD_ITEMS, 1 << KIND_ARRAY, "array" },
		{ CONFIG_FIELD_FIELDS, 1 << KIND_OBJECT, "object" },
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		if (reader->values[uses[i].member] != NULL && (uses[i].kinds >> reader->field->kind & 1) == 0)
			config_report_error(config, reader->places[uses[i].member], "\"%s\" is for fields of type %s",
					    config_field_members[uses[i].member], uses[i].of);
	if (reader->values[CONFIG_FIELD_CLASS] != NULL && reader->values[CONFIG_FIELD_VALUES] != NULL)
		config_report_error(config, reader->places[CONFIG_FIELD_CLASS],
				    "\"values\" lists all that the field may be: a class says nothing beside it");
}

static void read_field(struct config *config, struct config_place place, struct fy_node *value, unsigned depth,
		       struct policy_field *field);

static void read_inner(struct config *config, struct reader *reader, struct config_place place)
{
	struct policy_field *field = reader->field;
	struct fy_node *items = reader->values[CONFIG_FIELD_ITEMS], *fields = reader->values[CONFIG_FIELD_FIELDS];

	if (field->kind != KIND_OBJECT && field->kind != KIND_ARRAY)
		return;
	if (reader->depth == DEEPEST) {
		config_report_error(config, place, "fields are nested more than %d deep", (int)DEEPEST);
	} else if (field->kind == KIND_OBJECT && fields == NULL) {
		config_report_error(config, place,
				    "an object needs its \"fields\"; \"type: any\" takes whatever comes");
	} else if (field->kind == KIND_OBJECT) {
		field->members = config_define_fields(config, reader->places[CONFIG_FIELD_FIELDS], fields,
						      reader->depth + 1, &field->member_count);
	} else if (field->kind == KIND_ARRAY && items == NULL) {
		config_report_error(config, place,
				    "an array needs its \"items\"; \"items: {type: any}\" takes whatever comes");
	} else if (field->kind == KIND_ARRAY) {
		struct policy_field *item = config_value_zero(config, 1, sizeof(*item));

		field->item = item;
		if (item == NULL)
			return;
		item->name = "";
		read_field(config, reader->places[CONFIG_FIELD_ITEMS], items, reader->depth + 1, item);
	}
}

static void read_field(struct config *config, struct config_place place, struct fy_node *value, unsigned depth,
		       struct policy_field *field)
{
	struct reader reader = { .field = field, .depth = depth };
	struct fw_slice text;

	if (!config_yaml_is_map(config, place, "a field", value))
		return;
	config_walk_map(config, value, "a field", config_field_members, CONFIG_FIELD_MEMBERS, set_member, &reader);
	read_kind(config, &reader);
	if (read_word(config, &reader, CONFIG_FIELD_REQUIRED, &text))
		(void)config_value_boolean(config, reader.places[CONFIG_FIELD_REQUIRED], "required", text,
					   &field->required);
	refuse_others(config, &reader);
	read_class(config, &reader);
	if (reader.values[CONFIG_FIELD_VALUES] != NULL &&
	    config_value_texts(config, reader.places[CONFIG_FIELD_VALUES], "values", reader.values[CONFIG_FIELD_VALUES],
			       NULL, &field->choices)) {
		field->class = CLASS_ENUMERATED;
		if (field->choices.count == 0)
			config_report_error(config, reader.places[CONFIG_FIELD_VALUES],
					    "\"values\" lists nothing: no message would hold");
	}
	read_bounds(config, &reader);
	read_inner(config, &reader, place);
}

struct config_field_said config_define_said(struct fy_node *field)
{
	struct config_field_said said = { 0, 0, 0 };
	struct fy_node_pair *pair;
	void *at = NULL;

	while (fy_node_is_mapping(field) && (pair = fy_node_mapping_iterate(field, &at)) != NULL) {
		struct fw_slice key = config_yaml_text(fy_node_pair_key(pair), NULL);

		said.all++;
		for (unsigned i = 0; i < CONFIG_FIELD_MEMBERS; i++)
			if (slice_is(key, config_field_members[i]))
				*(i < CONFIG_FIELD_TYPE ? &said.rules : &said.definition) += 1;
	}
	return said;
}

/* Says who may set or see it and nothing else: a path is no field. */
static bool is_rule(struct fy_node *field)
{
	struct config_field_said said = config_define_said(field);

	return said.all != 0 && said.rules == said.all;
}

static bool name_holds(struct config *config, struct config_place place, struct fw_slice name, bool rule)
{
	if (!rule && memchr(name.data, '.', name.size) != NULL) {
		config_report_error(
			config, place,
			"a field of a field stands in the \"fields\" of the object that it is in, not behind a dot");
		return false;
	}
	if (name.size > NAME_MOST)
		config_report_error(config, place, "the name of a field has at most %d octets", (int)NAME_MOST);
	return name.size <= NAME_MOST;
}

const struct policy_field *config_define_fields(struct config *config, struct config_place place, struct fy_node *map,
						unsigned depth, uint16_t *ret_count)
{
	struct policy_field *fields;
	struct fy_node_pair *pair;
	void *at = NULL;
	int count;

	*ret_count = 0;
	if (!config_yaml_is_map(config, place, "\"fields\"", map))
		return NULL;
	count = fy_node_is_mapping(map) ? fy_node_mapping_item_count(map) : 0;
	if (count >= LIMIT_FIELDS) { /* one is kept for the token against forged requests */
		config_report_error(config, place, "there are more than %d fields", (int)LIMIT_FIELDS - 1);
		return NULL;
	}
	fields = config_value_zero(config, (size_t)count + 1, sizeof(*fields));
	while (fields != NULL && count != 0 && (pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct policy_field *field = &fields[*ret_count];
		bool rule = depth == 1 && is_rule(fy_node_pair_value(pair));
		struct fw_slice name;

		if (!config_yaml_key(config, key, fy_node_pair_key(pair), &name) ||
		    !config_walk_first(config, map, fy_node_pair_key(pair)) || !name_holds(config, key, name, rule))
			continue;
		if (rule && memchr(name.data, '.', name.size) != NULL)
			continue; /* of a field of a field: see config_fields.c */
		field->name = config_value_text(config, name);
		field->name_size = (uint16_t)name.size;
		read_field(config, key, fy_node_pair_value(pair), depth, field);
		*ret_count = (uint16_t)(*ret_count + (field->name != NULL));
	}
	return fields;
}
