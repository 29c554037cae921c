/* framewall/report.h: reports for auditors: what the record shows of a period, of a server that runs (in this process
 * or another one) or of one that has ended. */
#ifndef FRAMEWALL_REPORT_H
#define FRAMEWALL_REPORT_H

#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL and 0: what is said of each. */
struct fw_report_query {
	const char *data; /* the data directory; must be given. Rows of the record are kept in it for the next report */
	const char *record; /* the record's folder; NULL: DATA/record */
	uint64_t start_us;  /* microseconds since 1970, UTC: the first that belongs to the period; 0: the record's first
			     */
	uint64_t end_us;    /* the last that does; 0: now */
	const char *format; /* "json", "csv" or "html"; NULL: json */
	const char *framework; /* "soc2", "iso27001", "nist-csf" or "owasp"; NULL: all of them */
	uint64_t rows;	       /* most rows of a table; 0: 1000 */
	const char *made_by;   /* who asks, as the report says it, in ASCII; NULL: the library */
	bool anew;	       /* all of the record is read and verified, whatever an earlier report has read */
};

/* A piece of the report, borrowed for the call; false ends it. */
typedef bool fw_report_write_function(void *user, struct fw_slice octets);

/* Makes a report, and gives it to write piece by piece in the calling thread. The keys of the JSON and the other
 * formats: docs/guide/reports.md. *ret_holds (unless NULL): the record is whole and as it was written; a report is made
 * in any case, and says what is wrong. It takes as long as the record is long that no report has read before.
 *
 * Any thread, any number at once. FW_OK; FW_ERR_INVALID: a member does not hold, reterr_error says which;
 * FW_ERR_MEMORY; FW_ERR_IO: the record cannot be read, there is no room for what is kept meanwhile, or write said false
 * (errno says why). reterr_error may be NULL. */
FW_API int fw_report_compliance(const struct fw_report_query *query, fw_report_write_function *write, void *user,
				bool *ret_holds, struct fw_error *reterr_error);

#ifdef __cplusplus
}
#endif
#endif
