/* outbound.h: messages of a server, judged by type: the stages json, route, rbac, size and schema ask here. */
#ifndef ENGINE_OUTBOUND_H
#define ENGINE_OUTBOUND_H
#include "engine/message.h"

/* Are messages of a server on that route judged by their types? */
bool outbound_judges(const struct fw_policy *policy, const struct policy_route *route);

/* Each is the part of its stage. */
enum verdict outbound_read(struct message *message);
enum verdict outbound_route(struct message *message);
enum verdict outbound_size(struct message *message);
enum verdict outbound_schema(struct message *message);
enum verdict outbound_rbac(struct message *message);

/* The definition of the unit of a dialect that is looked at now; NULL: it has none. */
const struct policy_outbound *outbound_row(const struct message *message, struct fw_slice type);
#endif
