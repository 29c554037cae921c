/* stage_limit.c: messages and bytes a minute of this connection, before any parsing. Every inbound message counts
 * (decision D2).
 */
#include "engine/conn_state.h"
#include "engine/message.h"

enum verdict limit_refuse(struct message *message, uint64_t wait_ns, const char *cause)
{
	struct fw_conn *conn = message->conn;

	message->error = ERROR_RATE_LIMITED;
	message->event = EVENT_rate_limit_violation;
	message->cause = cause;
	message->retry_after_ms =
		wait_ns < (uint64_t)UINT32_MAX * 1000000 ? (uint32_t)((wait_ns + 999999) / 1000000) : UINT32_MAX;
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
	const struct fw_policy *policy = message->policy;
	bool counts_bytes = policy->byte_rate.interval_ns != 0;
	uint64_t wait = 0, wait_bytes = 0, now;
	enum verdict verdict;

	if (conn == NULL)
		return VERDICT_PASS;
	now = conn->engine->now.monotonic_ns;
	/* Enforcing, the frame reader has refused it by its header; monitor lets it pass and says so. */
	if (conn_monitors(conn) && message->text.size > (uint64_t)message->policy->settings.max_message_size) {
		message->error = ERROR_MESSAGE_TOO_LARGE;
		message->event = EVENT_message_too_large;
		message->cause = "size of a message";
		message->close = CLOSE_TOO_BIG;
		return VERDICT_CLOSE;
	}
	/* Both are asked before either counts: a message that one refuses takes nothing of the other. An attachment is
	 * part of the message that announced it, and their number is bounded. */
	if (message->attachment == ATTACHMENT_NONE)
		wait = gcra_wait(conn->message_cell, &policy->message_rate, 1, now);
	if (counts_bytes)
		wait_bytes = gcra_wait(conn->byte_cell, &policy->byte_rate, message->received, now);
	if (wait != 0 || wait_bytes != 0) {
		verdict = limit_refuse(message, wait > wait_bytes ? wait : wait_bytes,
				       wait != 0 ? "messages per minute" : "bytes per minute");
		if (message->attachment != ATTACHMENT_PASSES)
			return verdict;
		/* The server has the event that announced it, and would take whatever comes next for it. */
		message->close = CLOSE_RATE;
		return VERDICT_CLOSE;
	}
	if (counts_bytes)
		gcra_take_many(&conn->byte_cell, &policy->byte_rate, message->received, now);
	if (message->attachment != ATTACHMENT_NONE)
		return VERDICT_PASS;
	gcra_take(&conn->message_cell, &policy->message_rate, now);
	message->violations = conn->violations;
	conn->violations = 0;
	return VERDICT_PASS;
}
