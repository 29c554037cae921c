/* threats.h: the lists of addresses that are in use: each a set in sealed memory, which the keeper made and the gate
 * maps. A list takes the place of the one before at once; who looks up meanwhile finds one or the other. Any thread; a
 * lock inside, which lookups share. */
#ifndef STATE_THREATS_H
#define STATE_THREATS_H
#include <stdatomic.h>

#include "base/limits.h"
#include "codec/threat.h"

struct threats;
/* How many clients each list had, by its place: memory that keeper and gate may share. */
struct threat_counts {
	_Atomic uint64_t hits[LIMIT_THREAT_LISTS];
};
struct threats *threats_new(void); /* NULL: memory is short */
struct threats *threats_free(struct threats *threats);
/* They are counted there from now on; NULL: in memory of its own. Before anybody looks up. */
void threats_count_in(struct threats *threats, struct threat_counts *counts);
uint64_t threats_hits(const struct threats *threats, unsigned place);

/* What takes a place; as octets it is what the keeper sends to a gate that is another process. */
struct threats_entry {
	uint32_t place;
	uint32_t action; /* enum threat_action */
	char name[THREAT_NAME + 1];
};
/* fd: of memory that nobody can change any more, with a set in it; the caller's. -1: nothing is in that place. False:
 * it is none, and what was there stays. */
bool threats_put(struct threats *threats, const struct threats_entry *entry, int fd);

struct threats_hit {
	enum threat_action action;
	char name[THREAT_NAME + 1];
	struct addr_net net;
};
/* By the lists in the order of their actions, at most LIMIT_THREAT_LISTS: how many have the address. */
unsigned threats_find(struct threats *threats, const struct fw_addr *address,
		      struct threats_hit ret_hits[LIMIT_THREAT_LISTS]);
/* The same of a client who comes: that is counted. The strongest; false: none has it. */
bool threats_admit(struct threats *threats, const struct fw_addr *address, struct threats_hit *ret_hit);
/* A descriptor of memory with this set, that nobody can change any more; -1: memory is short. */
int threats_seal(struct prefix_build *build);
/* What such a descriptor has, mapped; NULL: it is none. */
const struct prefix_set *threats_map(int fd, size_t *ret_size);
void threats_unmap(const struct prefix_set *set, size_t size);

enum { THREATS_TEXT = THREAT_NAME + ADDR_TEXT + 16 };
/* "list NAME: NETWORK", for a record; its length. */
size_t threats_text(const struct threats_hit *hit, char ret_text[THREATS_TEXT]);
#endif
