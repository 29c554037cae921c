/* outbound.c: messages of a server, judged by type: which types there are in one message, may this role receive each,
 * are they as they were defined. A message may hold several: a list of objects, or units of its dialect. They pass
 * together or not at all. */
#include "engine/outbound.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"

/* One object with a type; of those that nobody defined the first alone. */
struct outbound_part {
	const struct json *json; /* the tape that it is in */
	uint32_t root, type_node;
	struct fw_slice name;		   /* data NULL: it says no type */
	const struct policy_outbound *row; /* NULL: nobody defined it */
	struct outbound_part *next;
};
struct collecting {
	struct message *message;
	struct outbound_part **end;
	bool unknown; /* there is one already, or nobody asks */
};

/* Explain may have none: a policy has one at least, and the first says it then. */
static const struct policy_route *route_of(const struct message *message)
{
	return message->route != NULL ? message->route : message->policy->routes;
}

bool outbound_judges(const struct fw_policy *policy, const struct policy_route *route)
{
	return policy->outbound_count != policy->served_first || route->unknown_out != UNEXPECTED_PASS;
}

static bool is_judged(const struct message *message)
{
	const struct policy_route *route = message->route;

	if (message->binary || (route != NULL && route->opaque))
		return false;
	/* The hub and an embedding program say the type themselves: what the contract has is as it must be. */
	if (message->type != FW_TYPE_OPAQUE)
		return message->policy->outbound[message->type].message != NULL;
	return outbound_judges(message->policy, route_of(message));
}

static enum verdict refuse(struct message *message, const char *cause, enum error_code error)
{
	message->cause = cause;
	message->error = error;
	message->event = EVENT_outbound_withheld;
	return VERDICT_REFUSE;
}

static enum verdict no_memory(struct message *message)
{
	return refuse(message, "memory", ERROR_VALIDATION_ERROR);
}

static const struct policy_outbound *named(const struct message *message, struct fw_slice name)
{
	const struct fw_policy *policy = message->policy;
	uint16_t number = policy_served_find(policy, name);

	/* A server that speaks as the contract does, on a route that knows every type. */
	if (number == POLICY_NONE && message->dialect == NULL && policy->settings.builtin_messages &&
	    route_of(message)->unknown_out != UNEXPECTED_PASS)
		number = policy_outbound_find(policy, name);
	return number != POLICY_NONE ? &policy->outbound[number] : NULL;
}

const struct policy_outbound *outbound_row(const struct message *message, struct fw_slice type)
{
	const struct fw_policy *policy = message->policy;
	const struct policy_outbound *row = named(message, type);

	if (row != NULL || message->dialect == NULL || policy->outbound == NULL)
		return row;
	for (unsigned i = policy->served_first; i < policy->outbound_count; i++) {
		row = &policy->outbound[i];
		if (row->pattern && policy_type_matches(slice(row->name, row->name_size), type))
			return row;
	}
	return NULL;
}

/* False: memory is short. */
static bool add(struct collecting *collecting, const struct outbound_part *part)
{
	struct outbound_part *kept;

	if (part->row == NULL && collecting->unknown)
		return true;
	kept = arena_alloc(&collecting->message->engine->outbound, sizeof(*kept));
	if (kept == NULL)
		return false;
	collecting->unknown = collecting->unknown || part->row == NULL;
	*kept = *part;
	*collecting->end = kept;
	collecting->end = &kept->next;
	return true;
}

/* What every message of the server is on the route, where nothing in it says its type; NULL: it does. */
static const char *untyped_of(const struct message *message)
{
	const struct policy_route *route = message->route;

	if (route == NULL || route->type_out != NULL)
		return route != NULL ? route->type_out : NULL;
	return route->untyped ? route->types[0].name : NULL;
}

/* A server behind may send several in a list. Recursion is as deep as the JSON, which is bounded. */
static bool collect(struct collecting *collecting, uint32_t node)
{
	struct message *message = collecting->message;
	const struct json *json = &message->json;
	struct outbound_part part = { .json = json, .root = node };

	if (json->nodes[node].kind == JSON_ARRAY) {
		for (uint32_t at = node + 1; at < json->nodes[node].next; at = json->nodes[at].next)
			if (!collect(collecting, at))
				return false;
		return true;
	}
	if (json->nodes[node].kind == JSON_OBJECT && untyped_of(message) != NULL) {
		part.name = slice_text(untyped_of(message));
		part.row = named(message, part.name);
		if (part.row == NULL)
			part.name = slice(NULL, 0);
		return add(collecting, &part);
	}
	if (json->nodes[node].kind == JSON_OBJECT)
		part.type_node = stage_route_type(message, node);
	if (part.type_node != 0 && stage_route_names(message, part.type_node)) {
		part.name = json_text(json, part.type_node, &message->engine->outbound);
		if (part.name.data == NULL)
			return false;
		part.row = outbound_row(message, part.name);
	}
	return add(collecting, &part);
}

/* Reading goes on from unit to unit: who reads them after us begins where we did. */
static bool collect_units(struct collecting *collecting)
{
	struct message *message = collecting->message;
	struct dialect_message *said = message->said, begun = *said;
	bool holds = true, more = true;

	while (holds && more) {
		struct json *json = arena_alloc(&message->engine->outbound, sizeof(*json));
		struct outbound_part part = { .json = json, .name = said->type };

		if (json == NULL)
			return false;
		*json = said->fields;
		part.row = said->own ? NULL : outbound_row(message, said->type);
		holds = said->own || add(collecting, &part);
		more = ++said->unit < said->units;
		holds = holds && (!more || message->dialect->next(said));
	}
	*said = begun;
	return holds;
}

static bool collect_known(struct collecting *collecting)
{
	struct message *message = collecting->message;
	const struct policy_outbound *row = &message->policy->outbound[message->type];
	struct outbound_part part = { &message->json, 0, 0, slice(row->name, row->name_size), row, NULL };

	if (message->json.nodes[0].kind == JSON_OBJECT)
		part.type_node = stage_route_type(message, 0);
	return add(collecting, &part);
}

enum verdict outbound_read(struct message *message)
{
	struct collecting collecting = { message, &message->parts, route_of(message)->unknown_out == UNEXPECTED_PASS };
	bool holds;

	if (!is_judged(message))
		return VERDICT_PASS;
	message->judged = true;
	message->problems = &message->engine->problems;
	problems_clear(message->problems);
	if (message->dialect == NULL) {
		enum json_result result =
			json_parse(&message->engine->outbound, message->text, 0, &message->json, NULL);

		if (result == JSON_MEMORY)
			return no_memory(message);
		message->unread = result != JSON_OK;
		if (message->unread)
			message->json = (struct json){ 0 };
	}
	if (message->unread)
		return VERDICT_PASS;
	if (message->type != FW_TYPE_OPAQUE)
		holds = collect_known(&collecting);
	else
		holds = message->dialect != NULL ? collect_units(&collecting) : collect(&collecting, 0);
	return holds ? VERDICT_PASS : no_memory(message);
}

static void flag(struct message *message, const char *stage, const char *cause)
{
	struct event_node *node;

	message->cause = cause;
	message->event = EVENT_message_flagged;
	if (message->conn == NULL)
		return;
	node = event_record(message->conn, EVENT_message_flagged);
	event_text(node, "direction", "out");
	event_text(node, "stage", stage);
	event_text(node, "cause", cause);
	if (message->rule != NULL)
		event_text(node, "message_type", message->rule->name);
	event_detail(node, "field", message->detail);
	if (message->problems->total != 0)
		event_number(node, "count", message->problems->total);
}

static enum verdict unexpected(struct message *message, unsigned action, const char *stage, const char *cause)
{
	if (action == UNEXPECTED_STOP)
		return refuse(message, cause, ERROR_INVALID_MESSAGE);
	if (action == UNEXPECTED_FLAG)
		flag(message, stage, cause);
	return action == UNEXPECTED_FLAG ? VERDICT_FLAG : VERDICT_PASS;
}

/* What cannot be read may be of a type that this role is not to receive. */
static bool may_receive_all(const struct message *message)
{
	const struct fw_policy *policy = message->policy;

	for (unsigned i = policy->served_first; i < policy->outbound_count; i++)
		if (stage_rbac_missing(message, policy->outbound[i].permission, policy->outbound[i].role) != NULL)
			return false;
	return true;
}

enum verdict outbound_route(struct message *message)
{
	const struct outbound_part *parts = message->parts;
	unsigned action;

	if (!message->judged)
		return VERDICT_PASS;
	action = route_of(message)->unknown_out;
	if (message->unread && !may_receive_all(message))
		return refuse(message, "it cannot be read, and may be of a type that the role may not receive",
			      ERROR_INVALID_MESSAGE);
	if (message->unread)
		return unexpected(message, action, "route", "it cannot be read, so that its type is not known");
	if (parts != NULL && parts->next == NULL && parts->row != NULL) {
		message->rule = parts->row->message;
		message->type = (uint16_t)(parts->row - message->policy->outbound);
	}
	for (; parts != NULL; parts = parts->next)
		if (parts->row == NULL) {
			message->detail = parts->name;
			return unexpected(message, action, "route",
					  parts->name.data != NULL ? "a type that no message of the server has"
								   : "no type");
		}
	return VERDICT_PASS;
}

enum verdict outbound_rbac(struct message *message)
{
	for (const struct outbound_part *part = message->parts; part != NULL; part = part->next) {
		const char *missing;

		if (part->row == NULL)
			continue;
		missing = stage_rbac_missing(message, part->row->permission, part->row->role);
		if (missing == NULL)
			continue;
		message->detail = part->name;
		return refuse(message, missing, ERROR_PERMISSION_DENIED);
	}
	return VERDICT_PASS;
}

enum verdict outbound_size(struct message *message)
{
	const struct policy_message *rule = message->rule;

	if (rule == NULL || message->text.size <= rule->max_bytes)
		return VERDICT_PASS;
	message->number = rule->max_bytes;
	message->has_number = true;
	return unexpected(message, route_of(message)->invalid_out, "size", "size of this type");
}

/* What is not listed is left out, as what a role may not see. */
static enum verdict leave_out(struct message *message, const struct outbound_part *part)
{
	static const struct policy_field_rule unknown = { .name = "" };
	const uint8_t *stripped = message->problems->stripped;

	if (stripped == NULL)
		return VERDICT_PASS;
	if (message->said != NULL && (message->said->units > 1 || message->said->place.data == NULL))
		return unexpected(message, route_of(message)->invalid_out, "schema",
				  "fields that are unknown cannot be left out of it");
	if (!fields_hide_begin(message))
		return no_memory(message);
	for (uint32_t i = part->root; i < part->json->nodes[part->root].next; i++)
		if (stripped[i] != 0)
			message->hidden[i] = &unknown;
	return VERDICT_REWRITE;
}

static enum verdict check(struct message *message, const struct outbound_part *part)
{
	const struct policy_message *rule = part->row->message;
	struct problems *problems = message->problems;

	if ((rule->schema != NULL ? schema_check_json : schema_check)(message->policy, rule, part->json, part->root,
								      part->type_node, &message->engine->outbound,
								      problems) != FW_OK)
		return no_memory(message);
	if (problems->total == 0)
		return problems->unknown != 0 && message->policy->settings.unknown_fields == UNKNOWN_STRIP
			       ? leave_out(message, part)
			       : VERDICT_PASS;
	message->rule = rule;
	message->detail = slice_text(problems->list[0].field);
	message->number = problems->total;
	message->has_number = true;
	return unexpected(message, route_of(message)->invalid_out, "schema", problems->list[0].rule);
}

enum verdict outbound_schema(struct message *message)
{
	enum verdict worst = VERDICT_PASS;

	for (const struct outbound_part *part = message->parts; part != NULL; part = part->next) {
		enum verdict verdict;

		if (part->row == NULL || part->row->message == NULL)
			continue;
		if (part->json->nodes[part->root].kind != JSON_OBJECT) /* an embedding program named the type */
			verdict = unexpected(message, route_of(message)->invalid_out, "schema", "not an object");
		else
			verdict = check(message, part);
		if (verdict >= VERDICT_REFUSE)
			return verdict;
		if (verdict > worst)
			worst = verdict;
	}
	return worst;
}
