/* condition.c: does a message come from where, and with what, its type asks for? Asked anew for each message: a policy
 * that came since counts. */
#include "engine/conn_state.h"
#include "engine/message.h"

static bool is_in(const struct policy_condition *condition, const struct fw_addr *address)
{
	for (size_t i = 0; i < condition->networks.count; i++)
		if (addr_net_has(&condition->nets[i], address))
			return true;
	return condition->networks.count == 0;
}

const char *condition_fault(const struct policy_condition *condition, const struct message *message)
{
	const struct fw_conn *conn = message->conn;
	const struct fw_engine *engine = message->engine;
	bool nowhere =
		conn == NULL ? engine->explained_from.family == 0 : engine->trial != NULL && engine->trial->nowhere;
	bool certificate = conn != NULL ? conn->tls_certificate != NULL : engine->explained_certificate;

	if (!is_in(condition, conn != NULL && !nowhere ? &conn->peer : &engine->explained_from))
		return nowhere ? "when: network; say from which address" : "when: network";
	return condition->certificate && !certificate ? "when: certificate" : NULL;
}
