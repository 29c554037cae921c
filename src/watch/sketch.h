/* sketch.h: what there is most of, by space saving (Metwally, Agrawal, El Abbadi 2005): so many places; who has none
 * takes that of the least, with its count, which is then how far the new one may be too high. Whoever is more than one
 * in SKETCH_PLACES of all has a place, and no count is too low. Plain memory; no state beside it. */
#ifndef WATCH_SKETCH_H
#define WATCH_SKETCH_H
#include <framewall/types.h>

enum { SKETCH_PLACES = 64, SKETCH_NAME = 128 };

struct sketch_place {
	uint64_t count;
	uint64_t over; /* the count may be too high by so much */
	uint64_t mark; /* of the name, to find it */
	uint8_t size;
	char name[SKETCH_NAME]; /* a longer one is cut */
};
struct sketch {
	unsigned used;
	uint64_t total; /* of all that was counted */
	struct sketch_place places[SKETCH_PLACES];
};

void sketch_add(struct sketch *sketch, struct fw_slice name, uint64_t count);
void sketch_merge(struct sketch *sketch, const struct sketch *other); /* that is counted as well */
/* Places in order, the highest first; how many there are. */
unsigned sketch_order(const struct sketch *sketch, unsigned ret_order[SKETCH_PLACES]);
#endif
