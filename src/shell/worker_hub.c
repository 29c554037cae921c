/* The hub's way to connections: this worker's members directly, those of the others through their inboxes. */
#include "base/slice.h"
#include "shell/conn_io.h"

static void nothing(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	(void)user, (void)outbound, (void)message, (void)only, (void)except;
}

static void tell_others(struct worker *worker, uint16_t outbound, struct fw_slice message, uint64_t only,
			uint64_t except)
{
	struct ipc_broadcast broadcast = {
		.outbound = outbound, .except = except, .only = only, .worker = (uint16_t)worker->index
	};

	for (unsigned i = 0; i < worker->count; i++) {
		struct worker *other = &worker->all[i];

		if (other == worker || atomic_load_explicit(&other->member_count, memory_order_relaxed) == 0)
			continue;
		if (!worker_tell(other, IPC_BROADCAST, &broadcast, sizeof(broadcast), message))
			worker_record_overload(worker, "hub_broadcast");
	}
}

static void deliver(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	struct worker *worker = user;

	if (!worker_hub_deliver(worker, outbound, message, only, except))
		tell_others(worker, outbound, message, only, except);
}

/* While draining everybody leaves: telling everybody of each would be their number squared. */
static struct hub_delivery delivery(struct worker *worker)
{
	return (struct hub_delivery){ worker->draining || worker->stopping ? nothing : deliver, worker };
}

bool worker_hub_deliver(struct worker *worker, uint16_t outbound, struct fw_slice message, uint64_t only,
			uint64_t except)
{
	for (struct connection *member = worker->members; member != NULL; member = member->member_next) {
		if (member->member_id == except || (only != 0 && member->member_id != only))
			continue;
		/* What is sent waits for the end of the turn, but not more than half of what makes a slow reader. */
		if (fw_conn_output(member->conn, FW_CLIENT).size + message.size > LIMIT_OUTPUT_MARK / 2)
			conn_io_write(member, FW_CLIENT);
		fw_conn_send(member->conn, outbound, false, message);
		conn_io_mark(member);
		if (only != 0)
			return true;
	}
	return false;
}

void worker_hub_join(struct worker *worker, struct connection *connection)
{
	struct fw_principal who = fw_conn_principal(connection->conn);
	struct hub_delivery to = delivery(worker);

	connection->member_id = who.connection_id;
	connection->member_next = worker->members;
	connection->member_link = &worker->members;
	if (connection->member_next != NULL)
		connection->member_next->member_link = &connection->member_next;
	worker->members = connection;
	atomic_fetch_add_explicit(&worker->member_count, 1, memory_order_relaxed);
	hub_join(worker->options->hub, worker->options->policy, who, worker_now(worker)->wall_us, &to);
}

void worker_hub_leave(struct worker *worker, struct connection *connection)
{
	struct hub_delivery to = delivery(worker);

	if (connection->member_link == NULL)
		return;
	*connection->member_link = connection->member_next;
	if (connection->member_next != NULL)
		connection->member_next->member_link = connection->member_link;
	connection->member_link = NULL;
	atomic_fetch_sub_explicit(&worker->member_count, 1, memory_order_relaxed);
	hub_leave(worker->options->hub, worker->options->policy, fw_conn_principal(connection->conn),
		  worker_now(worker)->wall_us, &to);
}

void worker_hub_message(struct worker *worker, struct connection *connection, const struct fw_incoming *message)
{
	struct hub_delivery to = delivery(worker);

	if (connection->member_link == NULL)
		return;
	if (hub_message(worker->options->hub, worker->options->policy, fw_conn_principal(connection->conn), message,
			worker_now(worker)->wall_us, &to) != 0)
		conn_io_end(connection, CLOSE_FAULT);
}
