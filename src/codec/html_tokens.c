#include "codec/html_tokens.h"

static bool letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* The newline normalisation before the tokenizer makes CR a newline too. */
static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool ends_name(uint8_t c)
{
	return blank(c) || c == '/' || c == '>';
}

static struct fw_slice between(const uint8_t *from, const uint8_t *to)
{
	return slice(from, (size_t)(to - from));
}

static bool word_at(const uint8_t *at, const uint8_t *end, const char *word)
{
	size_t size = strlen(word);

	return (size_t)(end - at) >= size && slice_is_nocase(slice(at, size), word);
}

static const uint8_t *find(const uint8_t *at, const uint8_t *end, uint8_t c)
{
	const uint8_t *found = at != end ? memchr(at, c, (size_t)(end - at)) : NULL;

	return found != NULL ? found : end;
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at != end && blank(*at))
		at++;
	return at;
}

static const uint8_t *skip_name(const uint8_t *at, const uint8_t *end)
{
	while (at != end && !ends_name(*at))
		at++;
	return at;
}

/* An attribute, from the first octet of its name on (13.2.5.33 to 38). Returns what is behind it, or NULL when the text
 * ended inside of its quotes. */
static const uint8_t *read_attribute(const uint8_t *at, const uint8_t *end, struct html_attribute *ret_attribute)
{
	const uint8_t *start = at, *behind;

	at += *at == '='; /* a name may begin with it */
	while (at != end && !ends_name(*at) && *at != '=')
		at++;
	*ret_attribute = (struct html_attribute){ .name = between(start, at), .value = slice(at, 0) };
	behind = skip_blanks(at, end);
	if (behind == end || *behind != '=')
		return behind;
	start = skip_blanks(behind + 1, end);
	if (start != end && (*start == '"' || *start == '\'')) {
		ret_attribute->quote = *start == '"' ? HTML_DOUBLE : HTML_SINGLE;
		at = find(start + 1, end, *start);
		ret_attribute->value = between(start + 1, at);
		return at != end ? at + 1 : NULL;
	}
	for (at = start; at != end && !blank(*at) && *at != '>'; at++)
		;
	ret_attribute->quote = HTML_UNQUOTED;
	ret_attribute->value = between(start, at);
	return at;
}

/* "<" and "/" are behind us: a name, attributes, ">". Returns what is behind the tag. */
static const uint8_t *read_tag(const uint8_t *at, const uint8_t *end, struct html_token *token)
{
	const uint8_t *inside = skip_name(at, end);
	struct html_attribute attribute;

	token->name = between(at, inside);
	at = inside;
	for (;;) {
		while (at != end && (blank(*at) || *at == '/'))
			token->self_closing = *at++ == '/';
		if (at == end || *at == '>')
			break;
		token->self_closing = false;
		at = read_attribute(at, end, &attribute);
		if (at == NULL)
			at = end;
	}
	token->inside = between(inside, at);
	token->cut = at == end;
	return at + !token->cut;
}

bool html_tokens_attribute(const struct html_token *token, struct html_attribute *attribute)
{
	const uint8_t *start = token->inside.data, *at, *end, *behind;

	if (start == NULL)
		return false;
	end = start + token->inside.size;
	for (at = start + attribute->next; at != end && (blank(*at) || *at == '/'); at++)
		;
	if (at == end)
		return false;
	behind = read_attribute(at, end, attribute);
	attribute->next = (size_t)((behind != NULL ? behind : end) - start);
	return true;
}

/* Up to ">", whatever stands there. */
static const uint8_t *read_bogus(const uint8_t *at, const uint8_t *end, struct html_token *token)
{
	const uint8_t *close = find(at, end, '>');

	token->kind = HTML_TOKEN_COMMENT;
	token->text = between(at, close);
	token->cut = close == end;
	return close + !token->cut;
}

/* "<!--" is behind us (13.2.5.43 to 52). Only "-->", "--!>" and, at the very start, ">" and "->" end it. */
static const uint8_t *read_comment(const uint8_t *start, const uint8_t *end, struct html_token *token)
{
	static const char *const cut_ends[] = { "--!", "--", "-" };
	const uint8_t *at;

	token->kind = HTML_TOKEN_COMMENT;
	token->text = slice(start, 0);
	if (start != end && *start == '>')
		return start + 1;
	if (word_at(start, end, "->"))
		return start + 2;
	for (at = start; (at = find(at, end, '-')) != end; at++) {
		token->text = between(start, at);
		if (word_at(at, end, "-->"))
			return at + 3;
		if (word_at(at, end, "--!>"))
			return at + 4;
	}
	token->cut = true;
	token->text = between(start, end);
	for (unsigned i = 0; i < sizeof(cut_ends) / sizeof(*cut_ends); i++) {
		size_t size = strlen(cut_ends[i]);

		if (token->text.size >= size && word_at(end - size, end, cut_ends[i])) {
			token->text.size -= size;
			break;
		}
	}
	return end;
}

/* An identifier of a doctype in its quotes. Returns what is behind it, NULL when it is cut off by ">" or the end. */
static const uint8_t *read_identifier(const uint8_t *at, const uint8_t *end, struct fw_slice *ret_identifier)
{
	const uint8_t *close = find(at + 1, end, *at), *cut = find(at + 1, close, '>');

	*ret_identifier = between(at + 1, cut);
	return cut == close && close != end ? close + 1 : NULL;
}

static bool quote_at(const uint8_t *at, const uint8_t *end)
{
	return at != end && (*at == '"' || *at == '\'');
}

/* What stands behind the name of a doctype (13.2.5.56 to 68). NULL: nothing but rubbish. Else behind what was read. */
static const uint8_t *read_identifiers(const uint8_t *at, const uint8_t *end, struct html_token *token)
{
	bool public = word_at(at, end, "public");

	if (!public && !word_at(at, end, "system"))
		return NULL;
	at = skip_blanks(at + 6, end);
	if (!quote_at(at, end))
		return NULL;
	if (public) {
		at = read_identifier(at, end, &token->public);
		if (at == NULL)
			return NULL;
		at = skip_blanks(at, end);
	}
	if (quote_at(at, end))
		return read_identifier(at, end, &token->system);
	return at != end && *at == '>' ? at : NULL;
}

/* "<!doctype" is behind us. */
static const uint8_t *read_doctype(const uint8_t *at, const uint8_t *end, struct html_token *token)
{
	const uint8_t *name = skip_blanks(at, end), *behind;

	token->kind = HTML_TOKEN_DOCTYPE;
	for (at = name; at != end && !blank(*at) && *at != '>'; at++)
		;
	if (at != name)
		token->name = between(name, at);
	behind = skip_blanks(at, end);
	token->quirks = at == name || behind == end;
	if (behind != end && *behind != '>') {
		at = behind;
		behind = read_identifiers(at, end, token);
		token->quirks |= behind == NULL || skip_blanks(behind, end) == end;
		/* An identifier that ">" cuts off ends the doctype with that; rubbish goes on to the first ">", too. */
		if (behind == NULL)
			behind = at;
	}
	at = find(behind, end, '>');
	token->cut = at == end;
	return at + !token->cut;
}

/* At a "<" that starts_markup. */
static const uint8_t *read_markup(struct html_tokens *tokens, struct html_token *token)
{
	const uint8_t *at = tokens->at + 1, *end = tokens->end;

	switch (*at) {
	case '!':
		at++;
		if (word_at(at, end, "--"))
			return read_comment(at + 2, end, token);
		if (word_at(at, end, "doctype"))
			return read_doctype(at + 7, end, token);
		if (tokens->foreign && (size_t)(end - at) >= 7 && memcmp(at, "[CDATA[", 7) == 0) {
			token->kind = HTML_TOKEN_NOTHING;
			tokens->mode = HTML_CDATA;
			return at + 7;
		}
		return read_bogus(at, end, token);
	case '?':
		return read_bogus(at, end, token);
	case '/':
		at++;
		if (*at == '>') {
			token->kind = HTML_TOKEN_NOTHING;
			return at + 1;
		}
		if (!letter(*at))
			return read_bogus(at, end, token);
		token->kind = HTML_TOKEN_END_TAG;
		return read_tag(at, end, token);
	default:
		token->kind = HTML_TOKEN_START_TAG;
		at = read_tag(at, end, token);
		tokens->last_tag = token->name;
		return at;
	}
}

/* "</" at the very end is text. */
static bool starts_markup(const uint8_t *at, const uint8_t *end)
{
	return end - at >= 2 && (letter(at[1]) || at[1] == '!' || at[1] == '?' || (at[1] == '/' && end - at >= 3));
}

/* Is here the end tag of the last start tag? */
static bool own_end(const struct html_tokens *tokens, const uint8_t *at)
{
	size_t size = tokens->last_tag.size;

	return size != 0 && (size_t)(tokens->end - at) > size + 2 && at[1] == '/' && ends_name(at[2 + size]) &&
	       slice_equal_nocase(slice(at + 2, size), tokens->last_tag);
}

/* Inside of a script, "<!--" makes it a comment, in which another "<script" makes that "</script" does not end it
 * (13.2.5.15 to 31). */
enum script { PLAIN, ESCAPED, DOUBLE };

/* At "<" inside of a script that is not its end. Returns behind what it means. */
static const uint8_t *script_less(const uint8_t *at, const uint8_t *end, enum script *state, unsigned *ret_dashes)
{
	const uint8_t *name;

	*ret_dashes = 0;
	if (*state == PLAIN) {
		if (!word_at(at, end, "<!--"))
			return at + 1;
		*state = ESCAPED;
		*ret_dashes = 2;
		return at + 4;
	}
	at++;
	if (*state == DOUBLE) {
		if (at == end || *at != '/')
			return at;
		at++;
	}
	for (name = at; at != end && letter(*at); at++)
		;
	if (at == end || !ends_name(*at) || (*state == ESCAPED && at == name))
		return at;
	if (slice_is_nocase(between(name, at), "script"))
		*state = *state == DOUBLE ? ESCAPED : DOUBLE;
	return at + 1;
}

static const uint8_t *read_script(const struct html_tokens *tokens)
{
	const uint8_t *at = tokens->at, *end = tokens->end;
	enum script state = PLAIN;
	unsigned dashes = 0;

	while (at != end) {
		if (*at == '<') {
			if (state != DOUBLE && own_end(tokens, at))
				return at;
			at = script_less(at, end, &state, &dashes);
			continue;
		}
		if (*at == '>' && dashes >= 2)
			state = PLAIN;
		dashes = *at == '-' && state != PLAIN ? dashes + 1 : 0;
		at++;
	}
	return at;
}

/* Where the text that begins here ends. */
static const uint8_t *read_text(const struct html_tokens *tokens)
{
	const uint8_t *at = tokens->at, *end = tokens->end;

	switch (tokens->mode) {
	case HTML_DATA:
		while ((at = find(at, end, '<')) != end && !starts_markup(at, end))
			at++;
		return at;
	case HTML_RCDATA:
	case HTML_RAWTEXT:
		while ((at = find(at, end, '<')) != end && !own_end(tokens, at))
			at++;
		return at;
	case HTML_SCRIPT:
		return read_script(tokens);
	case HTML_CDATA:
		while ((at = find(at, end, ']')) != end && !word_at(at, end, "]]>"))
			at++;
		return at;
	case HTML_PLAINTEXT:
		break;
	}
	return end;
}

void html_tokens_start(struct html_tokens *tokens, struct fw_slice text)
{
	*tokens = (struct html_tokens){ .at = text.data, .end = text.data };
	if (text.size != 0)
		tokens->end += text.size;
}

bool html_tokens_next(struct html_tokens *tokens, struct html_token *ret_token)
{
	static const enum html_where where[] = {
		[HTML_DATA] = HTML_IN_TEXT,  [HTML_RCDATA] = HTML_IN_RCDATA, [HTML_RAWTEXT] = HTML_IN_RAW,
		[HTML_SCRIPT] = HTML_IN_RAW, [HTML_PLAINTEXT] = HTML_IN_RAW, [HTML_CDATA] = HTML_IN_CDATA,
	};
	const uint8_t *start = tokens->at, *at;

	*ret_token = (struct html_token){ 0 };
	if (start == tokens->end)
		return false;
	at = read_text(tokens);
	if (at != start) {
		ret_token->text = between(start, at);
		ret_token->where = where[tokens->mode];
	} else if (tokens->mode == HTML_CDATA) {
		ret_token->kind = HTML_TOKEN_NOTHING;
		tokens->mode = HTML_DATA;
		at += 3;
	} else {
		tokens->mode = HTML_DATA;
		at = read_markup(tokens, ret_token);
	}
	ret_token->raw = between(start, at);
	tokens->at = at;
	return true;
}

enum html_mode html_tokens_mode(const struct html_token *token, bool scripting)
{
	static const struct {
		const char *name;
		enum html_mode mode;
	} rows[] = { { "title", HTML_RCDATA },	   { "textarea", HTML_RCDATA }, { "style", HTML_RAWTEXT },
		     { "xmp", HTML_RAWTEXT },	   { "iframe", HTML_RAWTEXT },	{ "noembed", HTML_RAWTEXT },
		     { "noframes", HTML_RAWTEXT }, { "script", HTML_SCRIPT },	{ "plaintext", HTML_PLAINTEXT } };

	if (token->kind != HTML_TOKEN_START_TAG)
		return HTML_DATA;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is_nocase(token->name, rows[i].name))
			return rows[i].mode;
	return scripting && slice_is_nocase(token->name, "noscript") ? HTML_RAWTEXT : HTML_DATA;
}
