/* One page without scripts, and without anything from elsewhere; made to be printed, too. */
#include <string.h>

#include "report/print.h"
#include "report/report_parts.h"

static const char opening[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>Framewall: compliance "
	"report</title>\n<style>\n"
	"body { font: 15px/1.45 system-ui, sans-serif; color: #1a1d21; background: #fff; max-width: 72rem; margin: "
	"2rem auto; padding: 0 1rem }\n"
	"h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem }\n"
	"p { margin: .3rem 0 .7rem; color: #4a525c } .verdict { font-weight: 600; padding: .6rem .9rem; border-left: "
	".35rem solid }\n"
	".holds { background: #e9f6ec; border-color: #2c8a46; color: #17502a } .broken { background: #fdecea; "
	"border-color: #c22f22; color: #7a1a12 }\n"
	"table { border-collapse: collapse; width: 100% } th, td { text-align: start; vertical-align: top; padding: "
	".25rem .6rem; border-bottom: 1px solid #d9dee3; overflow-wrap: anywhere; unicode-bidi: isolate }\n"
	"th { background: #f1f4f6; font-weight: 600 } tbody tr:nth-child(even) { background: #fafbfc }\n"
	"td { font-variant-numeric: tabular-nums } footer { margin: 2.5rem 0; color: #4a525c; overflow-wrap: anywhere "
	"}\n"
	"@media print { body { font-size: 9pt; margin: 0; max-width: none } thead { display: table-header-group } tr { "
	"break-inside: avoid } h2 { break-after: avoid } }\n"
	"</style>\n</head>\n<body>\n<h1>Compliance report</h1>\n";

static void escaped(struct print *print, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		switch (text.data[i]) {
		case '<':
			print_text(print, "&lt;");
			break;
		case '>':
			print_text(print, "&gt;");
			break;
		case '&':
			print_text(print, "&amp;");
			break;
		case '"':
			print_text(print, "&quot;");
			break;
		case '\'':
			print_text(print, "&#39;");
			break;
		default:
			print_octets(print, slice(text.data + i, 1));
		}
	}
}

static void cells_of(struct print *print, const char *tag, const struct fw_slice *cells, unsigned count)
{
	print_text(print, "<tr>");
	for (unsigned i = 0; i < count; i++) {
		print_text(print, "<");
		print_text(print, tag);
		print_text(print, " dir=\"auto\">");
		escaped(print, cells[i]);
		print_text(print, "</");
		print_text(print, tag);
		print_text(print, ">");
	}
	print_text(print, "</tr>\n");
}

static bool begin(void *user, const struct table_head *head)
{
	struct print *print = user;

	print_text(print, "<h2 id=\"");
	escaped(print, head->id);
	print_text(print, "\">");
	escaped(print, head->title);
	print_text(print, "</h2>\n");
	if (head->note.size != 0) {
		print_text(print, "<p>");
		escaped(print, head->note);
		print_text(print, "</p>\n");
	}
	print_text(print, "<table>\n<thead>");
	cells_of(print, "th", head->columns, head->column_count);
	print_text(print, "</thead>\n<tbody>\n");
	return !print->failed;
}

static bool row(void *user, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS])
{
	struct print *print = user;

	cells_of(print, "td", cells, head->column_count);
	return !print->failed;
}

static bool end(void *user, const struct table_head *head)
{
	struct print *print = user;

	(void)head;
	print_text(print, "</tbody>\n</table>\n");
	return !print->failed;
}

bool report_html(const struct report *report, const struct report_out *out)
{
	struct print print = { .out = out };
	const struct table_reader reader = { begin, row, end, &print };
	char digest[65], words[REPORT_WORDS], from[REPORT_TIME], to[REPORT_TIME];
	bool holds = report_holds(report);

	if (!print_digest(report, digest))
		return false;
	report_time(report->start_us, from);
	report_time(report->options->end_us, to);
	report_verdict_say(report, words);
	print_text(&print, opening);
	print_text(&print, "<p>");
	print_text(&print, from);
	print_text(&print, " to ");
	print_text(&print, to);
	print_text(&print, holds ? "</p>\n<p class=\"verdict holds\">The record holds: "
				 : "</p>\n<p class=\"verdict broken\">The record does not hold: ");
	escaped(&print, slice_text(words));
	print_text(&print, ".</p>\n");
	if (!print_tables(report, &reader))
		return false;
	print_text(&print, "<footer>SHA-256 of the same report as JSON: <code>");
	print_text(&print, digest);
	print_text(&print, "</code></footer>\n</body>\n</html>\n");
	return print_end(&print);
}
