#include "watch/sketch.h"

#include <string.h>

#include "base/slice.h"

/* FNV-1a. Who makes names that fall together gains nothing: the names are compared as well. */
static uint64_t mark_of(struct fw_slice name)
{
	uint64_t mark = 14695981039346656037U;

	for (size_t i = 0; i < name.size; i++)
		mark = (mark ^ name.data[i]) * 1099511628211U;
	return mark;
}

static void take(struct sketch *sketch, struct fw_slice name, uint64_t count, uint64_t over)
{
	struct sketch_place *least = sketch->places;
	uint64_t mark;

	if (name.size > SKETCH_NAME)
		name.size = SKETCH_NAME;
	mark = mark_of(name);
	sketch->total += count;
	for (unsigned i = 0; i < sketch->used; i++) {
		struct sketch_place *place = &sketch->places[i];

		if (place->mark == mark && place->size == name.size && memcmp(place->name, name.data, name.size) == 0) {
			place->count += count;
			place->over += over;
			return;
		}
		if (place->count < least->count)
			least = place;
	}
	if (sketch->used < SKETCH_PLACES) {
		least = &sketch->places[sketch->used++];
		least->count = least->over = 0;
	} else {
		least->over = least->count;
	}
	least->count += count;
	least->over += over;
	least->mark = mark;
	least->size = (uint8_t)name.size;
	memcpy(least->name, name.data, name.size);
}

void sketch_add(struct sketch *sketch, struct fw_slice name, uint64_t count)
{
	if (name.size != 0 && count != 0)
		take(sketch, name, count, 0);
}

void sketch_merge(struct sketch *sketch, const struct sketch *other)
{
	for (unsigned i = 0; i < other->used; i++)
		take(sketch, slice(other->places[i].name, other->places[i].size), other->places[i].count,
		     other->places[i].over);
}

unsigned sketch_order(const struct sketch *sketch, unsigned ret_order[SKETCH_PLACES])
{
	for (unsigned i = 0; i < sketch->used; i++) {
		unsigned at = i;

		for (; at != 0 && sketch->places[ret_order[at - 1]].count < sketch->places[i].count; at--)
			ret_order[at] = ret_order[at - 1];
		ret_order[at] = i;
	}
	return sketch->used;
}
