#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

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

/* Where a table lies: behind one page that nobody may touch, and before another, beside whose begin it ends. */
struct place {
	size_t page, align; /* octets of a page; what the table's pages begin at a multiple of */
	size_t lead, span;  /* octets of its pages before it; of all of them */
};

static bool place_of(size_t count, size_t size, enum mem_pages pages, struct place *ret_place)
{
	size_t bytes, page = (size_t)sysconf(_SC_PAGESIZE);

	if (!size_mul(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return false;
	if (bytes == 0)
		bytes = 1;
	ret_place->page = page;
	ret_place->align = pages == MEM_SMALL || bytes < HUGE_PAGE ? page : HUGE_PAGE;
	ret_place->span = (bytes + page - 1) & ~(page - 1);
	ret_place->lead = ret_place->align == page ? (ret_place->span - bytes) & ~(size_t)(LINE - 1) : 0;
	return true;
}

/* LeakSanitizer does not look at mappings by itself for what leads to memory of the heap. */
extern void __lsan_register_root_region(const void *, size_t) __attribute__((weak));
extern void __lsan_unregister_root_region(const void *, size_t) __attribute__((weak));

void *mem_table(size_t count, size_t size, enum mem_pages kind)
{
	uint8_t *all, *pages;
	struct place place;
	size_t room;

	if (must_fail() || !place_of(count, size, kind, &place))
		return NULL;
	room = place.span + 2 * place.page + (place.align - place.page);
	all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	pages = (uint8_t *)(((uintptr_t)all + place.page + place.align - 1) & ~(uintptr_t)(place.align - 1));
	if (pages - place.page != all)
		(void)munmap(all, (size_t)(pages - place.page - all));
	if (pages + place.span + place.page != all + room)
		(void)munmap(pages + place.span + place.page, (size_t)(all + room - (pages + place.span + place.page)));
	if (mprotect(pages, place.span, PROT_READ | PROT_WRITE) != 0) {
		(void)munmap(pages - place.page, place.span + 2 * place.page);
		return NULL;
	}
	if (place.align == HUGE_PAGE) /* what cannot be stays in small ones */
		(void)madvise(pages, place.span & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
	if (__lsan_register_root_region != NULL)
		__lsan_register_root_region(pages, place.span);
	return pages + place.lead;
}

void mem_table_free(void *table, size_t count, size_t size, enum mem_pages kind)
{
	struct place place;
	uint8_t *pages;

	if (table == NULL || !place_of(count, size, kind, &place))
		return;
	pages = (uint8_t *)table - place.lead;
	if (__lsan_unregister_root_region != NULL)
		__lsan_unregister_root_region(pages, place.span);
	(void)munmap(pages - place.page, place.span + 2 * place.page);
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
