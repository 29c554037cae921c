/* threat_load.h: the text of a list of addresses becomes a set in sealed memory, or a reason why not; and the text that
 * was good last is kept in DATA/threats/, for the next start and for a server that is gone. No state; any thread. */
#ifndef SHELL_THREAT_LOAD_H
#define SHELL_THREAT_LOAD_H
#include "policy/policy.h"

enum { THREAT_DIGEST = 64 };
struct threat_loaded {
	int fd; /* the caller's; -1: it was refused, and why is said */
	size_t networks, left_out, unsupported, invalid;
	uint64_t covered;    /* addresses of IPv4 */
	uint64_t changes_us; /* as in struct threat_reading */
	char digest[THREAT_DIGEST + 1];
	char why[THREAT_WHY];
};
/* before: networks of the one in use; 0: none is. */
void threat_load(const struct fw_policy *policy, const struct threat_list *list, struct fw_slice text, size_t before,
		 uint64_t wall_us, struct threat_loaded *ret_loaded);

/* Is it the same place that both are fetched from? Then one goes on where the other was. */
bool threat_same_source(const struct threat_list *a, const struct threat_list *b);
/* 0, or -1 with errno. */
int threat_keep(const char *data_directory, const struct threat_list *list, struct fw_slice text);
/* What was kept, and when. */
int threat_kept(const char *data_directory, const struct threat_list *list, uint8_t **ret_octets, size_t *ret_size,
		uint64_t *ret_wall_us);
#endif
