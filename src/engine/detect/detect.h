/* detect.h: is a text an attack, by what it would do where it ends up? Points of a class add up: DETECT_FLAG of them
 * are worth a record, DETECT_REFUSE an end. No allocation, no I/O, linear in the size of the text; any thread. */
#ifndef ENGINE_DETECT_DETECT_H
#define ENGINE_DETECT_DETECT_H
#include <stdbool.h>

#include "base/slice.h"
#include "engine/detect/words.h"
#include "policy/inspect.h"

enum { DETECT_FLAG = 4, DETECT_REFUSE = 10 }; /* what the points of a rule are made for */

/* Octets of a text, by what they may begin. */
enum detect_gate {
	GATE_TAG = 1 << 0,	 /* < > */
	GATE_QUOTE = 1 << 1,	 /* ' " */
	GATE_EQUALS = 1 << 2,	 /* = */
	GATE_PAREN = 1 << 3,	 /* ( ) */
	GATE_SEMICOLON = 1 << 4, /* ; & */
	GATE_PIPE = 1 << 5,	 /* | */
	GATE_BACKTICK = 1 << 6,
	GATE_DOLLAR = 1 << 7,
	GATE_LINE = 1 << 8, /* line ends and other controls */
	GATE_SLASH = 1 << 9,
	GATE_BACKSLASH = 1 << 10,
	GATE_BRACE = 1 << 11,	   /* { } [ ] */
	GATE_COMMENT = 1 << 12,	   /* # * */
	GATE_DIGIT = 1 << 13,	   /* digits; of no weight alone */
	GATE_UNDERSCORE = 1 << 14, /* _ @ ^ ~ */
	GATE_COLON = 1 << 15,
	GATE_PERCENT = 1 << 16,
	GATE_HIGH = 1 << 17, /* beyond ASCII */
	GATE_NUL = 1 << 18,  /* NUL and other controls that are no blanks */
	GATE_AMPERSAND = 1 << 19,
	GATE_DASH = 1 << 20 /* - and , */
};

/* Begins as zeros. */
struct detect_result {
	struct detect_rules found;
	struct detect_rules fenced; /* within a code fence, where all but XSS and lookups are worth a flag at most */
};

struct detect_info {
	const char *id, *reason;
	uint8_t class, points;
};
extern const struct detect_info detect_info[DETECT_RULES];

/* How much memory it takes to look at the text, besides the stack: 0 where it is short. */
size_t detect_room(struct fw_slice text);
/* Adds what is found in the text to the result. room: detect_room octets. Returns its gate. */
unsigned detect_text(const struct detect_words *words, struct fw_slice text, uint8_t *room,
		     struct detect_result *result);
/* The sum of a class, without the rules of a set (NULL: none is left out); where one of those was found the learned
 * voice of the class is left out, too. */
unsigned detect_points(const struct detect_result *result, unsigned class, const struct detect_rules *without);
/* Of the rules of a class that were found, without those of a set, the one of most points, of
 * those of the learned voice only where there is no other; DETECT_RULES: none was. */
enum detect_rule detect_lead(const struct detect_result *result, unsigned class, const struct detect_rules *without);
/* Of the octets of a text, enum detect_gate. */
unsigned detect_gate(struct fw_slice text);
/* Has a text with these anything that a piece of an attack could have? Words alone have not. */
bool detect_is_piece(unsigned gate);
/* Has it anything that a view would undo? */
bool detect_is_encoded(unsigned gate);
/* As the name of a member: an operator of a query, as $where? */
bool detect_is_operator(const struct detect_words *words, struct fw_slice name);
#endif
