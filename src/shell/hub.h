/* hub.h: the built-in server behind the engine: chat, typing, tasks, employees, commands of the contract.
 * It gets judged messages only and answers with messages of checklist 2.2. Shared by the workers; locks inside.
 * Tasks and employees are kept in memory up to limits.def. Commands are a table; never a shell. */
#ifndef SHELL_HUB_H
#define SHELL_HUB_H
#include <framewall/conn.h>

#include "policy/policy.h"

struct hub;
/* How the hub reaches connections: implemented by the gate, called in the thread of the worker that called the hub.
 * only: connection id that alone gets it (0: all members); except: one that does not. Delivery filters are the engine's
 * (fw_conn_send). */
struct hub_delivery {
	void (*deliver)(void *user, uint16_t outbound, struct fw_slice message, uint64_t only, uint64_t except);
	void *user;
};
struct hub *hub_new(void);
struct hub *hub_free(struct hub *hub);
/* A client is logged in, or gone. Broadcasts user_status. */
void hub_join(struct hub *hub, const struct fw_policy *policy, struct fw_principal who, uint64_t wall_us,
	      const struct hub_delivery *to);
void hub_leave(struct hub *hub, const struct fw_policy *policy, struct fw_principal who, uint64_t wall_us,
	       const struct hub_delivery *to);
/* One judged message: message->payload is strict JSON of the contract. 0, or -1 when memory is short. */
int hub_message(struct hub *hub, const struct fw_policy *policy, struct fw_principal who,
		const struct fw_incoming *message, uint64_t wall_us, const struct hub_delivery *to);
#endif
