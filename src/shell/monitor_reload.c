/* The monitor reads a configuration anew and hands it to both parts, as the files that it read. */
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "shell/monitor.h"

enum { RELOADED_MS = 5000 }; /* for both to have a configuration */

static void wait_for(struct monitor *monitor, uint64_t until_ns)
{
	struct pollfd fds[] = { { .fd = monitor->keeper.link, .events = POLLIN },
				{ .fd = monitor->gate.link, .events = POLLIN } };
	uint64_t now = uv_hrtime();

	if (now >= until_ns)
		return;
	poll(fds, 2, (int)((until_ns - now) / MS_NS) + 1);
	if (fds[0].revents != 0)
		monitor_hear(monitor, &monitor->keeper);
	if (fds[1].revents != 0)
		monitor_hear(monitor, &monitor->gate);
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
	if (!monitor_tell(part, PROCESS_RELOAD, files_each(files, send_file, part) ? 0 : 1))
		part->reloaded = true;
}

void monitor_reload(struct monitor *monitor, bool record)
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
	manager_reload_say(monitor->shared.manager, &result);
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
