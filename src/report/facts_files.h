/* facts_files.h: whether the files of a record's segment are those that they were. No state; any thread. */
#ifndef REPORT_FACTS_FILES_H
#define REPORT_FACTS_FILES_H
#include <framewall/types.h>

/* Of what the system says of a segment's files: a file that was written to, or put in place of another one, has another
 * time of change, which nobody sets at will. False with errno. */
bool facts_files_digest(const char *record, uint64_t segment, uint8_t ret_digest[32]);
/* The same of all segments but the last; all zero: there is none. */
bool facts_files_closed(const char *record, uint8_t ret_digest[32]);
/* Of what stands in its history; all zero: it has none. False with errno. */
bool facts_files_history(const char *record, uint64_t segment, uint8_t ret_digest[32]);
#endif
