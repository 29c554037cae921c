/* config_event.h: inside of the policy layer: names of events as a configuration writes them. */
#ifndef POLICY_CONFIG_EVENT_H
#define POLICY_CONFIG_EVENT_H
#include <framewall/types.h>

/* enum event_type of a canonical name, an alias of events.def or one of the specification's plurals; EVENT_TYPES: none.
 */
unsigned config_event_find(struct fw_slice name);
/* The same of "NAME" or "NAME POINTS". */
enum { EVENT_POINTS_MOST = 1000000 };
unsigned config_event_points(struct fw_slice text, uint32_t *ret_points);
#endif
