/* stage_limit.c: messages a minute of this connection, before any parsing. Every inbound message counts (decision D2).
 */
#include "engine/conn_state.h"
#include "engine/message.h"

enum verdict limit_refuse(struct message *message, uint64_t wait_ns, const char *cause)
{
	struct fw_conn *conn = message->conn;

	message->error = ERROR_RATE_LIMITED;
	message->event = EVENT_rate_limit_violation;
	message->cause = cause;
	message->retry_after_ms = (uint32_t)((wait_ns + 999999) / 1000000);
	conn->engine->counters[COUNT_rate_limited]++;
	conn->violations++;
	if (message->policy->settings.close_after_violations != 0 &&
	    conn->violations >= (uint64_t)message->policy->settings.close_after_violations) {
		message->close = CLOSE_RATE;
		return VERDICT_CLOSE;
	}
	return VERDICT_REFUSE;
}

enum verdict stage_limit(struct message *message)
{
	struct fw_conn *conn = message->conn;
	uint64_t wait;

	if (conn == NULL)
		return VERDICT_PASS;
	/* Enforcing, the frame reader has refused it by its header; monitor lets it pass and says so. */
	if (conn_monitors(conn) && message->text.size > (uint64_t)message->policy->settings.max_message_size) {
		message->error = ERROR_MESSAGE_TOO_LARGE;
		message->event = EVENT_message_too_large;
		message->cause = "size of a message";
		message->close = CLOSE_TOO_BIG;
		return VERDICT_CLOSE;
	}
	if (message->attachment != ATTACHMENT_NONE)
		return VERDICT_PASS; /* it is part of the message that announced it, and their number is bounded */
	wait = gcra_take(&conn->message_cell, &message->policy->message_rate, conn->engine->now.monotonic_ns);
	if (wait == 0) {
		message->violations = conn->violations;
		conn->violations = 0;
		return VERDICT_PASS;
	}
	return limit_refuse(message, wait, "messages per minute");
}
