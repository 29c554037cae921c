/* compliance.c: reports about a record of a year. `compliance [--records N] [--keep FOLDER]` makes the record through
 * the ledger's own code, and prints one JSON object: seconds that the first report takes, which reads and verifies all
 * of it, those of the next one, those of one of a month, and the memory that this took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/slice.h"
#include "report/report.h"

#include "record.h"

enum { RECORDS = 1000000 };

#define YEAR_US (UINT64_C(365) * 86400 * 1000000)
#define START_US (UINT64_C(1700000000) * 1000000)

static bool count(void *user, struct fw_slice octets)
{
	*(uint64_t *)user += octets.size;
	return true;
}

/* Seconds, with the JSON. */
static double measure(const char *folder, uint64_t start_us, uint64_t end_us, bool anew, uint64_t want)
{
	static const uint8_t key[32] = "a key of the bench";
	char record[256], kept[256];
	uint64_t octets = 0;
	struct report_options options = {
		.facts = { .record = record, .kept = kept, .key = slice(key, sizeof(key)), .anew = anew },
		.start_us = start_us,
		.end_us = end_us,
		.framework = REPORT_FRAMEWORKS,
		.rows = 1000,
		.now_us = 1,
		.query = "",
		.by = "",
		.host = "",
		.clock = ""
	};
	const struct report_out out = { count, &octets };
	double from = record_now_s(CLOCK_MONOTONIC), took;
	struct report report;

	snprintf(record, sizeof(record), "%s/record", folder);
	snprintf(kept, sizeof(kept), "%s/report", folder);
	if (report_make(&options, &report) != 0)
		record_stop("no report");
	if (!report_json(&report, &out) || !report_holds(&report) || (want != 0 && report.total != want))
		record_stop("another report than it should be");
	took = record_now_s(CLOCK_MONOTONIC) - from;
	report_fini(&report);
	return took;
}

int main(int argc, char **argv)
{
	char folder[200] = "/var/tmp/framewall-report-XXXXXX", command[256];
	uint64_t records = RECORDS;
	double first, next, month;
	struct rusage usage;
	bool keep = false;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--records") == 0)
			records = strtoull(argv[i + 1], NULL, 10);
		keep = strcmp(argv[i], "--keep") == 0 || keep;
		if (strcmp(argv[i], "--keep") == 0)
			snprintf(folder, sizeof(folder), "%s", argv[i + 1]);
	}
	if (!keep && mkdtemp(folder) == NULL)
		record_stop(folder);
	record_fill(folder, records, YEAR_US / records);
	first = measure(folder, 0, START_US + 2 * YEAR_US, true, 0);
	next = measure(folder, 0, START_US + 2 * YEAR_US, false, 0);
	month = measure(folder, START_US + YEAR_US / 2, START_US + YEAR_US / 2 + YEAR_US / 12, false, 0);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"records\":%llu,\"first_s\":%.2f,\"next_s\":%.2f,\"month_s\":%.2f,\"memory_mib\":%.0f}\n",
	       (unsigned long long)records, first, next, month, (double)usage.ru_maxrss / 1024);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return keep ? 0 : system(command);
}
