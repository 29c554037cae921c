#include "base/arena.h"

#include "base/mem.h"

enum { ALIGN = 16, FIRST_BLOCK = 16384, KEEP_BLOCK = 65536 };

struct arena_block {
	struct arena_block *older;
	size_t size; /* bytes behind the header */
	uint8_t bytes[] __attribute__((aligned(ALIGN)));
};

void arena_init(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit };
}

static void use(struct arena *arena, struct arena_block *block)
{
	arena->next = block != NULL ? block->bytes : NULL;
	arena->left = block != NULL ? block->size : 0;
}

static void drop_to(struct arena *arena, size_t largest)
{
	while (arena->blocks != NULL && (arena->blocks->older != NULL || arena->blocks->size > largest)) {
		struct arena_block *older = arena->blocks->older;

		arena->total -= arena->blocks->size;
		mem_free(arena->blocks);
		arena->blocks = older;
	}
	use(arena, arena->blocks);
}

void arena_fini(struct arena *arena)
{
	drop_to(arena, 0);
}

void arena_reset(struct arena *arena)
{
	/* The common case: everything fitted into the one block that is kept. */
	if (arena->blocks == NULL || (arena->blocks->older == NULL && arena->blocks->size <= KEEP_BLOCK))
		use(arena, arena->blocks);
	else
		drop_to(arena, KEEP_BLOCK);
}

void arena_wipe(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks; block != NULL; block = block->older)
		mem_wipe(block->bytes, block->size);
	arena_reset(arena);
}

static int grow(struct arena *arena, size_t need)
{
	size_t size = arena->total != 0 ? arena->total : FIRST_BLOCK; /* doubles: the number of blocks is logarithmic */
	struct arena_block *block;
	size_t room;

	if (size < need)
		size = need;
	if (arena->total > arena->limit || need > arena->limit - arena->total)
		return 0;
	if (size > arena->limit - arena->total)
		size = arena->limit - arena->total;
	if (!size_add(size, sizeof(struct arena_block), &room))
		return 0;
	block = mem_alloc(room);
	if (block == NULL)
		return 0;
	block->older = arena->blocks;
	block->size = size;
	arena->blocks = block;
	arena->total += size;
	use(arena, block);
	return 1;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t need;
	void *memory;

	if (!size_add(size, ALIGN - 1, &need))
		return NULL;
	need &= ~(size_t)(ALIGN - 1);
	if (need == 0)
		need = ALIGN;
	if (need > arena->left && !grow(arena, need))
		return NULL;
	memory = arena->next;
	arena->next += need;
	arena->left -= need;
	return memory;
}

void arena_trim(struct arena *arena, void *newest, size_t size, size_t used)
{
	size_t had = size != 0 ? (size + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
	size_t keep = used != 0 ? (used + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;

	if ((uint8_t *)newest + had != arena->next || keep > had)
		return;
	arena->next -= had - keep;
	arena->left += had - keep;
}
