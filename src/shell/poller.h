/* poller.h: what a worker waits for: sockets by epoll, edge-triggered, and a libuv loop for all that is not on a
 * message's way (inbox, name lookups), embedded by its backend descriptor. One thread.
 *
 * Why not uv_poll_t for the sockets: with libuv 1.44 each uv_poll_start removes and adds the descriptor, so that a
 * proxied connection costs 12 epoll_ctl and two ioctl instead of two epoll_ctl, and 320 bytes instead of none.
 * Back-pressure costs a system call at its first time and none afterwards: who may not read yet remembers that there is
 * something to read. */
#ifndef SHELL_POLLER_H
#define SHELL_POLLER_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

enum source_kind { SOURCE_LOOP, SOURCE_LISTENER, SOURCE_CLIENT, SOURCE_UPSTREAM, SOURCE_DIALS };
struct source { /* first member of what is waited for */
	uint8_t kind;
};

enum { POLLER_BATCH = 256 };
struct poller {
	int fd;
	uv_loop_t *loop;
	struct source loop_source;
};

int poller_init(struct poller *poller, uv_loop_t *loop); /* 0, or -1 */
void poller_fini(struct poller *poller);
/* A closed descriptor needs no removal. */
bool poller_add(struct poller *poller, int fd, uint32_t events, struct source *source);
void poller_change(struct poller *poller, int fd, uint32_t events, struct source *source);
/* Waits at most timeout_ms (-1: for ever), calls happened for each source, and lets the libuv loop run when it has
 * something. What happened closes may still get an event of the same call: its memory must live until poller_wait
 * returns. */
typedef void poller_function(void *user, struct source *source, uint32_t events);
void poller_wait(struct poller *poller, int timeout_ms, poller_function *happened, void *user);
#endif
