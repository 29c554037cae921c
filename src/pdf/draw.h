/* draw.h: the report onto pages. One thread. */
#ifndef PDF_DRAW_H
#define PDF_DRAW_H
#include "codec/json.h"
#include "pdf/page.h"

struct draw_report { /* what stands on the first page */
	struct fw_slice from, to, says;
	bool holds;
};
/* False: the tables are not of their form, or memory is short. */
bool draw_all(struct page *page, const struct json *json, uint32_t tables, struct arena *arena,
	      const struct draw_report *report);
#endif
