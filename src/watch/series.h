/* series.h: whether a figure that comes again and again (messages a minute, octets) is odd now. Constant memory,
 * constant work, no clock of its own. docs/internals/watch.md tells how, and what it scores. */
#ifndef FRAMEWALL_WATCH_SERIES_H
#define FRAMEWALL_WATCH_SERIES_H

#include <stdbool.h>
#include <stdint.h>

/* What of a sample was odd. */
enum series_part { SERIES_JUMP, SERIES_SHIFT, SERIES_DRIFT, SERIES_HOUR, SERIES_SPREAD, SERIES_RECORD, SERIES_PARTS };
extern const char *const series_part_names[SERIES_PARTS];

enum { SERIES_HOURS = 24 };

/* Mean and variance that forget: the first samples count alike, later ones by a fixed share. */
struct series_mean {
	double mean, variance, count;
};

struct series {
	struct series_mean fast, slow, hours[SERIES_HOURS];
	struct series_mean usual[SERIES_PARTS]; /* of what each part says */
	double top[SERIES_PARTS];		/* the most that each part said; falls slowly to its mean */
	double shift, drift, spread;		/* means over a few samples, and how far apart these are */
	double least, most;			/* of all that were learned */
	double told;				/* the last surprise; what follows must be more, for a while */
	uint64_t count;
	uint32_t odd; /* samples in a row that were */
	bool frozen;  /* judges and learns nothing */
};

struct series_verdict {
	double score;		 /* 0 to 1; SERIES_ODD and more: an alert */
	enum series_part part;	 /* that made it, when score is not 0 */
	double expected, spread; /* of the value, by the slow baseline */
};

#define SERIES_ODD 0.175

void series_reset(struct series *series);
/* A sample at that time (seconds, wall clock: only the hour of the day counts). What is no number is left out. */
struct series_verdict series_take(struct series *series, uint64_t at, double value);
/* What was read from elsewhere: false, and reset, when it holds what no series could. */
bool series_check(struct series *series);

#endif
