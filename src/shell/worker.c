#include "shell/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "engine/counters.h"
#include "engine/tallies.h"
#include "shell/conn_io.h"
#include "shell/log.h"
#include "shell/store_quota.h"
#include "shell/tls_stream.h"
#include "state/threats.h"

#define SECOND_NS ((uint64_t)1000000000)
#define HOUR_NS (3600 * SECOND_NS)
#define LOOKUP_NS SECOND_NS /* a lookup may take when everything else is over */

enum { THREAD_NAME = 16 }; /* the kernel keeps no more */

static uint64_t read_clock(clockid_t clock, uint64_t unit_ns)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * (SECOND_NS / unit_ns) + (uint64_t)time.tv_nsec / unit_ns;
}

const struct fw_time *worker_now(struct worker *worker)
{
	if (!worker->now_known) {
		worker->now.monotonic_ns = read_clock(CLOCK_MONOTONIC, 1);
		worker->now.wall_us = read_clock(CLOCK_REALTIME, 1000);
		worker->now_known = true;
		fw_engine_time(worker->engine, worker->now);
	}
	return &worker->now;
}

void worker_record(struct worker *worker, uint16_t type, struct fw_record *ret_record)
{
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	worker->random.fill(worker->random.user, id, sizeof(id));
	*ret_record = (struct fw_record){ .wall_us = worker_now(worker)->wall_us,
					  .type = type,
					  .level = worker->policy->event_levels[type] };
	encode_hex(id, sizeof(id), ret_record->event_id);
}

void worker_record_overload(struct worker *worker, const char *cause)
{
	struct fw_record record;

	if (worker->overload_ns != 0 && worker_now(worker)->monotonic_ns - worker->overload_ns < SECOND_NS)
		return;
	worker->overload_ns = worker_now(worker)->monotonic_ns;
	log_warn(worker->options->log, gate, "newcomers are turned away, or messages lost: no room (%s)", cause);
	worker_record(worker, EVENT_overload, &record);
	record.details[record.detail_count++] = (struct fw_detail){ .key = "cause", .text = slice_text(cause) };
	ipc_send_record(worker->options->records, &record, (uint16_t)worker->index);
}

static void tell_drained(struct worker *worker)
{
	/* The figures channel is read by the keeper's loop: 256 workers fit one octet. */
	struct ipc_empty drained = { .unused = (uint8_t)worker->index };

	if (!worker->draining || worker->drained_told || worker->connections != NULL)
		return;
	/* Never waiting: who reads the channel may be waiting for this thread. When it is full drain_cut tries again.
	 */
	worker->drained_told =
		ipc_send(worker->options->figures, IPC_DRAINED, &drained, sizeof(drained), slice(NULL, 0), false);
	if (!worker->drained_told)
		timers_set(&worker->timers, &worker->drain_cut, worker_now(worker)->monotonic_ns);
}

void worker_connection_ended(struct worker *worker)
{
	tell_drained(worker);
}

static void cut_all(struct worker *worker)
{
	struct connection *next;

	for (struct connection *connection = worker->connections; connection != NULL; connection = next) {
		next = connection->next;
		conn_io_cut(connection);
	}
}

static void drain(struct worker *worker, const struct ipc_drain *asked)
{
	worker->draining = true;
	worker_accept_stop(worker, true);
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		conn_io_end(connection, CLOSE_DRAIN);
	worker->drain_until_ns = worker_now(worker)->monotonic_ns + asked->seconds * SECOND_NS;
	timers_set(&worker->timers, &worker->drain_cut, worker->drain_until_ns);
	tell_drained(worker);
}

static void drain_due(struct worker *worker)
{
	if (worker_now(worker)->monotonic_ns >= worker->drain_until_ns)
		cut_all(worker);
	else
		timers_set(&worker->timers, &worker->drain_cut, worker->drain_until_ns);
	tell_drained(worker);
}

static void end_session(struct worker *worker, const struct ipc_end_session *ended)
{
	struct fw_slice id = slice(ended->session_id, ended->size <= sizeof(ended->session_id) ? ended->size : 0);

	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		if (connection->conn != NULL && id.size != 0 &&
		    slice_equal(fw_conn_principal(connection->conn).session_id, id))
			conn_io_end(connection, ended->reason);
}

static void end_user(struct worker *worker, const struct ipc_end_user *ended)
{
	struct fw_slice user = slice(ended->user_id, ended->size <= sizeof(ended->user_id) ? ended->size : 0);

	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		if (connection->conn != NULL && user.size != 0 &&
		    slice_equal(fw_conn_principal(connection->conn).user_id, user))
			conn_io_end(connection, ended->reason);
	/* One may have been opened between the moment at which this was decided and now. */
	store_session_end_user(worker->options->store, user);
}

static void key_ends(struct worker *worker, const struct ipc_key_ends *ends)
{
	struct fw_slice id = slice(ends->key_id, sizeof(ends->key_id));

	worker_now(worker);
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		if (connection->conn != NULL && !connection->done &&
		    fw_conn_key_ends(connection->conn, id, ends->wall_us))
			conn_io_mark(connection);
}

/* Either half of an origin may be meant: marks of different kinds are never the same. */
static bool is_from(struct fw_slice origin, const struct ipc_end_origin *ended)
{
	static const uint8_t none[16];

	for (unsigned i = 0; i < 2; i++)
		for (size_t at = 0; at + 16 <= origin.size; at += 16)
			if (memcmp(ended->marks[i], none, 16) != 0 &&
			    memcmp(origin.data + at, ended->marks[i], 16) == 0)
				return true;
	return false;
}

static void end_origin(struct worker *worker, const struct ipc_end_origin *ended)
{
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		if (connection->conn != NULL && is_from(fw_conn_principal(connection->conn).origin, ended))
			conn_io_end(connection, ended->reason);
}

static void end_address(struct worker *worker, const struct ipc_end_address *ended)
{
	struct fw_addr prefix = addr_prefix(&ended->address);

	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next) {
		struct fw_addr other = addr_prefix(&connection->peer);

		if (addr_equal(&other, &prefix))
			conn_io_end(connection, CLOSE_BLOCKED);
	}
}

static void look_again(struct worker *worker)
{
	worker_now(worker);
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next)
		if (connection->conn != NULL && !connection->done)
			conn_io_restrict(connection, fw_conn_principal(connection->conn).user_id);
}

/* Watching changes nothing. */
static void end_listed(struct worker *worker)
{
	struct threats *threats = store_threats(worker->options->store);

	if (worker->policy->settings.mode == MODE_MONITOR)
		return;
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next) {
		struct threats_hit hits[LIMIT_THREAT_LISTS];

		if (connection->admitted && threats_find(threats, &connection->peer, hits) != 0 &&
		    hits[0].action == THREAT_BLOCK)
			conn_io_end(connection, CLOSE_BLOCKED);
	}
}

/* name: of the message, where an inbox has no room for it. */
static void tell_others(struct worker *worker, enum ipc_type type, const void *payload, size_t size, const char *name)
{
	for (unsigned i = 0; i < worker->count; i++)
		if (i != worker->index && !worker_tell(&worker->all[i], type, payload, size, slice(NULL, 0)))
			worker_record_overload(worker, name);
}

void worker_end_session(struct worker *worker, struct fw_slice session_id, uint32_t reason)
{
	struct ipc_end_session ended = { .size = (uint32_t)session_id.size, .reason = reason };

	if (session_id.size > sizeof(ended.session_id))
		return;
	memcpy(ended.session_id, session_id.data, session_id.size);
	end_session(worker, &ended);
	tell_others(worker, IPC_END_SESSION, &ended, sizeof(ended), "end_session");
}

void worker_end_address(struct worker *worker, const struct fw_addr *address)
{
	struct ipc_end_address ended = { .address = *address };

	end_address(worker, &ended);
	tell_others(worker, IPC_END_ADDRESS, &ended, sizeof(ended), "end_address");
}

void worker_end_user(struct worker *worker, struct fw_slice user, uint32_t reason)
{
	struct ipc_end_user ended = { .size = (uint32_t)user.size, .reason = reason };

	if (user.size > sizeof(ended.user_id))
		return;
	memcpy(ended.user_id, user.data, user.size);
	end_user(worker, &ended);
	tell_others(worker, IPC_END_USER, &ended, sizeof(ended), "end_user");
}

void worker_tell_blocked(struct worker *worker, const struct store_block *block)
{
	struct ipc_blocked blocked = { *block };

	/* Never waiting, as above. It is blocked here in any case. */
	ipc_send(worker->options->figures, IPC_BLOCKED, &blocked, sizeof(blocked), slice(NULL, 0), false);
}

static void send_figures(struct worker *worker)
{
	struct ipc_figures figures = { .worker = (uint16_t)worker->index };

	_Static_assert(COUNTERS <= sizeof(figures.counters) / sizeof(figures.counters[0]), "ipc_figures is too small");
	memcpy(figures.counters, engine_counters(worker->engine), COUNTERS * sizeof(figures.counters[0]));
	worker_overload_figures(worker, figures.counters);
	worker_tallies_send(worker); /* before: who waits for figures has them, too */
	ipc_send(worker->options->figures, IPC_FIGURES, &figures, sizeof(figures), slice(NULL, 0), false);
}

union down {
	struct ipc_drain drain;
	struct ipc_end_session end_session;
	struct ipc_end_user end_user;
	struct ipc_key_ends key_ends;
	struct ipc_end_origin end_origin;
	struct ipc_end_address end_address;
	struct ipc_broadcast broadcast;
	struct ipc_answer answer;
	struct ipc_ask_connections ask_connections;
	struct ipc_end_connection end_connection;
	uint8_t bytes[512];
};

static void read_inbox(struct worker *worker)
{
	enum ipc_type type;
	union down message;
	struct fw_slice tail;

	while (!worker->stopping && ipc_receive(worker->inbox, &type, &message, sizeof(message), &tail)) {
		switch (type) {
		case IPC_ASK_FIGURES:
			send_figures(worker);
			break;
		case IPC_ASK_CONNECTIONS:
			worker_watch_list(worker, &message.ask_connections);
			break;
		case IPC_END_CONNECTION:
			worker_watch_end(worker, &message.end_connection);
			break;
		case IPC_DRAIN:
			drain(worker, &message.drain);
			break;
		case IPC_END_SESSION:
			end_session(worker, &message.end_session);
			break;
		case IPC_END_USER:
			end_user(worker, &message.end_user);
			break;
		case IPC_KEY_ENDS:
			key_ends(worker, &message.key_ends);
			break;
		case IPC_END_ORIGIN:
			end_origin(worker, &message.end_origin);
			break;
		case IPC_END_ADDRESS:
			end_address(worker, &message.end_address);
			break;
		case IPC_RESTRICTED:
			look_again(worker);
			break;
		case IPC_END_LISTED:
			end_listed(worker);
			break;
		case IPC_ANSWER:
			worker_reload_take(worker); /* a policy that the answer rests on came before it */
			worker_asks_answered(worker, &message.answer, tail);
			break;
		case IPC_BROADCAST:
			worker_hub_deliver(worker, &message.broadcast, tail);
			break;
		default: /* UP messages do not come here */
			break;
		}
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	(void)handle;
}

static void stop_now(struct worker *worker)
{
	if (worker->stopping)
		return;
	worker->stopping = true;
	worker->give_up_ns = worker_now(worker)->monotonic_ns + LOOKUP_NS;
	worker_accept_stop(worker, false);
	cut_all(worker);
	resolve_stop(&worker->resolve);
	uv_close((uv_handle_t *)&worker->wake, on_handle_closed);
}

static void on_wake(uv_async_t *handle)
{
	struct worker *worker = handle->data;

	worker_now(worker);
	worker_reload_take(worker);
	read_inbox(worker);
	if (atomic_load(&worker->stop))
		stop_now(worker);
}

static void on_due(void *user, struct timer *timer)
{
	struct worker *worker = user;

	if (timer == &worker->accept_pause)
		worker_accept_resume(worker);
	else if (timer == &worker->drain_cut)
		drain_due(worker);
	else if (timer == &worker->overload)
		return; /* it is looked in each turn */
	else
		conn_io_timer_due((struct connection *)timer);
}

static void on_ready(void *user, struct source *source, uint32_t events)
{
	if (source->kind == SOURCE_LISTENER)
		worker_accept_ready(user, (struct worker_listener *)source);
	else if (source->kind == SOURCE_DIALS)
		worker_dials_ready(user);
	else
		conn_io_ready((struct conn_side *)source, events);
}

/* How long nothing has to be done here. */
static int idle_ms(struct worker *worker)
{
	uint64_t next = timers_next(&worker->timers), now, most;

	if (worker->recheck != NULL)
		return 0;
	if (worker->queue != NULL)
		return conn_io_queue_waits(worker) ? 1 : 0;
	if (worker->stopping && worker->give_up_ns < next)
		next = worker->give_up_ns;
	if (next == UINT64_MAX && worker->beat == NULL)
		return -1;
	now = worker_now(worker)->monotonic_ns;
	most = now + WATCHDOG_LOOK_NS;
	if (worker->beat != NULL && next > most)
		next = most;
	return next > now ? (int)((next - now) / 1000000) + 1 : 0; /* a round of the wheel at most: it fits */
}

/* Everything that came is read, then all is written, then some of those have their turn who say much; what ended is
 * freed. */
static void turn(struct worker *worker)
{
	int wait_ms = idle_ms(worker);

	watchdog_turn(worker->beat);
	worker->now_known = false;
	worker->handshakes = 0;
	poller_wait(&worker->poller, wait_ms, on_ready, worker);
	timers_run(&worker->timers, worker_now(worker)->monotonic_ns, on_due, worker);
	worker_reload_slice(worker);
	worker_overload_look(worker);
	conn_io_flush_all(worker);
}

static void wake(void *user)
{
	struct worker *worker = user;

	uv_async_send(&worker->wake);
}

bool worker_tell(struct worker *worker, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail)
{
	return ipc_send(worker->inbox, type, payload, size, tail, false);
}

static int init_loop(struct worker *worker)
{
	if (uv_loop_init(&worker->loop) != 0)
		return -1;
	if (uv_async_init(&worker->loop, &worker->wake, on_wake) != 0) {
		uv_loop_close(&worker->loop);
		return -1;
	}
	worker->wake.data = worker;
	worker->initialized = true;
	return poller_init(&worker->poller, &worker->loop);
}

int worker_init(struct worker *worker, const int *fds, unsigned fd_count)
{
	struct fw_engine_options options = { .policy = worker->options->policy, .number = (uint8_t)worker->index };

	worker->reserve_fd = worker->poller.fd = -1;
	worker->random = options.random = random_from(&worker->random_stock);
	worker->scratch = mem_alloc(WORKER_SCRATCH + TLS_STREAM_SLACK);
	worker->tls_io = tls_stream_io(worker->options->tls);
	worker->policy = fw_policy_ref(worker->options->policy);
	worker->user_timeout_ms = gate_user_timeout_ms(worker->policy);
	worker->inbox = ipc_channel_new(LIMIT_INBOX, wake, worker);
	worker->engine = fw_engine_new(&options);
	timers_init(&worker->timers, read_clock(CLOCK_MONOTONIC, 1));
	if (init_loop(worker) != 0 || worker->scratch == NULL || worker->tls_io == NULL || worker->inbox == NULL ||
	    worker->engine == NULL || !worker_capture_start(worker) || !worker_dials_start(worker))
		goto failed;
	store_quota(worker->engine, worker->options->store);
	engine_watch(worker->engine, uv_hrtime);
	resolve_init(&worker->resolve, &worker->loop, conn_io_resolved);
	worker->resolve.log = worker->options->log;
	worker_now(worker);
	return worker_accept_start(worker, fds, fd_count);
failed:
	for (unsigned i = 0; i < fd_count; i++)
		close(fds[i]);
	return -1;
}

/* A name lookup that is being asked cannot be taken back, and may take as long as the name servers let it. After a
 * moment the thread ends without it. */
static bool gives_up(struct worker *worker)
{
	return worker->stopping && worker_now(worker)->monotonic_ns >= worker->give_up_ns;
}

static void run(void *user)
{
	struct worker *worker = user;
	char name[THREAD_NAME];

	/* So that `top -H` and profiles tell who works. */
	snprintf(name, sizeof(name), "fw-worker-%u", worker->index);
	pthread_setname_np(pthread_self(), name);
	watchdog_enter(worker->beat);
	uv_run(&worker->loop, UV_RUN_NOWAIT); /* its own descriptors are watched from its first turn on */
	while (uv_loop_alive(&worker->loop) && !gives_up(worker))
		turn(worker);
	watchdog_leave(worker->beat);
}

int worker_start(struct worker *worker)
{
	worker->running = uv_thread_create(&worker->thread, run, worker) == 0;
	return worker->running ? 0 : -1;
}

void worker_stop(struct worker *worker)
{
	if (!worker->running)
		return;
	atomic_store(&worker->stop, true);
	uv_async_send(&worker->wake);
}

void worker_join(struct worker *worker)
{
	if (worker->running)
		uv_thread_join(&worker->thread);
}

bool worker_fini(struct worker *worker)
{
	bool left = worker->running && uv_loop_alive(&worker->loop); /* only a lookup can be */

	if (worker->initialized && !left) {
		stop_now(worker); /* when the thread never ran */
		uv_run(&worker->loop, UV_RUN_DEFAULT);
		uv_loop_close(&worker->loop);
		conn_io_flush_all(worker);
	}
	poller_fini(&worker->poller);
	if (!left)
		resolve_fini(&worker->resolve);
	worker_capture_stop(worker);
	fw_engine_free(worker->engine);
	worker_reload_fini(worker);
	ipc_channel_free(worker->inbox);
	tls_bio_free(worker->tls_io);
	mem_free(worker->scratch);
	return !left;
}
