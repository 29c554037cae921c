#include "cmd/report.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "report/report_period.h"
#include "shell/clock.h"

enum { ROWS_DEFAULT = 1000, ROWS_MOST = 10000000, QUERY = 256, OPERATOR = 300 };

static const char verb[] = "report";

static const struct format {
	const char *name;
	bool (*write)(const struct report *report, const struct report_out *out); /* NULL: another program does it */
} formats[] = { { "json", report_json }, { "csv", report_csv }, { "html", report_html }, { "pdf", NULL } };

struct asked {
	const char *start, *end, *format, *framework, *output, *rows, *data, *record, *anchor, *checkpoint, *check;
	bool anew;
	const struct format *chosen;
	char folder[AUDIT_PATH], kept[REPORT_PATH], query[QUERY];
	char by[OPERATOR], host[REPORT_HOST], clock[REPORT_CLOCK];
	uint8_t key[32];
};

static bool to_file(void *user, struct fw_slice octets)
{
	return fwrite(octets.data, 1, octets.size, user) == octets.size;
}

static void find_operator(char text[OPERATOR])
{
	char room[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) != 0 || found == NULL)
		snprintf(text, OPERATOR, "user id %u", (unsigned)getuid());
	else
		snprintf(text, OPERATOR, "%.255s (user id %u)", entry.pw_name, (unsigned)getuid());
	report_plain(text);
}

/* What was asked, as it can be asked again. */
static void make_query(struct asked *asked, const struct report_options *options)
{
	int size = snprintf(asked->query, QUERY, "framewall report");

	if (asked->start != NULL)
		size += snprintf(asked->query + size, QUERY - (size_t)size, " --start %s", asked->start);
	if (asked->end != NULL)
		size += snprintf(asked->query + size, QUERY - (size_t)size, " --end %s", asked->end);
	if (asked->framework != NULL)
		size += snprintf(asked->query + size, QUERY - (size_t)size, " --framework %s", asked->framework);
	snprintf(asked->query + size, QUERY - (size_t)size, " --rows %llu", (unsigned long long)options->rows);
}

static int read_period(const struct asked *asked, struct report_options *options)
{
	uint64_t ignored;

	options->end_us = options->now_us;
	if ((asked->start != NULL && !report_period_read(asked->start, &options->start_us, &ignored)) ||
	    (asked->end != NULL && !report_period_read(asked->end, &ignored, &options->end_us)))
		return options_usage(verb, "a time is 2026-11, 2026-11-24 or 2026-11-24T10:15:00Z, in UTC");
	if (options->start_us > options->end_us)
		return options_usage(verb, "the period ends before it begins");
	return OPTIONS_GO_ON;
}

static int read_asked(struct asked *asked, struct report_options *options)
{
	long rows = ROWS_DEFAULT;

	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(asked->format, formats[i].name) == 0)
			asked->chosen = &formats[i];
	if (asked->chosen == NULL)
		return options_usage(verb, "--format is json, csv, html or pdf, not \"%s\"", asked->format);
	options->framework = REPORT_FRAMEWORKS;
	if (asked->framework != NULL) {
		options->framework = report_framework_find(asked->framework);
		if (options->framework == REPORT_FRAMEWORKS)
			return options_usage(verb, "--framework is soc2, iso27001, nist-csf or owasp, not \"%s\"",
					     asked->framework);
	}
	if (asked->rows != NULL && !options_number(verb, "--rows", asked->rows, 50, ROWS_MOST, &rows))
		return COMMAND_USAGE;
	options->rows = (uint64_t)rows;
	return read_period(asked, options);
}

static int write_to(const struct asked *asked, const struct report *report, FILE *out)
{
	const struct report_out to = { to_file, out };

	if (asked->chosen->write == NULL)
		return report_pdf(report, out);
	errno = ENOMEM;
	if (!asked->chosen->write(report, &to) || fflush(out) != 0)
		return options_could_not(verb, "cannot write %s: %s",
					 asked->output != NULL ? asked->output : "the report", strerror(errno));
	return 0;
}

/* A file is put in place when it is whole: an older report stays until then. What is no file is written to at once. */
static bool place(const char *output, char ret_path[AUDIT_PATH])
{
	struct stat is;
	bool whole = lstat(output, &is) != 0 || S_ISREG(is.st_mode);
	int size = snprintf(ret_path, AUDIT_PATH, whole ? "%s.part" : "%s", output);

	if (size < 0 || size >= AUDIT_PATH)
		snprintf(ret_path, AUDIT_PATH, "%s", output);
	return strcmp(ret_path, output) != 0;
}

static int write_file(const struct asked *asked, const struct report *report)
{
	char path[AUDIT_PATH];
	bool moves = place(asked->output, path);
	FILE *out = fopen(path, "we");
	int result;

	if (out == NULL)
		return options_could_not(verb, "cannot write %s: %s", path, strerror(errno));
	result = write_to(asked, report, out);
	if (fclose(out) != 0 && result == 0)
		result = options_could_not(verb, "cannot write %s: %s", path, strerror(errno));
	if (result == 0 && moves && rename(path, asked->output) != 0)
		result = options_could_not(verb, "cannot write %s: %s", asked->output, strerror(errno));
	if (result != 0 && moves)
		unlink(path);
	return result;
}

static int write_report(const struct asked *asked, const struct report *report)
{
	int result;

	if (asked->output == NULL)
		return write_to(asked, report, stdout);
	result = write_file(asked, report);
	return result == 0 && asked->record == NULL ? report_sign(asked->output, asked->data) : result;
}

static int run(struct asked *asked, struct report_options *options)
{
	struct report report;
	int result;

	if (report_make(options, &report) != 0)
		return audit_unreadable(verb, asked->folder);
	result = write_report(asked, &report);
	if (result == 0 && !report_holds(&report)) {
		fprintf(stderr, "framewall report: the record does not hold; the report says where\n");
		result = COMMAND_NOT_HELD;
	}
	report_fini(&report);
	return result;
}

int command_report(int argc, char **argv)
{
	struct asked asked = { .format = "json", .data = "./framewall-data" };
	const struct option_row rows[] = {
		{ "--start", "TIME", &asked.start, NULL, "that time (UTC) and later: 2026, 2026-11, 2026-11-24T10:15" },
		{ "--end", "TIME", &asked.end, NULL,
		  "that time and earlier: 2026-11-24 is the whole day; default now" },
		{ "--from", "TIME", &asked.start, NULL, "the same as --start, as audit search calls it" },
		{ "--to", "TIME", &asked.end, NULL, "the same as --end" },
		{ "--format", "FORMAT", &asked.format, NULL, "json (default), csv, html or pdf" },
		{ "--framework", "NAME", &asked.framework, NULL, "soc2, iso27001, nist-csf or owasp; default all" },
		{ "--output", "FILE", &asked.output, NULL, "written there, and signed in FILE.sig" },
		{ "--rows", "N", &asked.rows, NULL, "most rows of a table; default 1000" },
		{ "--anew", NULL, NULL, &asked.anew,
		  "read and verify all of the record, whatever an earlier report read" },
		{ "--check", "FILE", &asked.check, NULL, "whether FILE.sig holds for the report FILE" },
		{ "--data", "DIR", &asked.data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &asked.record, NULL, "the record's folder; default DATA/record" },
		{ "--anchor", "FILE", &asked.anchor, NULL, "a copy of the record's anchor, kept elsewhere" },
		{ "--checkpoint", "FILE", &asked.checkpoint, NULL, "checkpoints kept elsewhere" },
	};
	struct options options = { verb, rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	struct report_options report = { .now_us = clock_wall_us() };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(asked.data, asked.record, asked.folder))
		return options_usage(verb, "the path is too long");
	if (asked.check != NULL)
		return report_check(asked.check, asked.folder, asked.anchor);
	result = read_asked(&asked, &report);
	if (result != OPTIONS_GO_ON)
		return result;
	if (asked.chosen->write == NULL && asked.output == NULL && isatty(STDOUT_FILENO))
		return options_usage(verb, "a PDF is not for a terminal: say --output FILE");
	report.facts = (struct facts_options){ .record = asked.folder,
					       .anew = asked.anew,
					       .anchor = asked.anchor,
					       .checkpoints = &asked.checkpoint,
					       .checkpoint_count = asked.checkpoint != NULL };
	if (asked.record == NULL && report_kept(asked.data, asked.kept, asked.key)) {
		report.facts.kept = asked.kept;
		report.facts.key = slice(asked.key, sizeof(asked.key));
	}
	make_query(&asked, &report);
	find_operator(asked.by);
	report_host(asked.host);
	report_clock(asked.clock);
	report.query = asked.query;
	report.by = asked.by;
	report.host = asked.host;
	report.clock = asked.clock;
	return run(&asked, &report);
}
