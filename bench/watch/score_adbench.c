/* score_adbench.c: half-space trees on KDD-99 HTTP and SMTP: the area under the curve, each row judged before it is
 * learned, 100,000 rows in a random order, ten seeds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "npz.h"
#include "score.h"
#include "watch/forest.h"
#include "world.h"

enum { SEEDS = 10, ROWS = 100000 };

struct judged {
	float score;
	bool attack;
};

static int by_score(const void *a, const void *b)
{
	float x = ((const struct judged *)a)->score, y = ((const struct judged *)b)->score;
	return x < y ? -1 : x > y ? 1 : 0;
}

/* Ranks; those that are equal share theirs. */
static double area(struct judged *judged, size_t count)
{
	qsort(judged, count, sizeof(*judged), by_score);
	double sum = 0, attacks = 0;
	for (size_t i = 0, end; i < count; i = end) {
		double inside = 0;
		for (end = i; end < count && !(judged[end].score > judged[i].score); end++)
			inside += judged[end].attack;
		sum += inside * ((double)(i + end - 1) / 2 + 1);
		attacks += inside;
	}
	double others = (double)count - attacks;
	return (sum - attacks * (attacks + 1) / 2) / (attacks * others);
}

static int one(const char *folder, const char *name, const char *title, double wanted)
{
	char path[4096];
	size_t rows, columns, labels, ones;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	double *values = npz_read(path, "X.npy", &rows, &columns), *truth = npz_read(path, "y.npy", &labels, &ones);
	struct forest *forest = malloc(sizeof(*forest));
	uint32_t *order = values ? malloc(rows * sizeof(*order)) : NULL;
	struct judged *judged = malloc(ROWS * sizeof(*judged));
	if (!values || !truth || !forest || !order || !judged || labels != rows || columns > FOREST_SIZES) {
		fprintf(stderr, "%s: not there, or not as expected\n", path);
		return 1;
	}
	size_t count = rows < ROWS ? rows : ROWS;
	double sum = 0, least = 1, most = 0, seconds = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t state = seed;
		for (uint32_t i = 0; i < rows; i++)
			order[i] = i;
		for (uint32_t i = (uint32_t)rows - 1; i; i--) {
			uint32_t other = dice_below(&state, i + 1), held = order[i];
			order[i] = order[other];
			order[other] = held;
		}
		forest_reset(forest, (unsigned)columns, seed);
		struct timespec begin, end;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
		for (size_t i = 0; i < count; i++) {
			float vector[FOREST_SIZES];
			for (size_t j = 0; j < columns; j++)
				vector[j] = (float)values[order[i] * columns + j];
			judged[i] = (struct judged){ forest_take(forest, vector), truth[order[i]] > 0.5 };
		}
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		seconds += (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
		size_t skipped = 2 * FOREST_WINDOW; /* nothing is said yet */
		double found = area(judged + skipped, count - skipped);
		sum += found;
		least = found < least ? found : least;
		most = found > most ? found : most;
	}
	printf("%-5s mean of %d seeds %.4f (wanted: %.2f), %.4f to %.4f; %.0f KiB, %.2f µs a sample (128, 2)\n", title,
	       SEEDS, sum / SEEDS, wanted, least, most, (double)sizeof(*forest) / 1024,
	       seconds * 1e6 / (double)count / SEEDS);
	free(values);
	free(truth);
	free(forest);
	free(order);
	free(judged);
	return 0;
}

int score_adbench(const char *vectors)
{
	char folder[4000];
	snprintf(folder, sizeof(folder), "%s/adbench", vectors);
	int failed = one(folder, "16_http.npz", "HTTP", 0.99);
	return one(folder, "34_smtp.npz", "SMTP", 0.8) | failed;
}
