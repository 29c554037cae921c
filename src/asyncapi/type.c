/* type.c: the types of message of the configuration. Their names are for all routes, so two messages of one name are
 * an error that names both. */
#include <string.h>

#include "asyncapi/import.h"
#include "policy/policy.h"

static struct type *find(const struct import *import, struct fw_slice name)
{
	for (struct type *type = import->types; type != NULL; type = type->next)
		if (slice_equal(type->name, name))
			return type;
	return NULL;
}

static bool name_holds(struct import *import, const struct document_node *place, struct fw_slice name)
{
	bool holds = policy_type_is_name(name);

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

static void add(struct import *import, struct fw_slice name, const struct use *in, const struct use *out)
{
	struct type *type = import_alloc(import, sizeof(*type));

	if (type == NULL)
		return;
	if (import->type_count++ == LIMIT_OWN_TYPES)
		import_error(import, (in != NULL ? in : out)->message->place, "there are more than %d types of message",
			     (int)LIMIT_OWN_TYPES);
	*type = (struct type){ name, in, out, NULL };
	*import->last_type = type;
	import->last_type = &type->next;
}

static bool same_schema(const struct message *a, const struct message *b)
{
	return a == b || (a->schema.data != NULL && b->schema.data != NULL && slice_equal(a->schema, b->schema));
}

static void compare(struct import *import, const struct document_node *value, const struct use *use,
		    const struct use *other)
{
	const struct message *message = use->message;

	if (!same_schema(other->message, message))
		import_error(
			import, message->place,
			"the messages \"%s\" and \"%s\" (%s) are of one type \"%s\", on channels that differ: a type "
			"is one thing; import each channel by itself (--channel)",
			import_shown(import, message->name), import_shown(import, other->message->name),
			import_place(import, other->message->place), import_shown(import, value->text));
	else if (!slice_equal(other->permission, use->permission))
		import_error(import, message->place, "the type \"%s\" asks for \"%s\" here and for \"%s\" in %s",
			     import_shown(import, value->text), import_shown(import, use->permission),
			     import_shown(import, other->permission), import_place(import, other->message->place));
}

static void add_named(struct import *import, const struct document_node *value, const struct use *use, bool from_client)
{
	struct type *type = find(import, value->text);
	const struct use **side;

	if (!name_holds(import, value, value->text))
		return;
	if (type == NULL) {
		add(import, value->text, from_client ? use : NULL, from_client ? NULL : use);
		return;
	}
	side = from_client ? &type->in : &type->out;
	if (*side == NULL)
		*side = use;
	else
		compare(import, value, use, *side);
}

/* Where no message says its type the name is free: that of the message, made to differ. */
static void add_untyped(struct import *import, struct use *use, bool from_client)
{
	struct fw_slice name = use->message->name;
	const struct type *type;
	char text[128];

	for (unsigned i = 2; (type = find(import, name)) != NULL; i++) {
		const struct use *other = from_client ? type->in : type->out;

		if (other != NULL && same_schema(other->message, use->message) &&
		    slice_equal(other->permission, use->permission)) {
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
		add(import, name, from_client ? use : NULL, from_client ? NULL : use);
}

static void name_all(struct import *import, struct use *use, bool from_client)
{
	for (; use != NULL && !import->short_of_memory; use = use->next)
		for (unsigned i = 0; schema_of(import, use->message) && i < use->values.count; i++)
			add_named(import, use->values.list[i], use, from_client);
}

static void name_side(struct import *import, struct use *first, bool untyped, bool from_client)
{
	if (!untyped)
		name_all(import, first, from_client);
	else if (schema_of(import, first->message))
		add_untyped(import, first, from_client);
}

/* Types that messages say come first: their names are not free. */
void import_types(struct import *import)
{
	import->last_type = &import->types;
	for (unsigned untyped = 0; untyped < 2; untyped++)
		for (struct route *route = import->routes; route != NULL; route = route->next) {
			if (route->untyped == untyped)
				name_side(import, route->in.first, untyped, true);
			if (route->judges_out && route->untyped_out == untyped)
				name_side(import, route->out.first, untyped, false);
		}
}
