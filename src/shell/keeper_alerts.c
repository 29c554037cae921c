/* Alerts: the recorder shows them each event and each second, what they say becomes a record, and receivers of the
 * record are whom it is told. They outlive the program in DATA/alerts.json. */
#include <errno.h>
#include <string.h>

#include "base/detail.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define SECOND_NS ((uint64_t)1000000000)
/* Behind it lies what was before a restart, whatever the clock began with. */
#define PAST_NS ((uint64_t)1 << 60)

enum { ARENA = 1 << 26, LARGE = 1 << 18, LARGE_SECONDS = 10 };

static uint64_t now(void)
{
	return uv_hrtime() + PAST_NS;
}

/* --- told */

static void add_text(struct fw_record *record, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		detail_add(record, detail_text(key, slice_text(text)));
}

static void add_number(struct fw_record *record, const char *key, uint64_t number)
{
	if (number != 0)
		detail_add(record, detail_number(key, number));
}

/* In the recorder's thread. */
static void tell(void *user, const struct alert_notice *notice)
{
	struct keeper_alerts *alerts = user;
	struct keeper *keeper = alerts->keeper;
	struct fw_record record = { .wall_us = clock_wall_us(),
				    .type = notice->resolved ? EVENT_alert_resolved : EVENT_alert_raised,
				    .level = notice->resolved ? (uint8_t)FW_LEVEL_INFO : notice->level,
				    .source = notice->address,
				    .user_id = slice_text(notice->user) };
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	keeper->options.random.fill(keeper->options.random.user, id, sizeof(id));
	encode_hex(id, sizeof(id), record.event_id);
	add_text(&record, "alert", notice->rule);
	add_text(&record, "alert_id", notice->id);
	add_text(&record, "labels", notice->labels);
	detail_add(&record, detail_number("value", (uint64_t)notice->value));
	add_number(&record, "causes", notice->causes);
	add_number(&record, "suppressed", notice->suppressed);
	add_text(&record, "event", notice->event_id);
	if (notice->count > 1)
		add_number(&record, "count", notice->count);
	add_text(&record, "group", notice->group);
	add_text(&record, "alerts", notice->others);
	add_text(&record, "summary", notice->summary);
	if (notice->again)
		detail_add(&record, detail_boolean("again", true));
	keeper_recorder_tell(&keeper->recorder, &record);
	keeper_responses_see(keeper->recorder.responses, &record);
}

/* --- kept */

static void say(struct keeper_alerts *alerts, int reason)
{
	if (reason != 0 && !alerts->failing)
		log_warn(alerts->keeper->options.log, record,
			 "cannot keep %s: %s; after a restart alerts are told again, and silences are gone",
			 alerts->path, strerror(reason));
	alerts->failing = reason != 0;
}

/* Under the lock. 0, or why not. */
static int save(struct keeper_alerts *alerts)
{
	int reason = 0;

	buf_cut(&alerts->image, 0);
	if (!alerts_save(alerts->alerts, now(), clock_wall_us(), &alerts->image, &alerts->pool))
		reason = ENOMEM;
	else if (storage_replace(&storage_system, alerts->path, buf_data(&alerts->image), buf_size(&alerts->image),
				 false) != 0)
		reason = errno;
	say(alerts, reason);
	alerts->unsaved = reason != 0;
	return reason;
}

static void load(struct keeper_alerts *alerts)
{
	struct arena arena;
	uint8_t *octets;
	size_t size;

	if (storage_read_all(alerts->path, &octets, &size) != 0) {
		if (errno != ENOENT)
			log_warn(alerts->keeper->options.log, record, "cannot read %s: %s; alerts begin anew",
				 alerts->path, strerror(errno));
		return;
	}
	arena_init(&arena, ARENA);
	if (!alerts_load(alerts->alerts, slice(octets, size), now(), clock_wall_us(), &arena))
		log_warn(alerts->keeper->options.log, record, "%s is none of ours; alerts begin anew", alerts->path);
	arena_fini(&arena);
	mem_free(octets);
}

/* --- the recorder's thread */

static void use(struct keeper_alerts *alerts, struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;
	const struct alert_rules rules = {
		.rules = policy->alert_rules,
		.count = policy->alert_rule_count,
		.inhibitions = policy->alert_inhibitions,
		.inhibition_count = policy->alert_inhibition_count,
		.group_by = settings->alert_group_by,
		.cooldown_ns = (uint64_t)settings->alert_cooldown * SECOND_NS,
		.resolve_ns = (uint64_t)settings->alert_resolve_after * SECOND_NS,
		.group_wait_ns = (uint64_t)settings->alert_group_wait * SECOND_NS,
		.group_interval_ns = (uint64_t)settings->alert_group_interval * SECOND_NS,
		.repeat_ns = (uint64_t)settings->alert_repeat * SECOND_NS,
	};

	alerts_set(alerts->alerts, &rules, now());
	fw_policy_unref(alerts->policy);
	alerts->policy = policy;
}

void keeper_alerts_see(struct keeper_alerts *alerts, const struct fw_record *record)
{
	if (alerts == NULL)
		return;
	uv_mutex_lock(&alerts->lock);
	alerts_event(alerts->alerts, record, now());
	uv_mutex_unlock(&alerts->lock);
}

void keeper_alerts_tick(struct keeper_alerts *alerts)
{
	uint64_t at = uv_hrtime();

	if (alerts == NULL || at - alerts->ticked_ns < SECOND_NS)
		return;
	alerts->ticked_ns = at;
	uv_mutex_lock(&alerts->lock);
	if (alerts->next != NULL)
		use(alerts, alerts->next);
	alerts->next = NULL;
	alerts_tick(alerts->alerts, alerts->has_figures ? alerts->figures : NULL, now());
	alerts->unsaved |= alerts_changed(alerts->alerts);
	if (alerts->unsaved &&
	    (buf_size(&alerts->image) < LARGE || at - alerts->saved_ns >= LARGE_SECONDS * SECOND_NS)) {
		alerts->saved_ns = at;
		(void)save(alerts);
	}
	uv_mutex_unlock(&alerts->lock);
}

/* --- the keeper's thread */

bool keeper_alerts_start(struct keeper_alerts *alerts, struct keeper *keeper)
{
	const struct fw_random *random = &keeper->options.random;
	struct hash_key key;

	random->fill(random->user, (uint8_t *)&key, sizeof(key));
	alerts->keeper = keeper;
	uv_mutex_init(&alerts->lock);
	pool_init(&alerts->pool);
	alerts->alerts = alerts_new(&key, tell, alerts);
	if (alerts->alerts == NULL || !storage_path(keeper->options.data_directory, "alerts.json", alerts->path))
		return false;
	use(alerts, fw_policy_ref(keeper->options.policy));
	load(alerts);
	keeper->recorder.alerts = alerts;
	return true;
}

void keeper_alerts_renew(struct keeper_alerts *alerts, struct fw_policy *policy)
{
	uv_mutex_lock(&alerts->lock);
	fw_policy_unref(alerts->next);
	alerts->next = fw_policy_ref(policy);
	uv_mutex_unlock(&alerts->lock);
}

void keeper_alerts_figures(struct keeper_alerts *alerts)
{
	/* The recorder may be at a record that finds no memory: nobody waits for that. */
	if (uv_mutex_trylock(&alerts->lock) != 0)
		return;
	keeper_figures_sum(&alerts->keeper->figures, alerts->figures);
	alerts->has_figures = true;
	uv_mutex_unlock(&alerts->lock);
}

int keeper_alerts_silence(struct keeper_alerts *alerts, struct alert_silence *silence, uint64_t seconds,
			  uint64_t *ret_id)
{
	const struct fw_random *random = &alerts->keeper->options.random;
	uint64_t id = 0;
	int reason;

	uv_mutex_lock(&alerts->lock);
	silence->since_ns = now();
	silence->until_ns = silence->since_ns + seconds * SECOND_NS;
	random->fill(random->user, (uint8_t *)&id, sizeof(id));
	id = (id >> 12) | 1; /* a number of JSON holds it */
	*ret_id = alerts_silence(alerts->alerts, silence, id);
	reason = *ret_id != 0 ? save(alerts) : 0;
	uv_mutex_unlock(&alerts->lock);
	return reason;
}

bool keeper_alerts_unsilence(struct keeper_alerts *alerts, uint64_t id, int *ret_reason)
{
	bool was;

	uv_mutex_lock(&alerts->lock);
	was = alerts_unsilence(alerts->alerts, id);
	*ret_reason = was ? save(alerts) : 0;
	uv_mutex_unlock(&alerts->lock);
	return was;
}

void keeper_alerts_each(struct keeper_alerts *alerts, alert_each *each, alert_silence_each *each_silence, void *user)
{
	uv_mutex_lock(&alerts->lock);
	if (each != NULL)
		alerts_each(alerts->alerts, now(), each, user);
	if (each_silence != NULL)
		alerts_each_silence(alerts->alerts, now(), each_silence, user);
	uv_mutex_unlock(&alerts->lock);
}

uint64_t keeper_alerts_wall_us(uint64_t at_ns)
{
	return clock_wall_us() - (uint64_t)((int64_t)(now() - at_ns) / 1000);
}

struct alert_figures keeper_alerts_counts(struct keeper_alerts *alerts)
{
	struct alert_figures figures;

	uv_mutex_lock(&alerts->lock);
	figures = alerts_figures(alerts->alerts);
	uv_mutex_unlock(&alerts->lock);
	return figures;
}

void keeper_alerts_stop(struct keeper_alerts *alerts)
{
	if (alerts->keeper == NULL)
		return;
	if (alerts->policy != NULL && alerts->path[0] != '\0')
		(void)save(alerts);
	alerts->alerts = alerts_free(alerts->alerts);
	fw_policy_unref(alerts->policy);
	fw_policy_unref(alerts->next);
	buf_clear(&alerts->image, &alerts->pool);
	pool_fini(&alerts->pool);
	uv_mutex_destroy(&alerts->lock);
}
