/* What the keeper counts with labels: rows SERIES of tables/metrics.def, in the text format of Prometheus. */
#include <inttypes.h>
#include <stdio.h>

#include "shell/admin_parts.h"

enum { LINE = 768 };

static const struct {
	const char *name, *type, *help;
} rows[ADMIN_SERIES] = {
#define SERIES(name_, type_, labels, help_) { #name_, #type_, help_ },
#include "tables/metrics.def"
};

static void add(struct admin_page_out *page, const char line[LINE], int size)
{
	if (size < 0 || size >= LINE || buf_append(page->out, page->pool, line, (size_t)size) != 0)
		page->failed = true;
}

void admin_series_begin(struct admin_page_out *page, enum admin_series series)
{
	char line[LINE];

	add(page, line,
	    snprintf(line, sizeof(line), "# HELP framewall_%s %s\n# TYPE framewall_%s %s\n", rows[series].name,
		     rows[series].help, rows[series].name, rows[series].type));
}

void admin_series_add(struct admin_page_out *page, enum admin_series series, const char *labels, uint64_t value)
{
	char line[LINE];

	add(page, line, snprintf(line, sizeof(line), "framewall_%s%s %" PRIu64 "\n", rows[series].name, labels, value));
}

void admin_series_one(struct admin_page_out *page, enum admin_series series, uint64_t value)
{
	admin_series_begin(page, series);
	admin_series_add(page, series, "", value);
}
