/* memory.h: what the programs that measure in memory share. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* xorshift: the same in each run. */
static inline uint64_t memory_word(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* As struct fw_random wants it. */
static inline void memory_fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	while (size--)
		*bytes++ = (uint8_t)memory_word();
}

/* As fw_policy_load wants it. */
static inline void memory_report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

/* For qsort: doubles, the least first. */
static inline int memory_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}
#endif
