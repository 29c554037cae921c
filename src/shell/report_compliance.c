/* framewall/report.h */
#include <framewall/report.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "report/report.h"
#include "report/report_place.h"
#include "shell/clock.h"

/* The last moment that a timestamp can say: 9999-12-31T23:59:59.999999Z. */
#define LAST_US UINT64_C(253402300799999999)

enum { ROWS_DEFAULT = 1000, BY = 256, QUERY = 128 };

typedef bool format_function(const struct report *report, const struct report_out *out);

struct making {
	struct report_options options;
	format_function *format;
	char record[REPORT_PATH], kept[REPORT_PATH], host[REPORT_HOST], clock[REPORT_CLOCK], by[BY], query[QUERY];
	uint8_t key[32];
};

static int fails(struct fw_error *ret_error, int code, const char *what, const char *more)
{
	if (ret_error != NULL) {
		ret_error->code = code;
		snprintf(ret_error->text, sizeof(ret_error->text), "%s%s", what, more);
	}
	return code;
}

static format_function *find_format(const char *name)
{
	static const struct {
		const char *name;
		format_function *format;
	} formats[] = { { "json", report_json }, { "csv", report_csv }, { "html", report_html } };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (name == NULL || strcmp(name, formats[i].name) == 0)
			return formats[i].format;
	return NULL;
}

static uint64_t bounded(uint64_t wall_us)
{
	return wall_us < LAST_US ? wall_us : LAST_US;
}

/* NULL, or what does not hold. */
static const char *read_query(const struct fw_report_query *query, struct making *making)
{
	struct report_options *options = &making->options;
	int size;

	if (query->data == NULL)
		return "data is the data directory, and must be given";
	size = query->record != NULL ? snprintf(making->record, sizeof(making->record), "%s", query->record)
				     : snprintf(making->record, sizeof(making->record), "%s/record", query->data);
	if (size < 0 || size >= (int)sizeof(making->record))
		return "data or record is too long a path";
	making->format = find_format(query->format);
	if (making->format == NULL)
		return "format is json, csv or html";
	options->framework = query->framework != NULL ? report_framework_find(query->framework) : REPORT_FRAMEWORKS;
	if (query->framework != NULL && options->framework == REPORT_FRAMEWORKS)
		return "framework is soc2, iso27001, nist-csf or owasp";
	options->now_us = clock_wall_us();
	options->start_us = bounded(query->start_us);
	options->end_us = query->end_us != 0 ? bounded(query->end_us) : options->now_us;
	if (options->start_us > options->end_us)
		return "end_us is before start_us";
	options->rows = query->rows != 0 ? query->rows : ROWS_DEFAULT;
	return NULL;
}

static void prepare(const struct fw_report_query *query, struct making *making)
{
	struct report_options *options = &making->options;

	options->facts.record = making->record;
	options->facts.anew = query->anew;
	if (query->record == NULL && report_kept(query->data, making->kept, making->key)) {
		options->facts.kept = making->kept;
		options->facts.key = slice(making->key, sizeof(making->key));
	}
	snprintf(making->by, sizeof(making->by), "%.200s",
		 query->made_by != NULL ? query->made_by : "a program, by the library");
	report_plain(making->by);
	snprintf(making->query, sizeof(making->query), "fw_report_compliance start_us %llu end_us %llu rows %llu",
		 (unsigned long long)query->start_us, (unsigned long long)query->end_us,
		 (unsigned long long)options->rows);
	report_host(making->host);
	report_clock(making->clock);
	options->by = making->by;
	options->query = making->query;
	options->host = making->host;
	options->clock = making->clock;
}

static int cannot(struct fw_error *ret_error, const char *what)
{
	int reason = errno, code = reason == ENOMEM ? FW_ERR_MEMORY : FW_ERR_IO;

	fails(ret_error, code, what, strerror(reason));
	errno = reason;
	return code;
}

int fw_report_compliance(const struct fw_report_query *query, fw_report_write_function *write, void *user,
			 bool *ret_holds, struct fw_error *reterr_error)
{
	const struct report_out out = { write, user };
	struct making making = { 0 };
	const char *wrong = read_query(query, &making);
	struct report report;
	bool written;

	if (wrong != NULL)
		return fails(reterr_error, FW_ERR_INVALID, wrong, "");
	prepare(query, &making);
	if (report_make(&making.options, &report) != 0)
		return cannot(reterr_error, "the record cannot be read: ");
	if (ret_holds != NULL)
		*ret_holds = report_holds(&report);
	errno = EIO;
	written = making.format(&report, &out);
	if (!written) {
		int reason = errno;

		report_fini(&report);
		errno = reason;
		return cannot(reterr_error, "the report cannot be written: ");
	}
	report_fini(&report);
	return FW_OK;
}
