/* other_dice.c: splitmix64 and the few distributions that people's habits need. */
#include "other_dice.h"

#include <string.h>

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t other_hash(uint64_t seed, uint64_t what, uint64_t which)
{
	return mix(mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ (what * UINT64_C(0xd1342543de82ef95))) + which);
}

uint64_t other_roll(struct other_dice *dice)
{
	dice->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(dice->state);
}

double other_unit(struct other_dice *dice)
{
	return (double)(other_roll(dice) >> 11) * (1.0 / 9007199254740992.0);
}

uint32_t other_below(struct other_dice *dice, uint32_t count)
{
	return count < 2 ? 0 : (uint32_t)(((other_roll(dice) >> 32) * count) >> 32);
}

bool other_chance(struct other_dice *dice, double probability)
{
	return other_unit(dice) < probability;
}

double other_between(struct other_dice *dice, double low, double high)
{
	return low + (high - low) * other_unit(dice);
}

/* The sum of twelve is near enough; its tails end at six. */
double other_normal(struct other_dice *dice)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += other_unit(dice);
	return sum;
}

double other_exponential(struct other_dice *dice, double mean)
{
	return -mean * other_log(1.0 - other_unit(dice));
}

double other_lognormal(struct other_dice *dice, double median, double sigma)
{
	return median * other_exp(sigma * other_normal(dice));
}

double other_exp(double x)
{
	double term = 1, sum = 1;

	x /= 256;
	for (int i = 1; i < 8; i++) {
		term *= x / i;
		sum += term;
	}
	for (int i = 0; i < 8; i++)
		sum *= sum;
	return sum;
}

/* Of positive normal numbers: the exponent apart, the rest by the series of artanh. */
double other_log(double x)
{
	uint64_t bits;
	int exponent;
	double z, square, power, sum = 0;

	if (x <= 0)
		return -745;
	memcpy(&bits, &x, sizeof bits);
	exponent = (int)(bits >> 52) - 1023;
	bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
	memcpy(&x, &bits, sizeof x);
	z = (x - 1) / (x + 1);
	square = z * z;
	power = z;
	for (int i = 1; i < 24; i += 2) {
		sum += power / i;
		power *= square;
	}
	return 2 * sum + exponent * 0.69314718055994530942;
}
