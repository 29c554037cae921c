/* report_period.h: times as people give them. No state; any thread. */
#ifndef REPORT_REPORT_PERIOD_H
#define REPORT_REPORT_PERIOD_H
#include <framewall/types.h>

/* "2026", "2026-11", "2026-11-24", "2026-11-24T10", "…T10:15", "…T10:15:30", with up to six digits of a fraction, with
 * or without "Z", in UTC: the first microsecond of that time, and its last one. False: it is none of these. */
bool report_period_read(const char *text, uint64_t *ret_first_us, uint64_t *ret_last_us);
#endif
