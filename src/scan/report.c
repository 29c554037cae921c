/* report.c: for people at a terminal. */
#include "base/slice.h"
#include "scan/scan.h"

static void print_lines(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		fprintf(out, "        %.*s\n", (int)size, text);
		text += size + (text[size] == '\n');
	}
}

void scan_report_text(const struct scan *scan, FILE *out)
{
	fprintf(out, "\n%s\n%u checks: %u with a finding, %u passed, %u not applicable, %u without an answer\n",
		scan->url, scan->count, scan->of[SCAN_FINDING], scan->of[SCAN_PASS], scan->of[SCAN_NOT_APPLICABLE],
		scan->of[SCAN_ERROR]);
	if (scan->score >= 0)
		fprintf(out, "score %d of 100, of what could be tested\n", scan->score);
	else
		fprintf(out, "no score: %s\n",
			scan->of[SCAN_ERROR] != 0 ? "there are checks without an answer" : "nothing was tested");
	for (int severity = SCAN_CRITICAL; severity >= SCAN_INFO; severity--)
		for (unsigned i = 0; i < scan->count; i++) {
			const struct scan_result *result = &scan->results[i];

			if (result->outcome != SCAN_FINDING || (int)result->check->severity != severity)
				continue;
			fprintf(out, "\n  %s  %s: %s%s\n      %s\n      Why: %s\n      Fix: %s\n",
				scan_severity_name(result->check->severity), result->check->id, result->check->what,
				result->known ? " (in the baseline)" : "", result->reason, result->check->why,
				result->check->fix);
			print_lines(out, result->evidence);
		}
	if (!scan->reached && scan->count != 0)
		fprintf(out, "\n  %s\n", scan->results[0].reason);
	for (unsigned i = 0; i < scan->count && scan->reached; i++)
		if (scan->results[i].outcome == SCAN_ERROR)
			fprintf(out, "\n  no answer  %s: %s\n", scan->results[i].check->id, scan->results[i].reason);
}

/* What closes the finding number `at`: a section, and below it lines; "" for none. */
static const char *policy_of(const struct scan *scan, unsigned at)
{
	return scan->results[at].outcome == SCAN_FINDING ? scan->results[at].check->policy : "";
}

static bool same_section(const char *a, const char *b)
{
	size_t size = strcspn(a, "\n");

	return size == strcspn(b, "\n") && strncmp(a, b, size) == 0;
}

/* A section once, with the lines of all findings that need one of it. */
static void print_section(const struct scan *scan, unsigned at, FILE *out)
{
	const char *policy = policy_of(scan, at);

	for (unsigned i = 0; i < at; i++)
		if (same_section(policy_of(scan, i), policy))
			return;
	fprintf(out, "%.*s\n", (int)strcspn(policy, "\n"), policy);
	for (unsigned i = at; i < scan->count; i++)
		if (same_section(policy_of(scan, i), policy))
			fputs(policy_of(scan, i) + strcspn(policy, "\n") + 1, out);
}

void scan_report_fix(const struct scan *scan, FILE *out)
{
	bool any = false;

	fputs("# What of Framewall closes what was found, in front of the server (framewall run --upstream …):\n", out);
	for (unsigned i = 0; i < scan->count; i++) {
		const struct scan_result *result = &scan->results[i];

		if (result->outcome != SCAN_FINDING)
			continue;
		any = true;
		fprintf(out, "# %s: %s\n", result->check->id,
			result->check->policy[0] != '\0' ? result->check->fix : "closed by default");
	}
	for (unsigned i = 0; i < scan->count; i++)
		if (policy_of(scan, i)[0] != '\0')
			print_section(scan, i, out);
	if (!any)
		fputs("# nothing was found\n", out);
}
