/* report.h: the parts of "framewall report". */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H
#include <stdio.h>

#include "report/report.h"
#include "report/report_place.h"

/* report_sign.c: FILE.sig, a note that the ledger's key signed; without a key at hand nothing is written. 0, or the
 * exit code after it was said what is wrong. */
int report_sign(const char *path, const char *data);
/* Does FILE.sig hold for FILE? The exit code. */
int report_check(const char *path, const char *folder, const char *anchor);

/* report_pdf.c: the report on out as PDF, by the program that knows how. 0, or the exit code after it was said what is
 * wrong. */
int report_pdf(const struct report *report, FILE *out);
#endif
