/* openmetrics.h: a page in the Prometheus text format 0.0.4 said in OpenMetrics 1.0: counters are named without _total,
 * what is always 1 is an info, seconds and bytes are units, and each counter says since when it counts. HELP comes
 * before TYPE, and both before the samples, in what is given. No state. */
#ifndef SHELL_OPENMETRICS_H
#define SHELL_OPENMETRICS_H
#include <framewall/types.h>

#include "base/pool.h"

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Appends; "# EOF" is the caller's. False: memory is short. */
bool openmetrics_turn(struct fw_slice text, uint64_t created_us, struct buf *out, struct pool *pool);
/* Does an Accept header like it at least as well as the other one? */
bool openmetrics_wanted(struct fw_slice accept);
#endif
