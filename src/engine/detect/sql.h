/* sql.h: a view as tokens of SQL. A quote is a token of its own and not the begin of a string, since nobody knows on
 * which side of it the statement is. */
#ifndef ENGINE_DETECT_SQL_H
#define ENGINE_DETECT_SQL_H
#include "engine/detect/view.h"

enum token_kind {
	T_WORD,
	T_NUMBER,
	T_QUOTE,
	T_ODD, /* a quote with an odd number of its kind */
	T_COMPARE,
	T_LOGIC,
	T_JOIN, /* + - / || within an expression */
	T_OPEN,
	T_CLOSE,
	T_COMMA,
	T_END,
	T_COMMENT,
	T_VARIABLE,
	T_DOT,
	T_STAR,
	T_UNION,
	T_SELECT,
	T_FROM,
	T_ALL,
	T_ORDER,
	T_BY,
	T_HAVING,
	T_STATEMENT,
	T_SOUND,
	T_CLAUSE,
	T_NULL,
	T_NOT,
	T_FUNCTION,
	T_OTHER
};

enum { AHEAD = 8, TOKENS = VIEW_SIZE };

struct token {
	uint8_t kind;
	uint8_t size; /* at most 255 */
	uint16_t at;
};

struct tokens {
	const struct detect_view *view;
	struct token list[TOKENS + AHEAD]; /* T_OTHER behind the last */
	size_t count;
};

/* By letter: the first keyword that begins with it, and their sizes. */
void sql_keywords_init(struct detect_words *words);
/* A text that is nothing but a piece of a statement. */
void sql_piece(const struct tokens *t);
/* t->view is given. */
void sql_tokenize(struct tokens *t);
#endif
