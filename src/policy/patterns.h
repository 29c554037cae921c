/* patterns.h: expressions of the configuration, looked for in a text all at once and in time that is linear in its
 * size (vectorscan). Builds without that library have none of them, and say so when one is given.
 *
 * A set never changes after it was made; any thread may look with it, with a scratch of its own. */
#ifndef POLICY_PATTERNS_H
#define POLICY_PATTERNS_H
#include <stdbool.h>

#include <framewall/types.h>

#include "base/limits.h"

struct patterns;
struct patterns_scratch;

/* What of the expression is meant: capitals are as small letters; "." is also the end of a line; ^ and $ are also those
 * of lines. */
enum { PATTERN_NO_CASE = 1, PATTERN_DOT_ALL = 2, PATTERN_LINES = 4 };
struct patterns_found {
	uint64_t bits[(LIMIT_RULES + 63) / 64];
};

enum { PATTERNS_WHAT = 256 };
const char *patterns_version(void); /* NULL: not in this build */
/* Is that an expression? False: ret_what says why not. */
bool patterns_hold(const char *expression, unsigned flags, char ret_what[PATTERNS_WHAT]);
/* NULL: ret_what says why. count: at most LIMIT_RULES. */
struct patterns *patterns_make(const char *const *expressions, const unsigned *flags, unsigned count,
			       char ret_what[PATTERNS_WHAT]);
void patterns_free(struct patterns *patterns); /* NULL-safe */

/* Makes the scratch large enough for the set; NULL: makes it. Does nothing when it is. False: memory is short. */
bool patterns_prepare(const struct patterns *patterns, struct patterns_scratch **scratch);
void patterns_scratch_free(struct patterns_scratch *scratch); /* NULL-safe */
/* Adds which of them are in the text. No memory is taken. False: the scratch is none of the set. */
bool patterns_look(const struct patterns *patterns, struct patterns_scratch *scratch, struct fw_slice text,
		   struct patterns_found *found);
#endif
