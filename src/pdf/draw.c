#include "pdf/draw.h"

#include <stdio.h>
#include <string.h>

#include "pdf/chart.h"
#include "report/table_read.h"

#define PAD 4.0
#define GAP 1.5
#define WIDEST 0.5 /* of the page, for one column */

enum { WIDE_FROM = 6, SAMPLES = 300, TABLES = 40, TITLE = 256 };

struct column {
	double x, width;
	bool number; /* one of its cells is, and none is anything else */
	bool text;
};

struct drawing {
	struct page *page;
	/* all tables are measured before the first is drawn */
	struct column measured[TABLES][TABLE_COLUMNS];
	struct column *columns; /* of the table */
	unsigned table, rows;
	bool stripe;
	struct chart chart;
};

static bool is_number(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return true;
}

static double natural_width(struct page *page, enum page_font font, struct fw_slice text)
{
	uint64_t no_glyphs = page->no_glyphs;
	PangoLayout *layout = page_layout(page, font, text, 0);
	PangoRectangle extents;

	page->no_glyphs = no_glyphs; /* counted where it is shown */
	pango_layout_get_extents(layout, NULL, &extents);
	g_object_unref(layout);
	return (double)extents.width / PANGO_SCALE + 2 * PAD + 0.5;
}

/* Columns as wide as what is in them; where that is too much, the widest give way until it fits. */
static void fit(struct drawing *drawing, unsigned count)
{
	double room = page_width(drawing->page), low = 0, high = room * WIDEST, x = PAGE_MARGIN, sum = 0;

	for (unsigned step = 0; step < 40; step++) {
		double cap = step == 0 ? high : (low + high) / 2;

		sum = 0;
		for (unsigned i = 0; i < count; i++)
			sum += drawing->columns[i].width < cap ? drawing->columns[i].width : cap;
		if (sum > room)
			high = cap;
		else
			low = cap;
		if (step == 0 && sum <= room)
			break;
	}
	for (unsigned i = 0; i < count; i++) {
		struct column *column = &drawing->columns[i];

		if (column->width > low)
			column->width = low;
	}
	sum = 0;
	for (unsigned i = 0; i < count; i++)
		sum += drawing->columns[i].width;
	for (unsigned i = 0; i < count; i++) {
		drawing->columns[i].width *= room / sum;
		drawing->columns[i].x = x;
		x += drawing->columns[i].width;
	}
}

static bool measure_begin(void *user, const struct table_head *head)
{
	struct drawing *drawing = user;

	if (drawing->table == TABLES)
		return false;
	drawing->columns = drawing->measured[drawing->table];
	for (unsigned i = 0; i < head->column_count; i++)
		drawing->columns[i] = (struct column){
			.width = natural_width(drawing->page, PAGE_BOLD, head->columns[i]),
		};
	drawing->rows = 0;
	return true;
}

static bool measure_row(void *user, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS])
{
	struct drawing *drawing = user;

	for (unsigned i = 0; i < head->column_count; i++) {
		double width = drawing->rows < SAMPLES ? natural_width(drawing->page, PAGE_PLAIN, cells[i]) : 0;

		if (width > drawing->columns[i].width)
			drawing->columns[i].width = width;
		drawing->columns[i].text = drawing->columns[i].text || !is_number(cells[i]);
		drawing->columns[i].number =
			!drawing->columns[i].text && (drawing->columns[i].number || cells[i].size != 0);
	}
	chart_add(&drawing->chart, head, cells);
	drawing->rows++;
	return true;
}

static bool measure_end(void *user, const struct table_head *head)
{
	struct drawing *drawing = user;

	(void)head;
	drawing->table++;
	return true;
}

/* A row's cells, of which some lines may be on this page and the rest on the next. */
struct cell {
	PangoLayout *layout;
	int line, lines; /* the next one, and how many there are */
};

static double line_height(struct cell *cell)
{
	PangoLayoutLine *line = pango_layout_get_line_readonly(cell->layout, cell->line);
	PangoRectangle extents;

	pango_layout_line_get_extents(line, NULL, &extents);
	return (double)extents.height / PANGO_SCALE;
}

static double rest_height(struct cell *cell)
{
	int from = cell->line;
	double height = 0;

	for (; cell->line < cell->lines; cell->line++)
		height += line_height(cell);
	cell->line = from;
	return height;
}

static void show_line(struct page *page, struct cell *cell, const struct column *column, double y)
{
	PangoLayoutLine *line = pango_layout_get_line_readonly(cell->layout, cell->line);
	bool from_right = column->number || pango_layout_line_get_resolved_direction(line) == PANGO_DIRECTION_RTL;
	PangoRectangle extents;
	double x = column->x + PAD;

	pango_layout_line_get_extents(line, NULL, &extents);
	if (from_right)
		x = column->x + column->width - PAD - (double)extents.width / PANGO_SCALE;
	cairo_move_to(page->cairo, x, y - (double)extents.y / PANGO_SCALE);
	pango_cairo_show_layout_line(page->cairo, line);
}

/* What fits above bottom; the height that took. */
static double show_cells(struct drawing *drawing, struct cell *cells, unsigned count, double bottom, const char *tag)
{
	struct page *page = drawing->page;
	double tallest = 0;

	cairo_tag_begin(page->cairo, "TR", NULL);
	for (unsigned i = 0; i < count; i++) {
		double y = page->y + GAP;

		cairo_tag_begin(page->cairo, tag, NULL);
		while (cells[i].line < cells[i].lines && y + line_height(&cells[i]) <= bottom) {
			double height = line_height(&cells[i]);

			show_line(page, &cells[i], &drawing->columns[i], y);
			y += height;
			cells[i].line++;
		}
		cairo_tag_end(page->cairo, tag);
		if (y - page->y > tallest)
			tallest = y - page->y;
	}
	cairo_tag_end(page->cairo, "TR");
	return tallest + GAP;
}

static bool is_done(const struct cell *cells, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (cells[i].line < cells[i].lines)
			return false;
	return true;
}

static void make_cells(struct drawing *drawing, enum page_font font, const struct fw_slice *texts, unsigned count,
		       struct cell ret_cells[TABLE_COLUMNS], double *ret_height)
{
	*ret_height = 0;
	for (unsigned i = 0; i < count; i++) {
		struct cell *cell = &ret_cells[i];
		double height;

		*cell = (struct cell){ page_layout(drawing->page, font, texts[i],
						   drawing->columns[i].width - 2 * PAD) };
		cell->lines = pango_layout_get_line_count(cell->layout);
		height = rest_height(cell) + 2 * GAP;
		if (height > *ret_height)
			*ret_height = height;
	}
}

static void free_cells(struct cell *cells, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		g_object_unref(cells[i].layout);
}

static void paint(struct page *page, unsigned rgb, double y, double height)
{
	page_color(page, rgb);
	cairo_rectangle(page->cairo, PAGE_MARGIN, y, page_width(page), height);
	cairo_fill(page->cairo);
	page_color(page, 0x1a1d21);
}

static void show_head(struct drawing *drawing, const struct table_head *head)
{
	struct page *page = drawing->page;
	struct cell cells[TABLE_COLUMNS];
	double height;

	make_cells(drawing, PAGE_BOLD, head->columns, head->column_count, cells, &height);
	paint(page, 0xe6ebef, page->y, height);
	page->y += show_cells(drawing, cells, head->column_count, page_bottom(page), "TH");
	free_cells(cells, head->column_count);
	drawing->stripe = false;
}

static void turn(struct drawing *drawing, const struct table_head *head)
{
	struct page *page = drawing->page;

	cairo_tag_end(page->cairo, "Table");
	page_next(page, page->wide);
	cairo_tag_begin(page->cairo, "Table", NULL);
	show_head(drawing, head);
}

static bool draw_row(void *user, const struct table_head *head, const struct fw_slice texts[TABLE_COLUMNS])
{
	struct drawing *drawing = user;
	struct page *page = drawing->page;
	struct cell cells[TABLE_COLUMNS];
	double height, top;

	make_cells(drawing, PAGE_PLAIN, texts, head->column_count, cells, &height);
	if (page->y + height > page_bottom(page) && height < page_bottom(page) - 3 * PAGE_MARGIN)
		turn(drawing, head);
	for (unsigned pages = 0; !is_done(cells, head->column_count) && pages < 1000; pages++) {
		if (pages != 0)
			turn(drawing, head);
		top = page_bottom(page) - page->y;
		if (drawing->stripe)
			paint(page, 0xf6f8f9, page->y, height < top ? height : top);
		page->y += show_cells(drawing, cells, head->column_count, page_bottom(page), "TD");
	}
	drawing->stripe = !drawing->stripe;
	free_cells(cells, head->column_count);
	return cairo_status(page->cairo) == CAIRO_STATUS_SUCCESS;
}

static void add_outline(struct page *page, struct fw_slice title)
{
	char text[TITLE], place[64];

	snprintf(text, sizeof(text), "%.*s", (int)title.size, (const char *)title.data);
	snprintf(place, sizeof(place), "page=%u pos=[%d %d]", page->number, (int)PAGE_MARGIN, (int)page->y);
	cairo_pdf_surface_add_outline(page->surface, CAIRO_PDF_OUTLINE_ROOT, text, place, CAIRO_PDF_OUTLINE_FLAG_BOLD);
}

static bool draw_begin(void *user, const struct table_head *head)
{
	struct drawing *drawing = user;
	struct page *page = drawing->page;
	bool wide = head->column_count >= WIDE_FROM;

	drawing->columns = drawing->measured[drawing->table];
	page->y += 2 * PAGE_TEXT;
	/* a heading with some rows below it */
	if (wide != page->wide || page->y > page_bottom(page) - 12 * PAGE_TEXT)
		page_next(page, wide);
	add_outline(page, head->title);
	page_color(page, 0x1a1d21);
	page_say(page, "H2", PAGE_TITLE, head->title);
	page->y += PAD;
	if (head->note.size != 0) {
		page_color(page, 0x4a525c);
		page_say(page, "P", PAGE_PLAIN, head->note);
		page->y += PAD;
	}
	chart_show(&drawing->chart, page, head->id);
	fit(drawing, head->column_count);
	cairo_tag_begin(page->cairo, "Table", NULL);
	show_head(drawing, head);
	return true;
}

static bool draw_end(void *user, const struct table_head *head)
{
	struct drawing *drawing = user;

	(void)head;
	cairo_tag_end(drawing->page->cairo, "Table");
	drawing->table++;
	return true;
}

static void show_title(struct page *page, const struct draw_report *report)
{
	char text[TITLE];
	double top;

	page_color(page, 0x1a1d21);
	page_say(page, "H1", PAGE_HEAD, slice_text("Compliance report"));
	snprintf(text, sizeof(text), "%.*s to %.*s", (int)report->from.size, (const char *)report->from.data,
		 (int)report->to.size, (const char *)report->to.data);
	page_color(page, 0x4a525c);
	page_say(page, "P", PAGE_PLAIN, slice_text(text));
	page->y += PAGE_TEXT;
	top = page->y;
	page->y += PAD;
	page_color(page, report->holds ? 0x17502a : 0x7a1a12);
	page_say(page, "P", PAGE_TITLE,
		 slice_text(report->holds ? "  The record holds" : "  The record does not hold"));
	cairo_rectangle(page->cairo, PAGE_MARGIN, top, 3, page->y + PAD - top);
	cairo_fill(page->cairo);
	page->y += PAD;
	page_color(page, 0x4a525c);
	page_say(page, "P", PAGE_PLAIN, report->says);
}

bool draw_all(struct page *page, const struct json *json, uint32_t tables, struct arena *arena,
	      const struct draw_report *report)
{
	struct drawing drawing = { .page = page };
	const struct table_reader measure = { measure_begin, measure_row, measure_end, &drawing };
	const struct table_reader draw = { draw_begin, draw_row, draw_end, &drawing };

	if (!table_read(json, tables, arena, &measure))
		return false;
	drawing.table = 0;
	show_title(page, report);
	return table_read(json, tables, arena, &draw);
}
