/* processes.h: a server as three processes: the monitor, which is the one that called; the keeper, which has the
 * record, the database and the operators; and the gate, which meets the network and may do next to nothing. See
 * docs/internals/processes.md. For the program alone: it forks, has signals and ends with exit codes, none of which a
 * library may. */
#ifndef SHELL_PROCESSES_H
#define SHELL_PROCESSES_H
#include <framewall/manager.h>

#include "shell/keeper_needs.h"

struct processes_options {
	void (*notify)(const char *state); /* of systemd, in the monitor; NULL: nobody is told */
	void (*notify_reloading)(void);
	unsigned drain_seconds;
	/* In the gate, before it meets the network and has a thread: what it may not do from now on. NULL, or what is
	 * missing of it. */
	const char *(*confine_gate)(void);
	const char *(*confine_keeper)(const struct keeper_needs *needs); /* the same in the keeper */
};
/* Returns in each of the three processes when it ends, with its exit code, or with a code of fw_result (below 0) and
 * *reterr_error in the monitor when the server could not start. The caller frees the manager and exits. No thread may
 * run, and SIGTERM, SIGINT, SIGHUP and SIGCHLD are taken. */
int processes_run(struct fw_manager *manager, const struct processes_options *options, struct fw_error *reterr_error);
#endif
