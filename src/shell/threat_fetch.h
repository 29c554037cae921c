/* threat_fetch.h: the text of a list of addresses: a file, what a server answers, or the objects of a TAXII 2.1
 * collection. Waits for it: of a thread of its own. */
#ifndef SHELL_THREAT_FETCH_H
#define SHELL_THREAT_FETCH_H
#include <stdatomic.h>

#include "policy/threat_list.h"

enum { THREAT_TIME = 40 };
struct threat_text {
	uint8_t *octets; /* the caller's, by mem_free; NULL: it could not be had, and why is said */
	size_t size;
	char why[THREAT_WHY + 64];
	uint64_t retry_s; /* where it could not be had: the server asks not to be asked sooner (RFC 9110 10.2.3) */
	/* TAXII: since is in, and where it goes on is put in its place; "": all there is. before: what there was then.
	 */
	char since[THREAT_TIME];
	struct fw_slice before;
};
/* stop: set, it gives up within a second or so. */
void threat_fetch(const struct threat_list *list, const _Atomic bool *stop, struct threat_text *text);
#endif
