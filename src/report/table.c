/* Tables as JSON: every cell a text, as it is printed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "report/report_parts.h"

void table_open(struct table *table, struct report *report, const char *id, const char *title, const char *columns)
{
	struct json_writer *w = &table->w;

	*table = (struct table){ .report = report, .w = { .out = &report->tables, .pool = &report->pool } };
	w->comma = buf_size(&report->tables) > 1;
	json_write_open(w, '{');
	json_write_key(w, "id");
	json_write_string(w, id);
	json_write_key(w, "title");
	json_write_string(w, title);
	json_write_key(w, "columns");
	json_write_open(w, '[');
	while (columns != NULL) {
		const char *end = strchr(columns, '|');

		json_write_text(w, end != NULL ? slice(columns, (size_t)(end - columns)) : slice_text(columns));
		columns = end != NULL ? end + 1 : NULL;
	}
	json_write_close(w, ']');
	json_write_key(w, "rows");
	json_write_open(w, '[');
}

bool table_row(struct table *table)
{
	if (table->rows >= table->report->options->rows) {
		table->left_out++;
		return false;
	}
	table->rows++;
	json_write_open(&table->w, '[');
	return true;
}

void table_row_end(struct table *table)
{
	json_write_close(&table->w, ']');
}

void table_text(struct table *table, const char *text)
{
	json_write_string(&table->w, text);
}

void table_slice(struct table *table, struct fw_slice text)
{
	json_write_text(&table->w, text);
}

void table_number(struct table *table, uint64_t number)
{
	char text[ENCODE_U64];

	json_write_text(&table->w, slice(text, encode_u64(number, text)));
}

void table_time(struct table *table, uint64_t wall_us)
{
	char text[REPORT_TIME];

	report_time(wall_us, text);
	table_text(table, wall_us != 0 ? text : "");
}

void table_name(struct table *table, uint32_t number)
{
	char room[NAME_ROOM];
	enum name_kind kind;
	struct fw_slice text;

	if (!names_text(&table->report->facts.names, number, room, &text, &kind))
		text = slice_text("(cannot be read)");
	table_slice(table, text);
}

void table_close(struct table *table, const char *note, const char *rest)
{
	struct json_writer *w = &table->w;
	char text[REPORT_WORDS * 2] = "";
	int size = 0;

	if (note != NULL)
		size = snprintf(text, sizeof(text), "%s", note);
	if (table->left_out != 0)
		snprintf(text + size, sizeof(text) - (size_t)size, "%s%" PRIu64 " more rows are left out (--rows)%s%s.",
			 size != 0 ? " " : "", table->left_out, rest != NULL ? ": " : "", rest != NULL ? rest : "");
	json_write_close(w, ']');
	json_write_key(w, "note");
	json_write_string(w, text);
	json_write_key(w, "left_out");
	json_write_integer(w, (int64_t)table->left_out);
	json_write_close(w, '}');
	table->report->no_memory = table->report->no_memory || w->failed;
}
