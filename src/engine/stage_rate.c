/* stage_rate.c: messages a minute of this type in this connection, where the type has a limit of its own. */
#include "base/mem.h"
#include "engine/conn_state.h"
#include "engine/message.h"

enum verdict stage_rate(struct message *message)
{
	struct fw_conn *conn = message->conn;
	const struct policy_message *rule = message->rule;
	uint64_t wait;

	if (conn == NULL || rule == NULL || rule->rate == NULL)
		return VERDICT_PASS;
	if (conn->type_cells == NULL)
		conn->type_cells = mem_zero(message->policy->rate_cells, sizeof(*conn->type_cells));
	if (conn->type_cells == NULL) {
		message->error = ERROR_VALIDATION_ERROR;
		message->event = EVENT_system_error;
		message->cause = "memory";
		message->close = CLOSE_FAULT;
		return VERDICT_CLOSE;
	}
	wait = gcra_take(&conn->type_cells[rule->rate_cell], rule->rate, conn->engine->now.monotonic_ns);
	if (wait == 0)
		return VERDICT_PASS;
	conn->violations = message->violations; /* it was none of the connection's limit */
	return limit_refuse(message, wait, "messages per minute of this type");
}
