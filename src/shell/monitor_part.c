/* The monitor begins a part, and again where it fell: later each time when that comes at once. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/monitor.h"
#include "shell/random.h"

enum {
	/* A part that falls sooner than STEADY_MS after its start waits, twice as long each time. */
	STEADY_MS = 500,
	WAIT_MOST_MS = 5000,
};

bool monitor_tell(const struct part *part, enum process_message_type type, int64_t number)
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

void monitor_start(struct monitor *monitor, struct part *part)
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
		watchdog_begin(&monitor->watchdog, monitor->shared.beats, monitor->shared.workers);
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
bool monitor_record_gone(struct monitor *monitor)
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
	part->wait_ms = steady ? 0 : part->wait_ms == 0 ? MONITOR_WAIT_MS : part->wait_ms * 2;
	if (part->wait_ms > WAIT_MOST_MS)
		part->wait_ms = WAIT_MOST_MS;
	part->again_ns = uv_hrtime() + part->wait_ms * MS_NS + 1;
}

void monitor_reap(struct monitor *monitor)
{
	struct part *parts[] = { &monitor->gate, &monitor->keeper };
	int status;

	for (unsigned i = 0; i < 2; i++)
		if (parts[i]->pid != 0 && waitpid(parts[i]->pid, &status, WNOHANG) == parts[i]->pid)
			ended(monitor, parts[i], status);
}

static const char *name_of(uid_t user, char ret_name[16])
{
	const struct passwd *known = getpwuid(user);

	snprintf(ret_name, 16, "%u", (unsigned)user);
	return known != NULL ? known->pw_name : ret_name;
}

/* Who may do what rests on who they are, too; so that nobody takes them for three users where they are one. */
void monitor_say_parts(const struct monitor *monitor)
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
