/* Another policy comes to a worker: it is put down beside the thread, taken between two turns, and the live connections
 * move to it a few a turn. A message never waits for that: who speaks before its turn came moves first
 * (fw_engine_set_policy). */
#include "shell/conn_io.h"
#include "shell/gate_listen.h"

void worker_reload_offer(struct worker *worker, struct fw_policy *policy)
{
	/* One that was not taken yet is skipped. */
	fw_policy_unref(atomic_exchange(&worker->offered, fw_policy_ref(policy)));
	uv_async_send(&worker->wake);
}

bool worker_reload_taken(const struct worker *worker)
{
	return atomic_load(&worker->offered) == NULL;
}

void worker_reload_take(struct worker *worker)
{
	struct fw_policy *next = atomic_load(&worker->offered);

	if (next == NULL || worker->stopping)
		return;
	next = atomic_exchange(&worker->offered, NULL);
	fw_engine_set_policy(worker->engine, next);
	fw_policy_unref(worker->policy);
	worker->policy = next;
	worker->recheck = worker->connections;
	if (gate_user_timeout_ms(next) == worker->user_timeout_ms)
		return;
	worker->user_timeout_ms = gate_user_timeout_ms(next);
	worker->user_timeout_due = true;
	for (unsigned i = 0; i < worker->listener_count; i++) /* what is accepted from now on inherits it */
		gate_listen_timeout(worker->listeners[i].fd, worker->user_timeout_ms);
}

static void set_timeout(const struct connection *connection)
{
	const struct worker *worker = connection->worker;

	gate_listen_timeout(connection->sides[FW_CLIENT].fd, worker->user_timeout_ms);
	if (connection->watched)
		gate_listen_timeout(connection->sides[FW_UPSTREAM].fd, worker->user_timeout_ms);
}

static void move(struct connection *connection)
{
	if (connection->worker->user_timeout_due)
		set_timeout(connection);
	if (connection->conn == NULL || connection->done)
		return;
	conn_io_tls_recheck(connection);
	fw_conn_recheck(connection->conn);
	conn_io_mark(connection); /* it may have something to say, and its deadline is another */
}

void worker_reload_slice(struct worker *worker)
{
	for (unsigned i = 0; i < LIMIT_RECHECKS && worker->recheck != NULL; i++) {
		struct connection *connection = worker->recheck;

		worker->recheck = connection->next;
		worker_now(worker);
		move(connection);
	}
	if (worker->recheck == NULL)
		worker->user_timeout_due = false;
}

void worker_reload_fini(struct worker *worker)
{
	worker->policy = fw_policy_unref(worker->policy);
	fw_policy_unref(atomic_exchange(&worker->offered, NULL));
}
