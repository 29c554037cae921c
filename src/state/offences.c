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

/* The steps that passed are empty. When all are, what it was for is forgotten, too. */
static uint32_t advance(struct offence_slot *slot, uint64_t now_ns)
{
	uint64_t step = now_ns / STEP_NS + OFFENCE_STEPS; /* never 0, and older steps do not wrap */
	uint64_t sum = 0;

	for (uint64_t passed = slot->step + 1; passed <= step && passed <= slot->step + OFFENCE_STEPS; passed++)
		slot->points[passed % OFFENCE_STEPS] = 0;
	if (step > slot->step)
		slot->step = step;
	for (unsigned i = 0; i < OFFENCE_STEPS; i++)
		sum += slot->points[i];
	for (unsigned i = 0; i < OFFENCE_KINDS && sum == 0; i++)
		slot->kind_points[i] = 0;
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void add(uint32_t *points, uint32_t more)
{
	if (__builtin_add_overflow(*points, more, points))
		*points = UINT32_MAX;
}

uint32_t offences_count(struct offences *offences, const struct prefix *prefix, unsigned event, uint32_t points,
			uint64_t now_ns)
{
	struct offence_slot *oldest, *slot = find(offences, prefix, &oldest);
	unsigned kind = 0;

	if (slot == NULL) {
		slot = oldest;
		*slot = (struct offence_slot){ .prefix = *prefix, .step = now_ns / STEP_NS + OFFENCE_STEPS };
	}
	advance(slot, now_ns);
	add(&slot->points[slot->step % OFFENCE_STEPS], points);
	while (kind < OFFENCE_KINDS - 1 && slot->kind_points[kind] != 0 && slot->kinds[kind] != event)
		kind++;
	slot->kinds[kind] = (uint8_t)event;
	add(&slot->kind_points[kind], points);
	return advance(slot, now_ns);
}

const struct offence_slot *offences_find(struct offences *offences, const struct prefix *prefix)
{
	struct offence_slot *oldest;

	return find(offences, prefix, &oldest);
}

uint32_t offences_score(struct offences *offences, const struct prefix *prefix, uint64_t now_ns)
{
	struct offence_slot *oldest, *slot = find(offences, prefix, &oldest);

	return slot != NULL ? advance(slot, now_ns) : 0;
}

void offences_forget(struct offences *offences, const struct prefix *prefix)
{
	struct offence_slot *oldest, *slot = find(offences, prefix, &oldest);

	if (slot != NULL)
		*slot = (struct offence_slot){ 0 };
}
