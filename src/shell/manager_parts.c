/* What a manager runs: keeper, gate, hub, store, and the loop that the keeper lives on. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/manager_parts.h"
#include "shell/random.h"
#include "shell/server_files.h"
#include "shell/store_settings.h"
#include "state/store.h"

enum { SWEEP_MS = 1000, PATH_ROOM = 4096 };

/* The users of the quick start. */
static const struct keeper_demo demo_users = { .users = { { "alice", "user" }, { "bob", "user" } }, .user_count = 2 };

/* Keeper and gate say what failed in buffers that all of a process share. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void manager_parts_record(struct fw_manager *manager, const char *change, const char *digest)
{
	struct fw_record written = { .type = EVENT_system_changes, .level = manager_reload_level(manager) };

	written.details[written.detail_count++] = (struct fw_detail){ .key = "change", .text = slice_text(change) };
	if (digest != NULL)
		written.details[written.detail_count++] =
			(struct fw_detail){ .key = "digest", .text = slice_text(digest) };
	keeper_record(manager->keeper, &written);
}

static void on_drained(void *user, unsigned worker)
{
	struct fw_manager *manager = user;

	(void)worker;
	if (++manager->drained == gate_workers(manager->gate))
		uv_stop(&manager->loop);
}

static void drain(struct fw_manager *manager)
{
	struct ipc_drain drain = { .seconds = atomic_load(&manager->drain_seconds) };

	manager->draining = true;
	keeper_set_draining(manager->keeper);
	manager_parts_record(manager, "draining", NULL);
	log_debug(&manager->lines, server, "draining, up to %u s", drain.seconds);
	manager_say(manager, FW_LOG_NOTICE, "manager", "draining: no new connections, up to %u s for those there are",
		    drain.seconds);
	gate_tell(manager->gate, -1, IPC_DRAIN, &drain, sizeof(drain), slice(NULL, 0));
}

/* fw_manager_stop. Connections first end in an orderly way; who will not wait is obeyed. */
static void on_wake(uv_async_t *handle)
{
	struct fw_manager *manager = handle->data;

	if (!manager->draining)
		drain(manager);
	if (atomic_load(&manager->at_once))
		uv_stop(&manager->loop);
}

static void on_renew(uv_async_t *handle)
{
	manager_reload_renew(handle->data);
}

static void on_sweep(uv_timer_t *handle)
{
	struct fw_manager *manager = handle->data;

	store_sweep(manager->store, (struct fw_time){ .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() });
	manager_watch(manager);
	if (manager->gate != NULL)
		gate_settle(manager->gate);
}

static int read_addresses(struct fw_manager *manager, uint16_t *ret_port, struct fw_error *reterr_error)
{
	const struct settings *settings = &manager->policy->settings;

	manager->admin_on = strcmp(settings->admin_listen, "off") != 0;
	if (!server_listen_parse(settings->listen, manager->client_host, ret_port))
		return manager_say_error(reterr_error, FW_ERR_INVALID, "listen: \"%s\" is not HOST:PORT",
					 settings->listen);
	if (manager->admin_on &&
	    !server_listen_parse(settings->admin_listen, manager->admin_host, &manager->admin_port))
		return manager_say_error(reterr_error, FW_ERR_INVALID,
					 "admin.listen: \"%s\" is neither HOST:PORT nor off", settings->admin_listen);
	return FW_OK;
}

static int start_loop(struct fw_manager *manager, struct fw_error *reterr_error)
{
	if (uv_loop_init(&manager->loop) != 0)
		return manager_say_error(reterr_error, FW_ERR_IO, "cannot start: no event loop");
	manager->has_loop = true;
	manager->wake.data = manager->renew.data = manager->sweep.data = manager;
	uv_timer_init(&manager->loop, &manager->sweep);
	uv_timer_start(&manager->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	/* Both use one descriptor: the second cannot fail where the first did not. */
	if (uv_async_init(&manager->loop, &manager->wake, on_wake) == 0) {
		uv_async_init(&manager->loop, &manager->renew, on_renew);
		return FW_OK;
	}
	uv_close((uv_handle_t *)&manager->sweep, NULL);
	uv_run(&manager->loop, UV_RUN_DEFAULT);
	uv_loop_close(&manager->loop);
	manager->has_loop = false;
	return manager_say_error(reterr_error, FW_ERR_IO, "cannot start: no descriptor for the event loop");
}

int manager_parts_keeper(struct fw_manager *manager, const struct keeper_options *channels,
			 struct fw_error *reterr_error)
{
	const struct fw_policy *started = channels != NULL ? channels->started : manager->policy;
	const char *folder = started->settings.log_directory, *text = "cannot start the keeper";
	char record_directory[PATH_ROOM];
	struct keeper_options keeper = {
		.loop = &manager->loop,
		.policy = manager->policy,
		.store = manager->store,
		.data_directory = manager->data_directory,
		.record_directory = record_directory,
		.admin_host = manager->admin_on ? manager->admin_host : NULL,
		.admin_port = manager->admin_port,
		.random = random_system(),
		.demo = manager->demo ? &manager->demo_users : NULL,
		.on_event = manager->on_event,
		.event_user = manager->event_user,
		.log = &manager->lines,
		.tls = manager->tls,
		.reload = manager_reload_ask,
		.reload_user = manager,
		.configuration = manager->configuration,
		.keys = manager->issuer_keys,
		.keys_changed = manager_keys_use,
		.keys_user = manager,
	};

	if (channels != NULL) {
		keeper.records = channels->records;
		keeper.figures = channels->figures;
		keeper.asks = channels->asks;
		keeper.capture = channels->capture;
		keeper.remote = channels->remote;
		keeper.directory_fd = channels->directory_fd;
		keeper.started = started;
		keeper.sealed = channels->sealed;
		keeper.sealed_count = channels->sealed_count;
		keeper.reload = channels->reload;
		keeper.reload_user = channels->reload_user;
		keeper.keys_changed = channels->keys_changed;
		keeper.keys_user = channels->keys_user;
	}
	manager->demo_users = demo_users;
	manager->demo_users.client_port = manager->client_port;
	if (folder[0] != '\0')
		snprintf(record_directory, sizeof(record_directory), "%s", folder);
	else
		snprintf(record_directory, sizeof(record_directory), "%s/record", manager->data_directory);
	manager->keeper = keeper_start(&keeper, &text);
	return manager->keeper != NULL ? FW_OK : manager_say_error(reterr_error, FW_ERR_IO, "%s", text);
}

unsigned manager_parts_workers(const struct fw_policy *policy)
{
	unsigned wanted = (unsigned)policy->settings.workers;

	if (wanted == 0)
		wanted = uv_available_parallelism();
	return wanted < LIMIT_WORKERS ? wanted : LIMIT_WORKERS;
}

static int start_gate(struct fw_manager *manager, uint16_t port, struct fw_error *reterr_error)
{
	const char *text = "cannot start the gate";
	struct gate *gate;
	struct gate_options options = {
		.policy = manager->policy,
		.store = manager->store,
		.hub = manager->hub,
		.tls = manager->tls,
		.manager = manager,
		.on_message = manager->on_message,
		.message_user = manager->message_user,
		.host = manager->client_host,
		.port = port,
		.workers = manager_parts_workers(manager->policy),
		.log = &manager->lines,
		.records = keeper_records(manager->keeper),
		.figures = keeper_figures(manager->keeper),
		.asks = keeper_asks(manager->keeper),
		.capture = keeper_capture(manager->keeper),
	};

	manager_watch_begin(manager);
	options.beats = manager->watchdog.beats;
	gate = gate_start(&options, &text);
	if (gate == NULL)
		return manager_say_error(reterr_error, FW_ERR_IO, "%s", text);
	if (!gate_has_room(gate, manager->policy, &text)) {
		gate_stop(gate);
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "%s", text);
	}
	pthread_rwlock_wrlock(&manager->gate_lock);
	manager->gate = gate;
	pthread_rwlock_unlock(&manager->gate_lock);
	manager->started = manager->fingerprint;
	manager->client_port = manager->demo_users.client_port = gate_port(gate);
	keeper_set_gate(manager->keeper, gate);
	keeper_on_drained(manager->keeper, on_drained, manager);
	return FW_OK;
}

static void run(void *user)
{
	struct fw_manager *manager = user;

	uv_run(&manager->loop, UV_RUN_DEFAULT);
}

int manager_parts_prepare(struct fw_manager *manager, uint16_t *ret_port, struct fw_error *reterr_error)
{
	struct fw_slice wrong; /* nothing: it was checked */
	int result = read_addresses(manager, ret_port, reterr_error);

	if (result != FW_OK)
		return result;
	result = manager_keys_add(manager, &manager->policy, reterr_error);
	if (result == FW_OK)
		log_set(&manager->lines, slice_text(manager->policy->settings.log_level), &wrong);
	return result;
}

int manager_parts_state(struct fw_manager *manager, struct fw_error *reterr_error)
{
	struct fw_random random = random_system();
	struct store_options settings = store_settings(manager->policy);

	settings.begun_wall_us = clock_wall_us();
	manager->store = store_new(&settings, &random);
	/* Also where no route needs it: after a reload one may. */
	manager->hub = manager->without_hub ? NULL : hub_new();
	if (manager->store == NULL || (manager->hub == NULL && !manager->without_hub))
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "cannot start: out of memory");
	return FW_OK;
}

static int start_parts(struct fw_manager *manager, struct fw_error *reterr_error)
{
	uint16_t port;
	int result = manager_parts_prepare(manager, &port, reterr_error);

	manager->draining = false;
	manager->drained = 0;
	atomic_store(&manager->at_once, false);
	if (result == FW_OK)
		result = manager_parts_state(manager, reterr_error);
	if (result == FW_OK)
		result = start_loop(manager, reterr_error);
	if (result == FW_OK)
		result = manager_parts_keeper(manager, NULL, reterr_error);
	if (result == FW_OK)
		result = start_gate(manager, port, reterr_error);
	if (result != FW_OK)
		return result;
	manager_parts_record(manager, "started", manager->configuration.digest);
	log_debug(&manager->lines, server, "started: %u workers", gate_workers(manager->gate));
	manager_say_where(manager);
	if (uv_thread_create(&manager->thread, run, manager) != 0)
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "cannot start: no thread");
	return FW_OK;
}

/* Signals are the business of the program around: none of its handlers is to run on a thread of ours. */
int manager_parts_start(struct fw_manager *manager, struct fw_error *reterr_error)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&one_at_a_time);
	result = start_parts(manager, reterr_error);
	pthread_mutex_unlock(&one_at_a_time);
	if (result != FW_OK)
		manager_parts_stop(manager);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

void manager_parts_end(struct fw_manager *manager)
{
	if (manager->has_loop) {
		uv_run(&manager->loop, UV_RUN_DEFAULT);
		uv_loop_close(&manager->loop);
		manager->has_loop = false;
	}
	manager->hub = hub_free(manager->hub);
	store_free(manager->store);
	manager->store = NULL;
}

void manager_parts_stop(struct fw_manager *manager)
{
	struct gate *gate;

	/* Who sends finds no gate from now on; handlers that do so are waited for below. */
	pthread_rwlock_wrlock(&manager->gate_lock);
	gate = manager->gate;
	manager->gate = NULL;
	pthread_rwlock_unlock(&manager->gate_lock);
	if (gate != NULL) {
		keeper_set_draining(manager->keeper);
		keeper_set_gate(manager->keeper,
				NULL); /* its loop stands still: what is answered from now on goes nowhere */
		gate_stop(gate);
		manager_parts_record(manager, "stopped", NULL);
		log_debug(&manager->lines, server, "stopped");
	}
	manager_watch_end(manager);
	/* The keeper still has the gate's last records; it closes its handles on this loop. */
	manager->keeper = keeper_stop(manager->keeper);
	if (manager->has_loop) {
		uv_close((uv_handle_t *)&manager->wake, NULL);
		uv_close((uv_handle_t *)&manager->renew, NULL);
		uv_close((uv_handle_t *)&manager->sweep, NULL);
	}
	manager_parts_end(manager);
}
