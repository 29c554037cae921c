/* xss_script.c: script without markup: in a string of a script that the page began, behind it, or by itself. */
#include "engine/detect/xss.h"

/* Skips what may stand between a name and its call: a call, a template or an assignment of a sink. */
bool xss_calls_at(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	size_t size = detect_any(view->words, LIST_XSS_CALLS, at, end);

	if (size == 0)
		return false;
	at += size;
	if (at[-1] == '(' || at[-1] == '[' || at[-1] == '=')
		return true;
	while (at < end && (is_blank(*at) || *at == '/' || *at == '*' || *at == ')' || *at == '?' || *at == '.'))
		at++;
	return at < end && (*at == '(' || *at == '`' || *at == '=' || *at == '[' || *at == '\\' || *at == '&');
}

bool xss_calls_within(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		if (ascii_is_alpha(*at) && xss_calls_at(view, at, end))
			return true;
	return false;
}

bool xss_call_follows(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *from = at;

	while (at < end && (is_word(*at) || *at == '.'))
		at++;
	return at != from && at < end && (*at == '(' || *at == '`');
}

bool xss_quoted(const struct detect_view *view, size_t at)
{
	for (unsigned i = 0; i < view->span_count; i++) {
		size_t start = view->spans[i].start, end = view->spans[i].end, words = 0;

		if (at < start || at >= end || start < 4 || end - start > 80)
			continue;
		for (size_t k = start > 60 ? start - 60 : 0; k < start; k++)
			words += ascii_is_alpha(view->text[k]) && (k == 0 || is_blank(view->text[k - 1]));
		return words != 0 && (is_blank(view->text[start - 2]) || view->text[start - 2] == '(');
	}
	return false;
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* javascript: where a link may begin. */
static void scheme(const struct detect_view *view, size_t at, size_t size)
{
	const uint8_t *next = view->text + at + size, *end = view->text + view->size;
	bool starts = at == 0 && view->begins, data = view->text[at] == 'd';

	if (next == end || detect_has(view, RULE_XSS_SCHEME))
		return;
	if (end - next > 200)
		end = next + 200;
	if (!detect_spend(view, (size_t)(end - next)))
		return;
	if (!ascii_is_alpha(view->text[at])) {
		size_t before = at > 24 ? at - 24 : 0;

		if (view->text[next - view->text - 1] == '8' || /* a bracket that nobody needs to write so */
		    (view->text[at] != '&' && view->text[at] != '+' &&
		     detect_find_within(view, before, at, "style=") < view->size) ||
		    xss_calls_within(view, next, end - next > 40 ? next + 40 : end))
			detect_hit(view,
				   view->text[at] == '=' || view->text[at] == ':' ? RULE_XSS_STYLE : RULE_XSS_SCRIPT,
				   at);
		return;
	}
	if (xss_calls_at(view, next, end) || (starts && !is_blank(*next)))
		detect_hit(view, RULE_XSS_SCHEME, at);
	else if (!detect_has(view, RULE_XSS_SUSPECT) && !is_blank(*next) &&
		 (*next == '/' || data || xss_calls_within(view, next, end)))
		detect_hit(view, RULE_XSS_SUSPECT, at);
}

/* The page's own object in front of a name: window.alert(1). Where it begins, or at. */
static size_t behind_page(const struct detect_view *view, size_t at)
{
	static const char *const pages[] = { "window.", "top.",	       "self.",	       "parent.",
					     "frames.", "globalthis.", "parentwindow." };

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		size_t size = strlen(pages[i]);

		if (at >= size && memcmp(view->text + at - size, pages[i], size) == 0 &&
		    (at == size || !is_word(view->text[at - size - 1])))
			return at - size;
	}
	return at;
}

/* Is the name that stands before this place called, or what is thrown caught by it? */
static bool is_called(const struct detect_view *view, size_t name_end, size_t from)
{
	size_t name = name_end, size, to = view->size - from > 200 ? from + 200 : view->size;

	while (name != 0 && name_end - name < 24 && (is_word(view->text[name - 1]) || view->text[name - 1] == '$'))
		name--;
	size = name_end - name;
	if (size == 0)
		return false;
	if (size > 4 && memcmp(view->text + name, "on", 2) == 0)
		return detect_find_within(view, from, to, "throw") < view->size;
	for (const uint8_t *at = view->text + from, *end = view->text + to; at < end; at++) {
		at = memmem(at, (size_t)(end - at), view->text + name, size);
		if (at == NULL || at + size == end)
			return false;
		if (!is_word(at[-1]) && (at[size] == '(' || at[size] == '`'))
			return true;
	}
	return false;
}

/* The function itself as a value: a=alert,a(1), (alert)(1), [1].find(alert). */
static void as_value(const struct detect_view *view, size_t at, const uint8_t *p)
{
	const uint8_t *end = view->text + view->size;
	size_t before = at;

	while (before != 0 && is_blank(view->text[before - 1]))
		before--;
	if (before < 2 || (p < end && memchr(",;)]}'\"/", *p, 8) == NULL))
		return;
	if (view->text[before - 1] == '=' && memchr("=<>!", view->text[before - 2], 4) == NULL) {
		for (before--; before != 0 && is_blank(view->text[before - 1]); before--)
			;
		if (!detect_has(view, RULE_XSS_CALL) &&
		    detect_spend(view, 400) && /* twice what it looks at, by names */
		    is_called(view, before, (size_t)(p - view->text)))
			detect_hit(view, RULE_XSS_CALL, at);
	} else if (view->text[before - 1] == '(' && p < end && *p == ')' && ascii_is_alpha(view->text[before - 2])) {
		detect_hit(view, RULE_XSS_BARE_CALL, at);
	}
}

/* ';alert(1)// : a string of a script that the page began is left. */
static void script_call(const struct detect_view *view, size_t at, size_t size)
{
	const uint8_t *p = view->text + at + size, *end = view->text + view->size;
	size_t before = at, first = at;
	bool closed = false;
	unsigned marks = 0;

	if (at != 0 && view->text[at - 1] == '.') {
		first = before = behind_page(view, at);
		if (first == at)
			return;
	}
	as_value(view, first, skip_blanks(p, end));
	while (p < end && p < view->text + at + size + 16 && (is_blank(*p) || *p == ')' || *p == '/' || *p == '*')) {
		closed = closed || *p == ')';
		p++;
	}
	if (p < end && *p == '?') /* alert?.(1) */
		p++;
	if (p < end && *p == '.') {
		p++;
		p += VIEW_HAS(view, (size_t)(p - view->text), "call")	 ? 4
		     : VIEW_HAS(view, (size_t)(p - view->text), "apply") ? 5
									 : 0;
	}
	if (p == end || (*p != '(' && *p != '`'))
		return;
	while (before != 0 && first - before < 8 && !is_word(view->text[before - 1])) {
		uint8_t c = view->text[--before];

		marks += c == '\'' || c == '"' || c == '}' || c == 0x9d || c == 0x99; /* or a typographer's */
	}
	/* (alert)(1): nobody shows it so */
	if ((marks != 0 && first - before > 1) ||
	    (closed && first != 0 && memchr("(,", view->text[first - 1], 2) != NULL))
		detect_hit(view, RULE_XSS_CALL, at);
	else if (!is_blank(view->text[at + size]) && !xss_quoted(view, at)) /* be alert (all of you) */
		detect_hit(view, RULE_XSS_BARE_CALL, at);
}

/* window["al"+"ert"](1): what is called is put together. size: with the bracket. */
static void indexed(const struct detect_view *view, size_t at, size_t size)
{
	const uint8_t *p = view->text + at + size, *end = view->text + view->size, *inner;
	bool joined = false, quoted;
	unsigned depth = 1;

	if (detect_has(view, RULE_XSS_CALL) || !detect_spend(view, 80))
		return;
	if (end - p > 80)
		end = p + 80;
	inner = skip_blanks(p, end);
	quoted = inner < end && (*inner == '\'' || *inner == '"' || *inner == '`' || *inner == '/');
	for (; p < end && depth != 0; p++) {
		depth += *p == '[';
		depth -= *p == ']';
		joined = joined || (quoted && (*p == '+' || *p == '\\')) ||
			 VIEW_HAS(view, (size_t)(p - view->text), "tostring(");
	}
	p = skip_blanks(p, end);
	if (p < end && *p == ')')
		p++;
	if (depth != 0 || p == end || (*p != '(' && *p != '`'))
		return;
	if (joined)
		detect_hit(view, RULE_XSS_CALL, at);
	else if (quoted && view->text[at] != 't')
		detect_hit(view, RULE_XSS_BARE_CALL, at);
}

/* eval(location.hash): what runs, of what the address, the cookie or a code in disguise says. */
static void flows(const struct detect_view *view, size_t at, size_t size)
{
	const uint8_t *p = view->text + at + size, *end = view->text + view->size;

	if (detect_has(view, RULE_XSS_CALL) || !detect_spend(view, 60))
		return;
	if (end - p > 60)
		end = p + 60;
	for (; p < end && *p != ';' && *p != '\n'; p++)
		if (ascii_is_alpha(*p) && !is_word(p[-1]) && detect_any(view->words, LIST_XSS_SOURCES, p, end) != 0) {
			detect_hit(view, view->size < 160 ? RULE_XSS_CALL : RULE_XSS_BARE_CALL, at);
			return;
		}
}

/* A name, then a call or an assignment. */
static bool runs_at(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *from = at;

	if (xss_call_follows(at, end))
		return true;
	while (at < end && (is_word(*at) || *at == '.' || *at == '$'))
		at++;
	return at != from && at + 1 < end && *at == '=' && at[1] != '=';
}

/* 48e71;alert(1)//x and }alert(1);{// : a number or a block that the page began is left, and the rest is cut off. */
static void leaves_statement(const struct detect_view *view, const uint8_t *at)
{
	const uint8_t *end = view->text + view->size, *call = at, *cut;

	while (call < end && (*call == ';' || *call == '}'))
		call++;
	if (!xss_calls_at(view, call, end) || view->size > 80)
		return;
	cut = memmem(call, (size_t)(end - call), "//", 2);
	if (cut != NULL && cut[-1] != ':' && memchr(call, ' ', (size_t)(end - call)) == NULL)
		detect_hit(view, RULE_XSS_CALL, 0);
}

void xss_leaves_script(const struct detect_view *view)
{
	const uint8_t *text = view->text, *end = text + view->size, *p = text, *last = end, *ops;
	bool quote, comment;

	if (!view->begins || !view->ends || view->size < 6 || view->size > 200)
		return;
	/* what the page's own string has, at most a word */
	while (p < end && p - text < 24 && (is_word(*p) || *p == '.' || *p == '-' || *p == '\\'))
		p++;
	if (p == end || memchr("'\"`)]};", *p, 7) == NULL)
		return;
	if (*p == ';' || *p == '}')
		leaves_statement(view, p);
	quote = *p == '\'' || *p == '"' || *p == '`';
	while (last > p && is_blank(last[-1]))
		last--;
	comment = *p != ';' && last - p > 4 && last[-1] == '/' && last[-2] == '/' && last[-3] != ':';
	/* or its string goes on: '-f()-' */
	if (!comment && !(quote && last - p > 4 && last[-1] == *p && memchr("+-*/^%|&,;<>(", last[-2], 13) != NULL))
		return;
	for (p++; p < end && (is_blank(*p) || memchr("'\"`)]}", *p, 6) != NULL); p++)
		;
	ops = p;
	while (p < end && (is_blank(*p) || memchr(";,+-*/^%|&<>=?:!~(", *p, 18) != NULL))
		p++;
	if (p != ops && (quote || *ops == ';') && runs_at(p, end))
		detect_hit(view, RULE_XSS_CALL, 0);
}

/* 'al'+'ert' is one string, and /al/.source+/ert/.source as good as one: names of script that nobody needs to take to
 * pieces, put together. */
void xss_joined(const struct detect_view *view)
{
	uint8_t joined[512];
	const uint8_t *text = view->text, *end = text + (view->size < sizeof(joined) ? view->size : sizeof(joined));
	size_t n = 0;
	bool any = false;

	for (const uint8_t *p = text; p < end; p++) {
		const uint8_t *next = p + 1;

		if (end - p > 8 && memcmp(p, "/.source", 8) == 0)
			next = p + 8;
		else if (*p != '\'' && *p != '"' && *p != '`') {
			joined[n++] = *p;
			continue;
		}
		next = skip_blanks(next, end);
		if (next < end && *next == '+')
			next = skip_blanks(next + 1, end);
		else
			next = end;
		if (next < end && memchr("'\"`/", *next, 4) != NULL) {
			any = true;
			p = next;
		} else {
			joined[n++] = *p;
		}
	}
	for (size_t i = 0; any && i < n; i++) {
		size_t size = detect_any(view->words, LIST_XSS_PIECES, joined + i, joined + n);
		char name[16];

		if (size == 0 || size >= sizeof(name))
			continue;
		memcpy(name, joined + i, size);
		name[size] = '\0';
		if (detect_find_within(view, 0, (size_t)(end - text), name) == view->size) {
			detect_hit(view, RULE_XSS_CALL, 0);
			return;
		}
	}
}

void detect_xss_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	switch (list) {
	case LIST_XSS_SCHEMES:
		scheme(view, at, size);
		return;
	case LIST_XSS_PAGES:
		indexed(view, at, size);
		return;
	case LIST_XSS_SINKS:
		flows(view, at, size);
		return;
	case LIST_XSS_BASE64:
		detect_hit(view, RULE_XSS_SCRIPT, at);
		return;
	case LIST_XSS_FEW: /* script that is written with eight characters */
		detect_hit(view, view->size < 100 ? RULE_XSS_BARE_CALL : RULE_XSS_CALL, at);
		return;
	default:
		script_call(view, at, size);
	}
}
