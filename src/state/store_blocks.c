/* store_blocks.c: the block list: by operators, and automatic ones where they are asked for or kept. */
#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

static uint64_t left(uint64_t until_ns, uint64_t now_ns)
{
	return until_ns > now_ns ? until_ns - now_ns : 0;
}

void penalties_read(const struct block_slot *slot, uint64_t now_ns, struct store_block *ret_block)
{
	*ret_block = (struct store_block){ .user_size = slot->user_size,
					   .left_ns = left(slot->until_ns, now_ns),
					   .forgive_ns = left(slot->forgive_ns, now_ns),
					   .blocks = slot->blocks,
					   .score = slot->score,
					   .automatic = slot->automatic };
	if (slot->prefix.family != PREFIX_USER)
		ret_block->address = prefix_address(&slot->prefix);
	memcpy(ret_block->user, slot->user, sizeof(ret_block->user));
	memcpy(ret_block->reason, slot->reason, sizeof(ret_block->reason));
}

/* Under the lock. How many there were stays known when an operator puts his own in place of one. */
static int put(struct store *store, struct block_slot *wish, uint64_t now_ns)
{
	struct block_slot *before = blocks_find(&store->blocks, &wish->prefix);

	if (!wish->automatic && before != NULL) {
		wish->blocks = blocks_earlier(&store->blocks, before, now_ns);
		wish->forgive_ns = store_end(wish->until_ns, store->options.forgive_ns);
	}
	return blocks_put(&store->blocks, wish, now_ns) ? 0 : -1;
}

static int add(struct store *store, const struct prefix *prefix, struct fw_slice user, uint64_t now_ns,
	       uint64_t life_ns, const char *reason)
{
	struct block_slot wish = { .prefix = *prefix,
				   .until_ns = store_end(now_ns, life_ns),
				   .user_size = (uint8_t)user.size };
	int result;

	if (user.size != 0)
		memcpy(wish.user, user.data, user.size);
	if (reason != NULL)
		memcpy(wish.reason, reason, strnlen(reason, sizeof(wish.reason) - 1));
	pthread_mutex_lock(&store->lock);
	result = put(store, &wish, now_ns);
	if (result == 0)
		blocks_mark(&store->blocks, blocks_find(&store->blocks, prefix), true);
	pthread_mutex_unlock(&store->lock);
	return result;
}

int store_block_add(struct store *store, const struct fw_addr *address, uint64_t now_ns, uint64_t life_ns,
		    const char *reason)
{
	struct prefix prefix = prefix_of(address);

	return add(store, &prefix, slice(NULL, 0), now_ns, life_ns, reason);
}

int store_block_add_user(struct store *store, struct fw_slice user, uint64_t now_ns, uint64_t life_ns,
			 const char *reason)
{
	struct prefix prefix = penalties_user(store, user);

	if (user.size == 0 || user.size > STORE_NAME)
		return -1;
	return add(store, &prefix, user, now_ns, life_ns, reason);
}

static struct prefix prefix_of_block(const struct store *store, const struct store_block *block)
{
	return block->address.family != 0 ? prefix_of(&block->address)
					  : penalties_user(store, slice(block->user, block->user_size));
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* None that was put there automatically lasts longer than the longest one: what is kept is by a wall clock, which may
 * have been set back since, or was ahead when it was written; and what there may be of one has become less, perhaps. */
static void cap(const struct store *store, struct block_slot *wish, uint64_t now_ns)
{
	uint64_t most = store_end(now_ns, store->options.block_ns);

	if (!wish->automatic || store->options.block_ns == 0)
		return;
	wish->until_ns = least(wish->until_ns, most);
	wish->forgive_ns = least(wish->forgive_ns, store_end(most, store->options.forgive_ns));
}

int store_block_put(struct store *store, const struct store_block *block, uint64_t now_ns)
{
	struct block_slot wish = { .until_ns = store_end(now_ns, block->left_ns),
				   .forgive_ns = store_end(now_ns, block->forgive_ns),
				   .blocks = block->blocks,
				   .score = block->score,
				   .automatic = block->automatic,
				   .user_size = (uint8_t)block->user_size };
	int result;

	if (block->user_size > STORE_NAME || (block->address.family == 0) != (block->user_size != 0))
		return -1;
	wish.prefix = prefix_of_block(store, block);
	memcpy(wish.user, block->user, block->user_size);
	memcpy(wish.reason, block->reason, strnlen(block->reason, sizeof(wish.reason) - 1));
	pthread_mutex_lock(&store->lock);
	cap(store, &wish, now_ns);
	result = blocks_put(&store->blocks, &wish, now_ns) ? 0 : -1;
	pthread_mutex_unlock(&store->lock);
	return result;
}

bool store_block_remove(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns)
{
	struct prefix prefix = address->family != 0 ? prefix_of(address) : penalties_user(store, user);
	bool lasted;

	pthread_mutex_lock(&store->lock);
	lasted = blocks_has(&store->blocks, &prefix, now_ns);
	blocks_remove(&store->blocks, &prefix);
	offences_forget(&store->offences, &prefix);
	pthread_mutex_unlock(&store->lock);
	return lasted;
}

void store_block_list(struct store *store, uint64_t now_ns, bool past, store_block_function *each, void *user)
{
	struct store_block block;

	pthread_mutex_lock(&store->lock);
	for (uint32_t at = 0; at < 2 * LIMIT_BLOCKS; at++) {
		struct block_slot *slot = &store->blocks.slots[at];

		if (!blocks_taken(&store->blocks, at) || (slot->until_ns <= now_ns && !past))
			continue;
		if (blocks_earlier(&store->blocks, slot, now_ns) == 0 && slot->until_ns <= now_ns)
			continue;
		penalties_read(slot, now_ns, &block);
		each(user, &block);
	}
	pthread_mutex_unlock(&store->lock);
}

size_t store_block_count(struct store *store, uint64_t now_ns)
{
	size_t count = 0;

	pthread_mutex_lock(&store->lock);
	for (uint32_t at = 0; at < 2 * LIMIT_BLOCKS; at++)
		count += blocks_taken(&store->blocks, at) && store->blocks.slots[at].until_ns > now_ns;
	pthread_mutex_unlock(&store->lock);
	return count;
}

size_t store_block_changed(struct store *store, uint64_t now_ns, struct store_block *ret_blocks, size_t most)
{
	size_t count = 0;

	pthread_mutex_lock(&store->lock);
	for (uint32_t at = 0; at < 2 * LIMIT_BLOCKS && store->blocks.changed != 0 && count < most; at++) {
		struct block_slot *slot = &store->blocks.slots[at];

		if (!blocks_taken(&store->blocks, at) || !slot->changed)
			continue;
		blocks_mark(&store->blocks, slot, false);
		penalties_read(slot, now_ns, &ret_blocks[count++]);
	}
	pthread_mutex_unlock(&store->lock);
	return count;
}

void store_block_give_back(struct store *store, const struct store_block *blocks, size_t count)
{
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < count; i++) {
		struct prefix prefix = prefix_of_block(store, &blocks[i]);
		struct block_slot *slot = blocks_find(&store->blocks, &prefix);

		if (slot != NULL)
			blocks_mark(&store->blocks, slot, true);
	}
	pthread_mutex_unlock(&store->lock);
}
