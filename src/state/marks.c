#include "state/marks.h"

#include "base/mem.h"

#define HOUR_NS (UINT64_C(3600) * 1000000000)
#define HOURS UINT64_C(0xffff) /* of a word, seven years; the rest of it is of the tag */

int marks_init(struct marks *marks, const struct hash_key *key, uint32_t cells)
{
	marks->key = *key;
	marks->mask = cells / MARKS_WAYS - 1;
	marks->words = mem_table(cells, sizeof(*marks->words), MEM_SMALL);
	return marks->words != NULL ? 0 : -1;
}

void marks_fini(struct marks *marks)
{
	mem_table_free((void *)marks->words, (marks->mask + 1) * MARKS_WAYS, sizeof(*marks->words), MEM_SMALL);
}

uint64_t marks_tag(const struct marks *marks, struct fw_slice subject, struct fw_slice part)
{
	/* Hashes of a fixed size each: no subject can end where another's part begins. */
	const uint64_t words[] = { hash_bytes(&marks->key, subject.data, subject.size),
				   hash_bytes(&marks->key, part.data, part.size) };

	return hash_bytes(&marks->key, words, sizeof(words));
}

/* It may stand in either of two sets: with the choice, a set is full only when nearly all are. */
static _Atomic uint64_t *set_of(const struct marks *marks, uint64_t tag, unsigned choice)
{
	uint32_t set = (uint32_t)(choice == 0 ? tag >> 16 : tag >> 40) & marks->mask;

	return &marks->words[(size_t)set * MARKS_WAYS];
}

static bool is_over(uint64_t word, uint64_t now_ns)
{
	return (word & HOURS) <= now_ns / HOUR_NS;
}

static bool is_of(uint64_t word, uint64_t tag)
{
	return ((word ^ tag) & ~HOURS) == 0 && (word & HOURS) != 0;
}

void marks_put(struct marks *marks, uint64_t tag, uint64_t until_ns, uint64_t now_ns)
{
	uint64_t hours = until_ns / HOUR_NS + 1, mine;
	_Atomic uint64_t *cell = NULL;

	mine = (tag & ~HOURS) | (hours < HOURS ? hours : HOURS);
	for (unsigned choice = 0; choice < 2; choice++) {
		_Atomic uint64_t *set = set_of(marks, tag, choice);

		for (unsigned way = 0; way < MARKS_WAYS; way++) {
			uint64_t word = atomic_load_explicit(&set[way], memory_order_relaxed);

			if (is_of(word, tag)) {
				atomic_store_explicit(&set[way], mine, memory_order_relaxed);
				return;
			}
			if (cell == NULL && is_over(word, now_ns))
				cell = &set[way];
		}
	}
	/* Two threads may take the same one: then one of the two is not remembered. */
	if (cell != NULL)
		atomic_store_explicit(cell, mine, memory_order_relaxed);
}

bool marks_has(const struct marks *marks, uint64_t tag, uint64_t now_ns)
{
	for (unsigned choice = 0; choice < 2; choice++) {
		const _Atomic uint64_t *set = set_of(marks, tag, choice);

		for (unsigned way = 0; way < MARKS_WAYS; way++) {
			uint64_t word = atomic_load_explicit(&set[way], memory_order_relaxed);

			if (is_of(word, tag) && !is_over(word, now_ns))
				return true;
		}
	}
	return false;
}
