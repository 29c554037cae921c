#include "pdf/page.h"

#include <stdio.h>

/* ISO 216 in points */
#define A4_SHORT 595.276
#define A4_LONG 841.89

enum { WHOLE = 1 << 20 };

static cairo_status_t add(void *user, const unsigned char *octets, unsigned size)
{
	struct page *page = user;

	if (!page->no_memory && buf_append(&page->out, &page->pool, octets, size) != 0)
		page->no_memory = true;
	return page->no_memory ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static PangoFontDescription *font(const char *weight, double size)
{
	PangoFontDescription *made;
	char text[96];

	snprintf(text, sizeof(text), "Noto Sans, DejaVu Sans, sans-serif %s", weight);
	made = pango_font_description_from_string(text);
	pango_font_description_set_absolute_size(made, size * PANGO_SCALE);
	return made;
}

bool page_open(struct page *page, const char *created, unsigned total, const char *foot)
{
	cairo_font_options_t *options;

	*page = (struct page){ .total = total, .foot = foot };
	pool_init(&page->pool);
	page->surface = cairo_pdf_surface_create_for_stream(add, page, A4_SHORT, A4_LONG);
	cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_TITLE, "Compliance report");
	cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_SUBJECT,
				       "What the record of a Framewall shows of a period");
	cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_CREATOR, "Framewall " FRAMEWALL_VERSION);
	cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_CREATE_DATE, created);
	page->cairo = cairo_create(page->surface);
	/* for paper, not for the dots of a screen */
	options = cairo_font_options_create();
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(page->cairo, options);
	cairo_font_options_destroy(options);
	page->fonts[PAGE_PLAIN] = font("", PAGE_TEXT);
	page->fonts[PAGE_BOLD] = font("Bold", PAGE_TEXT);
	page->fonts[PAGE_TITLE] = font("Bold", 1.5 * PAGE_TEXT);
	page->fonts[PAGE_HEAD] = font("Bold", 2.8 * PAGE_TEXT);
	cairo_tag_begin(page->cairo, "Document", NULL);
	page->number = 1;
	page->y = PAGE_MARGIN;
	return cairo_status(page->cairo) == CAIRO_STATUS_SUCCESS;
}

static double height(const struct page *page)
{
	return page->wide ? A4_SHORT : A4_LONG;
}

double page_width(const struct page *page)
{
	return (page->wide ? A4_LONG : A4_SHORT) - 2 * PAGE_MARGIN;
}

double page_bottom(const struct page *page)
{
	return height(page) - PAGE_MARGIN - PAGE_FOOT;
}

void page_color(struct page *page, unsigned rgb)
{
	cairo_set_source_rgb(page->cairo, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

PangoLayout *page_layout(struct page *page, enum page_font chosen, struct fw_slice text, double width)
{
	PangoLayout *layout = pango_cairo_create_layout(page->cairo);

	pango_context_set_round_glyph_positions(pango_layout_get_context(layout), FALSE);
	pango_layout_set_font_description(layout, page->fonts[chosen]);
	if (width > 0)
		pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_text(layout, (const char *)text.data, (int)(text.size < WHOLE ? text.size : WHOLE));
	page->no_glyphs += (uint64_t)pango_layout_get_unknown_glyphs_count(layout);
	return layout;
}

static void show_foot(struct page *page)
{
	char number[48];
	PangoLayout *layout;

	page_color(page, 0x5a626b);
	layout = page_layout(page, PAGE_PLAIN, slice_text(page->foot), 0);
	cairo_tag_begin(page->cairo, "P", NULL);
	cairo_move_to(page->cairo, PAGE_MARGIN, height(page) - PAGE_MARGIN);
	pango_cairo_show_layout(page->cairo, layout);
	g_object_unref(layout);
	snprintf(number, sizeof(number), "page %u of %u", page->number, page->total);
	layout = page_layout(page, PAGE_PLAIN, slice_text(number), page_width(page));
	pango_layout_set_alignment(layout, PANGO_ALIGN_RIGHT);
	cairo_move_to(page->cairo, PAGE_MARGIN, height(page) - PAGE_MARGIN);
	pango_cairo_show_layout(page->cairo, layout);
	g_object_unref(layout);
	cairo_tag_end(page->cairo, "P");
}

void page_next(struct page *page, bool wide)
{
	show_foot(page);
	cairo_show_page(page->cairo);
	page->wide = wide;
	cairo_pdf_surface_set_size(page->surface, wide ? A4_LONG : A4_SHORT, wide ? A4_SHORT : A4_LONG);
	page->number++;
	page->y = PAGE_MARGIN;
}

void page_say(struct page *page, const char *tag, enum page_font chosen, struct fw_slice text)
{
	PangoLayout *layout = page_layout(page, chosen, text, page_width(page));
	PangoRectangle extents;

	pango_layout_get_extents(layout, NULL, &extents);
	if (page->y + (double)extents.height / PANGO_SCALE > page_bottom(page))
		page_next(page, page->wide);
	cairo_tag_begin(page->cairo, tag, NULL);
	cairo_move_to(page->cairo, PAGE_MARGIN, page->y);
	pango_cairo_show_layout(page->cairo, layout);
	cairo_tag_end(page->cairo, tag);
	page->y += (double)extents.height / PANGO_SCALE;
	g_object_unref(layout);
}

bool page_close(struct page *page)
{
	bool whole;

	show_foot(page);
	cairo_show_page(page->cairo);
	cairo_tag_end(page->cairo, "Document");
	whole = cairo_status(page->cairo) == CAIRO_STATUS_SUCCESS;
	cairo_destroy(page->cairo);
	page->cairo = NULL;
	cairo_surface_finish(page->surface);
	return whole && !page->no_memory && cairo_surface_status(page->surface) == CAIRO_STATUS_SUCCESS;
}

void page_fini(struct page *page)
{
	if (page->cairo != NULL)
		cairo_destroy(page->cairo);
	if (page->surface != NULL)
		cairo_surface_destroy(page->surface);
	for (unsigned i = 0; i < PAGE_FONTS; i++)
		if (page->fonts[i] != NULL)
			pango_font_description_free(page->fonts[i]);
	buf_clear(&page->out, &page->pool);
	pool_fini(&page->pool);
}
