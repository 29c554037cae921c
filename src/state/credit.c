#include "base/mem.h"
#include "state/store_parts.h"

#define PERIOD_NS (24 * HOUR_NS)

enum { SETS = LIMIT_ADDRESSES / CREDIT_WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "sets are indexed by masking");

int credit_init(struct credit *credit, const struct hash_key *key)
{
	credit->key = *key;
	credit->slots = mem_table(LIMIT_ADDRESSES, sizeof(*credit->slots), MEM_SMALL);
	return credit->slots != NULL ? 0 : -1;
}

void credit_fini(struct credit *credit)
{
	mem_table_free(credit->slots, LIMIT_ADDRESSES, sizeof(*credit->slots), MEM_SMALL);
}

static struct credit_slot *find(struct credit *credit, const struct prefix *prefix, struct credit_slot **ret_oldest)
{
	uint32_t set = (uint32_t)hash_bytes(&credit->key, prefix, sizeof(*prefix)) & (SETS - 1);
	struct credit_slot *slots = &credit->slots[(size_t)set * CREDIT_WAYS], *oldest = slots;

	for (unsigned way = 0; way < CREDIT_WAYS; way++) {
		if (slots[way].period != 0 && prefix_equal(&slots[way].prefix, prefix))
			return &slots[way];
		if (slots[way].period < oldest->period)
			oldest = &slots[way];
	}
	*ret_oldest = oldest;
	return NULL;
}

static void advance(struct credit_slot *slot, uint64_t period)
{
	if (period <= slot->period)
		return;
	slot->users[1] = period == slot->period + 1 ? slot->users[0] : 0;
	slot->users[0] = 0;
	slot->period = period;
}

void credit_note(struct credit *credit, const struct prefix *prefix, struct fw_slice user, uint64_t now_ns)
{
	uint64_t period = now_ns / PERIOD_NS + 1;
	struct credit_slot *oldest, *slot = find(credit, prefix, &oldest);

	if (slot == NULL) {
		slot = oldest;
		*slot = (struct credit_slot){ .prefix = *prefix, .period = period };
	}
	advance(slot, period);
	slot->users[0] |= UINT64_C(1) << (hash_bytes(&credit->key, user.data, user.size) & 63);
}

unsigned credit_users(struct credit *credit, const struct prefix *prefix, uint64_t now_ns)
{
	struct credit_slot *oldest, *slot = find(credit, prefix, &oldest);

	if (slot == NULL)
		return 0;
	advance(slot, now_ns / PERIOD_NS + 1);
	return (unsigned)__builtin_popcountll(slot->users[0] | slot->users[1]);
}
