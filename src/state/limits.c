#include "state/limits.h"

#include <stddef.h>

#include "base/mem.h"

/* A word that changes hands: whoever was about to count on it looks again. No clock reaches it. */
#define CHANGES_HANDS UINT64_MAX

struct place {
	struct limits_set *set; /* NULL: none */
	unsigned way;
};

int limits_init(struct limits *limits, const struct hash_key *key, uint32_t cells)
{
	limits->key = *key;
	limits->mask = cells / LIMITS_WAYS - 1;
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++)
		atomic_init(&limits->shared[kind], 0);
	pthread_mutex_init(&limits->lock, NULL);
	limits->sets = mem_zero(cells / LIMITS_WAYS, sizeof(*limits->sets));
	return limits->sets != NULL ? 0 : -1;
}

void limits_fini(struct limits *limits)
{
	mem_free(limits->sets);
	pthread_mutex_destroy(&limits->lock);
}

uint64_t limits_tag(const struct limits *limits, enum limit_kind kind, struct fw_slice subject, struct fw_slice part)
{
	/* Hashes of a fixed size each: no subject can end where another's part begins. */
	const uint64_t words[] = { kind, hash_bytes(&limits->key, subject.data, subject.size),
				   part.size != 0 ? hash_bytes(&limits->key, part.data, part.size) : 0 };
	uint64_t tag = hash_bytes(&limits->key, words, sizeof(words));

	return tag != 0 ? tag : 1;
}

/* A subject may stand in either of two sets: with the choice, a set is full only when nearly all are. */
static struct limits_set *set_of(struct limits *limits, uint64_t tag, unsigned choice)
{
	return &limits->sets[(uint32_t)(choice == 0 ? tag : tag >> 32) & limits->mask];
}

static struct place find(struct limits *limits, uint64_t tag)
{
	for (unsigned choice = 0; choice < 2; choice++) {
		struct limits_set *set = set_of(limits, tag, choice);

		for (unsigned way = 0; way < LIMITS_WAYS; way++)
			if (atomic_load_explicit(&set->tags[way], memory_order_acquire) == tag)
				return (struct place){ set, way };
	}
	return (struct place){ NULL, 0 };
}

/* A word whose time is past would allow a full burst to its owner; so would none: giving it away changes nothing. But
 * somebody may be counting on it right now. So it is first made one that nobody can count on, and only then given away:
 * who comes before that is seen here, and who comes after looks at the tag again. */
static bool give_away(struct limits_set *set, unsigned way, uint64_t tag, uint64_t now_ns)
{
	uint64_t word = atomic_load_explicit(&set->words[way], memory_order_relaxed);

	if (set->holders[way] != 0 || word > now_ns ||
	    !atomic_compare_exchange_strong_explicit(&set->words[way], &word, CHANGES_HANDS, memory_order_acq_rel,
						     memory_order_relaxed))
		return false;
	atomic_store_explicit(&set->tags[way], tag, memory_order_release);
	atomic_store_explicit(&set->intervals[way], 0, memory_order_relaxed);
	atomic_store_explicit(&set->words[way], 0, memory_order_release);
	return true;
}

/* Under the lock: where it stands, or from now on will. */
static struct place settle(struct limits *limits, uint64_t tag, const struct gcra *rate, uint64_t now_ns)
{
	struct place place = find(limits, tag);
	struct gcra from = { 0, 0 };
	uint64_t word;

	for (unsigned choice = 0; choice < 2 && place.set == NULL; choice++) {
		struct limits_set *set = set_of(limits, tag, choice);

		for (unsigned way = 0; way < LIMITS_WAYS && place.set == NULL; way++)
			if (give_away(set, way, tag, now_ns))
				place = (struct place){ set, way };
	}
	if (place.set == NULL)
		return place;
	from.interval_ns = atomic_load_explicit(&place.set->intervals[place.way], memory_order_relaxed);
	if (from.interval_ns == rate->interval_ns)
		return place;
	word = atomic_load_explicit(&place.set->words[place.way], memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&place.set->words[place.way], &word,
						      gcra_convert(word, &from, rate, now_ns), memory_order_relaxed,
						      memory_order_relaxed))
		;
	atomic_store_explicit(&place.set->intervals[place.way], rate->interval_ns, memory_order_relaxed);
	return place;
}

/* False: it changes hands, or has. */
static bool take(struct place place, uint64_t tag, const struct gcra *rate, uint64_t now_ns, uint64_t *ret_wait)
{
	_Atomic uint64_t *cell = &place.set->words[place.way];
	uint64_t word = atomic_load_explicit(cell, memory_order_acquire), at;

	if (atomic_load_explicit(&place.set->intervals[place.way], memory_order_relaxed) != rate->interval_ns)
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
	return atomic_load_explicit(&place.set->tags[place.way], memory_order_acquire) == tag;
}

uint64_t limits_take(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
		     uint64_t now_ns)
{
	struct place place = find(limits, tag);
	uint64_t wait;

	if (place.set != NULL && take(place, tag, rate, now_ns, &wait))
		return wait;
	pthread_mutex_lock(&limits->lock);
	place = settle(limits, tag, rate, now_ns);
	wait = gcra_take_shared(place.set != NULL ? &place.set->words[place.way] : &limits->shared[kind], rate, now_ns);
	pthread_mutex_unlock(&limits->lock);
	return wait;
}

_Atomic uint64_t *limits_hold(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
			      uint64_t now_ns)
{
	struct place place;

	pthread_mutex_lock(&limits->lock);
	place = settle(limits, tag, rate, now_ns);
	if (place.set != NULL)
		place.set->holders[place.way]++;
	pthread_mutex_unlock(&limits->lock);
	return place.set != NULL ? &place.set->words[place.way] : &limits->shared[kind];
}

void limits_release(struct limits *limits, _Atomic uint64_t *word)
{
	uintptr_t at = (uintptr_t)word, first = (uintptr_t)limits->sets, offset;
	struct limits_set *set;

	if (at < first || at >= first + ((size_t)limits->mask + 1) * sizeof(*set))
		return; /* the one that all without a place share */
	offset = (at - first) % sizeof(*set) - offsetof(struct limits_set, words);
	set = &limits->sets[(at - first) / sizeof(*set)];
	pthread_mutex_lock(&limits->lock);
	set->holders[offset / sizeof(*word)]--;
	pthread_mutex_unlock(&limits->lock);
}

void limits_mark(struct limits *limits, uint64_t tag, uint64_t until_ns, uint64_t now_ns)
{
	struct place place;

	pthread_mutex_lock(&limits->lock);
	place = settle(limits, tag, &(struct gcra){ 0, 0 }, now_ns);
	if (place.set != NULL)
		atomic_store_explicit(&place.set->words[place.way], until_ns, memory_order_relaxed);
	pthread_mutex_unlock(&limits->lock);
}

bool limits_marked(struct limits *limits, uint64_t tag, uint64_t now_ns)
{
	struct place place;
	bool marked;

	pthread_mutex_lock(&limits->lock);
	place = find(limits, tag);
	marked = place.set != NULL && atomic_load_explicit(&place.set->words[place.way], memory_order_relaxed) > now_ns;
	pthread_mutex_unlock(&limits->lock);
	return marked;
}
