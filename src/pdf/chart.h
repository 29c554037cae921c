/* chart.h: the trend as bars: all records, and of them the refused logins. One thread. */
#ifndef PDF_CHART_H
#define PDF_CHART_H
#include "pdf/page.h"
#include "report/table_read.h"

enum { CHART_BARS = 100, CHART_NAME = 16 };

struct chart {
	unsigned count; /* more than CHART_BARS: none is drawn */
	char names[CHART_BARS][CHART_NAME];
	double records[CHART_BARS], refused[CHART_BARS];
};
/* Takes a row, when it is one of the trend. */
void chart_add(struct chart *chart, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS]);
/* Draws it where the table of that id is the trend. */
void chart_show(const struct chart *chart, struct page *page, struct fw_slice id);
#endif
