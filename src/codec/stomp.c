#include "codec/stomp.h"

const char stomp_memory[] = "memory is short";

struct reader {
	struct arena *arena;
	struct fw_slice text;
	size_t at;
	bool literal; /* headers have no escapes: of CONNECT and CONNECTED, for the sake of version 1.0 */
};

/* An end of line: LF, or CR LF. Its size, 0: there is none. */
static size_t line_end(const struct reader *r)
{
	const uint8_t *at = r->text.data + r->at;
	size_t left = r->text.size - r->at;

	if (left != 0 && at[0] == '\n')
		return 1;
	return left > 1 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

static void skip_line_ends(struct reader *r)
{
	for (size_t size = line_end(r); size != 0; size = line_end(r))
		r->at += size;
}

/* Up to the end of the line, or to a colon. NULL or what is wrong. */
static const char *read_word(struct reader *r, bool colon, struct fw_slice *ret_word)
{
	size_t start = r->at;

	while (r->at < r->text.size && line_end(r) == 0 && !(colon && r->text.data[r->at] == ':')) {
		if (r->text.data[r->at] == '\0' || r->text.data[r->at] == '\r')
			return "NUL or CR in a line";
		r->at++;
	}
	if (r->at == r->text.size)
		return "a line without an end";
	*ret_word = slice(r->text.data + start, r->at - start);
	return NULL;
}

/* The word without its escapes; at is set to a wrong one. */
static const char *unescape(struct reader *r, struct fw_slice raw, struct fw_slice *ret_text)
{
	static const char escapes[] = "rnc\\", meant[] = "\r\n:\\";
	const uint8_t *slash = raw.size != 0 ? memchr(raw.data, '\\', raw.size) : NULL;
	uint8_t *text;
	size_t size = 0;

	*ret_text = raw;
	if (slash == NULL || r->literal)
		return NULL;
	text = arena_alloc(r->arena, raw.size);
	if (text == NULL)
		return stomp_memory;
	for (size_t i = 0; i < raw.size; i++) {
		const char *found = NULL;

		if (raw.data[i] != '\\') {
			text[size++] = raw.data[i];
			continue;
		}
		if (++i < raw.size && raw.data[i] != '\0')
			found = strchr(escapes, raw.data[i]);
		if (found == NULL) {
			r->at = (size_t)(raw.data + i - r->text.data) - 1;
			return "an escape that the specification does not have";
		}
		text[size++] = (uint8_t)meant[found - escapes];
	}
	*ret_text = slice(text, size);
	return NULL;
}

static const char *read_header(struct reader *r, struct stomp *frame)
{
	struct stomp_header *header = &frame->headers[frame->count];
	size_t start = r->at;
	struct fw_slice name;
	const char *wrong;

	if (frame->count == STOMP_HEADERS)
		return "too many headers";
	wrong = read_word(r, true, &name);
	if (wrong == NULL && r->text.data[r->at] != ':')
		return "a header without a colon";
	if (wrong == NULL && name.size == 0)
		return "a header without a name";
	if (wrong != NULL)
		return wrong;
	r->at++;
	wrong = read_word(r, false, &header->raw);
	if (wrong != NULL)
		return wrong;
	/* A colon in a value is written \c; many do not, and it can be read in one way only. */
	r->at += line_end(r);
	wrong = unescape(r, name, &header->name);
	if (wrong == NULL)
		wrong = unescape(r, header->raw, &header->value);
	if (wrong != NULL)
		return wrong;
	for (unsigned i = 0; i < frame->count; i++)
		if (slice_equal(frame->headers[i].name, header->name)) {
			r->at = start;
			return "a header a second time";
		}
	frame->count++;
	return NULL;
}

/* content-length counts octets; behind them is the NUL. Without it the first NUL ends the body: who does not look at
 * content-length must come to the same end. */
static const char *read_body(struct reader *r, struct stomp *frame)
{
	const struct stomp_header *length = stomp_find(frame, "content-length");
	struct fw_slice left = slice(r->text.data + r->at, r->text.size - r->at);
	const uint8_t *end = left.size != 0 ? memchr(left.data, '\0', left.size) : NULL;
	size_t size = 0;

	if (length != NULL) {
		if (length->value.size == 0 || length->value.size > 9)
			return "content-length is no number";
		for (size_t i = 0; i < length->value.size; i++) {
			if (length->value.data[i] < '0' || length->value.data[i] > '9')
				return "content-length is no number";
			size = size * 10 + (length->value.data[i] - '0');
		}
		if (end != NULL && (size_t)(end - left.data) < size)
			return "a NUL in the body";
		end = size < left.size && left.data[size] == '\0' ? left.data + size : NULL;
	}
	if (end == NULL)
		return length != NULL ? "no NUL where content-length ends" : "no NUL at the end";
	frame->body = slice(left.data, (size_t)(end - left.data));
	r->at += frame->body.size + 1;
	return NULL;
}

const char *stomp_read(struct arena *arena, struct fw_slice text, struct stomp *ret_frame, size_t *reterr_offset)
{
	struct reader r = { arena, text, 0, false };
	const char *wrong = NULL;

	ret_frame->count = 0;
	ret_frame->command = ret_frame->body = slice(NULL, 0);
	skip_line_ends(&r);
	if (r.at == text.size && text.size != 0) {
		ret_frame->size = text.size;
		return NULL;
	}
	wrong = read_word(&r, false, &ret_frame->command);
	if (wrong == NULL)
		r.at += line_end(&r);
	r.literal = slice_is(ret_frame->command, "CONNECT") || slice_is(ret_frame->command, "CONNECTED");
	while (wrong == NULL && r.at < text.size && line_end(&r) == 0)
		wrong = read_header(&r, ret_frame);
	if (wrong == NULL && r.at == text.size)
		wrong = "no line without a header";
	if (wrong == NULL) {
		r.at += line_end(&r);
		wrong = read_body(&r, ret_frame);
	}
	if (wrong == NULL)
		skip_line_ends(&r);
	ret_frame->size = *reterr_offset = r.at;
	return wrong;
}

const struct stomp_header *stomp_find(const struct stomp *frame, const char *name)
{
	for (unsigned i = 0; i < frame->count; i++)
		if (slice_is(frame->headers[i].name, name))
			return &frame->headers[i];
	return NULL;
}
