#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/hub_state.h"

static void row_fini(struct hub_row *row)
{
	mem_free(row->key.data);
	for (unsigned i = 0; i < HUB_TEXTS; i++)
		mem_free(row->texts[i].data);
	*row = (struct hub_row){ 0 };
}

void hub_rows_fini(struct hub_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		row_fini(&rows->rows[i]);
	mem_free(rows->rows);
	rows->rows = NULL;
	rows->count = rows->room = 0;
}

/* Rows are made with ascending ids and never reordered. */
struct hub_row *hub_rows_by_id(struct hub_rows *rows, int64_t id)
{
	size_t low = 0, high = rows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->rows[middle].id == id)
			return &rows->rows[middle];
		if (rows->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct hub_row *hub_rows_by_key(struct hub_rows *rows, struct fw_slice key)
{
	for (size_t i = 0; i < rows->count; i++)
		if (slice_equal(slice(rows->rows[i].key.data, rows->rows[i].key.size), key))
			return &rows->rows[i];
	return NULL;
}

struct hub_row *hub_rows_add(struct hub_rows *rows, bool *ret_full)
{
	struct hub_row *row;

	*ret_full = rows->count >= rows->limit;
	if (*ret_full)
		return NULL;
	if (rows->count == rows->room) {
		size_t room = rows->room != 0 ? rows->room * 2 : 16, size;
		struct hub_row *larger;

		if (!size_mul(room, sizeof(*rows->rows), &size))
			return NULL;
		larger = mem_resize(rows->rows, size);
		if (larger == NULL)
			return NULL;
		rows->rows = larger;
		rows->room = room;
	}
	row = &rows->rows[rows->count++];
	*row = (struct hub_row){ .id = ++rows->last_id };
	return row;
}

void hub_rows_remove(struct hub_rows *rows, struct hub_row *row)
{
	size_t behind = (size_t)(rows->rows + rows->count - (row + 1));

	row_fini(row);
	memmove(row, row + 1, behind * sizeof(*row));
	rows->count--;
}

bool hub_rows_set(struct hub_text *text, struct fw_slice value)
{
	char *copy = mem_text(value.data, value.size);

	if (copy == NULL)
		return false;
	mem_free(text->data);
	*text = (struct hub_text){ copy, value.size };
	return true;
}
