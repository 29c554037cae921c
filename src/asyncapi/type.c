/* type.c: the types of message of the configuration. Their names are for all routes, so two messages of one name are
 * an error that names both. */
#include <string.h>

#include "asyncapi/import.h"

static const struct type *find(const struct import *import, struct fw_slice name)
{
	for (const struct type *type = import->types; type != NULL; type = type->next)
		if (slice_equal(type->name, name))
			return type;
	return NULL;
}

static bool name_holds(struct import *import, const struct document_node *place, struct fw_slice name)
{
	bool holds = name.size != 0 && name.size <= 128;

	for (size_t i = 0; i < name.size; i++)
		holds = holds && name.data[i] >= 0x20 && name.data[i] != 0x7f && name.data[i] != '"' &&
			name.data[i] != '\\';
	if (slice_is(name, "auth") || slice_is(name, "csrf_refresh")) {
		import_error(import, place, "\"%s\" is a message of the login here, and none of the server behind",
			     import_shown(import, name));
		return false;
	}
	if (!holds)
		import_error(import, place,
			     "\"%s\" cannot be the name of a type: it has from 1 to 128 octets, and no "
			     "quote, backslash or control character",
			     import_shown(import, name));
	return holds;
}

static bool schema_of(struct import *import, struct message *message)
{
	if (message->payload != NULL && message->schema.data == NULL)
		message->schema = import_schema(import, message);
	return message->payload == NULL || message->schema.data != NULL;
}

static void add(struct import *import, struct fw_slice name, const struct use *use)
{
	struct type *type = import_alloc(import, sizeof(*type));

	if (type == NULL)
		return;
	if (import->type_count++ == LIMIT_OWN_TYPES)
		import_error(import, use->message->place, "there are more than %d types of message",
			     (int)LIMIT_OWN_TYPES);
	*type = (struct type){ name, use, NULL };
	*import->last_type = type;
	import->last_type = &type->next;
}

static bool same_schema(const struct message *a, const struct message *b)
{
	return a == b || (a->schema.data != NULL && b->schema.data != NULL && slice_equal(a->schema, b->schema));
}

static void add_named(struct import *import, const struct document_node *value, const struct use *use)
{
	const struct type *other = find(import, value->text);

	if (!name_holds(import, value, value->text))
		return;
	if (other == NULL)
		add(import, value->text, use);
	else if (!same_schema(other->use->message, use->message))
		import_error(
			import, use->message->place,
			"the messages \"%s\" and \"%s\" (%s) are of one type \"%s\", on channels that differ: a type "
			"is one thing; import each channel by itself (--channel)",
			import_shown(import, use->message->name), import_shown(import, other->use->message->name),
			import_place(import, other->use->message->place), import_shown(import, value->text));
	else if (!slice_equal(other->use->permission, use->permission))
		import_error(import, use->message->place, "the type \"%s\" asks for \"%s\" here and for \"%s\" in %s",
			     import_shown(import, value->text), import_shown(import, use->permission),
			     import_shown(import, other->use->permission),
			     import_place(import, other->use->message->place));
}

/* Where no message says its type the name is free: that of the message, made to differ. */
static void add_untyped(struct import *import, struct use *use)
{
	struct fw_slice name = use->message->name;
	char text[128];

	for (unsigned i = 2; find(import, name) != NULL; i++) {
		if (same_schema(find(import, name)->use->message, use->message) &&
		    slice_equal(find(import, name)->use->permission, use->permission)) {
			use->type = name;
			return;
		}
		snprintf(text, sizeof(text), "%.*s-%u",
			 (int)(use->message->name.size < 100 ? use->message->name.size : 100),
			 (const char *)use->message->name.data, i);
		name = slice_text(import_text(import, slice_text(text)));
	}
	use->type = name;
	if (name_holds(import, use->message->place, name))
		add(import, name, use);
}

void import_types(struct import *import)
{
	import->last_type = &import->types;
	for (struct route *route = import->routes; route != NULL; route = route->next)
		for (struct use *use = route->in.first; use != NULL && !import->short_of_memory; use = use->next) {
			if (!schema_of(import, use->message))
				continue;
			for (unsigned i = 0; i < use->values.count && !route->untyped; i++)
				add_named(import, use->values.list[i], use);
			if (route->untyped)
				add_untyped(import, use);
		}
}
