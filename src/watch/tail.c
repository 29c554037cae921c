/* tail.c: how far those go who mean no harm. Of each day the most unusual ones are kept, each user once; a day's level
 * is that which is passed once in TAIL_RARE days, if what is beyond the third goes on to fall off as it did down to the
 * last (peaks over a threshold, as of Siffer et al., "Anomaly detection in streams with extreme value theory", KDD
 * 2017, with a shape of nought). The two highest of a day and the two highest of the days count for
 * nothing, so that a few who lie in wait do not make room for themselves. */
#include <math.h>
#include <string.h>

#include "watch/parts.h"

#define TAIL_RARE 40.0f

enum { DROPPED = 2 };

void tail_note(struct tail *tail, uint64_t who, float score)
{
	unsigned at = TAIL_KEPT - 1;

	if (score <= tail->scores[TAIL_KEPT - 1])
		return;
	for (unsigned i = 0; i < TAIL_KEPT; i++)
		if (tail->whose[i] == who) {
			if (score <= tail->scores[i])
				return;
			at = i;
			break;
		}
	for (; at > 0 && tail->scores[at - 1] < score; at--) {
		tail->scores[at] = tail->scores[at - 1];
		tail->whose[at] = tail->whose[at - 1];
	}
	tail->scores[at] = score;
	tail->whose[at] = who;
}

/* The one at that place, the highest first. */
static float ranked(const float *values, unsigned count, unsigned place)
{
	float sorted[TAIL_DAYS];

	for (unsigned i = 0; i < count; i++) {
		unsigned at = i;
		for (; at > 0 && sorted[at - 1] < values[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = values[i];
	}
	return sorted[place];
}

void tail_end_day(struct tail *tail, bool learn, bool wide, float margin)
{
	unsigned days;
	float weight = 0;

	if (learn) {
		for (unsigned i = DROPPED + 1; i < TAIL_KEPT; i++)
			weight += 1.0f / (float)i;
		float slope = (tail->scores[DROPPED] - tail->scores[TAIL_KEPT - 1]) / weight;
		tail->bases[tail->days % TAIL_DAYS] = tail->scores[DROPPED];
		tail->slopes[tail->days++ % TAIL_DAYS] = slope;
	}
	memset(tail->scores, 0, sizeof(tail->scores));
	memset(tail->whose, 0, sizeof(tail->whose));
	days = tail->days < TAIL_DAYS ? tail->days : TAIL_DAYS;
	if (days >= TAIL_DAYS_LEAST)
		tail->level = ranked(tail->bases, days,
				     days > 2 * DROPPED ? DROPPED
				     : days > 2		? 1
							: 0) +
			      ranked(tail->slopes, days, wide ? days > 2 : days / 2) * margin *
				      logf((DROPPED + 1) * TAIL_RARE);
}
