/* stage_route.c: which message type this is. A type that the policy does not list is refused. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"

enum verdict stage_route(struct message *message)
{
	const struct json *json = &message->json;
	uint32_t node;
	uint16_t type;

	if (message->dialect != NULL)
		return dialects_route(message);
	/* No tape: the embedding program has a stage of its own in place of the json stage. */
	if (message->binary || (message->route != NULL && message->route->opaque) || json->nodes == NULL)
		return VERDICT_PASS;
	message->problems->count = message->problems->total = message->problems->unknown = 0;
	node = json_member(json, 0, "type", 4);
	message->error = ERROR_INVALID_MESSAGE;
	message->event = EVENT_invalid_message;
	if (node == 0 || json->nodes[node].kind != JSON_STRING) {
		struct problem *problem = &message->problems->list[message->problems->count++];

		message->problems->total = 1;
		*problem = (struct problem){ .field = "type",
					     .rule = node == 0 ? "required" : "type",
					     .expected = "string" };
		message->cause = node == 0 ? "no type" : "type is not a string";
		return VERDICT_REFUSE;
	}
	/* A type written with escapes is none of ours: names are plain ASCII. */
	message->detail = slice(json->text + json->nodes[node].offset, json->nodes[node].size);
	type = json->nodes[node].escaped ? POLICY_NONE : policy_message_find(message->policy, message->detail);
	if (type == POLICY_NONE) {
		struct problem *problem = &message->problems->list[message->problems->count++];

		message->problems->total = 1;
		*problem = (struct problem){ .field = "type", .rule = "enum" };
		message->cause = "unknown message type";
		return VERDICT_REFUSE;
	}
	message->error = ERROR_NONE;
	message->detail = slice(NULL, 0);
	message->type = type;
	message->rule = &message->policy->messages[type];
	return VERDICT_PASS;
}
