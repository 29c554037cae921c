/* html_tree.h: for tests only: what gumbo, a complete HTML5 parser, makes of sanitized HTML, and what is wrong with
 * that: only allowed elements, attributes and links may be in the tree; it is what the tags say; it stays so when it is
 * written out and read once more, as editors do; and what was not let through is seen as it was typed. */
#ifndef TESTS_HTML_TREE_H
#define TESTS_HTML_TREE_H
#include <gumbo.h>

#include "../conformance/html_check.h"

static inline GumboOutput *parse(const char *bytes, size_t size)
{
	GumboOptions options = kGumboDefaultOptions;

	options.fragment_context = GUMBO_TAG_DIV;
	options.max_errors = 0;
	return gumbo_parse_with_options(&options, bytes, size);
}

static inline const GumboVector *children_of(const GumboOutput *output)
{
	return &output->root->v.element.children;
}

static inline bool starts_nocase(const char *text, const char *word)
{
	for (; *word != '\0'; text++, word++)
		if (ascii_lower((uint8_t)*text) != (uint8_t)*word)
			return false;
	return true;
}

/* By the URL standard: trimmed, without tabs and newlines, a scheme is a letter, then letters, digits, "+", "-", ".",
 * up to ":". */
static inline bool link_allowed(const char *value)
{
	char *text = malloc(strlen(value) + 1), *to = text, *at;
	bool allowed = true;

	while (*value != '\0' && (uint8_t)*value <= ' ')
		value++;
	for (; *value != '\0'; value++)
		if (*value != '\t' && *value != '\n' && *value != '\r')
			*to++ = *value;
	*to = '\0';
	at = text;
	if (html_letter((uint8_t)*at)) {
		while (html_letter((uint8_t)*at) || strchr("0123456789+-.", *at) != NULL) {
			if (*at == '\0')
				break;
			at++;
		}
		if (*at == ':')
			allowed = starts_nocase(text, "http://") || starts_nocase(text, "https://") ||
				  starts_nocase(text, "mailto:");
	}
	free(text);
	return allowed;
}

static inline const char *wrong_element(const GumboElement *element)
{
	const char *name = gumbo_normalized_tagname(element->tag);

	if (element->tag == GUMBO_TAG_UNKNOWN || element->tag_namespace != GUMBO_NAMESPACE_HTML ||
	    !html_tag_allowed(name))
		return "an element outside the list";
	for (unsigned i = 0; i < element->attributes.length; i++) {
		const GumboAttribute *attribute = element->attributes.data[i];

		if (attribute->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE ||
		    !html_attribute_allowed(name, attribute->name))
			return "an attribute outside the list";
		if (strcmp(attribute->name, "href") == 0 && !link_allowed(attribute->value))
			return "a link of another scheme";
	}
	return NULL;
}

static inline const char *wrong_children(const GumboVector *children)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < children->length && wrong == NULL; i++) {
		const GumboNode *node = children->data[i];

		if (node->type == GUMBO_NODE_ELEMENT) {
			wrong = wrong_element(&node->v.element);
			if (wrong == NULL)
				wrong = wrong_children(&node->v.element.children);
		} else if (node->type != GUMBO_NODE_TEXT && node->type != GUMBO_NODE_WHITESPACE) {
			wrong = "a node that is neither element nor text";
		}
	}
	return wrong;
}

static inline void write_escaped(struct html_text *to, const char *text, bool attribute)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			html_add(to, "&amp;", 5);
		else if (*text == '"' && attribute)
			html_add(to, "&quot;", 6);
		else if (*text == '<' && !attribute) /* browsers left "<" in attributes as it is until 2025 */
			html_add(to, "&lt;", 4);
		else if (*text == '>' && !attribute)
			html_add(to, "&gt;", 4);
		else
			html_add_char(to, *text);
	}
}

/* As innerHTML is read (HTML 13.3). */
static inline void serialize(struct html_text *to, const GumboVector *children)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];
		const GumboElement *element = &node->v.element;
		const char *name;

		if (node->type != GUMBO_NODE_ELEMENT) {
			write_escaped(to, node->v.text.text, false);
			continue;
		}
		name = gumbo_normalized_tagname(element->tag);
		html_add_char(to, '<');
		html_add(to, name, strlen(name));
		for (unsigned k = 0; k < element->attributes.length; k++) {
			const GumboAttribute *attribute = element->attributes.data[k];

			html_add_char(to, ' ');
			html_add(to, attribute->name, strlen(attribute->name));
			html_add(to, "=\"", 2);
			write_escaped(to, attribute->value, true);
			html_add_char(to, '"');
		}
		html_add_char(to, '>');
		if (element->tag == GUMBO_TAG_BR)
			continue;
		serialize(to, &element->children);
		html_add(to, "</", 2);
		html_add(to, name, strlen(name));
		html_add_char(to, '>');
	}
}

static inline void text_content(struct html_text *to, const GumboVector *children, bool *ret_elements)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];

		if (node->type == GUMBO_NODE_ELEMENT) {
			*ret_elements = true;
			text_content(to, &node->v.element.children, ret_elements);
		} else {
			html_add(to, node->v.text.text, strlen(node->v.text.text));
		}
	}
}

static unsigned tree_texts; /* texts without a tag that stays */

static inline bool only_text(const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	bool text = tokens.count == 0 || (tokens.count == 1 && tokens.list[0].kind == HTML_RUN);

	html_tokens_free(&tokens);
	return text;
}

/* Without any allowed tag in it, a text is seen exactly as it was typed. */
static inline const char *seen_as_typed(const struct html_text *seen, const char *bytes, size_t size)
{
	struct html_text typed = { 0 }, expected = { 0 };
	GumboOutput *output;
	const char *wrong = NULL;
	bool elements = false;

	html_add(&typed, "", 0);
	html_add(&expected, "", 0);
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '<')
			html_add(&typed, "&lt;", 4);
		else
			html_add_char(&typed, bytes[i]);
	}
	tree_texts++;
	output = parse(typed.bytes, typed.size);
	text_content(&expected, children_of(output), &elements);
	if (elements || seen->size != expected.size || memcmp(seen->bytes, expected.bytes, seen->size) != 0)
		wrong = "text that is not seen as typed";
	gumbo_destroy_output(&kGumboDefaultOptions, output);
	free(typed.bytes);
	free(expected.bytes);
	return wrong;
}

/* The next tag of the text, past what is none. */
static inline const struct html_token *next_tag(const struct html_tokens *tokens, size_t *at)
{
	while (*at < tokens->count && tokens->list[*at].kind != HTML_START && tokens->list[*at].kind != HTML_END)
		(*at)++;
	return *at < tokens->count ? &tokens->list[(*at)++] : NULL;
}

static unsigned tree_elements; /* of the trees that were compared */

/* Is the tree what the tags say, none of them left over, none added? */
static inline bool as_tagged(const GumboVector *children, const struct html_tokens *tokens, size_t *at)
{
	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *node = children->data[i];
		const struct html_token *tag;
		const char *name;

		if (node->type != GUMBO_NODE_ELEMENT)
			continue;
		name = gumbo_normalized_tagname(node->v.element.tag);
		tree_elements++;
		tag = next_tag(tokens, at);
		if (tag == NULL || tag->kind != HTML_START || strcmp(tag->text.bytes, name) != 0)
			return false;
		if (!as_tagged(&node->v.element.children, tokens, at))
			return false;
		if (node->v.element.tag == GUMBO_TAG_BR)
			continue;
		tag = next_tag(tokens, at);
		if (tag == NULL || tag->kind != HTML_END || strcmp(tag->text.bytes, name) != 0)
			return false;
	}
	return true;
}

static inline const char *wrong_tree(const GumboVector *children, const char *bytes, size_t size)
{
	struct html_tokens tokens = html_tokenize(bytes, size);
	size_t at = 0;
	bool same = as_tagged(children, &tokens, &at) && next_tag(&tokens, &at) == NULL;

	html_tokens_free(&tokens);
	return same ? NULL : "a tree that is not what the tags say";
}

static inline const char *wrong_html(const char *bytes, size_t size, const char *typed, size_t typed_size)
{
	struct html_text again = { 0 }, seen = { 0 };
	GumboOutput *output = parse(bytes, size);
	const char *wrong = wrong_children(children_of(output));
	bool elements = false;

	if (wrong == NULL)
		wrong = wrong_tree(children_of(output), bytes, size);

	html_add(&again, "", 0);
	html_add(&seen, "", 0);
	if (wrong == NULL) {
		serialize(&again, children_of(output));
		text_content(&seen, children_of(output), &elements);
		if (typed != NULL && only_text(bytes, size))
			wrong = seen_as_typed(&seen, typed, typed_size);
	}
	gumbo_destroy_output(&kGumboDefaultOptions, output);
	if (wrong == NULL && typed != NULL)
		wrong = wrong_html(again.bytes, again.size, NULL, 0);
	free(again.bytes);
	free(seen.bytes);
	return wrong;
}
#endif
