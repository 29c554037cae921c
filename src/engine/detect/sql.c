/* sql.c: a value that leaves its place in a statement. The text is read into tokens once, a quote being a token of its
 * own and not the begin of a string, since nobody knows on which side of it the statement is: what counts is whether
 * a quote is the odd one (the first, the third …), and what stands behind it. */
#include "engine/detect/sql.h"

static bool is_quote(const struct token *token)
{
	return token->kind == T_QUOTE || token->kind == T_ODD;
}

/* The first token behind i that is no bracket, sign or quote; within the padding at the latest. */
static size_t operand(const struct tokens *t, size_t i)
{
	size_t most = i + 6;

	while (i < most && i < t->count &&
	       (t->list[i].kind == T_OPEN || t->list[i].kind == T_NOT || t->list[i].kind == T_JOIN ||
		is_quote(&t->list[i])))
		i++;
	return i;
}

static bool is_value(uint8_t kind)
{
	return kind == T_WORD || kind == T_NUMBER || kind == T_NULL || kind == T_VARIABLE || kind == T_FUNCTION ||
	       kind == T_SELECT || kind == T_STAR;
}

static bool same(const struct tokens *t, const struct token *a, const struct token *b)
{
	return a->size == b->size && a->size != 0 && memcmp(t->view->text + a->at, t->view->text + b->at, a->size) == 0;
}

/* A form's way to write a blank, as well. */
static bool is_plus(const struct tokens *t, size_t i)
{
	return t->list[i].kind == T_JOIN && t->view->text[t->list[i].at] == '+';
}

/* Is a value left in front of this token: an odd quote, a number, a bracket closed, or the beginning? */
static bool leaves(const struct tokens *t, size_t i)
{
	size_t k = i;

	if (k == 0)
		return t->view->begins;
	while (k != 0 && (t->list[k - 1].kind == T_CLOSE || t->list[k - 1].kind == T_END || is_plus(t, k - 1)))
		k--;
	if (k == 0)
		return t->view->begins;
	return t->list[k - 1].kind == T_ODD;
}

static bool behind_number(const struct tokens *t, size_t i)
{
	size_t k = i;

	while (k != 0 && t->list[k - 1].kind == T_CLOSE)
		k--;
	if (k == 0 || t->list[k - 1].kind != T_NUMBER)
		return false;
	for (size_t most = 8; k != 0 && most != 0; k--, most--)
		if (t->list[k - 1].kind != T_NUMBER && t->list[k - 1].kind != T_JOIN && t->list[k - 1].kind != T_OPEN)
			break;
	/* the whole begins with it, or id=1 */
	return k == 0 ? t->view->begins
		      : t->list[k - 1].kind == T_COMPARE && t->list[k - 1].size == 1 &&
				t->view->text[t->list[k - 1].at] == '=' && t->list[k].at == t->list[k - 1].at + 1u;
}

static bool followed_by(const struct tokens *t, size_t i, uint8_t kind, size_t within)
{
	for (size_t k = i; k < t->count && k < i + within; k++)
		if (t->list[k].kind == kind)
			return true;
	return false;
}

static bool word_is(const struct tokens *t, size_t i, const char *what)
{
	size_t size = strlen(what);

	return i < t->count && t->list[i].size == size && memcmp(t->view->text + t->list[i].at, what, size) == 0;
}

/* f(): a name and a bracket that touches it. */
static bool called(const struct tokens *t, size_t i)
{
	return t->list[i + 1].kind == T_OPEN && t->list[i + 1].at == t->list[i].at + t->list[i].size;
}

/* statement: a SELECT … FROM stands in front. */
static void unions(const struct tokens *t, size_t i, bool statement)
{
	size_t k = i + 1;

	while (k < t->count && (t->list[k].kind == T_ALL || t->list[k].kind == T_OPEN || t->list[k].kind == T_JOIN ||
				t->list[k].kind == T_STAR))
		k++;
	if (t->list[k].kind != T_SELECT)
		return;
	if (!statement &&
	    (leaves(t, i) || behind_number(t, i) || t->list[k + 1].kind == T_NUMBER || t->list[k + 1].kind == T_NULL ||
	     is_quote(&t->list[k + 1]) || t->list[k + 1].kind == T_VARIABLE || t->list[k + 1].kind == T_FUNCTION ||
	     followed_by(t, k, T_COMMA, 8) || followed_by(t, k, T_COMMENT, 24)))
		detect_hit(t->view, RULE_SQL_UNION, t->list[i].at);
	else
		detect_hit(t->view, RULE_SQL_BARE_UNION, t->list[i].at);
}

/* Behind it is nothing, or what closes it. */
static bool last(const struct tokens *t, size_t i)
{
	while (++i < t->count && (is_quote(&t->list[i]) || t->list[i].kind == T_CLOSE))
		;
	return i >= t->count;
}

static void logic(const struct tokens *t, size_t i)
{
	size_t a = operand(t, i + 1), c = a + 1, b;
	bool left = leaves(t, i), number = behind_number(t, i), comment, equal;

	if (left && i != 0 && is_quote(&t->list[i + 1]) && is_quote(&t->list[i + 2]) &&
	    (t->list[i + 3].kind == T_COMPARE ||
	     (t->list[i + 3].kind == T_JOIN && i < 3 && is_quote(&t->list[i + 4]) && t->count == i + 5))) {
		detect_hit(t->view, RULE_SQL_TAUTOLOGY, t->list[i].at); /* ' or ''=' */
		return;
	}
	if (!is_value(t->list[a].kind))
		return;
	if (t->list[a].kind == T_SELECT || t->list[a].kind == T_FUNCTION) {
		bool query = t->list[a].kind == T_FUNCTION || t->list[a - 1].kind == T_OPEN ||
			     is_quote(&t->list[a - 1]) || followed_by(t, a, T_FROM, 24) ||
			     followed_by(t, a, T_COMMENT, 24) || t->view->size < 80;

		if (((left || number) && query) ||
		    (t->list[a].kind == T_SELECT && i != 0 && t->list[i - 1].kind == T_CLOSE))
			detect_hit(t->view, RULE_SQL_TAUTOLOGY, t->list[i].at);
		return;
	}
	while (c < t->count && c < a + 4 &&
	       (is_quote(&t->list[c]) || t->list[c].kind == T_CLOSE || t->list[c].kind == T_NOT || is_plus(t, c)))
		c++;
	comment = followed_by(t, a, T_COMMENT, 10);
	if (t->list[c].kind != T_COMPARE && t->list[c].kind != T_SOUND) {
		if ((left || number) && i != 0 &&
		    (comment || t->list[c].kind == T_ORDER || (t->list[a].kind == T_NUMBER && last(t, a))))
			detect_hit(t->view, RULE_SQL_TAUTOLOGY, t->list[i].at);
		else if (left && i != 0 && t->view->size < 200 &&
			 (is_quote(&t->list[i + 1]) || (t->list[a].kind == T_WORD && t->list[a + 1].kind == T_OPEN)))
			detect_hit(t->view, RULE_SQL_LEFT, t->list[i].at);
		return;
	}
	b = operand(t, c + 1);
	equal = same(t, &t->list[a], &t->list[b]) ||
		(t->list[a].kind == T_NUMBER && t->list[b].kind == T_FUNCTION && t->list[b + 1].kind == T_OPEN) ||
		(t->list[a].kind == T_NUMBER && t->list[b].kind == T_NUMBER);
	if (!is_value(t->list[b].kind) && !is_quote(&t->list[c + 1]))
		return;
	if ((left && (i != 0 || equal)) ||
	    (number && (equal || comment || t->list[b].kind == T_SELECT || t->list[b].kind == T_FUNCTION ||
			t->list[b].kind == T_VARIABLE || called(t, b))))
		detect_hit(t->view, RULE_SQL_TAUTOLOGY, t->list[i].at);
	else if (equal && t->list[c].size == 1 && t->view->text[t->list[c].at] == '=')
		detect_hit(t->view, comment ? RULE_SQL_TAUTOLOGY : RULE_SQL_BARE_TAUTOLOGY, t->list[i].at);
}

static bool is_statement(const struct tokens *t, size_t i)
{
	const struct token *next = &t->list[i + 1];

	if (t->list[i].kind == T_SELECT)
		return true;
	if (t->list[i].kind != T_STATEMENT)
		return false;
	if (word_is(t, i, "shutdown") || word_is(t, i, "waitfor") || next->kind == T_VARIABLE || next->kind == T_OPEN)
		return true;
	if (next->kind == T_WORD && followed_by(t, i, T_COMMENT, 5))
		return true;
	return detect_any(t->view->words, LIST_SQL_THINGS, t->view->text + next->at, t->view->text + t->view->size) !=
		       0 ||
	       (word_is(t, i, "update") && word_is(t, i + 2, "set"));
}

static void stacked(const struct tokens *t, size_t i)
{
	if (!is_statement(t, i + 1))
		return;
	if (leaves(t, i) || behind_number(t, i))
		detect_hit(t->view, RULE_SQL_STACKED, t->list[i].at);
	else if (t->list[i + 1].kind != T_SELECT && followed_by(t, i, T_COMMENT, 16))
		detect_hit(t->view, RULE_SQL_STACKED, t->list[i].at);
}

static bool evidence(const struct tokens *t, size_t i)
{
	for (size_t k = i > 12 ? i - 12 : 0; k <= i; k++)
		if (t->list[k].kind == T_ODD || t->list[k].kind == T_UNION ||
		    (t->list[k].kind == T_LOGIC && leaves(t, k)))
			return true;
	return followed_by(t, i, T_COMMENT, 16) ||
	       (t->view->begins && i < 3 && t->list[0].kind != T_WORD && t->list[0].kind != T_FUNCTION);
}

static void call(const struct tokens *t, size_t i)
{
	const uint8_t *word = t->view->text + t->list[i].at;
	bool delay = word_is(t, i, "sleep");
	bool selected = delay && i != 0 && t->list[i - 1].kind == T_SELECT;
	/* benchmark is a word of a language, too, unless it is called: benchmark (as above) is no call */
	bool tells = detect_word(t->view->words, LIST_SQL_TELLING, word, t->list[i].size) &&
		     (called(t, i) || (t->list[i + 1].kind == T_OPEN && t->list[i + 2].kind == T_NUMBER) ||
		      memchr(word, '_', t->list[i].size) != NULL || word[0] == 's');

	if (i != 0 && t->list[i - 1].kind == T_DOT && !tells)
		return;
	if (tells || selected || (delay && t->list[i + 2].kind == T_NUMBER))
		detect_hit(t->view,
			   selected || evidence(t, i) ? RULE_SQL_FUNCTION
			   : tells		      ? RULE_SQL_BARE_FUNCTION
			   : t->view->size < 60	      ? RULE_SQL_LEFT
						      : RULE_SQL_SLEEP,
			   t->list[i].at);
}

/* x' < 3 or 'y, x'^'0: an expression from quote to quote. */
static bool operates(const struct tokens *t, size_t k)
{
	uint8_t c = t->view->text[t->list[k].at];

	return t->list[k].kind == T_COMPARE ||
	       (t->list[k].kind == T_JOIN && (c == '^' || c == '!' || c == '|' || c == '&' || c == '%'));
}

/* Nothing but OR, then a condition: what is compared, what with, and what only SQL has. */
static void condition(const struct tokens *t)
{
	size_t a = operand(t, 1), c = a + 1;
	bool comment = t->list[t->count - 1].kind == T_COMMENT;

	if (!is_value(t->list[a].kind))
		return;
	while (c < t->count && c < a + 4 &&
	       (is_quote(&t->list[c]) || t->list[c].kind == T_CLOSE || t->list[c].kind == T_OPEN ||
		t->list[c].kind == T_NOT))
		c++;
	if (comment && t->count < 12)
		detect_hit(t->view, RULE_SQL_CLAUSE, 0); /* or x=y# */
	else if ((t->list[c].kind == T_SOUND || t->list[c].kind == T_COMPARE) &&
		 (is_quote(&t->list[a - 1]) || is_quote(&t->list[c + 1]) || called(t, a) || called(t, c + 1) ||
		  (t->list[a].kind == T_NUMBER && t->list[c + 1].kind == T_NUMBER)))
		detect_hit(t->view, RULE_SQL_LEFT, 0);
}

/* Nothing but a piece of a statement: what it begins with. */
static void begins(const struct tokens *t)
{
	const struct token *first = t->list;
	size_t k = 0;
	bool comment;

	if (!t->view->begins || t->count < 3)
		return;
	comment = t->list[t->count - 1].kind == T_COMMENT;
	if (first->kind == T_STATEMENT &&
	    (first[1].kind == T_VARIABLE || (first[1].kind == T_OPEN && first[2].kind == T_VARIABLE)))
		detect_hit(t->view, RULE_SQL_CLAUSE, 0);
	if (first->kind == T_LOGIC && t->view->ends && t->view->size < 80)
		condition(t);
	if (first->kind == T_LOGIC && first[1].kind == T_WORD && first[2].kind == T_COMPARE && is_quote(&first[3]) &&
	    t->count < 8)
		detect_hit(t->view, RULE_SQL_LEFT, 0);
	if (first->kind == T_SOUND && first[1].kind == T_OPEN && first[2].kind == T_SELECT)
		detect_hit(t->view, RULE_SQL_CLAUSE, 0);
	if (first->kind == T_HAVING && first[1].kind == T_NUMBER && first[2].kind == T_COMPARE)
		detect_hit(t->view, RULE_SQL_CLAUSE, 0);
	if (word_is(t, 0, "if") && first[1].kind == T_OPEN && first[2].kind == T_NUMBER && first[3].kind == T_COMPARE &&
	    first[4].kind == T_NUMBER && first[5].kind == T_CLOSE)
		detect_hit(t->view, RULE_SQL_CLAUSE, 0);
	if (first->kind == T_ORDER && first[1].kind == T_BY && first[2].kind == T_NUMBER && t->view->size < 200)
		detect_hit(t->view,
			   comment || first[3].kind == T_COMMA || (t->count == 3 && t->view->ends) ? RULE_SQL_CLAUSE
												   : RULE_SQL_LEFT,
			   0);
	while (k + 1 < t->count && t->list[k].kind == T_OPEN)
		k++;
	/* (select …) and nothing else */
	if (k != 0 && t->list[k].kind == T_SELECT && t->view->ends && t->list[t->count - 1].kind == T_CLOSE)
		detect_hit(t->view, RULE_SQL_LEFT, 0);
	if (k != 0 && comment && t->view->ends &&
	    (t->list[k].kind == T_SELECT || is_quote(&t->list[k]) || t->view->size < 60))
		detect_hit(t->view, RULE_SQL_COMMENT, 0);
}

static bool quoted(const struct tokens *t, size_t from)
{
	while (from < t->count && !is_quote(&t->list[from]))
		from++;
	return from < t->count;
}

/* Behind an odd quote. */
static void left(const struct tokens *t, size_t i)
{
	const struct detect_view *view = t->view;
	size_t k = i + 1, closes = 0;
	bool tight = t->list[i].at == 0 || !is_blank(view->text[t->list[i].at - 1]) || i < 2;

	while (t->list[k].kind == T_CLOSE || (t->list[k].kind == T_END && closes != 0)) {
		k++;
		closes++;
	}
	if (t->list[k].kind == T_END)
		k++;
	if (tight && view->begins && view->ends && i < 2 && t->count < 8 && view->size < 80 &&
	    t->list[t->count - 1].kind == T_COMMENT && view->text[t->list[t->count - 1].at] == '-' && !quoted(t, i + 1))
		detect_hit(view, RULE_SQL_COMMENT, t->list[i].at);
	if (t->list[k].kind == T_COMMENT && tight && (size_t)t->list[k].at + t->list[k].size + 4 >= view->size)
		detect_hit(view, RULE_SQL_COMMENT, t->list[i].at);
	if ((t->list[k].kind == T_LOGIC || t->list[k].kind == T_JOIN) && t->list[k + 1].kind != T_COMMENT) {
		size_t a = k + 1;

		while (t->list[a].kind == T_OPEN)
			a++;
		if (t->list[a].kind == T_SELECT || (t->list[a].kind == T_FUNCTION) ||
		    (word_is(t, a, "case") || word_is(t, a, "if")))
			detect_hit(view, RULE_SQL_CONCAT, t->list[i].at);
	}
	if ((t->list[k].kind == T_ORDER && t->list[k + 1].kind == T_BY) || t->list[k].kind == T_HAVING ||
	    (t->list[k].kind == T_CLAUSE &&
	     (t->list[k + 1].kind == T_NUMBER || word_is(t, k + 1, "outfile") || word_is(t, k + 1, "dumpfile"))))
		detect_hit(view,
			   followed_by(t, k, T_COMMENT, 12) || followed_by(t, k, T_COMPARE, 4) ||
					   followed_by(t, k, T_NUMBER, 4)
				   ? RULE_SQL_CLAUSE
				   : RULE_SQL_LEFT,
			   t->list[i].at);
	if (t->list[k].kind == T_SOUND && tight &&
	    (is_quote(&t->list[k + 1]) || t->list[k + 1].kind == T_OPEN || t->list[k + 1].kind == T_NULL ||
	     word_is(t, k + 1, "boolean")))
		detect_hit(view, RULE_SQL_CLAUSE, t->list[i].at);
	if (t->list[k].kind == T_COMPARE && t->list[k].size <= 2 && tight && i < 3 && is_quote(&t->list[k + 1]) &&
	    view->size < 40 && view->ends)
		detect_hit(view, RULE_SQL_CLAUSE, t->list[i].at);
	if (tight && i < 2 && view->begins && view->ends && operates(t, k) && t->count > k + 2 && t->count < 24 &&
	    is_quote(&t->list[t->count - 2]) && t->list[t->count - 1].kind != T_JOIN)
		detect_hit(view, RULE_SQL_CLAUSE, t->list[i].at);
	if (t->list[k].kind == T_COMMA && t->list[k + 1].kind == T_OPEN && t->list[k + 2].kind == T_SELECT)
		detect_hit(view, RULE_SQL_CLAUSE, t->list[i].at);
}

/* Tokens that something is asked of, a bit each; most are words. */
static const uint32_t judged = 1U << T_UNION | 1U << T_SELECT | 1U << T_FROM | 1U << T_LOGIC | 1U << T_END |
			       1U << T_FUNCTION | 1U << T_STATEMENT | 1U << T_ODD | 1U << T_ORDER | 1U << T_HAVING |
			       1U << T_VARIABLE;
_Static_assert(T_OTHER < 32, "a bit each");

void detect_sql(const struct detect_view *view)
{
	struct tokens t;
	bool select = false, statement = false;

	t.view = view;
	sql_tokenize(&t);
	begins(&t);
	sql_piece(&t);
	for (size_t i = 0; i < t.count; i++) {
		if ((judged >> t.list[i].kind & 1) == 0)
			continue;
		switch (t.list[i].kind) {
		case T_UNION:
			unions(&t, i, statement);
			break;
		case T_SELECT:
			select = true;
			break;
		case T_FROM:
			statement = statement || select;
			break;
		case T_LOGIC:
			logic(&t, i);
			break;
		case T_END:
			stacked(&t, i);
			break;
		case T_FUNCTION:
			call(&t, i);
			break;
		case T_STATEMENT:
			if (word_is(&t, i, "waitfor") && word_is(&t, i + 1, "delay"))
				detect_hit(view, evidence(&t, i) ? RULE_SQL_FUNCTION : RULE_SQL_BARE_FUNCTION,
					   t.list[i].at);
			break;
		case T_ODD:
			left(&t, i);
			break;
		case T_ORDER:
			if (t.list[i + 1].kind == T_BY && behind_number(&t, i) && t.list[i + 2].kind == T_NUMBER)
				detect_hit(view, RULE_SQL_CLAUSE, t.list[i].at);
			break;
		case T_HAVING:
			if (t.list[i + 1].kind == T_NUMBER &&
			    (behind_number(&t, i) || followed_by(&t, i, T_COMMENT, 8)))
				detect_hit(view, RULE_SQL_CLAUSE, t.list[i].at);
			break;
		case T_VARIABLE:
			if (t.list[i + 1].kind == T_VARIABLE &&
			    (word_is(&t, i + 2, "version") || word_is(&t, i + 2, "datadir") ||
			     word_is(&t, i + 2, "servername") || word_is(&t, i + 2, "hostname")))
				detect_hit(view, evidence(&t, i) ? RULE_SQL_FUNCTION : RULE_SQL_BARE_FUNCTION,
					   t.list[i].at);
			break;
		default:
			break;
		}
	}
}

void detect_sql_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	(void)view, (void)list, (void)at, (void)size; /* it owns no list: tokens are looked up where they are read */
}
