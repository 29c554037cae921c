/* other_plans.h: what an attack of each kind does at each strength, in numbers. */
#ifndef BENCH_WATCH_OTHER_PLANS_H
#define BENCH_WATCH_OTHER_PLANS_H

#include "other_world.h"

struct other_plan {
	unsigned hands, rounds, messages; /* connections at once, one after another, and messages on each */
	double gap, gap_sigma;		  /* seconds between messages: the median and how wide */
	double round_gap;		  /* seconds between connections of one hand */
	double lasts;			  /* minutes, about */
	double much;			  /* by kind: shares, factors, jitter; see other_plans.c */
	enum other_place place;
};

const struct other_plan *other_plan_of(enum traffic_kind kind, unsigned strength);

#endif
