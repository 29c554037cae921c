/* any_octet.h: for tests: octets that look like noise and are the same in each run; set `seed` before. */
#ifndef TESTS_ANY_OCTET_H
#define TESTS_ANY_OCTET_H
#include <stdint.h>

static uint64_t seed = 5;

static uint8_t any(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint8_t)(seed >> 33);
}
#endif
