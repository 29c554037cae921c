/* report.h: the parts of "framewall report". */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H
#include <stdio.h>

#include "report/report.h"

enum { REPORT_PATH = 4096 };

/* report_say.c: what a report says of who made it, and where; static buffers, printable ASCII. */
const char *report_operator(void);
const char *report_host(void);
const char *report_clock(void);

/* report_sign.c: FILE.sig, a note that the ledger's key signed; without a key at hand nothing is written. 0, or the
 * exit code after it was said what is wrong. */
int report_sign(const char *path, const char *data, const struct report *report);
/* Does FILE.sig hold for FILE? The exit code. */
int report_check(const char *path, const char *folder, const char *anchor);

/* report_pdf.c: the report on out as PDF, by the program that knows how. 0, or the exit code after it was said what is
 * wrong. */
int report_pdf(const struct report *report, FILE *out);
#endif
