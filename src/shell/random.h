/* random.h: unpredictable bytes from the kernel, as the engine, the store and the keeper want them. */
#ifndef SHELL_RANDOM_H
#define SHELL_RANDOM_H
#include <framewall/types.h>

/* Straight from getrandom(2); any thread. */
struct fw_random random_system(void);

/* The same read in pieces of 4 KiB, each byte handed out once and wiped: for the one thread that owns it. */
struct random_stock {
	size_t left;
	uint8_t bytes[4096];
};
struct fw_random random_from(struct random_stock *stock);
#endif
