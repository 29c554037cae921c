/* prefix_set.h: networks of IPv4 and IPv6 that never change, and the longest of them that holds an address. A set is
 * one piece of memory without pointers: what one process made another one can look into. A builder is one thread's; a
 * set is any thread's.
 *
 * Why sorted ranges: networks cut the addresses into at most two ranges each, of which a lookup finds the last that
 * does not begin behind the address. 10^6 networks of IPv4 are 10 MB, whatever lies in whatever, and a table of the
 * first 16 bits leaves a search of a cache line or two. A table of 2^24 places would be quicker for IPv4 alone, and
 * 32 MB of which little is in a cache. */
#ifndef BASE_PREFIX_SET_H
#define BASE_PREFIX_SET_H
#include "base/addr.h"

struct prefix_build;
struct prefix_build *prefix_build_new(void); /* NULL: memory is short */
struct prefix_build *prefix_build_free(struct prefix_build *build);
/* In any order, and as often as it comes. False: memory is short. Host bits must be zero. */
bool prefix_build_add(struct prefix_build *build, const struct addr_net *net);
size_t prefix_build_count(const struct prefix_build *build); /* with those that came more than once */
/* Octets of the set; nothing is added from then on. */
size_t prefix_build_size(struct prefix_build *build);
/* memory: of that size, for 8-octet words. */
void prefix_build_write(const struct prefix_build *build, void *memory);

struct prefix_set; /* is that memory */
/* What somebody else made: NULL when it is no set, of this size. It must not change from then on. */
const struct prefix_set *prefix_set_of(const void *memory, size_t size);
bool prefix_set_find(const struct prefix_set *set, const struct fw_addr *address, struct addr_net *ret_net);
size_t prefix_set_count(const struct prefix_set *set);	    /* different networks */
uint64_t prefix_set_covered4(const struct prefix_set *set); /* IPv4 addresses that are in one of them */
/* Has a network of the set an address of this one? The one that has the first. */
bool prefix_set_meets(const struct prefix_set *set, const struct addr_net *net, struct addr_net *ret_net);
#endif
