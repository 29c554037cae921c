/* dialler.h: a thread of the keeper that connects to upstreams for a gate that may not: looks the name up, tries one
 * address after the other, hands the connected socket over. Only to what the configuration in use has as an upstream,
 * whatever the gate asks for; a bounded number at a time, each for a bounded time. */
#ifndef SHELL_DIALLER_H
#define SHELL_DIALLER_H
#include "policy/policy.h"

struct log;
struct dialler;
/* links: the keeper's end of each worker's, which stay the caller's. NULL: memory, descriptors or threads are short. */
struct dialler *dialler_start(const int *links, unsigned count, struct fw_policy *policy, struct log *log);
/* Another configuration, from the next question on. Upstreams of the one before are connected for a moment more: a
 * connection of the gate may have it still. Any thread. */
void dialler_allow(struct dialler *dialler, struct fw_policy *policy);
struct dialler *dialler_stop(struct dialler *dialler); /* NULL-safe; see resolve_left */
#endif
