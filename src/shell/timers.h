/* timers.h: the deadlines of all connections of a worker as one hashed wheel of intrusive entries.
 * Rearming is lazy: a deadline that moves later costs nothing, the entry is looked at again when its old slot comes.
 * Never early, at most one tick (67 ms) late. Allocates nothing; one thread; time is an argument. */
#ifndef SHELL_TIMERS_H
#define SHELL_TIMERS_H
#include <stdbool.h>
#include <stdint.h>

enum { TIMERS_SLOTS = 1024, TIMERS_SHIFT = 26 }; /* a tick is 2^26 ns; a round of the wheel 68 s */

struct timer {
	struct timer *next;
	struct timer **link; /* what points to this entry */
	uint64_t tick;	     /* when it is looked at; 0: not in the wheel */
};

struct timers {
	uint64_t tick; /* every slot up to this one has been run */
	struct timer *slots[TIMERS_SLOTS];
	uint64_t used[TIMERS_SLOTS / 64]; /* bit set of slots that have entries */
};

void timers_init(struct timers *timers, uint64_t now_ns);
/* The entry is looked at no later than deadline_ns (rounded up to a tick). An earlier slot it has already is kept;
 * UINT64_MAX changes nothing. A deadline beyond one round is cut to it: the callback of timers_run looks at the true
 * deadline and sets anew. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t deadline_ns);
void timers_cancel(struct timers *timers, struct timer *timer); /* also of an entry that is not in the wheel */
uint64_t timers_next(const struct timers *timers); /* when timers_run has something to do; UINT64_MAX: never */
/* Takes every entry whose slot has come out of the wheel and calls due for it. due may set and cancel any entry. */
typedef void timers_due_function(void *user, struct timer *timer);
void timers_run(struct timers *timers, uint64_t now_ns, timers_due_function *due, void *user);
#endif
