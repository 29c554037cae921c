/* discriminator.c: where a message says its type: a place at which each message of a channel and direction has values
 * that no other has. Two that nothing tells apart are an error that names both. */
#include <string.h>

#include "asyncapi/import.h"
#include "codec/json_pointer.h"

enum { POINTER_ROOM = 129, CANDIDATES_MOST = 64, NAMES_MOST = 3, DEPTH_MOST = 32, WALK_MOST = 20000 };

struct walk {
	struct import *import;
	unsigned steps; /* of all branches together */
};

static bool same(const struct document_node *a, const struct document_node *b)
{
	return slice_equal(a->text, b->text); /* a number is a name as it is written */
}

/* What can be the name of a type: a text, an integer. */
static bool names(const struct document_node *value)
{
	if (value->kind == DOCUMENT_TEXT)
		return value->text.size != 0 && value->text.size <= 128;
	return value->kind == DOCUMENT_NUMBER && memchr(value->text.data, '.', value->text.size) == NULL &&
	       memchr(value->text.data, 'e', value->text.size) == NULL &&
	       memchr(value->text.data, 'E', value->text.size) == NULL;
}

static void add(struct values *to, const struct document_node *value)
{
	for (unsigned i = 0; i < to->count; i++)
		if (same(to->list[i], value))
			return;
	if (to->count == VALUES_MOST || !names(value))
		to->any = true;
	else
		to->list[to->count++] = value;
}

static const struct values ANY = { .any = true };

static void find(struct walk *walk, const struct document_node *schema, struct fw_slice pointer, unsigned depth,
		 struct values *ret);

/* What each of a list allows together: all of allOf, one of the others. */
static void find_in_list(struct walk *walk, const struct document_node *list, bool all, struct fw_slice pointer,
			 unsigned depth, struct values *ret)
{
	struct values one, best = all ? ANY : (struct values){ 0 };

	if (list == NULL || list->kind != DOCUMENT_LIST || list->first == NULL)
		return;
	for (const struct document_node *item = list->first; item != NULL; item = item->next) {
		find(walk, item, pointer, depth + 1, &one);
		if (all && !one.any && (best.any || one.count < best.count))
			best = one;
		for (unsigned i = 0; !all && i < one.count; i++)
			add(&best, one.list[i]);
		best.any = all ? best.any : best.any || one.any;
	}
	if (!best.any && (ret->any || best.count < ret->count))
		*ret = best;
}

static void find_here(const struct document_node *schema, struct values *ret)
{
	const struct document_node *value = document_named(schema, "const"), *list = document_named(schema, "enum");
	struct values here = { 0 };

	if (value != NULL)
		add(&here, value);
	for (const struct document_node *item = value == NULL && list != NULL ? list->first : NULL; item != NULL;
	     item = item->next)
		add(&here, item);
	if (here.count != 0 && !here.any)
		*ret = here;
}

static void find(struct walk *walk, const struct document_node *schema, struct fw_slice pointer, unsigned depth,
		 struct values *ret)
{
	const struct document_node *target = import_follow(walk->import, schema), *member;
	struct fw_slice rest = pointer;
	uint8_t name[JSON_POINTER_NAME];
	size_t size;

	*ret = ANY;
	if (target == NULL || target->kind != DOCUMENT_MAP || depth > DEPTH_MOST || ++walk->steps > WALK_MOST)
		return;
	if (pointer.size == 0) {
		find_here(target, ret);
	} else if (json_pointer_next(&rest, name, &size)) {
		member = document_member(import_follow(walk->import, document_named(target, "properties")),
					 slice(name, size));
		if (member != NULL)
			find(walk, member, rest, depth + 1, ret);
	}
	find_in_list(walk, document_named(target, "allOf"), true, pointer, depth, ret);
	find_in_list(walk, document_named(target, "oneOf"), false, pointer, depth, ret);
	find_in_list(walk, document_named(target, "anyOf"), false, pointer, depth, ret);
}

bool import_values(struct import *import, const struct document_node *schema, struct fw_slice pointer,
		   struct values *ret_values)
{
	struct walk walk = { import, 0 };

	find(&walk, schema, pointer, 0, ret_values);
	return !ret_values->any && ret_values->count != 0;
}

struct candidates {
	struct walk walk;
	unsigned count;
	char list[CANDIDATES_MOST][POINTER_ROOM];
};

static void add_candidate(struct candidates *candidates, const char *pointer)
{
	for (unsigned i = 0; i < candidates->count; i++)
		if (strcmp(candidates->list[i], pointer) == 0)
			return;
	if (candidates->count < CANDIDATES_MOST)
		memcpy(candidates->list[candidates->count++], pointer, strlen(pointer) + 1);
}

/* Places of a schema, those that are not deep first. */
static void collect(struct candidates *candidates, const struct document_node *schema, const char *pointer,
		    unsigned names_left, unsigned depth)
{
	static const char *const lists[] = { "allOf", "oneOf", "anyOf" };
	const struct document_node *target = import_follow(candidates->walk.import, schema), *properties;

	if (target == NULL || target->kind != DOCUMENT_MAP || depth > DEPTH_MOST ||
	    ++candidates->walk.steps > WALK_MOST)
		return;
	properties = import_follow(candidates->walk.import, document_named(target, "properties"));
	for (const struct document_node *node =
		     properties != NULL && properties->kind == DOCUMENT_MAP && names_left != 0 ? properties->first
											       : NULL;
	     node != NULL; node = node->next) {
		char longer[POINTER_ROOM];

		memcpy(longer, pointer, strlen(pointer) + 1);
		if (!json_pointer_add(longer, sizeof(longer), node->key))
			continue;
		if (names_left == 1)
			add_candidate(candidates, longer);
		else
			collect(candidates, node, longer, names_left - 1, depth + 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		const struct document_node *list = document_named(target, lists[i]);

		for (const struct document_node *item = list != NULL && list->kind == DOCUMENT_LIST ? list->first
												    : NULL;
		     item != NULL; item = item->next)
			collect(candidates, item, pointer, names_left, depth + 1);
	}
}

/* Two messages that a place does not tell apart; one of them alone: it says nothing there. */
struct clash {
	const struct use *one, *two;
	const struct document_node *value;
	unsigned count;
};

static struct values *values_of(struct import *import, const struct use *use, const char *pointer, struct values *room)
{
	if (use->message->payload == NULL || !import_values(import, use->message->payload, slice_text(pointer), room))
		*room = ANY;
	return room;
}

static void compare(const struct use *one, const struct values *a, const struct use *two, const struct values *b,
		    struct clash *clash)
{
	for (unsigned i = 0; i < a->count; i++)
		for (unsigned k = 0; k < b->count; k++) {
			if (!same(a->list[i], b->list[k]))
				continue;
			if (clash->count++ == 0) {
				clash->one = one;
				clash->two = two;
				clash->value = a->list[i];
			}
			return;
		}
}

static void clashes(struct import *import, const struct uses *uses, const char *pointer, struct clash *ret_clash)
{
	struct values *all = import->values;
	unsigned i = 0, k;

	memset(ret_clash, 0, sizeof(*ret_clash));
	for (const struct use *use = uses->first; use != NULL; use = use->next, i++)
		if (values_of(import, use, pointer, &all[i])->any && ret_clash->count++ == 0) {
			ret_clash->one = use;
			ret_clash->two = use->next != NULL ? use->next : uses->first;
		}
	i = 0;
	for (const struct use *one = uses->first; one != NULL; one = one->next, i++) {
		k = i + 1;
		for (const struct use *two = one->next; two != NULL; two = two->next, k++)
			if (!all[i].any && !all[k].any)
				compare(one, &all[i], two, &all[k], ret_clash);
	}
}

/* The usual names first, then those of the document in their order. */
static void list_candidates(struct import *import, const struct uses *uses, struct candidates *candidates)
{
	static const char *const usual[] = { "/type", "/event", "/op", "/action", "/kind", "/method", "/command" };

	*candidates = (struct candidates){ .walk = { import, 0 } };
	if (import->options->discriminator != NULL) {
		if (*import->options->discriminator == '/' && strlen(import->options->discriminator) < POINTER_ROOM)
			add_candidate(candidates, import->options->discriminator);
		else
			import_error(import, NULL, "--discriminator is a JSON Pointer of up to %d octets: /event",
				     POINTER_ROOM - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		add_candidate(candidates, usual[i]);
	for (unsigned depth = 1; depth <= NAMES_MOST; depth++)
		if (uses->first != NULL && uses->first->message->payload != NULL)
			collect(candidates, uses->first->message->payload, "", depth, 0);
}

static void say_ambiguous(struct import *import, const struct clash *clash, const char *pointer, const char *hint)
{
	const struct message *one, *two;
	char names[512];

	if (clash->one == NULL || clash->two == NULL)
		return; /* there was no place to look at, which was said */
	one = clash->one->message;
	two = clash->two->message;

	snprintf(names, sizeof(names), "the messages \"%s\" (%s) and \"%s\" (%s) cannot be told apart",
		 import_shown(import, one->name), import_place(import, one->place), import_shown(import, two->name),
		 import_place(import, two->place));
	if (clash->value != NULL)
		import_error(import, two->place, "%s: both say \"%s\" at %s%s", names,
			     import_shown(import, clash->value->text), pointer, hint);
	else
		import_error(import, two->place,
			     "%s: at no place has each a value of its own (\"%s\" has no const or enum at %s); "
			     "--discriminator names the place%s",
			     names, import_shown(import, one->name), pointer, hint);
}

/* A payload that leaves it out would hold, and be nobody's. */
static bool requires(struct import *import, const struct document_node *schema, const char *pointer, unsigned depth)
{
	const struct document_node *target = import_follow(import, schema), *list;

	if (target == NULL || target->kind != DOCUMENT_MAP || depth > 8)
		return false;
	list = document_named(target, "required");
	for (const struct document_node *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		if (strncmp(pointer + 1, (const char *)item->text.data, item->text.size) == 0 &&
		    (pointer[1 + item->text.size] == '\0' || pointer[1 + item->text.size] == '/'))
			return true;
	list = document_named(target, "allOf");
	for (const struct document_node *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		if (requires(import, item, pointer, depth + 1))
			return true;
	return false;
}

struct found {
	const char *in, *out; /* the first place that tells messages apart; NULL: none */
	const char *both;
	struct clash least[2]; /* of the place with the fewest clashes */
	const char *least_at[2];
};

static void look(struct import *import, struct route *route, const struct candidates *candidates, struct found *found)
{
	for (unsigned i = 0; i < candidates->count; i++) {
		const char *pointer = candidates->list[i];
		const struct uses *uses[2] = { &route->in, &route->out };
		struct clash clash[2];

		for (unsigned side = 0; side < 2; side++) {
			clashes(import, uses[side], pointer, &clash[side]);
			if (found->least_at[side] == NULL || clash[side].count < found->least[side].count) {
				found->least[side] = clash[side];
				found->least_at[side] = pointer;
			}
		}
		if (clash[0].count == 0 && found->in == NULL && route->in.count != 0)
			found->in = pointer;
		if (clash[1].count == 0 && found->out == NULL && route->out.count != 0)
			found->out = pointer;
		if (clash[0].count == 0 && clash[1].count == 0 && found->both == NULL)
			found->both = pointer;
	}
}

static void take_values(struct import *import, struct route *route)
{
	for (struct use *use = route->in.first; use != NULL && route->discriminator != NULL; use = use->next) {
		values_of(import, use, route->discriminator, &use->values);
		if (!use->values.any && !requires(import, use->message->payload, route->discriminator, 0))
			import_note(import, use->message->place,
				    "\"%s\" must say its type at %s, although its payload does not require that",
				    import_shown(import, use->message->name), route->discriminator);
	}
	for (struct use *use = route->out.first;
	     use != NULL && route->judges_out && !route->untyped_out && route->discriminator != NULL; use = use->next)
		values_of(import, use, route->discriminator, &use->values);
}

static void decide(struct import *import, struct route *route)
{
	struct candidates *candidates = import_alloc(import, 2 * sizeof(*candidates));
	struct found found = { 0 };

	if (candidates == NULL)
		return;
	list_candidates(import, route->in.count != 0 ? &route->in : &route->out, &candidates[0]);
	look(import, route, &candidates[0], &found);
	if (route->in.count > 1 && found.in == NULL)
		say_ambiguous(import, &found.least[0], found.least_at[0], "");
	if (route->in.count != 0 && found.out == NULL) { /* perhaps the server says it elsewhere */
		list_candidates(import, &route->out, &candidates[1]);
		look(import, route, &candidates[1], &found);
	}
	if (route->out.count > 1 && found.out == NULL)
		say_ambiguous(import, &found.least[1], found.least_at[1],
			      "; --clients-only leaves out what the server sends");
	route->discriminator = found.both != NULL ? found.both : route->in.count != 0 ? found.in : found.out;
	route->untyped = route->in.count == 1 && route->discriminator == NULL;
	route->untyped_out = route->out.count == 1 && found.both == NULL;
	route->judges_out = route->out.count <= 1 || (found.both != NULL && !route->untyped);
	take_values(import, route);
	if (!route->judges_out && route->discriminator != NULL)
		import_note(import, route->out.first->message->place,
			    "what the server sends on this channel is not judged: %s says the type of what clients "
			    "send, and not of that",
			    route->discriminator);
	else if (!route->judges_out)
		import_note(import, route->out.first->message->place,
			    "what the server sends on this channel is not judged: nothing in it says its type");
	else if (route->out.count == 0 && !import->options->clients_only)
		import_note(import, route->place,
			    "the server sends no message on this channel, as the document has it: none is delivered "
			    "(--clients-only delivers all)");
}

void import_discriminators(struct import *import)
{
	import->values = import_alloc(import, LIMIT_OWN_TYPES * sizeof(*import->values));
	for (struct route *route = import->routes; route != NULL && !import->short_of_memory; route = route->next)
		decide(import, route);
}
