/* report_html.c: one page, without scripts and without anything from elsewhere, to print or hand on. */
#include "base/encode.h"
#include "base/slice.h"
#include "scan/scan.h"

static void escape(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static void tagged(FILE *out, const char *tag, const char *text)
{
	fprintf(out, "<%s>", tag);
	escape(out, text);
	fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
	"h1{font-size:1.6rem;margin-bottom:0}h2{margin-top:2.2rem;border-bottom:1px solid #d0d7de}h3{margin:0}"
	".sum{display:flex;gap:1rem;margin:1.2rem 0;flex-wrap:wrap}.sum div{border:1px solid "
	"#d0d7de;border-radius:6px;padding:.6rem 1rem;min-width:6rem}"
	".sum b{display:block;font-size:1.6rem}section{border:1px solid "
	"#d0d7de;border-left-width:6px;border-radius:6px;padding:.8rem 1rem;margin:1rem 0;break-inside:avoid}"
	".critical{border-left-color:#82071e}.high{border-left-color:#cf222e}.medium{border-left-color:#bf8700}.low{"
	"border-left-color:#0969da}.info{border-left-color:#6e7781}"
	".tag{font-size:.8rem;border-radius:1rem;padding:.1rem .6rem;background:#eaeef2;margin-right:.3rem}"
	"pre{background:#f6f8fa;padding:.6rem;overflow-wrap:anywhere;white-space:pre-wrap;font-size:.8rem}table{border-"
	"collapse:collapse;width:100%}"
	"td,th{text-align:left;vertical-align:top;border-bottom:1px solid #d0d7de;padding:.3rem "
	".5rem;font-size:.9rem}dt{font-weight:600}dd{margin:0 0 .5rem}";

static void write_finding(FILE *out, const struct scan_result *result)
{
	const struct scan_check *check = result->check;

	fprintf(out, "<section class=\"%s\"><h3>", scan_severity_name(check->severity));
	escape(out, check->what);
	fprintf(out,
		"</h3><p><span class=\"tag\">%s</span><span class=\"tag\">%s</span><span class=\"tag\">CWE-%u</span>",
		scan_severity_name(check->severity), check->id, check->cwe);
	if (check->asvs[0] != '\0')
		fprintf(out, "<span class=\"tag\">ASVS %s</span>", check->asvs);
	if (check->owasp[0] != '\0')
		fprintf(out, "<span class=\"tag\">%s</span>", check->owasp);
	fputs(result->known ? "<span class=\"tag\">in the baseline</span></p>" : "</p>", out);
	tagged(out, "p", result->reason);
	fputs("<dl><dt>Why it matters</dt>", out);
	tagged(out, "dd", check->why);
	fputs("<dt>How it was decided</dt>", out);
	tagged(out, "dd", check->decides);
	fputs("<dt>What to do</dt>", out);
	tagged(out, "dd", check->fix);
	fputs("</dl>", out);
	if (result->evidence[0] != '\0')
		tagged(out, "pre", result->evidence);
	if (check->policy[0] != '\0') {
		fputs("<p>In front of the server, of Framewall:</p>", out);
		tagged(out, "pre", check->policy);
	}
	fputs("</section>\n", out);
}

static void write_table(FILE *out, const struct scan *scan, enum scan_outcome outcome, const char *title)
{
	if (scan->of[outcome] == 0)
		return;
	tagged(out, "h2", title);
	fputs("<table><tr><th>Check</th><th>What was seen</th></tr>\n", out);
	for (unsigned i = 0; i < scan->count; i++)
		if (scan->results[i].outcome == outcome) {
			fputs("<tr>", out);
			tagged(out, "td", scan->results[i].check->id);
			tagged(out, "td", scan->results[i].reason);
			fputs("</tr>\n", out);
		}
	fputs("</table>\n", out);
}

/* What the cheat sheet and ASVS ask, and what was seen of it. */
static void write_requirements(FILE *out, const struct scan *scan)
{
	unsigned count;
	const struct scan_requirement *requirements = scan_requirements(&count);

	tagged(out, "h2", "OWASP WebSocket cheat sheet, ASVS 4.4");
	fputs("<table><tr><th>Requirement</th><th></th><th>Seen</th><th>By hand</th></tr>\n", out);
	for (unsigned i = 0; i < count; i++) {
		const char *state = scan_requirement_state(scan, &requirements[i]);

		fputs("<tr>", out);
		tagged(out, "td", requirements[i].id);
		tagged(out, "td", requirements[i].text);
		tagged(out, "td",
		       strcmp(state, "error") == 0	  ? "no answer"
		       : strcmp(state, "not_tested") == 0 ? "not tested"
							  : state);
		tagged(out, "td", requirements[i].hand);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void figure(FILE *out, unsigned number, const char *word)
{
	fprintf(out, "<div><b>%u</b>%s</div>", number, word);
}

void scan_report_html(const struct scan *scan, FILE *out)
{
	char time[ENCODE_RFC3339];

	encode_rfc3339(scan->started_us, time);
	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width\">"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		"'unsafe-inline'\">"
		"<title>WebSocket security test</title><style>%s</style></head><body>\n<h1>WebSocket security "
		"test</h1>\n<p>",
		style);
	escape(out, scan->url);
	fprintf(out, " · %.16s UTC · framewall scan %s</p>\n<div class=\"sum\">", time, FRAMEWALL_VERSION);
	figure(out, scan->of[SCAN_FINDING], "findings");
	figure(out, scan->of[SCAN_PASS], "passed");
	figure(out, scan->of[SCAN_ERROR], "without an answer");
	figure(out, scan->of[SCAN_NOT_APPLICABLE], "not applicable");
	if (scan->score >= 0)
		fprintf(out, "<div><b>%d</b>of 100</div>", scan->score);
	fputs("</div>\n", out);
	if (scan->score < 0)
		fputs("<p>No score: there are checks without an answer, or nothing was tested.</p>\n", out);
	if (scan->of[SCAN_FINDING] != 0)
		fputs("<h2>Findings</h2>\n", out);
	for (int severity = SCAN_CRITICAL; severity >= SCAN_INFO; severity--)
		for (unsigned i = 0; i < scan->count; i++)
			if (scan->results[i].outcome == SCAN_FINDING &&
			    (int)scan->results[i].check->severity == severity)
				write_finding(out, &scan->results[i]);
	write_requirements(out, scan);
	write_table(out, scan, SCAN_ERROR, "Without an answer");
	write_table(out, scan, SCAN_PASS, "Passed");
	write_table(out, scan, SCAN_NOT_APPLICABLE, "Not applicable");
	fputs("</body></html>\n", out);
}
