/* offline.h: what a verb changes in a data directory on which no server runs: for that moment the part of a server that
 * keeps it is started here, without anything for clients. So the same checks are made and the same records written. */
#ifndef CMD_OFFLINE_H
#define CMD_OFFLINE_H
#include <stdbool.h>

#include "cmd/control.h"

struct offline;
/* NULL, and it was said why. The control socket of the data directory answers until offline_stop. */
struct offline *offline_start(const struct control_request *request);
void offline_stop(struct offline *offline); /* what changed is on the disk */
#endif
