/* clock.h: what time it is, for what is no engine: that is given its time. Of a clock that nobody sets: uv_hrtime. No
 * state; any thread. */
#ifndef SHELL_CLOCK_H
#define SHELL_CLOCK_H
#include <stdint.h>
#include <time.h>

/* Microseconds since 1970. */
static inline uint64_t clock_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
#endif
