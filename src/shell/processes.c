/* The monitor: parses, listens, forks, and looks after what it forked. It reads nothing from the network. */
#include "shell/processes.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "shell/keeper_parts.h"
#include "shell/monitor.h"

static void notify(struct monitor *monitor, const char *state)
{
	if (monitor->shared.options->notify != NULL)
		monitor->shared.options->notify(state);
}

static void stop(struct monitor *monitor)
{
	if (monitor->stopping)
		return;
	monitor->stopping = true;
	process_close_listeners(&monitor->shared);
	monitor->until_ns = uv_hrtime() + MONITOR_STOP_MS * MS_NS;
	monitor_tell(&monitor->gate, PROCESS_STOP, 0);
}

/* A listener lives as long as one process has it. */
static void drain(struct monitor *monitor)
{
	if (monitor->draining || !monitor->running) {
		stop(monitor);
		return;
	}
	monitor->draining = true;
	notify(monitor, "STOPPING=1");
	process_close_listeners(&monitor->shared);
	monitor->until_ns = uv_hrtime() + (monitor->shared.options->drain_seconds * 1000 + MONITOR_STOP_MS) * MS_NS;
	monitor_tell(&monitor->keeper, PROCESS_DRAIN, monitor->shared.options->drain_seconds);
	if (!monitor_tell(&monitor->gate, PROCESS_DRAIN, monitor->shared.options->drain_seconds))
		stop(monitor);
}

static void obey(struct monitor *monitor, struct part *part, const struct process_message *message)
{
	switch ((enum process_message_type)message->type) {
	case PROCESS_READY:
		part->ready = true;
		part->user = (uid_t)strtoul(message->text, NULL, 10);
		if (part == &monitor->keeper) {
			monitor->shared.admin_port = (uint16_t)message->number;
			if (!monitor->running && monitor->gate.pid == 0)
				monitor_start(monitor, &monitor->gate);
		} else if (!monitor->running) {
			monitor->running = true;
			monitor_say_parts(monitor);
			monitor_tell(&monitor->keeper, PROCESS_SAY, monitor->shared.port);
		}
		break;
	case PROCESS_FAILED:
		if (!monitor->running)
			manager_say_error(monitor->error, FW_ERR_IO, "%s", message->text);
		else
			manager_say(monitor->shared.manager, FW_LOG_ERROR, "manager", "%s", message->text);
		break;
	case PROCESS_SAY:
		if (part == &monitor->keeper)
			notify(monitor, "READY=1");
		break;
	case PROCESS_DRAINED:
		if (part == &monitor->keeper && monitor->draining)
			stop(monitor);
		break;
	case PROCESS_RELOADED:
		part->reloaded = message->number == 0;
		break;
	case PROCESS_ASK_RELOAD:
		monitor->asked |= part == &monitor->keeper;
		break;
	case PROCESS_AGAIN:
		part->again = part == &monitor->keeper;
		break;
	default: /* what the monitor says itself */
		break;
	}
}

void monitor_hear(struct monitor *monitor, struct part *part)
{
	struct process_message message;
	int fd;

	while (part->link >= 0 && !monitor->is_child) {
		enum process_heard heard = process_link_receive(part->link, &message, &fd);

		if (fd >= 0)
			close(fd); /* nobody sends one up */
		if (heard == PROCESS_NOTHING)
			return;
		if (heard == PROCESS_ENDED) { /* it ends, or says what nobody says: then it is ended */
			close(part->link);
			part->link = -1;
			part->kill_ns = uv_hrtime() + MONITOR_STOP_MS * MS_NS;
			return;
		}
		obey(monitor, part, &message);
	}
}

static void take_signal(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	while (!monitor->is_child && read(monitor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			monitor_reap(monitor);
			break;
		case SIGHUP:
			/* From the kernel nobody asked: the terminal is gone, and who started this with it. */
			if (info.ssi_code == SI_KERNEL) {
				drain(monitor);
			} else if (monitor->running && !monitor->draining) {
				if (monitor->shared.options->notify_reloading != NULL)
					monitor->shared.options->notify_reloading();
				monitor_reload(monitor, true);
				notify(monitor, "READY=1");
			}
			break;
		default:
			drain(monitor);
			break;
		}
	}
}

/* The next moment at which something is due; UINT64_MAX: none. */
static uint64_t next_due(const struct monitor *monitor)
{
	uint64_t next = monitor->until_ns != 0 ? monitor->until_ns : UINT64_MAX, watch = monitor_watch_due(monitor);

	if (monitor->asked)
		return 0;
	if (monitor->keeper.again_ns != 0 && monitor->keeper.again_ns < next)
		next = monitor->keeper.again_ns;
	if (monitor->gate.again_ns != 0 && monitor->gate.again_ns < next)
		next = monitor->gate.again_ns;
	if (monitor->keeper.kill_ns != 0 && monitor->keeper.kill_ns < next)
		next = monitor->keeper.kill_ns;
	if (monitor->gate.kill_ns != 0 && monitor->gate.kill_ns < next)
		next = monitor->gate.kill_ns;
	return watch < next ? watch : next;
}

static void do_due(struct monitor *monitor)
{
	struct part *parts[] = { &monitor->gate, &monitor->keeper };
	uint64_t now = uv_hrtime();

	if (monitor->asked) {
		monitor->asked = false;
		monitor_reload(monitor, false);
	}
	for (unsigned i = 0; i < 2; i++)
		if (parts[i]->kill_ns != 0 && now >= parts[i]->kill_ns) {
			kill(parts[i]->pid, SIGKILL);
			parts[i]->kill_ns = 0;
		}
	if (monitor->until_ns != 0 && now >= monitor->until_ns) {
		monitor->until_ns = now + MONITOR_STOP_MS * MS_NS;
		if (!monitor->stopping)
			stop(monitor);
		else if (monitor->gate.pid != 0)
			kill(monitor->gate.pid, SIGKILL);
		else if (monitor->keeper.pid != 0)
			monitor->until_ns = 0; /* what it has it writes, however long that takes */
	}
	if (monitor->stopping)
		return;
	monitor_watch(monitor);
	if (monitor->keeper.again_ns != 0 && now >= monitor->keeper.again_ns)
		monitor_start(monitor, &monitor->keeper);
	if (monitor->is_child || monitor->gate.again_ns == 0 || now < monitor->gate.again_ns || monitor->draining)
		return;
	if (monitor_record_gone(monitor))
		monitor_start(monitor, &monitor->gate);
	else
		monitor->gate.again_ns = now + MONITOR_WAIT_MS * MS_NS;
}

/* The keeper is the last: it writes what the gate left. */
static bool is_over(struct monitor *monitor)
{
	if (!monitor->stopping || monitor->gate.pid != 0)
		return false;
	if (monitor->keeper.pid == 0)
		return true;
	if (monitor->until_ns != UINT64_MAX) {
		monitor->until_ns = UINT64_MAX;
		if (!monitor_record_gone(monitor))
			manager_say(monitor->shared.manager, FW_LOG_ERROR, "manager",
				    "that the gate fell could not be recorded: the channel is full");
		monitor_tell(&monitor->keeper, PROCESS_STOP, 0);
	}
	return false;
}

static void serve(struct monitor *monitor)
{
	monitor_start(monitor, &monitor->keeper);
	while (!monitor->is_child && !is_over(monitor)) {
		struct pollfd fds[] = { { .fd = monitor->signals, .events = POLLIN },
					{ .fd = monitor->keeper.link, .events = POLLIN },
					{ .fd = monitor->gate.link, .events = POLLIN } };
		uint64_t due = next_due(monitor), now = uv_hrtime();
		int wait_ms = due == UINT64_MAX ? -1 : due <= now ? 0 : (int)((due - now) / MS_NS) + 1;

		poll(fds, 3, wait_ms);
		if (fds[1].revents != 0)
			monitor_hear(monitor, &monitor->keeper);
		if (!monitor->is_child && fds[2].revents != 0)
			monitor_hear(monitor, &monitor->gate);
		if (!monitor->is_child && fds[0].revents != 0)
			take_signal(monitor);
		if (!monitor->is_child)
			do_due(monitor);
	}
}

static int take_signals(struct monitor *monitor)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return -1;
	sigdelset(&signals, SIGPIPE);
	monitor->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return monitor->signals >= 0 ? 0 : -1;
}

static int prepare(struct monitor *monitor)
{
	struct process_shared *shared = &monitor->shared;
	struct fw_manager *manager = shared->manager;
	const char *text = "";
	uint16_t port;
	int result = manager_parts_prepare(manager, &port, monitor->error);

	if (result != FW_OK)
		return result;
	/* Not the keeper's alone: commands would take the server for one that does not run while the next one begins.
	 */
	shared->directory_fd = keeper_files_lock(manager->data_directory, &manager->lines, &text);
	if (shared->directory_fd < 0)
		return manager_say_error(monitor->error, FW_ERR_IO, "%s", text);
	manager->apart = true;
	manager->started = manager->fingerprint;
	shared->started = fw_policy_ref(manager->policy);
	shared->workers = manager_parts_workers(manager->policy);
	shared->admin_port = manager->admin_port;
	if (!process_shared_make(shared) || take_signals(monitor) != 0)
		return manager_say_error(monitor->error, FW_ERR_MEMORY, "cannot start: out of memory or descriptors");
	if (gate_listen_open(manager->client_host, port, shared->workers, gate_user_timeout_ms(manager->policy),
			     &shared->listening, &text) != 0)
		return manager_say_error(monitor->error, FW_ERR_IO, "%s", text);
	shared->port = shared->listening.port;
	manager->demo_users.client_port = shared->port;
	return FW_OK;
}

int processes_run(struct fw_manager *manager, const struct processes_options *options, struct fw_error *reterr_error)
{
	struct monitor *monitor = mem_zero(1, sizeof(*monitor));
	int result;

	if (monitor == NULL)
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
	*reterr_error = (struct fw_error){ .code = FW_OK };
	*monitor =
		(struct monitor){ .shared = { .manager = manager, .options = options, .directory_fd = -1, .link = -1 },
				  .keeper = { .name = "keeper", .run = process_keeper, .link = -1 },
				  .gate = { .name = "gate", .run = process_gate, .link = -1 },
				  .error = reterr_error,
				  .signals = -1 };
	memset(monitor->shared.listening.fds, 0xff, sizeof(monitor->shared.listening.fds));
	memset(monitor->shared.dials_gate, 0xff, sizeof(monitor->shared.dials_gate));
	memset(monitor->shared.dials_keeper, 0xff, sizeof(monitor->shared.dials_keeper));
	result = prepare(monitor);
	if (result == FW_OK) {
		serve(monitor);
		result = monitor->is_child ? monitor->code : monitor->failed ? reterr_error->code : 0;
	}
	if (!monitor->is_child) {
		process_close_listeners(&monitor->shared);
		if (monitor->signals >= 0)
			close(monitor->signals);
	}
	process_shared_fini(&monitor->shared);
	mem_free(monitor);
	return result;
}
