#include "shell/timers.h"

#include <stddef.h>
#include <string.h>

void timers_init(struct timers *timers, uint64_t now_ns)
{
	memset(timers, 0, sizeof(*timers));
	timers->tick = now_ns >> TIMERS_SHIFT;
}

static unsigned slot_of(uint64_t tick)
{
	return (unsigned)(tick % TIMERS_SLOTS);
}

static void mark(struct timers *timers, unsigned slot)
{
	uint64_t bit = (uint64_t)1 << (slot % 64);

	if (timers->slots[slot] != NULL)
		timers->used[slot / 64] |= bit;
	else
		timers->used[slot / 64] &= ~bit;
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
	if (timer->tick == 0)
		return;
	*timer->link = timer->next;
	if (timer->next != NULL)
		timer->next->link = timer->link;
	mark(timers, slot_of(timer->tick));
	*timer = (struct timer){ 0 };
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t deadline_ns)
{
	uint64_t tick = (deadline_ns >> TIMERS_SHIFT) + 1;
	struct timer **slot;

	if (deadline_ns == UINT64_MAX)
		return;
	if (tick <= timers->tick)
		tick = timers->tick + 1;
	if (tick - timers->tick >= TIMERS_SLOTS)
		tick = timers->tick + TIMERS_SLOTS - 1;
	if (timer->tick != 0 && timer->tick <= tick)
		return;
	timers_cancel(timers, timer);
	slot = &timers->slots[slot_of(tick)];
	*timer = (struct timer){ .next = *slot, .link = slot, .tick = tick };
	if (timer->next != NULL)
		timer->next->link = &timer->next;
	*slot = timer;
	mark(timers, slot_of(tick));
}

uint64_t timers_next(const struct timers *timers)
{
	for (unsigned step = 1; step < TIMERS_SLOTS;) {
		unsigned slot = slot_of(timers->tick + step);
		uint64_t word = timers->used[slot / 64] >> (slot % 64);

		if (word != 0) {
			step += (unsigned)__builtin_ctzll(word);
			return step < TIMERS_SLOTS ? (timers->tick + step) << TIMERS_SHIFT : UINT64_MAX;
		}
		step += 64 - slot % 64;
	}
	return UINT64_MAX;
}

void timers_run(struct timers *timers, uint64_t now_ns, timers_due_function *due, void *user)
{
	uint64_t now = now_ns >> TIMERS_SHIFT;

	/* After a long sleep one round reaches every slot. */
	if (now > timers->tick && now - timers->tick > TIMERS_SLOTS)
		timers->tick = now - TIMERS_SLOTS;
	while (timers->tick < now) {
		unsigned slot = slot_of(++timers->tick);
		struct timer *list = timers->slots[slot];

		timers->slots[slot] = NULL;
		mark(timers, slot);
		if (list != NULL)
			list->link = &list;
		while (list != NULL) {
			struct timer *timer = list;

			list = timer->next;
			if (list != NULL)
				list->link = &list;
			*timer = (struct timer){ 0 };
			due(user, timer);
		}
	}
}
