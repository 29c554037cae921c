/* pool.h: buffers that a worker lends to its connections and gets back when they are idle.
 * Sizes are powers of two from 1 KiB; a bounded number of each is kept. One thread. */
#ifndef BASE_POOL_H
#define BASE_POOL_H
#include <stddef.h>
#include <stdint.h>

enum { POOL_CLASSES = 11, POOL_SMALLEST = 1024 }; /* 1 KiB … 1 MiB are kept, larger ones go to malloc */

struct pool {
	struct pool_free *free[POOL_CLASSES];
	uint16_t kept[POOL_CLASSES];
};

void pool_init(struct pool *pool);
void pool_fini(struct pool *pool);
/* At least size bytes; ret_size is what it has. NULL when memory is short. */
void *pool_take(struct pool *pool, size_t size, size_t *ret_size);
void pool_give(struct pool *pool, void *memory, size_t size); /* size: as returned by pool_take; NULL-safe */

/* buf: a byte queue in one pool buffer: append behind, consume in front, empty costs nothing. A connection has up to
 * seven, so sizes are 32 bits: no message is nearly as large (limits.def, config.def), and what would not fit is
 * refused like what finds no memory. */
struct buf {
	uint8_t *base;
	uint32_t capacity;
	uint32_t start;
	uint32_t end;
};
#define BUF_LARGEST ((size_t)UINT32_MAX)

/* The queue in a pool buffer whose first octets are taken; neither above BUF_LARGEST. */
static inline struct buf buf_of(uint8_t *base, size_t capacity, size_t used)
{
	return (struct buf){ base, (uint32_t)capacity, 0, (uint32_t)used };
}

static inline size_t buf_size(const struct buf *buf)
{
	return buf->end - buf->start;
}
static inline uint8_t *buf_data(const struct buf *buf)
{
	return buf->base + buf->start;
}
/* Room for size more bytes behind the end; NULL when memory is short. Call buf_added for what was written. */
uint8_t *buf_reserve(struct buf *buf, struct pool *pool, size_t size);
static inline void buf_added(struct buf *buf, size_t size)
{
	buf->end += (uint32_t)size; /* it was reserved, so it fits */
}
/* Keeps the first octets, as many as size says; not more than there are. */
static inline void buf_cut(struct buf *buf, size_t size)
{
	buf->end = buf->start + (uint32_t)size;
}
int buf_append(struct buf *buf, struct pool *pool, const void *bytes, size_t size); /* 0, or -1 when memory is short */
void buf_consume(struct buf *buf, struct pool *pool, size_t size); /* an emptied buffer goes back to the pool */
void buf_clear(struct buf *buf, struct pool *pool);
#endif
