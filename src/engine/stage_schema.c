/* stage_schema.c: fields, types, lengths and formats of the message type; every problem in one answer. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/outbound.h"

enum verdict stage_schema(struct message *message)
{
	if (message->outbound)
		return outbound_schema(message);
	if (message->rule == NULL || message->rule->open)
		return VERDICT_PASS;
	if ((message->rule->schema != NULL ? schema_check_json : schema_check)(
		    message->policy, message->rule, &message->json, 0, message->type_node, &message->engine->arena,
		    message->problems) != FW_OK) {
		message->error = ERROR_VALIDATION_ERROR;
		message->event = EVENT_system_error;
		message->cause = "memory";
		message->close = CLOSE_FAULT;
		return VERDICT_CLOSE;
	}
	if (message->problems->total == 0)
		return message->problems->unknown != 0 && message->policy->settings.unknown_fields == UNKNOWN_STRIP
			       ? VERDICT_REWRITE
			       : VERDICT_PASS;
	message->error = ERROR_INVALID_MESSAGE;
	message->event = EVENT_invalid_message;
	message->cause = message->problems->list[0].rule;
	message->detail = slice_text(message->problems->list[0].field);
	message->number = message->problems->total;
	message->has_number = true;
	return VERDICT_REFUSE;
}
