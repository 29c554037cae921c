#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Thread_local uint64_t fail_at;
static _Thread_local uint64_t made;

static int must_fail(void)
{
	made++;
	return fail_at != 0 && made == fail_at;
}

void *mem_alloc(size_t size)
{
	return must_fail() ? NULL : malloc(size != 0 ? size : 1);
}

void *mem_zero(size_t count, size_t size)
{
	return must_fail() ? NULL : calloc(count != 0 ? count : 1, size != 0 ? size : 1);
}

void *mem_zero_table(size_t count, size_t size, void **ret_memory)
{
	enum { LINE = 64, HUGE_PAGE = 2 << 20 };
	size_t bytes, room, align;
	void *table;

	*ret_memory = NULL;
	if (!size_mul(count, size, &bytes))
		return NULL;
	align = bytes < HUGE_PAGE ? LINE : HUGE_PAGE;
	if (!size_add(bytes, align, &room))
		return NULL;
	*ret_memory = mem_zero(1, room);
	if (*ret_memory == NULL)
		return NULL;
	table = (void *)(((uintptr_t)*ret_memory + align - 1) & ~(uintptr_t)(align - 1));
	if (align == HUGE_PAGE) /* what cannot be stays in small ones */
		(void)madvise(table, bytes & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
	return table;
}

void *mem_resize(void *memory, size_t size)
{
	return must_fail() ? NULL : realloc(memory, size != 0 ? size : 1);
}

void mem_free(void *memory)
{
	free(memory);
}

char *mem_text(const void *bytes, size_t size)
{
	size_t room;
	char *text = size_add(size, 1, &room) ? mem_alloc(room) : NULL;

	if (text == NULL)
		return NULL;
	if (size != 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}

void mem_wipe(void *memory, size_t size)
{
	if (size != 0)
		memset(memory, 0, size);
	__asm__ __volatile__("" : : "r"(memory) : "memory");
}

uint64_t mem_fail_at(uint64_t n)
{
	uint64_t before = made;

	made = 0;
	fail_at = n;
	return before;
}
