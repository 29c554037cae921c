#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

enum { SLOTS = 2 * LIMIT_ADDRESSES };
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "the table is indexed by masking");

int presence_init(struct presence *presence, const struct hash_key *key)
{
	*presence = (struct presence){ .key = *key };
	presence->slots = mem_table(SLOTS, sizeof(*presence->slots), MEM_SMALL);
	return presence->slots != NULL ? 0 : -1;
}

void presence_fini(struct presence *presence)
{
	mem_table_free(presence->slots, SLOTS, sizeof(*presence->slots), MEM_SMALL);
}

static uint32_t home(const struct presence *presence, const struct prefix *prefix)
{
	return (uint32_t)hash_bytes(&presence->key, prefix, sizeof(*prefix)) & (SLOTS - 1);
}

/* Its slot, or the free one where it would go. There always is a free one: at most half are used. */
static uint32_t seek(const struct presence *presence, const struct prefix *prefix)
{
	uint32_t at = home(presence, prefix);

	while (presence->slots[at].connections != 0 && !prefix_equal(&presence->slots[at].prefix, prefix))
		at = (at + 1) & (SLOTS - 1);
	return at;
}

bool presence_enter(struct presence *presence, const struct prefix *prefix, uint32_t most)
{
	struct presence_slot *slot = &presence->slots[seek(presence, prefix)];

	if (slot->connections >= most)
		return false;
	if (slot->connections == 0) {
		if (presence->used == LIMIT_ADDRESSES)
			return false;
		presence->used++;
		slot->prefix = *prefix;
	}
	slot->connections++;
	presence->total++;
	return true;
}

/* Open addressing without tombstones: what stood behind the freed slot moves up as far as its home lets it. */
static void close_gap(struct presence *presence, uint32_t gap)
{
	for (uint32_t at = (gap + 1) & (SLOTS - 1); presence->slots[at].connections != 0; at = (at + 1) & (SLOTS - 1)) {
		uint32_t from_home = (at - home(presence, &presence->slots[at].prefix)) & (SLOTS - 1);

		if (from_home < ((at - gap) & (SLOTS - 1)))
			continue;
		presence->slots[gap] = presence->slots[at];
		gap = at;
	}
	presence->slots[gap] = (struct presence_slot){ 0 };
}

void presence_leave(struct presence *presence, const struct prefix *prefix)
{
	uint32_t at = seek(presence, prefix);

	if (presence->slots[at].connections == 0)
		return;
	presence->total--;
	if (--presence->slots[at].connections != 0)
		return;
	presence->used--;
	close_gap(presence, at);
}
