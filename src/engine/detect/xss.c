/* xss.c: what a browser would run. Tags are read as the HTML5 tokenizer reads them, from every '<' on, so that it does
 * not matter in which state the page is; beside them, an attribute that is left. What is no markup but script is
 * xss_script.c's. */
#include "engine/detect/xss.h"

/* Does a URL run script? Controls and blanks are dropped as browsers do. */
static bool runs(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	uint8_t url[32];
	size_t n = 0;

	for (; at < end && n < sizeof(url); at++)
		if (*at == '\\' && at + 1 < end && memchr("0nrt", at[1], 4) != NULL)
			at++; /* written as a program would */
		else if (*at > ' ' && !(n == 0 && (*at >= 0x80 || *at == '"' || *at == '\'' || *at == '`')))
			url[n++] = *at;
	return detect_any(view->words, LIST_XSS_URLS, url, url + n) != 0;
}

/* {name.name} and {() => …, unquoted, as JSX writes it: HTML has a block or a syntax error there, and neither calls. */
static bool inert(const uint8_t *at, const uint8_t *end)
{
	if (at == end || *at != '{')
		return at == end;
	for (at++; at < end && (is_word(*at) || *at == '.' || *at == '$'); at++)
		;
	if (at == end || *at == '}' || *at == '=')
		return true;
	if (*at != '(')
		return false;
	for (at++; at < end; at++)
		if (*at == ')')
			return at[-1] == '(' ? at + 1 == end || at[1] != '}' : at + 1 == end;
	return true; /* cut by a blank: (a, b) => … */
}

struct attribute {
	const uint8_t *name, *name_end, *value, *value_end;
	bool quoted;
};

/* A declaration has no braces: style="font-family:x}color=red" leaves it. Templates put a name into two, and JSX all.
 */
static void braces(const struct detect_view *view, const struct attribute *a, size_t tag)
{
	const uint8_t *open = NULL, *at = a->value, *end = a->value_end;

	if (at < end && *at == '{')
		return;
	for (; at < end; at++) {
		if (*at == '{') {
			if (at + 1 < end && (at[1] == '{' || at[1] == '%'))
				return;
			open = at;
		} else if ((*at == '}' && open == NULL) || (*at == ';' && open != NULL && at[-1] != '}')) {
			detect_hit(view, RULE_XSS_STYLE, tag);
			return;
		} else if (*at == '}') {
			open = NULL;
		} else if (*at == '[' || (end - at > 4 && memcmp(at, "url(", 4) == 0)) {
			detect_hit(view, RULE_XSS_SUSPECT, tag); /* loads something, or ends a name */
		}
	}
}

static void judge(const struct detect_view *view, const struct attribute *a, size_t tag)
{
	size_t size = (size_t)(a->name_end - a->name);
	const uint8_t *name = a->name, *at;

	while (size != 0 && (*name == '"' || *name == '\'' || *name == '`' || *name == '<')) {
		name++; /* the end of a value that a page has begun */
		size--;
	}
	if (size > 3 && name[0] == 'o' && name[1] == 'n') {
		for (at = name + 2; at < name + size && ascii_is_alpha(*at); at++)
			;
		if (at - name > 4 && (at == name + size || !is_word(*at)) && a->value < a->value_end &&
		    (a->quoted || !inert(a->value, a->value_end)))
			detect_hit(view, RULE_XSS_HANDLER, tag);
		return;
	}
	if (a->value == a->value_end)
		return;
	if ((size == 6 && memcmp(name, "srcdoc", 6) == 0) || (size == 7 && memcmp(name, "datasrc", 7) == 0))
		detect_hit(view, RULE_XSS_ELEMENT, tag);
	if (size == 10 && memcmp(name, "formaction", 10) == 0)
		detect_hit(view, RULE_XSS_SUSPECT, tag);
	if (runs(view, a->value, a->value_end)) {
		if (detect_word(view->words, LIST_XSS_LINKS, name, size) ||
		    (!detect_has(view, RULE_XSS_SCHEME) && detect_spend(view, (size_t)(a->value_end - a->value)) &&
		     xss_calls_within(view, a->value, a->value_end)))
			detect_hit(view, RULE_XSS_SCHEME, tag);
	}
	if (size == 13 && memcmp(name, "attributename", 13) == 0 && a->value_end - a->value >= 4 &&
	    memcmp(a->value_end - 4, "href", 4) == 0)
		detect_hit(view, RULE_XSS_ELEMENT, tag); /* it moves where a link goes */
	if (size != 5 || memcmp(name, "style", 5) != 0 ||
	    !detect_spend(view, (size_t)(a->value_end - a->value))) /* one value may be that of many tags */
		return;
	if (a->quoted)
		braces(view, a, tag);
	for (at = a->value; at < a->value_end; at++) {
		if (detect_any(view->words, LIST_XSS_STYLES, at, a->value_end) != 0 || *at == '\\')
			detect_hit(view, RULE_XSS_STYLE, tag);
		else if (*at == '/' && at + 1 < a->value_end && at[1] == '*')
			detect_hit(view, RULE_XSS_SUSPECT, tag);
	}
}

static bool ends_name(uint8_t c)
{
	return is_blank(c) || c == '/' || c == '>';
}

/* What of a view was read already. */
struct reading {
	uint64_t seen[VIEW_SIZE / 64]; /* a bit an octet: an attribute was read from here */
	const uint8_t *name_from;      /* the last name: who begins within it has its end, its value, what follows */
	struct attribute last;
	const uint8_t *next;
	const uint8_t *value_from,
		*value_to; /* the last value without quotes: who begins within it ends where it ended */
	const uint8_t *styled_from, *styled_to; /* what stands behind a <style>, as far as it was looked at */
};

static bool within(const uint8_t *at, const uint8_t *from, const uint8_t *to)
{
	return from != NULL && at >= from && at < to;
}

/* Behind its name: the value. Returns where to go on. */
static const uint8_t *read_value(struct attribute *a, const uint8_t *end, struct reading *reading)
{
	const uint8_t *at = a->name_end, *close;

	while (at < end && is_blank(*at))
		at++;
	a->value = a->value_end = at;
	if (at == end || *at != '=')
		return at;
	at++;
	while (at < end && is_blank(*at))
		at++;
	a->value = at;
	if (at < end && (*at == '"' || *at == '\'')) {
		close = memchr(at + 1, *at, (size_t)(end - at - 1));
		a->quoted = true;
		a->value = at + 1;
		a->value_end = close != NULL ? close : end;
		return close != NULL ? close + 1 : end;
	}
	if (within(at, reading->value_from, reading->value_to)) {
		at = reading->value_to;
	} else {
		reading->value_from = at;
		while (at < end && !is_blank(*at) && *at != '>')
			at++;
		reading->value_to = at;
	}
	a->value_end = at;
	return at;
}

/* Reads attributes to the end of the tag, or of the view, or to where another tag's were read on from. So a text of
 * nothing but '<a' is read once. */
static const uint8_t *read_attributes(const struct detect_view *view, const uint8_t *at, size_t tag,
				      struct reading *reading)
{
	uint64_t *seen = reading->seen;
	const uint8_t *end = view->text + view->size;

	while (at < end && *at != '>') {
		struct attribute a = { 0 };

		if (is_blank(*at) || *at == '/') {
			at++;
			continue;
		}
		if (seen[(size_t)(at - view->text) / 64] >> ((size_t)(at - view->text) % 64) & 1)
			return at;
		seen[(size_t)(at - view->text) / 64] |= UINT64_C(1) << ((size_t)(at - view->text) % 64);
		if (within(at + 1, reading->name_from, reading->last.name_end)) {
			a = reading->last;
			a.name = at;
		} else {
			a.name = at++;
			while (at < end && !ends_name(*at) && *at != '=')
				at++;
			a.name_end = at;
			reading->next = read_value(&a, end, reading);
			reading->name_from = a.name;
			reading->last = a;
		}
		at = reading->next;
		judge(view, &a, tag);
	}
	return at;
}

/* What begins behind <script>: a name, then what calls or assigns. */
static bool code_follows(const struct detect_view *view, const uint8_t *at)
{
	const uint8_t *end = view->text + view->size, *from;

	if (end - at > 400)
		end = at + 400;
	for (const uint8_t *close = at; (close = memmem(close, (size_t)(end - close), "/script", 7)) != NULL; close++) {
		const uint8_t *open = close; /* <\\/script> to who takes the meaning of it away, once or twice */

		while (open[-1] == '\\')
			open--;
		if (open[-1] == '<')
			return true;
	}
	if (end - at > 80)
		end = at + 80;
	while (at < end && (is_blank(*at) || *at == '/' || *at == '*' || *at == '!' || *at == '-' || *at == '<'))
		at++;
	from = at;
	while (at < end && (is_word(*at) || (*at == '.' && at != from) || *at == '$'))
		at++;
	return at < end && at != from && (*at == '(' || *at == '`' || *at == '=' || *at == '[' || *at == '&');
}

/* put the <script> there: a blank on either side, and words. close: its '>'. */
static bool is_named(const struct detect_view *view, size_t tag, const uint8_t *close)
{
	return tag > 3 && is_blank(view->text[tag - 1]) && ascii_is_alpha(view->text[tag - 2]) &&
	       view->text + view->size - close > 3 && close[1] == ' ' && ascii_is_alpha(close[2]) && *close == '>';
}

static void script(const struct detect_view *view, const uint8_t *name_end, size_t tag)
{
	const uint8_t *end = view->text + view->size, *close;
	size_t head;

	if (detect_has(view, RULE_XSS_SCRIPT) || !detect_spend(view, 400))
		return;
	if (end - name_end > 200) /* the head, which is read four times */
		end = name_end + 200;
	close = memchr(name_end, '>', (size_t)(end - name_end));
	head = (size_t)((close != NULL ? close : end) - view->text);
	if (detect_find_within(view, tag, head, "src") < view->size ||
	    detect_find_within(view, tag, head, "href") < view->size ||
	    (close != NULL ? code_follows(view, close + 1) || xss_calls_within(view, name_end, close)
			   : xss_calls_within(view, name_end, end - name_end > 100 ? name_end + 100 : end)))
		detect_hit(view, RULE_XSS_SCRIPT, tag);
	else if ((close != name_end || !is_named(view, tag, close)) && !xss_quoted(view, tag))
		detect_hit(view, RULE_XSS_BARE_SCRIPT, tag);
}

/* <link rel=stylesheet>, <meta http-equiv>, <style>@import: what makes of a plain element one that loads or runs. */
static void suspect(const struct detect_view *view, const uint8_t *name, const uint8_t *name_end, const uint8_t *rest,
		    size_t tag, struct reading *reading)
{
	struct detect_view head = { .text = name_end, .size = (size_t)(rest - name_end) };
	const uint8_t *end = view->text + view->size;

	/* <meta> and no more is a word of who speaks of it */
	if (tag < 3 || name_end == view->text + view->size || *name_end != '>' ||
	    (view->size < 60 && !is_named(view, tag, name_end)))
		detect_hit(view, RULE_XSS_SUSPECT, tag);
	if (head.size > 400)
		head.size = 400;
	if (detect_has(view, RULE_XSS_ELEMENT) || !detect_spend(view, 400))
		return;
	if (detect_find(&head, 0, "http-equiv") < head.size ||
	    (name[0] == 'm' &&
	     (detect_find(&head, 0, "utf-7") < head.size || detect_find(&head, 0, "utf7") < head.size)) ||
	    detect_find(&head, 0, "stylesheet") < head.size || detect_find(&head, 0, "import") < head.size ||
	    ((name[0] == 'x' || name[0] == 'l') && detect_find(&head, 0, "src") < head.size))
		detect_hit(view, RULE_XSS_ELEMENT, tag);
	if (name_end - name != 5 || memcmp(name, "style", 5) != 0)
		return;
	if (end - rest > 300)
		end = rest + 300;
	if (memchr(rest, '\\', end - rest > 60 ? 60 : (size_t)(end - rest)) != NULL)
		detect_hit(view, RULE_XSS_STYLE, tag);
	for (const uint8_t *at = within(rest, reading->styled_from, reading->styled_to) ? reading->styled_to : rest;
	     at < end; at++)
		if (detect_any(view->words, LIST_XSS_STYLES, at, end) != 0 ||
		    (ascii_is_alpha(*at) && !is_word(at[-1]) && xss_calls_at(view, at, end)))
			detect_hit(view, RULE_XSS_STYLE, tag);
	/* what its end cut is looked at again: a word of the list, or a call, however far it stands from its bracket */
	while (end > rest && (is_blank(end[-1]) || memchr("/*)?.", end[-1], 5) != NULL))
		end--;
	reading->styled_from = rest;
	reading->styled_to = end - rest > 24 ? end - 24 : rest;
}

/* at: behind '<'. Returns where to go on. */
static const uint8_t *read_tag(const struct detect_view *view, const uint8_t *at, struct reading *reading)
{
	const uint8_t *end = view->text + view->size, *name = at, *name_end, *rest;
	size_t tag = (size_t)(at - view->text) - 1, size;

	if (at == end)
		return at;
	if (*at == '!' || *at == '?' || *at == '%') {
		if (VIEW_HAS(view, tag, "<![cdata[") || VIEW_HAS(view, tag, "<?xml-stylesheet") ||
		    VIEW_HAS(view, tag, "<?xml:namespace") || VIEW_HAS(view, tag, "<!--[if") ||
		    VIEW_HAS(view, tag, "<![endif"))
			detect_hit(view, RULE_XSS_SUSPECT, tag);
		if (VIEW_HAS(view, tag, "<?import") || VIEW_HAS(view, tag, "<!attlist") ||
		    (VIEW_HAS(view, tag, "<?xml-stylesheet") &&
		     detect_find_within(view, tag, end - at > 120 ? tag + 120 : view->size, "href") < view->size))
			detect_hit(view, RULE_XSS_ELEMENT, tag);
		if (*at == '%' && end - at > 7 && memcmp(at + 1, "script", 6) == 0)
			detect_hit(view, RULE_XSS_SUSPECT, tag);
		return at + 1;
	}
	if (*at == '/')
		name = ++at;
	if (at == end || !ascii_is_alpha(*at)) {
		/* not a tag, unless a reader drops what is in the way */
		if (at < end && (*at < ' ' || *at >= 0x80) && at + 6 < end && memcmp(at + 1, "script", 6) == 0)
			detect_hit(view, RULE_XSS_SUSPECT, tag);
		return at;
	}
	while (at < end && !ends_name(*at) && *at != '<' && *at != '=' && *at != '"' && *at != '\'' && *at != '(' &&
	       *at != '+') /* a form's way to write a blank */
		at++;
	name_end = at;
	size = (size_t)(name_end - name);
	if (size > 2 && memchr(name, ':', size) != NULL) {
		if (detect_word(view->words, LIST_XSS_SPACES, name,
				(size_t)((const uint8_t *)memchr(name, ':', size) - name)))
			detect_hit(view, RULE_XSS_SUSPECT, tag);
		while (*name++ != ':')
			;
		size = (size_t)(name_end - name);
	}
	rest = read_attributes(view, at, tag, reading);
	if (view->text[tag + 1] == '/') {
		if (size == 6 && memcmp(name, "script", 6) == 0)
			detect_hit(view,
				   !detect_has(view, RULE_XSS_SCRIPT) && !detect_has(view, RULE_XSS_CALL) &&
						   detect_spend(view, 40) &&
						   xss_calls_within(view, view->text + (tag > 40 ? tag - 40 : 0),
								    view->text + tag)
					   ? RULE_XSS_CALL /* a script that the page began */
					   : RULE_XSS_BARE_SCRIPT,
				   tag);
		else if (tag == 0 && view->begins && view->size < 160 &&
			 detect_word(view->words, LIST_XSS_TEXTS, name, size))
			detect_hit(view, RULE_XSS_SUSPECT, tag); /* the page's own text is left */
		return rest;
	}
	if (size == 6 && memcmp(name, "script", 6) == 0)
		script(view, name_end, tag);
	else if (detect_word(view->words, LIST_XSS_ELEMENTS, name, size))
		detect_hit(view, rest > name_end + 4 ? RULE_XSS_ELEMENT : RULE_XSS_BARE_SCRIPT, tag);
	else if (detect_word(view->words, LIST_XSS_SUSPECTS, name, size)) {
		suspect(view, name, name_end, rest, tag, reading);
	}
	/* what a wrong quote swallowed is read again from the next '<' */
	return name_end;
}

/* Nothing but blanks between it and a quote. */
static bool behind_quote(const struct detect_view *view, size_t at)
{
	while (at != 0 && (is_blank(view->text[at - 1]) || view->text[at - 1] == '/'))
		at--;
	return at != 0 && (view->text[at - 1] == '"' || view->text[at - 1] == '\'');
}

/* x" type=image onerror=f : at most a word of the page's value, its quote, then attributes up to this place. */
static bool leaves_value(const struct detect_view *view, size_t at)
{
	size_t i = 0;

	if (!view->begins || at > 160 || at < 2)
		return false;
	while (i < at && i < 24 &&
	       (is_word(view->text[i]) || view->text[i] == '-' || view->text[i] == '.' || view->text[i] == '\\'))
		i++;
	if (i == at || (view->text[i] != '"' && view->text[i] != '\''))
		return false;
	for (i++; i < at; i++)
		if (!is_word(view->text[i]) && !is_blank(view->text[i]) &&
		    memchr("=\"'/-:.#()\\", view->text[i], 11) == NULL)
			return false;
	return is_blank(view->text[at - 1]) || view->text[at - 1] == '/' || view->text[at - 1] == '"' ||
	       view->text[at - 1] == '\'';
}

/* x" onfocus=f() : an attribute that the page began is left. */
static void handlers(const struct detect_view *view)
{
	const uint8_t *end = view->text + view->size;

	for (size_t at = 0; (at = detect_find(view, at, "on")) < view->size; at += 2) {
		const uint8_t *p = view->text + at + 2, *name = p, *name_end;
		size_t before = at;

		if (at != 0 && (is_word(view->text[at - 1]) || view->text[at - 1] == '.' || view->text[at - 1] == '-'))
			continue;
		while (p < end && ascii_is_alpha(*p))
			p++;
		name_end = p;
		if (p - name < 3 || p - name > 24)
			continue;
		while (p < end && p - name < 64 && *p != '=' && *p != '>' && *p != '\'' && *p != '"' &&
		       !ascii_is_alpha(*p))
			p++; /* onload!#$= was a handler to a browser once */
		if (p == end || *p != '=')
			continue;
		for (p++; p < end && (is_blank(*p) || *p == '"' || *p == '\'' || *p == '`'); p++)
			;
		if (p == end || *p == '=' || *p == '{' || *p == '>')
			continue;
		if (!detect_spend(view, 60))
			return;
		while (before != 0 && (is_blank(view->text[before - 1]) || view->text[before - 1] == '/'))
			before--;
		if ((behind_quote(view, at) && xss_call_follows(p, end)) ||
		    (detect_word(view->words, LIST_XSS_EVENTS, view->text + at, (size_t)(name_end - view->text) - at) &&
		     leaves_value(view, at)))
			detect_hit(view, RULE_XSS_BREAKOUT, at);
		else if (xss_calls_at(view, p, end) || xss_calls_within(view, p, end - p > 60 ? p + 60 : end)) {
			bool left = before == 0 ? view->begins : memchr("\"'`", view->text[before - 1], 3) != NULL;

			detect_hit(view, left ? RULE_XSS_BREAKOUT : RULE_XSS_BARE_HANDLER, at);
		}
	}
}

void detect_xss(const struct detect_view *view)
{
	const uint8_t *at = view->text, *end = at + view->size;
	struct reading reading = { 0 };

	if (view->gate & GATE_TAG) {
		while ((at = memchr(at, '<', (size_t)(end - at))) != NULL)
			at = read_tag(view, at + 1, &reading);
		if (detect_find(view, 0, "-->]]>") < view->size)
			detect_hit(view, RULE_XSS_ENDS, 0);
	}
	if ((view->gate & GATE_HIGH) && detect_find(view, 0, "\xc2\xbcscript") < view->size)
		detect_hit(view, RULE_XSS_SUSPECT, 0); /* a bracket to who reads seven bits */
	if (view->gate & GATE_EQUALS)
		handlers(view);
	if (view->gate & (GATE_PAREN | GATE_EQUALS | GATE_BACKTICK))
		xss_leaves_script(view);
	if (memchr(view->text, '+', view->size) != NULL)
		xss_joined(view);
}
