/* other_dice.h: chance of one actor. Each actor has dice of his own, so that nobody's throws shift another's. The
 * functions need no libm, and give the same everywhere. */
#ifndef BENCH_WATCH_OTHER_DICE_H
#define BENCH_WATCH_OTHER_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct other_dice {
	uint64_t state;
};

uint64_t other_hash(uint64_t seed, uint64_t what, uint64_t which);
uint64_t other_roll(struct other_dice *dice);
double other_unit(struct other_dice *dice); /* from 0 to below 1 */
uint32_t other_below(struct other_dice *dice, uint32_t count);
bool other_chance(struct other_dice *dice, double probability);
double other_between(struct other_dice *dice, double low, double high);
double other_normal(struct other_dice *dice);
double other_exponential(struct other_dice *dice, double mean);
double other_lognormal(struct other_dice *dice, double median, double sigma);
double other_exp(double x);
double other_log(double x);

#endif
