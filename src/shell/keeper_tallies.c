#include "shell/keeper_tallies.h"

#include <string.h>

#include "base/slice.h"
#include "shell/ipc.h"

void keeper_tallies_words(struct keeper_tallies *tallies, struct fw_slice tail)
{
	uint64_t *words = (uint64_t *)&tallies->fixed;
	struct ipc_tally_word one;

	for (size_t at = 0; tail.size - at >= sizeof(one); at += sizeof(one)) {
		memcpy(&one, tail.data + at, sizeof(one));
		if (one.word < TALLY_WORDS)
			words[one.word] += one.value;
	}
}

/* Its names end, and nothing of the one before stands behind the end. */
static void clean(char name[TALLY_NAME])
{
	size_t size = strnlen(name, TALLY_NAME - 1);

	memset(name + size, 0, TALLY_NAME - size);
}

static struct tally_series *find(struct keeper_tallies *tallies, const struct tally_series *told)
{
	struct tally_series *series;

	for (series = tallies->series; series < tallies->series + tallies->count; series++)
		if (series->outbound == told->outbound && memcmp(series->type, told->type, TALLY_NAME) == 0 &&
		    memcmp(series->route, told->route, TALLY_NAME) == 0)
			return series;
	if (tallies->count == KEEPER_SERIES) {
		series = &tallies->series[KEEPER_SERIES + told->outbound];
		memcpy(series->route, "other", sizeof("other"));
		memcpy(series->type, "other", sizeof("other"));
		series->outbound = told->outbound;
		return series;
	}
	tallies->count++;
	memcpy(series->route, told->route, TALLY_NAME);
	memcpy(series->type, told->type, TALLY_NAME);
	series->outbound = told->outbound;
	return series;
}

void keeper_tallies_series(struct keeper_tallies *tallies, struct fw_slice tail)
{
	struct tally_series told;

	for (size_t at = 0; tail.size - at >= sizeof(told); at += sizeof(told)) {
		struct tally_series *series;

		memcpy(&told, tail.data + at, sizeof(told));
		told.outbound = told.outbound != 0;
		clean(told.route);
		clean(told.type);
		series = find(tallies, &told);
		for (unsigned i = 0; i < DECISIONS; i++)
			series->counts[i] += told.counts[i];
	}
}

uint64_t keeper_tallies_count(const struct tally_histogram *histogram)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= TALLY_BUCKETS; i++)
		count += histogram->buckets[i];
	return count;
}

uint64_t keeper_tallies_quantile(const struct tally_histogram *histogram, double share)
{
	static const uint64_t ends[TALLY_BUCKETS] = {
#define LATENCY(nanoseconds, seconds) nanoseconds,
#include "tables/latency.def"
#undef LATENCY
	};
	uint64_t below = 0;
	double wanted = share * (double)keeper_tallies_count(histogram);

	for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
		uint64_t here = histogram->buckets[i], from = i == 0 ? 0 : ends[i - 1];

		if (here != 0 && (double)(below + here) >= wanted) /* as histogram_quantile() of Prometheus has it */
			return from + (uint64_t)((double)(ends[i] - from) * (wanted - (double)below) / (double)here);
		below += here;
	}
	return below == keeper_tallies_count(histogram) && below == 0 ? 0 : ends[TALLY_BUCKETS - 1];
}
