/* scenario.h: the buckets of scenarios, and which event makes one run over. Memory is taken once, by the rules. One
 * thread; time is an argument: of a clock that nobody sets, or of the records themselves. */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H
#include <framewall/event.h>

#include "base/hash.h"
#include "policy/scenario_rule.h"

enum { SCENARIO_SAMPLES = 3, SCENARIO_SAMPLE = 40, SCENARIO_WAYS = 8 };

/* A bucket ran over. What it points to lives until the call returns. */
struct scenario_firing {
	unsigned scenario;		/* of the rules */
	const struct fw_record *record; /* the event that did it */
	uint64_t events;		/* since the bucket was empty, those counted that brought no new value */
	unsigned values;		/* with distinct: so many of them */
	char sample[SCENARIO_SAMPLES * (SCENARIO_SAMPLE + 2)]; /* some of them, "a, b, c" */
	uint64_t first_us, last_us;			       /* of the wall clock */
	bool watched; /* one of them was only watched (mode monitor): nothing is done */
};
/* False: there is no room for it now. The bucket stays full: the next event fires it. */
typedef bool scenario_fire_function(void *user, const struct scenario_firing *firing);

struct scenarios;
/* The rules stay the caller's, and as they are, while it lives. NULL: memory is short. */
struct scenarios *scenarios_new(const struct scenario_rule *rules, size_t count, const struct hash_key *key);
/* What was counted by rules that are the same goes on; before is good for nothing but to be freed then. */
void scenarios_inherit(struct scenarios *scenarios, struct scenarios *before);
struct scenarios *scenarios_free(struct scenarios *scenarios); /* NULL-safe */
void scenarios_see(struct scenarios *scenarios, const struct fw_record *record, uint64_t now_ns,
		   scenario_fire_function *fire, void *user);

struct scenario_figures {
	uint64_t fired;
	uint64_t evicted; /* buckets that gave way to others while they held something */
	uint64_t held;	  /* times that one had to stay full, see above */
};
struct scenario_figures scenarios_figures(const struct scenarios *scenarios, unsigned scenario);
#endif
