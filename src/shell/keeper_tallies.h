/* keeper_tallies.h: the labelled figures of all workers together, since the keeper began: rows of tables/metrics.def
 * with labels. On the keeper's loop. Believes nothing of what it is sent but that numbers are numbers; bounded. */
#ifndef SHELL_KEEPER_TALLIES_H
#define SHELL_KEEPER_TALLIES_H
#include "engine/tallies.h"

enum { KEEPER_SERIES = 1024 }; /* names of configurations that are no more among them; the rest is one, "other" */

struct keeper_tallies {
	struct tally_fixed fixed;
	unsigned count;
	struct tally_series series[KEEPER_SERIES + 2];
};
/* The tail of TALLIES, of SERIES. */
void keeper_tallies_words(struct keeper_tallies *tallies, struct fw_slice tail);
void keeper_tallies_series(struct keeper_tallies *tallies, struct fw_slice tail);
/* The value below which that share of what was timed lies, in nanoseconds, as well as buckets can say; 0: nothing was.
 */
uint64_t keeper_tallies_quantile(const struct tally_histogram *histogram, double share);
uint64_t keeper_tallies_count(const struct tally_histogram *histogram);
#endif
