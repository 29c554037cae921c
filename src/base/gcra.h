/* gcra.h: the token bucket of every limit as one word: the theoretical arrival time (GCRA, ITU-T I.371).
 * Time is an argument. The cell may be a plain word of one thread, or an atomic one (gcra_take_shared). */
#ifndef BASE_GCRA_H
#define BASE_GCRA_H
#include <stdatomic.h>
#include <stdint.h>

struct gcra {
	uint64_t interval_ns; /* one event per interval in the long run */
	uint64_t burst_ns;    /* (burst - 1) * interval: how early events may come */
};

static inline struct gcra gcra_per(uint64_t events, uint64_t period_ns)
{
	uint64_t interval = events != 0 ? period_ns / events : period_ns;

	if (interval == 0)
		interval = 1;
	return (struct gcra){ interval, events != 0 ? (events - 1) * interval : 0 };
}

/* What was counted under one rate, under another: as many events are spent, though never more than there may be. */
static inline uint64_t gcra_convert(uint64_t cell, const struct gcra *from, const struct gcra *to, uint64_t now_ns)
{
	uint64_t most = to->burst_ns + to->interval_ns, spent;

	if (cell <= now_ns || from->interval_ns == 0)
		return cell;
	spent = (cell - now_ns) / from->interval_ns + ((cell - now_ns) % from->interval_ns != 0);
	return now_ns + (to->interval_ns == 0 || spent <= most / to->interval_ns ? spent * to->interval_ns : most);
}

/* How long until so many events are allowed at once; 0: now. UINT64_MAX: never, they are more than a burst. */
static inline uint64_t gcra_wait(uint64_t cell, const struct gcra *rate, uint64_t count, uint64_t now_ns)
{
	uint64_t ahead = cell > now_ns ? cell - now_ns : 0, needed;

	if (count == 0)
		return 0;
	if (__builtin_mul_overflow(count - 1, rate->interval_ns, &needed) || needed > rate->burst_ns)
		return UINT64_MAX;
	return ahead > rate->burst_ns - needed ? ahead - (rate->burst_ns - needed) : 0;
}

/* 0: allowed and counted. Otherwise gcra_wait, and nothing is counted. */
static inline uint64_t gcra_take_many(uint64_t *cell, const struct gcra *rate, uint64_t count, uint64_t now_ns)
{
	uint64_t wait = gcra_wait(*cell, rate, count, now_ns);

	if (wait == 0)
		*cell = (*cell > now_ns ? *cell : now_ns) + count * rate->interval_ns;
	return wait;
}

static inline uint64_t gcra_take_many_shared(_Atomic uint64_t *cell, const struct gcra *rate, uint64_t count,
					     uint64_t now_ns)
{
	uint64_t old = atomic_load_explicit(cell, memory_order_relaxed), wait;

	do {
		wait = gcra_wait(old, rate, count, now_ns);
		if (wait != 0)
			return wait;
	} while (!atomic_compare_exchange_weak_explicit(cell, &old,
							(old > now_ns ? old : now_ns) + count * rate->interval_ns,
							memory_order_relaxed, memory_order_relaxed));
	return 0;
}

static inline uint64_t gcra_take(uint64_t *cell, const struct gcra *rate, uint64_t now_ns)
{
	return gcra_take_many(cell, rate, 1, now_ns);
}

static inline uint64_t gcra_take_shared(_Atomic uint64_t *cell, const struct gcra *rate, uint64_t now_ns)
{
	return gcra_take_many_shared(cell, rate, 1, now_ns);
}
#endif
