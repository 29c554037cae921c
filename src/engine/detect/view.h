/* view.h: what a detector is shown, and what it says. */
#ifndef ENGINE_DETECT_VIEW_H
#define ENGINE_DETECT_VIEW_H
#include "base/slice.h"
#include "engine/detect/detect.h"

enum { VIEW_SPANS = 16, VIEW_SIZE = 4096, VIEW_OVERLAP = 512, VIEW_PADDING = 2 };

struct detect_view {
	const uint8_t *text; /* small letters; VIEW_PADDING zeros behind the last */
	size_t size;	     /* at most VIEW_SIZE */
	unsigned kinds;	     /* enum view_kind: what was undone; 0: as it came */
	unsigned gate;	     /* enum detect_gate of it */
	bool begins, ends;   /* it is the beginning, the end of the text */
	unsigned span_count;
	struct {
		uint16_t start, end;
	} spans[VIEW_SPANS]; /* code between backticks */
	size_t *work;	     /* octets that may still be looked at twice, see detect_spend */
	const struct detect_words *words;
	struct detect_result *result;
};

/* words: of a list that the detector owns (tables/detect_words.def). */
#define DETECTOR(name, gate, help)                                                                                     \
	void detect_##name(const struct detect_view *view);                                                            \
	void detect_##name##_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size);
#include "tables/detectors.def"
#undef DETECTOR

/* at: where in the view; whether it is within code is known by it. */
void detect_hit(const struct detect_view *view, enum detect_rule rule, size_t at);
/* Was it found already? Looking again is then work for nothing. */
bool detect_has(const struct detect_view *view, enum detect_rule rule);
/* Looking around a place costs that many octets. False: so many places were looked at that the text is a flood, which
 * is a finding by itself; look no further. So the work on any text is linear in its size. */
bool detect_spend(const struct detect_view *view, size_t octets);
/* Has it ..2f, ..5c or 0x2e: slashes and dots written without a mark? */
bool detect_shortened(const struct detect_view *view);
/* How many octets stand around a place that no talk parts from it: what it would be alone. Costs work. */
size_t detect_passage(const struct detect_view *view, size_t at);
void detect_scan(const struct detect_view *view);
/* The first place of a text in the view from an offset on, to another; view->size: nowhere. */
size_t detect_find(const struct detect_view *view, size_t from, const char *what);
size_t detect_find_within(const struct detect_view *view, size_t from, size_t to, const char *what);

/* Asked of each octet, by several detectors. */
static const bool view_words[256] = { ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['_'] = true };
static inline bool is_word(uint8_t c)
{
	return view_words[c];
}
/* Octets that no words have: those of the gate of the voice (tables/detectors.def). A place without any is words,
 * and says nothing, as a text without any does not. */
static const bool view_marks[256] = {
	['<'] = true, ['>'] = true, ['\''] = true, ['"'] = true, ['='] = true, ['('] = true, [')'] = true,
	[';'] = true, ['&'] = true, ['|'] = true,  ['`'] = true, ['$'] = true, ['/'] = true, ['\\'] = true,
	['{'] = true, ['}'] = true, ['['] = true,  [']'] = true, ['#'] = true, ['*'] = true, ['%'] = true,
};
static inline bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
#define VIEW_HAS(view, at, literal)                                                                                    \
	((view)->size - (at) >= sizeof(literal) - 1 && memcmp((view)->text + (at), literal, sizeof(literal) - 1) == 0)
#endif
