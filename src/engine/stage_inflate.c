/* stage_inflate.c: a compressed message made plain: behind the rate, which costs less, before all that reads it. */
#include "engine/conn_state.h"
#include "engine/message.h"

enum verdict stage_inflate(struct message *message)
{
	unsigned close;

	if (!message->compressed)
		return VERDICT_PASS;
	close = compression_inflate(message->conn, FW_CLIENT, &message->text, message->binary, &message->cause);
	if (close == CLOSE_NORMAL) {
		message->compressed = false;
		return VERDICT_PASS;
	}
	message->conn->engine->counters[COUNT_protocol_errors]++;
	message->close = close;
	message->event = close_reason_row(close)->event;
	message->error = close_reason_row(close)->error;
	return VERDICT_CLOSE;
}
