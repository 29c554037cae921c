/* script.h: a .play file as a tree of lines. Blocks are `foreach … {`, `if … {` with `} else {`, and `NAME {`, whose
 * lines all begin with NAME. A here-document is `<<END` at the end of a line. Knows nothing of what a line means. */
#ifndef PLAY_SCRIPT_H
#define PLAY_SCRIPT_H
#include "text.h"

struct line {
	struct line *next;
	unsigned number;
	char *words; /* without leading blanks, without the "{" or "<<END" at its end */
	char *here;  /* here-document, or NULL */
	bool opens;  /* has a block */
	struct line *body;
	struct line *other; /* else */
};

struct script {
	char *path;
	char *name;   /* file name without folder and suffix */
	char *title;  /* of `play "…"`, or the name */
	bool virtual; /* only in memory */
	struct line *lines;
};

/* NULL: reterr says why, with file and line. */
struct script *script_read(const char *path, struct text *reterr);
struct script *script_free(struct script *script);
#endif
