/* stage_size.c: octets that a message of this type may have. (The limit for all types is the frame reader's.) */
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/outbound.h"

enum verdict stage_size(struct message *message)
{
	if (message->outbound)
		return outbound_size(message);
	if (message->rule == NULL || message->text.size <= message->rule->max_bytes)
		return VERDICT_PASS;
	message->error = ERROR_MESSAGE_TOO_LARGE;
	message->event = EVENT_message_too_large;
	message->cause = "size of this type";
	message->number = message->rule->max_bytes;
	message->has_number = true;
	return VERDICT_REFUSE;
}
