/* compliance.c: reports about a record of a year. `compliance [--records N] [--keep FOLDER]` makes the record through
 * the ledger's own code (N is 0: it is there already), and prints one JSON object: seconds that it takes to verify the
 * closed segments and make their rows, which a server does by and by; those of the first report then, of one of a
 * month, and of one that reads and verifies all of the record (of the processor, too: it takes two threads), and the
 * memory that this took. */
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

static const uint8_t key[32] = "a key of the bench";

static bool count(void *user, struct fw_slice octets)
{
	*(uint64_t *)user += octets.size;
	return true;
}

/* Seconds. */
static double advance(const char *folder)
{
	char record[256], kept[256];
	const struct facts_options options = { .record = record, .kept = kept, .key = slice(key, sizeof(key)) };
	double from = record_now_s(CLOCK_MONOTONIC);
	struct ledger_report report;

	snprintf(record, sizeof(record), "%s/record", folder);
	snprintf(kept, sizeof(kept), "%s/report", folder);
	if (facts_advance(&options, &report) != 0 || !report.holds)
		record_stop("no rows");
	return record_now_s(CLOCK_MONOTONIC) - from;
}

/* Seconds, with the JSON. */
static double measure(const char *folder, uint64_t start_us, uint64_t end_us, bool anew, uint64_t want)
{
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
	double rows, first, month, anew, cpu;
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
	if (records != 0)
		record_fill(folder, records, YEAR_US / records);
	rows = advance(folder);
	first = measure(folder, 0, START_US + 2 * YEAR_US, false, 0);
	month = measure(folder, START_US + YEAR_US / 2, START_US + YEAR_US / 2 + YEAR_US / 12, false, 0);
	cpu = record_now_s(CLOCK_PROCESS_CPUTIME_ID);
	anew = measure(folder, 0, START_US + 2 * YEAR_US, true, 0);
	cpu = record_now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"records\":%llu,\"rows_s\":%.2f,\"first_s\":%.2f,\"month_s\":%.2f,\"anew_s\":%.2f,\"anew_cpu_s\":%."
	       "2f,"
	       "\"memory_mib\":%.0f}\n",
	       (unsigned long long)records, rows, first, month, anew, cpu, (double)usage.ru_maxrss / 1024);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return keep ? 0 : system(command);
}
