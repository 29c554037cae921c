/* threat_parts.h: what the files of the lists of addresses share. threat_feeds.c has the thread and says when which
 * list is looked at, threat_job.c does it, threat_place.c puts a list where clients are looked up. */
#ifndef SHELL_THREAT_PARTS_H
#define SHELL_THREAT_PARTS_H
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/limits.h"
#include "shell/threat_feeds.h"
#include "shell/threat_fetch.h"

enum { THREAT_CAUSE = THREAT_WHY + 128 };

struct threat_feed {
	const struct threat_list *rules; /* in feeds->policy */
	struct threat_loaded loaded;	 /* what is in use; fd -1: nothing is */
	unsigned place;
	uint64_t due_s;		 /* clock_s when it is fetched */
	uint64_t fetched_us;	 /* by the wall clock: what is in use is from then */
	uint64_t whole_s;	 /* clock_s when all of a collection was fetched */
	char since[THREAT_TIME]; /* of a collection: what is newer is asked for */
	unsigned failures;	 /* in a row */
	bool looked;		 /* whether what is kept holds by the rules of now */
	char why[THREAT_CAUSE];
};

struct threat_feeds {
	struct threat_feeds_options options;
	pthread_t thread;
	bool runs;
	_Atomic bool stop;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct fw_policy *policy;
	struct threat_feed list[LIMIT_THREAT_LISTS];
	unsigned count;
	bool unsent; /* the link had no room */
};

/* What a job needs while the lock is not held. */
struct threat_job {
	struct fw_policy *policy;
	const struct threat_list *rules;
	struct threat_loaded in_use;
	bool keeps; /* what is kept is read anew, nothing is fetched */
	char since[THREAT_TIME];
};

static inline uint64_t threat_feeds_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

/* threat_place.c, under the lock: */
void threat_place_install(struct threat_feeds *feeds, unsigned place, const struct threat_feed *feed); /* NULL: empty */
void threat_place_send_each(struct threat_feeds *feeds);

/* threat_job.c: without the lock. */
void threat_job_do(struct threat_feeds *feeds, struct threat_job *job);
/* Under the lock: a record of what became of a list. */
void threat_job_tell(struct threat_feeds *feeds, const struct threat_feed *feed, const char *change);
#endif
