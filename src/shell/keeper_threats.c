/* The lists of threat_intelligence.lists: a thread has them, and this is what it needs of the keeper. */
#include "base/event_type.h"
#include "base/slice.h"
#include "shell/keeper_parts.h"

/* In the thread of the lists. */
static void record(void *user, unsigned type, const struct fw_detail *details, unsigned count)
{
	struct keeper *keeper = user;
	struct fw_record record = { .type = (uint16_t)type, .level = atomic_load(&keeper->threats.levels[type]) };

	for (unsigned i = 0; i < count; i++)
		record.details[record.detail_count++] = details[i];
	keeper_record(keeper, &record);
}

static void changed(void *user)
{
	struct keeper *keeper = user;

	uv_async_send(&keeper->threats.wake);
}

static void on_wake(uv_async_t *wake)
{
	struct keeper_threats *threats = wake->data;

	(void)keeper_figures_tell(&threats->keeper->figures, IPC_END_LISTED, &(struct ipc_empty){ 0 },
				  sizeof(struct ipc_empty));
}

static void set_levels(struct keeper_threats *threats, const struct fw_policy *policy)
{
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		atomic_store(&threats->levels[type], policy->event_levels[type]);
}

bool keeper_threats_start(struct keeper_threats *threats, struct keeper *keeper)
{
	const struct keeper_options *options = &keeper->options;
	const struct threat_feeds_options feeds = {
		.data_directory = options->data_directory,
		.log = options->log,
		.threats = store_threats(options->store),
		.link = options->remote != NULL ? options->remote->threats : NULL,
		.record = record,
		.changed = changed,
		.user = keeper,
	};

	threats->keeper = keeper;
	if (uv_async_init(options->loop, &threats->wake, on_wake) != 0)
		return false;
	uv_unref((uv_handle_t *)&threats->wake);
	threats->wake.data = threats;
	keeper->handles++;
	threats->open = true;
	set_levels(threats, options->policy);
	threats->feeds = threat_feeds_start(&feeds, options->policy);
	return threats->feeds != NULL;
}

void keeper_threats_renew(struct keeper_threats *threats, struct fw_policy *policy)
{
	set_levels(threats, policy);
	threat_feeds_renew(threats->feeds, policy);
}

void keeper_threats_stop(struct keeper_threats *threats)
{
	if (!threats->open)
		return;
	threat_feeds_stop(threats->feeds);
	threats->feeds = NULL;
	keeper_handle_close(threats->keeper, (uv_handle_t *)&threats->wake);
}
