/* stage_limit.c: messages and bytes a minute: of this connection, its user and its address, of its route and of all;
 * before any parsing. Every inbound message counts (decision D2). */
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
	if (message->blameless)
		return VERDICT_REFUSE;
	conn->violations++;
	if (message->policy->settings.close_after_violations != 0 &&
	    conn->violations >= (uint64_t)message->policy->settings.close_after_violations) {
		message->close = CLOSE_RATE;
		return VERDICT_CLOSE;
	}
	return VERDICT_REFUSE;
}

static enum verdict refuse(struct message *message, uint64_t wait_ns, const char *cause)
{
	enum verdict verdict = limit_refuse(message, wait_ns, cause);

	if (message->attachment != ATTACHMENT_PASSES)
		return verdict;
	/* The server has the event that announced it, and would take whatever comes next for it. */
	message->close = CLOSE_RATE;
	return VERDICT_CLOSE;
}

static enum verdict refuse_shared(struct message *message, const struct quota_asked *asked)
{
	static const uint16_t counters[LIMIT_KINDS] = {
#define LIMIT_KIND(name, scope, cause) COUNT_rate_limited_##scope,
#include "tables/limit_kinds.def"
#undef LIMIT_KIND
	};

	message->conn->engine->counters[counters[asked->kind]]++;
	return refuse(message, asked->wait_ns, limit_kind_cause(asked->kind));
}

static enum verdict fault(struct message *message)
{
	message->error = ERROR_VALIDATION_ERROR;
	message->event = EVENT_system_error;
	message->cause = "memory";
	message->close = CLOSE_FAULT;
	return VERDICT_CLOSE;
}

/* Each limit of the client is asked before any counts: a message that one refuses takes nothing of the others. */
static enum verdict client_limits(struct message *message, uint64_t messages)
{
	struct fw_conn *conn = message->conn;
	const struct fw_policy *policy = message->policy;
	struct quota_asked asked = { .end = QUOTA_OF_CLIENT_END, .messages = messages, .bytes = message->received };
	bool counts_bytes = policy->byte_rate.interval_ns != 0;
	uint64_t now = conn->engine->now.monotonic_ns, wait, wait_bytes = 0;
	enum quota_answer answer = quota_ask(conn, &asked);

	if (answer == QUOTA_MEMORY)
		return fault(message);
	wait = gcra_wait(conn->message_cell, &policy->message_rate, messages, now);
	if (counts_bytes)
		wait_bytes = gcra_wait(conn->byte_cell, &policy->byte_rate, message->received, now);
	if (wait != 0 || wait_bytes != 0) {
		const char *cause = wait != 0 ? "messages per minute" : "bytes per minute";

		wait = wait > wait_bytes ? wait : wait_bytes;
		return refuse(message, wait > asked.wait_ns ? wait : asked.wait_ns, cause);
	}
	if (answer == QUOTA_NO || quota_take(conn, &asked) == QUOTA_NO)
		return refuse_shared(message, &asked);
	if (counts_bytes)
		gcra_take_many(&conn->byte_cell, &policy->byte_rate, message->received, now);
	gcra_take_many(&conn->message_cell, &policy->message_rate, messages, now);
	return VERDICT_PASS;
}

/* What all send to a route, or to the server: who comes too late there broke no rule. It counts as his all the same,
 * so that who asks again and again does not take each place that gets free. */
static enum verdict common_limits(struct message *message, uint64_t messages)
{
	struct quota_asked asked = {
		.first = QUOTA_OF_CLIENT_END, .end = LIMIT_HELD, .messages = messages, .bytes = message->received
	};
	enum quota_answer answer = quota_ask(message->conn, &asked);

	if (answer == QUOTA_MEMORY)
		return fault(message);
	if (answer == QUOTA_YES && quota_take(message->conn, &asked) == QUOTA_YES)
		return VERDICT_PASS;
	message->blameless = true;
	return refuse_shared(message, &asked);
}

enum verdict stage_limit(struct message *message)
{
	struct fw_conn *conn = message->conn;
	enum verdict verdict;
	uint64_t messages;

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
	/* An attachment is part of the message that announced it, and their number is bounded. */
	messages = message->attachment == ATTACHMENT_NONE;
	verdict = client_limits(message, messages);
	if (verdict != VERDICT_PASS)
		return verdict;
	if (messages != 0) {
		message->violations = conn->violations;
		conn->violations = 0;
	}
	return common_limits(message, messages);
}
