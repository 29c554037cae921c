/* dice.c: random numbers. */
#include <math.h>

#include "world.h"

uint64_t dice(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

double dice_unit(uint64_t *state)
{
	return (double)(dice(state) >> 11) * 0x1p-53;
}

uint32_t dice_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)(((dice(state) >> 32) * bound) >> 32);
}

double dice_normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(1 - dice_unit(state)));
	return radius * cos(6.283185307179586 * dice_unit(state));
}

double dice_exponential(uint64_t *state, double mean)
{
	return -mean * log(1 - dice_unit(state));
}
