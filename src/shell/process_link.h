/* process_link.h: what the monitor says to keeper and gate, and they to it: short messages, perhaps with a descriptor,
 * over a pair of SOCK_SEQPACKET sockets. Not for what happens often: that is ipc.h. Nothing waits. */
#ifndef SHELL_PROCESS_LINK_H
#define SHELL_PROCESS_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum process_message_type {
	PROCESS_READY,	  /* from a part: it runs; number: its port; text: the number of its user */
	PROCESS_FAILED,	  /* from a part: it could not start; text says why */
	PROCESS_SAY,	  /* to the keeper: tell people where what listens; number: the clients' port */
	PROCESS_DRAIN,	  /* to both; number: seconds */
	PROCESS_DRAINED,  /* from the keeper: no connection is left */
	PROCESS_STOP,	  /* to a part: end now */
	PROCESS_GONE,	  /* to the keeper: the gate of this generation fell; text: the address it worked for, or "" */
	PROCESS_FILE,	  /* to both, with a descriptor: what the file named text held */
	PROCESS_RELOAD,	  /* to both: read the configuration from those files; number: not 0 where some did not come */
	PROCESS_RELOADED, /* from both: done; number: not 0 where it is not in use yet */
	PROCESS_RESULT,	  /* to the keeper, with a descriptor: what came of it; number: 1: it is to be recorded */
	PROCESS_ASK_RELOAD, /* from the keeper: an operator wants one */
	PROCESS_AGAIN,	    /* from the keeper: it ends, and is to begin anew at once: it needs more than it may do */
	PROCESS_HANGS,	    /* to the keeper: a worker stands, or turns again; number: which; generation: for how many
			       seconds; text: where it stands, or "" */
	PROCESS_MESSAGES
};
enum { PROCESS_TEXT = 4096 };
struct process_message {
	uint32_t type;
	uint32_t generation;
	int64_t number;
	char text[PROCESS_TEXT]; /* with its NUL */
};
bool process_link_pair(int ret_fds[2]);
/* Any octets, in one piece. fd: goes with it; -1: none. False: the other side is gone, or does not read. */
bool process_link_put(int link, const void *octets, size_t size, int fd);
/* How many octets came; more than room: it was none, or more than that; 0: the end; -1: nothing is there. ret_fd: -1,
 * or a descriptor that is the caller's. */
long process_link_get(int link, void *ret_octets, size_t room, int *ret_fd);
bool process_link_send(int link, const struct process_message *message, int fd);
enum process_heard { PROCESS_NOTHING, PROCESS_HEARD, PROCESS_ENDED };
/* What is no message is the end: nobody honest says it. */
enum process_heard process_link_receive(int link, struct process_message *ret_message, int *ret_fd);
#endif
