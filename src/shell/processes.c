/* The monitor: parses, listens, forks, and looks after what it forked. It reads nothing from the network. */
#include "shell/processes.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/process_parts.h"
#include "shell/random.h"
#include "shell/server_files.h"

#define MS_NS ((uint64_t)1000000)

enum {
	/* A part that falls sooner than STEADY_MS after its start waits, twice as long each time. */
	STEADY_MS = 500,
	WAIT_MS = 50,
	WAIT_MOST_MS = 5000,
	STOP_MS = 5000,	    /* for a part to end when it was told to */
	RELOADED_MS = 5000, /* for both to have a configuration */
	ON = 1,
};

struct part {
	const char *name;
	int (*run)(struct process_shared *shared);
	pid_t pid; /* 0: it does not run */
	int link;
	bool ready, reloaded;
	uid_t user;				/* it runs as, as it says */
	bool again;				/* it ends in order to begin anew */
	uint64_t started_ns, wait_ms, again_ns; /* again_ns: when it is to be started; 0: not */
	uint64_t kill_ns;			/* when it must have ended; 0: it need not */
};

struct monitor {
	struct process_shared shared;
	struct part keeper, gate;
	struct fw_error *error;
	int signals;
	bool running;  /* people were told */
	bool has_gone; /* a gate fell, and that is not in the channel yet */
	struct fw_record gone;
	bool draining, stopping, failed;
	uint64_t until_ns; /* when whoever has not ended is ended; 0: nobody waits */
	bool is_child;
	int code;
};

static bool tell(const struct part *part, enum process_message_type type, int64_t number)
{
	struct process_message message = { .type = type, .number = number };

	return part->pid != 0 && part->link >= 0 && process_link_send(part->link, &message, -1);
}

/* In the child: what is the monitor's alone is closed, and what is the gate's. */
static void become(struct monitor *monitor, struct part *part, int link)
{
	struct part *others[] = { &monitor->keeper, &monitor->gate };

	close(monitor->signals);
	for (unsigned i = 0; i < 2; i++)
		if (others[i]->link >= 0)
			close(others[i]->link);
	if (part == &monitor->keeper)
		process_close_listeners(&monitor->shared);
	else
		process_close_lock(&monitor->shared);
	process_close_dials(part == &monitor->keeper ? monitor->shared.dials_gate : monitor->shared.dials_keeper);
	monitor->shared.link = link;
	monitor->is_child = true;
	monitor->code = part->run(&monitor->shared);
	close(link);
}

static void start(struct monitor *monitor, struct part *part)
{
	int links[2] = { -1, -1 };
	bool is_gate = part == &monitor->gate;
	int failed;

	part->again_ns = 0;
	part->ready = false;
	part->started_ns = uv_hrtime();
	monitor->shared.first = !monitor->running;
	if (is_gate) {
		monitor->shared.generation++;
		atomic_store(&monitor->shared.note->written, 0);
	}
	fflush(NULL);
	part->pid = process_link_pair(links) ? fork() : -1;
	failed = errno;
	if (part->pid == 0) {
		close(links[0]);
		become(monitor, part, links[1]);
		return;
	}
	if (links[1] >= 0)
		close(links[1]);
	part->link = links[0];
	if (part->pid > 0)
		return;
	part->pid = 0;
	if (part->link >= 0)
		close(part->link);
	part->link = -1;
	if (monitor->running) {
		part->again_ns = uv_hrtime() + WAIT_MOST_MS * MS_NS;
		return;
	}
	monitor->failed = monitor->stopping = true;
	manager_say_error(monitor->error, FW_ERR_IO, "cannot start the %s: no process or thread more: %s", part->name,
			  strerror(failed));
}

/* In the gate's own channel, which nobody writes to until the next gate: there it stays until it is on the disk,
 * whatever becomes of the keeper. False: what the gate left fills it, and is to be taken first. */
static bool record_gone(struct monitor *monitor)
{
	if (!monitor->has_gone)
		return true;
	ipc_join(monitor->shared.records, monitor->shared.generation);
	monitor->has_gone = !ipc_try_record(monitor->shared.records, &monitor->gone, UINT16_MAX);
	return !monitor->has_gone;
}

static void note_gone(struct monitor *monitor, int status, const struct fw_addr *source)
{
	struct fw_random random = random_system();
	struct fw_record *record = &monitor->gone;
	uint8_t id[FW_EVENT_ID_SIZE / 2] = { 0 };
	random.fill(random.user, id, sizeof(id));
	*record = (struct fw_record){
		.wall_us = clock_wall_us(), .type = EVENT_system_changes, .level = FW_LEVEL_CRITICAL, .detail_count = 2
	};
	encode_hex(id, sizeof(id), record->event_id);
	if (source != NULL)
		record->source = *source;
	record->details[0] = (struct fw_detail){ .key = "change", .text = slice_text("gate fell") };
	record->details[1] =
		(struct fw_detail){ .key = WIFSIGNALED(status) ? "signal" : "ended",
				    .kind = FW_DETAIL_INTEGER,
				    .number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) };
	monitor->has_gone = true;
}

/* The keeper is to know at once: it must not wait for answers. */
static void tell_gone(struct monitor *monitor, int status)
{
	struct process_message message = { .type = PROCESS_GONE, .generation = monitor->shared.generation };
	struct fw_addr address;
	bool known = false;

	if (atomic_load(&monitor->shared.note->written) != 0) {
		address = monitor->shared.note->address;
		known = address.family == 4 || address.family == 6;
	}
	if (known)
		addr_format(&address, message.text);
	note_gone(monitor, status, known ? &address : NULL);
	if (monitor->keeper.link >= 0)
		process_link_send(monitor->keeper.link, &message, -1);
}

static void say_fell(struct monitor *monitor, const struct part *part, int status)
{
	if (WIFSIGNALED(status))
		manager_say(monitor->shared.manager, FW_LOG_ERROR, "manager",
			    "the %s fell (signal %d, %s); it is started again", part->name, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else
		manager_say(monitor->shared.manager, FW_LOG_ERROR, "manager",
			    "the %s ended with %d; it is started again", part->name, WEXITSTATUS(status));
}

static void ended(struct monitor *monitor, struct part *part, int status)
{
	bool steady = uv_hrtime() - part->started_ns > STEADY_MS * MS_NS && part->ready;

	if (part->link >= 0)
		close(part->link);
	part->link = -1;
	part->pid = 0;
	part->kill_ns = 0;
	part->ready = false;
	if (monitor->stopping || (monitor->draining && part == &monitor->gate)) {
		monitor->stopping = true;
		return;
	}
	if (!monitor->running) {
		monitor->failed = true;
		monitor->stopping = true;
		if (monitor->error->code == FW_OK)
			manager_say_error(monitor->error, FW_ERR_IO, "cannot start: the %s ended", part->name);
		return;
	}
	if (part->again)
		steady = true;
	else
		say_fell(monitor, part, status);
	part->again = false;
	if (part == &monitor->gate)
		tell_gone(monitor, status);
	else
		ipc_set_stuck(monitor->shared.records, true); /* until the next one can keep them again */
	part->wait_ms = steady ? 0 : part->wait_ms == 0 ? WAIT_MS : part->wait_ms * 2;
	if (part->wait_ms > WAIT_MOST_MS)
		part->wait_ms = WAIT_MOST_MS;
	part->again_ns = uv_hrtime() + part->wait_ms * MS_NS + 1;
}

static void reap(struct monitor *monitor)
{
	struct part *parts[] = { &monitor->gate, &monitor->keeper };
	int status;

	for (unsigned i = 0; i < 2; i++)
		if (parts[i]->pid != 0 && waitpid(parts[i]->pid, &status, WNOHANG) == parts[i]->pid)
			ended(monitor, parts[i], status);
}

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
	monitor->until_ns = uv_hrtime() + STOP_MS * MS_NS;
	tell(&monitor->gate, PROCESS_STOP, 0);
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
	monitor->until_ns = uv_hrtime() + (monitor->shared.options->drain_seconds * 1000 + STOP_MS) * MS_NS;
	tell(&monitor->keeper, PROCESS_DRAIN, monitor->shared.options->drain_seconds);
	if (!tell(&monitor->gate, PROCESS_DRAIN, monitor->shared.options->drain_seconds))
		stop(monitor);
}

static void hear(struct monitor *monitor, struct part *part);

static void wait_for(struct monitor *monitor, uint64_t until_ns)
{
	struct pollfd fds[] = { { .fd = monitor->keeper.link, .events = POLLIN },
				{ .fd = monitor->gate.link, .events = POLLIN } };
	uint64_t now = uv_hrtime();

	if (now >= until_ns)
		return;
	poll(fds, 2, (int)((until_ns - now) / MS_NS) + 1);
	if (fds[0].revents != 0)
		hear(monitor, &monitor->keeper);
	if (fds[1].revents != 0)
		hear(monitor, &monitor->gate);
}

static bool send_file(void *user, const char *path, int fd)
{
	struct process_message message = { .type = PROCESS_FILE };
	const struct timespec step = { 0, 1000000 };
	struct part *part = user;

	snprintf(message.text, sizeof(message.text), "%s", path);
	for (unsigned i = 0; i < 1000; i++) {
		if (process_link_send(part->link, &message, fd))
			return true;
		nanosleep(&step, NULL); /* it reads them as they come */
	}
	return false;
}

static void send_configuration(struct part *part, const struct files *files)
{
	part->reloaded = part->pid == 0 || !part->ready;
	if (part->reloaded)
		return; /* it begins with what the monitor has */
	/* Of a configuration that did not come whole nothing is read. */
	if (!tell(part, PROCESS_RELOAD, files_each(files, send_file, part) ? 0 : 1))
		part->reloaded = true;
}

/* record: the keeper is to write down that it was asked for from here; otherwise it was who asked. */
static void reload(struct monitor *monitor, bool record)
{
	struct process_message message = { .type = PROCESS_RESULT, .number = record };
	struct reload_result result = { .error = { .code = FW_OK } };
	struct files *files = files_new();
	struct fw_policy *before = fw_policy_ref(monitor->shared.manager->policy);
	uint64_t until_ns;
	int fd;

	if (files == NULL) {
		manager_say_error(&result.error, FW_ERR_MEMORY, "out of memory");
	} else {
		manager_reload_files(monitor->shared.manager, files, &result);
	}
	if (result.error.code == FW_OK) {
		until_ns = uv_hrtime() + RELOADED_MS * MS_NS;
		/* First who connects to upstreams, then who asks for that. */
		send_configuration(&monitor->keeper, files);
		while (!monitor->keeper.reloaded && uv_hrtime() < until_ns)
			wait_for(monitor, until_ns);
		send_configuration(&monitor->gate, files);
		while ((!monitor->gate.reloaded || !monitor->keeper.reloaded) && uv_hrtime() < until_ns)
			wait_for(monitor, until_ns);
		result.late = !monitor->gate.reloaded || !monitor->keeper.reloaded;
	}
	files_free(files);
	process_keep_keys(&monitor->shared, before, &result);
	fw_policy_unref(before);
	fd = process_result_write(&result);
	if (monitor->keeper.link >= 0)
		process_link_send(monitor->keeper.link, &message, fd);
	if (fd >= 0)
		close(fd);
	reload_fini(&result);
}

static const char *name_of(uid_t user, char ret_name[16])
{
	const struct passwd *known = getpwuid(user);

	snprintf(ret_name, 16, "%u", (unsigned)user);
	return known != NULL ? known->pw_name : ret_name;
}

/* Who may do what rests on who they are, too; so that nobody takes them for three users where they are one. */
static void say_parts(const struct monitor *monitor)
{
	const struct part *keeper = &monitor->keeper, *gate = &monitor->gate;
	char name[16];

	if (gate->user == keeper->user) {
		manager_say(monitor->shared.manager, FW_LOG_NOTICE, "manager", "gate %d, keeper %d, both as user %s",
			    (int)gate->pid, (int)keeper->pid, name_of(gate->user, name));
		return;
	}
	manager_say(monitor->shared.manager, FW_LOG_NOTICE, "manager", "gate %d as user %s", (int)gate->pid,
		    name_of(gate->user, name));
	manager_say(monitor->shared.manager, FW_LOG_NOTICE, "manager", "keeper %d as user %s", (int)keeper->pid,
		    name_of(keeper->user, name));
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
				start(monitor, &monitor->gate);
		} else if (!monitor->running) {
			monitor->running = true;
			say_parts(monitor);
			tell(&monitor->keeper, PROCESS_SAY, monitor->shared.port);
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
		if (part == &monitor->keeper)
			reload(monitor, false);
		break;
	case PROCESS_AGAIN:
		part->again = part == &monitor->keeper;
		break;
	default: /* what the monitor says itself */
		break;
	}
}

static void hear(struct monitor *monitor, struct part *part)
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
			part->kill_ns = uv_hrtime() + STOP_MS * MS_NS;
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
			reap(monitor);
			break;
		case SIGHUP:
			/* From the kernel nobody asked: the terminal is gone, and who started this with it. */
			if (info.ssi_code == SI_KERNEL) {
				drain(monitor);
			} else if (monitor->running && !monitor->draining) {
				if (monitor->shared.options->notify_reloading != NULL)
					monitor->shared.options->notify_reloading();
				reload(monitor, true);
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
	uint64_t next = monitor->until_ns != 0 ? monitor->until_ns : UINT64_MAX;

	if (monitor->keeper.again_ns != 0 && monitor->keeper.again_ns < next)
		next = monitor->keeper.again_ns;
	if (monitor->gate.again_ns != 0 && monitor->gate.again_ns < next)
		next = monitor->gate.again_ns;
	if (monitor->keeper.kill_ns != 0 && monitor->keeper.kill_ns < next)
		next = monitor->keeper.kill_ns;
	if (monitor->gate.kill_ns != 0 && monitor->gate.kill_ns < next)
		next = monitor->gate.kill_ns;
	return next;
}

static void do_due(struct monitor *monitor)
{
	struct part *parts[] = { &monitor->gate, &monitor->keeper };
	uint64_t now = uv_hrtime();

	for (unsigned i = 0; i < 2; i++)
		if (parts[i]->kill_ns != 0 && now >= parts[i]->kill_ns) {
			kill(parts[i]->pid, SIGKILL);
			parts[i]->kill_ns = 0;
		}
	if (monitor->until_ns != 0 && now >= monitor->until_ns) {
		monitor->until_ns = now + STOP_MS * MS_NS;
		if (!monitor->stopping)
			stop(monitor);
		else if (monitor->gate.pid != 0)
			kill(monitor->gate.pid, SIGKILL);
		else if (monitor->keeper.pid != 0)
			monitor->until_ns = 0; /* what it has it writes, however long that takes */
	}
	if (monitor->stopping)
		return;
	if (monitor->keeper.again_ns != 0 && now >= monitor->keeper.again_ns)
		start(monitor, &monitor->keeper);
	if (monitor->is_child || monitor->gate.again_ns == 0 || now < monitor->gate.again_ns || monitor->draining)
		return;
	if (record_gone(monitor))
		start(monitor, &monitor->gate);
	else
		monitor->gate.again_ns = now + WAIT_MS * MS_NS;
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
		if (!record_gone(monitor))
			manager_say(monitor->shared.manager, FW_LOG_ERROR, "manager",
				    "that the gate fell could not be recorded: the channel is full");
		tell(&monitor->keeper, PROCESS_STOP, 0);
	}
	return false;
}

static void serve(struct monitor *monitor)
{
	start(monitor, &monitor->keeper);
	while (!monitor->is_child && !is_over(monitor)) {
		struct pollfd fds[] = { { .fd = monitor->signals, .events = POLLIN },
					{ .fd = monitor->keeper.link, .events = POLLIN },
					{ .fd = monitor->gate.link, .events = POLLIN } };
		uint64_t due = next_due(monitor), now = uv_hrtime();
		int wait_ms = due == UINT64_MAX ? -1 : due <= now ? 0 : (int)((due - now) / MS_NS) + 1;

		poll(fds, 3, wait_ms);
		if (fds[1].revents != 0)
			hear(monitor, &monitor->keeper);
		if (!monitor->is_child && fds[2].revents != 0)
			hear(monitor, &monitor->gate);
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
