/* arena.h: memory of one message: allocate in a row, forget all at once, never beyond a limit.
 * Owns its blocks. One thread. A failed allocation is NULL and the arena stays usable. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>
#include <stdint.h>

struct arena_block;
struct arena {
	uint8_t *next; /* free bytes of the current block */
	size_t left;
	struct arena_block *blocks; /* newest first; the last (first made) one is kept over resets */
	size_t total;		    /* bytes in blocks */
	size_t limit;
};

/* No memory is taken before the first allocation. */
void arena_init(struct arena *arena, size_t limit);
void arena_fini(struct arena *arena);
/* Forgets everything and keeps one block of at most 64 KiB. */
void arena_reset(struct arena *arena);
/* The same, and what was in it is overwritten. */
void arena_wipe(struct arena *arena);
/* 16-byte aligned, not cleared. NULL at the limit or when memory is short. */
void *arena_alloc(struct arena *arena, size_t size);
/* Gives back the tail of the newest allocation: it was size bytes and only used are kept. */
void arena_trim(struct arena *arena, void *newest, size_t size, size_t used);
#endif
