/* unseen.h: what a rule would refuse that nobody has said yet, estimated from how often was said what was. All answers
 * are expected numbers: of values that are new, in as many more as there were. */
#ifndef LEARN_UNSEEN_H
#define LEARN_UNSEEN_H
#include "learn/node.h"

/* Of kinds of which these were seen so often each (Good and Turing): every value that came once stands for one that
 * will, and one that came a few times might as well not have come. */
struct unseen {
	uint64_t once;
	double perhaps;
};
void unseen_add(struct unseen *unseen, uint64_t seen);
double unseen_new(const struct unseen *unseen);
double unseen_values(const struct learn_values *values);
double unseen_names(const struct learn_node *node); /* of members of its objects */
double unseen_marks(const struct learn_text *text); /* and kinds of letters */
/* Of something that was always so, in count examples, and may be one of those that are only mostly so (Laplace): odds
 * of that before anything was seen. */
double unseen_otherwise(uint64_t count, double odds);
/* The end beyond which so many are expected, from how fast the outermost thin out (Hill); never within what was seen.
 */
double unseen_end(const struct learn_ends *ends, bool high, double expected);
/* Places that have rules, in this one and below. */
unsigned unseen_places(const struct learn_node *node);
/* Adds how many members were left out at times, and how many never were. */
void unseen_members(const struct learn_node *node, uint64_t members[2]);
/* Do they rise (counters) more often than numbers in any order ever would? */
bool unseen_rises(const struct learn_ends *ends);
#endif
