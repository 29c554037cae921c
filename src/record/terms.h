/* terms.h: what the index of the record has of a line, as words with blanks between them: what it is about is found
 * again by an expression of SQLite's FTS5 over the same words. A word that two values share costs a look at a line too
 * many, no more: whoever searches reads the line. Any thread; no state. */
#ifndef RECORD_TERMS_H
#define RECORD_TERMS_H
#include "base/pool.h"
#include "record/filter.h"

/* Appends the words of a line that was read as JSON. False: memory is short. */
bool terms_of_line(const struct json *json, struct arena *arena, struct buf *out, struct pool *pool);
/* Appends the expression, with a NUL; only the NUL where the filter has nothing that the index knows. False: memory is
 * short. */
bool terms_of_filter(const struct ledger_filter *filter, struct buf *out, struct pool *pool);
#endif
