/* zlib_memory.h: zlib's allocations, made where all others are. Only for the files of this folder that call zlib. */
#ifndef CODEC_ZLIB_MEMORY_H
#define CODEC_ZLIB_MEMORY_H
#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"

static inline voidpf zlib_memory_take(voidpf user, uInt items, uInt size)
{
	size_t all;

	(void)user;
	return size_mul(items, size, &all) ? mem_alloc(all) : Z_NULL;
}

static inline void zlib_memory_give(voidpf user, voidpf memory)
{
	(void)user;
	mem_free(memory);
}
#endif
