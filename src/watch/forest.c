/* forest.c: half-space trees; a vector costs a walk down each tree. */
#include "watch/forest.h"

#include <math.h>
#include <string.h>

enum { SMALL = FOREST_WINDOW / 10 }; /* a place with fewer is not looked into */

static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void plant(struct forest *forest)
{
	if (forest->figures == 0)
		return;
	for (unsigned tree = 0; tree < FOREST_TREES; tree++) {
		/* A room around the data that is not the same for any two trees. */
		float low[FOREST_SIZES], high[FOREST_SIZES], lows[FOREST_INNER][FOREST_SIZES],
			highs[FOREST_INNER][FOREST_SIZES];
		for (unsigned i = 0; i < forest->figures; i++) {
			float middle = (float)(draw(&forest->seed) >> 40) * 0x1p-24f,
			      reach = 2 * (middle > 0.5f ? middle : 1 - middle);
			low[i] = middle - reach;
			high[i] = middle + reach;
		}
		memcpy(lows[0], low, sizeof(low));
		memcpy(highs[0], high, sizeof(high));
		for (unsigned node = 0; node < FOREST_INNER; node++) {
			unsigned figure = (unsigned)(draw(&forest->seed) % forest->figures);
			float split = (lows[node][figure] + highs[node][figure]) / 2;
			forest->figure[tree][node] = (uint8_t)figure;
			forest->split[tree][node] = split;
			for (unsigned side = 1; side <= 2 && 2 * node + side < FOREST_INNER; side++) {
				memcpy(lows[2 * node + side], lows[node], sizeof(low));
				memcpy(highs[2 * node + side], highs[node], sizeof(high));
				if (side == 1)
					highs[2 * node + side][figure] = split;
				else
					lows[2 * node + side][figure] = split;
			}
		}
	}
}

void forest_reset(struct forest *forest, unsigned figures, uint64_t seed)
{
	memset(forest, 0, sizeof(*forest));
	forest->figures = figures < 1 ? 1 : figures > FOREST_SIZES ? FOREST_SIZES : figures;
	forest->seed = seed;
}

/* The first window only tells how far the figures reach. */
static void measure(struct forest *forest, const float *vector)
{
	for (unsigned i = 0; i < forest->figures; i++) {
		float high = forest->count ? forest->scale[i] : vector[i]; /* until the window is full: the most */
		forest->scale[i] = vector[i] > high ? vector[i] : high;
		if (!forest->count || vector[i] < forest->least[i])
			forest->least[i] = vector[i];
	}
	if (++forest->count < FOREST_WINDOW)
		return;
	for (unsigned i = 0; i < forest->figures; i++) {
		float wide = forest->scale[i] - forest->least[i];
		forest->scale[i] = wide > 1e-6f ? 1 / wide : 1;
	}
	plant(forest);
	forest->count = 0;
	forest->windows = 1;
}

float forest_take(struct forest *forest, const float *vector)
{
	for (unsigned i = 0; i < forest->figures; i++)
		if (!(fabsf(vector[i]) < 1e30f))
			return 0;
	if (!forest->windows) {
		if (!forest->frozen)
			measure(forest, vector);
		return 0;
	}
	float place[FOREST_SIZES];
	for (unsigned i = 0; i < forest->figures; i++)
		place[i] = (vector[i] - forest->least[i]) * forest->scale[i];
	float sum = 0;
	for (unsigned tree = 0; tree < FOREST_TREES; tree++) {
		const uint16_t *known = forest->known[tree];
		unsigned node = 0, depth = 0;
		bool ended = false;
		for (;; depth++) {
			if (!forest->frozen)
				forest->next[tree][node]++;
			if (!ended && (known[node] < SMALL || depth == FOREST_DEPTH)) {
				sum += log2f(1 + (float)known[node] * (float)(1u << depth));
				ended = true;
			}
			if (depth == FOREST_DEPTH || (ended && forest->frozen))
				break;
			node = 2 * node + 1 + (place[forest->figure[tree][node]] >= forest->split[tree][node]);
		}
	}
	bool young = forest->windows < 2;
	if (!forest->frozen && ++forest->count == FOREST_WINDOW) {
		memcpy(forest->known, forest->next, sizeof(forest->known));
		memset(forest->next, 0, sizeof(forest->next));
		forest->count = 0;
		forest->windows++;
	}
	/* All in one place down to the leaf: 0. */
	return young ? 0 : 1 - sum / (FOREST_TREES * log2f(1 + FOREST_WINDOW * (float)(1u << FOREST_DEPTH)));
}
