/* The report of the last 30 days for auditors, as HTML on standard output.
 *
 *     cc report.c -o report $(pkg-config --cflags --libs framewall)
 *     ./report framewall-data >report.html */
#include <framewall/report.h>

#include <stdio.h>
#include <time.h>

static bool on_octets(void *user, struct fw_slice octets)
{
	return fwrite(octets.data, 1, octets.size, user) == octets.size;
}

int main(int argc, char **argv)
{
	struct fw_report_query query = { .data = argc > 1 ? argv[1] : "framewall-data",
					 .format = argc > 2 ? argv[2] : "html",
					 .start_us = ((uint64_t)time(NULL) - 30 * 86400) * 1000000,
					 .made_by = "the nightly job" };
	struct fw_error error;
	bool holds;

	if (fw_report_compliance(&query, on_octets, stdout, &holds, &error) != FW_OK) {
		fprintf(stderr, "report: %s\n", error.text);
		return 1;
	}
	if (!holds)
		fprintf(stderr, "report: the record does not hold; the report says where\n");
	return 0;
}
