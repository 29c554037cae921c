#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

enum { SLOTS = 2 * LIMIT_BLOCKS, SEARCH = 64 };
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "the table is indexed by masking");

int blocks_init(struct blocks *blocks, const struct hash_key *key)
{
	*blocks = (struct blocks){ .key = *key };
	blocks->slots = mem_table(SLOTS, sizeof(*blocks->slots), MEM_SMALL);
	return blocks->slots != NULL ? 0 : -1;
}

void blocks_fini(struct blocks *blocks)
{
	mem_table_free(blocks->slots, SLOTS, sizeof(*blocks->slots), MEM_SMALL);
}

static uint32_t home(const struct blocks *blocks, const struct prefix *prefix)
{
	return (uint32_t)hash_bytes(&blocks->key, prefix, sizeof(*prefix)) & (SLOTS - 1);
}

/* Its slot, or the free one where it would go. There always is a free one: at most half are used. */
static uint32_t seek(const struct blocks *blocks, const struct prefix *prefix)
{
	uint32_t at = home(blocks, prefix);

	while (blocks_taken(blocks, at) && !prefix_equal(&blocks->slots[at].prefix, prefix))
		at = (at + 1) & (SLOTS - 1);
	return at;
}

void blocks_mark(struct blocks *blocks, struct block_slot *slot, bool changed)
{
	if (slot->changed == changed)
		return;
	slot->changed = changed;
	blocks->changed += changed ? 1 : UINT32_MAX;
}

/* Open addressing without tombstones: what stood behind the freed slot moves up as far as its home lets it. */
static void release(struct blocks *blocks, uint32_t gap)
{
	blocks_mark(blocks, &blocks->slots[gap], false);
	for (uint32_t at = (gap + 1) & (SLOTS - 1); blocks_taken(blocks, at); at = (at + 1) & (SLOTS - 1)) {
		uint32_t from_home = (at - home(blocks, &blocks->slots[at].prefix)) & (SLOTS - 1);

		if (from_home < ((at - gap) & (SLOTS - 1)))
			continue;
		blocks->slots[gap] = blocks->slots[at];
		gap = at;
	}
	blocks->slots[gap] = (struct block_slot){ 0 };
	blocks->taken[gap / 64] &= ~(UINT64_C(1) << gap % 64);
	blocks->used--;
}

bool blocks_has(const struct blocks *blocks, const struct prefix *prefix, uint64_t now_ns)
{
	uint32_t at = seek(blocks, prefix);

	return blocks_taken(blocks, at) && blocks->slots[at].until_ns > now_ns;
}

/* Frees a slot: of the SEARCH ones from the cursor on the ended or automatic one that ends first; farther on, when
 * those are all an operator's, the first that may go. */
static bool make_room(struct blocks *blocks, uint64_t now_ns)
{
	uint32_t best = SLOTS;

	for (uint32_t looked = 0, at = blocks->cursor; looked < SLOTS; looked++, at = (at + 1) & (SLOTS - 1)) {
		const struct block_slot *slot = &blocks->slots[at];

		if (looked >= SEARCH && best != SLOTS)
			break;
		if (blocks_taken(blocks, at) && (slot->automatic || slot->until_ns <= now_ns) &&
		    (best == SLOTS || slot->until_ns < blocks->slots[best].until_ns))
			best = at;
	}
	if (best == SLOTS)
		return false;
	blocks->cursor = (best + 1) & (SLOTS - 1);
	release(blocks, best);
	return true;
}

struct block_slot *blocks_find(struct blocks *blocks, const struct prefix *prefix)
{
	uint32_t at = seek(blocks, prefix);

	return blocks_taken(blocks, at) ? &blocks->slots[at] : NULL;
}

bool blocks_put(struct blocks *blocks, const struct block_slot *wish, uint64_t now_ns)
{
	uint32_t at = seek(blocks, &wish->prefix);
	bool changed = blocks_taken(blocks, at) && blocks->slots[at].changed;

	if (!blocks_taken(blocks, at)) {
		if (blocks->used == LIMIT_BLOCKS) {
			if (!make_room(blocks, now_ns))
				return false;
			at = seek(blocks, &wish->prefix);
		}
		blocks->used++;
		blocks->taken[at / 64] |= UINT64_C(1) << at % 64;
	}
	blocks->slots[at] = *wish;
	blocks->slots[at].changed = changed;
	return true;
}

uint32_t blocks_earlier(const struct blocks *blocks, struct block_slot *slot, uint64_t now_ns)
{
	while (slot->blocks != 0 && slot->until_ns <= now_ns && slot->forgive_ns <= now_ns) {
		slot->blocks--;
		if (__builtin_add_overflow(slot->forgive_ns, blocks->forgive_ns, &slot->forgive_ns))
			slot->forgive_ns = UINT64_MAX;
	}
	return slot->blocks;
}

bool blocks_remove(struct blocks *blocks, const struct prefix *prefix)
{
	uint32_t at = seek(blocks, prefix);

	if (!blocks_taken(blocks, at))
		return false;
	release(blocks, at);
	return true;
}

void blocks_sweep(struct blocks *blocks, uint64_t now_ns, uint32_t steps)
{
	while (steps-- != 0) {
		struct block_slot *slot = &blocks->slots[blocks->cursor];

		/* A freed slot may have been filled from behind: it is looked at again. */
		if (blocks_taken(blocks, blocks->cursor) && slot->until_ns <= now_ns &&
		    blocks_earlier(blocks, slot, now_ns) == 0)
			release(blocks, blocks->cursor);
		else
			blocks->cursor = (blocks->cursor + 1) & (SLOTS - 1);
	}
}
