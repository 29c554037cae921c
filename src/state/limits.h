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

enum { LIMITS_WAYS = 8 };
struct limits_set {
	_Atomic uint64_t tags[LIMITS_WAYS]; /* of kind and subject; 0: never used */
	_Atomic uint64_t words[LIMITS_WAYS];
	_Atomic uint64_t intervals[LIMITS_WAYS]; /* of the rate that the word counts by */
	uint32_t holders[LIMITS_WAYS];		 /* under the lock */
};
struct limits {
	pthread_mutex_t lock;
	struct hash_key key;
	struct limits_set *sets;
	uint32_t mask;
	_Atomic uint64_t shared[LIMIT_KINDS]; /* of all subjects that found no place: stricter, never open */
};
/* cells: a power of two. 0, or -1: memory; either way limits_fini may be called. */
int limits_init(struct limits *limits, const struct hash_key *key, uint32_t cells);
void limits_fini(struct limits *limits);

/* A subject may have two parts: a user and a message type. */
uint64_t limits_tag(const struct limits *limits, enum limit_kind kind, struct fw_slice subject, struct fw_slice part);

/* Counts one event. 0, or nanoseconds until one is allowed: then it is not counted. */
uint64_t limits_take(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
		     uint64_t now_ns);
/* Remembers a subject until then, where there is a place. */
void limits_mark(struct limits *limits, uint64_t tag, uint64_t until_ns, uint64_t now_ns);
bool limits_marked(struct limits *limits, uint64_t tag, uint64_t now_ns);
/* A word to count on without asking the table again: nobody else gets its place until limits_release. What was counted
 * by another rate goes on under this one. Where there is no place it is the one that all such subjects share. */
_Atomic uint64_t *limits_hold(struct limits *limits, enum limit_kind kind, uint64_t tag, const struct gcra *rate,
			      uint64_t now_ns);
void limits_release(struct limits *limits, _Atomic uint64_t *word);
#endif
