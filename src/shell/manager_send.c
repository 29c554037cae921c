/* What an embedding program says to clients. */
#include "base/utf8.h"
#include "shell/conn_io.h"
#include "shell/manager_parts.h"

/* The index of an outbound type by its name; false: there is none of that name. */
static bool find_type(const struct fw_policy *policy, const char *name, uint16_t *ret_type)
{
	*ret_type = FW_TYPE_OPAQUE;
	return name == NULL || fw_policy_outbound_type(policy, name, ret_type);
}

int fw_manager_reply(const struct fw_message *message, const char *type, bool binary, struct fw_slice payload)
{
	struct connection *connection = fw_conn_user(message->conn);
	uint16_t outbound;
	int result;

	if (!find_type(connection->worker->policy, type, &outbound))
		return FW_ERR_INVALID;
	result = fw_conn_send(message->conn, outbound, binary, payload);
	conn_io_mark(connection);
	return result;
}

static int tell(struct gate *gate, const struct ipc_broadcast *broadcast, struct fw_slice payload)
{
	return gate_broadcast(gate, broadcast, payload) ? FW_OK : FW_ERR_MEMORY;
}

int fw_manager_send(struct fw_manager *manager, uint64_t connection_id, const char *type, bool binary,
		    struct fw_slice payload)
{
	struct ipc_broadcast broadcast = { .only = connection_id, .binary = binary, .worker = UINT16_MAX };
	int result = FW_ERR_INVALID;
	uint16_t outbound;

	if (!binary && !utf8_valid(payload.data, payload.size))
		return result;
	pthread_rwlock_rdlock(&manager->gate_lock);
	if (manager->gate == NULL)
		result = FW_ERR_STATE;
	else if (find_type(manager->policy, type, &outbound) && (type == NULL || worker_hub_name(&broadcast, type)))
		result = tell(manager->gate, &broadcast, payload);
	pthread_rwlock_unlock(&manager->gate_lock);
	return result;
}
