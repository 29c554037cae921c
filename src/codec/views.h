/* views.h: a text as those behind us may come to read it: percent, entities, escapes, overlong UTF-8, full-width
 * letters and characters that nobody sees are undone, round by round, until nothing changes. In place, no memory of
 * its own: what comes out is never longer than what went in. Any thread. */
#ifndef CODEC_VIEWS_H
#define CODEC_VIEWS_H
#include <stddef.h>
#include <stdint.h>

/* What was undone. */
enum view_kind {
	VIEW_PERCENT = 1,
	VIEW_ENTITY = 2,
	VIEW_ESCAPE = 4,   /* \u003c, \x3c, \u{3c}, \074 */
	VIEW_OVERLONG = 8, /* a character written longer than it is */
	VIEW_WIDE = 16,	   /* U+FF01 to U+FF5E and their like (tables/views.def): NFKC makes ASCII of them */
	VIEW_REMOVED = 32, /* NUL and other controls, zero width */
	VIEW_TWICE = 64,   /* what came out of a round was encoded again */
	VIEW_SHORTER = 128 /* runs of one character, comments */
};
enum { VIEW_ROUNDS = 3, VIEW_RUN = 16 };

/* ASCII letters become small. */
void views_lower(uint8_t *out, const uint8_t *text, size_t size);
/* One round. Returns the size of what is left in text; *kinds gains what was undone. */
size_t views_round(uint8_t *text, size_t size, unsigned *kinds);
/* At most VIEW_ROUNDS of them. */
size_t views_decode(uint8_t *text, size_t size, unsigned *ret_kinds);
/* Of a run of blanks, or of one octet, VIEW_RUN are left, of what stands between slash-star and star-slash nothing. */
size_t views_squeeze(uint8_t *text, size_t size, unsigned *kinds);
#endif
