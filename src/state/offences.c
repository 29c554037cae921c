#include "base/event_type.h"
#include "base/mem.h"
#include "state/store_parts.h"

enum { SETS = LIMIT_ADDRESSES / OFFENCE_WAYS, WINDOW_SHIFT = 16 };

int offences_init(struct offences *offences, const struct hash_key *key)
{
	offences->key = *key;
	for (unsigned window = 0; window < STORE_WINDOWS; window++)
		offences->window_ns[window] = HOUR_NS;
	offences->slots = mem_table(LIMIT_ADDRESSES, sizeof(*offences->slots), MEM_SMALL);
	return offences->slots != NULL ? 0 : -1;
}

void offences_fini(struct offences *offences)
{
	mem_table_free(offences->slots, LIMIT_ADDRESSES, sizeof(*offences->slots), MEM_SMALL);
}

void offences_configure(struct offences *offences, const uint64_t window_ns[STORE_WINDOW_others])
{
	for (unsigned window = 0; window < STORE_WINDOW_others; window++)
		offences->window_ns[window] = window_ns[window] != 0 ? window_ns[window] : HOUR_NS;
}

static enum store_window window_of(unsigned event)
{
	switch (event) {
#define WINDOW(name, event)                                                                                            \
	case EVENT_##event:                                                                                            \
		return STORE_WINDOW_##name;
#include "tables/windows.def"
#undef WINDOW
	default:
		return STORE_WINDOW_others;
	}
}

/* What counts for as long stands together: each window of an address has a slot of its own. */
static struct prefix subject_of(const struct prefix *prefix, enum store_window window)
{
	return (struct prefix){ prefix->head, prefix->family | (uint64_t)(window + 1) << WINDOW_SHIFT };
}

/* False: it has none, and *ret_slot is the one of its set that gives way. */
static bool find(struct offences *offences, const struct prefix *subject, struct offence_slot **ret_slot)
{
	uint32_t set = (uint32_t)hash_bytes(&offences->key, subject, sizeof(*subject)) & (SETS - 1);
	struct offence_slot *slots = &offences->slots[(size_t)set * OFFENCE_WAYS];

	*ret_slot = slots;
	for (unsigned way = 0; way < OFFENCE_WAYS; way++) {
		if (slots[way].end_ns != 0 && prefix_equal(&slots[way].subject, subject)) {
			*ret_slot = &slots[way];
			return true;
		}
		if (slots[way].end_ns < (*ret_slot)->end_ns)
			*ret_slot = &slots[way];
	}
	return false;
}

static void add(uint32_t *points, uint32_t more)
{
	if (__builtin_add_overflow(*points, more, points))
		*points = UINT32_MAX;
}

/* The steps that passed are empty. */
static uint32_t pass(struct offence_slot *slot, uint64_t now_ns)
{
	uint64_t step = now_ns / slot->width_ns + OFFENCE_STEPS; /* never 0, and older steps do not wrap */
	uint32_t sum = 0;

	for (uint64_t passed = slot->step + 1; passed <= step && passed <= slot->step + OFFENCE_STEPS; passed++)
		slot->points[passed % OFFENCE_STEPS] = 0;
	if (step > slot->step)
		slot->step = step;
	for (unsigned i = 0; i < OFFENCE_STEPS; i++)
		add(&sum, slot->points[i]);
	return sum;
}

/* Thirteen steps, of which twelve are a window: a point counts for that long at least, and for a twelfth more at most.
 * When all are empty what they were for is forgotten, too. Where the window is another one by now, all that still
 * counts does so from now on. */
static uint32_t advance(const struct offences *offences, struct offence_slot *slot, enum store_window window,
			uint64_t now_ns)
{
	uint64_t width = offences->window_ns[window] / (OFFENCE_STEPS - 1);
	uint32_t sum = pass(slot, now_ns);

	if (width == 0)
		width = 1;
	if (slot->width_ns != width) {
		slot->width_ns = width;
		slot->step = now_ns / width + OFFENCE_STEPS;
		for (unsigned i = 0; i < OFFENCE_STEPS; i++)
			slot->points[i] = 0;
		slot->points[slot->step % OFFENCE_STEPS] = sum;
		slot->end_ns = store_end(now_ns, offences->window_ns[window]);
	}
	for (unsigned i = 0; i < OFFENCE_KINDS && sum == 0; i++)
		slot->kind_points[i] = 0;
	return sum;
}

static void count_in(struct offences *offences, const struct prefix *subject, enum store_window window, unsigned event,
		     uint32_t points, uint64_t now_ns)
{
	struct offence_slot *slot;
	unsigned kind = 0;

	if (!find(offences, subject, &slot))
		*slot = (struct offence_slot){ .subject = *subject, .width_ns = 1 };
	advance(offences, slot, window, now_ns);
	slot->end_ns = store_end(now_ns, offences->window_ns[window]);
	add(&slot->points[slot->step % OFFENCE_STEPS], points);
	while (kind < OFFENCE_KINDS - 1 && slot->kind_points[kind] != 0 && slot->kinds[kind] != event)
		kind++;
	slot->kinds[kind] = kind == OFFENCE_KINDS - 1 ? EVENT_TYPES : (uint8_t)event;
	add(&slot->kind_points[kind], points);
}

uint32_t offences_count(struct offences *offences, const struct prefix *prefix, unsigned event, uint32_t points,
			uint64_t now_ns)
{
	enum store_window window = window_of(event);
	struct prefix subject = subject_of(prefix, window);

	count_in(offences, &subject, window, event, points, now_ns);
	return offences_score(offences, prefix, now_ns);
}

uint32_t offences_score(struct offences *offences, const struct prefix *prefix, uint64_t now_ns)
{
	uint32_t sum = 0;

	for (enum store_window window = 0; window < STORE_WINDOWS; window++) {
		struct prefix subject = subject_of(prefix, window);
		struct offence_slot *slot;

		if (find(offences, &subject, &slot))
			add(&sum, advance(offences, slot, window, now_ns));
	}
	return sum;
}

unsigned offences_kinds(struct offences *offences, const struct prefix *prefix,
			struct store_kind ret_kinds[STORE_KINDS])
{
	unsigned count = 0;

	for (enum store_window window = 0; window < STORE_WINDOWS; window++) {
		struct prefix subject = subject_of(prefix, window);
		struct offence_slot *slot;

		if (!find(offences, &subject, &slot))
			continue;
		for (unsigned i = 0; i < OFFENCE_KINDS; i++)
			if (slot->kind_points[i] != 0 && count < STORE_KINDS)
				ret_kinds[count++] = (struct store_kind){ slot->kinds[i], slot->kind_points[i] };
	}
	return count;
}

void offences_forget(struct offences *offences, const struct prefix *prefix)
{
	for (enum store_window window = 0; window < STORE_WINDOWS; window++) {
		struct prefix subject = subject_of(prefix, window);
		struct offence_slot *slot;

		if (find(offences, &subject, &slot))
			*slot = (struct offence_slot){ 0 };
	}
}
