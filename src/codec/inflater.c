#include "codec/inflater.h"

#include "base/limits.h"
#include "base/slice.h"
#include "codec/zlib_memory.h"

enum {
	WINDOW_BITS = -15, /* no zlib header; reads what any smaller window made */
	FIRST_ROOM = 4,	   /* times the size of the message: text shrinks to a quarter or so */
	COUNT_ROOM = 16384,
	AT_BOUNDARY = 128, /* z_stream.data_type: behind the end of a block */
	UNUSED_BITS = 63
};

/* RFC 7692 7.2.2: what the sender took away: the octets of an empty block without its header's. */
static const uint8_t tail[4] = { 0x00, 0x00, 0xff, 0xff };

struct task {
	z_stream *z;
	struct pool *pool;
	struct buf *plain; /* NULL: the octets are only counted */
	uint64_t bound;
	uint64_t made;
	bool ended;	/* a block was the last one of its stream */
	bool boundary;	/* all blocks that were begun are at their end */
	uint8_t probe;	/* takes the octet beyond the bound */
	uint8_t *count; /* COUNT_ROOM octets */
};

static z_stream *begin(struct inflater *inflater)
{
	z_stream *z = inflater->stream;

	if (z != NULL)
		return inflateReset(z) == Z_OK ? z : NULL;
	z = mem_zero(1, sizeof(*z));
	if (z == NULL)
		return NULL;
	z->zalloc = zlib_memory_take;
	z->zfree = zlib_memory_give;
	if (inflateInit2(z, WINDOW_BITS) != Z_OK) {
		mem_free(z);
		return NULL;
	}
	inflater->stream = z;
	return z;
}

void inflater_fini(struct inflater *inflater)
{
	if (inflater->stream == NULL)
		return;
	inflateEnd(inflater->stream);
	mem_free(inflater->stream);
	inflater->stream = NULL;
}

/* Where the next octets go. At the bound it is the probe: the bound is passed when that is written. */
static bool give_room(struct task *task)
{
	uint64_t left = task->bound - task->made;
	size_t room = COUNT_ROOM;

	if (left == 0) {
		task->z->next_out = &task->probe;
		task->z->avail_out = 1;
		return true;
	}
	task->z->next_out = task->count;
	if (task->plain != NULL) {
		if (task->plain->base == NULL || task->plain->end == task->plain->capacity) {
			task->z->next_out = buf_reserve(task->plain, task->pool, 1);
			if (task->z->next_out == NULL)
				return false;
		}
		task->z->next_out = task->plain->base + task->plain->end;
		room = task->plain->capacity - task->plain->end;
	}
	if (room > left)
		room = (size_t)left;
	task->z->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
	return true;
}

static enum inflater_result feed(struct task *task, const uint8_t *octets, size_t size)
{
	z_stream *z = task->z;

	z->next_in = octets;
	z->avail_in = (uInt)size;
	do {
		size_t made;
		int status;

		if (!give_room(task))
			return INFLATER_MEMORY;
		made = z->avail_out;
		status = inflate(z, Z_SYNC_FLUSH);
		made -= z->avail_out;
		if (made > task->bound - task->made)
			return INFLATER_TOO_LARGE;
		task->made += made;
		if (task->plain != NULL)
			buf_added(task->plain, made);
		if (status == Z_STREAM_END) {
			task->ended = true;
			return INFLATER_OK;
		}
		if (status == Z_MEM_ERROR)
			return INFLATER_MEMORY;
		if (status != Z_OK && status != Z_BUF_ERROR)
			return INFLATER_CORRUPT;
		if (status == Z_OK) /* a call without progress forgets it */
			task->boundary = (z->data_type & AT_BOUNDARY) != 0 && (z->data_type & UNUSED_BITS) == 0;
	} while (z->avail_in != 0 || z->avail_out == 0);
	return INFLATER_OK;
}

/* The whole message. Its blocks must end where it does: what is cut short, and what follows a last block, is refused,
 * since another reader may take it otherwise. */
static enum inflater_result read_all(struct task *task, struct fw_slice message)
{
	z_stream *z = task->z;
	enum inflater_result result = message.size != 0 ? feed(task, message.data, message.size) : INFLATER_OK;

	if (result != INFLATER_OK)
		return result;
	/* RFC 7692 7.2.3.4: behind a block with BFINAL there is the header of an empty one, or nothing at all. */
	if (task->ended)
		return z->avail_in == 0 || (z->avail_in == 1 && z->next_in[0] == 0) ? INFLATER_OK : INFLATER_CORRUPT;
	result = feed(task, tail, sizeof(tail));
	if (result != INFLATER_OK)
		return result;
	if (task->ended)
		return z->avail_in == 0 ? INFLATER_OK : INFLATER_CORRUPT;
	return task->boundary ? INFLATER_OK : INFLATER_CORRUPT;
}

/* Counts the octets of a message that has many, then keeps them in a buffer of that size: one that is refused costs no
 * memory. */
static enum inflater_result read_large(struct task *task, struct fw_slice message)
{
	uint8_t count[COUNT_ROOM];
	struct buf *plain = task->plain;
	enum inflater_result result;

	buf_clear(plain, task->pool);
	*task = (struct task){ .z = task->z, .pool = task->pool, .bound = task->bound, .count = count };
	if (inflateReset(task->z) != Z_OK)
		return INFLATER_MEMORY;
	result = read_all(task, message);
	if (result != INFLATER_OK)
		return result;
	if (inflateReset(task->z) != Z_OK)
		return INFLATER_MEMORY;
	if (buf_reserve(plain, task->pool, (size_t)task->made) == NULL)
		return INFLATER_MEMORY;
	*task = (struct task){ .z = task->z, .pool = task->pool, .bound = task->made, .plain = plain };
	return read_all(task, message);
}

/* Octets that a message of this size may become. */
static uint64_t bound_of(size_t size, const struct inflater_limits *limits)
{
	uint64_t most;

	if (limits->ratio == 0 || __builtin_mul_overflow((uint64_t)size, limits->ratio, &most))
		return limits->max;
	if (most < LIMIT_INFLATE_FREE)
		most = LIMIT_INFLATE_FREE;
	return most < limits->max ? most : limits->max;
}

enum inflater_result inflater_message(struct inflater *inflater, struct pool *pool, struct fw_slice message,
				      const struct inflater_limits *limits, struct buf *ret_plain)
{
	struct task task = { .z = begin(inflater), .pool = pool, .plain = ret_plain };
	uint64_t most = bound_of(message.size, limits);
	enum inflater_result result;
	size_t first;

	if (task.z == NULL)
		return INFLATER_MEMORY;
	if (message.size > UINT32_MAX)
		return INFLATER_TOO_LARGE;
	task.bound = most < LIMIT_INFLATE_FREE ? most : LIMIT_INFLATE_FREE;
	first = message.size < task.bound / FIRST_ROOM ? message.size * FIRST_ROOM : (size_t)task.bound;
	if (buf_reserve(ret_plain, pool, first) == NULL)
		return INFLATER_MEMORY;
	result = read_all(&task, message);
	if (result == INFLATER_TOO_LARGE && most > task.bound) {
		task.bound = most;
		result = read_large(&task, message);
	}
	if (result == INFLATER_TOO_LARGE && most < limits->max)
		result = INFLATER_RATIO;
	if (result != INFLATER_OK)
		buf_clear(ret_plain, pool);
	return result;
}
