#include "base/mem.h"
#include "state/store_parts.h"

/* Thirteen steps of five minutes: an event counts for one hour at least, and for 65 minutes at most. */
#define STEP_NS (HOUR_NS / (OFFENCE_STEPS - 1))

enum { SETS = LIMIT_ADDRESSES / OFFENCE_WAYS };

int offences_init(struct offences *offences, const struct hash_key *key)
{
	offences->key = *key;
	offences->slots = mem_zero(LIMIT_ADDRESSES, sizeof(*offences->slots));
	return offences->slots != NULL ? 0 : -1;
}

void offences_fini(struct offences *offences)
{
	mem_free(offences->slots);
}

static struct offence_slot *find(struct offences *offences, const struct prefix *prefix,
				 struct offence_slot **ret_oldest)
{
	uint32_t set = (uint32_t)hash_bytes(&offences->key, prefix, sizeof(*prefix)) & (SETS - 1);
	struct offence_slot *slots = &offences->slots[(size_t)set * OFFENCE_WAYS], *oldest = slots;

	for (unsigned way = 0; way < OFFENCE_WAYS; way++) {
		if (slots[way].step != 0 && prefix_equal(&slots[way].prefix, prefix))
			return &slots[way];
		if (slots[way].step < oldest->step)
			oldest = &slots[way];
	}
	*ret_oldest = oldest;
	return NULL;
}

uint32_t offences_count(struct offences *offences, const struct prefix *prefix, uint64_t now_ns)
{
	uint64_t step = now_ns / STEP_NS + OFFENCE_STEPS; /* never 0, and older steps do not wrap */
	struct offence_slot *oldest, *slot = find(offences, prefix, &oldest);
	uint64_t sum = 0;

	if (slot == NULL) {
		slot = oldest;
		*slot = (struct offence_slot){ .prefix = *prefix, .step = step };
	}
	for (uint64_t passed = slot->step + 1; passed <= step && passed <= slot->step + OFFENCE_STEPS; passed++)
		slot->counts[passed % OFFENCE_STEPS] = 0;
	if (step > slot->step)
		slot->step = step;
	if (slot->counts[slot->step % OFFENCE_STEPS] != UINT32_MAX)
		slot->counts[slot->step % OFFENCE_STEPS]++;
	for (unsigned i = 0; i < OFFENCE_STEPS; i++)
		sum += slot->counts[i];
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void offences_forget(struct offences *offences, const struct prefix *prefix)
{
	struct offence_slot *oldest, *slot = find(offences, prefix, &oldest);

	if (slot != NULL)
		*slot = (struct offence_slot){ 0 };
}
