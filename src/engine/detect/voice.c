/* voice.c: windows of a text by the weights of their n-grams. */
#include "engine/detect/voice.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/detect/octets.h"
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
#ifdef __SSE2__
	return (row_of_sums)_mm_max_epi16((__m128i)a, (__m128i)b);
#else
	row_of_sums is = a > b;

	return (a & is) | (b & ~is);
#endif
}

static bool any_greater(row_of_sums a, row_of_sums b)
{
	row_of_sums is = a > b;
#ifdef __SSE2__
	return _mm_movemask_epi8((__m128i)is) != 0;
#else
	uint64_t half[sizeof(is) / sizeof(uint64_t)];

	memcpy(half, &is, sizeof(half));
	return (half[0] | half[1]) != 0;
#endif
}

/* The first octet that no words have, from there on. */
OCTETS_NEXT(next_mark, view_marks,
	    _mm_or_si128(_mm_or_si128(_mm_or_si128(octets_range(sixteen, '"', '*'), octets_range(sixteen, ';', '>')),
				      _mm_or_si128(octets_range(sixteen, '[', ']'), octets_range(sixteen, '{', '}'))),
			 _mm_or_si128(octets_one(sixteen, '/'), octets_one(sixteen, '`'))))

/* Where the token begins, or ends, that has an octet: at a blank, or at the reach of a place. */
static size_t token_from(const uint8_t *text, size_t at, size_t least)
{
	size_t from = at;

	while (from > least && at - from < VOICE_REACH && voice_fold(text[from - 1]) != ' ')
		from--;
	return from;
}

static size_t token_to(const uint8_t *text, size_t size, size_t at)
{
	size_t to = at + 1;

	while (to < size && to - at < VOICE_REACH && voice_fold(text[to]) != ' ')
		to++;
	return to;
}

/* voice_fold as a table: it is asked of each octet that is heard. */
#define FOLD(c) (uint8_t)((c) <= ' ' ? ' ' : (c) >= '0' && (c) <= '9' ? '0' : (c) >= 0x80 ? 0x80 : (c))
#define FOLD_4(c) FOLD(c), FOLD(c + 1), FOLD(c + 2), FOLD(c + 3)
#define FOLD_16(c) FOLD_4(c), FOLD_4(c + 4), FOLD_4(c + 8), FOLD_4(c + 12)
#define FOLD_64(c) FOLD_16(c), FOLD_16(c + 16), FOLD_16(c + 32), FOLD_16(c + 48)
static const uint8_t folds[256] = { FOLD_64(0), FOLD_64(64), FOLD_64(128), FOLD_64(192) };

struct hearing {
	const int8_t (*weights)[VOICE_LANES];
	const uint8_t *text;
	size_t at;			/* heard up to here */
	uint64_t past;			/* what stands in front of it, folded */
	size_t begins[VOICE_STEPS];	/* of the places that end here, the shortest first */
	row_of_sums steps[VOICE_STEPS]; /* their sums */
	row_of_sums worst;
	unsigned since; /* steps since the last one with a mark */
	struct voice_best *best;
};

/* Goes on at a place, with what stands in front of it. */
static void go_to(struct hearing *h, size_t at)
{
	h->at = at;
	h->past = VOICE_START;
	for (size_t i = at > 8 ? at - 8 : 0; i < at; i++)
		h->past = h->past << 8 | voice_fold(h->text[i]);
}

/* Of the places that end here and have a mark, the shortest of since steps, the last of them from begin on, the
 * loudest.
 */
static void take(struct hearing *h, row_of_sums fresh, unsigned since, size_t begin, size_t end)
{
	row_of_sums most = since == 0 ? fresh : (row_of_sums){ 0 } + INT16_MIN;

	for (unsigned k = since == 0 ? 1 : since; k < VOICE_STEPS; k++)
		most = greater(most, h->steps[k - 1] + fresh);
	if (!any_greater(most, h->worst))
		return;
	h->worst = greater(most, h->worst);
	for (unsigned lane = 0; lane < DETECT_CLASSES; lane++)
		if (most[lane] > h->best->sum[lane]) {
			unsigned k = since;

			while (k + 1 < VOICE_STEPS &&
			       (k != 0 ? h->steps[k - 1][lane] + fresh[lane] : fresh[lane]) != most[lane])
				k++;
			h->best->sum[lane] = most[lane];
			h->best->end[lane] = (uint32_t)end;
			h->best->size[lane] = (uint32_t)(end - (k != 0 ? h->begins[k - 1] : begin));
		}
}

/* words: of them each may be the last of a place. */
static void hear_step(struct hearing *h, size_t end, bool words)
{
	const int8_t(*weights)[VOICE_LANES] = h->weights;
	const uint8_t *text = h->text;
	row_of_sums fresh = { 0 };
	size_t begin = h->at;
	uint64_t past = h->past;
	bool marked = false;

	words = words && h->since + 1 < VOICE_STEPS;
	for (size_t at = begin; at < end; at++) {
		uint8_t c = text[at];
		uint32_t rows[VOICE_GRAMS];

		if (words && c == ' ' && at != begin)
			take(h, fresh, h->since + 1, begin, at);
		marked |= view_marks[c];
		past = past << 8 | folds[c];
		if (voice_repeats(past))
			continue;
		voice_rows(past, rows);
		fresh += (read_row(weights[rows[0]]) + read_row(weights[rows[1]])) +
			 (read_row(weights[rows[2]]) + read_row(weights[rows[3]]));
	}
	h->at = end;
	h->past = past;
	h->since = marked ? 0 : h->since + 1;
	if (h->since < VOICE_STEPS)
		take(h, fresh, h->since, begin, end);
	for (unsigned k = VOICE_STEPS - 1; k != 0; k--) {
		h->steps[k] = h->steps[k - 1] + fresh;
		h->begins[k] = h->begins[k - 1];
	}
	h->steps[0] = fresh;
	h->begins[0] = begin;
}

/* In steps up to there; what is less than one comes first in front of a passage, which words are, else last. */
static void hear(struct hearing *h, size_t to, bool words, bool first)
{
	if (first && h->at < to && (to - h->at) % VOICE_STEP != 0)
		hear_step(h, h->at + (to - h->at) % VOICE_STEP, words);
	while (h->at < to)
		hear_step(h, to - h->at > VOICE_STEP ? h->at + VOICE_STEP : to, words);
}

/* Marks that no talk parts from each other are one passage, from the token of the first to that of the last. Steps
 * begin with it and end with it, and nothing is heard in front of it: so it is as loud within talk as alone. A window
 * of weights fits into 16 bits: 40 octets, four weights each, at most 127 each. */
void voice_score(const int8_t weights[VOICE_ROWS][VOICE_LANES], const uint8_t *text, size_t size,
		 struct voice_best *ret_best)
{
	struct hearing h = { .weights = weights, .text = text, .past = VOICE_START, .since = VOICE_STEPS };
	size_t mark = next_mark(text, size, 0), from = token_from(text, mark, 0);

	h.best = ret_best;
	h.worst = (row_of_sums){ 0 } + INT16_MIN;
	for (unsigned lane = 0; lane < VOICE_LANES; lane++) {
		ret_best->sum[lane] = INT32_MIN;
		ret_best->end[lane] = ret_best->size[lane] = 0;
	}
	while (mark < size) {
		size_t last = mark, next, to;

		while ((next = next_mark(text, size, last + 1)) < size && next - last <= VOICE_TALK)
			last = next;
		to = token_to(text, next, last);
		if (from - h.at > 2 * VOICE_REACH)
			go_to(&h, from - VOICE_REACH);
		hear(&h, from, true, true);
		if (from != 0 && voice_fold(text[from - 1]) == ' ')
			h.past = VOICE_START;
		hear(&h, to, false, false);
		mark = next;
		from = mark < size ? token_from(text, mark, to) : size;
		/* the longest places that still have something of it */
		if (from - to > 2 * VOICE_REACH)
			hear(&h, to + VOICE_REACH, true, false);
		else if (mark == size)
			hear(&h, size, true, false);
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

enum { AROUND_PATH = 8 };

/* Developers name files of the system all day, several in a sentence, and files of their own from four folders above;
 * that they are named is what the voice hears. It is heard aloud where one climbs to a file of the system, or something
 * is encoded in that very place. A message that is a path and nothing else: path.c. */
static unsigned of_path(const struct detect_view *view, size_t from, size_t to)
{
	const uint8_t *place, *mark;
	size_t size;

	if (detect_any(view->words, LIST_PATH_PLAIN, view->text, view->text + view->size) != 0)
		return 0;
	if (memchr(view->text, ' ', view->size) == NULL)
		return DETECT_REFUSE;
	from = from > AROUND_PATH ? from - AROUND_PATH : 0;
	to = view->size - to > AROUND_PATH ? to + AROUND_PATH : view->size;
	place = view->text + from;
	size = to - from;
	if (memchr(place, '%', size) != NULL)
		return DETECT_REFUSE;
	/* C:\Windows\x is what people name */
	mark = memchr(place, '\\', size);
	if (mark != NULL && (mark == view->text || mark[-1] != ':'))
		return DETECT_REFUSE;
	if (memmem(place, size, "../", 3) != NULL)
		return has(view, "../../../..") || has_any(view, LIST_PATH_FILES, from, to) ||
				       has_any(view, LIST_PATH_ROOTS, from, to)
			       ? DETECT_REFUSE
			       : DETECT_FLAG;
	mark = memmem(place, size, "://", 3);
	if (mark != NULL &&
	    (mark - view->text < 4 || (memcmp(mark - 4, "http", 4) != 0 && memcmp(mark - 4, "ttps", 4) != 0)))
		return DETECT_REFUSE;
	return has_any(view, LIST_PATH_PLAIN, from, to) ? 0 : DETECT_FLAG;
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
	if ((view->text[0] == '|' && has(view, "|\n|")) || (view->text[0] == '+' && has(view, "|\n+")))
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
		return of_path(view, from, to);
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
