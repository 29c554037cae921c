/* resolve.h: addresses of upstream names for one loop: literal addresses at once, names through uv_getaddrinfo,
 * remembered for ten seconds; when a name cannot be looked up again, what was known is used on. One thread. */
#ifndef SHELL_RESOLVE_H
#define SHELL_RESOLVE_H
#include <netinet/in.h>
#include <uv.h>

#include <framewall/types.h>

#include "base/limits.h"

enum { RESOLVE_ADDRESSES = 8 };

union resolve_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct log;
struct resolve;
struct resolve_waiter { /* a member of whatever waits for an address */
	struct resolve_waiter *next;
};
struct resolve_name {
	uv_getaddrinfo_t request;
	struct resolve *resolve;
	struct resolve_name *next;
	struct resolve_waiter *waiting; /* in the order they came */
	struct resolve_waiter **waiting_end;
	uint64_t until_ns;
	bool asking;
	uint8_t count;
	uint8_t good; /* the address that answered last: to be tried first */
	union resolve_address addresses[RESOLVE_ADDRESSES];
	char host[];
};

struct resolve {
	uv_loop_t *loop;
	struct log *log; /* set by the owner; NULL: nothing is said */
	/* In a later turn; the name's count is 0 when it is not known. */
	void (*answered)(struct resolve_waiter *waiter);
	struct resolve_name *names; /* at most LIMIT_ROUTES: a policy has no more upstreams */
	unsigned count;
	uint64_t now_ns;
};

void resolve_init(struct resolve *resolve, uv_loop_t *loop, void (*answered)(struct resolve_waiter *waiter));
/* The entry of a host, which is not looked up for it; NULL when there is no room. */
struct resolve_name *resolve_entry(struct resolve *resolve, const char *host);
/* The same; *ret_ready: its addresses can be used now; otherwise the waiter waits in it. */
struct resolve_name *resolve_ask(struct resolve *resolve, const char *host, uint64_t now_ns,
				 struct resolve_waiter *waiter, bool *ret_ready);
void resolve_forget(struct resolve_name *name, struct resolve_waiter *waiter); /* it waits no more */
void resolve_stop(struct resolve *resolve); /* cancels lookups; the loop must run on until they are gone */
void resolve_fini(struct resolve *resolve); /* after the loop */
/* The loop was left while a lookup went on, which cannot be taken back: its memory was left to it. Whoever ends the
 * process by exit() waits for it, as libuv joins its threads there; _exit() does not. */
void resolve_leave(void);
bool resolve_left(void);
/* The address to try as number tried (from 0) when number first comes first; its length, or 0 when all were tried. */
socklen_t resolve_pick(const struct resolve_name *name, unsigned first, unsigned tried, uint16_t port,
		       union resolve_address *ret_address);
#endif
