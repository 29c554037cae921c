#include "state/limits.h"

#include <stddef.h>

#include "base/mem.h"

/* A word that changes hands: whoever was about to count on it looks again. No clock reaches it. */
#define CHANGES_HANDS UINT64_MAX

/* What stands beside a tag, and beside an interval. */
#define STRAYS UINT64_C(0xff)
#define HOLDERS UINT64_C(0xffffff)
enum { STRAY_BITS = 8, HOLDER_BITS = 24 };

struct place {
	struct limits_set *set; /* NULL: none */
	unsigned way;
};

int limits_init(struct limits *limits, const struct hash_key *key, uint32_t cells)
{
	uint32_t sets = cells / LIMITS_WAYS;

	limits->mask = sets - 1;
	limits->sets = NULL;
	atomic_init(&limits->given, 0);
	for (uint64_t kind = 0; kind < LIMIT_KINDS; kind++) {
		const uint64_t words[][2] = { { kind, 0 }, { kind, 1 } };

		limits->keys[kind] = (struct hash_key){ hash_bytes(key, words[0], sizeof(words[0])),
							hash_bytes(key, words[1], sizeof(words[1])) };
		atomic_init(&limits->shared[kind], 0);
	}
	pthread_mutex_init(&limits->lock, NULL);
	limits->sets = mem_table(sets, sizeof(*limits->sets), MEM_HUGE);
	return limits->sets != NULL ? 0 : -1;
}

void limits_fini(struct limits *limits)
{
	mem_table_free(limits->sets, limits->mask + 1, sizeof(*limits->sets), MEM_HUGE);
	pthread_mutex_destroy(&limits->lock);
}

uint64_t limits_tag(const struct limits *limits, enum limit_kind kind, struct fw_slice subject)
{
	uint64_t tag = hash_bytes(&limits->keys[kind], subject.data, subject.size) & ~STRAYS;

	return tag != 0 ? tag : STRAYS + 1;
}

/* A subject may stand in either of two sets: with the choice, a set is full only when nearly all are. */
static struct limits_set *set_of(struct limits *limits, uint64_t tag, unsigned choice)
{
	return &limits->sets[(uint32_t)(choice == 0 ? tag >> STRAY_BITS : tag >> 40) & limits->mask];
}

/* Whoever nobody saw before is looked for in one set, mostly, and gets a word of it: all that is read of it is asked
 * for at once, since each line that is far costs as much as all the rest. */
static void fetch(struct limits *limits, uint64_t tag)
{
	const struct limits_set *set = set_of(limits, tag, 0);

	__builtin_prefetch(set->tags, 1);
	__builtin_prefetch(set->words, 1);
	__builtin_prefetch(set->rates, 1);
}

static uint64_t tag_in(const struct limits_set *set, unsigned way)
{
	return atomic_load_explicit(&set->tags[way], memory_order_acquire) & ~STRAYS;
}

static bool has_strays(const struct limits_set *set)
{
	return (atomic_load_explicit(&set->tags[0], memory_order_relaxed) & STRAYS) != 0;
}

static uint64_t interval_in(struct place place)
{
	return atomic_load_explicit(&place.set->rates[place.way], memory_order_relaxed) >> HOLDER_BITS;
}

static uint64_t holders_in(struct place place)
{
	return atomic_load_explicit(&place.set->rates[place.way], memory_order_relaxed) & HOLDERS;
}

/* Under the lock. */
static void set_rate(struct place place, uint64_t interval_ns, uint64_t holders)
{
	atomic_store_explicit(&place.set->rates[place.way], interval_ns << HOLDER_BITS | holders, memory_order_relaxed);
}

static struct place find(struct limits *limits, uint64_t tag)
{
	struct limits_set *set = set_of(limits, tag, 0);

	for (unsigned choice = 0; choice < 2; choice++) {
		for (unsigned way = 0; way < LIMITS_WAYS; way++)
			if (tag_in(set, way) == tag)
				return (struct place){ set, way };
		if (!has_strays(set_of(limits, tag, 0)))
			break;
		set = set_of(limits, tag, 1);
	}
	return (struct place){ NULL, 0 };
}

/* Under the lock: the subject of a tag has a word of this set from now on, or has it no longer. More than can be
 * counted are never counted down: the second set is looked at for nothing, then. */
static void note_stray(struct limits *limits, const struct limits_set *set, uint64_t tag, uint64_t change)
{
	_Atomic uint64_t *first = &set_of(limits, tag, 0)->tags[0];
	uint64_t old;

	if (tag == 0 || set_of(limits, tag, 0) == set)
		return;
	old = atomic_load_explicit(first, memory_order_relaxed);
	if ((old & STRAYS) != STRAYS)
		atomic_store_explicit(first, old + change, memory_order_relaxed);
}

/* A word whose time is past would allow a full burst to its owner; so would none: giving it away changes nothing. But
 * somebody may be counting on it right now. So it is first made one that nobody can count on, and only then given away:
 * who comes before that is seen here, and who comes after looks at the tag again. */
static bool give_away(struct limits *limits, struct place place, uint64_t tag, const struct gcra *rate, uint64_t next,
		      uint64_t now_ns)
{
	_Atomic uint64_t *cell = &place.set->words[place.way], *name = &place.set->tags[place.way];
	uint64_t word = atomic_load_explicit(cell, memory_order_relaxed);

	if (word > now_ns || holders_in(place) != 0 ||
	    !atomic_compare_exchange_strong_explicit(cell, &word, CHANGES_HANDS, memory_order_acq_rel,
						     memory_order_relaxed))
		return false;
	note_stray(limits, place.set, tag_in(place.set, place.way), (uint64_t)-1);
	note_stray(limits, place.set, tag, 1);
	atomic_store_explicit(name, tag | (atomic_load_explicit(name, memory_order_relaxed) & STRAYS),
			      memory_order_release);
	set_rate(place, rate->interval_ns, 0);
	atomic_store_explicit(cell, next, memory_order_release);
	atomic_store_explicit(&limits->given, atomic_load_explicit(&limits->given, memory_order_relaxed) + 1,
			      memory_order_release);
	return true;
}

/* Under the lock: the first word that can be given away. */
static struct place move_in(struct limits *limits, uint64_t tag, const struct gcra *rate, uint64_t next,
			    uint64_t now_ns)
{
	for (unsigned choice = 0; choice < 2; choice++) {
		struct limits_set *set = set_of(limits, tag, choice);

		for (unsigned way = 0; way < LIMITS_WAYS; way++)
			if (give_away(limits, (struct place){ set, way }, tag, rate, next, now_ns))
				return (struct place){ set, way };
	}
	return (struct place){ NULL, 0 };
}

/* Under the lock: what was counted by another rate goes on under this one. */
static void convert(struct place place, const struct gcra *rate, uint64_t now_ns)
{
	struct gcra from = { interval_in(place), 0 };
	uint64_t word;

	if (from.interval_ns == rate->interval_ns)
		return;
	word = atomic_load_explicit(&place.set->words[place.way], memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&place.set->words[place.way], &word,
						      gcra_convert(word, &from, rate, now_ns), memory_order_relaxed,
						      memory_order_relaxed))
		;
	set_rate(place, rate->interval_ns, holders_in(place));
}

/* False: it changes hands, or has. */
static bool take(struct place place, uint64_t tag, const struct gcra *rate, uint64_t now_ns, uint64_t *ret_wait)
{
	_Atomic uint64_t *cell = &place.set->words[place.way];
	uint64_t word = atomic_load_explicit(cell, memory_order_acquire), at;

	if (interval_in(place) != rate->interval_ns)
		return false;
	do {
		if (word == CHANGES_HANDS)
			return false;
		*ret_wait = gcra_wait(word, rate, 1, now_ns);
		if (*ret_wait != 0)
			break;
		at = word > now_ns ? word : now_ns;
	} while (!atomic_compare_exchange_weak_explicit(cell, &word, at + rate->interval_ns, memory_order_acq_rel,
							memory_order_acquire));
	/* Else it was counted on another subject, which is stricter by one, and must be counted here as well. */
	return tag_in(place.set, place.way) == tag;
}

uint64_t limits_take(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
		     uint64_t now_ns)
{
	uint32_t given = atomic_load_explicit(&limits->given, memory_order_acquire);
	struct place place;
	uint64_t wait = 0;

	fetch(limits, tag);
	place = find(limits, tag);
	if (place.set != NULL && take(place, tag, rate, now_ns, &wait))
		return wait;
	pthread_mutex_lock(&limits->lock);
	/* Where nothing was given away since it was looked for, it still is not there. */
	if (place.set != NULL || atomic_load_explicit(&limits->given, memory_order_relaxed) != given)
		place = find(limits, tag);
	if (place.set != NULL) {
		convert(place, rate, now_ns);
		wait = gcra_take_shared(&place.set->words[place.way], rate, now_ns);
	} else if (move_in(limits, tag, rate, now_ns + rate->interval_ns, now_ns).set == NULL) {
		wait = gcra_take_shared(&limits->shared[kind], rate, now_ns);
	} else {
		wait = 0; /* the first of a subject always may be */
	}
	pthread_mutex_unlock(&limits->lock);
	return wait;
}

_Atomic uint64_t *limits_hold(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
			      uint64_t now_ns)
{
	struct place place;

	fetch(limits, tag);
	pthread_mutex_lock(&limits->lock);
	place = find(limits, tag);
	if (place.set != NULL)
		convert(place, rate, now_ns);
	else
		place = move_in(limits, tag, rate, 0, now_ns);
	if (place.set != NULL)
		set_rate(place, interval_in(place), holders_in(place) + 1);
	pthread_mutex_unlock(&limits->lock);
	return place.set != NULL ? &place.set->words[place.way] : &limits->shared[kind];
}

void limits_release(struct limits *limits, _Atomic uint64_t *word)
{
	uintptr_t at = (uintptr_t)word, first = (uintptr_t)limits->sets, offset;
	struct place place;

	if (at < first || at >= first + ((size_t)limits->mask + 1) * sizeof(*place.set))
		return; /* the one that all without a place share */
	offset = (at - first) % sizeof(*place.set) - offsetof(struct limits_set, words);
	place = (struct place){ &limits->sets[(at - first) / sizeof(*place.set)], (unsigned)(offset / sizeof(*word)) };
	pthread_mutex_lock(&limits->lock);
	set_rate(place, interval_in(place), holders_in(place) - 1);
	pthread_mutex_unlock(&limits->lock);
}
