/* timers: never early, at most a tick late, lazy rearming, against a plain list as the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shell/timers.h"

enum { ENTRIES = 300 };
static const uint64_t TICK = (uint64_t)1 << TIMERS_SHIFT;

struct entry {
	struct timer timer; /* first: the callback casts */
	uint64_t deadline;  /* true one; UINT64_MAX: none */
	unsigned fired;
};

struct world {
	struct timers timers;
	struct entry entries[ENTRIES];
	uint64_t now;
	unsigned looks;
};

static uint64_t seed = 12345;

static uint64_t dice(uint64_t sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % sides;
}

static void look(void *user, struct timer *timer)
{
	struct world *world = user;
	struct entry *entry = (struct entry *)timer;

	world->looks++;
	if (entry->deadline <= world->now) {
		entry->deadline = UINT64_MAX;
		entry->fired++;
	} else {
		timers_set(&world->timers, timer, entry->deadline);
	}
}

static void run_to(struct world *world, uint64_t now)
{
	world->now = now;
	timers_run(&world->timers, now, look, world);
}

static struct world *world_new(uint64_t now)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	timers_init(&world->timers, now);
	world->now = now;
	for (unsigned i = 0; i < ENTRIES; i++)
		world->entries[i].deadline = UINT64_MAX;
	return world;
}

static void set(struct world *world, unsigned i, uint64_t deadline)
{
	world->entries[i].deadline = deadline;
	timers_set(&world->timers, &world->entries[i].timer, deadline);
}

static void test_never_early_one_tick_late(void **state)
{
	struct world *world = world_new(1000 * TICK + 17);
	uint64_t at = world->now + 10 * TICK;

	(void)state;
	set(world, 0, at);
	run_to(world, at - 1);
	assert_int_equal(world->entries[0].fired, 0);
	run_to(world, at + TICK);
	assert_int_equal(world->entries[0].fired, 1);
	assert_true(timers_next(&world->timers) == UINT64_MAX);
	free(world);
}

static void test_later_is_lazy_earlier_moves(void **state)
{
	struct world *world = world_new(5 * TICK);

	(void)state;
	set(world, 0, 20 * TICK);
	for (unsigned i = 21; i < 60; i++)
		set(world, 0, i * TICK); /* later and later: the slot stays */
	assert_true(timers_next(&world->timers) == 21 * TICK);
	set(world, 0, 10 * TICK);
	assert_true(timers_next(&world->timers) == 11 * TICK);
	set(world, 0, 50 * TICK);
	run_to(world, 49 * TICK);
	assert_int_equal(world->entries[0].fired, 0);
	assert_int_equal(world->looks, 1);
	run_to(world, 52 * TICK);
	assert_int_equal(world->entries[0].fired, 1);
	free(world);
}

static void test_past_deadline_waits_one_tick(void **state)
{
	struct world *world = world_new(100 * TICK);

	(void)state;
	set(world, 0, 3);
	run_to(world, 100 * TICK + TICK / 2);
	assert_int_equal(world->entries[0].fired, 0); /* nobody can spin the loop with a deadline in the past */
	run_to(world, 101 * TICK);
	assert_int_equal(world->entries[0].fired, 1);
	free(world);
}

static void test_beyond_a_round(void **state)
{
	struct world *world = world_new(0);

	(void)state;
	set(world, 0, 5000 * TICK);
	run_to(world, 4999 * TICK);
	assert_int_equal(world->entries[0].fired, 0);
	run_to(world, 5001 * TICK);
	assert_int_equal(world->entries[0].fired, 1);
	set(world, 1, 5002 * TICK);
	run_to(world, 500000 * TICK); /* the machine slept */
	assert_int_equal(world->entries[1].fired, 1);
	free(world);
}

static struct timer *victim;

static void cancel_other(void *user, struct timer *timer)
{
	struct world *world = user;

	((struct entry *)timer)->fired++;
	timers_cancel(&world->timers, victim);
}

static void test_cancel_within_callback(void **state)
{
	struct world *world = world_new(0);

	(void)state;
	set(world, 0, 5 * TICK);
	set(world, 1, 5 * TICK);
	set(world, 2, 5 * TICK);
	victim = &world->entries[1].timer; /* newest first: 2, 1, 0 */
	timers_run(&world->timers, 10 * TICK, cancel_other, world);
	assert_int_equal(world->entries[2].fired, 1);
	assert_int_equal(world->entries[1].fired, 0);
	assert_int_equal(world->entries[0].fired, 1);
	assert_true(timers_next(&world->timers) == UINT64_MAX);
	free(world);
}

/* timers_next must never be later than the model's earliest slot and never point at nothing within a round. */
static void check_next(const struct world *world)
{
	uint64_t earliest = UINT64_MAX;

	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct timer *timer = &world->entries[i].timer;

		if (timer->tick != 0 && timer->tick << TIMERS_SHIFT < earliest)
			earliest = timer->tick << TIMERS_SHIFT;
	}
	assert_true(timers_next(&world->timers) == earliest);
}

static void test_random_against_model(void **state)
{
	struct world *world = world_new(77777 * TICK + 3);

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = (unsigned)dice(ENTRIES);

		switch (dice(4)) {
		case 0:
			timers_cancel(&world->timers, &world->entries[i].timer);
			world->entries[i].deadline = UINT64_MAX;
			break;
		case 1:
			run_to(world, world->now + dice(dice(20) == 0 ? 3000 * TICK : 3 * TICK));
			for (unsigned k = 0; k < ENTRIES; k++) /* whatever is due by more than a tick has fired */
				assert_true(world->entries[k].deadline > world->now - TICK ||
					    world->entries[k].deadline == UINT64_MAX);
			break;
		default:
			set(world, i, world->now + dice(2000 * TICK));
		}
		check_next(world);
	}
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_early_one_tick_late),    cmocka_unit_test(test_later_is_lazy_earlier_moves),
		cmocka_unit_test(test_past_deadline_waits_one_tick), cmocka_unit_test(test_beyond_a_round),
		cmocka_unit_test(test_cancel_within_callback),	     cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
