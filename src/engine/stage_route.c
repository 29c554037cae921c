/* stage_route.c: which message type this is. A type that the policy does not list is refused. */
#include <string.h>

#include "base/slice.h"
#include "codec/json_pointer.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/outbound.h"

static const char *discriminator_of(const struct message *message)
{
	return message->route != NULL ? message->route->discriminator : NULL;
}

uint32_t stage_route_type(const struct message *message, uint32_t root)
{
	const char *pointer = discriminator_of(message);

	return pointer == NULL ? json_member(&message->json, root, "type", 4)
			       : json_pointer_find_from(&message->json, root, slice_text(pointer));
}

bool stage_route_names(const struct message *message, uint32_t node)
{
	const struct json_node *n = &message->json.nodes[node];

	return n->kind == JSON_STRING || (n->kind == JSON_NUMBER && !n->escaped && discriminator_of(message) != NULL);
}

static void name_field(const struct message *message, struct problem *problem)
{
	const char *pointer = discriminator_of(message);
	const char *field = pointer == NULL ? "type" : pointer + 1;

	memcpy(problem->field, field, strnlen(field, sizeof(problem->field) - 1));
}

/* A route without a list takes every type that the policy has; what is answered here is of every route. Where the
 * subprotocol says the dialect the list is of its names, and here none was agreed on. */
static uint16_t number_of(const struct message *message, struct fw_slice type)
{
	const struct policy_route *route = message->route;
	uint16_t number = policy_message_find(message->policy, type);

	if (route == NULL || !route->lists_types || route->dialect_by_subprotocol ||
	    (number != POLICY_NONE && message->policy->messages[number].answered_here))
		return number;
	for (unsigned i = 0; i < route->type_count; i++)
		if (slice_equal(type, slice(route->types[i].name, route->types[i].name_size)))
			return route->types[i].message;
	return POLICY_NONE;
}

static void set(struct message *message, uint16_t type, uint32_t node)
{
	message->error = ERROR_NONE;
	message->detail = slice(NULL, 0);
	message->type = type;
	message->type_node = node;
	message->rule = &message->policy->messages[type];
}

enum verdict stage_route(struct message *message)
{
	const struct json *json = &message->json;
	uint32_t node;
	uint16_t type;

	if (message->outbound)
		return outbound_route(message);
	if (message->dialect != NULL)
		return dialects_route(message);
	/* No tape: the embedding program has a stage of its own in place of the json stage. */
	if (message->binary || (message->route != NULL && message->route->opaque) || json->nodes == NULL)
		return VERDICT_PASS;
	problems_clear(message->problems);
	if (message->route != NULL && message->route->untyped) {
		set(message, message->route->types[0].message, 0);
		return VERDICT_PASS;
	}
	node = stage_route_type(message, 0);
	message->error = ERROR_INVALID_MESSAGE;
	message->event = EVENT_invalid_message;
	if (node == 0 || !stage_route_names(message, node)) {
		struct problem *problem = &message->problems->list[message->problems->count++];

		message->problems->total = 1;
		*problem = (struct problem){ .rule = node == 0 ? "required" : "type", .expected = "string" };
		name_field(message, problem);
		message->cause = node == 0 ? "no type" : "type is not a string";
		return VERDICT_REFUSE;
	}
	/* A type written with escapes is none of ours: names are plain ASCII. */
	message->detail = slice(json->text + json->nodes[node].offset, json->nodes[node].size);
	type = json->nodes[node].escaped ? POLICY_NONE : number_of(message, message->detail);
	if (type == POLICY_NONE) {
		struct problem *problem = &message->problems->list[message->problems->count++];

		message->problems->total = 1;
		*problem = (struct problem){ .rule = "enum" };
		name_field(message, problem);
		message->cause = "unknown message type";
		return VERDICT_REFUSE;
	}
	set(message, type, node);
	return VERDICT_PASS;
}
