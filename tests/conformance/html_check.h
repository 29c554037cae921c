/* html_check.h: for tests only: a tokenizer written out state by state as HTML 13.2.5 has it (data state), and what
 * sanitized HTML must hold. It shares nothing with src/engine/sanitize.c; conf_html.c shows it right on the html5lib
 * vectors. */
#ifndef TESTS_HTML_CHECK_H
#define TESTS_HTML_CHECK_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "engine/sanitize.h"
#include "policy/html_attribute.h"

enum html_kind { HTML_RUN, HTML_START, HTML_END, HTML_COMMENT, HTML_DOCTYPE };
enum { HTML_ATTRIBUTES = 32 };

struct html_text {
	char *bytes;
	size_t size;
	size_t capacity;
};

struct html_token {
	enum html_kind kind;
	struct html_text text; /* or name, or comment */
	size_t start, end;     /* in the input, of the token and behind it; not of text */
	unsigned attribute_count;
	struct html_text names[HTML_ATTRIBUTES];
	struct html_text values[HTML_ATTRIBUTES];
};

struct html_tokens {
	struct html_token *list;
	size_t count;
	size_t capacity;
	bool cut; /* a tag at the end of the text had no end and was dropped */
	size_t cut_at;
};

static inline void html_add(struct html_text *text, const void *bytes, size_t size)
{
	if (text->size + size + 1 > text->capacity) {
		text->capacity = (text->size + size + 1) * 2;
		text->bytes = realloc(text->bytes, text->capacity);
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

static inline void html_add_char(struct html_text *text, char c)
{
	html_add(text, &c, 1);
}

/* NUL is U+FFFD everywhere but in text. */
static inline void html_add_name(struct html_text *text, char c, bool lower)
{
	if (c == '\0')
		html_add(text, "\xef\xbf\xbd", 3);
	else
		html_add_char(text, lower ? (char)ascii_lower((uint8_t)c) : c);
}

static inline void html_token_free(struct html_token *token)
{
	free(token->text.bytes);
	for (unsigned i = 0; i < token->attribute_count; i++) {
		free(token->names[i].bytes);
		free(token->values[i].bytes);
	}
	*token = (struct html_token){ 0 };
}

static inline void html_tokens_free(struct html_tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		html_token_free(&tokens->list[i]);
	free(tokens->list);
	*tokens = (struct html_tokens){ 0 };
}

static inline struct html_token *html_emit(struct html_tokens *tokens, const struct html_token *token)
{
	if (tokens->count == tokens->capacity) {
		tokens->capacity = tokens->capacity * 2 + 8;
		tokens->list = realloc(tokens->list, tokens->capacity * sizeof(*tokens->list));
	}
	tokens->list[tokens->count] = *token;
	return &tokens->list[tokens->count++];
}

static inline void html_emit_text(struct html_tokens *tokens, const char *bytes, size_t size)
{
	struct html_token token = { .kind = HTML_RUN };

	if (tokens->count == 0 || tokens->list[tokens->count - 1].kind != HTML_RUN)
		html_emit(tokens, &token);
	html_add(&tokens->list[tokens->count - 1].text, bytes, size);
}

enum html_state {
	S_DATA,
	S_TAG_OPEN,
	S_END_TAG_OPEN,
	S_TAG_NAME,
	S_BEFORE_NAME,
	S_NAME,
	S_AFTER_NAME,
	S_BEFORE_VALUE,
	S_DOUBLE,
	S_SINGLE,
	S_UNQUOTED,
	S_AFTER_QUOTED,
	S_SELF_CLOSING,
	S_BOGUS,
	S_MARKUP,
	S_COMMENT_START,
	S_COMMENT_START_DASH,
	S_COMMENT,
	S_LESS,
	S_LESS_BANG,
	S_LESS_BANG_DASH,
	S_LESS_BANG_DASH_DASH,
	S_END_DASH,
	S_END_COMMENT,
	S_END_BANG,
	S_DOCTYPE
};

/* A name that an earlier attribute of the tag has is dropped, with its value. */
static inline void html_end_attribute(struct html_token *token)
{
	unsigned last = token->attribute_count - 1, i;

	if (token->attribute_count == 0)
		return;
	for (i = 0; i < last; i++) {
		if (token->names[i].size == token->names[last].size &&
		    memcmp(token->names[i].bytes, token->names[last].bytes, token->names[i].size) == 0) {
			free(token->names[last].bytes);
			free(token->values[last].bytes);
			token->names[last] = token->values[last] = (struct html_text){ 0 };
			token->attribute_count--;
			return;
		}
	}
}

static inline void html_new_attribute(struct html_token *token)
{
	html_end_attribute(token);
	if (token->attribute_count == HTML_ATTRIBUTES) { /* enough for tests: the last is written over */
		free(token->names[HTML_ATTRIBUTES - 1].bytes);
		free(token->values[HTML_ATTRIBUTES - 1].bytes);
		token->attribute_count--;
	}
	token->names[token->attribute_count] = token->values[token->attribute_count] = (struct html_text){ 0 };
	html_add(&token->names[token->attribute_count], "", 0);
	html_add(&token->values[token->attribute_count], "", 0);
	token->attribute_count++;
}

static inline bool html_blank(int c)
{
	return c == '\t' || c == '\n' || c == '\f' || c == ' ';
}

static inline bool html_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool html_word(const char *text, size_t size, size_t at, const char *word)
{
	size_t n = strlen(word), i;

	for (i = 0; i < n; i++)
		if (at + i >= size || ascii_lower((uint8_t)text[at + i]) != ascii_lower((uint8_t)word[i]))
			return false;
	return true;
}

/* CR LF and CR are LF, before all else (13.2.3.5). */
static inline struct html_text html_newlines(const char *bytes, size_t size)
{
	struct html_text text = { 0 };

	html_add(&text, "", 0);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != '\r')
			html_add_char(&text, bytes[i]);
		else if (i + 1 == size || bytes[i + 1] != '\n')
			html_add_char(&text, '\n');
	return text;
}

/* Character references are left as they are. */
static inline struct html_tokens html_tokenize(const char *bytes, size_t bytes_size)
{
	struct html_text input = html_newlines(bytes, bytes_size);
	const char *text = input.bytes;
	size_t size = input.size, at = 0;
	struct html_tokens tokens = { 0 };
	struct html_token t = { 0 };
	enum html_state state = S_DATA;

#define VALUE (&t.values[t.attribute_count - 1])
#define TAG_DONE                                                                                                       \
	(html_end_attribute(&t), t.end = at, html_emit(&tokens, &t), t = (struct html_token){ 0 }, state = S_DATA)
#define COMMENT_DONE (t.end = at, html_emit(&tokens, &t), t = (struct html_token){ 0 }, state = S_DATA)
	for (;;) {
		int c = at < size ? (uint8_t)text[at] : -1;

		at++; /* "reconsume" is at-- */
		switch (state) {
		case S_DATA:
			if (c == '<') {
				t.start = at - 1;
				state = S_TAG_OPEN;
			} else if (c < 0)
				goto end;
			else
				html_emit_text(&tokens, text + at - 1, 1);
			break;
		case S_TAG_OPEN:
			if (c == '!') {
				state = S_MARKUP;
			} else if (c == '/') {
				state = S_END_TAG_OPEN;
			} else if (html_letter(c)) {
				t.kind = HTML_START;
				html_add(&t.text, "", 0);
				state = S_TAG_NAME;
				at--;
			} else if (c == '?') {
				t.kind = HTML_COMMENT;
				html_add(&t.text, "", 0);
				state = S_BOGUS;
				at--;
			} else {
				html_emit_text(&tokens, "<", 1);
				state = S_DATA;
				at--;
			}
			break;
		case S_END_TAG_OPEN:
			if (html_letter(c)) {
				t.kind = HTML_END;
				html_add(&t.text, "", 0);
				state = S_TAG_NAME;
				at--;
			} else if (c == '>') {
				state = S_DATA;
			} else if (c < 0) {
				html_emit_text(&tokens, "</", 2);
				goto end;
			} else {
				t.kind = HTML_COMMENT;
				html_add(&t.text, "", 0);
				state = S_BOGUS;
				at--;
			}
			break;
		case S_TAG_NAME:
			if (html_blank(c))
				state = S_BEFORE_NAME;
			else if (c == '/')
				state = S_SELF_CLOSING;
			else if (c == '>')
				TAG_DONE;
			else if (c < 0)
				goto cut;
			else
				html_add_name(&t.text, (char)c, true);
			break;
		case S_BEFORE_NAME:
			if (html_blank(c))
				break;
			if (c == '/' || c == '>' || c < 0) {
				state = S_AFTER_NAME;
				at--;
			} else if (c == '=') {
				html_new_attribute(&t);
				html_add_char(&t.names[t.attribute_count - 1], '=');
				state = S_NAME;
			} else {
				html_new_attribute(&t);
				state = S_NAME;
				at--;
			}
			break;
		case S_NAME:
			if (html_blank(c) || c == '/' || c == '>' || c < 0) {
				state = S_AFTER_NAME;
				at--;
			} else if (c == '=') {
				state = S_BEFORE_VALUE;
			} else {
				html_add_name(&t.names[t.attribute_count - 1], (char)c, true);
			}
			break;
		case S_AFTER_NAME:
			if (html_blank(c))
				break;
			if (c == '/') {
				state = S_SELF_CLOSING;
			} else if (c == '=') {
				state = S_BEFORE_VALUE;
			} else if (c == '>') {
				TAG_DONE;
			} else if (c < 0) {
				goto cut;
			} else {
				html_new_attribute(&t);
				state = S_NAME;
				at--;
			}
			break;
		case S_BEFORE_VALUE:
			if (html_blank(c))
				break;
			if (c == '"') {
				state = S_DOUBLE;
			} else if (c == '\'') {
				state = S_SINGLE;
			} else if (c == '>') {
				TAG_DONE;
			} else {
				state = S_UNQUOTED;
				at--;
			}
			break;
		case S_DOUBLE:
		case S_SINGLE:
			if (c == (state == S_DOUBLE ? '"' : '\''))
				state = S_AFTER_QUOTED;
			else if (c < 0)
				goto cut;
			else
				html_add_name(VALUE, (char)c, false);
			break;
		case S_UNQUOTED:
			if (html_blank(c))
				state = S_BEFORE_NAME;
			else if (c == '>')
				TAG_DONE;
			else if (c < 0)
				goto cut;
			else
				html_add_name(VALUE, (char)c, false);
			break;
		case S_AFTER_QUOTED:
			if (html_blank(c)) {
				state = S_BEFORE_NAME;
			} else if (c == '/') {
				state = S_SELF_CLOSING;
			} else if (c == '>') {
				TAG_DONE;
			} else if (c < 0) {
				goto cut;
			} else {
				state = S_BEFORE_NAME;
				at--;
			}
			break;
		case S_SELF_CLOSING:
			if (c == '>') {
				TAG_DONE;
			} else if (c < 0) {
				goto cut;
			} else {
				state = S_BEFORE_NAME;
				at--;
			}
			break;
		case S_BOGUS:
			if (c == '>')
				COMMENT_DONE;
			else if (c < 0)
				goto comment_end;
			else
				html_add_name(&t.text, (char)c, false);
			break;
		case S_MARKUP:
			at--;
			html_add(&t.text, "", 0);
			if (html_word(text, size, at, "--")) {
				at += 2;
				t.kind = HTML_COMMENT;
				state = S_COMMENT_START;
			} else if (html_word(text, size, at, "doctype")) {
				at += 7;
				t.kind = HTML_DOCTYPE;
				state = S_DOCTYPE;
			} else { /* CDATA sections too, outside of foreign content */
				t.kind = HTML_COMMENT;
				state = S_BOGUS;
			}
			break;
		case S_DOCTYPE: /* every state of it ends at ">" */
			if (c == '>')
				COMMENT_DONE;
			else if (c < 0)
				goto comment_end;
			break;
		case S_COMMENT_START:
			if (c == '-') {
				state = S_COMMENT_START_DASH;
			} else if (c == '>') {
				COMMENT_DONE;
			} else {
				state = S_COMMENT;
				at--;
			}
			break;
		case S_COMMENT_START_DASH:
			if (c == '-') {
				state = S_END_COMMENT;
			} else if (c == '>') {
				COMMENT_DONE;
			} else if (c < 0) {
				goto comment_end;
			} else {
				html_add_char(&t.text, '-');
				state = S_COMMENT;
				at--;
			}
			break;
		case S_COMMENT:
			if (c == '<') {
				html_add_char(&t.text, '<');
				state = S_LESS;
			} else if (c == '-') {
				state = S_END_DASH;
			} else if (c < 0) {
				goto comment_end;
			} else {
				html_add_name(&t.text, (char)c, false);
			}
			break;
		case S_LESS:
			if (c == '!') {
				html_add_char(&t.text, '!');
				state = S_LESS_BANG;
			} else if (c == '<') {
				html_add_char(&t.text, '<');
			} else {
				state = S_COMMENT;
				at--;
			}
			break;
		case S_LESS_BANG:
			state = c == '-' ? S_LESS_BANG_DASH : S_COMMENT;
			at -= c != '-';
			break;
		case S_LESS_BANG_DASH:
			state = c == '-' ? S_LESS_BANG_DASH_DASH : S_END_DASH;
			at -= c != '-';
			break;
		case S_LESS_BANG_DASH_DASH:
			state = S_END_COMMENT;
			at--;
			break;
		case S_END_DASH:
			if (c == '-') {
				state = S_END_COMMENT;
			} else if (c < 0) {
				goto comment_end;
			} else {
				html_add_char(&t.text, '-');
				state = S_COMMENT;
				at--;
			}
			break;
		case S_END_COMMENT:
			if (c == '>') {
				COMMENT_DONE;
			} else if (c == '!') {
				state = S_END_BANG;
			} else if (c == '-') {
				html_add_char(&t.text, '-');
			} else if (c < 0) {
				goto comment_end;
			} else {
				html_add(&t.text, "--", 2);
				state = S_COMMENT;
				at--;
			}
			break;
		case S_END_BANG:
			if (c == '-') {
				html_add(&t.text, "--!", 3);
				state = S_END_DASH;
			} else if (c == '>') {
				COMMENT_DONE;
			} else if (c < 0) {
				goto comment_end;
			} else {
				html_add(&t.text, "--!", 3);
				state = S_COMMENT;
				at--;
			}
			break;
		}
	}
#undef VALUE
#undef TAG_DONE
#undef COMMENT_DONE
cut:
	tokens.cut = true;
	tokens.cut_at = t.start;
	html_token_free(&t);
	goto end;
comment_end:
	t.end = size;
	html_emit(&tokens, &t);
end:
	free(input.bytes);
	return tokens;
}

static const char *const html_allowed_tags[] = { "b", "i",  "u",    "strong", "em", "code", "pre", "blockquote",
						 "p", "br", "span", "div",    "a",  "ul",   "ol",  "li" };
static const char *const html_blocked_schemes[] = { "javascript", "vbscript", "data", "file", "ftp" };

/* A policy with the default lists and nothing else. */
static inline const struct fw_policy *html_policy(void)
{
	static struct fw_policy policy;

	policy.settings.html_tags = (struct texts){ (const char **)(uintptr_t)html_allowed_tags, 16 };
	policy.html_attributes = html_attribute_defaults(&policy.html_attribute_count);
	policy.settings.blocked_schemes = (struct texts){ (const char **)(uintptr_t)html_blocked_schemes, 5 };
	return &policy;
}

static inline bool html_tag_allowed(const char *name)
{
	for (unsigned i = 0; i < 16; i++)
		if (strcmp(name, html_allowed_tags[i]) == 0)
			return true;
	return false;
}

static inline bool html_attribute_allowed(const char *tag, const char *name)
{
	if (strcmp(tag, "a") == 0)
		return strcmp(name, "href") == 0 || strcmp(name, "title") == 0;
	return strcmp(name, "class") == 0 && (strcmp(tag, "span") == 0 || strcmp(tag, "div") == 0 ||
					      strcmp(tag, "code") == 0 || strcmp(tag, "pre") == 0);
}

enum { HTML_DEPTH = 64 };

/* NULL, or what is wrong with sanitized HTML: each element has its end tag where it belongs. */
static inline const char *html_unbalanced(const struct html_tokens *tokens)
{
	const char *open[HTML_DEPTH];
	unsigned depth = 0;

	for (size_t i = 0; i < tokens->count; i++) {
		const struct html_token *t = &tokens->list[i];

		if (t->kind == HTML_START && strcmp(t->text.bytes, "br") != 0) {
			if (depth == HTML_DEPTH)
				return "nested too deep";
			open[depth++] = t->text.bytes;
		} else if (t->kind == HTML_END && (depth == 0 || strcmp(open[--depth], t->text.bytes) != 0)) {
			return "an end tag of nothing";
		}
	}
	return depth != 0 ? "an element without its end" : NULL;
}

/* NULL, or what is wrong with sanitized HTML: only allowed tags and attributes, no comment, no declaration, nothing
 * cut. */
static inline const char *html_wrong(const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	const char *wrong = tokens.cut ? "a cut tag" : html_unbalanced(&tokens);

	for (size_t i = 0; i < tokens.count; i++) {
		const struct html_token *t = &tokens.list[i];

		if (t->kind == HTML_COMMENT || t->kind == HTML_DOCTYPE)
			wrong = "a comment or declaration";
		if ((t->kind == HTML_START || t->kind == HTML_END) && !html_tag_allowed(t->text.bytes))
			wrong = "a tag outside the list";
		if (t->kind == HTML_END && t->attribute_count != 0)
			wrong = "attributes of an end tag";
		for (unsigned k = 0; k < t->attribute_count; k++)
			if (!html_attribute_allowed(t->text.bytes, t->names[k].bytes))
				wrong = "an attribute outside the list";
	}
	html_tokens_free(&tokens);
	return wrong;
}

/* Sanitizes, and checks what holds for every input. NULL: memory is short. The result is in the arena. */
static inline const char *html_check(struct arena *arena, const char *bytes, size_t size, struct fw_slice *ret_html)
{
	struct fw_slice again;
	const char *wrong;

	if (sanitize_html(html_policy(), arena, slice(bytes, size), ret_html) != FW_OK)
		return "memory";
	wrong = html_wrong((const char *)ret_html->data, ret_html->size);
	if (wrong != NULL)
		return wrong;
	if (ret_html->size > 6 * size + 64)
		return "too long";
	if (sanitize_html(html_policy(), arena, *ret_html, &again) != FW_OK)
		return "memory";
	if (again.data != ret_html->data || again.size != ret_html->size)
		return "not idempotent";
	return NULL;
}
#endif
