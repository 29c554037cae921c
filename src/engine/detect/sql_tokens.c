/* sql_tokens.c: see sql.h */
#include "engine/detect/octets.h"
#include "engine/detect/sql.h"

static const struct keyword {
	const char word[12];
	uint8_t kind;
} keywords[] = {
	{ "all", T_ALL },
	{ "alter", T_STATEMENT },
	{ "and", T_LOGIC },
	{ "begin", T_STATEMENT },
	{ "between", T_SOUND },
	{ "by", T_BY },
	{ "call", T_STATEMENT },
	{ "create", T_STATEMENT },
	{ "declare", T_STATEMENT },
	{ "delete", T_STATEMENT },
	{ "distinct", T_ALL },
	{ "distinctrow", T_ALL },
	{ "div", T_LOGIC },
	{ "drop", T_STATEMENT },
	{ "exec", T_STATEMENT },
	{ "execute", T_STATEMENT },
	{ "exists", T_NOT },
	{ "from", T_FROM },
	{ "grant", T_STATEMENT },
	{ "group", T_ORDER },
	{ "having", T_HAVING },
	{ "if", T_STATEMENT },
	{ "in", T_SOUND },
	{ "insert", T_STATEMENT },
	{ "into", T_CLAUSE },
	{ "is", T_SOUND },
	{ "like", T_SOUND },
	{ "limit", T_CLAUSE },
	{ "load", T_STATEMENT },
	{ "merge", T_STATEMENT },
	{ "mod", T_LOGIC },
	{ "not", T_NOT },
	{ "null", T_NULL },
	{ "or", T_LOGIC },
	{ "order", T_ORDER },
	{ "procedure", T_CLAUSE },
	{ "regexp", T_SOUND },
	{ "rename", T_STATEMENT },
	{ "rlike", T_SOUND },
	{ "select", T_SELECT },
	{ "shutdown", T_STATEMENT },
	{ "truncate", T_STATEMENT },
	{ "union", T_UNION },
	{ "update", T_STATEMENT },
	{ "waitfor", T_STATEMENT },
	{ "where", T_CLAUSE },
	{ "xor", T_LOGIC },
};

static void add_size(struct detect_words *words, const char *word)
{
	words->sql_sizes[word[0] & 31][word[1] & 31] |= UINT32_C(1) << strlen(word);
}

void sql_keywords_init(struct detect_words *words)
{
	size_t count;
	const char *const *telling = detect_list(LIST_SQL_TELLING, &count);

	memset(words->keyword_start, UINT8_MAX, sizeof(words->keyword_start));
	for (uint8_t i = sizeof(keywords) / sizeof(keywords[0]); i-- != 0;) {
		words->keyword_start[keywords[i].word[0] - 'a'] = i;
		add_size(words, keywords[i].word);
	}
	while (count-- != 0)
		add_size(words, telling[count]);
}

/* Can the word be a keyword, or SQL wherever it stands? Most words can not. */
static bool may_be_sql(const struct detect_words *words, const uint8_t *word, size_t size)
{
	return size < 32 && (words->sql_sizes[word[0] & 31][word[1] & 31] >> size & 1) != 0;
}

static uint8_t keyword(const struct detect_words *words, const uint8_t *word, size_t size)
{
	uint8_t letter = (uint8_t)(word[0] - 'a');

	if (letter >= 26 || !may_be_sql(words, word, size))
		return T_WORD;
	for (size_t i = words->keyword_start[letter]; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		const char *one = keywords[i].word;
		size_t n = 1;

		if ((uint8_t)one[0] != word[0])
			break;
		while (n < size && (uint8_t)one[n] == word[n])
			n++;
		if (n == size && one[n] == '\0')
			return keywords[i].kind;
	}
	return T_WORD;
}

static void add(struct tokens *t, uint8_t kind, size_t at, size_t size)
{
	t->list[t->count++] = (struct token){ kind, (uint8_t)(size > 255 ? 255 : size), (uint16_t)at };
}

static size_t skip_comment(const struct detect_view *view, size_t at)
{
	size_t end = detect_find(view, at + 2, "*/");

	return end == view->size ? end : end + 2;
}

/* A line: where it ends, and whether what stands behind it goes on with a statement. */
struct line {
	size_t end;
	bool goes_on;
};

/* Of the line of a comment, unless it was found before. */
static void read_line(const struct detect_view *view, size_t at, struct line *line)
{
	const uint8_t *x = view->text, *end;
	size_t word, size = 0;
	uint8_t kind;

	if (line->end >= at)
		return;
	end = memchr(x + at, '\n', view->size - at);
	line->end = end != NULL ? (size_t)(end - x) : view->size;
	for (word = line->end; word < view->size && is_blank(x[word]); word++)
		;
	while (size < 12 && word + size < view->size && is_word(x[word + size]))
		size++;
	kind = keyword(view->words, x + word, size);
	line->goes_on = kind == T_UNION || kind == T_SELECT || kind == T_FROM || kind == T_LOGIC;
}

/* don't */
static bool is_within(const uint8_t *x, size_t n, size_t i)
{
	return ascii_is_alpha(x[i + 1]) && ascii_is_alpha(x[i - 1]) &&
	       (i + 2 == n || !ascii_is_alpha(x[i + 2]) || i + 3 == n || !ascii_is_alpha(x[i + 3])) &&
	       !(x[i + 1] == 'o' && i + 2 < n && x[i + 2] == 'r');
}

/* What words have not: letters, digits, and all beyond ASCII are what they have. */
static const bool ends_word[256] = {
	[0 ... '/'] = true, [':' ... '@'] = true, ['[' ... '^'] = true, ['`'] = true, ['{' ... 0x7f] = true,
};
OCTETS_NEXT(word_end, ends_word,
	    _mm_andnot_si128(_mm_or_si128(_mm_or_si128(octets_range(sixteen, 'a', 'z'),
						       octets_range(sixteen, '0', '9')),
					  octets_range(sixteen, 0x80, 0xff)),
			     octets_range(sixteen, 0, 0x7f)))

/* What a mark is by itself; 0: nothing to a statement. */
_Static_assert(T_WORD == 0, "no mark is one");
static const uint8_t singles[256] = {
	['('] = T_OPEN,	    [')'] = T_CLOSE, [','] = T_COMMA, [';'] = T_END,  ['.'] = T_DOT,  ['*'] = T_STAR,
	['@'] = T_VARIABLE, ['+'] = T_JOIN,  ['-'] = T_JOIN,  ['/'] = T_JOIN, ['%'] = T_JOIN, ['^'] = T_JOIN,
	['~'] = T_JOIN,	    ['|'] = T_JOIN,  ['&'] = T_JOIN,  ['!'] = T_JOIN,
};

void sql_tokenize(struct tokens *t)
{
	const struct detect_view *view = t->view;
	const uint8_t *x = view->text;
	size_t i = 0, n = view->size;
	struct line line = { 0 };
	unsigned odd[2] = { 0 };

	t->count = 0;
	while (i < n) {
		size_t from = i;
		uint8_t c = x[i];

		if (is_blank(c) || c == '\0' || c == 0xa0) {
			i++;
		} else if (ascii_is_alpha(c) || c == '_' || c >= 0x80) {
			uint8_t kind = T_WORD;

			while ((i = word_end(x, n, i)) + 1 < n && x[i] == '\'' && is_within(x, n, i))
				i++;
			if (may_be_sql(view->words, x + from, i - from)) {
				kind = keyword(view->words, x + from, i - from);
				if (kind == T_WORD && detect_word(view->words, LIST_SQL_TELLING, x + from, i - from))
					kind = T_FUNCTION;
			}
			if (kind == T_WORD && i < n && x[i] == '(' &&
			    detect_word(view->words, LIST_SQL_FUNCTIONS, x + from, i - from))
				kind = T_FUNCTION;
			add(t, kind, from, i - from);
		} else if (ascii_is_digit(c)) {
			while (i < n && (is_word(x[i]) || x[i] == '.')) {
				/* 1or 1=1, 1union */
				if (ascii_is_alpha(x[i]) && x[i] != 'e' && x[i] != 'x' &&
				    !(from + 1 < i && x[from + 1] == 'x')) {
					if (memchr(x + from, 'x', i - from) == NULL)
						break;
				}
				i++;
			}
			add(t, T_NUMBER, from, i - from);
		} else if (c == '\'' || c == '"') {
			unsigned which = c == '"';

			if (i != 0 && x[i - 1] == '\\' && odd[which] == 0 && i > 1)
				add(t, T_QUOTE, i, 1);
			else {
				odd[which] ^= 1;
				add(t, odd[which] ? T_ODD : T_QUOTE, i, 1);
			}
			i++;
		} else if (c == '/' && i + 1 < n && x[i + 1] == '*') {
			size_t end;

			if (i + 2 < n && x[i + 2] == '!') { /* what MySQL runs */
				i += 3;
				while (i < n && ascii_is_digit(x[i]))
					i++;
				continue;
			}
			end = skip_comment(view, i);
			if (end == n)
				add(t, T_COMMENT, i, 2);
			i = end;
		} else if ((c == '#' || (c == '-' && i + 1 < n && x[i + 1] == '-')) &&
			   (read_line(view, i, &line), line.goes_on)) {
			i = line.end;
		} else if (c == '-' && i + 1 < n && x[i + 1] == '-' &&
			   (i + 2 == n || is_blank(x[i + 2]) || x[i + 2] == '+' || x[i + 2] == '-' ||
			    x[i + 2] == '/')) {
			add(t, T_COMMENT, i, 2);
			i += 2;
		} else if (c == '#') {
			add(t, i + 1 < n && is_word(x[i + 1]) ? T_OTHER : T_COMMENT, i, 1); /* #123 is an issue */
			i++;
		} else if (c == '|' && i + 1 < n && x[i + 1] == '|') {
			add(t, T_LOGIC, i, 2);
			i += 2;
		} else if (c == '&' && i + 1 < n && x[i + 1] == '&') {
			add(t, T_LOGIC, i, 2);
			i += 2;
		} else if (c == '=' || c == '<' || c == '>' || (c == '!' && i + 1 < n && x[i + 1] == '=')) {
			while (i < n && (x[i] == '=' || x[i] == '<' || x[i] == '>' || x[i] == '!') && i - from < 3)
				i++;
			add(t, T_COMPARE, from, i - from);
		} else {
			add(t, singles[c] != 0 ? singles[c] : (uint8_t)T_OTHER, i, 1);
			i++;
		}
	}
	for (size_t k = 0; k < AHEAD; k++)
		t->list[t->count + k] = (struct token){ T_OTHER, 0, (uint16_t)n };
}
