/* score_nab.c: our series on the Numenta Anomaly Benchmark: all files with the threshold that is best for them, as the
 * published scores are made; then with the threshold of one half, on the other. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nab.h"
#include "nab_control.h"
#include "score.h"
#include "watch/series.h"

enum { FIRST = 1, SECOND_HALF = 2, ALL = 3 };

static void series_of(struct nab_file *file)
{
	struct series series;
	series_reset(&series);
	for (size_t i = 0; i < file->count; i++)
		file->rows[i].score = series_take(&series, file->rows[i].at, file->rows[i].value).score;
}

static double best(const struct nab *nab, const struct nab_weights *weights)
{
	return nab_score(nab, weights, ALL, nab_optimise(nab, weights, ALL));
}

static double across(const struct nab *nab, unsigned from, unsigned to)
{
	return nab_score(nab, &nab_standard, to, nab_optimise(nab, &nab_standard, from));
}

static void print(const struct nab *nab, const char *title)
{
	printf("%-28s standard %6.2f, reward low FP %6.2f, reward low FN %6.2f\n", title, best(nab, &nab_standard),
	       best(nab, &nab_low_fp), best(nab, &nab_low_fn));
	printf("    threshold of the first half on the second %.2f (with its own %.2f), of the second on the first "
	       "%.2f (%.2f)\n",
	       across(nab, FIRST, SECOND_HALF), across(nab, SECOND_HALF, SECOND_HALF), across(nab, SECOND_HALF, FIRST),
	       across(nab, FIRST, FIRST));
}

/* One line a file that has windows: how many were met at that threshold, how many alerts were in none. */
static void files(const struct nab *nab, double threshold)
{
	for (size_t f = 0; f < nab->count; f++) {
		const struct nab_file *file = &nab->files[f];
		unsigned met = 0, wrong = 0, seen = 0;
		for (size_t i = file->probation; i < file->count; i++) {
			const struct nab_row *row = &file->rows[i];
			if (row->score < threshold)
				continue;
			wrong += row->window < 0;
			met += row->window >= 0 && !(seen >> row->window & 1);
			seen |= row->window >= 0 ? 1u << row->window : 0;
		}
		printf("    %-62s half %u: %u of %u windows, %u alerts beside\n", file->name, file->half + 1, met,
		       file->windows, wrong);
	}
}

int score_nab(const char *vectors)
{
	static struct nab nab;
	char folder[4096];
	snprintf(folder, sizeof(folder), "%s/nab", vectors);
	if (!nab_load(&nab, folder)) {
		fprintf(stderr, "%s: not there, or not as expected\n", folder);
		return 1;
	}
	size_t rows = 0;
	for (size_t i = 0; i < nab.count; i++) {
		rows += nab.files[i].count;
		for (size_t j = 0; j < nab.files[i].count; j++)
			nab.files[i].rows[j].score = 0;
	}
	print(&nab, "no alert at all (0)");
	for (size_t i = 0; i < nab.count; i++)
		nab_control(&nab.files[i]);
	print(&nab, "windowed Gaussian (39.65)");
	struct timespec begin, end;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (size_t i = 0; i < nab.count; i++)
		series_of(&nab.files[i]);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
	print(&nab, "src/watch/series");
	double threshold = nab_optimise(&nab, &nab_standard, ALL);
	printf("    %zu octets a series, %.2f µs a sample; threshold %.4f; at SERIES_ODD (%.4f): %.2f\n",
	       sizeof(struct series), seconds * 1e6 / (double)rows, threshold, SERIES_ODD,
	       nab_score(&nab, &nab_standard, ALL, SERIES_ODD));
	files(&nab, threshold);
	nab_free(&nab);
	return 0;
}
