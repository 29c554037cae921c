/* other.c: what is neither of the big four: one literal each, then what must stand around it. */
#include "codec/views.h"
#include "engine/detect/view.h"

static bool computes(const uint8_t *at, const uint8_t *end)
{
	bool digit = false, operator= false;

	if (end - at > 40)
		return false;
	if (at < end && *at == '=')
		at++;
	for (; at < end; at++) {
		if (ascii_is_digit(*at))
			digit = true;
		else if (*at == '*' || *at == '+' || *at == '-' || *at == '/')
			operator= true;
		else if (!is_blank(*at) && *at != '\'' && *at != '"' && *at != '(' && *at != ')')
			return false;
	}
	return digit && operator;
}

static bool reaches(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		if ((ascii_is_alpha(*at) || *at == '_' || *at == '.' || *at == '?' || *at == '#') &&
		    detect_any(view->words, LIST_OTHER_REACHES, at, end) != 0)
			return true;
	return false;
}

/* {{config}}: the name that it opens with, or its whole is. Nothing but a template of a few words. */
static bool names(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	size_t size;

	while (at < end && (is_blank(*at) || *at == '=' || *at == '-' || *at == '%'))
		at++;
	size = detect_any(view->words, LIST_OTHER_NAMES, at, end);
	for (at += size; size != 0 && at < end && (is_blank(*at) || *at == '%'); at++)
		;
	return size != 0 && at == end;
}

static const bool closes_literal[256] = { ['\''] = true, ['"'] = true, [']'] = true, [')'] = true, ['}'] = true };

/* A literal, then what it reaches: 'a'.upper(), [].class, ().__class__, 'a'|filter. */
static bool of_literal(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (is_blank(*at) || *at == '='))
		at++;
	if (at == end || memchr("'\"[({", *at, 5) == NULL)
		return false;
	for (at++; at + 1 < end; at++)
		if (closes_literal[*at]) {
			const uint8_t *next = at + 1;

			while (next < end && is_blank(*next))
				next++;
			return next + 1 < end && (*next == '.' || *next == '|') &&
			       (ascii_is_alpha(next[1]) || next[1] == '_' || next[1] == ' ');
		}
	return false;
}

static bool closes_twice(const uint8_t *at, const uint8_t *end, uint8_t open, uint8_t close)
{
	const uint8_t mark[2] = { open == '%' ? open : close, close };

	return memmem(at, (size_t)(end - at), mark, sizeof(mark)) != NULL;
}

/* {{ user.name }}, {%- if … %}: as people write templates and hardly anybody attacks. */
static bool is_set_apart(uint8_t c)
{
	return is_blank(c) || c == '-' || c == '=';
}

static void template(const struct detect_view *view, size_t at, size_t size)
{
	static const char pairs[] = "{}<>()[]";
	const uint8_t *a = view->text + at + size, *b = view->text + view->size;
	uint8_t open = view->text[at + size - 1];
	const char *pair;
	const uint8_t *close;

	if (open == 'p') /* {php */
		open = '{';
	if (detect_has(view, RULE_OTHER_TEMPLATE))
		return;
	if (b - a > 300)
		b = a + 300;
	if (!detect_spend(view, (size_t)(b - a) / 4)) /* where it closes is found many octets at once */
		return;
	pair = memchr(pairs, open == '%' || open == '#' ? view->text[at] : open, sizeof(pairs) - 1);
	close = pair != NULL ? memchr(a, pair[1], (size_t)(b - a)) : NULL;
	/* {{ }}, {% %}, <% %>: closed as they were opened */
	if (close == NULL ||
	    ((open == '%' || (size == 2 && open == view->text[at])) && !closes_twice(a, b, open, (uint8_t)pair[1])))
		return;
	if (!detect_spend(view, 2 * (size_t)(close - a))) /* what it reaches is looked for at each place of it */
		return;
	if (computes(a, close) || (size == 2 && of_literal(a, close)) ||
	    (at == 0 && view->begins && view->ends && b - close <= 3 && names(view, a, close)) ||
	    (reaches(view, a, close) && memchr(a, '\n', (size_t)(close - a)) == NULL &&
	     (view->text[at] != '$' || memchr(a, '(', (size_t)(close - a)) != NULL ||
	      memmem(a, (size_t)(close - a), "__", 2) != NULL)))
		detect_hit(view, RULE_OTHER_TEMPLATE, at);
	else if (open != '#' && view->text[at] != '$' && view->text[at] != '@' && view->text[at] != '~')
		detect_hit(view,
			   at == 0 && view->begins && view->ends && b - close <= 3    ? RULE_OTHER_SUSPECT
			   : view->size < 200 && !(is_set_apart(*a) && close - a > 1) ? RULE_OTHER_BARE_TEMPLATE
										      : RULE_OTHER_WORD,
			   at);
}

/* 1, $where: */
static bool behind_comma(const struct detect_view *view, size_t at)
{
	while (at != 0 && is_blank(view->text[at - 1]))
		at--;
	return at != 0 && view->text[at - 1] == ',';
}

/* What it costs to look at a bracket in front of an operator. */
enum { IN_CALL = 8 };

/* db.users.find({ age: { $gt: 18 } }): a call is shown, and what it is given. */
static bool in_call(const struct detect_view *view, size_t at)
{
	const uint8_t *open = memchr(view->text, '(', at);

	for (; open != NULL; open = memchr(open + 1, '(', at - 1 - (size_t)(open - view->text))) {
		const uint8_t *name = open;

		if (!detect_spend(view, IN_CALL))
			return false;
		while (name != view->text && is_word(name[-1]))
			name--;
		if (name < open && name != view->text && name[-1] == '.')
			return view->begins;
	}
	return false;
}

static bool value_follows(const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at < end && (memchr("'\"[{/", *at, 5) != NULL || ascii_is_digit(*at));
}

static void query(const struct detect_view *view, size_t at, size_t size)
{
	const uint8_t *end = view->text + view->size, *p = view->text + at;
	uint8_t before = at != 0 ? p[-1] : 0, after;

	while (p + size < end && ascii_is_alpha(p[size]))
		size++;
	after = p + size < end ? p[size] : 0;
	if (before == '[' && after == ']') {
		detect_hit(view, RULE_OTHER_NOSQL, at);
	} else if ((before == '"' || before == '\'' || before == '{' || before == ' ') &&
		   (after == '"' || after == '\'' || after == ':')) {
		size_t back = at > 12 ? at - 12 : 0;

		if (in_call(view, at))
			detect_hit(view, RULE_OTHER_WORD, at);
		else if (memchr(view->text + back, '{', at - back) != NULL || before == '{' || before == '"')
			detect_hit(view, view->size < 160 ? RULE_OTHER_NOSQL : RULE_OTHER_SUSPECT, at);
		else if (after == ':' && behind_comma(view, at) && value_follows(p + size + 1, end))
			detect_hit(view, view->size < 160 ? RULE_OTHER_NOSQL : RULE_OTHER_SUSPECT, at);
	} else if (at == 0 && view->begins && after == ':' && value_follows(p + size + 1, end)) {
		detect_hit(view, view->size < 80 ? RULE_OTHER_NOSQL : RULE_OTHER_SUSPECT, at);
	}
}

/* (&(a=b)(c=d)) as somebody writes it who asks a directory: each bracket has its other. What leaves a filter has not.
 */
static bool is_filter(const struct detect_view *view)
{
	int depth = 0;

	for (size_t i = 0; i < view->size && depth >= 0; i++)
		depth += (view->text[i] == '(') - (view->text[i] == ')');
	return depth == 0 && memmem(view->text, view->size, ")(", 2) != NULL &&
	       memchr(view->text, '=', view->size) != NULL;
}

/* __proto__[x], "__proto__": {, __proto__.x = 1: a key, and what is set behind it; or the name and nothing else, as
 * where a key is meant. Named in a sentence it is what people speak of. */
static bool sets(const struct detect_view *view, size_t at)
{
	const uint8_t *text = view->text;
	size_t most = view->size - at > 60 ? at + 60 : view->size, blanks = 0;

	if (view->begins && view->ends && memchr(text, ' ', view->size) == NULL)
		return true;
	if (at < most && text[at] == '[')
		return true;
	for (; at < most && (is_word(text[at]) || memchr("'\"]. \\", text[at], 6) != NULL); at++)
		blanks += is_blank(text[at]) && at + 1 < most && is_word(text[at + 1]);
	return blanks == 0 && at < most &&
	       (text[at] == ':' || text[at] == '[' ||
		(text[at] == '=' && (at + 1 == view->size || text[at + 1] != '=')));
}

/* The directives of server-side includes. */
static bool includes(const struct detect_view *view, size_t at)
{
	static const char *const names[] = { "exec",  "include",  "echo", "config", "printenv",
					     "fsize", "flastmod", "set",  "if" };

	while (at < view->size && is_blank(view->text[at]))
		at++;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (detect_find_within(view, at,
				       at + strlen(names[i]) < view->size ? at + strlen(names[i]) : view->size,
				       names[i]) == at)
			return true;
	return false;
}

static void markup(const struct detect_view *view)
{
	size_t at;

	/* one that stands for plain text, and nothing has it */
	if (((at = detect_find(view, 0, "<!entity")) < view->size &&
	     (detect_find(view, at, "system") < view->size || detect_find(view, at, "public") < view->size ||
	      detect_find(view, at, "&") < view->size || detect_find(view, at + 11, "%") < view->size)) ||
	    ((at = detect_find(view, 0, "<!doctype")) < view->size &&
	     (detect_find(view, at, "system") < view->size || detect_find(view, at, "[") < view->size)))
		detect_hit(view, RULE_OTHER_ENTITY, at);
	if ((at = detect_find(view, 0, "<!--#")) < view->size && includes(view, at + 5))
		detect_hit(view, RULE_OTHER_INCLUDE, at);
}

/* A line break that was encoded, then a header. */
static void lines(const struct detect_view *view)
{
	for (size_t i = 0; i + 4 < view->size; i++)
		if ((view->text[i] == '\n' || view->text[i] == '\r') &&
		    detect_any(view->words, LIST_OTHER_HEADERS, view->text + i + 1, view->text + view->size) != 0)
			detect_hit(view, RULE_OTHER_HEADER, i);
}

void detect_other(const struct detect_view *view)
{
	if (view->gate & GATE_TAG)
		markup(view);
	if (view->kinds & (VIEW_PERCENT | VIEW_ESCAPE))
		lines(view);
}

void detect_other_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	bool small = view->size < 80 && view->begins && view->ends;

	switch (list) {
	case LIST_OTHER_OPENERS:
		template(view, at, size);
		return;
	case LIST_OTHER_OPERATORS:
		query(view, at, size);
		return;
	case LIST_OTHER_METADATA:
		detect_hit(view, RULE_OTHER_METADATA, at);
		return;
	case LIST_OTHER_LOOKUPS:
		detect_hit(view, RULE_OTHER_LOOKUP, at);
		return;
	case LIST_OTHER_LDAP:
		if (view->size < 200)
			detect_hit(view,
				   is_filter(view)    ? RULE_OTHER_WORD
				   : at < 40 && small ? RULE_OTHER_LDAP
						      : RULE_OTHER_SUSPECT,
				   at);
		return;
	case LIST_OTHER_PROTOTYPES:
		detect_hit(view, sets(view, at + size) ? RULE_OTHER_PROTOTYPE : RULE_OTHER_WORD, at);
		return;
	case LIST_OTHER_REACHERS:
		detect_hit(view,
			   view->size < 400 || view->text[0] == '$' || view->text[0] == '%' ? RULE_OTHER_REACHER
											    : RULE_OTHER_CODE,
			   at);
		return;
	case LIST_OTHER_XPATH:
		detect_hit(view, RULE_OTHER_XPATH, at);
		return;
	case LIST_OTHER_CODE:
		detect_hit(view, RULE_OTHER_CODE, at);
		return;
	default: {
		bool address =
			memchr(view->text + at, ':', size) != NULL && memchr("0[lhfgdstn1", view->text[at], 11) != NULL;

		/* who names the address of a server of his own says more than that */
		detect_hit(view,
			   view->size < 100 && !(address && memchr(view->text, ' ', view->size) != NULL)
				   ? RULE_OTHER_SUSPECT
				   : RULE_OTHER_WORD,
			   at);
	}
	}
}

bool detect_is_operator(const struct detect_words *words, struct fw_slice name)
{
	uint8_t lowered[24];

	if (name.size < 3 || name.size > sizeof(lowered) || name.data[0] != '$')
		return false;
	views_lower(lowered, name.data, name.size);
	return detect_word(words, LIST_OTHER_KEYS, lowered, name.size);
}
