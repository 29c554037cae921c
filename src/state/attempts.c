#include "base/mem.h"
#include "state/store_parts.h"

enum { SETS = LIMIT_ADDRESSES / ATTEMPT_WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "sets are indexed by masking");

int attempts_init(struct attempts *attempts, const struct hash_key *key)
{
	attempts->key = *key;
	atomic_init(&attempts->shared, 0);
	attempts->cells = mem_zero(LIMIT_ADDRESSES, sizeof(*attempts->cells));
	return attempts->cells != NULL ? 0 : -1;
}

void attempts_fini(struct attempts *attempts)
{
	mem_free(attempts->cells);
}

/* An address may stand in either of two sets: with the choice, a set is full only when nearly all are. */
static struct attempt_cell *set_of(struct attempts *attempts, uint64_t tag, unsigned choice)
{
	uint32_t set = (uint32_t)(choice == 0 ? tag : tag >> 32) & (SETS - 1);

	return &attempts->cells[(size_t)set * ATTEMPT_WAYS];
}

static struct attempt_cell *find(struct attempts *attempts, uint64_t tag)
{
	for (unsigned choice = 0; choice < 2; choice++) {
		struct attempt_cell *set = set_of(attempts, tag, choice);

		for (unsigned way = 0; way < ATTEMPT_WAYS; way++)
			if (atomic_load_explicit(&set[way].tag, memory_order_acquire) == tag)
				return &set[way];
	}
	return NULL;
}

/* A cell whose time is past would allow a full burst to its owner; so would none. Giving it away changes nothing. */
static struct attempt_cell *claim(struct attempts *attempts, uint64_t tag, uint64_t now_ns)
{
	struct attempt_cell *cell = find(attempts, tag); /* another thread may have been first */

	for (unsigned choice = 0; choice < 2 && cell == NULL; choice++) {
		struct attempt_cell *set = set_of(attempts, tag, choice);

		for (unsigned way = 0; way < ATTEMPT_WAYS && cell == NULL; way++)
			if (atomic_load_explicit(&set[way].until, memory_order_relaxed) <= now_ns)
				cell = &set[way];
		if (cell != NULL)
			atomic_store_explicit(&cell->tag, tag, memory_order_release);
	}
	return cell;
}

uint64_t attempts_take(struct attempts *attempts, pthread_mutex_t *lock, const struct prefix *prefix,
		       const struct gcra *rate, uint64_t now_ns)
{
	uint64_t tag = hash_bytes(&attempts->key, prefix, sizeof(*prefix)), wait;
	struct attempt_cell *cell;

	if (tag == 0)
		tag = 1;
	cell = find(attempts, tag);
	if (cell != NULL) {
		wait = gcra_take_shared(&cell->until, rate, now_ns);
		/* The cell was given away meanwhile: the attempt was counted on another address, which is stricter
		 * by one; it must be counted here as well. */
		if (atomic_load_explicit(&cell->tag, memory_order_acquire) == tag)
			return wait;
	}
	pthread_mutex_lock(lock);
	cell = claim(attempts, tag, now_ns);
	wait = gcra_take_shared(cell != NULL ? &cell->until : &attempts->shared, rate, now_ns);
	pthread_mutex_unlock(lock);
	return wait;
}
