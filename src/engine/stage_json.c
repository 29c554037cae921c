/* stage_json.c: strict JSON to a tape. An opaque route's messages and binary ones are not JSON. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/outbound.h"

static enum verdict refuse(struct message *message, const char *cause, size_t offset)
{
	message->error = ERROR_INVALID_JSON;
	message->event = EVENT_invalid_message;
	message->cause = cause;
	message->number = offset;
	message->has_number = true;
	return VERDICT_REFUSE;
}

enum verdict stage_json(struct message *message)
{
	struct json_error error;

	if (message->outbound)
		return outbound_read(message);
	message->type = FW_TYPE_OPAQUE;
	if (message->dialect != NULL)
		return dialects_read(message);
	if (message->binary) {
		if (message->route != NULL && message->route->binary)
			return VERDICT_PASS;
		message->event = EVENT_invalid_message; /* 1003 says it all: no error goes before it */
		message->cause = "binary message on a route that takes none";
		message->close = CLOSE_KIND;
		return VERDICT_CLOSE;
	}
	if (message->route != NULL && message->route->opaque)
		return VERDICT_PASS;
	/* On a connection the reader has checked UTF-8 already (RFC 6455 8.1). */
	switch (json_parse(&message->engine->arena, message->text, message->conn != NULL ? JSON_UTF8_KNOWN : 0,
			   &message->json, &error)) {
	case JSON_OK:
		break;
	case JSON_MEMORY:
		message->error = ERROR_VALIDATION_ERROR;
		message->event = EVENT_system_error;
		message->cause = "memory";
		message->close = CLOSE_FAULT;
		return VERDICT_CLOSE;
	default:
		return refuse(message, error.what, error.offset);
	}
	if (message->json.nodes[0].kind != JSON_OBJECT)
		return refuse(message, "not an object", 0);
	return VERDICT_PASS;
}
