/* watchdog.h: notices a worker whose loop does not turn any more, from a thread that is not in that loop: the monitor,
 * or, of a server in one process, the manager's. Each worker counts its turns in memory that both have. */
#ifndef SHELL_WATCHDOG_H
#define SHELL_WATCHDOG_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <framewall/event.h>

#include "base/limits.h"

/* A worker turns so often at least, and is looked at so often. */
#define WATCHDOG_LOOK_NS ((uint64_t)1000000000)

struct watchdog_beat {
	_Atomic uint64_t turns;
	_Atomic int32_t thread; /* its number for the kernel; 0: it does not run */
};
/* All 0 at the start, and before another gate begins. */
struct watchdog_beats {
	struct watchdog_beat workers[LIMIT_WORKERS];
};

enum { WATCHDOG_WHERE = 96 };
struct watchdog_found {
	unsigned worker;
	int32_t thread;
	bool turns;		    /* again, after it had been found; else it stands */
	uint64_t still_ns;	    /* for so long it stands, or stood */
	char where[WATCHDOG_WHERE]; /* in what, as far as the kernel tells; "" of one that turns */
};
typedef void watchdog_function(void *user, const struct watchdog_found *found);

/* Of whoever looks. */
struct watchdog {
	struct watchdog_beats *beats;
	unsigned workers;
	uint64_t due_ns, looked_ns;
	struct watchdog_seen {
		uint64_t turns, still_ns;
		uint64_t queued_ns; /* that it has waited for a processor, since it began */
		bool stands, told;
	} seen[LIMIT_WORKERS];
};

/* In memory that children have, too. NULL: there is none. */
struct watchdog_beats *watchdog_beats_new(void);
void watchdog_beats_free(struct watchdog_beats *beats);
/* No worker has turned yet. */
void watchdog_begin(struct watchdog *watchdog, struct watchdog_beats *beats, unsigned workers);
/* Looks when that is due; process: whose threads the workers are. A worker that stood for after_ns is found once, and
 * once more when it turns again; 0: nobody is. What does not count is time in which whoever looks did not run either
 * (the machine slept, everything was stopped), in which the worker waited for a processor, or was stopped or traced. */
void watchdog_look(struct watchdog *watchdog, pid_t process, uint64_t after_ns, uint64_t now_ns,
		   watchdog_function *function, void *user);
/* An event record of what was found, without id and time; action: what is done about it. */
struct fw_record watchdog_record(const struct watchdog_found *found, const char *action);
/* The same in words. */
enum { WATCHDOG_TEXT = 256 };
const char *watchdog_say(const struct watchdog_found *found, char ret_text[WATCHDOG_TEXT]);

/* In the worker's thread. beat: NULL: nobody looks. */
void watchdog_enter(struct watchdog_beat *beat);
void watchdog_leave(struct watchdog_beat *beat);
static inline void watchdog_turn(struct watchdog_beat *beat)
{
	if (beat != NULL)
		atomic_fetch_add_explicit(&beat->turns, 1, memory_order_relaxed);
}
#endif
