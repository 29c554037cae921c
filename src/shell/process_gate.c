/* The gate as a process: workers, their store, the hub. It meets the network, and may do next to nothing besides. Its
 * main thread does what the keeper says to the store, and passes on what is for workers; it never waits for the keeper
 * but at the start, when it does not know yet who is shut out. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/gate_store.h"
#include "shell/overload.h"
#include "shell/process_parts.h"
#include "shell/log.h"

enum { SWEEP_MS = 1000, BEGIN_AGAIN_MS = 500 };

struct process {
	struct process_shared *shared;
	struct fw_manager *manager;
	struct gate_store store;
	uv_poll_t link, down, lists;
	uv_timer_t sweep;
	struct overload overload;
	bool ends;
};

static void begin(struct process *process, bool knows)
{
	struct ipc_gate_begins begins = { .generation = process->shared->generation,
					  .workers = (uint16_t)process->shared->workers,
					  .knows = knows };

	ipc_send(process->shared->figures, IPC_GATE_BEGINS, &begins, sizeof(begins), slice(NULL, 0), false);
}

static void use_keys(struct process *process)
{
	struct fw_manager *manager = process->manager;
	struct fw_policy *made;

	if (!process->store.keys_changed)
		return;
	process->store.keys_changed = false;
	made = issuer_keys_apply(manager->issuer_keys, manager->policy, clock_wall_us());
	if (made == NULL)
		return;
	fw_policy_unref(manager->policy);
	manager->policy = made;
	if (manager->gate != NULL)
		gate_reload(manager->gate, made);
}

static void do_store(struct process *process, const struct ipc_store *message, struct fw_slice tail)
{
	if (gate_store_obey(&process->store, message, tail)) {
		use_keys(process);
	} else if (message->op == IPC_STORE_WHO) {
		gate_store_tell_blocks(&process->store);
		begin(process, true);
	}
}

union down {
	struct ipc_store store;
	struct ipc_broadcast broadcast;
	uint8_t octets[512];
};

static void take_down(struct process *process)
{
	struct ipc_channel *down = process->shared->down;
	union down message;
	struct fw_slice tail;
	enum ipc_type type;

	while (ipc_receive(down, &type, &message, sizeof(message), &tail)) {
		if (type == IPC_STORE)
			do_store(process, &message.store, tail);
		else
			gate_tell(process->manager->gate, ipc_to(down) == GATE_ALL ? -1 : (int)ipc_to(down), type,
				  &message, ipc_size(type), tail);
	}
}

/* Lists of addresses. What cannot be used leaves what was there; whose address is on one goes. */
static void take_lists(struct process *process)
{
	struct threats *threats = store_threats(process->manager->store);
	struct threats_entry entry;
	bool changed = false;
	long size;
	int fd;

	while ((size = process_link_get(process->shared->threats_gate, &entry, sizeof(entry), &fd)) > 0) {
		if (size != (long)sizeof(entry) || !threats_put(threats, &entry, fd))
			log_warn(&process->manager->lines, threat, "a list that came from the keeper is none");
		changed = true;
		if (fd >= 0)
			close(fd);
	}
	if (size == 0) /* the monitor has both ends: never, while there is one */
		uv_poll_stop(&process->lists);
	if (changed && process->manager->gate != NULL)
		gate_tell(process->manager->gate, -1, IPC_END_LISTED, &(struct ipc_empty){ 0 },
			  sizeof(struct ipc_empty), slice(NULL, 0));
}

static void on_lists(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	take_lists(poll->data);
}

static void on_down(uv_poll_t *poll, int status, int events)
{
	struct process *process = poll->data;

	(void)status;
	(void)events;
	ipc_fd_clear(process->shared->down);
	take_down(process);
}

static void end(struct process *process)
{
	process->ends = true;
	if (process->manager->has_loop)
		uv_stop(&process->manager->loop);
}

static void obey(void *user, const struct process_message *message, int *fd)
{
	struct process *process = user;
	struct ipc_drain drain = { .seconds = (uint32_t)message->number };

	switch ((enum process_message_type)message->type) {
	case PROCESS_DRAIN:
		if (process->manager->gate != NULL)
			gate_tell(process->manager->gate, -1, IPC_DRAIN, &drain, sizeof(drain), slice(NULL, 0));
		else
			end(process);
		break;
	case PROCESS_STOP:
		end(process);
		break;
	case PROCESS_FILE:
	case PROCESS_RELOAD:
		process_follow(process->shared, message, fd);
		break;
	default: /* the keeper's */
		break;
	}
}

static void take_link(struct process *process)
{
	if (!process_hear(process->shared, obey, process))
		end(process);
}

static void on_link(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	take_link(poll->data);
}

static void on_sweep(uv_timer_t *timer)
{
	struct process *process = timer->data;

	store_sweep(process->manager->store,
		    (struct fw_time){ .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() });
	gate_store_tell_used(&process->store);
	gate_settle(process->manager->gate);
}

/* Until the keeper has told all: nobody is let in who was shut out. What it told an earlier gate is passed over. */
static void learn(struct process *process)
{
	struct ipc_channel *down = process->shared->down;
	bool begun = false, ready = false;
	union down message;
	struct fw_slice tail;
	enum ipc_type type;

	begin(process, false);
	while (!ready && !process->ends) {
		struct pollfd fds[] = { { .fd = ipc_fd(down), .events = POLLIN },
					{ .fd = process->shared->link, .events = POLLIN } };

		if (poll(fds, 2, BEGIN_AGAIN_MS) == 0 && !begun)
			begin(process, false); /* a keeper that fell meanwhile has not heard it */
		if (fds[1].revents != 0)
			take_link(process);
		ipc_fd_clear(down);
		while (!ready && ipc_receive(down, &type, &message, sizeof(message), &tail)) {
			if (type != IPC_STORE)
				continue;
			if (message.store.op == IPC_STORE_BEGIN)
				begun = message.store.numbers[0] == process->shared->generation;
			else if (message.store.op == IPC_STORE_READY)
				ready = begun;
			else if (begun)
				do_store(process, &message.store, tail);
		}
	}
}

static int start_gate(struct process *process, struct fw_error *error)
{
	struct process_shared *shared = process->shared;
	struct fw_manager *manager = process->manager;
	struct gate_options options = {
		.policy = manager->policy,
		.store = manager->store,
		.hub = manager->hub,
		.tls = manager->tls,
		.manager = manager,
		.host = manager->client_host,
		.port = shared->port,
		.workers = shared->workers,
		.log = &manager->lines,
		.listening = &shared->listening,
		.apart = true,
		.overload = &process->overload,
		.beats = shared->beats,
		.dials = shared->dials_gate,
		.records = shared->records,
		.figures = shared->figures,
		.asks = shared->asks,
		.capture = shared->capture,
	};
	const char *text = "cannot start the gate";

	manager->gate = gate_start(&options, &text);
	if (manager->gate == NULL)
		return manager_say_error(error, FW_ERR_IO, "%s", text);
	if (gate_has_room(manager->gate, manager->policy, &text))
		return FW_OK;
	/* One that fell has to come back, whatever it can do. */
	if (shared->first)
		return manager_say_error(error, FW_ERR_MEMORY, "%s", text);
	log_warn(&manager->lines, gate, "%s", text);
	return FW_OK;
}

static int start(struct process *process, struct fw_error *error)
{
	struct process_shared *shared = process->shared;
	struct fw_manager *manager = process->manager;
	const char *lacks;
	int result;

	tls_leave_admin(manager->tls);
	process_join(shared, shared->generation);
	result = manager_parts_state(manager, error);
	if (result != FW_OK)
		return result;
	threats_count_in(store_threats(manager->store), shared->threat_counts);
	process->store = (struct gate_store){ .store = manager->store,
					      .log = &manager->lines,
					      .keys = manager->issuer_keys,
					      .replies = shared->replies,
					      .figures = shared->figures };
	overload_open(&process->overload);
	lacks = shared->options->confine_gate();
	if (lacks != NULL && shared->first)
		log_warn(&manager->lines, server, "%s", lacks);
	fall_note_begin(shared->note);
	learn(process);
	if (process->ends)
		return FW_OK;
	if (uv_loop_init(&manager->loop) != 0)
		return manager_say_error(error, FW_ERR_IO, "cannot start: no event loop");
	manager->has_loop = true;
	process->link.data = process->down.data = process->sweep.data = process->lists.data = process;
	uv_poll_init(&manager->loop, &process->link, shared->link);
	uv_poll_init(&manager->loop, &process->down, ipc_fd(shared->down));
	uv_poll_init(&manager->loop, &process->lists, shared->threats_gate);
	uv_timer_init(&manager->loop, &process->sweep);
	take_lists(process); /* before clients come */
	result = start_gate(process, error);
	if (result != FW_OK)
		return result;
	uv_poll_start(&process->link, UV_READABLE, on_link);
	uv_poll_start(&process->down, UV_READABLE, on_down);
	uv_poll_start(&process->lists, UV_READABLE, on_lists);
	uv_timer_start(&process->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	return FW_OK;
}

static void stop(struct process *process)
{
	struct fw_manager *manager = process->manager;

	manager->gate = gate_stop(manager->gate);
	overload_close(&process->overload);
	if (manager->has_loop) {
		uv_close((uv_handle_t *)&process->link, NULL);
		uv_close((uv_handle_t *)&process->down, NULL);
		uv_close((uv_handle_t *)&process->lists, NULL);
		uv_close((uv_handle_t *)&process->sweep, NULL);
	}
	process_end(process->shared);
}

int process_gate(struct process_shared *shared)
{
	struct process process = { .shared = shared, .manager = shared->manager, .overload.statm = -1 };
	struct fw_error error = { .code = FW_OK };

	prctl(PR_SET_NAME, "fw-gate");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (start(&process, &error) == FW_OK) {
		if (!process.ends) {
			process_tell_ready(shared, shared->port);
			take_down(&process); /* what came while it was not looked */
			uv_run(&shared->manager->loop, UV_RUN_DEFAULT);
		}
	} else {
		process_tell(shared, PROCESS_FAILED, 0, error.text);
	}
	stop(&process);
	return error.code == FW_OK ? 0 : 1;
}
