/* HTML tokens of any octets: no fault; one behind the other they are the text; each slice lies in its token; attributes
 * are told apart as often as there are octets at most; what is decoded has room. */
#include <stdlib.h>

#include "codec/html_tokens.h"

static void within(struct fw_slice outer, struct fw_slice inner)
{
	if (inner.data != NULL && (inner.data < outer.data || inner.data + inner.size > outer.data + outer.size))
		abort();
}

static void decode(struct fw_slice raw, enum html_where where)
{
	uint8_t *out = malloc(HTML_DECODED(raw.size) + 1);

	if (out != NULL && html_tokens_decode(raw, where, out) > HTML_DECODED(raw.size))
		abort();
	free(out);
}

static void attributes(const struct html_token *token)
{
	struct html_attribute attribute = { 0 };
	size_t count = 0;

	while (html_tokens_attribute(token, &attribute)) {
		if (attribute.name.size == 0 || ++count > token->inside.size)
			abort();
		within(token->inside, attribute.name);
		within(token->inside, attribute.value);
		decode(attribute.name, HTML_IN_NAME);
		decode(attribute.value, HTML_IN_ATTRIBUTE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct html_tokens tokens;
	struct html_token token;
	size_t covered = 0;

	if (size == 0)
		return 0;
	html_tokens_start(&tokens, slice(data + 1, size - 1));
	tokens.mode = (enum html_mode)(data[0] % (HTML_CDATA + 1));
	tokens.foreign = data[0] & 0x40;
	tokens.last_tag = slice_text("script");
	while (html_tokens_next(&tokens, &token)) {
		if (token.raw.size == 0 || token.raw.data != data + 1 + covered)
			abort();
		covered += token.raw.size;
		within(token.raw, token.text);
		within(token.raw, token.name);
		within(token.raw, token.inside);
		within(token.raw, token.public);
		within(token.raw, token.system);
		decode(token.text, token.kind == HTML_TOKEN_TEXT ? token.where : HTML_IN_RAW);
		attributes(&token);
		if (token.kind == HTML_TOKEN_START_TAG && (data[0] & 0x80))
			tokens.mode = html_tokens_mode(&token, true);
	}
	if (covered != size - 1)
		abort();
	return 0;
}
