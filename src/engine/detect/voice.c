/* voice.c: windows of a text by the weights of their n-grams. */
#include "engine/detect/voice.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

#ifndef __SSE2__
typedef int8_t row_of_weights __attribute__((vector_size(VOICE_LANES)));
#endif
typedef int16_t row_of_sums __attribute__((vector_size(VOICE_LANES * sizeof(int16_t))));

static row_of_sums read_row(const int8_t weights[VOICE_LANES])
{
#ifdef __SSE2__ /* two instructions, of which compilers make seven */
	__m128i row = _mm_loadl_epi64((const void *)weights);

	return (row_of_sums)_mm_srai_epi16(_mm_unpacklo_epi8(row, row), 8);
#else
	row_of_weights row;

	memcpy(&row, weights, sizeof(row));
	return __builtin_convertvector(row, row_of_sums);
#endif
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

/* Does one of the list stand from there on, before the other place? */
static bool has_any(const struct detect_view *view, enum detect_list list, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (detect_any(view->words, list, view->text + i, view->text + view->size) != 0)
			return true;
	return false;
}

static bool has(const struct detect_view *view, const char *what)
{
	return detect_find(view, 0, what) < view->size;
}

/* Developers name files of the system all day, several in a sentence, and files of their own from four folders above;
 * that they are named is what the voice hears. It is heard aloud where one climbs to a file of the system, or something
 * is encoded. A message that is a path and nothing else: path.c. */
static unsigned of_path(const struct detect_view *view)
{
	if (detect_any(view->words, LIST_PATH_PLAIN, view->text, view->text + view->size) != 0)
		return 0;
	if (memchr(view->text, '%', view->size) != NULL || memchr(view->text, '\\', view->size) != NULL ||
	    has(view, "://"))
		return DETECT_REFUSE;
	if (has(view, ".."))
		return has(view, "../../../..") || has_any(view, LIST_PATH_FILES, 0, view->size) ||
				       has_any(view, LIST_PATH_ROOTS, 0, view->size)
			       ? DETECT_REFUSE
			       : DETECT_FLAG;
	return memchr(view->text, ' ', view->size) == NULL ? DETECT_REFUSE : DETECT_FLAG;
}

/* Components as frameworks write them, around the place: markup that a compiler reads, no browser. What a browser would
 * run is what the rules look for, in them as well. */
static unsigned of_script(const struct detect_view *view, size_t from, size_t to)
{
	from = from > 120 ? from - 120 : 0;
	to = view->size - to > 120 ? to + 120 : view->size;
	if (!has_any(view, LIST_XSS_COMPONENTS, from, to) || has_any(view, LIST_XSS_SCHEMES, from, to))
		return DETECT_REFUSE;
	for (size_t i = from; i < to; i++)
		if (detect_any(view->words, LIST_XSS_CALLS, view->text + i, view->text + view->size) != 0)
			return DETECT_FLAG;
	return 0;
}

/* {{ user.name }}, {% for … %}: templates that neither compute nor reach for anything are those of who writes some. */
static unsigned of_others(const struct detect_view *view)
{
	if ((has(view, "<?xml") || has(view, "<!doctype")) && !has(view, "<!entity") && !has(view, "system") &&
	    !has(view, "xi:") && memchr(view->text, '&', view->size) == NULL &&
	    memchr(view->text, '[', view->size) == NULL)
		return 0; /* a document that declares nothing */
	return (has(view, "{{") || has(view, "{%")) && !has_any(view, LIST_OTHER_REACHES, 0, view->size) &&
			       !has(view, "__") && memchr(view->text, '*', view->size) == NULL
		       ? 0
		       : DETECT_REFUSE;
}

/* A command, or a call that starts one. */
static unsigned of_shell(const struct detect_view *view)
{
	if (view->text[0] == '|' && has(view, "|\n|"))
		return 0; /* a table */
	for (size_t i = 0; i < view->size; i++) {
		size_t size;

		if ((i != 0 && is_word(view->text[i - 1])) || !ascii_is_alpha(view->text[i]))
			continue;
		for (size = 1; i + size < view->size && is_word(view->text[i + size]); size++)
			;
		if (detect_word(view->words, LIST_SHELL_COMMANDS, view->text + i, size))
			return DETECT_REFUSE;
		i += size - 1;
	}
	return has_any(view, LIST_SHELL_CODE, 0, view->size) || memchr(view->text, '$', view->size) != NULL ||
			       memchr(view->text, '\\', view->size) != NULL ||
			       memchr(view->text, '?', view->size) != NULL ||
			       memchr(view->text, '<', view->size) != NULL
		       ? DETECT_REFUSE
		       : DETECT_FLAG;
}

unsigned voice_may(const struct detect_view *view, unsigned class, const struct voice_best *best)
{
	size_t to = best->end[class], from = to > best->size[class] ? to - best->size[class] : 0;

	switch (class) {
	case DETECT_XSS:
		return of_script(view, from, to);
	case DETECT_SQL:
		return memchr(view->text, '=', view->size) != NULL || memchr(view->text, '#', view->size) != NULL ||
				       memchr(view->text, '<', view->size) != NULL ||
				       memchr(view->text, '>', view->size) != NULL ||
				       has_any(view, LIST_SQL_MARKS, 0, view->size)
			       ? DETECT_REFUSE
			       : 0;
	case DETECT_SHELL:
		return of_shell(view);
	case DETECT_PATH:
		return of_path(view);
	default:
		return of_others(view);
	}
}

void detect_voice(const struct detect_view *view)
{
	struct voice_best best;

	voice_score(voice_weights, view->text, view->size, &best);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		size_t half = best.size[class] / 2, at = best.end[class] > half ? best.end[class] - half : 0;
		unsigned may;

		if (best.sum[class] < voice_classes[class].weak)
			continue;
		may = voice_may(view, class, &best);
		if (best.sum[class] >= voice_classes[class].strong && may >= DETECT_REFUSE)
			detect_hit(view, voice_classes[class].says, at);
		else if (may != 0)
			detect_hit(view, voice_classes[class].hints, at);
	}
}

void detect_voice_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	(void)view, (void)list, (void)at, (void)size; /* it owns no list */
}
