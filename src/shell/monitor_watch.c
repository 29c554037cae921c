/* The monitor looks whether the gate's workers turn. One that does not holds all its clients: where the configuration
 * says so, the gate is ended, as by a fall of its own, and begins anew. */
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shell/monitor.h"

enum { ABORT_MS = 1000 }; /* until it is killed: what stands in the kernel hears no signal */

static const struct settings *settings_of(const struct monitor *monitor)
{
	return &monitor->shared.manager->policy->settings;
}

uint64_t monitor_watch_due(const struct monitor *monitor)
{
	if (monitor->stopping || monitor->gate.pid == 0 || !monitor->gate.ready || settings_of(monitor)->watchdog == 0)
		return UINT64_MAX;
	return monitor->watchdog.due_ns;
}

/* The signal is for the thread that stands: whoever it works for is noted, as in every fall. */
static void end_gate(struct monitor *monitor, int32_t thread)
{
	struct part *gate = &monitor->gate;

	if (gate->kill_ns != 0)
		return;
	syscall(SYS_tgkill, gate->pid, thread, SIGABRT);
	gate->kill_ns = uv_hrtime() + ABORT_MS * MS_NS;
}

static void found(void *user, const struct watchdog_found *found)
{
	struct monitor *monitor = user;
	struct process_message message = { .type = PROCESS_HANGS,
					   .number = found->worker,
					   .generation = (uint32_t)(found->still_ns / 1000000000) };
	bool ends = !found->turns && settings_of(monitor)->watchdog_action == WATCHDOG_RESTART;
	char text[WATCHDOG_TEXT];

	manager_say(monitor->shared.manager, found->turns ? FW_LOG_NOTICE : FW_LOG_ERROR, "manager", "%s%s",
		    watchdog_say(found, text), ends ? "; the gate is ended" : "");
	snprintf(message.text, sizeof(message.text), "%s", found->where);
	if (monitor->keeper.link >= 0)
		process_link_send(monitor->keeper.link, &message, -1);
	if (ends)
		end_gate(monitor, found->thread);
}

void monitor_watch(struct monitor *monitor)
{
	if (monitor_watch_due(monitor) != UINT64_MAX)
		watchdog_look(&monitor->watchdog, monitor->gate.pid,
			      (uint64_t)settings_of(monitor)->watchdog * 1000000000, uv_hrtime(), found, monitor);
}
