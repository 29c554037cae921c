/* sql_piece.c: a text that is nothing but a piece of a statement: what attacks are put together from, and what asks
 * whether a value is left. By its form and not by its words, so a flag at most. */
#include "engine/detect/sql.h"

enum { SHORT = 160, FEW = 48 };

static bool is_quote(const struct token *token)
{
	return token->kind == T_QUOTE || token->kind == T_ODD;
}

static bool word_is(const struct tokens *t, size_t i, const char *what)
{
	size_t size = strlen(what);

	return i < t->count && t->list[i].size == size && memcmp(t->view->text + t->list[i].at, what, size) == 0;
}

static bool has(const struct tokens *t, uint8_t kind)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].kind == kind)
			return true;
	return false;
}

static bool called(const struct tokens *t, size_t i)
{
	return (t->list[i].kind == T_WORD || t->list[i].kind == T_FUNCTION) && t->list[i + 1].kind == T_OPEN &&
	       t->list[i + 1].at == t->list[i].at + t->list[i].size;
}

static bool operates(const struct tokens *t, size_t i)
{
	static const char *const words[] = { "eqv", "collate", "sounds" };
	uint8_t kind = t->list[i].kind;

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (word_is(t, i, words[k]))
			return true;
	return kind == T_JOIN || kind == T_COMPARE || kind == T_LOGIC || kind == T_SOUND || kind == T_STAR ||
	       (kind == T_NOT && t->list[i + 1].kind == T_SOUND);
}

/* SELECT … FROM … WHERE, and nothing is asked; or brackets that nothing closes. */
static bool is_cut(const struct tokens *t)
{
	size_t open = 0, close = 0;

	if (t->list[0].kind != T_SELECT || !has(t, T_FROM))
		return false;
	for (size_t i = 0; i < t->count; i++) {
		open += t->list[i].kind == T_OPEN;
		close += t->list[i].kind == T_CLOSE;
	}
	return word_is(t, t->count - 1, "where") || open != close;
}

/* x' / +1 like '0, or ' ^ ': a string left by what takes another operand, and begun again. Or a comment ends it. */
static bool leaves_string(const struct tokens *t, bool comment)
{
	size_t first = t->list[0].kind == T_JOIN && t->list[1].kind == T_NUMBER;
	size_t quote = is_quote(&t->list[first]) ? first : first + 1, close;

	if (quote != first &&
	    (!is_quote(&t->list[quote]) || (t->list[first].kind != T_WORD && t->list[first].kind != T_NUMBER) ||
	     t->list[quote].at != t->list[first].at + t->list[first].size))
		return false;
	if (comment && t->count > quote + 2 &&
	    (operates(t, quote + 1) || t->list[quote + 1].kind == T_END || t->list[quote + 1].kind == T_STATEMENT))
		return true;
	if (t->list[quote + 1].kind == T_COMMENT)
		return true;
	if (!operates(t, quote + 1))
		return false;
	for (close = t->count - 1; close > quote + 1 && close + 4 > t->count; close--)
		if (is_quote(&t->list[close]))
			return true;
	return false;
}

/* 1 and f()=2, 1 order by f(), -1#, @@version--, or 1--: a number or variable goes on, or a comment cuts what follows.
 */
static bool goes_on(const struct tokens *t, bool comment)
{
	size_t i = t->list[0].kind == T_JOIN ? 1 : 0;

	if (t->list[0].kind == T_LOGIC && t->count < 8 &&
	    (comment || t->list[2].kind == T_SOUND ||
	     (is_quote(&t->list[1]) && t->count < 5 && t->view->text[0] == '|')))
		return true;
	while (t->list[i].kind == T_VARIABLE && i < 2)
		i++;
	if (t->list[i].kind != T_NUMBER && (i == 0 || t->list[i - 1].kind != T_VARIABLE))
		return false;
	if (comment)
		return t->count < 5 || has(t, T_UNION) || (has(t, T_LOGIC) && has(t, T_COMPARE));
	if (t->list[i + 1].kind == T_ORDER && t->list[i + 2].kind == T_BY)
		return t->list[i + 4].kind == T_OPEN;
	if (t->list[i + 1].kind == T_CLOSE && t->list[i + 2].kind == T_FROM)
		return true;
	if (t->list[i + 1].kind != T_LOGIC || (!has(t, T_COMPARE) && !has(t, T_SOUND)))
		return false;
	for (size_t k = i + 2; k < t->count; k++) /* like '%', is not null */
		if (t->list[k].kind == T_SOUND && (is_quote(&t->list[k + 1]) || t->list[k + 1].kind == T_NULL ||
						   (word_is(t, k, "is") && t->list[k + 1].kind == T_NOT) ||
						   (word_is(t, k, "like") && t->list[k + 1].kind == T_NUMBER)))
			return true;
	if (!has(t, T_COMPARE))
		return false;
	for (size_t k = i + 2; k < t->count; k++)
		if (called(t, k))
			return true;
	return false;
}

/* 0x77616974… or 0x77006100…: text as a number, of one or of two octets a letter. */
static bool is_text(const struct tokens *t, size_t i)
{
	const uint8_t *text = t->view->text + t->list[i].at;
	size_t wide = 0, letters = 0;

	if (t->list[i].kind != T_NUMBER || t->list[i].size < 26 || text[0] != '0' || text[1] != 'x')
		return false;
	for (size_t k = 2; k < 26; k += 2) {
		wide += text[k] == '0' && text[k + 1] == '0';
		letters += text[k] >= '2' && text[k] <= '7';
	}
	return letters == 12 || (letters == 6 && wide == 6);
}

/* ascii(substring( and chr(1)||chr(2): what takes a string to pieces, or puts it together. */
static bool is_nested(const struct tokens *t)
{
	for (size_t i = 0; i + 2 < t->count; i++)
		if (t->list[i].kind == T_FUNCTION && t->list[i + 1].kind == T_OPEN &&
		    (t->list[i + 2].kind == T_FUNCTION ||
		     (t->list[i + 2].kind == T_NUMBER && t->list[i + 3].kind == T_CLOSE &&
		      t->list[i + 4].kind == T_LOGIC && t->list[i + 5].kind == T_FUNCTION)))
			return true;
	return false;
}

/* (select …: what stands for a value. */
static bool is_subquery(const struct tokens *t)
{
	size_t i = 0;

	while (t->list[i].kind == T_OPEN)
		i++;
	return i != 0 && t->list[i].kind == T_SELECT;
}

void sql_piece(const struct tokens *t)
{
	bool comment = false;

	for (size_t i = 0; i < t->count && i < FEW; i++)
		if (is_text(t, i))
			detect_hit(t->view, RULE_SQL_PIECE, t->list[i].at);
	if (!t->view->begins || !t->view->ends || t->view->size > SHORT || t->count < 2 || t->count > FEW)
		return;
	for (size_t i = t->count > 3 ? t->count - 3 : 0; i < t->count; i++)
		comment = comment || (i != 0 && t->list[i].kind == T_COMMENT && t->view->size - t->list[i].at < 8 &&
				      t->view->text[t->list[i].at - 1] != '<');
	if ((word_is(t, 0, "case") && word_is(t, t->count - 1, "end")) || is_cut(t) || is_nested(t) || is_subquery(t) ||
	    leaves_string(t, comment) || goes_on(t, comment) ||
	    (t->list[0].kind == T_END &&
	     (word_is(t, 1, "begin") || word_is(t, 1, "declare") || word_is(t, 1, "execute"))) ||
	    (called(t, 0) && (t->list[2].kind == T_SELECT || t->list[3].kind == T_SELECT)))
		detect_hit(t->view, RULE_SQL_PIECE, 0);
	for (size_t i = 0; i + 1 < t->count; i++)
		if (word_is(t, i, "into") && (word_is(t, i + 1, "outfile") || word_is(t, i + 1, "dumpfile")))
			detect_hit(t->view, RULE_SQL_PIECE, t->list[i].at);
}
