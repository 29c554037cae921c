/* print.h: what the printed forms of a report share: small pieces gathered, and the tables in their order. */
#ifndef REPORT_PRINT_H
#define REPORT_PRINT_H
#include "base/slice.h"
#include "report/report.h"
#include "report/table_read.h"

struct print {
	const struct report_out *out;
	size_t held;
	bool failed;
	char room[1 << 14];
};
void print_octets(struct print *print, struct fw_slice octets);
static inline void print_text(struct print *print, const char *text)
{
	print_octets(print, slice_text(text));
}
bool print_end(struct print *print); /* false: something could not be written */
/* Reads the report's tables to the reader. */
bool print_tables(const struct report *report, const struct table_reader *reader);
/* SHA-256 of what report_json writes, in hex. */
bool print_digest(const struct report *report, char ret_hex[65]);
#endif
