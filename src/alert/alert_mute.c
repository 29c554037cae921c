/* Silences and inhibitions: what nobody is told of while it lasts. */
#include <string.h>

#include "alert/alert_parts.h"

/* "*" is any octets. Without recursion: a star is gone back to, the last one alone. */
static bool is_like(const char *text, const char *pattern)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool matches(const struct alerts *alerts, const struct alert *alert, const struct alert_matchers *matchers)
{
	for (unsigned i = 0; i < matchers->count; i++)
		if (!is_like(alert_label(alerts, alert, matchers->list[i].label), matchers->list[i].pattern))
			return false;
	return true;
}

static bool is_silenced(const struct alerts *alerts, const struct alert *alert, uint64_t now_ns)
{
	unsigned left = alerts->figures.silences;

	for (unsigned i = 0; left != 0 && i < LIMIT_SILENCES; i++) {
		const struct alert_silence *silence = &alerts->silences[i];
		bool like = silence->id != 0 && now_ns < silence->until_ns;

		left -= silence->id != 0;
		for (unsigned k = 0; like && k < silence->matcher_count; k++)
			like = is_like(alert_label(alerts, alert, silence->matchers[k].label),
				       silence->matchers[k].pattern);
		if (like)
			return true;
	}
	return false;
}

/* What is on both sides does not inhibit its like, itself least of all. */
static bool inhibits(const struct alerts *alerts, unsigned number, const struct alert *source,
		     const struct alert *target, bool target_is_source)
{
	const struct alert_inhibition *inhibition = &alerts->rules.inhibitions[number];

	if (!source->used || (source->sources >> number & 1) == 0 || source == target)
		return false;
	if (target_is_source && matches(alerts, source, &inhibition->target))
		return false;
	for (size_t i = 0; i < inhibition->equal.count; i++)
		if (strcmp(alert_label(alerts, source, inhibition->equal.items[i]),
			   alert_label(alerts, target, inhibition->equal.items[i])) != 0)
			return false;
	return true;
}

static bool is_inhibited(const struct alerts *alerts, const struct alert *alert)
{
	for (unsigned i = 0; i < alerts->rules.inhibition_count; i++) {
		bool source;

		if (alerts->source_count[i] == 0 || !matches(alerts, alert, &alerts->rules.inhibitions[i].target))
			continue;
		source = matches(alerts, alert, &alerts->rules.inhibitions[i].source);
		for (unsigned k = 0; k < ALERTS_ALL; k++)
			if (inhibits(alerts, i, alert_at((struct alerts *)alerts, k), alert, source))
				return true;
	}
	return false;
}

enum alert_mute alert_muted(const struct alerts *alerts, const struct alert *alert, uint64_t now_ns)
{
	if (is_silenced(alerts, alert, now_ns))
		return ALERT_SILENCED;
	return is_inhibited(alerts, alert) ? ALERT_INHIBITED : ALERT_HEARD;
}

void alert_sources(struct alerts *alerts, struct alert *alert)
{
	for (unsigned i = 0; i < alerts->rules.inhibition_count; i++) {
		bool was = (alert->sources >> i & 1) != 0;
		bool is = alert->state == ALERT_FIRING && matches(alerts, alert, &alerts->rules.inhibitions[i].source);

		alerts->source_count[i] += (unsigned)is - (unsigned)was;
		alert->sources = (uint16_t)((alert->sources & ~(1u << i)) | (unsigned)is << i);
	}
}

uint64_t alerts_silence(struct alerts *alerts, const struct alert_silence *silence, uint64_t id)
{
	for (unsigned i = 0; i < LIMIT_SILENCES; i++) {
		if (alerts->silences[i].id != 0)
			continue;
		alerts->silences[i] = *silence;
		alerts->silences[i].id = id;
		alerts->figures.silences++;
		alerts->changed = true;
		return id;
	}
	return 0;
}

bool alerts_unsilence(struct alerts *alerts, uint64_t id)
{
	for (unsigned i = 0; id != 0 && i < LIMIT_SILENCES; i++) {
		if (alerts->silences[i].id != id)
			continue;
		alerts->silences[i].id = 0;
		alerts->figures.silences--;
		alerts->changed = true;
		return true;
	}
	return false;
}

void alerts_each_silence(const struct alerts *alerts, uint64_t now_ns, alert_silence_each *each, void *user)
{
	for (unsigned i = 0; i < LIMIT_SILENCES; i++)
		if (alerts->silences[i].id != 0 && now_ns < alerts->silences[i].until_ns)
			each(user, &alerts->silences[i]);
}
