/* Of a server in one process: whether its workers turn is seen from the thread of the manager's loop. What ends a
 * process is not ours to do here: it is somebody's program. */
#include <unistd.h>

#include "shell/manager_parts.h"

void manager_watch_begin(struct fw_manager *manager)
{
	struct watchdog_beats *beats = watchdog_beats_new();

	if (beats != NULL)
		watchdog_begin(&manager->watchdog, beats, manager_parts_workers(manager->policy));
}

void manager_watch_end(struct fw_manager *manager)
{
	watchdog_beats_free(manager->watchdog.beats);
	manager->watchdog.beats = NULL;
}

static void found(void *user, const struct watchdog_found *found)
{
	struct fw_manager *manager = user;
	struct fw_record record = watchdog_record(found, "record");
	char text[WATCHDOG_TEXT];

	pthread_rwlock_rdlock(&manager->gate_lock);
	record.level = manager->policy->event_levels[record.type];
	pthread_rwlock_unlock(&manager->gate_lock);
	manager_say(manager, found->turns ? FW_LOG_NOTICE : FW_LOG_ERROR, "manager", "%s", watchdog_say(found, text));
	keeper_record(manager->keeper, &record);
}

void manager_watch(struct fw_manager *manager)
{
	uint64_t after_ns;

	if (manager->watchdog.beats == NULL)
		return;
	pthread_rwlock_rdlock(&manager->gate_lock);
	after_ns = (uint64_t)manager->policy->settings.watchdog * 1000000000;
	pthread_rwlock_unlock(&manager->gate_lock);
	watchdog_look(&manager->watchdog, getpid(), after_ns, uv_hrtime(), found, manager);
}
