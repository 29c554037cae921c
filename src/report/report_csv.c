/* RFC 4180, each cell in quotation marks. Each line begins with the id of its table, whose first line has the names of
 * its columns. */
#include <string.h>

#include "report/print.h"

/* A spreadsheet takes what begins like this for a formula, and runs it (CWE-1236): an apostrophe makes it a text.
 * Blanks before it do not help, nor does the wide form of the character. */
static bool is_formula(struct fw_slice cell)
{
	static const char *const wide[] = { "\uff1d", "\uff0b", "\uff0d", "\uff20" };

	while (cell.size != 0 && cell.data[0] == ' ')
		cell = slice_from(cell, 1);
	for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (slice_starts(cell, wide[i]))
			return true;
	return cell.size != 0 && memchr("=+-@\t\r\n|%", cell.data[0], 9) != NULL;
}

static void cell(struct print *print, struct fw_slice text)
{
	print_text(print, is_formula(text) ? "\"'" : "\"");
	while (text.size != 0) {
		const uint8_t *quote = memchr(text.data, '"', text.size);
		size_t size = quote != NULL ? (size_t)(quote - text.data) + 1 : text.size;

		print_octets(print, slice(text.data, size));
		if (quote != NULL)
			print_text(print, "\"");
		text = slice_from(text, size);
	}
	print_text(print, "\"");
}

static bool row(void *user, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS])
{
	struct print *print = user;

	cell(print, head->id);
	for (unsigned i = 0; i < head->column_count; i++) {
		print_text(print, ",");
		cell(print, cells[i]);
	}
	print_text(print, "\r\n");
	return !print->failed;
}

static bool begin(void *user, const struct table_head *head)
{
	return row(user, head, head->columns);
}

static bool end(void *user, const struct table_head *head)
{
	struct print *print = user;

	(void)head;
	return !print->failed;
}

bool report_csv(const struct report *report, const struct report_out *out)
{
	struct print print = { .out = out };
	const struct table_reader reader = { begin, row, end, &print };

	print_text(&print, "\xef\xbb\xbf"); /* without it spreadsheets do not take it for UTF-8 */
	return print_tables(report, &reader) && print_end(&print);
}
