/* series.c: several ways in which a sample can be odd, each beaten against the most it ever was. A part that often
 * cries (a series full of peaks) has a high top, and says little; so nothing is asked about how values are distributed.
 */
#include "watch/series.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

const char *const series_part_names[SERIES_PARTS] = { "jump", "shift", "drift", "hour", "spread", "record" };

/* All found on one half of the Numenta files (docs/internals/watch.md); counts are of samples. */
#define FAST 7.27
#define SLOW 1343.0
#define HOUR_SAMPLES 13.58
#define SHIFT 6.85
#define DRIFT 34.0
#define SPREAD 11.1
#define TOP_FALLS 8414.0
#define QUIET 40.74 /* after a surprise */
#define CLIP 8.926  /* deviations: nothing teaches more, whatever is sent */
#define CLIP_ODD 0.5
#define CLIP_USUAL 6.0
#define PROVEN 5.334 /* deviations of a part's own figure that count in full */
#define MOST_PROVEN 2.0
#define RECORD 6.819

static const double weights[SERIES_PARTS] = { 0.9477, 0.7945, 0.18, 0.6815, 0.38, 1 };

enum { PATIENCE = 60, YOUNG = 50, YOUNG_HOURS = 300, YOUNG_CLIP = 30, SECONDS_OF_HOUR = 3600 };

static double deviation(const struct series_mean *mean, double least)
{
	double deviation = sqrt(mean->variance);
	return deviation > least ? deviation : least;
}

static double distance(const struct series_mean *mean, double value, double least)
{
	return mean->count < 2 ? 0 : (value - mean->mean) / deviation(mean, least);
}

static void learn(struct series_mean *mean, double value, double samples, double clip, double least)
{
	double share = mean->count < samples ? 1 / (mean->count + 1) : 1 / samples;
	double away = value - mean->mean, most = clip * deviation(mean, least);
	if (mean->count > YOUNG_CLIP)
		away = away > most ? most : away < -most ? -most : away;
	if (mean->count < samples)
		mean->count++;
	mean->mean += share * away;
	mean->variance = (1 - share) * (mean->variance + share * away * away);
}

void series_reset(struct series *series)
{
	*series = (struct series){ .least = 0, .most = 0 };
}

/* How odd each part finds the value, before it is learned. */
static void figures(struct series *series, const struct series_mean *hour, double value, double least,
		    double ret[SERIES_PARTS])
{
	double wide = deviation(&series->slow, least), middle = series->slow.mean;
	series->shift += (value - series->shift) / SHIFT;
	series->drift += (value - series->drift) / DRIFT;
	ret[SERIES_JUMP] = fabs(distance(&series->fast, value, least));
	bool some = series->count >= 5;
	ret[SERIES_SHIFT] = some ? fabs(series->shift - middle) / wide * sqrt(SHIFT) : 0;
	ret[SERIES_DRIFT] = some ? fabs(series->drift - middle) / wide * sqrt(DRIFT) : 0;
	ret[SERIES_HOUR] = series->count > YOUNG_HOURS ? fabs(distance(hour, value, least)) : 0;
	double apart = value - series->drift;
	series->spread += (apart * apart - series->spread) / SPREAD;
	double tiny = 1e-6 * wide * wide + 1e-12;
	ret[SERIES_SPREAD] =
		series->count < YOUNG_CLIP ? 0 : fabs(log((series->spread + tiny) / (wide * wide + 1e-12)));
	double beyond = value > series->most ? value - series->most : value < series->least ? series->least - value : 0;
	ret[SERIES_RECORD] = series->count < 20 ? 0 : beyond / (series->most - series->least + 1e-9);
}

static double surprise(struct series *series, enum series_part part, double figure)
{
	if (part == SERIES_RECORD)
		return weights[part] * RECORD * figure;
	struct series_mean *usual = &series->usual[part];
	double top = series->top[part] - usual->mean;
	double over = series->count < YOUNG ? 0 : (figure - usual->mean) / (top > 1e-6 ? top : 1e-6) - 1;
	double proven = distance(usual, figure, 1e-9) / PROVEN;
	if (!series->frozen) {
		learn(usual, figure, SLOW, CLIP_USUAL, 1e-9);
		series->top[part] = usual->mean + (series->top[part] - usual->mean) * exp(-1 / TOP_FALLS);
		if (figure > series->top[part])
			series->top[part] = figure;
	}
	return over <= 0 || proven <= 0 ? 0
					: weights[part] * log1p(over) * (proven < MOST_PROVEN ? proven : MOST_PROVEN);
}

struct series_verdict series_take(struct series *series, uint64_t at, double value)
{
	struct series_verdict verdict = { .score = 0 };
	if (!(fabs(value) < 1e60))
		return verdict;
	if (!series->count && !series->frozen) {
		series->shift = series->drift = value;
		series->least = series->most = value;
	}
	double least = 1e-9 * (fabs(series->slow.mean) + 1);
	struct series_mean *hour = &series->hours[at / SECONDS_OF_HOUR % SERIES_HOURS];
	double found[SERIES_PARTS], most = 0;
	verdict.expected = series->slow.mean;
	verdict.spread = sqrt(series->slow.variance);
	figures(series, hour, value, least, found);
	for (unsigned part = 0; part < SERIES_PARTS; part++) {
		double said = surprise(series, part, found[part]);
		if (said > most) {
			most = said;
			verdict.part = part;
		}
	}
	most = most / (1 + most);
	/* What is odd teaches little, so that nobody trains it by being odd; but for what goes on and on, which is how
	 * things are now. */
	series->odd = most < SERIES_ODD ? 0 : series->odd < UINT32_MAX ? series->odd + 1 : series->odd;
	double clip = !series->odd || series->odd > PATIENCE || series->count < YOUNG_HOURS ? CLIP : CLIP_ODD;
	if (!series->frozen) {
		learn(&series->fast, value, FAST, clip, least);
		learn(&series->slow, value, SLOW, clip, least);
		learn(hour, value, HOUR_SAMPLES, clip, least);
		series->most = value > series->most ? value : series->most;
		series->least = value < series->least ? value : series->least;
		series->count++;
	}
	verdict.score = most > series->told ? most : 0;
	series->told *= exp(-1 / QUIET);
	if (most > series->told)
		series->told = most;
	return verdict;
}

static bool sane(double value)
{
	return fabs(value) < 1e200;
}

bool series_check(struct series *series)
{
	bool good = sane(series->shift) && sane(series->drift) && sane(series->spread) && series->spread >= 0 &&
		    sane(series->least) && sane(series->most) && series->most >= series->least && series->told >= 0 &&
		    series->told <= 1;
	const struct series_mean *means[] = { &series->fast, &series->slow };
	for (size_t i = 0; i < 2 + SERIES_HOURS + SERIES_PARTS; i++) {
		const struct series_mean *mean = i < 2			? means[i]
						 : i < 2 + SERIES_HOURS ? &series->hours[i - 2]
									: &series->usual[i - 2 - SERIES_HOURS];
		good = good && sane(mean->mean) && sane(mean->variance) && mean->variance >= 0 && mean->count >= 0 &&
		       mean->count < 1e6;
	}
	for (size_t i = 0; i < SERIES_PARTS; i++)
		good = good && sane(series->top[i]);
	if (!good)
		series_reset(series);
	return good;
}
