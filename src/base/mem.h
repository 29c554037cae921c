/* mem.h: allocation, in one place so that tests can make the n-th one fail.
 * Owns nothing but a test counter per thread. Any thread. Never aborts: a failure is NULL. */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);		   /* not cleared; NULL when short */
void *mem_zero(size_t count, size_t size); /* cleared; checks the product */
/* A large table that lives long: cleared, pages of its own that take no memory before they are touched, from the begin
 * of a line of the cache on, and between two pages that nobody may touch: who writes beyond it does not go on.
 * MEM_HUGE: of 2 MiB or more in huge pages, where the kernel has them, as whoever looks at a place of it that nobody
 * looked at of late also waits for the table of pages. NULL when short. Freed with what it was made with; NULL-safe. */
enum mem_pages { MEM_SMALL, MEM_HUGE };
void *mem_table(size_t count, size_t size, enum mem_pages pages);
void mem_table_free(void *table, size_t count, size_t size, enum mem_pages pages);
void *mem_resize(void *memory, size_t size);	/* like realloc; the old block stays on failure */
void mem_free(void *memory);			/* NULL-safe */
char *mem_text(const void *bytes, size_t size); /* copy with a NUL behind it */
void mem_wipe(void *memory, size_t size);	/* overwrites, not optimised away */

/* Tests: this thread's n-th allocation from now fails, 0 switches it off. Returns how many were made since the last
 * call. */
uint64_t mem_fail_at(uint64_t n);

/* Checked arithmetic on lengths that come from input: false (and nothing stored) on overflow. */
#define size_add(a, b, ret) (!__builtin_add_overflow((size_t)(a), (size_t)(b), (ret)))
#define size_mul(a, b, ret) (!__builtin_mul_overflow((size_t)(a), (size_t)(b), (ret)))
#endif
