/* keeper_store.h: what the keeper does to the store. Where the gate is a thread, there is one store. Where it is a
 * process, the gate's store decides and dies with it; the keeper's has what must outlive it (keys, revocations, blocks,
 * logouts of issuers), is changed first, and is told to each gate before it takes connections. The loop's thread. */
#ifndef SHELL_KEEPER_STORE_H
#define SHELL_KEEPER_STORE_H
#include "shell/keeper.h"

/* As the functions of store.h of the same name have it. A gate that does not answer within a second is left: it gets
 * to know it when it begins anew. */
/* Of an address or, where that is of family 0, a user. ret_block: as it is listed. */
int keeper_store_block_add(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user, uint64_t life_ns,
			   const char *reason, struct store_block *ret_block);
bool keeper_store_block_remove(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user);
bool keeper_store_standing(struct keeper *keeper, const struct fw_addr *address, struct fw_slice user,
			   struct store_standing *ret_standing);
/* As store_offend, of the store that decides; EVENT_scenario_fired. */
void keeper_store_offend(struct keeper *keeper, const struct store_offence *offence, struct store_penalty *ret_penalty);
bool keeper_store_logout(struct keeper *keeper, const uint8_t mark[16], uint64_t before_us, uint64_t until_us);
enum store_revoked keeper_store_revoke(struct keeper *keeper, struct store_revocation *revocation,
				       uint32_t *ret_sessions);
/* Also what is connected is told. False: there are too many. */
bool keeper_store_restrict(struct keeper *keeper, const struct store_restriction *restriction);
bool keeper_store_restore(struct keeper *keeper, struct fw_slice user);
enum store_key_kept keeper_store_key_put(struct keeper *keeper, const struct store_api_key *key, uint64_t now_us,
					 char ret_forgotten[STORE_KEY_ID]);
uint32_t keeper_store_key_end_sessions(struct keeper *keeper, struct fw_slice id);
uint32_t keeper_store_session_end_user(struct keeper *keeper, struct fw_slice user);
bool keeper_store_session_revoke(struct keeper *keeper, struct fw_slice session_id, struct store_session *ret_session);
size_t keeper_store_session_count(struct keeper *keeper);
void keeper_store_session_list(struct keeper *keeper, struct fw_slice of, size_t limit, store_session_function *each,
			       void *user);

/* Only with a remote: */
void keeper_store_log(struct keeper *keeper, struct fw_slice levels); /* log levels, to the gate; nothing without */
/* GATE_BEGINS, BLOCKED, KEY_USED. */
void keeper_store_hear(struct keeper *keeper, enum ipc_type type, const void *message);
void keeper_store_who(struct keeper *keeper); /* asks a gate that runs already who it is */
/* The gate of this generation fell: nothing is sent to it any more. */
void keeper_store_gone(struct keeper *keeper, uint32_t generation);
/* A message for the gate's store that nobody waits for, and waits for room a moment. */
bool keeper_store_push(struct keeper *keeper, struct ipc_store *message, struct fw_slice text, struct fw_slice rest);
#endif
