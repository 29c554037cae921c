/* overload.h: how much memory this process has, of how much it may have, and which stage of tables/overload.def that
 * is. What counts is what the kernel counts (resident memory, so libraries, threads and the allocator's own as well):
 * it is what a control group ends a process for. */
#ifndef SHELL_OVERLOAD_H
#define SHELL_OVERLOAD_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

enum overload_stage {
	OVERLOAD_none,
#define OVERLOAD(name, percent, help) OVERLOAD_##name,
#include "tables/overload.def"
#undef OVERLOAD
	OVERLOAD_STAGES
};

#define OVERLOAD_EVERY_NS ((uint64_t)100000000) /* memory is asked for so often at most */

struct overload {
	int statm;		   /* of this process; -1: the kernel does not tell, and nothing is ever done */
	uint64_t machine;	   /* bytes that the machine, or its tightest control group, has */
	_Atomic uint64_t due;	   /* monotonic ns of the next measurement */
	_Atomic uint64_t trim_ns;  /* monotonic ns from which on what the allocator keeps is given back again; 0: it has
				      more since */
	_Atomic uint64_t rest_ns;  /* but not before: that takes a while where there is much */
	_Atomic unsigned trims;	   /* how often it was */
	uint64_t settle_ns, spare; /* of the thread that settles: when next, and what the allocator then could not give
				      back */
	_Atomic uint64_t large[LIMIT_WORKERS]; /* what the large connections of each worker have, and one; 0: unknown */
	_Atomic uint64_t used, limit;
	_Atomic unsigned stage; /* enum overload_stage */
	_Atomic unsigned told;	/* the one that was told last: it is another only when there is clearly less in use */
};

/* Opens what is read later on: before the process is confined. Never fails: see statm. */
void overload_open(struct overload *overload);
void overload_close(struct overload *overload);
/* Any thread. Measures when that is due; limit_mib 0: three quarters of what the machine has. True: another stage
 * than *ret_before is to be told, once: what is in use at the border of two is not told again and again. */
bool overload_look(struct overload *overload, uint64_t limit_mib, uint64_t now_ns, enum overload_stage *ret_before);
/* The stage of so much memory. */
enum overload_stage overload_stage_of(uint64_t used, uint64_t limit);
const char *overload_name(enum overload_stage stage); /* "none", or the name of the row */
/* Bytes that must be given back to come below the stage in which connections are cut, and a little more. */
uint64_t overload_excess(const struct overload *overload);
/* How much of that a worker is to give back whose large connections have so much: the more the larger its part of what
 * those of all have. */
uint64_t overload_share(struct overload *overload, unsigned worker, unsigned workers, uint64_t large);
/* Nobody has to. */
void overload_no_share(struct overload *overload, unsigned worker);
/* Now and then, in a thread without clients: what connections gave back is the kernel's again, though memory is not
 * short. */
void overload_settle(struct overload *overload, uint64_t now_ns);
/* Before there is a client. False: newcomers would be turned away from the start; what is in use, and how much would be
 * needed at least, in MiB. */
bool overload_has_room(const struct overload *overload, uint64_t limit_mib, uint64_t *ret_used_mib,
		       uint64_t *ret_needed_mib);
/* Connections were closed: the allocator gives back what they had at the next measurement. */
void overload_freed(struct overload *overload);
/* Is this newcomer turned away? random: 32 random bits. */
bool overload_sheds(const struct overload *overload, uint32_t random);
#endif
