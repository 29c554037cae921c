#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "record/export.h"

enum { ARENA = 1 << 20, FORMATS_TEXT = 80 };

static const char verb[] = "audit export";

struct exporting {
	struct exporter exporter;
	struct buf line;
	FILE *out;
	size_t no_records;
	bool no_memory;
};

static bool export_one(void *user, struct fw_slice line)
{
	struct exporting *exporting = user;
	struct buf *out = &exporting->line;

	switch (export_line(&exporting->exporter, line, out)) {
	case EXPORT_UNWANTED:
		return true;
	case EXPORT_NO_RECORD:
		exporting->no_records++;
		return true;
	case EXPORT_MEMORY:
		exporting->no_memory = true;
		return false;
	case EXPORT_DONE:
		break;
	}
	fwrite(buf_data(out), 1, buf_size(out), exporting->out);
	buf_cut(out, 0);
	return ferror(exporting->out) == 0;
}

/* "a, b or c" */
static const char *list_formats(char ret_text[FORMATS_TEXT])
{
	char *at = ret_text;

	for (unsigned i = 0; export_format_name(i) != NULL; i++)
		at += snprintf(at, (size_t)(ret_text + FORMATS_TEXT - at), "%s%s",
			       i == 0			 ? ""
			       : i + 1 == EXPORT_FORMATS ? " or "
							 : ", ",
			       export_format_name(i));
	return ret_text;
}

/* 3, after what went wrong was said; else 0. */
static int conclude(const struct exporting *exporting, int scanned, const char *folder, const char *path)
{
	int reason = errno;
	bool written = fflush(exporting->out) == 0 && !ferror(exporting->out);

	if (!written)
		return options_could_not(verb, "cannot write %s: %s", path != NULL ? path : "what was found",
					 strerror(errno));
	errno = reason;
	if (exporting->no_memory)
		return options_could_not(verb, "memory is short");
	if (scanned != 0)
		return audit_unreadable(verb, folder);
	if (exporting->no_records != 0)
		return options_could_not(verb, "%zu lines are no records and were left out; see audit verify",
					 exporting->no_records);
	return COMMAND_DONE;
}

static int run(struct exporting *exporting, const char *folder, const struct ledger_filter *filter, uint64_t after,
	       const char *path)
{
	struct arena arena;
	struct pool pool;
	int result;

	exporting->out = path != NULL ? fopen(path, "we") : stdout;
	if (exporting->out == NULL)
		return options_could_not(verb, "cannot write %s: %s", path, strerror(errno));
	arena_init(&arena, ARENA);
	pool_init(&pool);
	exporting->exporter.arena = &arena;
	exporting->exporter.pool = &pool;
	result = ledger_scan(folder, filter, after, export_one, exporting);
	result = conclude(exporting, result, folder, path);
	buf_clear(&exporting->line, &pool);
	pool_fini(&pool);
	arena_fini(&arena);
	if (path != NULL && fclose(exporting->out) != 0 && result == COMMAND_DONE)
		result = options_could_not(verb, "cannot write %s: %s", path, strerror(errno));
	return result;
}

int audit_export(int argc, char **argv)
{
	const char *data = "./framewall-data", *record = NULL, *format = "jsonl", *output = NULL, *after_text = NULL;
	struct search_texts wanted = { 0 };
	const struct option_row rows[] = {
		{ "--format", "FORMAT", &format, NULL, "jsonl (default), ocsf, ecs, cef, leef or syslog" },
		AUDIT_FILTER_OPTIONS(wanted),
		{ "--after", "SEQUENCE", &after_text, NULL, "records behind the one with this number" },
		{ "--output", "FILE", &output, NULL, "written there instead of to standard output" },
		{ "--data", "DIR", &data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &record, NULL, "the record's folder; default DATA/record" },
	};
	struct options options = { verb, rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	struct exporting exporting = { 0 };
	struct search_filter filter;
	char folder[AUDIT_PATH], host[EXPORT_HOST], formats[FORMATS_TEXT];
	long after = 0;
	unsigned found;

	if (result != OPTIONS_GO_ON)
		return result;
	if (after_text != NULL && !options_number(verb, "--after", after_text, 0, INT64_MAX, &after))
		return COMMAND_USAGE;
	found = export_format_find(format);
	if (found == EXPORT_FORMATS)
		return options_usage(verb, "--format is %s, not \"%s\"", list_formats(formats), format);
	result = audit_filter(verb, &wanted, &filter);
	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(data, record, folder))
		return options_usage(verb, "the path is too long");
	export_host(host);
	exporting.exporter.format = (enum export_format)found;
	exporting.exporter.host = host;
	return run(&exporting, folder, &filter.filter, (uint64_t)after, output);
}
