/* html_tokens.h: HTML read token by token, as the standard's tokenizer reads it (HTML 13.2.5), for who asks what a
 * browser would make of a text. Tokens are slices of the text, nothing is decoded before it is asked for: no memory of
 * its own. Linear in the size of the text. Any thread.
 *
 *	html_tokens_start(&tokens, text);
 *	while (html_tokens_next(&tokens, &token)) {
 *		struct html_attribute attribute = { 0 };
 *
 *		tokens.mode = html_tokens_mode(&token, true);
 *		while (html_tokens_attribute(&token, &attribute))
 *			size = html_tokens_decode(attribute.value, HTML_IN_ATTRIBUTE, buffer);
 *	}
 *
 * Every octet of the text belongs to exactly one token: the raw slices one behind the other are the text. */
#ifndef CODEC_HTML_TOKENS_H
#define CODEC_HTML_TOKENS_H
#include "base/slice.h"

/* What the text is read as. Whoever builds a tree sets it between two tokens. */
enum html_mode { HTML_DATA, HTML_RCDATA, HTML_RAWTEXT, HTML_SCRIPT, HTML_PLAINTEXT, HTML_CDATA };

enum html_token_kind {
	HTML_TOKEN_TEXT,
	HTML_TOKEN_START_TAG,
	HTML_TOKEN_END_TAG,
	HTML_TOKEN_COMMENT, /* also "<?", "</ " and "<!" of other things, which are comments to the standard */
	HTML_TOKEN_DOCTYPE,
	HTML_TOKEN_NOTHING /* "</>" and "]]>" of a CDATA section: dropped */
};

/* Where a slice was found; this says how it is decoded. */
enum html_where {
	HTML_IN_TEXT,	/* references */
	HTML_IN_RCDATA, /* references; NUL becomes U+FFFD */
	HTML_IN_RAW,	/* of RAWTEXT, script and plain text, comments, identifiers: NUL becomes U+FFFD, that is all */
	HTML_IN_CDATA,	/* as it stands */
	HTML_IN_ATTRIBUTE, /* references as attributes have them; NUL becomes U+FFFD */
	HTML_IN_NAME	   /* capital ASCII letters become small; NUL becomes U+FFFD */
};

struct html_token {
	enum html_token_kind kind;
	enum html_where where;	/* text: how it is decoded */
	struct fw_slice raw;	/* all of it, as it stands in the text */
	struct fw_slice text;	/* text, or what a comment says: HTML_IN_RAW */
	struct fw_slice name;	/* of a tag or a doctype: HTML_IN_NAME */
	struct fw_slice inside; /* of a tag: what is between its name and ">", which html_tokens_attribute reads */
	struct fw_slice public; /* identifiers of a doctype: HTML_IN_RAW; data is NULL where there is none */
	struct fw_slice system;
	bool self_closing; /* "/>" */
	bool quirks;	   /* doctype: "force-quirks" */
	bool cut;	   /* the text ended inside of it. A browser drops such a tag. */
};

struct html_tokens {
	const uint8_t *at; /* what is read next */
	const uint8_t *end;
	enum html_mode mode;	  /* set to HTML_DATA by the end tag that ends another one */
	bool foreign;		  /* inside SVG or MathML, where "<![CDATA[" is what it says */
	struct fw_slice last_tag; /* name of the last start tag: only its end tag ends RCDATA, RAWTEXT and script */
};

enum html_quote { HTML_NO_VALUE, HTML_UNQUOTED, HTML_SINGLE, HTML_DOUBLE };

/* Of two with one name in a tag the first counts: who reads must look, they come as they stand. */
struct html_attribute {
	struct fw_slice name;  /* HTML_IN_NAME */
	struct fw_slice value; /* HTML_IN_ATTRIBUTE */
	enum html_quote quote;
	size_t next; /* of the tag's inside: where to read on */
};

void html_tokens_start(struct html_tokens *tokens, struct fw_slice text);
/* False at the end of the text. */
bool html_tokens_next(struct html_tokens *tokens, struct html_token *ret_token);
/* What a tree builder reads on as behind this token, which is not of CDATA: other than HTML_DATA behind <script>,
 * <title> and their like; scripting: <noscript> is raw text, as pages with scripts have it. */
enum html_mode html_tokens_mode(const struct html_token *token, bool scripting);
/* The tag's next attribute; {0} before the first. False: there are no more. */
bool html_tokens_attribute(const struct html_token *token, struct html_attribute *attribute);

/* Writes what the slice says, with line ends as LF; returns its size. out has room for HTML_DECODED(raw.size). */
#define HTML_DECODED(size) ((size)*3)
size_t html_tokens_decode(struct fw_slice raw, enum html_where where, uint8_t *out);

/* The character reference at "&", where text[0] is it: how many octets it takes, and the one or two characters that it
 * is; 0: none, and the "&" is one. */
size_t html_reference(struct fw_slice text, bool in_attribute, uint32_t ret_characters[2]);
#endif
