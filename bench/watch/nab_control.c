/* nab_control.c: NAB's own windowed Gaussian, which its authors' program scores with 39.65, 20.87 and 47.41. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nab.h"
#include "nab_control.h"

enum { WINDOW = 6400, STEP = 100 };

static double tail(double x, double mean, double deviation)
{
	if (x < mean)
		x = 2 * mean - x;
	return 0.5 * erfc((x - mean) / deviation / 1.4142);
}

void nab_control(struct nab_file *file)
{
	static double window[WINDOW], step[STEP];
	size_t count = 0, steps = 0;
	double mean = 0, deviation = 1e-6;
	for (size_t i = 0; i < file->count; i++) {
		double value = file->rows[i].value;
		file->rows[i].score = count ? round((1 - tail(value, mean, deviation)) * 1e12) / 1e12
					    : 0; /* as many digits as their files have */
		if (count < WINDOW)
			window[count++] = value;
		else {
			step[steps++] = value;
			if (steps < STEP)
				continue;
			memmove(window, window + STEP, (WINDOW - STEP) * sizeof(*window));
			memcpy(window + WINDOW - STEP, step, sizeof(step));
			steps = 0;
		}
		double sum = 0, squares = 0;
		for (size_t j = 0; j < count; j++)
			sum += window[j];
		mean = sum / (double)count;
		for (size_t j = 0; j < count; j++)
			squares += (window[j] - mean) * (window[j] - mean);
		deviation = sqrt(squares / (double)count);
		if (deviation == 0)
			deviation = 0.000001;
	}
}
