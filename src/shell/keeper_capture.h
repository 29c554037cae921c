/* keeper_capture.h: the file of a capture: lines that the gate's workers send, checked, written by a thread of its own,
 * within a size. The gate opens no file. */
#ifndef SHELL_KEEPER_CAPTURE_H
#define SHELL_KEEPER_CAPTURE_H
#include <stdatomic.h>
#include <uv.h>

#include "base/arena.h"
#include "base/pool.h"
#include "policy/policy.h"
#include "shell/ipc.h"

struct log;
struct keeper_capture {
	struct ipc_channel *channel; /* NULL: nothing is recorded */
	bool owns_channel, runs;
	bool rotates, ended, failing;
	struct log *log;
	const char *path; /* owned */
	char *owned_path;
	uint64_t most, size; /* octets that the file may have, and has */
	uint64_t lost;	     /* messages since the last line */
	uint64_t waiting;    /* those that lines is of, or tells to be lost */
	int fd;		     /* -1: not open */
	uv_thread_t thread;
	_Atomic bool stop;
	struct pool pool;
	struct buf lines;
	struct arena arena;
};
/* Where capture.file is set. channel: where the lines come from when the gate is another process; NULL: one is made.
 * NULL, or what failed (static). */
const char *keeper_capture_start(struct keeper_capture *capture, const struct settings *settings,
				 struct ipc_channel *channel, struct log *log);
void keeper_capture_stop(struct keeper_capture *capture); /* writes what is there; also when it was not started */
#endif
