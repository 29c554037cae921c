/* voice.h: the learned voice: how like known attacks a place of a text is. A place is one to VOICE_STEPS steps of
 * VOICE_STEP octets, wherever it is the worst, with something that words do not have; steps begin and end where talk
 * ends and begins (VOICE_TALK octets of words), so that what stands within a long text is seen as if it stood alone,
 * however short it is. Each octet of a place that goes on with no repetition adds the weights of the n-grams that end
 * there, found by hash. The weights are made by bench/voice_train.c, which finds the n-grams by the very functions
 * below but hears repetitions and words, too, in steps from the beginning on; from which sums on the voice speaks was
 * chosen (bench/detect_voice.c) by voice_score itself. Both stand in tables/voice_weights.def. */
#ifndef ENGINE_DETECT_VOICE_H
#define ENGINE_DETECT_VOICE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/inspect.h"

enum {
	VOICE_BITS = 13,
	VOICE_ROWS = 1 << VOICE_BITS,
	VOICE_LANES = 8, /* a row is added with one instruction: those behind the classes are zero */
	VOICE_GRAMS = 4,
	VOICE_STEP = 8,
	VOICE_STEPS = 5,
	VOICE_WINDOW = VOICE_STEP * VOICE_STEPS,
	VOICE_REACH = VOICE_WINDOW - VOICE_STEP, /* beside a step, the longest place that has it */
	VOICE_TALK = 24				 /* octets without a mark: talk */
};

/* Letters as they are, digits alike, blanks and controls alike, all beyond ASCII alike. */
static inline uint8_t voice_fold(uint8_t c)
{
	if ((uint8_t)(c - '0') < 10)
		return '0';
	if (c <= ' ')
		return ' ';
	return c >= 0x80 ? 0x80 : c;
}

static inline uint32_t voice_row(uint64_t gram)
{
	return (uint32_t)(gram * UINT64_C(0x9e3779b97f4a7c15) >> (64 - VOICE_BITS));
}

/* What stands in front of a text: blanks. */
#define VOICE_START UINT64_C(0x2020202020202020)

/* The rows of the 2, 3, 4 and 6 octets that end here; past: folded, the newest lowest. */
static inline void voice_rows(uint64_t past, uint32_t rows[VOICE_GRAMS])
{
	rows[0] = voice_row((past & 0xffff) | UINT64_C(2) << 60);
	rows[1] = voice_row((past & 0xffffff) | UINT64_C(3) << 60);
	rows[2] = voice_row((past & 0xffffffff) | UINT64_C(4) << 60);
	rows[3] = voice_row((past & UINT64_C(0xffffffffffff)) | UINT64_C(6) << 60);
}

/* Does the newest octet go on with what the ones before it repeat, as in xxxx, ..., hahaha? It says nothing then: a
 * weight that is as good as none would count forty times. */
static inline bool voice_repeats(uint64_t past)
{
	return ((past ^ past >> 8) & 0xffffff) == 0 || ((past ^ past >> 16) & 0xffffffff) == 0;
}

struct voice_best {
	int32_t sum[VOICE_LANES];
	uint32_t end[VOICE_LANES], size[VOICE_LANES]; /* of the place, in octets */
};

/* Of each class the place of the greatest sum, of those that have anything but words: INT32_MIN, and a place of no
 * octets, where there is none. size is not 0. */
void voice_score(const int8_t weights[VOICE_ROWS][VOICE_LANES], const uint8_t *text, size_t size,
		 struct voice_best *ret_best);
extern const int8_t voice_weights[VOICE_ROWS][VOICE_LANES];

struct detect_view;

/* What the voice may say of a class in a view: 0: nothing, DETECT_FLAG: a flag at most, DETECT_REFUSE. It hears a
 * likeness; where what makes an attack of the class is missing altogether (a word or sign of SQL, a command) the
 * likeness is another's. */
unsigned voice_may(const struct detect_view *view, unsigned class, const struct voice_best *best);

/* From which sum on a class says it: see voice_train.c. */
struct voice_class {
	int32_t strong, weak;
	enum detect_rule says, hints;
};
extern const struct voice_class voice_classes[DETECT_CLASSES];

/* Is it a rule of the voice? */
static inline bool voice_says(enum detect_rule rule)
{
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if (rule == voice_classes[class].says || rule == voice_classes[class].hints)
			return true;
	return false;
}
#endif
