#include "base/pool.h"

#include <string.h>

#include "base/mem.h"

/* What is kept of one size: bounded in bytes, so that a burst of large messages is not held for ever. */
enum { KEEP_BYTES = 1 << 20 };

struct pool_free {
	struct pool_free *next;
};

void pool_init(struct pool *pool)
{
	memset(pool, 0, sizeof(*pool));
}

void pool_fini(struct pool *pool)
{
	for (unsigned i = 0; i < POOL_CLASSES; i++) {
		while (pool->free[i] != NULL) {
			struct pool_free *next = pool->free[i]->next;

			mem_free(pool->free[i]);
			pool->free[i] = next;
		}
		pool->kept[i] = 0;
	}
}

static unsigned class_of(size_t size, size_t *ret_size)
{
	unsigned size_class = 0;
	size_t room = POOL_SMALLEST;

	while (size_class < POOL_CLASSES && room < size) {
		room <<= 1;
		size_class++;
	}
	*ret_size = size_class < POOL_CLASSES ? room : size;
	return size_class;
}

void *pool_take(struct pool *pool, size_t size, size_t *ret_size)
{
	unsigned size_class = class_of(size, ret_size);

	if (size_class < POOL_CLASSES && pool->free[size_class] != NULL) {
		struct pool_free *taken = pool->free[size_class];

		pool->free[size_class] = taken->next;
		pool->kept[size_class]--;
		return taken;
	}
	return mem_alloc(*ret_size);
}

void pool_give(struct pool *pool, void *memory, size_t size)
{
	size_t room;
	unsigned size_class = class_of(size, &room);
	struct pool_free *given = memory;

	if (memory == NULL)
		return;
	if (size_class >= POOL_CLASSES || room != size || (size_t)pool->kept[size_class] * room >= KEEP_BYTES) {
		mem_free(memory);
		return;
	}
	given->next = pool->free[size_class];
	pool->free[size_class] = given;
	pool->kept[size_class]++;
}

uint8_t *buf_reserve(struct buf *buf, struct pool *pool, size_t size)
{
	size_t used = buf_size(buf), need, room;
	uint8_t *base;

	if (buf->base != NULL && size <= buf->capacity - buf->end)
		return buf->base + buf->end;
	if (!size_add(used, size, &need) || need > BUF_LARGEST)
		return NULL;
	/* Moving to the front is worth it while the front gap is at least as large as what is moved. */
	if (buf->base != NULL && need <= buf->capacity && buf->start >= used) {
		memcpy(buf->base, buf->base + buf->start, used);
		buf->start = 0;
		buf->end = (uint32_t)used;
		return buf->base + buf->end;
	}
	if (need > POOL_SMALLEST << (POOL_CLASSES - 1))
		need = need <= BUF_LARGEST / 3 * 2 ? need + need / 2 : BUF_LARGEST;
	base = pool_take(pool, need, &room);
	if (base == NULL)
		return NULL;
	if (buf->base != NULL && used != 0)
		memcpy(base, buf->base + buf->start, used);
	pool_give(pool, buf->base, buf->capacity);
	*buf = buf_of(base, room, used);
	return base + used;
}

int buf_append(struct buf *buf, struct pool *pool, const void *bytes, size_t size)
{
	uint8_t *room;

	if (size == 0)
		return 0;
	room = buf_reserve(buf, pool, size);
	if (room == NULL)
		return -1;
	memcpy(room, bytes, size);
	buf_added(buf, size);
	return 0;
}

void buf_consume(struct buf *buf, struct pool *pool, size_t size)
{
	buf->start += (uint32_t)size;
	if (buf->start == buf->end)
		buf_clear(buf, pool);
}

void buf_clear(struct buf *buf, struct pool *pool)
{
	pool_give(pool, buf->base, buf->capacity);
	*buf = (struct buf){ 0 };
}
