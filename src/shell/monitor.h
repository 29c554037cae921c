/* monitor.h: the inside of the monitor, for its own files: processes.c is its loop. It has one thread. */
#ifndef SHELL_MONITOR_H
#define SHELL_MONITOR_H
#include "shell/process_parts.h"

#define MS_NS ((uint64_t)1000000)

enum {
	MONITOR_STOP_MS = 5000, /* for a part to end when it was told to */
	MONITOR_WAIT_MS = 50,	/* until something is tried again */
};

struct part {
	const char *name;
	int (*run)(struct process_shared *shared);
	pid_t pid; /* 0: it does not run */
	int link;
	bool ready, reloaded;
	uid_t user;				/* it runs as, as it says */
	bool again;				/* it ends in order to begin anew */
	uint64_t started_ns, wait_ms, again_ns; /* again_ns: when it is to be started; 0: not */
	uint64_t kill_ns;			/* when it must have ended; 0: it need not */
};

struct monitor {
	struct process_shared shared;
	struct part keeper, gate;
	struct watchdog watchdog; /* of the gate's workers */
	struct fw_error *error;
	int signals;
	bool running;  /* people were told */
	bool has_gone; /* a gate fell, and that is not in the channel yet */
	struct fw_record gone;
	bool draining, stopping, failed;
	bool asked; /* for a reload, by an operator; not within another one, which would hand on what is older by then
		     */
	uint64_t until_ns; /* when whoever has not ended is ended; 0: nobody waits */
	bool is_child;
	int code;
};

void monitor_hear(struct monitor *monitor, struct part *part); /* what the part says: all that is there */

/* monitor_part.c: begins a part, and looks after one that ended. */
bool monitor_tell(const struct part *part, enum process_message_type type, int64_t number);
void monitor_start(struct monitor *monitor, struct part *part); /* in the child: returns when that ends, is_child */
void monitor_reap(struct monitor *monitor);
void monitor_say_parts(const struct monitor *monitor);
/* That a gate fell. False: what it left fills the channel, and is to be taken first. */
bool monitor_record_gone(struct monitor *monitor);

/* monitor_watch.c: whether the gate's workers turn. */
uint64_t monitor_watch_due(const struct monitor *monitor); /* when it is looked next; UINT64_MAX: not */
void monitor_watch(struct monitor *monitor);

/* monitor_reload.c. record: the keeper is to write down that it was asked for from here; otherwise it was who asked. */
void monitor_reload(struct monitor *monitor, bool record);
#endif
