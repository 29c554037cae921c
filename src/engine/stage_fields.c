/* stage_fields.c: who may set which field of a message, and who may see which field of one that goes to a client. A
 * field is a path of names; arrays on the way are entered. Of a message to a client it begins in `data`, or beside it.
 */
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/outbound.h"

#include <string.h>

struct walk {
	struct message *message;
	const struct policy_field_rule *rule;
};

/* One of the roles, or inherits from one. Not with an API key that is narrowed to permissions: a role is none of them.
 */
static bool is_one_of(const struct policy_role *role, uint32_t roles)
{
	return !role->narrowed && (role->is & roles) != 0;
}

static enum verdict deny(struct message *message, const char *cause, enum error_code error, uint16_t event)
{
	message->cause = cause;
	message->error = error;
	message->event = event;
	return VERDICT_REFUSE;
}

/* The path of names is what the client is told: of elements of a list it need not say which. */
static void note(struct message *message, const struct policy_field_rule *rule)
{
	struct problems *problems = message->problems;
	struct problem *problem;

	if (message->detail.size == 0)
		message->detail = slice_text(rule->name);
	if (problems == NULL)
		return;
	problems->total++;
	if (problems->count == LIMIT_PROBLEMS)
		return;
	problem = &problems->list[problems->count++];
	*problem = (struct problem){ .rule = "role" };
	memcpy(problem->field, rule->name, strnlen(rule->name, sizeof(problem->field) - 1));
}

/* Calls found for the value of each member that the path leads to. Recursion is as deep as the JSON, which is bounded.
 */
static bool find(const struct walk *walk, const struct json *json, uint32_t node, struct fw_slice path,
		 void (*found)(const struct walk *walk, uint32_t key))
{
	const uint8_t *dot = path.size != 0 ? memchr(path.data, '.', path.size) : NULL;
	size_t size = dot != NULL ? (size_t)(dot - path.data) : path.size;
	bool any = false;
	uint32_t value;

	if (json->nodes[node].kind == JSON_ARRAY) {
		for (uint32_t at = node + 1; at < json->nodes[node].next; at = json->nodes[at].next)
			any = find(walk, json, at, path, found) || any;
		return any;
	}
	if (json->nodes[node].kind != JSON_OBJECT)
		return false;
	value = json_member(json, node, (const char *)path.data, size);
	if (value == 0)
		return false;
	if (dot != NULL)
		return find(walk, json, value, slice_from(path, size + 1), found);
	if (found != NULL)
		found(walk, value - 1);
	return true;
}

/* Fields by name and arguments by place are two ways of one thing: what a rule says of the one cannot be seen in the
 * other. */
static bool has_other_form(const struct message *message, const struct policy_field_rule *rule)
{
	const char *name = rule->name;

	if (message->said == NULL || message->json.count <= 1)
		return false;
	while (*name >= '0' && *name <= '9')
		name++;
	return message->said->listed != (name != rule->name && (*name == '\0' || *name == '.'));
}

static enum verdict inbound(struct message *message)
{
	const struct policy_guard *guard = message->rule != NULL ? message->rule->guard : NULL;
	bool denied = false;

	if (guard == NULL || message->role == NULL)
		return VERDICT_PASS;
	for (unsigned i = 0; i < guard->count; i++) {
		const struct policy_field_rule *rule = &guard->rules[i];

		if (!rule->sets || is_one_of(message->role, rule->set) ||
		    (!has_other_form(message, rule) && !find(NULL, &message->json, 0, slice_text(rule->name), NULL)))
			continue;
		note(message, rule);
		denied = true;
	}
	return denied ? deny(message, "a field that its role may not set", ERROR_PERMISSION_DENIED,
			     EVENT_permission_denied)
		      : VERDICT_PASS;
}

static const struct policy_guard *guard_of(const struct fw_policy *policy, struct fw_slice type)
{
	for (unsigned i = 0; i < policy->guard_count; i++)
		if (slice_equal(type, slice(policy->guards[i].name, policy->guards[i].name_size)))
			return &policy->guards[i];
	return NULL;
}

static bool hides_from(const struct policy_guard *guard, const struct policy_role *role)
{
	for (unsigned i = 0; guard != NULL && i < guard->count; i++)
		if (guard->rules[i].sees && !is_one_of(role, guard->rules[i].see))
			return true;
	return false;
}

static void hide(const struct walk *walk, uint32_t key)
{
	walk->message->hidden[key] = walk->rule;
}

bool fields_hide_begin(struct message *message)
{
	size_t size;

	if (message->hidden == NULL && size_mul(message->json.count, sizeof(void *), &size)) {
		message->hidden = arena_alloc(&message->engine->outbound, size);
		if (message->hidden != NULL)
			memset(message->hidden, 0, size);
	}
	return message->hidden != NULL;
}

/* One message: an object with a type. False: memory is short. */
static bool hide_fields(struct message *message, const struct policy_guard *guard, uint32_t root)
{
	const struct json *json = &message->json;
	uint32_t data = json_member(json, root, "data", 4);

	if (!hides_from(guard, message->role))
		return true;
	if (!fields_hide_begin(message))
		return false;
	message->hid = true;
	for (unsigned i = 0; i < guard->count; i++) {
		const struct walk walk = { message, &guard->rules[i] };

		if (!walk.rule->sees || is_one_of(message->role, walk.rule->see))
			continue;
		if (data != 0)
			find(&walk, json, data, slice_text(walk.rule->name), hide);
		find(&walk, json, root, slice_text(walk.rule->name), hide);
	}
	return true;
}

/* A server behind may send several in a list. */
static bool hide_all(struct message *message, uint32_t node)
{
	const struct json *json = &message->json;
	uint32_t type;

	if (json->nodes[node].kind == JSON_ARRAY) {
		for (uint32_t at = node + 1; at < json->nodes[node].next; at = json->nodes[at].next)
			if (!hide_all(message, at))
				return false;
		return true;
	}
	if (json->nodes[node].kind != JSON_OBJECT)
		return true;
	type = stage_route_type(message, node);
	if (type == 0 || !stage_route_names(message, type))
		return true;
	return hide_fields(message, guard_of(message->policy, json_text(json, type, &message->engine->outbound)), node);
}

/* Arguments come in the form that no rule which hides from this role speaks of: what is hidden by name could stand at
 * any place, and the other way round. Where the policy has rules of both forms it says what each hides. */
static bool only_other_form(const struct message *message, const struct policy_guard *guard)
{
	bool other = false;

	for (unsigned i = 0; guard != NULL && i < guard->count; i++) {
		const struct policy_field_rule *rule = &guard->rules[i];

		if (!rule->sees || is_one_of(message->role, rule->see))
			continue;
		if (!has_other_form(message, rule))
			return false;
		other = true;
	}
	return other;
}

/* By the name that the policy has for what the server sends, else for what a client does. */
static const struct policy_guard *guard_in_dialect(const struct message *message)
{
	const struct policy_outbound *row = outbound_row(message, message->said->type);
	const struct policy_guard *guard =
		row != NULL ? guard_of(message->policy, slice(row->name, row->name_size)) : NULL;

	return guard != NULL ? guard : guard_of(message->policy, dialects_type(message));
}

/* Of several in one message none is written anew. */
static enum verdict outbound_in_dialect(struct message *message)
{
	struct dialect_message *said = message->said;

	if (message->unread)
		return deny(message, "it is none of the dialect, so that no field of it could be hidden",
			    ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
	for (;;) {
		const struct policy_guard *guard = said->own ? NULL : guard_in_dialect(message);

		message->json = said->fields;
		if (hides_from(guard, message->role)) {
			if (only_other_form(message, guard))
				return deny(
					message,
					"fields are hidden by name and it has them by place, or the other way round",
					ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
			if (!hide_fields(message, guard, 0))
				return deny(message, "memory", ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
			if (said->units > 1)
				return deny(message, "one of several in one message has fields that are hidden",
					    ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
		}
		if (++said->unit >= said->units)
			return VERDICT_PASS;
		if (!message->dialect->next(said))
			return deny(message, "memory", ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
	}
}

/* A message that cannot be read could have in it what nobody may see: it is kept back. */
static enum verdict outbound(struct message *message)
{
	const struct policy_guard *guard = NULL;
	bool known = message->type != FW_TYPE_OPAQUE;
	enum json_result result;

	if (!message->policy->hides || message->role == NULL || message->binary ||
	    (message->route != NULL && message->route->opaque))
		return VERDICT_PASS;
	if (message->dialect != NULL)
		return outbound_in_dialect(message);
	if (known) {
		const struct policy_outbound *type = &message->policy->outbound[message->type];

		guard = guard_of(message->policy, slice(type->name, type->name_size));
		if (!hides_from(guard, message->role))
			return VERDICT_PASS;
	}
	result = message->json.nodes != NULL
			 ? JSON_OK
			 : json_parse(&message->engine->outbound, message->text, 0, &message->json, NULL);
	if (result != JSON_OK)
		return deny(message,
			    result == JSON_MEMORY ? "memory" : "not JSON, so that no field of it could be hidden",
			    ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
	if (known ? hide_fields(message, guard, 0) : hide_all(message, 0))
		return VERDICT_PASS;
	return deny(message, "memory", ERROR_VALIDATION_ERROR, EVENT_outbound_withheld);
}

enum verdict stage_fields(struct message *message)
{
	return message->outbound ? outbound(message) : inbound(message);
}

static bool replace(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip)
{
	const struct message *message = user;
	const struct policy_field_rule *rule = message->hidden[node];

	if (rule == NULL)
		return false;
	*ret_skip = true;
	if (rule->mask == NULL)
		return false;
	*ret_text = slice_text(rule->mask);
	return true;
}

bool fields_shown(struct message *message, struct fw_slice *ret_text)
{
	struct fw_engine *engine = message->engine;
	struct json_writer writer = { .out = &engine->shown, .pool = &engine->pool };

	if (message->hidden == NULL) {
		*ret_text = message->text;
		return true;
	}
	buf_clear(&engine->shown, &engine->pool);
	json_write_value(&writer, &message->json, 0, &engine->outbound, replace, message);
	*ret_text = slice(buf_data(&engine->shown), buf_size(&engine->shown));
	if (message->said != NULL && !writer.failed) {
		*ret_text = message->said->place.data != NULL ? dialects_write(message, *ret_text) : message->text;
		return ret_text->data != NULL;
	}
	return !writer.failed;
}
