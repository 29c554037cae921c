#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

enum { WRITE_SECONDS = 60, USED_ROOM = 512 };

enum keeper_kept keeper_keys_add(struct keeper *keeper, const struct store_api_key *key, char ret_error[DATABASE_ERROR])
{
	static const char none[STORE_KEY_ID];
	char forgotten[STORE_KEY_ID], ignored[DATABASE_ERROR];
	enum store_key_kept kept;

	if (!database_keep_keys(keeper->database, key, 1, ret_error))
		return KEEPER_KEPT_DISK;
	kept = keeper_store_key_put(keeper, key, clock_wall_us(), forgotten);
	if (kept != STORE_KEY_KEPT) {
		/* Nobody has seen it: if it stays on the disk nobody can use it either. */
		(void)database_forget_key(keeper->database, key->id, ignored);
		return kept == STORE_KEY_FULL ? KEEPER_KEPT_FULL : KEEPER_KEPT_MEMORY;
	}
	if (memcmp(forgotten, none, sizeof(none)) != 0 && !database_forget_key(keeper->database, forgotten, ignored))
		log_warn(keeper->options.log, admin, "an API key that ended stays in framewall.db: %s", ignored);
	return KEEPER_KEPT;
}

enum keeper_kept keeper_keys_end(struct keeper *keeper, struct store_api_key *key, uint64_t wall_us, bool *ret_told,
				 char ret_error[DATABASE_ERROR])
{
	struct ipc_key_ends ends = { .wall_us = wall_us };
	char forgotten[STORE_KEY_ID];

	if (wall_us == 0)
		key->revoked_wall_us = clock_wall_us();
	else if (key->expires_wall_us == 0 || wall_us < key->expires_wall_us)
		key->expires_wall_us = wall_us;
	*ret_told = false;
	if (keeper_store_key_put(keeper, key, 0, forgotten) != STORE_KEY_KEPT)
		return KEEPER_KEPT_MEMORY;
	memcpy(ends.key_id, key->id, sizeof(ends.key_id));
	if (wall_us == 0)
		keeper_store_key_end_sessions(keeper, slice(key->id, sizeof(key->id)));
	*ret_told = keeper_figures_tell(&keeper->figures, IPC_KEY_ENDS, &ends, sizeof(ends));
	return database_keep_keys(keeper->database, key, 1, ret_error) ? KEEPER_KEPT : KEEPER_KEPT_DISK;
}

/* As many as one transaction may take. False: there are no more. */
static bool write_some(struct keeper *keeper, struct store_api_key *keys)
{
	size_t count = store_key_used(keeper->options.store, keys, USED_ROOM);
	char failed[DATABASE_ERROR];

	if (count != 0 && !database_keep_keys(keeper->database, keys, count, failed))
		log_warn(keeper->options.log, admin, "when API keys were used is not kept: framewall.db: %s", failed);
	return count == USED_ROOM;
}

void keeper_keys_write_used(struct keeper *keeper)
{
	struct store_api_key *keys = mem_zero(USED_ROOM, sizeof(*keys));

	while (keys != NULL && keeper->database != NULL && write_some(keeper, keys))
		;
	mem_free(keys);
}

void keeper_keys_tick(struct keeper *keeper)
{
	struct store_api_key *keys;

	if (++keeper->used_seconds < WRITE_SECONDS)
		return;
	keys = mem_zero(USED_ROOM, sizeof(*keys));
	if (keys == NULL || !write_some(keeper, keys)) /* else the next ones in a second */
		keeper->used_seconds = 0;
	mem_free(keys);
}
