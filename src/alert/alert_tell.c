/* Who is told: of one alert at once, or of a group of them after group_wait, then every group_interval when there is
 * something new, and every repeat_interval when there is not. */
#include <stdio.h>
#include <string.h>

#include "alert/alert_parts.h"

static void fill(const struct alerts *alerts, const struct alert *alert, bool resolved, struct alert_notice *notice)
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);

	*notice = (struct alert_notice){ .resolved = resolved,
					 .level = alert->level,
					 .rule = rule->name,
					 .summary = rule->summary,
					 .since_ns = alert->since_ns,
					 .value = alert->value,
					 .address = alert->address,
					 .group = "" };
	alert_id(alerts, alert, notice->id);
	alert_labels(alerts, alert, notice->labels);
	memcpy(notice->event_id, alert->event_id, sizeof(notice->event_id));
	for (unsigned i = 0; i < rule->field_count; i++)
		if (rule->fields[i].kind == ALERT_USER)
			notice->user = alert->values[i];
}

static void count(struct alert *alert, struct alert_notice *notice, uint64_t now_ns)
{
	notice->again |= !notice->resolved && alert->told;
	notice->causes += alert->causes;
	notice->suppressed += alert->suppressed;
	notice->count++;
	if (alert->level > notice->level)
		notice->level = alert->level;
	alert->suppressed = 0;
	if (notice->resolved) {
		alert->over = false;
		return;
	}
	alert->told = true;
	alert->owed = false;
	alert->told_ns = now_ns;
	alert->told_level = alert->level;
}

static void tell(struct alerts *alerts, const struct alert_notice *notice)
{
	alerts->changed = true;
	if (notice->resolved)
		alerts->figures.resolved++;
	else
		alerts->figures.raised++;
	alerts->tell(alerts->user, notice);
}

static void tell_alone(struct alerts *alerts, struct alert *alert, bool resolved, uint64_t now_ns)
{
	struct alert_notice notice;

	fill(alerts, alert, resolved, &notice);
	count(alert, &notice, now_ns);
	tell(alerts, &notice);
}

void alert_try(struct alerts *alerts, struct alert *alert, uint64_t now_ns)
{
	alert->mute = (uint8_t)alert_muted(alerts, alert, now_ns);
	if (alert->mute == ALERT_HEARD)
		tell_alone(alerts, alert, false, now_ns);
}

/* --- groups */

static uint64_t group_of(const struct alerts *alerts, const struct alert *alert, char ret_labels[ALERT_LINE])
{
	size_t used = 0;

	ret_labels[0] = '\0';
	for (size_t i = 0; i < alerts->rules.group_by.count; i++) {
		const char *label = alerts->rules.group_by.items[i];
		int size = snprintf(ret_labels + used, ALERT_LINE - used, "%s%s=\"%s\"", i != 0 ? ", " : "", label,
				    alert_label(alerts, alert, label));

		if (size < 0 || (size_t)size >= ALERT_LINE - used)
			break;
		used += (size_t)size;
	}
	return hash_bytes(&alerts->key, ret_labels, used);
}

/* False: there is no room for another one. */
static bool join(struct alerts *alerts, struct alert *alert, uint64_t now_ns)
{
	char labels[ALERT_LINE];
	uint64_t hash = group_of(alerts, alert, labels);
	struct alert_group *group = NULL;

	if (alert->group != NO_GROUP)
		return true;
	for (unsigned i = 0; i < LIMIT_ALERT_GROUPS; i++) {
		struct alert_group *at = &alerts->groups[i];

		if (at->used && at->hash == hash) {
			group = at;
			break;
		}
		if (!at->used && group == NULL)
			group = at;
	}
	if (group == NULL)
		return false;
	if (!group->used) {
		*group = (struct alert_group){ .used = true,
					       .hash = hash,
					       .next_ns = now_ns + alerts->rules.group_wait_ns };
		memcpy(group->labels, labels, sizeof(labels));
		alerts->group_count++;
	}
	group->members++;
	alert->group = (uint16_t)(group - alerts->groups);
	return true;
}

void alert_leave(struct alerts *alerts, struct alert *alert)
{
	struct alert_group *group;

	if (alert->group == NO_GROUP)
		return;
	group = &alerts->groups[alert->group];
	alert->group = NO_GROUP;
	if (--group->members == 0) {
		group->used = false;
		alerts->group_count--;
	}
}

void alert_owe(struct alerts *alerts, struct alert *alert, bool at_once, uint64_t now_ns)
{
	bool grouped = alerts->rules.group_by.count != 0 && join(alerts, alert, now_ns);

	alert->owed = true;
	if (!grouped || at_once)
		alert_try(alerts, alert, now_ns);
}

void alert_end(struct alerts *alerts, struct alert *alert, uint64_t now_ns)
{
	bool told = alert->told;

	alert->state = ALERT_QUIET;
	alert->told = alert->owed = false;
	alert_sources(alerts, alert);
	alerts->changed = true;
	if (told && alert->group != NO_GROUP) {
		alert->over = true; /* with its group */
		return;
	}
	alert_leave(alerts, alert);
	if (!told)
		return;
	alert->mute = (uint8_t)alert_muted(alerts, alert, now_ns);
	if (alert->mute == ALERT_HEARD)
		tell_alone(alerts, alert, true, now_ns);
}

static void add_other(const struct alerts *alerts, const struct alert *alert, struct alert_notice *notice)
{
	char labels[ALERT_LINE], line[ALERT_LINE + 2 * ALERT_NAME];
	size_t used = strlen(notice->others);
	int size;

	alert_labels(alerts, alert, labels);
	size = snprintf(line, sizeof(line), "%s%s{%s} %s", used != 0 ? "; " : "", alert_rule_of(alerts, alert)->name,
			labels, fw_level_name(alert->level));
	if (size > 0 && used + (size_t)size < sizeof(notice->others))
		memcpy(notice->others + used, line, (size_t)size + 1);
}

/* Those of the group that fire (that are over), the first one in full. */
static void tell_group(struct alerts *alerts, unsigned number, bool resolved, uint64_t now_ns)
{
	struct alert_group *group = &alerts->groups[number];
	struct alert_notice notice = { .count = 0 };

	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		struct alert *alert = alert_at(alerts, i);

		if (!alert->used || alert->group != number ||
		    (resolved ? !alert->over : alert->state != ALERT_FIRING) || alert->mute != ALERT_HEARD)
			continue;
		if (notice.count == 0)
			fill(alerts, alert, resolved, &notice);
		else
			add_other(alerts, alert, &notice);
		count(alert, &notice, now_ns);
	}
	if (notice.count == 0)
		return;
	notice.group = group->labels;
	if (!resolved)
		group->told_ns = now_ns;
	tell(alerts, &notice);
}

static void flush(struct alerts *alerts, unsigned number, uint64_t now_ns)
{
	struct alert_group *group = &alerts->groups[number];
	bool news = false, ended = false;
	bool repeats = group->told_ns != 0 && now_ns - group->told_ns >= alerts->rules.repeat_ns;

	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		struct alert *alert = alert_at(alerts, i);

		if (!alert->used || alert->group != number)
			continue;
		alert->mute = (uint8_t)alert_muted(alerts, alert, now_ns);
		news |= alert->owed && alert->mute == ALERT_HEARD;
		ended |= alert->over;
	}
	group->next_ns = now_ns + alerts->rules.group_interval_ns;
	if (news || repeats)
		tell_group(alerts, number, false, now_ns);
	if (ended)
		tell_group(alerts, number, true, now_ns);
	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		struct alert *alert = alert_at(alerts, i);

		if (!alert->used || alert->group != number || alert->state == ALERT_FIRING)
			continue;
		alert->over = false; /* of what is muted nobody is told that it is over */
		alert_leave(alerts, alert);
	}
}

void alert_groups(struct alerts *alerts, uint64_t now_ns)
{
	unsigned left = alerts->group_count;

	for (unsigned i = 0; left != 0 && i < LIMIT_ALERT_GROUPS; i++) {
		if (!alerts->groups[i].used)
			continue;
		left--;
		if (now_ns >= alerts->groups[i].next_ns)
			flush(alerts, i, now_ns);
	}
}
