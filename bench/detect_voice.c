/* detect_voice.c: the learned voice on texts of a source that it was made without, the sums from which on it speaks,
 * and the table of both: tables/voice_weights.def. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/views.h"
#include "detect.h"
#include "engine/detect/view.h"
#include "engine/detect/voice.h"

enum { MOST = 8192, LEAST = 300, STEP = 10, PER_LINE = 5 };
/* False alarms of one class alone, % of messages of a flavour (prose, dev, code, sec): they add up to less than the
 * goals. The rules have theirs, too, and what is refused should be surer by a quarter than what others than these
 * sources show; surer still where it is a path, since people name those to each other. */
static const double alarms_may[TIERS][FLAVOURS] = { { 0.005, 0.02, 0.1, 0.15 }, { 0.015, 0.03, 0.3, 0.13 } };
static const unsigned surer[TIERS][DETECT_CLASSES] = { { 11, 10, 10, 11, 10 }, { 7, 8, 8, 8, 8 } }; /* eighths */

static void score(const int8_t weights[VOICE_ROWS][VOICE_LANES], struct text *text)
{
	static struct detect_words words;
	static uint8_t view[MOST];
	size_t size = text->raw.size < MOST ? text->raw.size : MOST;
	unsigned kinds = 0;

	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		text->voice[0][class] = text->voice[1][class] = INT16_MIN;
	if (words.keyword_start[1] == 0)
		detect_words_init(&words);
	views_lower(view, text->raw.data, size);
	for (unsigned round = 0; round < 2 && size != 0; round++) {
		struct voice_best best;

		if (round != 0) {
			size = views_decode(view, size, &kinds);
			if (kinds == 0 || size == 0)
				return;
		}
		voice_score(weights, view, size, &best);
		for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
			struct detect_view whole = { .text = view, .size = size, .words = &words };
			unsigned may = voice_may(&whole, class, &best);

			for (unsigned tier = 0; tier < TIERS; tier++)
				if (may >= (tier == 0 ? DETECT_REFUSE : DETECT_FLAG) &&
				    best.sum[class] > text->voice[tier][class])
					text->voice[tier][class] = (int16_t)best.sum[class];
		}
	}
}

void voice_leave_out(struct corpus *corpus)
{
	static int8_t weights[VOICE_ROWS][VOICE_LANES];

	for (unsigned source = 0; source < corpus->source_count; source++) {
		voice_train(corpus, source, weights);
		for (size_t i = 0; i < corpus->count; i++)
			if (corpus->texts[i].source == source)
				score(weights, &corpus->texts[i]);
	}
}

static bool too_often(const struct corpus *corpus, unsigned without, unsigned class, unsigned tier, int32_t sum)
{
	unsigned long texts[FLAVOURS] = { 0 }, alarms[FLAVOURS] = { 0 };

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];

		if (text->class != BENIGN || text->source == without)
			continue;
		texts[text->flavour]++;
		alarms[text->flavour] += text->voice[tier][class] >= sum;
	}
	for (unsigned f = 0; f < FLAVOURS; f++)
		if (texts[f] != 0 && 100.0 * (double)alarms[f] / (double)texts[f] > alarms_may[tier][f])
			return true;
	return false;
}

void voice_choose(const struct corpus *corpus, unsigned without, int32_t ret_sums[TIERS][DETECT_CLASSES])
{
	for (unsigned tier = 0; tier < TIERS; tier++)
		for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
			int32_t sum = LEAST;

			while (too_often(corpus, without, class, tier, sum))
				sum += STEP;
			ret_sums[tier][class] = sum * (int32_t)surer[tier][class] / 8;
		}
}

int voice_write(const struct corpus *corpus, const char *path)
{
	static const char *const names[] = {
#define DETECT_CLASS(name, word, help) #name,
#include "tables/detect_classes.def"
#undef DETECT_CLASS
	};
	static int8_t weights[VOICE_ROWS][VOICE_LANES];
	int32_t sums[TIERS][DETECT_CLASSES];
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		return 1;
	}
	voice_choose(corpus, SOURCES, sums);
	voice_train(corpus, SOURCES, weights);
	fprintf(file,
		"/* Made by make voice from the texts of ../shared/corpora (bench/voice_train.c, "
		"bench/detect_voice.c): "
		"change nothing here.\n"
		" * VOICE_CLASS(class, strong, weak): sums from which on the voice speaks. W: a row of weights, one a "
		"class. */\n");
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		fprintf(file, "VOICE_CLASS(%s, %d, %d)\n", names[class], sums[0][class], sums[1][class]);
	for (size_t r = 0; r < VOICE_ROWS; r++) {
		fprintf(file, "W(");
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			fprintf(file, "%s%d", class != 0 ? "," : "", weights[r][class]);
		fprintf(file, r % PER_LINE == PER_LINE - 1 || r + 1 == VOICE_ROWS ? ")\n" : ") ");
	}
	return fclose(file) != 0;
}
