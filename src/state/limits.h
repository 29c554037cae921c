/* limits.h: what many connections count together: one GCRA word for each subject of a kind of limit (a user, an
 * address, a route). A table of a fixed size; where a word stands is chosen by SipHash under a random key, so that
 * nobody can choose who shares a set with whom. Any thread: taking from a word needs no lock, finding a place for one
 * does. */
#ifndef STATE_LIMITS_H
#define STATE_LIMITS_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/gcra.h"
#include "base/hash.h"
#include "base/limit_kind.h"
#include "base/slice.h"

/* A set is three lines of the cache, one for each question: whose words, how far they are, by which rate and how many
 * hold them. */
enum { LIMITS_WAYS = 8, LIMITS_LINE = 64 };
struct limits_set {
	/* Of kind and subject; 0: never used. In the last octet of the first one: of how many this is the first set,
	 * who found room in the second alone. Written under the lock. */
	_Alignas(LIMITS_LINE) _Atomic uint64_t tags[LIMITS_WAYS];
	_Atomic uint64_t words[LIMITS_WAYS];
	_Atomic uint64_t rates[LIMITS_WAYS]; /* the interval that the word counts by, and holders: under the lock */
};
struct limits {
	pthread_mutex_t lock;
	_Atomic uint32_t given; /* how often a word was given away: under the lock, read without it */
	uint32_t mask;
	struct limits_set *sets;	      /* from the begin of a line of the cache on */
	struct hash_key keys[LIMIT_KINDS];    /* what is of two kinds has two tags that nobody can bring together */
	_Atomic uint64_t shared[LIMIT_KINDS]; /* of all subjects that found no place: stricter, never open */
};
/* cells: a power of two, at most 2^27. 0, or -1: memory; either way limits_fini may be called. */
int limits_init(struct limits *limits, const struct hash_key *key, uint32_t cells);
void limits_fini(struct limits *limits);

uint64_t limits_tag(const struct limits *limits, enum limit_kind kind, struct fw_slice subject);

/* Intervals of rates are up to 18 minutes. Counts one event. 0, or nanoseconds until one is allowed: then it is not
 * counted. */
uint64_t limits_take(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
		     uint64_t now_ns);
/* A word to count on without asking the table again: nobody else gets its place until limits_release. What was counted
 * by another rate goes on under this one. Where there is no place it is the one that all such subjects share. */
_Atomic uint64_t *limits_hold(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
			      uint64_t now_ns);
void limits_release(struct limits *limits, _Atomic uint64_t *word);
#endif
