/* Two walks over the tokens of a text: the first finds the tags that are markup, the second writes. No element whose
 * content is read by other rules is ever let through, so that all of what is written is read in the data state. */
#include "engine/sanitize.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/html_tokens.h"
#include "engine/sanitize_url.h"
#include "policy/html_element.h"

/* An element that is open in the first walk. */
struct open {
	const char *name; /* as the policy's list has it: equal pointers are equal names */
	const struct html_element *element;
	uint32_t tag;	/* the how manieth of the text that the list has */
	uint8_t inside; /* enum html_nesting: what stands in it and would end such an element as it is */
};

struct sanitizer {
	const struct fw_policy *policy;
	struct arena *arena;
	struct fw_slice html;
	uint8_t *markup; /* a bit for each tag that the list has: it stays */
	struct open open[LIMIT_HTML_DEPTH];
	unsigned depth;
	uint8_t *out;
	size_t size;
	size_t capacity;
	bool failed;
};

static bool letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* "<" at the end, or before anything else, is a character like others, wherever it stands. */
static bool starts_markup(const uint8_t *at, const uint8_t *end)
{
	return end - at >= 2 && (letter(at[1]) || at[1] == '/' || at[1] == '!' || at[1] == '?');
}

/* The next "<" that starts a tag, a comment or a declaration, or end. */
static const uint8_t *find_markup(const uint8_t *at, const uint8_t *end)
{
	while (at != end) {
		at = memchr(at, '<', (size_t)(end - at));
		if (at == NULL)
			return end;
		if (starts_markup(at, end))
			return at;
		at++;
	}
	return end;
}

/* The policy's own name of a tag that may stay, or NULL. */
static const char *listed(const struct fw_policy *policy, const struct html_token *token)
{
	const struct texts *tags = &policy->settings.html_tags;

	if ((token->kind != HTML_TOKEN_START_TAG && token->kind != HTML_TOKEN_END_TAG) || token->cut)
		return NULL;
	for (size_t i = 0; i < tags->count; i++)
		if (slice_is_nocase(token->name, tags->items[i]))
			return tags->items[i];
	return NULL;
}

static void stays(struct sanitizer *s, uint32_t tag)
{
	s->markup[tag / 8] |= (uint8_t)(1u << tag % 8);
}

static void put(struct sanitizer *s, uint8_t inside)
{
	if (s->depth != 0)
		s->open[s->depth - 1].inside |= inside;
}

static void opened(struct sanitizer *s, const char *name, uint32_t tag)
{
	const struct html_element *element = html_element_find(slice_text(name));

	if (element->refused != NULL)
		return;
	if (element->empty) {
		stays(s, tag);
		put(s, element->puts);
	} else if (s->depth < LIMIT_HTML_DEPTH) {
		s->open[s->depth++] = (struct open){ .name = name, .element = element, .tag = tag };
	}
}

/* The innermost open element is none: what is in it stands in the one around. */
static void dropped(struct sanitizer *s)
{
	uint8_t inside = s->open[--s->depth].inside;

	put(s, inside);
}

/* An end tag closes the innermost element of its name. Those that are open inside of that have no end tag where one
 * belongs and are none; nor is one that a browser would have ended before, at something that stands in it. */
static void closed(struct sanitizer *s, const char *name, uint32_t tag)
{
	const struct html_element *element;
	unsigned at = s->depth;
	struct open open;

	while (at != 0 && s->open[at - 1].name != name)
		at--;
	if (at == 0)
		return;
	while (s->depth > at)
		dropped(s);
	open = s->open[at - 1];
	element = open.element;
	if (open.inside & element->bars) {
		dropped(s);
		return;
	}
	s->depth--;
	stays(s, open.tag);
	stays(s, tag);
	put(s, (uint8_t)(element->puts | (open.inside & ~element->keeps)));
}

/* Which tags stay. Of them all that is decided is decided again in the same way when they alone are read: what stays
 * is nested already, and what is no markup changes nothing for the others. */
static void find_pairs(struct sanitizer *s)
{
	struct html_tokens tokens;
	struct html_token token;
	uint32_t tag = 0;

	html_tokens_start(&tokens, s->html);
	while (html_tokens_next(&tokens, &token)) {
		const char *name = listed(s->policy, &token);

		if (name == NULL)
			continue;
		if (s->markup == NULL) { /* a tag has three octets at least */
			s->markup = arena_alloc(s->arena, s->html.size / 24 + 1);
			if (s->markup == NULL) {
				s->failed = true;
				return;
			}
			memset(s->markup, 0, s->html.size / 24 + 1);
		}
		if (token.kind == HTML_TOKEN_START_TAG)
			opened(s, name, tag);
		else
			closed(s, name, tag);
		tag++;
	}
}

static void write(struct sanitizer *s, const void *bytes, size_t size)
{
	if (s->failed || size == 0)
		return;
	if (size > s->capacity - s->size) {
		size_t need, capacity;
		uint8_t *out = NULL;

		if (size_add(s->size, size, &need) && size_mul(need, 2, &capacity))
			out = arena_alloc(s->arena, capacity);
		if (out == NULL) {
			s->failed = true;
			return;
		}
		memcpy(out, s->out, s->size);
		s->out = out;
		s->capacity = capacity;
	}
	memcpy(s->out + s->size, bytes, size);
	s->size += size;
}

static void write_text(struct sanitizer *s, const char *text)
{
	write(s, text, strlen(text));
}

/* As it was typed, and seen so. Behind a token there is another one, which begins with "<", or nothing. */
static void write_typed(struct sanitizer *s, struct fw_slice typed)
{
	const uint8_t *at = typed.data, *end = typed.data + typed.size, *found;

	while ((found = find_markup(at, end)) != end) {
		write(s, at, (size_t)(found - at));
		write_text(s, "&lt;");
		at = found + 1;
	}
	write(s, at, (size_t)(end - at));
}

/* The value as it was read, in double quotes: only what could end it or look like a tag is replaced, so that it means
 * the same. */
static void write_attribute(struct sanitizer *s, const char *name, struct fw_slice value)
{
	size_t clean = 0, i;

	write_text(s, " ");
	write_text(s, name);
	write_text(s, "=\"");
	for (i = 0; i < value.size; i++) {
		const char *instead;

		switch (value.data[i]) {
		case '"':
			instead = "&quot;";
			break;
		case '<':
			instead = "&lt;";
			break;
		case '>':
			instead = "&gt;";
			break;
		case '\0': /* what a browser reads there */
			instead = "\xef\xbf\xbd";
			break;
		default:
			continue;
		}
		write(s, value.data + clean, i - clean);
		write_text(s, instead);
		clean = i + 1;
	}
	if (value.size != 0)
		write(s, value.data + clean, value.size - clean);
	write_text(s, "\"");
}

/* Words of [A-Za-z0-9_-], at least one. */
static bool words(struct fw_slice value)
{
	bool any = false;
	size_t i;

	for (i = 0; i < value.size; i++) {
		uint8_t c = value.data[i];

		if (letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-')
			any = true;
		else if (c != ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r')
			return false;
	}
	return any;
}

static bool value_allowed(const struct fw_policy *policy, uint8_t kind, struct fw_slice value)
{
	switch (kind) {
	case HTML_TEXT:
		return true;
	case HTML_URL:
		return sanitize_url_allowed(policy, value);
	case HTML_WORDS:
		return words(value);
	}
	return false;
}

/* Of attributes of one name the first counts (HTML 13.2.5.33). */
static void write_start(struct sanitizer *s, const char *name, const struct html_token *token)
{
	const struct policy_html_attribute *allowed = s->policy->html_attributes;
	struct html_attribute attribute = { 0 };
	uint8_t rows[LIMIT_HTML_ATTRIBUTES];
	unsigned count = 0, i;

	for (i = 0; i < s->policy->html_attribute_count && token->inside.size != 0; i++)
		if (slice_is_nocase(slice_text(name), allowed[i].tag))
			rows[count++] = (uint8_t)i;
	write_text(s, "<");
	write_text(s, name);
	while (count != 0 && html_tokens_attribute(token, &attribute)) {
		for (i = 0; i < count && !slice_is_nocase(attribute.name, allowed[rows[i]].name); i++)
			;
		if (i == count)
			continue;
		if (value_allowed(s->policy, allowed[rows[i]].value, attribute.value))
			write_attribute(s, allowed[rows[i]].name, attribute.value);
		rows[i] = rows[--count];
	}
	write_text(s, ">");
}

static void write_token(struct sanitizer *s, const struct html_token *token, uint32_t *tag)
{
	const char *name = listed(s->policy, token);
	bool markup = false;

	if (name != NULL) {
		markup = s->markup[*tag / 8] & 1u << *tag % 8;
		(*tag)++;
	}
	if (!markup) {
		write_typed(s, token->raw);
	} else if (token->kind == HTML_TOKEN_START_TAG) {
		write_start(s, name, token);
	} else {
		write_text(s, "</");
		write_text(s, name);
		write_text(s, ">");
	}
}

int sanitize_html(const struct fw_policy *policy, struct arena *arena, struct fw_slice html, struct fw_slice *ret_html)
{
	struct sanitizer s = { .policy = policy, .arena = arena, .html = html };
	struct html_tokens tokens;
	struct html_token token;
	uint32_t tag = 0;

	*ret_html = html;
	if (html.size == 0 || find_markup(html.data, html.data + html.size) == html.data + html.size)
		return FW_OK;
	if (!size_add(html.size, html.size / 8 + 64, &s.capacity))
		return FW_ERR_MEMORY;
	find_pairs(&s);
	s.out = s.failed ? NULL : arena_alloc(arena, s.capacity);
	if (s.out == NULL)
		return FW_ERR_MEMORY;
	html_tokens_start(&tokens, html);
	while (html_tokens_next(&tokens, &token) && !s.failed)
		write_token(&s, &token, &tag);
	if (s.failed)
		return FW_ERR_MEMORY;
	arena_trim(arena, s.out, s.capacity, s.size);
	if (s.size != html.size || memcmp(s.out, html.data, s.size) != 0)
		*ret_html = slice(s.out, s.size);
	return FW_OK;
}
