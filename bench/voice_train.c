/* voice_train.c: the weights of the learned voice. One scorer a class: attacks of the class against all that is
 * harmless, each text by its most suspicious place; half of the attacks stand within somebody's harmless words. A text
 * that is on the wrong side, or too near to it, moves the weights of its place by a fixed step; the mean of the
 * weights over the passes is what is kept. Octets that repeat those before them (voice_repeats) are learned from,
 * though they do not count where texts are judged. All of it is whole numbers and a fixed row of them for chance: the
 * same texts give the same weights on any machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/views.h"
#include "detect.h"
#include "engine/detect/voice.h"

enum {
	MOST = 512,
	PASSES = 8,
	SETTLED = 3, /* the passes whose mean is kept */
	SCALE = 16,  /* parts of a weight's unit */
	CLAMP = 127 * SCALE,
	MIDDLE = 340 * SCALE, /* the sum that divides attacks from others, and how far from it they are to be */
	MARGIN = 200 * SCALE,
	STEP = 16
};

static int32_t (*weights)[DETECT_CLASSES];
static int64_t (*sums)[DETECT_CLASSES];
static uint64_t chance;

static uint32_t next_number(void)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(chance >> 33);
}

/* The most suspicious place for a class, of any length: its sum, where it begins and ends. */
static int32_t best(uint16_t rows[][VOICE_GRAMS], size_t size, unsigned class, size_t *ret_from, size_t *ret_to)
{
	int32_t steps[VOICE_STEPS] = { 0 }, most = INT32_MIN;

	for (size_t i = 0; i < size;) {
		size_t begin = i;
		int32_t fresh = 0;

		for (size_t end = i + VOICE_STEP < size ? i + VOICE_STEP : size; i < end; i++)
			for (unsigned g = 0; g < VOICE_GRAMS; g++)
				fresh += weights[rows[i][g]][class];
		for (size_t k = VOICE_STEPS; k-- != 0;) {
			steps[k] = (k != 0 ? steps[k - 1] : 0) + fresh;
			if (begin >= k * VOICE_STEP && steps[k] > most) {
				most = steps[k];
				*ret_to = i;
				*ret_from = begin - k * VOICE_STEP;
			}
		}
	}
	return most;
}

static void learn(const uint8_t *text, size_t size, unsigned of, int32_t rate)
{
	static uint16_t rows[MOST][VOICE_GRAMS];
	uint64_t past = VOICE_START;

	for (size_t i = 0; i < size; i++) {
		uint32_t found[VOICE_GRAMS];

		past = past << 8 | voice_fold(text[i]);
		voice_rows(past, found);
		for (unsigned g = 0; g < VOICE_GRAMS; g++)
			rows[i][g] = (uint16_t)found[g];
	}
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		size_t from = 0, to = 0;
		int32_t sum, change;

		if (of != BENIGN && of != class)
			continue;
		sum = best(rows, size, class, &from, &to) - MIDDLE;
		if (of == class ? sum >= MARGIN : sum <= -MARGIN)
			continue;
		change = of == class ? rate : -rate;
		/* a few octets weigh as much as a window of them */
		if (to - from < VOICE_WINDOW / 2)
			change *= 2;
		for (size_t i = from; i < to; i++) {
			for (unsigned g = 0; g < VOICE_GRAMS; g++) {
				int32_t *w = &weights[rows[i][g]][class];

				*w += change;
				*w = *w > CLAMP ? CLAMP : *w < -CLAMP ? -CLAMP : *w;
			}
		}
	}
}

/* As inspection would see it: small letters; what was encoded is shown decoded, too. */
static void show(const struct corpus *corpus, const struct text *text, const size_t *harmless, size_t harmless_count,
		 int32_t rate)
{
	static uint8_t made[MOST], view[MOST];
	unsigned kinds = 0;
	size_t view_size = text->raw.size < MOST ? text->raw.size : MOST;

	views_lower(view, text->raw.data, view_size);
	for (unsigned round = 0; round < 2; round++) {
		if (round != 0) {
			view_size = views_decode(view, view_size, &kinds);
			if (kinds == 0 || view_size == 0)
				return;
		}
		if (text->class != BENIGN && harmless_count != 0 && next_number() % 2 == 0) {
			size_t size = 0;

			for (unsigned part = 0; part < 2; part++) {
				struct fw_slice around = corpus->texts[harmless[next_number() % harmless_count]].raw;
				size_t some = around.size > 60 ? 60 : around.size;

				views_lower(made + size, around.data, some);
				size += some;
				made[size++] = ' ';
				if (part == 0) {
					some = view_size > MOST - 130 ? MOST - 130 : view_size;
					memcpy(made + size, view, some);
					size += some;
					made[size++] = ' ';
				}
			}
			learn(made, size, text->class, rate);
		} else {
			learn(view, view_size, text->class, rate);
		}
	}
}

void voice_train(const struct corpus *corpus, unsigned without, int8_t ret_weights[VOICE_ROWS][VOICE_LANES])
{
	size_t *order = malloc(corpus->count * sizeof(order[0])),
	       *harmless = malloc(corpus->count * sizeof(harmless[0]));
	size_t count = 0, harmless_count = 0;

	weights = calloc(VOICE_ROWS, sizeof(weights[0]));
	sums = calloc(VOICE_ROWS, sizeof(sums[0]));
	if (order == NULL || harmless == NULL || weights == NULL || sums == NULL) {
		fputs("voice: no memory\n", stderr);
		exit(1);
	}
	chance = 1;
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];

		if (text->source == without)
			continue;
		order[count++] = i;
		if (text->class == BENIGN && text->flavour < 2)
			harmless[harmless_count++] = i;
	}
	for (int pass = 0; pass < PASSES; pass++) {
		int32_t rate = STEP >> (pass / 2 < 2 ? pass / 2 : 2);

		for (size_t i = count; i > 1; i--) {
			size_t other = next_number() % i, kept = order[i - 1];

			order[i - 1] = order[other];
			order[other] = kept;
		}
		for (size_t i = 0; i < count; i++) {
			const struct text *text = &corpus->texts[order[i]];
			/* few and hard ones are shown more often */
			unsigned times = text->class == BENIGN && text->flavour == FLAVOURS - 1 ? 4 : 1;

			for (unsigned k = 0; k < times; k++)
				show(corpus, text, harmless, harmless_count, rate);
			if (pass >= PASSES - SETTLED && i % 1024 == 0)
				for (size_t r = 0; r < VOICE_ROWS; r++)
					for (unsigned class = 0; class < DETECT_CLASSES; class ++)
						sums[r][class] += weights[r][class];
		}
	}
	memset(ret_weights, 0, VOICE_ROWS * sizeof(ret_weights[0]));
	for (size_t r = 0; r < VOICE_ROWS; r++)
		for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
			int64_t parts = (int64_t)SETTLED * (int64_t)((count + 1023) / 1024) * SCALE,
				sum = sums[r][class];

			ret_weights[r][class] = (int8_t)((sum + (sum < 0 ? -parts / 2 : parts / 2)) / parts);
		}
	free(weights);
	free(sums);
	free(order);
	free(harmless);
}
