/* gate_store.h: what a keeper that is another process does to the gate's store: STORE messages. The gate's main
 * thread. */
#ifndef SHELL_GATE_STORE_H
#define SHELL_GATE_STORE_H
#include "shell/ipc.h"
#include "state/store.h"

struct log;
struct issuer_keys;
struct gate_store {
	struct store *store;
	struct log *log;
	struct issuer_keys *keys;
	struct ipc_channel *replies, *figures;
	bool keys_changed; /* set: whoever has the policy puts them into it, and takes this back */
};
/* The store is done to as the message says; false: it is none of the store's (BEGIN, READY, WHO), or holds nothing. */
bool gate_store_obey(struct gate_store *gate, const struct ipc_store *message, struct fw_slice tail);
void gate_store_tell_blocks(struct gate_store *gate); /* BLOCKED for each */
void gate_store_tell_used(struct gate_store *gate);   /* KEY_USED for those that were used since */
#endif
