/* route.h: inside of the policy layer: how entries of origin and host lists are written. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H
#include "policy/policy.h"

bool route_origin_holds(struct fw_slice origin); /* "scheme://host[:port]" or "null" */
bool route_host_holds(struct fw_slice host);	 /* "name[:port]", "[address][:port]" */
/* host[:port] in its parts; port -1: none. IPv6 keeps its brackets. */
bool route_place(struct fw_slice text, struct fw_slice *ret_host, long *ret_port);
#endif
