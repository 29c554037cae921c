#include "alert/alert_parts.h"

#include <string.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/where.h"

struct alerts *alerts_new(const struct hash_key *key, alert_tell *tell, void *user)
{
	struct alerts *alerts = mem_zero(1, sizeof(*alerts));

	if (alerts == NULL)
		return NULL;
	alerts->key = *key;
	alerts->tell = tell;
	alerts->user = user;
	return alerts;
}

struct alerts *alerts_free(struct alerts *alerts)
{
	mem_free(alerts);
	return NULL;
}

static unsigned find_rule(const struct alert_rules *rules, const struct alert_rule *like)
{
	unsigned i = 0;

	while (i < rules->count && memcmp(rules->rules[i].digest, like->digest, sizeof(like->digest)) != 0)
		i++;
	return i;
}

/* An alert that goes on under rules that are numbered otherwise is put where it is looked for now. */
static void move(struct alerts *alerts, const struct alert *old, unsigned rule, uint64_t now_ns)
{
	const char *values[ALERT_BY];
	struct alert *alert;

	for (unsigned i = 0; i < ALERT_BY; i++)
		values[i] = old->values[i];
	alert = alert_find_values(alerts, rule, values, &old->address, now_ns);
	if (alert->told_ns != 0)
		return; /* the shared one has another's past already */
	*alert = (struct alert){ .used = true,
				 .hash = alert->hash,
				 .rule = alert->rule,
				 .group = NO_GROUP,
				 .shared = alert->shared,
				 .state = old->state,
				 .told = old->told,
				 .level = old->level,
				 .told_level = old->told_level,
				 .since_ns = old->since_ns,
				 .last_ns = old->last_ns,
				 .told_ns = old->told_ns,
				 .causes = old->causes,
				 .suppressed = old->suppressed,
				 .value = old->value,
				 .figure = old->figure,
				 .has_figure = old->has_figure,
				 .bucket = old->bucket,
				 .address = alert->address };
	memcpy(alert->buckets, old->buckets, sizeof(alert->buckets));
	memcpy(alert->values, old->values, sizeof(alert->values));
	memcpy(alert->event_id, old->event_id, sizeof(alert->event_id));
	alert_sources(alerts, alert);
	if (alert->state == ALERT_FIRING && (old->owed || !old->told || alerts->rules.group_by.count != 0))
		alert_owe(alerts, alert, false, now_ns);
	if (alert->told && alert->group != NO_GROUP && !old->owed)
		alert->owed = false; /* it is a member, and they were told */
}

void alerts_set(struct alerts *alerts, const struct alert_rules *rules, uint64_t now_ns)
{
	struct alert *old = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < ALERTS_ALL && alerts->rules.count != 0; i++) {
		struct alert *alert = alert_at(alerts, i);

		if (!alert->used)
			continue;
		if (find_rule(rules, alert_rule_of(alerts, alert)) == rules->count) {
			alert_leave(alerts, alert);
			alert_end(alerts, alert, now_ns); /* its rule is gone */
			alert->used = false;
			continue;
		}
		if (old == NULL)
			old = mem_zero(ALERTS_ALL, sizeof(*old));
		if (old == NULL)
			continue; /* memory is short: it is forgotten, and comes anew with its next event */
		old[count] = *alert;
		old[count].hash = find_rule(rules, alert_rule_of(alerts, alert));
		count++;
	}
	memset(alerts->list, 0, sizeof(alerts->list));
	memset(alerts->spare, 0, sizeof(alerts->spare));
	memset(alerts->groups, 0, sizeof(alerts->groups));
	memset(alerts->source_count, 0, sizeof(alerts->source_count));
	alerts->group_count = 0;
	alerts->rules = *rules;
	for (unsigned i = 0; i < count; i++)
		move(alerts, &old[i], (unsigned)old[i].hash, now_ns);
	mem_free(old);
	alerts->changed = true;
}

/* Forgets what is longer ago than within. */
static void advance(const struct alert_rule *rule, struct alert *alert, uint64_t now_ns)
{
	uint64_t now = now_ns / ((uint64_t)rule->within_ * SECOND_NS / BUCKETS);
	uint64_t passed = now - alert->bucket;

	for (uint64_t i = 0; i < passed && i < BUCKETS; i++)
		alert->buckets[(now - i) % BUCKETS] = 0;
	alert->bucket = now;
}

static uint64_t sum(const struct alert *alert)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		all += alert->buckets[i];
	return all;
}

static void add(struct alert *alert, uint64_t count)
{
	uint32_t *bucket = &alert->buckets[alert->bucket % BUCKETS];

	*bucket = count < UINT32_MAX - *bucket ? *bucket + (uint32_t)count : UINT32_MAX;
}

static void begin(struct alerts *alerts, struct alert *alert, uint8_t level, uint64_t now_ns)
{
	alert->state = ALERT_FIRING;
	alert->since_ns = now_ns;
	alert->level = level;
	alert->causes = 0;
	alert->owed = false;
	alert->told = alert->over; /* its end was not told of yet: there was none */
	alert->over = false;
	alerts->changed = true;
}

/* An event more that is an alert. A higher level is never suppressed by a lower one. */
static void cause(struct alerts *alerts, struct alert *alert, uint8_t level, uint64_t now_ns)
{
	bool cooling = alert_is_cooling(alerts, alert, now_ns), higher;

	if (alert->state != ALERT_FIRING)
		begin(alerts, alert, level, now_ns);
	alert->causes++;
	alert->last_ns = now_ns;
	higher = level > (alert->owed ? alert->level : alert->told_level) && (cooling || alert->owed);
	if (level > alert->level || (!cooling && !alert->owed))
		alert->level = level;
	alert_sources(alerts, alert);
	if ((cooling && !higher) || (alert->owed && !higher)) {
		alert->suppressed += cooling;
		alerts->figures.suppressed += cooling;
		return;
	}
	alert_owe(alerts, alert, higher || alert_rule_of(alerts, alert)->immediate, now_ns);
}

void alerts_event(struct alerts *alerts, const struct fw_record *record, uint64_t now_ns)
{
	/* An alert about alerts would be one without end. */
	if (record->type == EVENT_alert_raised || record->type == EVENT_alert_resolved || record->type >= EVENT_TYPES)
		return;
	for (unsigned i = 0; i < alerts->rules.count; i++) {
		const struct alert_rule *rule = &alerts->rules.rules[i];
		struct alert *alert;

		if ((rule->events >> record->type & 1) == 0 || record->level < rule->least_level ||
		    !where_matches(&rule->where, record))
			continue;
		if (rule->new_addresses && (record->source.family == 0 || alert_seen(alerts, &record->source, now_ns)))
			continue;
		alert = alert_find(alerts, i, record, now_ns);
		if (alert == NULL)
			continue;
		advance(rule, alert, now_ns);
		add(alert, 1);
		alert->last_ns = now_ns;
		alert->value = (int64_t)sum(alert);
		if (alert->value <= rule->more_than_)
			continue;
		memcpy(alert->event_id, record->event_id, FW_EVENT_ID_SIZE);
		cause(alerts, alert, rule->alert_level >= 0 ? (uint8_t)rule->alert_level : record->level, now_ns);
	}
}

/* --- what time does */

static bool holds(const struct alert_rule *rule, struct alert *alert, uint64_t figure, uint64_t now_ns)
{
	if (rule->counts) {
		advance(rule, alert, now_ns);
		/* a counter that is less than it was began anew */
		if (alert->has_figure)
			add(alert, figure >= alert->figure ? figure - alert->figure : figure);
		alert->figure = figure;
		alert->has_figure = true;
		figure = sum(alert);
	}
	alert->value = figure < INT64_MAX ? (int64_t)figure : INT64_MAX;
	return (rule->above_ >= 0 && alert->value > rule->above_) || (rule->below_ >= 0 && alert->value < rule->below_);
}

static void measure(struct alerts *alerts, unsigned number, uint64_t figure, uint64_t now_ns)
{
	static const char *const none[ALERT_BY] = { "", "", "" };
	static const struct fw_addr nowhere;
	const struct alert_rule *rule = &alerts->rules.rules[number];
	struct alert *alert = alert_find_values(alerts, number, none, &nowhere, now_ns);

	alert->last_ns = now_ns;
	if (!holds(rule, alert, figure, now_ns)) {
		if (alert->state == ALERT_FIRING)
			alert_end(alerts, alert, now_ns);
		alert->state = ALERT_QUIET;
		return;
	}
	if (alert->state == ALERT_QUIET) {
		alert->state = ALERT_PENDING;
		alert->since_ns = now_ns;
	}
	if (alert->state == ALERT_PENDING && now_ns - alert->since_ns >= (uint64_t)rule->for_ * SECOND_NS)
		cause(alerts, alert, rule->alert_level >= 0 ? (uint8_t)rule->alert_level : FW_LEVEL_WARNING, now_ns);
	else if (alert->state == ALERT_FIRING && !alert->told && !alert->owed &&
		 !alert_is_cooling(alerts, alert, now_ns))
		alert_owe(alerts, alert, rule->immediate, now_ns);
}

static void pass(struct alerts *alerts, struct alert *alert, bool ask, uint64_t now_ns)
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);
	uint64_t resolve =
		rule->resolve_after_ >= 0 ? (uint64_t)rule->resolve_after_ * SECOND_NS : alerts->rules.resolve_ns;

	if (rule->row == ALERT_NO_METRIC && alert->state == ALERT_FIRING && now_ns - alert->last_ns >= resolve)
		alert_end(alerts, alert, now_ns);
	if (alert->group == NO_GROUP && alert->state == ALERT_FIRING && alert->told && !alert->owed &&
	    now_ns - alert->told_ns >= alerts->rules.repeat_ns)
		alert->owed = true;
	if (alert->group == NO_GROUP && alert->owed && ask)
		alert_try(alerts, alert, now_ns);
	if (rule->row == ALERT_NO_METRIC && alert->state == ALERT_QUIET && !alert->over &&
	    now_ns - alert->last_ns >= (uint64_t)rule->within_ * SECOND_NS && !alert_is_cooling(alerts, alert, now_ns))
		alert->used = false;
}

enum { ASKED = 64 }; /* of those that are muted, at a tick: each looks at all alerts */

static void end_silences(struct alerts *alerts, uint64_t now_ns)
{
	for (unsigned i = 0; alerts->figures.silences != 0 && i < LIMIT_SILENCES; i++)
		if (alerts->silences[i].id != 0 && now_ns >= alerts->silences[i].until_ns)
			alerts_unsilence(alerts, alerts->silences[i].id);
}

void alerts_tick(struct alerts *alerts, const uint64_t *figures, uint64_t now_ns)
{
	unsigned asked = 0, from = alerts->next_muted;

	end_silences(alerts, now_ns);
	for (unsigned i = 0; figures != NULL && i < alerts->rules.count; i++)
		if (alerts->rules.rules[i].row != ALERT_NO_METRIC)
			measure(alerts, i, figures[alerts->rules.rules[i].row], now_ns);
	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		unsigned number = (from + i) % ALERTS_ALL;
		struct alert *alert = alert_at(alerts, number);

		if (!alert->used)
			continue;
		asked += alert->owed && alert->group == NO_GROUP;
		if (asked == ASKED)
			alerts->next_muted = number;
		pass(alerts, alert, asked <= ASKED, now_ns);
	}
	alert_groups(alerts, now_ns);
}

bool alerts_changed(struct alerts *alerts)
{
	bool changed = alerts->changed;

	alerts->changed = false;
	return changed;
}

void alerts_each(const struct alerts *alerts, uint64_t now_ns, alert_each *each, void *user)
{
	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		const struct alert *alert = alert_at((struct alerts *)alerts, i);
		struct alert_status status;

		if (!alert->used || alert->state == ALERT_QUIET)
			continue;
		status = (struct alert_status){ .rule = alert_rule_of(alerts, alert)->name,
						.state = alert->state,
						.mute = alert_muted(alerts, alert, now_ns),
						.told = alert->told,
						.level = alert->level,
						.since_ns = alert->since_ns,
						.told_ns = alert->told_ns,
						.causes = alert->causes,
						.suppressed = alert->suppressed,
						.value = alert->value };
		alert_id(alerts, alert, status.id);
		alert_labels(alerts, alert, status.labels);
		each(user, &status);
	}
}

struct alert_figures alerts_figures(const struct alerts *alerts)
{
	struct alert_figures figures = alerts->figures;

	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		const struct alert *alert = alert_at((struct alerts *)alerts, i);

		if (!alert->used || alert->state != ALERT_FIRING)
			continue;
		figures.firing[alert->level & 3]++;
		figures.muted += alert->owed && alert->mute != ALERT_HEARD;
	}
	return figures;
}
