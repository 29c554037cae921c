/* keeper_blocks.c: the block list on the disk. What an operator says is there before he is told; what was blocked
 * automatically within a second. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

enum { SOME = 256, TIDY_SECONDS = 600 };

/* As many as one transaction may take. False: there are no more, or not now. */
static bool write_some(struct keeper *keeper, struct store_block *blocks, bool *ret_kept,
		       char ret_error[DATABASE_ERROR])
{
	struct store *store = keeper->options.store;
	size_t count = store_block_changed(store, uv_hrtime(), blocks, SOME);

	*ret_kept = count == 0 || database_keep_blocks(keeper->database, blocks, count, clock_wall_us(), ret_error);
	if (!*ret_kept)
		store_block_give_back(store, blocks, count);
	return *ret_kept && count == SOME;
}

bool keeper_blocks_write(struct keeper *keeper, char ret_error[DATABASE_ERROR])
{
	struct store_block *blocks = mem_zero(SOME, sizeof(*blocks));
	bool kept = blocks != NULL;

	if (!kept)
		memcpy(ret_error, "memory is short", sizeof("memory is short"));
	while (kept && keeper->database != NULL && write_some(keeper, blocks, &kept, ret_error))
		;
	mem_free(blocks);
	return kept;
}

void keeper_blocks_tick(struct keeper *keeper)
{
	uint64_t forgive_us = (uint64_t)keeper->options.policy->settings.block_forgive * 3600 * 1000000;
	struct store_block *blocks = mem_zero(SOME, sizeof(*blocks));
	char failed[DATABASE_ERROR];
	bool kept = true;

	if (blocks != NULL && keeper->database != NULL)
		write_some(keeper, blocks, &kept, failed);
	mem_free(blocks);
	if (!kept && !keeper->blocks_failed)
		log_warn(keeper->options.log, admin, "blocks are not kept: framewall.db: %s", failed);
	keeper->blocks_failed = !kept;
	if (keeper->database == NULL || keeper->blocks_seconds++ % TIDY_SECONDS != 0)
		return;
	if (!database_tidy_blocks(keeper->database, clock_wall_us(), forgive_us, failed))
		log_warn(keeper->options.log, admin, "blocks that are over stay in framewall.db: %s", failed);
}

/* The gate says whom it blocked: what it says is not believed beyond that. */
void keeper_blocks_take(struct keeper *keeper, const struct store_block *said)
{
	struct store *store = keeper->options.store;
	struct store_block block = *said;
	struct store_standing known;
	uint64_t now_ns = uv_hrtime();

	if ((block.address.family != 0 && block.address.family != 4 && block.address.family != 6) ||
	    block.user_size > STORE_NAME || (block.left_ns == 0 && block.blocks == 0))
		return;
	block.automatic = true;
	block.reason[sizeof(block.reason) - 1] = '\0';
	store_standing(store, &block.address, slice(block.user, block.user_size), now_ns, &known);
	if (known.block.left_ns != 0 && !known.block.automatic)
		return; /* an operator's, which it was told of */
	if (store_block_put(store, &block, now_ns) == 0)
		store_block_give_back(store, &block, 1);
}
