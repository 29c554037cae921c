/* Scenarios, where all events of all workers come by once: in the recorder's thread, before any is summed up. What one
 * does that fired is done on the loop, by what does the same for operators and for single offences. */
#include "shell/keeper_scenarios.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/close_reason.h"
#include "base/detail.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "scenario/scenario.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"
#include "shell/penalty.h"

#define SECOND_NS UINT64_C(1000000000)

enum { LINE = 256 };

/* One that fired, with copies of what the record had. */
struct keeper_fired {
	const struct scenario_rule *rule; /* of the policy in use: it is not replaced while any waits */
	struct fw_addr source;
	char user[STORE_NAME], session[STORE_SESSION_ID], event_id[FW_EVENT_ID_SIZE];
	size_t user_size, session_size;
	uint64_t events, first_us, last_us;
	unsigned values;
	bool watched;
	char sample[sizeof(((struct scenario_firing *)NULL)->sample)];
};

static size_t copy(struct fw_slice text, char *room, size_t size)
{
	if (text.size > size)
		return 0;
	if (text.size != 0)
		memcpy(room, text.data, text.size);
	return text.size;
}

/* Under the lock, in the recorder's thread. */
static bool on_fire(void *user, const struct scenario_firing *firing)
{
	struct keeper_scenarios *scenarios = user;
	const struct fw_record *record = firing->record;
	struct keeper_fired *fired;

	if (scenarios->count == LIMIT_SCENARIO_QUEUE)
		return false;
	fired = &scenarios->queue[(scenarios->first + scenarios->count++) % LIMIT_SCENARIO_QUEUE];
	*fired = (struct keeper_fired){ .rule = &scenarios->policy->scenarios[firing->scenario],
					.source = record->source,
					.events = firing->events,
					.values = firing->values,
					.first_us = firing->first_us,
					.last_us = firing->last_us,
					.watched = firing->watched };
	fired->user_size = copy(record->user_id, fired->user, sizeof(fired->user));
	fired->session_size = copy(record->session_id, fired->session, sizeof(fired->session));
	memcpy(fired->event_id, record->event_id, sizeof(fired->event_id));
	memcpy(fired->sample, firing->sample, sizeof(fired->sample));
	uv_async_send(&scenarios->wake);
	return true;
}

void keeper_scenarios_see(struct keeper_scenarios *scenarios, const struct fw_record *record)
{
	if (scenarios == NULL)
		return;
	uv_mutex_lock(&scenarios->lock);
	if (scenarios->open && scenarios->policy->scenario_count != 0)
		scenarios_see(scenarios->buckets, record, uv_hrtime(), on_fire, scenarios);
	uv_mutex_unlock(&scenarios->lock);
}

static void write_down(struct keeper *keeper, const struct keeper_fired *fired, bool watches)
{
	const struct scenario_rule *rule = fired->rule;
	char from[ENCODE_RFC3339], to[ENCODE_RFC3339];
	struct fw_record record = { .type = EVENT_scenario_fired,
				    .source = fired->source,
				    .user_id = slice(fired->user, fired->user_size),
				    .session_id = slice(fired->session, fired->session_size) };

	record.level = rule->record_level >= 0 ? (uint8_t)rule->record_level
					       : keeper->options.policy->event_levels[EVENT_scenario_fired];
	encode_rfc3339(fired->first_us, from);
	encode_rfc3339(fired->last_us, to);
	detail_add(&record, detail_text("scenario", slice_text(rule->name)));
	if (watches)
		detail_add(&record, detail_text("mode", slice_text("monitor")));
	detail_add(&record, detail_text(watches ? "would" : "action", slice_text(rule->action)));
	detail_add(&record, detail_number("events", fired->events));
	if (rule->has_distinct) {
		detail_add(&record, detail_number("values", fired->values));
		detail_add(&record, detail_text("sample", slice_text(fired->sample)));
	}
	detail_add(&record, detail_text("from", slice(from, sizeof(from))));
	detail_add(&record, detail_text("to", slice(to, sizeof(to))));
	detail_add(&record, detail_text("event", slice(fired->event_id, sizeof(fired->event_id))));
	if (rule->label != NULL)
		detail_add(&record, detail_text("labels", slice_text(rule->label)));
	keeper_record(keeper, &record);
}

static void end_connections(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user, uint32_t reason)
{
	struct ipc_end_address of_address = { *address };
	struct ipc_end_user of_user = { .size = (uint32_t)user.size, .reason = reason };

	if (user.size == 0) {
		(void)keeper_figures_tell(&keeper->figures, IPC_END_ADDRESS, &of_address, sizeof(of_address));
		return;
	}
	memcpy(of_user.user_id, user.data, user.size);
	(void)keeper_figures_tell(&keeper->figures, IPC_END_USER, &of_user, sizeof(of_user));
}

static void offend(struct keeper *keeper, const struct keeper_fired *fired, struct fw_slice user)
{
	const struct fw_policy *policy = keeper->options.policy;
	const struct scenario_rule *rule = fired->rule;
	struct store_offence offence = penalty_offence(policy, &fired->source, user, EVENT_scenario_fired);
	struct fw_record record = { .source = fired->source };
	struct store_penalty penalty;
	char said[STORE_BLOCK_REASON];
	int size = snprintf(said, sizeof(said), "scenario %s: %" PRIu64 " events", rule->name, fired->events);

	offence.of_user = rule->of_user;
	offence.points =
		(uint32_t)(rule->does == SCENARIO_BLOCK ? policy->settings.violation_threshold : rule->points_);
	offence.first_ns = (uint64_t)rule->for_ * SECOND_NS;
	offence.said = slice(said, (size_t)size);
	keeper_store_offend(keeper, &offence, &penalty);
	if (penalty_record(policy, &penalty, &record))
		keeper_record(keeper, &record);
	if (penalty.step == STORE_STEP_block && !penalty.exempt)
		end_connections(keeper, &penalty.block.address, slice(penalty.block.user, penalty.block.user_size),
				CLOSE_BLOCKED);
}

static void revoke_user(struct keeper *keeper, const struct keeper_fired *fired, struct fw_slice user)
{
	char reason[STORE_REASON], failed[DATABASE_ERROR];
	int size = snprintf(reason, sizeof(reason), "scenario %s", fired->rule->name);
	struct store_revocation revocation = { .user = user,
					       .reason = slice(reason, (size_t)size),
					       .before_wall_us = clock_wall_us() };
	uint32_t sessions;

	if (keeper_store_revoke(keeper, &revocation, &sessions) != STORE_REVOKED) {
		log_warn(keeper->options.log, admin, "scenario %s: the user is not revoked: the list is full",
			 fired->rule->name);
		return;
	}
	(void)keeper_figures_end_user(&keeper->figures, user);
	if (keeper->database != NULL && !database_revoke(keeper->database, &revocation, failed))
		log_warn(keeper->options.log, admin, "scenario %s: the user is revoked until the next start: %s",
			 fired->rule->name, failed);
}

static bool is_exempt(struct keeper *keeper, const struct keeper_fired *fired, struct fw_slice user)
{
	return penalty_offence(keeper->options.policy, &fired->source, user, EVENT_scenario_fired).exempt;
}

static void obey(struct keeper *keeper, const struct keeper_fired *fired)
{
	const struct scenario_rule *rule = fired->rule;
	bool watches = fired->watched || keeper->options.policy->settings.mode == MODE_MONITOR;
	struct fw_slice user = slice(fired->user, rule->of_user ? fired->user_size : 0);

	write_down(keeper, fired, watches);
	if (watches || (rule->of_user && user.size == 0))
		return;
	if (rule->does == SCENARIO_POINTS || rule->does == SCENARIO_BLOCK)
		offend(keeper, fired, user);
	else if (rule->does == SCENARIO_RECORD || is_exempt(keeper, fired, user))
		return;
	else if (rule->does == SCENARIO_REVOKE)
		revoke_user(keeper, fired, user);
	else
		end_connections(keeper, &fired->source, user, CLOSE_POLICY);
}

static bool take(struct keeper_scenarios *scenarios, struct keeper_fired *ret_fired)
{
	bool any;

	uv_mutex_lock(&scenarios->lock);
	any = scenarios->count != 0;
	if (any) {
		*ret_fired = scenarios->queue[scenarios->first];
		scenarios->first = (scenarios->first + 1) % LIMIT_SCENARIO_QUEUE;
		scenarios->count--;
	}
	uv_mutex_unlock(&scenarios->lock);
	return any;
}

static void obey_all(struct keeper_scenarios *scenarios)
{
	struct keeper_fired fired;

	while (take(scenarios, &fired))
		obey(scenarios->keeper, &fired);
}

static void on_wake(uv_async_t *wake)
{
	obey_all(wake->data);
}

static struct scenarios *open_buckets(struct keeper *keeper, const struct fw_policy *policy)
{
	struct hash_key key;

	keeper->options.random.fill(keeper->options.random.user, (uint8_t *)&key, sizeof(key));
	return scenarios_new(policy->scenarios, policy->scenario_count, &key);
}

bool keeper_scenarios_start(struct keeper_scenarios *scenarios, struct keeper *keeper)
{
	scenarios->keeper = keeper;
	scenarios->policy = fw_policy_ref(keeper->options.policy);
	scenarios->buckets = open_buckets(keeper, scenarios->policy);
	scenarios->queue = mem_zero(LIMIT_SCENARIO_QUEUE, sizeof(*scenarios->queue));
	if (uv_mutex_init(&scenarios->lock) != 0)
		return false;
	scenarios->locks = true;
	if (scenarios->buckets == NULL || scenarios->queue == NULL ||
	    uv_async_init(keeper->options.loop, &scenarios->wake, on_wake) != 0)
		return false;
	uv_unref((uv_handle_t *)&scenarios->wake);
	scenarios->wake.data = scenarios;
	keeper->handles++;
	scenarios->open = true;
	return true;
}

/* What has fired by the rules of before is done by them. */
void keeper_scenarios_renew(struct keeper_scenarios *scenarios, struct fw_policy *policy)
{
	struct scenarios *buckets = open_buckets(scenarios->keeper, policy), *before = NULL;
	struct fw_policy *last = scenarios->policy;

	if (buckets == NULL) {
		log_warn(scenarios->keeper->options.log, admin,
			 "memory is short: scenarios stay those of the configuration before");
		return;
	}
	while (before == NULL) {
		obey_all(scenarios);
		uv_mutex_lock(&scenarios->lock);
		if (scenarios->count == 0) {
			scenarios_inherit(buckets, scenarios->buckets);
			before = scenarios->buckets;
			scenarios->buckets = buckets;
			scenarios->policy = fw_policy_ref(policy);
		}
		uv_mutex_unlock(&scenarios->lock);
	}
	scenarios_free(before);
	fw_policy_unref(last);
}

void keeper_scenarios_stop(struct keeper_scenarios *scenarios)
{
	if (!scenarios->open)
		return;
	uv_mutex_lock(&scenarios->lock);
	scenarios->open = false;
	uv_mutex_unlock(&scenarios->lock);
	obey_all(scenarios);
	keeper_handle_close(scenarios->keeper, (uv_handle_t *)&scenarios->wake);
}

void keeper_scenarios_free(struct keeper_scenarios *scenarios)
{
	if (scenarios->locks)
		uv_mutex_destroy(&scenarios->lock);
	scenarios_free(scenarios->buckets);
	mem_free(scenarios->queue);
	fw_policy_unref(scenarios->policy);
}

struct scenario_figures keeper_scenarios_figures(struct keeper_scenarios *scenarios, unsigned row)
{
	struct scenario_figures figures;

	uv_mutex_lock(&scenarios->lock);
	figures = scenarios_figures(scenarios->buckets, row);
	uv_mutex_unlock(&scenarios->lock);
	return figures;
}
