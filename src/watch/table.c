/* table.c: a table of a fixed size in sets of eight; who was not seen for longest gives way. And sums that fade. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "watch/parts.h"

bool table_init(struct table *table, size_t each, size_t count)
{
	table->each = each;
	table->sets = 1;
	while (table->sets * WAYS < count && table->sets < SIZE_MAX / 4 / WAYS / each)
		table->sets *= 2;
	table->memory = mem_zero(table->sets * WAYS, each);
	return table->memory != NULL;
}

void table_fini(struct table *table)
{
	mem_free(table->memory);
	table->memory = NULL;
}

void table_clear(struct table *table)
{
	memset(table->memory, 0, table->sets * WAYS * table->each);
}

static uint8_t *set_of(const struct table *table, uint64_t key)
{
	uint64_t mixed = key * 0x9e3779b97f4a7c15;

	return table->memory + ((mixed >> 32) & (table->sets - 1)) * WAYS * table->each;
}

void *table_find(const struct table *table, uint64_t key)
{
	uint8_t *set = set_of(table, key);

	for (unsigned way = 0; key != 0 && way < WAYS; way++) {
		struct entry *entry = (struct entry *)(void *)(set + way * table->each);

		if (entry->key == key)
			return entry;
	}
	return NULL;
}

void *table_take(struct table *table, uint64_t key, uint32_t now_s, bool *ret_is_new)
{
	uint8_t *set = set_of(table, key);
	struct entry *oldest = (struct entry *)(void *)set, *found = table_find(table, key);

	*ret_is_new = found == NULL;
	for (unsigned way = 1; found == NULL && way < WAYS; way++) {
		struct entry *entry = (struct entry *)(void *)(set + way * table->each);

		if (oldest->key != 0 && (entry->key == 0 || entry->seen_s < oldest->seen_s))
			oldest = entry;
	}
	if (found == NULL) {
		memset(oldest, 0, table->each);
		found = oldest;
		found->key = key;
	}
	found->seen_s = now_s;
	return found;
}

float fading_now(const struct fading *fading, uint32_t now_s, float life_s)
{
	return now_s <= fading->at_s ? fading->sum : fading->sum * expf(-(float)(now_s - fading->at_s) / life_s);
}

float fading_add(struct fading *fading, float more, uint32_t now_s, float life_s)
{
	float sum = fading_now(fading, now_s, life_s) + more;

	fading->sum = sum < 1e12f ? sum : 1e12f;
	fading->at_s = now_s;
	return fading->sum;
}
