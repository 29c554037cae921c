/* page.h: a PDF in memory, page by page: A4, upright or on its side, a line at the foot of each. One thread. */
#ifndef PDF_PAGE_H
#define PDF_PAGE_H
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/pool.h"
#include "base/slice.h"

#define PAGE_MARGIN 42.0
#define PAGE_FOOT 24.0
#define PAGE_TEXT 7.5 /* size of a cell's text */

enum page_font { PAGE_PLAIN, PAGE_BOLD, PAGE_TITLE, PAGE_HEAD, PAGE_FONTS };
struct page {
	cairo_surface_t *surface;
	cairo_t *cairo;
	PangoFontDescription *fonts[PAGE_FONTS];
	bool wide;
	double y;		/* where the next thing goes */
	unsigned number, total; /* total 0: not known yet */
	uint64_t no_glyphs;	/* characters for which there is none */
	const char *foot;
	struct pool pool;
	struct buf out;
	bool no_memory;
};

bool page_open(struct page *page, const char *created, unsigned total, const char *foot);
/* The last page is done; the octets are in out. False: memory was short, or cairo says that something is wrong. */
bool page_close(struct page *page);
void page_fini(struct page *page);
void page_next(struct page *page, bool wide);
double page_width(const struct page *page);  /* of what is printed on */
double page_bottom(const struct page *page); /* y of its end */
PangoLayout *page_layout(struct page *page, enum page_font font, struct fw_slice text, double width);
/* Shows it at the place that is next, in a structure element of that name, and goes on behind it. */
void page_say(struct page *page, const char *tag, enum page_font font, struct fw_slice text);
void page_color(struct page *page, unsigned rgb);
#endif
