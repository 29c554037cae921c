/* nab.h: the files of the Numenta Anomaly Benchmark and its published scoring. */
#ifndef BENCH_WATCH_NAB_H
#define BENCH_WATCH_NAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAB_FILES = 64, NAB_WINDOWS = 16, NAB_NAME = 80 };

struct nab_row {
	uint64_t at; /* seconds */
	double value;
	double score; /* what a detector said, 0 to 1 */
	double worth; /* what an alert at this row is worth; times the weight of false ones where it is one */
	int window;   /* -1: in none */
};

struct nab_file {
	char name[NAB_NAME]; /* folder/name.csv */
	struct nab_row *rows;
	size_t count, probation; /* rows that do not count */
	unsigned windows, half;	 /* half 0 or 1: every other file of its folder */
};

struct nab_weights {
	double hit, false_alert, miss;
};
extern const struct nab_weights nab_standard, nab_low_fp, nab_low_fn;

struct nab {
	struct nab_file files[NAB_FILES];
	size_t count;
};
bool nab_load(struct nab *nab, const char *folder); /* ../shared/vectors/nab; false: not there, or not as expected */
void nab_free(struct nab *nab);

/* Points of the files of `halves` (bit 0, bit 1) at that threshold, 100: all windows hit at their begin, 0: no alert at
 * all. */
double nab_score(const struct nab *nab, const struct nab_weights *weights, unsigned halves, double threshold);
/* The threshold that is best for those files, as NAB's sweeper finds it. */
double nab_optimise(const struct nab *nab, const struct nab_weights *weights, unsigned halves);

#endif
