#include "policy/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { TEXT_ROOM = 1024, WHAT_ROOM = 256 };

struct comparing {
	const struct fw_policy *before, *after;
	difference_function *say;
	void *user;
	const char *what; /* a type, or a part of it: put before what is said */
	bool short_of_memory;
};

__attribute__((format(printf, 3, 4))) static void say(const struct comparing *c, enum difference effect,
						      const char *format, ...)
{
	char text[TEXT_ROOM], said[TEXT_ROOM - WHAT_ROOM];
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE: clang-tidy 14 forgets the va_start above */
	vsnprintf(said, sizeof(said), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%.250s: %s", c->what, said);
	c->say(c->user, effect, text);
}

static struct comparing about(const struct comparing *c, const char *what)
{
	struct comparing part = *c;

	part.what = what;
	return part;
}

static void yes_or_no(const struct comparing *c, bool before, bool after, enum difference when_on, const char *on,
		      const char *off)
{
	enum difference when_off = when_on == DIFFERENCE_OPENS ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS;

	if (before != after)
		say(c, after ? when_on : when_off, "%s", after ? on : off);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* More of it lets more pass. */
static void most(const struct comparing *c, int64_t before, int64_t after, const char *words)
{
	if (before != after)
		say(c, after > before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s %" PRId64 ", was %" PRId64, words,
		    after, before);
}

/* NULL: anybody who is logged in. */
static void compare_need(const struct comparing *c, const char *before, const char *after, const char *what)
{
	if (same_text(before, after))
		return;
	if (after == NULL)
		say(c, DIFFERENCE_OPENS, "asks for no %s any more; it was %s", what, before);
	else if (before == NULL)
		say(c, DIFFERENCE_CLOSES, "asks for the %s %s", what, after);
	else
		say(c, DIFFERENCE_CHANGES, "asks for the %s %s, was %s", what, after, before);
}

static const char *permission_of(const struct fw_policy *policy, uint16_t permission)
{
	return permission != POLICY_NONE ? policy->permissions[permission] : NULL;
}

static const char *role_of(const struct fw_policy *policy, uint16_t role)
{
	return role != POLICY_NONE ? policy->roles[role].name : NULL;
}

static const struct policy_field *field_named(const struct policy_field *fields, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static void compare_choices(const struct comparing *c, const struct texts *one, const struct texts *two,
			    enum difference effect, const char *words)
{
	for (size_t i = 0; i < two->count; i++) {
		bool found = false;

		for (size_t k = 0; k < one->count; k++)
			found = found || strcmp(one->items[k], two->items[i]) == 0;
		if (!found)
			say(c, effect, "%s %s", words, two->items[i]);
	}
}

static void compare_fields(const struct comparing *c, const struct policy_field *before, unsigned before_count,
			   const struct policy_field *after, unsigned after_count, unsigned depth);

static void compare_field(const struct comparing *c, const struct policy_field *a, const struct policy_field *b,
			  unsigned depth)
{
	yes_or_no(c, a->required, b->required, DIFFERENCE_CLOSES, "must be there", "need not be there");
	if (a->kind != b->kind || a->class != b->class) {
		say(c, DIFFERENCE_CHANGES, "another type or class");
		return;
	}
	if ((a->kind == KIND_NUMBER || a->kind == KIND_INTEGER) && a->bounded != b->bounded) {
		say(c, b->bounded ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS,
		    b->bounded ? "has bounds" : "has no bounds any more");
	} else if (a->kind == KIND_STRING || a->kind == KIND_ARRAY || a->bounded || a->kind == KIND_INTEGER) {
		most(c, a->max, b->max, "maximum");
		if (a->min != b->min)
			say(c, b->min < a->min ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
			    "minimum %" PRId64 ", was %" PRId64, b->min, a->min);
	}
	compare_choices(c, &a->choices, &b->choices, DIFFERENCE_OPENS, "another value:");
	compare_choices(c, &b->choices, &a->choices, DIFFERENCE_CLOSES, "no longer the value");
	if (a->kind == KIND_OBJECT)
		compare_fields(c, a->members, a->member_count, b->members, b->member_count, depth + 1);
	if (a->item != NULL && b->item != NULL)
		compare_field(c, a->item, b->item, depth + 1);
}

/* Depth: the configuration bounds it. */
static void compare_fields(const struct comparing *c, const struct policy_field *before, unsigned before_count,
			   const struct policy_field *after, unsigned after_count, unsigned depth)
{
	char what[WHAT_ROOM];

	for (unsigned i = 0; i < before_count; i++) {
		const struct policy_field *other = field_named(after, after_count, before[i].name);
		struct comparing part;

		snprintf(what, sizeof(what), "%s%s%s", c->what, depth == 0 ? ": " : ".", before[i].name);
		part = about(c, what);
		if (other == NULL)
			say(&part, DIFFERENCE_CLOSES, "is no field any more");
		else
			compare_field(&part, &before[i], other, depth);
	}
	for (unsigned i = 0; i < after_count; i++) {
		struct comparing part;

		if (field_named(before, before_count, after[i].name) != NULL)
			continue;
		snprintf(what, sizeof(what), "%s%s%s", c->what, depth == 0 ? ": " : ".", after[i].name);
		part = about(c, what);
		say(&part, DIFFERENCE_OPENS, "a new field");
	}
}

static void of_schema(void *user, enum difference effect, const char *text)
{
	say(user, effect, "%s", text);
}

static struct jsonschema_compared schema_of(const struct fw_policy *policy, const struct policy_message *message)
{
	return (struct jsonschema_compared){ message->schema->text, policy->settings.schema_objects == SCHEMA_CLOSED };
}

/* No network: from anywhere. */
static void compare_condition(const struct comparing *c, const struct policy_condition *a,
			      const struct policy_condition *b)
{
	yes_or_no(c, a->certificate, b->certificate, DIFFERENCE_CLOSES, "asks for a certificate",
		  "asks for no certificate any more");
	if ((a->networks.count == 0) != (b->networks.count == 0)) {
		say(c, a->networks.count == 0 ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS, "%s",
		    a->networks.count == 0 ? "asks for a network" : "asks for no network any more");
		return;
	}
	compare_choices(c, &a->networks, &b->networks, DIFFERENCE_OPENS, "takes the network");
	compare_choices(c, &b->networks, &a->networks, DIFFERENCE_CLOSES, "does not take the network any more:");
}

static void compare_definition(struct comparing *c, const struct policy_message *a, const struct policy_message *b)
{
	compare_need(c, permission_of(c->before, a->permission), permission_of(c->after, b->permission), "permission");
	compare_need(c, role_of(c->before, a->role), role_of(c->after, b->role), "role");
	yes_or_no(c, a->csrf, b->csrf, DIFFERENCE_CLOSES, "needs a CSRF token", "needs no CSRF token any more");
	most(c, a->max_bytes, b->max_bytes, "greatest size in bytes");
	if ((a->rate == NULL) != (b->rate == NULL))
		say(c, a->rate == NULL ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS, "%s rate of its own",
		    a->rate == NULL ? "has a" : "has no");
	else if (a->rate != NULL)
		most(c, a->messages_per_minute, b->messages_per_minute, "messages a minute");
	if ((a->when == NULL) != (b->when == NULL))
		say(c, a->when == NULL ? DIFFERENCE_CLOSES : DIFFERENCE_OPENS, "%s a network or certificate",
		    a->when == NULL ? "asks for" : "no longer asks for");
	else if (a->when != NULL)
		compare_condition(c, a->when, b->when);
	if (a->schema != NULL && b->schema != NULL) {
		struct jsonschema_compared before = schema_of(c->before, a), after = schema_of(c->after, b);

		if (!jsonschema_compare(&before, &after, of_schema, c))
			c->short_of_memory = true;
	} else if (a->schema != NULL || b->schema != NULL || a->open != b->open) {
		say(c, DIFFERENCE_CHANGES, "what it must be is said in another way");
	} else {
		compare_fields(c, a->fields, a->field_count, b->fields, b->field_count, 0);
	}
}

/* Of a type that a route lists there is a copy without a name of its own in the index. */
static const struct policy_message *sent(const struct fw_policy *policy, unsigned i)
{
	const struct policy_message *message = &policy->messages[i];

	return policy_message_find(policy, slice(message->name, message->name_size)) == i ? message : NULL;
}

static const struct policy_message *sent_as(const struct fw_policy *policy, const struct policy_message *message)
{
	uint16_t found = policy_message_find(policy, slice(message->name, message->name_size));

	return found != POLICY_NONE ? &policy->messages[found] : NULL;
}

static const struct policy_message *received_as(const struct fw_policy *policy, const struct policy_outbound *row)
{
	uint16_t found = policy_served_find(policy, slice(row->name, row->name_size));

	return found != POLICY_NONE ? policy->outbound[found].message : NULL;
}

static void compare_sent(struct comparing *c)
{
	struct comparing part;

	for (unsigned i = 0; i < c->before->message_count; i++) {
		const struct policy_message *a = sent(c->before, i), *b = a != NULL ? sent_as(c->after, a) : NULL;

		if (a == NULL)
			continue;
		part = about(c, a->name);
		if (b != NULL)
			compare_definition(&part, a, b);
		else
			say(&part, DIFFERENCE_CLOSES, "clients may not send it any more");
		c->short_of_memory = c->short_of_memory || part.short_of_memory;
	}
	for (unsigned i = 0; i < c->after->message_count; i++) {
		const struct policy_message *b = sent(c->after, i);

		if (b == NULL || sent_as(c->before, b) != NULL)
			continue;
		part = about(c, b->name);
		say(&part, DIFFERENCE_OPENS, "clients may send it");
	}
}

static void compare_served(struct comparing *c)
{
	char what[WHAT_ROOM];
	struct comparing part = about(c, what);

	for (unsigned i = c->before->served_first; i < c->before->outbound_count; i++) {
		const struct policy_outbound *row = &c->before->outbound[i];
		const struct policy_message *b = received_as(c->after, row);

		snprintf(what, sizeof(what), "%.200s of the server", row->name);
		if (b != NULL)
			compare_definition(&part, row->message, b);
		else
			say(&part, DIFFERENCE_CLOSES, "is not described any more");
	}
	for (unsigned i = c->after->served_first; i < c->after->outbound_count; i++) {
		const struct policy_outbound *row = &c->after->outbound[i];

		if (received_as(c->before, row) != NULL)
			continue;
		snprintf(what, sizeof(what), "%.200s of the server", row->name);
		say(&part, DIFFERENCE_OPENS, "clients may receive it");
	}
	c->short_of_memory = c->short_of_memory || part.short_of_memory;
}

static const struct policy_route *route_as(const struct fw_policy *policy, const struct policy_route *route)
{
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].prefix == route->prefix && strcmp(policy->routes[i].path, route->path) == 0)
			return &policy->routes[i];
	return NULL;
}

static const struct policy_route_type *type_as(const struct policy_route *route, const struct policy_route_type *type)
{
	for (unsigned i = 0; i < route->type_count; i++)
		if (strcmp(route->types[i].name, type->name) == 0)
			return &route->types[i];
	return NULL;
}

static uint16_t defined(const struct fw_policy *policy, const char *name)
{
	return policy_message_find(policy, slice_text(name));
}

/* Does the route ask for another permission than the type? */
static bool asks_otherwise(const struct fw_policy *policy, const struct policy_route_type *type)
{
	uint16_t number = defined(policy, type->name);

	return number == POLICY_NONE ||
	       policy->messages[number].permission != policy->messages[type->message].permission;
}

/* What clients may send nowhere any more was said of the type. */
static void compare_types(struct comparing *c, const struct policy_route *a, const struct policy_route *b)
{
	char what[WHAT_ROOM];
	struct comparing part = about(c, what);

	yes_or_no(c, a->lists_types, b->lists_types, DIFFERENCE_CLOSES, "takes the types that it lists alone",
		  "takes every type that is defined");
	if (!a->lists_types || !b->lists_types)
		return;
	for (unsigned i = 0; i < a->type_count; i++) {
		const struct policy_route_type *other = type_as(b, &a->types[i]);

		if (other != NULL && !asks_otherwise(c->before, &a->types[i]) && !asks_otherwise(c->after, other))
			continue;
		if (other != NULL) {
			snprintf(what, sizeof(what), "%.120s: %.120s", c->what, a->types[i].name);
			compare_need(
				&part, permission_of(c->before, c->before->messages[a->types[i].message].permission),
				permission_of(c->after, c->after->messages[other->message].permission), "permission");
		} else if (a->dialect != 0 || defined(c->after, a->types[i].name) != POLICY_NONE) {
			say(c, DIFFERENCE_CLOSES, "does not take %s any more", a->types[i].name);
		}
	}
	for (unsigned i = 0; i < b->type_count; i++)
		if (type_as(a, &b->types[i]) == NULL &&
		    (b->dialect != 0 || defined(c->before, b->types[i].name) != POLICY_NONE))
			say(c, DIFFERENCE_OPENS, "takes %s", b->types[i].name);
}

static void compare_lists(const struct comparing *c, const struct texts *a, const struct texts *b, const char *what)
{
	char words[WHAT_ROOM];

	snprintf(words, sizeof(words), "takes the %s", what);
	compare_choices(c, a, b, DIFFERENCE_OPENS, words);
	snprintf(words, sizeof(words), "does not take the %s any more:", what);
	compare_choices(c, b, a, DIFFERENCE_CLOSES, words);
}

static bool same_inspection(const struct policy_route_inspect *a, const struct policy_route_inspect *b)
{
	bool same = a->has_mode == b->has_mode && (!a->has_mode || a->mode == b->mode);

	for (unsigned i = 0; i < DETECT_CLASSES; i++)
		same = same && a->own[i] == b->own[i] &&
		       (!a->own[i] || (a->refuse[i] == b->refuse[i] && a->flag[i] == b->flag[i]));
	return same;
}

/* Messages and octets of all clients of a route; 0: no limit. */
static void compare_rates(struct comparing *c, const int64_t before[2], const int64_t after[2])
{
	static const char *const what[2] = { "messages", "bytes" };

	for (unsigned i = 0; i < 2; i++) {
		if (before[i] == after[i])
			continue;
		if (after[i] == 0)
			say(c, DIFFERENCE_OPENS, "takes any number of %s a minute", what[i]);
		else
			say(c, before[i] != 0 && after[i] > before[i] ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
			    "takes %lld %s a minute of all clients", (long long)after[i], what[i]);
	}
}

static void compare_route(struct comparing *c, const struct policy_route *a, const struct policy_route *b)
{
	const char *one = role_of(c->before, a->anonymous_role), *two = role_of(c->after, b->anonymous_role);

	if (!same_text(one, two))
		say(c,
		    one == NULL	  ? DIFFERENCE_OPENS
		    : two == NULL ? DIFFERENCE_CLOSES
				  : DIFFERENCE_CHANGES,
		    two == NULL ? "asks for a login" : "lets in without a login, as %s", two != NULL ? two : "");
	yes_or_no(c, a->opaque, b->opaque, DIFFERENCE_OPENS, "messages are not read", "messages are read");
	yes_or_no(c, a->binary, b->binary, DIFFERENCE_OPENS, "binary messages pass", "binary messages do not pass");
	if (a->require != b->require)
		say(c,
		    (b->require & ~a->require) == 0   ? DIFFERENCE_OPENS
		    : (a->require & ~b->require) == 0 ? DIFFERENCE_CLOSES
						      : DIFFERENCE_CHANGES,
		    "\"require\" asks for something else");
	if (a->dialect != b->dialect || a->dialect_by_subprotocol != b->dialect_by_subprotocol)
		say(c, DIFFERENCE_CHANGES, "another dialect");
	if (!same_text(a->discriminator, b->discriminator) || a->untyped != b->untyped)
		say(c, DIFFERENCE_CHANGES, "the type stands elsewhere in a message");
	if (!same_text(a->upstream_authority, b->upstream_authority) || a->upstream_tls != b->upstream_tls ||
	    !same_text(a->upstream_path, b->upstream_path))
		say(c, DIFFERENCE_CHANGES, "leads to another server");
	if (!same_text(a->type_out, b->type_out))
		say(c, DIFFERENCE_CHANGES, "messages of the server are of the type %s, were %s",
		    b->type_out != NULL ? b->type_out : "that they say",
		    a->type_out != NULL ? a->type_out : "what they said");
	if (a->unknown_out != b->unknown_out)
		say(c, b->unknown_out < a->unknown_out ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    "types that the server has and nobody described %s",
		    b->unknown_out == UNEXPECTED_STOP ? "are not delivered" : "are delivered");
	if (a->invalid_out != b->invalid_out)
		say(c, b->invalid_out < a->invalid_out ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES,
		    "messages of the server that are not as described %s",
		    b->invalid_out == UNEXPECTED_STOP ? "are not delivered" : "are delivered");
	if (a->canonical != b->canonical)
		say(c, DIFFERENCE_CHANGES, "messages are forwarded %s",
		    b->canonical ? "in the canonical form" : "as they came");
	if (!same_text(a->login_message, b->login_message))
		say(c, DIFFERENCE_CHANGES, "another message tells the server who logged in");
	if (!same_inspection(&a->inspect, &b->inspect))
		say(c, DIFFERENCE_CHANGES, "texts of messages are inspected otherwise");
	/* NOLINTNEXTLINE: both were cleared before they were filled, padding included */
	if (memcmp(&a->secrets_in, &b->secrets_in, sizeof(a->secrets_in)) != 0 ||
	    /* NOLINTNEXTLINE: the same */
	    memcmp(&a->secrets_out, &b->secrets_out, sizeof(a->secrets_out)) != 0)
		say(c, DIFFERENCE_CHANGES, "secrets in messages are dealt with otherwise");
	compare_rates(c, a->per_minute, b->per_minute);
	compare_lists(c, &a->origins, &b->origins, "origin");
	compare_lists(c, &a->hosts, &b->hosts, "host");
	compare_lists(c, &a->subprotocols, &b->subprotocols, "subprotocol");
	compare_types(c, a, b);
}

static void compare_routes(struct comparing *c)
{
	char what[WHAT_ROOM];
	struct comparing part = about(c, what);

	for (unsigned i = 0; i < c->before->route_count; i++) {
		const struct policy_route *a = &c->before->routes[i], *b = route_as(c->after, a);

		snprintf(what, sizeof(what), "%.200s%s", a->path, a->prefix ? "*" : "");
		if (b != NULL)
			compare_route(&part, a, b);
		else
			say(&part, DIFFERENCE_CLOSES, "clients may not connect any more");
	}
	for (unsigned i = 0; i < c->after->route_count; i++) {
		const struct policy_route *b = &c->after->routes[i];

		if (route_as(c->before, b) != NULL)
			continue;
		snprintf(what, sizeof(what), "%.200s%s", b->path, b->prefix ? "*" : "");
		say(&part, DIFFERENCE_OPENS, "clients may connect");
	}
}

static const struct policy_guard *guard_of(const struct fw_policy *policy, const char *name)
{
	for (unsigned i = 0; i < policy->guard_count; i++)
		if (strcmp(policy->guards[i].name, name) == 0)
			return &policy->guards[i];
	return NULL;
}

static const struct policy_field_rule *rule_of(const struct policy_guard *guard, const char *name)
{
	for (unsigned i = 0; guard != NULL && i < guard->count; i++)
		if (strcmp(guard->rules[i].name, name) == 0)
			return &guard->rules[i];
	return NULL;
}

static bool has_type(const struct fw_policy *policy, const struct policy_guard *guard)
{
	struct fw_slice name = slice(guard->name, guard->name_size);

	return policy_message_find(policy, name) != POLICY_NONE || policy_outbound_find(policy, name) != POLICY_NONE ||
	       policy_served_find(policy, name) != POLICY_NONE;
}

/* before, after: is there a rule at all? */
static void compare_roles(const struct comparing *c, bool before, const struct texts *a, bool after,
			  const struct texts *b, const char *what)
{
	char words[WHAT_ROOM];

	if (before != after)
		say(c, before ? DIFFERENCE_OPENS : DIFFERENCE_CLOSES, "%s may %s it",
		    before ? "everybody" : "not everybody", what);
	if (!before || !after)
		return;
	snprintf(words, sizeof(words), "who may %s it: also", what);
	compare_choices(c, a, b, DIFFERENCE_OPENS, words);
	snprintf(words, sizeof(words), "who may %s it: no longer", what);
	compare_choices(c, b, a, DIFFERENCE_CLOSES, words);
}

static void compare_rule(const struct comparing *c, const struct policy_guard *guard, const char *name)
{
	static const struct policy_field_rule none;
	const struct policy_field_rule *a = rule_of(guard_of(c->before, guard->name), name);
	const struct policy_field_rule *b = rule_of(guard_of(c->after, guard->name), name);
	char what[WHAT_ROOM];
	struct comparing part = about(c, what);

	if (!has_type(c->before, guard) || !has_type(c->after, guard))
		return; /* which was said of the type */
	a = a != NULL ? a : &none;
	b = b != NULL ? b : &none;
	snprintf(what, sizeof(what), "%.120s: %.120s", guard->name, name);
	compare_roles(&part, a->sets, &a->set_by, b->sets, &b->set_by, "set");
	compare_roles(&part, a->sees, &a->seen_by, b->sees, &b->seen_by, "see");
	if (!same_text(a->mask, b->mask))
		say(&part, DIFFERENCE_CHANGES, "another mask is shown in its place");
}

/* Fields that not everybody may set or see. Each is looked at once: where the first policy has it, or the second alone.
 */
static void compare_guards(const struct comparing *c)
{
	for (unsigned i = 0; i < c->before->guard_count; i++)
		for (unsigned k = 0; k < c->before->guards[i].count; k++)
			compare_rule(c, &c->before->guards[i], c->before->guards[i].rules[k].name);
	for (unsigned i = 0; i < c->after->guard_count; i++)
		for (unsigned k = 0; k < c->after->guards[i].count; k++) {
			const struct policy_guard *guard = &c->after->guards[i];

			if (rule_of(guard_of(c->before, guard->name), guard->rules[k].name) == NULL)
				compare_rule(c, guard, guard->rules[k].name);
		}
}

/* What one policy's role may and the other's, if there is one, may not. */
static void compare_role(const struct comparing *c, const struct fw_policy *here, const struct policy_role *role,
			 const struct fw_policy *there, enum difference effect, const char *words)
{
	uint16_t number = policy_role_find(there, slice(role->name, role->name_size));
	char what[WHAT_ROOM];
	struct comparing part = about(c, what);

	snprintf(what, sizeof(what), "role %.200s", role->name);
	for (unsigned i = 0; i < here->permission_count; i++) {
		uint16_t other = policy_permission_find(there, slice_text(here->permissions[i]));

		if (!bits_has(&role->permissions, i) || other == POLICY_NONE) /* what nothing asks for there */
			continue;
		if (number == POLICY_NONE || !bits_has(&there->roles[number].permissions, other))
			say(&part, effect, "%s %s", words, here->permissions[i]);
	}
}

bool policy_compare(const struct fw_policy *before, const struct fw_policy *after, difference_function *say_it,
		    void *user)
{
	struct comparing c = { before, after, say_it, user, "", false };

	compare_routes(&c);
	compare_sent(&c);
	compare_served(&c);
	compare_guards(&c);
	for (unsigned i = 0; i < after->role_count; i++)
		compare_role(&c, after, &after->roles[i], before, DIFFERENCE_OPENS, "has the permission");
	for (unsigned i = 0; i < before->role_count; i++)
		compare_role(&c, before, &before->roles[i], after, DIFFERENCE_CLOSES, "has no longer the permission");
	return !c.short_of_memory;
}
