/* The way of the hub and of the embedding program to connections: this worker's members directly, those of the others
 * through their inboxes. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "engine/counters.h"
#include "shell/conn_io.h"

static void nothing(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	(void)user, (void)outbound, (void)message, (void)only, (void)except;
}

bool worker_may_have(const struct worker *worker, uint64_t only)
{
	return (only == 0 || engine_number(only) == worker->index) &&
	       atomic_load_explicit(&worker->member_count, memory_order_relaxed) != 0;
}

static void send_to(struct connection *member, uint16_t outbound, bool binary, struct fw_slice message)
{
	/* What is sent waits for the end of the turn, but not more than half of what makes a slow reader. */
	if (fw_conn_output(member->conn, FW_CLIENT).size + message.size > LIMIT_OUTPUT_MARK / 2)
		conn_io_write(member, FW_CLIENT);
	fw_conn_send(member->conn, outbound, binary, message);
	conn_io_mark(member);
}

static struct connection **bucket_of(struct worker *worker, uint64_t id)
{
	return &worker->by_id[id % WORKER_BUCKETS]; /* they count upwards */
}

/* True when broadcast->only was found here. */
static bool send_here(struct worker *worker, uint16_t outbound, const struct ipc_broadcast *broadcast,
		      struct fw_slice message)
{
	struct connection *member;

	if (broadcast->only == 0) {
		for (member = worker->members; member != NULL; member = member->member_next)
			if (member->member_id != broadcast->except)
				send_to(member, outbound, broadcast->binary, message);
		return false;
	}
	for (member = *bucket_of(worker, broadcast->only); member != NULL; member = member->same_bucket)
		if (member->member_id == broadcast->only)
			break;
	if (member != NULL)
		send_to(member, outbound, broadcast->binary, message);
	return member != NULL;
}

bool worker_hub_deliver(struct worker *worker, const struct ipc_broadcast *broadcast, struct fw_slice message)
{
	uint16_t outbound = FW_TYPE_OPAQUE;

	/* A policy that does not list the type lets nobody see it. */
	if (broadcast->type[0] != '\0' && !fw_policy_outbound_type(worker->policy, broadcast->type, &outbound))
		return false;
	return send_here(worker, outbound, broadcast, message);
}

static void tell_others(struct worker *worker, const struct ipc_broadcast *broadcast, struct fw_slice message)
{
	for (unsigned i = 0; i < worker->count; i++) {
		struct worker *other = &worker->all[i];

		if (other != worker && worker_may_have(other, broadcast->only) &&
		    !worker_tell(other, IPC_BROADCAST, broadcast, sizeof(*broadcast), message))
			worker_record_overload(worker, "hub_broadcast");
	}
}

bool worker_hub_name(struct ipc_broadcast *broadcast, const char *name)
{
	size_t size = strlen(name);

	if (size >= sizeof(broadcast->type))
		return false;
	memcpy(broadcast->type, name, size + 1);
	return true;
}

static void deliver(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except)
{
	struct worker *worker = user;
	struct ipc_broadcast broadcast = { .except = except, .only = only, .worker = (uint16_t)worker->index };

	if (outbound < worker->policy->outbound_count &&
	    !worker_hub_name(&broadcast, worker->policy->outbound[outbound].name))
		return;
	if (!send_here(worker, outbound, &broadcast, message))
		tell_others(worker, &broadcast, message);
}

/* While draining everybody leaves: telling everybody of each would be their number squared. */
static struct hub_delivery delivery(struct worker *worker)
{
	return (struct hub_delivery){ worker->draining || worker->stopping ? nothing : deliver, worker };
}

void worker_hub_join(struct worker *worker, struct connection *connection)
{
	struct fw_principal who = fw_conn_principal(connection->conn);
	struct hub_delivery to = delivery(worker);
	struct connection **bucket = bucket_of(worker, who.connection_id);

	conn_io_tell(connection, LOG_hub, LOG_LEVEL_TRACE, "joins the hub", NULL);
	connection->member_id = who.connection_id;
	connection->same_bucket = *bucket;
	*bucket = connection;
	connection->member_next = worker->members;
	connection->member_link = &worker->members;
	if (connection->member_next != NULL)
		connection->member_next->member_link = &connection->member_next;
	worker->members = connection;
	atomic_fetch_add_explicit(&worker->member_count, 1, memory_order_relaxed);
	if (worker->options->hub != NULL)
		hub_join(worker->options->hub, worker->policy, who, worker_now(worker)->wall_us, &to);
}

void worker_hub_leave(struct worker *worker, struct connection *connection)
{
	struct hub_delivery to = delivery(worker);
	struct connection **link = bucket_of(worker, connection->member_id);

	if (connection->member_link == NULL)
		return;
	conn_io_tell(connection, LOG_hub, LOG_LEVEL_TRACE, "leaves the hub", NULL);
	while (*link != connection)
		link = &(*link)->same_bucket;
	*link = connection->same_bucket;
	*connection->member_link = connection->member_next;
	if (connection->member_next != NULL)
		connection->member_next->member_link = connection->member_link;
	connection->member_link = NULL;
	atomic_fetch_sub_explicit(&worker->member_count, 1, memory_order_relaxed);
	if (worker->options->hub != NULL)
		hub_leave(worker->options->hub, worker->policy, fw_conn_principal(connection->conn),
			  worker_now(worker)->wall_us, &to);
}

/* The embedding program's word. It gets a copy: an answer calls the engine, after which the payload may be gone. */
static enum fw_message_result ask(struct worker *worker, struct connection *connection,
				  const struct fw_incoming *incoming)
{
	const struct gate_options *options = worker->options;
	char *copy = mem_text(incoming->payload.data, incoming->payload.size);
	struct fw_message message = {
		.binary = incoming->binary,
		.payload = slice(copy, incoming->payload.size),
		.who = fw_conn_principal(connection->conn),
		.conn = connection->conn,
		.manager = options->manager,
	};
	enum fw_message_result result = FW_MESSAGE_CLOSE;

	if (incoming->type < worker->policy->message_count)
		message.type = worker->policy->messages[incoming->type].name;
	if (copy != NULL)
		result = options->on_message(options->message_user, &message);
	mem_free(copy);
	return result;
}

void worker_hub_message(struct worker *worker, struct connection *connection, const struct fw_incoming *message)
{
	const struct gate_options *options = worker->options;
	struct hub_delivery to = delivery(worker);
	enum fw_message_result result = FW_MESSAGE_TO_HUB;

	if (connection->member_link == NULL)
		return;
	if (options->on_message != NULL)
		result = ask(worker, connection, message);
	if (result == FW_MESSAGE_TO_HUB && options->hub != NULL &&
	    hub_message(options->hub, worker->policy, fw_conn_principal(connection->conn), message,
			worker_now(worker)->wall_us, &to) != 0)
		result = FW_MESSAGE_CLOSE;
	if (result == FW_MESSAGE_CLOSE)
		conn_io_end(connection, CLOSE_FAULT);
}
