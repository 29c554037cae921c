#include "report/table_read.h"

#include <string.h>

#include "base/slice.h"

static bool read_text(const struct json *json, uint32_t node, struct arena *arena, struct fw_slice *ret_text)
{
	if (json->nodes[node].kind != JSON_STRING)
		return false;
	*ret_text = json_text(json, node, arena);
	return ret_text->data != NULL;
}

static bool read_member(const struct json *json, uint32_t table, const char *name, struct arena *arena,
			struct fw_slice *ret_text)
{
	uint32_t node = json_member(json, table, name, strlen(name));

	return node != 0 && read_text(json, node, arena, ret_text);
}

/* The texts of an array: exactly count, or, where count is 0, as many as there are. */
static bool read_texts(const struct json *json, uint32_t array, struct arena *arena, unsigned count,
		       struct fw_slice ret_texts[TABLE_COLUMNS])
{
	uint32_t node = array + 1;

	if (json->nodes[array].kind != JSON_ARRAY || json->nodes[array].count == 0 ||
	    json->nodes[array].count > TABLE_COLUMNS || (count != 0 && json->nodes[array].count != count))
		return false;
	for (unsigned i = 0; i < json->nodes[array].count; i++) {
		if (!read_text(json, node, arena, &ret_texts[i]))
			return false;
		node = json->nodes[node].next;
	}
	return true;
}

static bool read_table(const struct json *json, uint32_t table, struct arena *arena, const struct table_reader *reader)
{
	struct fw_slice cells[TABLE_COLUMNS];
	struct table_head head = { 0 };
	uint32_t columns, rows, row;

	if (json->nodes[table].kind != JSON_OBJECT || !read_member(json, table, "id", arena, &head.id) ||
	    !read_member(json, table, "title", arena, &head.title) ||
	    !read_member(json, table, "note", arena, &head.note))
		return false;
	columns = json_member(json, table, "columns", 7);
	rows = json_member(json, table, "rows", 4);
	if (columns == 0 || rows == 0 || json->nodes[rows].kind != JSON_ARRAY ||
	    !read_texts(json, columns, arena, 0, head.columns))
		return false;
	head.column_count = json->nodes[columns].count;
	if (!reader->begin(reader->user, &head))
		return false;
	row = rows + 1;
	for (uint32_t i = 0; i < json->nodes[rows].count; i++) {
		if (!read_texts(json, row, arena, head.column_count, cells) || !reader->row(reader->user, &head, cells))
			return false;
		row = json->nodes[row].next;
	}
	return reader->end(reader->user, &head);
}

bool table_read(const struct json *json, uint32_t array, struct arena *arena, const struct table_reader *reader)
{
	uint32_t table = array + 1;

	if (json->nodes[array].kind != JSON_ARRAY)
		return false;
	for (uint32_t i = 0; i < json->nodes[array].count; i++) {
		if (!read_table(json, table, arena, reader))
			return false;
		table = json->nodes[table].next;
	}
	return true;
}
