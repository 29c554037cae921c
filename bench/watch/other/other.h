/* other.h: a second made-up service with the interface of traffic.h, so that what was tried on the one can be tried on
 * people and attackers who live by other rules. README.md tells who they are. */
#ifndef BENCH_WATCH_OTHER_H
#define BENCH_WATCH_OTHER_H

#include "traffic.h"

struct other;
struct other *other_new(const struct traffic_options *options); /* NULL when memory lacks or there are no users */
struct other *other_free(struct other *world);
bool other_next(struct other *world, struct traffic_event *ret_event, int *ret_label);
size_t other_labels(const struct other *world, const struct traffic_label **ret_labels); /* complete at the end */

#endif
