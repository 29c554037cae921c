/* forest.h: whether a vector of figures lies where few lie: half-space trees (Tan, Ting, Liu, IJCAI 2011). Each tree
 * halves a figure that was drawn again and again; what counts is how many of the last window came to the same place. */
#ifndef FRAMEWALL_WATCH_FOREST_H
#define FRAMEWALL_WATCH_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOREST_TREES = 25,
	FOREST_DEPTH = 8,
	FOREST_NODES = (1 << (FOREST_DEPTH + 1)) - 1,
	FOREST_INNER = (1 << FOREST_DEPTH) - 1,
	FOREST_WINDOW = 250,
	FOREST_SIZES = 16
};

struct forest { /* 83 KiB */
	float split[FOREST_TREES][FOREST_INNER];
	uint16_t known[FOREST_TREES][FOREST_NODES],
		next[FOREST_TREES][FOREST_NODES];	/* of the last window, of this one */
	uint8_t figure[FOREST_TREES][FOREST_INNER];	/* which one is halved */
	float least[FOREST_SIZES], scale[FOREST_SIZES]; /* of the first window: the room that is halved */
	uint32_t figures, count;			/* in this window */
	uint64_t windows, seed;
	bool frozen;
};

void forest_reset(struct forest *forest, unsigned figures, uint64_t seed); /* up to FOREST_SIZES in a vector */
/* 0 (as most are) to 1 (as none was); 0 in the first two windows. Learns the vector, unless frozen. */
float forest_take(struct forest *forest, const float *vector);

#endif
