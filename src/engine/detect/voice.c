/* voice.c: windows of a text by the weights of their n-grams. */
#include "engine/detect/voice.h"

#include <string.h>

#include "engine/detect/view.h"

const int8_t voice_weights[VOICE_ROWS][VOICE_LANES] = {
#define VOICE_CLASS(class, strong, weak)
#define W(...) { __VA_ARGS__ },
#include "tables/voice_weights.def"
#undef W
#undef VOICE_CLASS
};
const struct voice_class voice_classes[DETECT_CLASSES] = {
#define VOICE_CLASS(class, strong, weak) [DETECT_##class] = { strong, weak, RULE_##class##_VOICE, RULE_##class##_ECHO },
#define W(...)
#include "tables/voice_weights.def"
#undef W
#undef VOICE_CLASS
};

typedef int8_t row_of_weights __attribute__((vector_size(VOICE_LANES)));
typedef int16_t row_of_sums __attribute__((vector_size(VOICE_LANES * sizeof(int16_t))));

static row_of_sums read_row(const int8_t weights[VOICE_LANES])
{
	row_of_weights row;

	memcpy(&row, weights, sizeof(row));
	return __builtin_convertvector(row, row_of_sums);
}

static row_of_sums greater(row_of_sums a, row_of_sums b)
{
	row_of_sums is = a > b;

	return (a & is) | (b & ~is);
}

static bool any_greater(row_of_sums a, row_of_sums b)
{
	row_of_sums is = a > b;
	uint64_t half[sizeof(is) / sizeof(uint64_t)];

	memcpy(half, &is, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/* A window of weights fits into 16 bits: 40 octets, four weights each, at most 127 each. */
void voice_score(const int8_t weights[VOICE_ROWS][VOICE_LANES], const uint8_t *text, size_t size,
		 struct voice_best *ret_best)
{
	row_of_sums steps[VOICE_STEPS] = { 0 }, worst = (row_of_sums){ 0 } + INT16_MIN;
	uint64_t past = VOICE_START;

	for (unsigned lane = 0; lane < VOICE_LANES; lane++)
		ret_best->sum[lane] = INT32_MIN;
	for (size_t i = 0; i < size;) {
		row_of_sums fresh = { 0 }, most;

		for (size_t end = size - i > VOICE_STEP ? i + VOICE_STEP : size; i < end; i++) {
			uint32_t rows[VOICE_GRAMS];

			past = past << 8 | voice_fold(text[i]);
			if (voice_repeats(past))
				continue;
			voice_rows(past, rows);
			fresh += (read_row(weights[rows[0]]) + read_row(weights[rows[1]])) +
				 (read_row(weights[rows[2]]) + read_row(weights[rows[3]]));
		}
		/* steps: the sums of the places that end here, the shortest first */
		most = fresh;
		for (unsigned k = VOICE_STEPS - 1; k != 0; k--) {
			steps[k] = steps[k - 1] + fresh;
			most = greater(most, steps[k]);
		}
		steps[0] = fresh;
		if (!any_greater(most, worst))
			continue;
		worst = greater(most, worst);
		for (unsigned lane = 0; lane < DETECT_CLASSES; lane++)
			if (most[lane] > ret_best->sum[lane]) {
				unsigned k = 0;

				while (k + 1 < VOICE_STEPS && steps[k][lane] != most[lane])
					k++;
				ret_best->sum[lane] = most[lane];
				ret_best->end[lane] = (uint32_t)i;
				ret_best->size[lane] = (k + 1) * VOICE_STEP;
			}
	}
}
_Static_assert(VOICE_WINDOW *VOICE_GRAMS * 128 <= INT16_MAX, "the sum of a window");

/* Developers name files of the system all day, several in a sentence; that they are named is what the voice hears. Only
 * where a path climbs as well, or something is encoded, is it heard aloud. A message that is a path and nothing else:
 * path.c. */
static bool may_be_loud(const struct detect_view *view, unsigned class)
{
	return class != DETECT_PATH || memmem(view->text, view->size, "..", 2) != NULL ||
	       memchr(view->text, '%', view->size) != NULL || memchr(view->text, '\\', view->size) != NULL ||
	       memmem(view->text, view->size, "://", 3) != NULL || memchr(view->text, ' ', view->size) == NULL;
}

void detect_voice(const struct detect_view *view)
{
	struct voice_best best;

	voice_score(voice_weights, view->text, view->size, &best);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		size_t half = best.size[class] / 2, at = best.end[class] > half ? best.end[class] - half : 0;

		if (best.sum[class] >= voice_classes[class].strong && may_be_loud(view, class))
			detect_hit(view, voice_classes[class].says, at);
		else if (best.sum[class] >= voice_classes[class].weak)
			detect_hit(view, voice_classes[class].hints, at);
	}
}

void detect_voice_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	(void)view, (void)list, (void)at, (void)size; /* it owns no list */
}
