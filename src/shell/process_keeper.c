/* The keeper as a process: record, database, admin side, what is fetched. It meets operators and providers, and
 * whatever the gate writes into their channels. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/dialler.h"
#include "shell/gate.h"
#include "shell/keeper_needs.h"
#include "shell/keeper_parts.h"
#include "shell/penalty.h"
#include "shell/process_parts.h"

enum { SWEEP_MS = 1000, AGAIN_MS = 20, AGAIN_STEPS = 500 };

struct process {
	struct process_shared *shared;
	struct fw_manager *manager;
	struct keeper_remote remote;
	struct dialler *dialler;
	struct keeper_needs needs; /* what it may do rests on them */
	/* It ends for one that may do more, when what came of the reload was told; nobody new comes to it. */
	bool again, told, hidden, deaf;
	unsigned again_steps;
	bool orphan; /* the monitor is gone */
	uv_poll_t link;
	uv_timer_t sweep, ends;
	unsigned drained;
	/* A thread of the admin side waits for what comes of a reload. */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool waits, has_result;
	struct reload_result result;
	char *name;
};

static void on_drained(void *user, unsigned worker)
{
	struct process *process = user;

	(void)worker;
	if (++process->drained == process->shared->workers)
		process_tell(process->shared, PROCESS_DRAINED, 0, "");
}

/* In a thread of the admin side. */
static void ask_reload(void *user, struct reload_result *ret_result)
{
	struct process *process = user;

	pthread_mutex_lock(&process->lock);
	process->waits = true;
	process->has_result = false;
	process_tell(process->shared, PROCESS_ASK_RELOAD, 0, "");
	while (!process->has_result)
		pthread_cond_wait(&process->answered, &process->lock);
	*ret_result = process->result;
	process->result = (struct reload_result){ 0 };
	process->waits = false;
	pthread_mutex_unlock(&process->lock);
}

static void answer_reload(struct process *process)
{
	pthread_mutex_lock(&process->lock);
	process->has_result = true;
	pthread_cond_broadcast(&process->answered);
	pthread_mutex_unlock(&process->lock);
}

/* An operator asked, or somebody by a signal: that is recorded here. */
static void take_result(struct process *process, int fd, bool record)
{
	struct fw_manager *manager = process->manager;
	struct fw_record written = { .type = EVENT_system_changes };
	struct reload_result result = { .error = { .code = FW_ERR_MEMORY } };
	char *name;

	process->told = true;
	if (!process_result_read(fd, &result, &name))
		manager_say_error(&result.error, FW_ERR_MEMORY, "out of memory");
	if (result.after.generation != 0) {
		manager->configuration = result.after;
		keeper_renew(manager->keeper, manager->policy, &manager->configuration);
	}
	if (!record) {
		mem_free(process->name);
		process->name = name; /* problems name it until the next one */
		process->result = result;
		answer_reload(process);
		return;
	}
	written.level = manager_reload_level(manager);
	written.details[written.detail_count++] =
		(struct fw_detail){ .key = "change",
				    .text = slice_text(result.error.code == FW_OK ? "reloaded" : "reload refused") };
	reload_record(manager->keeper, &written, &result);
	reload_fini(&result);
	mem_free(name);
}

/* What made it fall may come again: the address that did is counted as one that broke the rules. That it fell has been
 * recorded by the monitor. */
static void gate_gone(struct process *process, const struct process_message *message)
{
	struct fw_manager *manager = process->manager;
	struct fw_record record = { 0 };
	bool known = message->text[0] != '\0' && addr_parse(slice_text(message->text), &record.source);
	struct store_penalty penalty;
	struct store_offence offence;

	keeper_store_gone(manager->keeper, message->generation);
	if (!known)
		return;
	offence = penalty_offence(manager->policy, &record.source, slice(NULL, 0), EVENT_system_error);
	offence.points = (uint32_t)manager->policy->settings.fall_points;
	store_offend(manager->store, &offence, uv_hrtime(), &penalty);
	if (penalty_record(manager->policy, &penalty, &record))
		keeper_record(manager->keeper, &record);
}

/* The monitor has seen it, and said it. */
static void worker_hangs(struct process *process, const struct process_message *message)
{
	struct fw_manager *manager = process->manager;
	const struct settings *settings = &manager->policy->settings;
	struct watchdog_found found = { .worker = (unsigned)message->number,
					.turns = message->text[0] == '\0',
					.still_ns = message->generation * (uint64_t)1000000000 };
	struct fw_record record;

	snprintf(found.where, sizeof(found.where), "%.*s", WATCHDOG_WHERE - 1, message->text);
	record = watchdog_record(&found, settings->watchdog_action == WATCHDOG_RESTART ? "restart" : "record");
	record.level = manager->policy->event_levels[record.type];
	keeper_record(manager->keeper, &record);
}

static void drain(struct process *process, int64_t seconds)
{
	struct fw_manager *manager = process->manager;

	keeper_set_draining(manager->keeper);
	manager_parts_record(manager, "draining", NULL);
	log_debug(&manager->lines, server, "draining, up to %u s", (unsigned)seconds);
	manager_say(manager, FW_LOG_NOTICE, "manager", "draining: no new connections, up to %u s for those there are",
		    (unsigned)seconds);
}

static void say_where(struct process *process)
{
	manager_parts_record(process->manager, "started", process->manager->configuration.digest);
	log_debug(&process->manager->lines, server, "started: %u workers", process->shared->workers);
	manager_say_where(process->manager);
	process_tell(process->shared, PROCESS_SAY, 0, "");
}

static void hide(struct process *process)
{
	if (!process->hidden)
		unlinkat(process->shared->directory_fd, "control.sock", 0);
	process->hidden = true;
}

static void on_ends(uv_timer_t *timer)
{
	struct process *process = timer->data;

	struct keeper *keeper = process->manager->keeper;

	if (!process->told || keeper_vault_reseals(keeper)) /* somebody waits for that */
		return;
	hide(process);
	if (!process->deaf) { /* who had come by then has been let in */
		process->deaf = true;
		keeper_deafen(keeper);
		return;
	}
	if (keeper_answers(keeper) && ++process->again_steps < AGAIN_STEPS)
		return;
	process_tell(process->shared, PROCESS_AGAIN, 0, "");
	uv_stop(&process->manager->loop);
}

/* A configuration came. Where it names files that this process may not reach it is another process that must, and what
 * operators ask from now on is for that one. */
static void reloaded(struct process *process)
{
	struct fw_manager *manager = process->manager;
	struct keeper_needs needs;

	dialler_allow(process->dialler, manager->policy);
	process->told = false;
	if (!keeper_needs_of(manager->policy, process->shared->started, manager->data_directory, &needs) ||
	    !keeper_needs_covers(&process->needs, &needs))
		process->again = true;
	keeper_needs_free(&needs);
	if (!process->again)
		return;
	if (!keeper_vault_reseals(manager->keeper))
		hide(process);
	uv_timer_start(&process->ends, on_ends, AGAIN_MS, AGAIN_MS);
}

static void obey(void *user, const struct process_message *message, int *fd)
{
	struct process *process = user;
	switch ((enum process_message_type)message->type) {
	case PROCESS_SAY:
		say_where(process);
		break;
	case PROCESS_DRAIN:
		drain(process, message->number);
		break;
	case PROCESS_STOP:
		uv_stop(&process->manager->loop);
		break;
	case PROCESS_GONE:
		gate_gone(process, message);
		break;
	case PROCESS_HANGS:
		worker_hangs(process, message);
		break;
	case PROCESS_FILE:
	case PROCESS_RELOAD:
		process_follow(process->shared, message, fd);
		if (message->type == PROCESS_RELOAD)
			reloaded(process);
		break;
	case PROCESS_RESULT:
		take_result(process, *fd, message->number != 0);
		break;
	default: /* the gate's */
		break;
	}
}

static void on_link(uv_poll_t *poll, int status, int events)
{
	struct process *process = poll->data;

	(void)status;
	(void)events;
	if (!process_hear(process->shared, obey,
			  process)) { /* the monitor is gone: what there is is written, then this ends, too */
		process->orphan = true;
		uv_poll_stop(poll);
		keeper_set_draining(process->manager->keeper);
		uv_stop(&process->manager->loop);
	}
}

/* Keys of issuers are the policy's from now on, here and in the gate, before what rests on them is answered. */
static bool use_keys(void *user)
{
	struct process *process = user;
	struct fw_manager *manager = process->manager;
	struct fw_policy *last = manager->policy;
	struct fw_policy *made = issuer_keys_apply(manager->issuer_keys, last, clock_wall_us());

	if (made == NULL)
		return false;
	manager->policy = made;
	if (process->remote.up)
		process->remote.send_keys(process);
	keeper_renew(manager->keeper, made, &manager->configuration);
	fw_policy_unref(last);
	return true;
}

static void send_set(void *user, const struct issuer_keys_set *set)
{
	struct process *process = user;
	struct ipc_store message = { .op = IPC_STORE_KEY_SET, .numbers = { set->wall_us, set->age_s } };
	uint32_t url_size = (uint32_t)strlen(set->url);
	uint8_t *rest = mem_alloc(url_size + set->jwks.size + 1);

	if (rest == NULL)
		return;
	memcpy(message.mark, &url_size, sizeof(url_size));
	memcpy(rest, set->url, url_size);
	if (set->jwks.size != 0)
		memcpy(rest + url_size, set->jwks.data, set->jwks.size);
	keeper_store_push(process->manager->keeper, &message, slice_text(set->issuer),
			  slice(rest, url_size + set->jwks.size));
	mem_free(rest);
}

static void send_keys(void *user)
{
	struct process *process = user;

	issuer_keys_each(process->manager->issuer_keys, send_set, process);
}

static void on_sweep(uv_timer_t *timer)
{
	struct process *process = timer->data;

	store_sweep(process->manager->store,
		    (struct fw_time){ .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() });
}

/* Before there is a thread, a socket or a file that is open. */
static bool confine(struct process *process)
{
	struct process_shared *shared = process->shared;
	const char *lacks;

	if (!keeper_needs_of(shared->manager->policy, shared->started, shared->manager->data_directory,
			     &process->needs))
		return false;
	for (unsigned i = 0; i < shared->sealed_count; i++)
		if (!keeper_needs_add_keys(&process->needs, shared->sealed[i]))
			return false;
	/* What is sorted, by SQLite and for a report, is sorted in files that have no name. */
	setenv("TMPDIR", process->needs.data, 0);
	lacks = shared->options->confine_keeper(&process->needs);
	if (lacks != NULL && shared->first)
		log_warn(&shared->manager->lines, server, "%s", lacks);
	return true;
}

static int start(struct process *process, struct fw_error *error)
{
	struct process_shared *shared = process->shared;
	struct fw_manager *manager = process->manager;
	struct keeper_options channels = { .records = shared->records,
					   .figures = shared->figures,
					   .asks = shared->asks,
					   .capture = shared->capture,
					   .remote = &process->remote,
					   .directory_fd = &shared->directory_fd,
					   .started = shared->started,
					   .sealed = shared->sealed,
					   .sealed_count = shared->sealed_count,
					   .reload = ask_reload,
					   .reload_user = process,
					   .keys_changed = use_keys,
					   .keys_user = process };
	int result;

	process_join(shared, 0);
	manager->client_port = shared->port;
	manager->admin_port = shared->admin_port;
	process->remote = (struct keeper_remote){ .down = shared->down,
						  .replies = shared->replies,
						  .gate_remote = gate_remote,
						  .gate_stop = gate_stop,
						  .threats = &shared->threats_keeper,
						  .send_keys = send_keys,
						  .user = process };
	if (!confine(process))
		return manager_say_error(error, FW_ERR_MEMORY, "cannot start: out of memory");
	result = manager_parts_state(manager, error);
	if (result != FW_OK)
		return result;
	threats_count_in(store_threats(manager->store), shared->threat_counts);
	if (uv_loop_init(&manager->loop) != 0)
		return manager_say_error(error, FW_ERR_IO, "cannot start: no event loop");
	manager->has_loop = true;
	result = manager_parts_keeper(manager, &channels, error);
	if (result != FW_OK)
		return result;
	keeper_on_drained(manager->keeper, on_drained, process);
	process->link.data = process->sweep.data = process->ends.data = process;
	uv_poll_init(&manager->loop, &process->link, shared->link);
	uv_poll_start(&process->link, UV_READABLE, on_link);
	uv_timer_init(&manager->loop, &process->ends);
	uv_timer_init(&manager->loop, &process->sweep);
	uv_timer_start(&process->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	process->dialler = dialler_start(shared->dials_keeper, shared->workers, manager->policy, &manager->lines);
	if (process->dialler == NULL)
		return manager_say_error(error, FW_ERR_MEMORY, "cannot start: out of memory or descriptors");
	return FW_OK;
}

/* A server whose monitor was killed did not stop. */
static void record_end(struct process *process)
{
	struct fw_record fell = { .type = EVENT_system_changes,
				  .level = FW_LEVEL_CRITICAL,
				  .detail_count = 1,
				  .details = { { .key = "change", .text = slice_text("monitor fell") } } };

	if (process->orphan)
		keeper_record(process->manager->keeper, &fell);
	else
		manager_parts_record(process->manager, "stopped", NULL);
	log_debug(&process->manager->lines, server, "stopped");
}

static void stop(struct process *process)
{
	struct fw_manager *manager = process->manager;

	process->dialler = dialler_stop(process->dialler);
	if (process->waits) {
		manager_say_error(&process->result.error, FW_ERR_STATE, "the server is stopping");
		answer_reload(process);
	}
	if (manager->keeper != NULL) {
		keeper_store_gone(manager->keeper, UINT32_MAX);
		record_end(process);
		uv_close((uv_handle_t *)&process->link, NULL);
		uv_close((uv_handle_t *)&process->sweep, NULL);
		uv_close((uv_handle_t *)&process->ends, NULL);
	}
	manager->keeper = keeper_stop(manager->keeper);
	process_end(process->shared);
	keeper_needs_free(&process->needs);
	reload_fini(&process->result);
	mem_free(process->name);
}

int process_keeper(struct process_shared *shared)
{
	struct process process = { .shared = shared, .manager = shared->manager };
	struct fw_error error = { .code = FW_OK };

	prctl(PR_SET_NAME, "fw-keeper");
	pthread_mutex_init(&process.lock, NULL);
	pthread_cond_init(&process.answered, NULL);
	if (start(&process, &error) == FW_OK) {
		process_tell_ready(shared, keeper_port(shared->manager->keeper));
		if (!shared->first)
			keeper_store_who(shared->manager->keeper);
		uv_run(&shared->manager->loop, UV_RUN_DEFAULT);
	} else {
		process_tell(shared, PROCESS_FAILED, 0, error.text);
	}
	stop(&process);
	pthread_cond_destroy(&process.answered);
	pthread_mutex_destroy(&process.lock);
	return error.code == FW_OK ? 0 : 1;
}
