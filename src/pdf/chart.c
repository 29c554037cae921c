#include "pdf/chart.h"

#include <stdio.h>
#include <stdlib.h>

#define HEIGHT 90.0

static const char trend[] = "trend";
enum { RECORDS = 1, REFUSED = 3, NUMBER = 32 };

static double number(struct fw_slice cell)
{
	char text[NUMBER];

	snprintf(text, sizeof(text), "%.*s", (int)cell.size, (const char *)cell.data);
	return strtod(text, NULL);
}

void chart_add(struct chart *chart, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS])
{
	unsigned at = chart->count;

	if (!slice_is(head->id, trend) || head->column_count <= REFUSED || at > CHART_BARS)
		return;
	chart->count++;
	if (at == CHART_BARS)
		return;
	snprintf(chart->names[at], CHART_NAME, "%.*s", (int)cells[0].size, (const char *)cells[0].data);
	chart->records[at] = number(cells[RECORDS]);
	chart->refused[at] = number(cells[REFUSED]);
}

static void bar(struct page *page, unsigned rgb, double x, double width, double height)
{
	page_color(page, rgb);
	cairo_rectangle(page->cairo, x, page->y + HEIGHT - height, width, height);
	cairo_fill(page->cairo);
}

static void label(struct page *page, const char *text, double x, double width, double y)
{
	PangoLayout *layout = page_layout(page, PAGE_PLAIN, slice_text(text), width);

	pango_layout_set_alignment(layout, width < page_width(page) ? PANGO_ALIGN_CENTER : PANGO_ALIGN_LEFT);
	page_color(page, 0x4a525c);
	cairo_move_to(page->cairo, x, y);
	pango_cairo_show_layout(page->cairo, layout);
	g_object_unref(layout);
}

void chart_show(const struct chart *chart, struct page *page, struct fw_slice id)
{
	double most = 0, step, room = page_width(page);
	unsigned every;
	char text[96];

	if (!slice_is(id, trend) || chart->count < 2 || chart->count > CHART_BARS)
		return;
	for (unsigned i = 0; i < chart->count; i++)
		if (chart->records[i] > most)
			most = chart->records[i];
	step = room / chart->count;
	every = (unsigned)(80 / step) + 1; /* labels do not meet */
	cairo_tag_begin(page->cairo, "Figure", NULL);
	snprintf(text, sizeof(text), "Events (grey) and refused logins (red); the highest bar is %.0f.", most);
	label(page, text, PAGE_MARGIN, room, page->y);
	page->y += 2 * PAGE_TEXT;
	for (unsigned i = 0; i < chart->count; i++) {
		double x = PAGE_MARGIN + i * step;

		bar(page, 0x9fb0c0, x, step * 0.8, most > 0 ? HEIGHT * chart->records[i] / most : 0);
		bar(page, 0xc22f22, x, step * 0.8, most > 0 ? HEIGHT * chart->refused[i] / most : 0);
		if (i % every == 0 && x + step * every <= PAGE_MARGIN + room + 1)
			label(page, chart->names[i], x, step * every, page->y + HEIGHT + 2);
	}
	cairo_tag_end(page->cairo, "Figure");
	page_color(page, 0x5a626b);
	cairo_rectangle(page->cairo, PAGE_MARGIN, page->y + HEIGHT, room, 0.6);
	cairo_fill(page->cairo);
	page->y += HEIGHT + 3 * PAGE_TEXT;
}
