/* Heads are read octet by octet, and no octet decides before all in front of it have: what is wrong with a head is
 * known, and is the same, however the network cuts it. Sections are those of RFC 9112 where no document is named. */
#include "codec/http1.h"

#include <string.h>

#include "base/addr.h"
#include "base/slice.h"

struct reader {
	struct fw_slice bytes;
	size_t at;
	size_t line; /* where the line began */
	const char *rule;
	enum http1_result result;
};

enum { TCHAR = 1, TARGET = 2, VALUE = 4, HOST = 8 };

static const uint8_t classes[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['!'] = VALUE | TARGET | TCHAR | HOST,
	['"'] = VALUE | TARGET,
	['#'] = VALUE | TCHAR,
	['$' ... '\''] = VALUE | TARGET | TCHAR | HOST,
	['(' ... ')'] = VALUE | TARGET | HOST,
	['*' ... '+'] = VALUE | TARGET | TCHAR | HOST,
	[','] = VALUE | TARGET,
	['-' ... '.'] = VALUE | TARGET | TCHAR | HOST,
	['/'] = VALUE | TARGET,
	['0' ... '9'] = VALUE | TARGET | TCHAR | HOST,
	[':'] = VALUE | TARGET,
	[';'] = VALUE | TARGET | HOST,
	['<'] = VALUE | TARGET,
	['='] = VALUE | TARGET | HOST,
	['>' ... '@'] = VALUE | TARGET,
	['A' ... 'Z'] = VALUE | TARGET | TCHAR | HOST,
	['[' ... ']'] = VALUE | TARGET,
	['^'] = VALUE | TARGET | TCHAR,
	['_'] = VALUE | TARGET | TCHAR | HOST,
	['`'] = VALUE | TARGET | TCHAR,
	['a' ... 'z'] = VALUE | TARGET | TCHAR | HOST,
	['{'] = VALUE | TARGET,
	['|'] = VALUE | TARGET | TCHAR,
	['}'] = VALUE | TARGET,
	['~'] = VALUE | TARGET | TCHAR | HOST,
	[0x80 ... 0xff] = VALUE, /* obs-text, opaque (RFC 9110 5.5) */
};

static bool fail(struct reader *r, enum http1_result result, const char *rule)
{
	r->result = result;
	r->rule = rule;
	return false;
}

static bool bad(struct reader *r, const char *rule)
{
	return fail(r, HTTP1_BAD, rule);
}

/* Looks at the next octet. False at the end of the input or at a limit; a head that fills its limit waits for none. */
static inline bool peek(struct reader *r, uint8_t *ret_octet)
{
	if (r->at >= LIMIT_HEAD_BYTES)
		return fail(r, HTTP1_TOO_LARGE, "2.3 head over its limit");
	if (r->at >= r->bytes.size)
		return fail(r, HTTP1_MORE, NULL);
	*ret_octet = r->bytes.data[r->at];
	if (r->at - r->line >= LIMIT_HEAD_LINE && *ret_octet != '\r')
		return fail(r, HTTP1_TOO_LARGE,
			    r->line == 0 ? "3 first line over its limit" : "5 field line over its limit");
	return true;
}

/* The octets of a class from here on; *ret_stop is the first that is none, and stays. */
static bool take_run(struct reader *r, uint8_t class, struct fw_slice *ret_run, uint8_t *ret_stop)
{
	size_t start = r->at;

	for (;;) {
		if (!peek(r, ret_stop))
			return false;
		if (!(classes[*ret_stop] & class))
			break;
		r->at++;
	}
	*ret_run = slice(r->bytes.data + start, r->at - start);
	return true;
}

static bool expect(struct reader *r, const char *text, const char *rule)
{
	for (; *text != '\0'; text++, r->at++) {
		uint8_t octet;

		if (!peek(r, &octet))
			return false;
		if (octet != (uint8_t)*text)
			return bad(r, rule);
	}
	return true;
}

/* CR LF and nothing else (2.2 lets a recipient take a bare LF; two recipients would then differ). */
static bool end_line(struct reader *r, const char *rule)
{
	uint8_t octet;

	if (!peek(r, &octet))
		return false;
	if (octet == '\n')
		return bad(r, "2.2 bare LF");
	if (octet != '\r')
		return bad(r, rule);
	r->at++;
	if (r->at >= LIMIT_HEAD_BYTES)
		return fail(r, HTTP1_TOO_LARGE, "2.3 head over its limit");
	if (r->at >= r->bytes.size)
		return fail(r, HTTP1_MORE, NULL);
	if (r->bytes.data[r->at] != '\n')
		return bad(r, "2.2 bare CR");
	r->line = ++r->at;
	return true;
}

/* HTTP/1.0 or HTTP/1.1; the digits of another version decide (2.3, RFC 9110 15.6.6). */
static bool take_version(struct reader *r, struct http1_head *head)
{
	uint8_t octet;

	if (!expect(r, "HTTP/", "2.3 HTTP-version"))
		return false;
	if (!peek(r, &octet))
		return false;
	if (octet >= '0' && octet <= '9' && octet != '1')
		return fail(r, HTTP1_VERSION, "2.3 major version");
	if (!expect(r, "1.", "2.3 HTTP-version") || !peek(r, &octet))
		return false;
	if (octet < '0' || octet > '9')
		return bad(r, "2.3 HTTP-version");
	if (octet > '1')
		return fail(r, HTTP1_VERSION, "2.3 minor version");
	head->minor = (uint8_t)(octet - '0');
	r->at++;
	return true;
}

/* Only the origin-form: this is no proxy and no CONNECT (3.2.1). */
static bool take_target(struct reader *r, struct http1_head *head)
{
	const uint8_t *mark;
	uint8_t stop;

	if (!peek(r, &stop))
		return false;
	if (stop != '/')
		return bad(r, "3.2.1 origin-form");
	if (!take_run(r, TARGET, &head->target, &stop))
		return false;
	if (stop != ' ')
		return bad(r, stop == '#' ? "3.2 fragment in the target" : "3.2 octet in the target");
	mark = memchr(head->target.data, '?', head->target.size);
	head->path = head->target;
	if (mark != NULL) {
		head->path.size = (size_t)(mark - head->target.data);
		head->query = slice(mark + 1, head->target.size - head->path.size - 1);
	}
	r->at++;
	return true;
}

static bool take_request_line(struct reader *r, struct http1_head *head)
{
	uint8_t stop;

	if (!take_run(r, TCHAR, &head->method, &stop))
		return false;
	if (head->method.size == 0)
		return bad(r, stop == '\r' || stop == '\n' ? "2.2 empty line in front" : "3.1 method");
	if (stop != ' ')
		return bad(r, "3.1 method");
	r->at++;
	return take_target(r, head) && take_version(r, head) && end_line(r, "3 request-line");
}

static bool take_status_line(struct reader *r, struct http1_head *head)
{
	struct fw_slice reason;
	uint8_t octet;

	if (!take_version(r, head) || !expect(r, " ", "4 status-line"))
		return false;
	for (unsigned i = 0; i < 3; i++, r->at++) {
		if (!peek(r, &octet))
			return false;
		/* RFC 9110 15: 100 to 599. */
		if (octet < (i == 0 ? '1' : '0') || octet > (i == 0 ? '5' : '9'))
			return bad(r, "4 status-code");
		head->status = (uint16_t)(head->status * 10 + octet - '0');
	}
	return expect(r, " ", "4 status-line") && take_run(r, VALUE, &reason, &octet) && end_line(r, "4 reason-phrase");
}

/* 1*DIGIT (RFC 9110 8.6): no sign, no list, no number that would not fit. */
static bool read_length(struct fw_slice text, uint64_t *ret_length)
{
	uint64_t length = 0;

	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(length, 10, &length) ||
		    __builtin_add_overflow(length, (uint64_t)(text.data[i] - '0'), &length))
			return false;
	}
	*ret_length = length;
	return true;
}

/* "[2001:db8::1]" at the beginning (RFC 3986 3.2.2): its size, or 0. */
static size_t ip_literal_size(struct fw_slice text)
{
	const uint8_t *end = memchr(text.data, ']', text.size);
	size_t size = end != NULL ? (size_t)(end - text.data) + 1 : 0;
	struct fw_addr addr;

	if (memchr(text.data, ':', size) == NULL || !addr_parse(slice(text.data + 1, size - 2), &addr))
		return 0;
	return size;
}

/* uri-host [ ":" port ] (RFC 9110 7.2). A comma, "@" or "/" would be read in two ways. */
static bool host_is_valid(struct fw_slice text)
{
	size_t at = 0, digits = 0;

	if (text.size != 0 && text.data[0] == '[')
		at = ip_literal_size(text);
	else
		while (at < text.size && (classes[text.data[at]] & HOST))
			at++;
	if (at == 0)
		return false;
	if (at == text.size)
		return true;
	if (text.data[at] != ':')
		return false;
	for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++)
		digits++;
	return at == text.size && digits <= 5;
}

/* Framing and Host: the fields of which a second one, or both together, are how requests are smuggled (6.3, 3.2). */
static bool check_field(struct reader *r, struct http1_head *head, const struct http1_field *field, bool *host)
{
	if (slice_is_nocase(field->name, "content-length")) {
		if (head->has_content_length)
			return bad(r, "6.3 second Content-Length");
		if (head->chunked)
			return bad(r, "6.3 Content-Length with Transfer-Encoding");
		head->has_content_length = true;
		return read_length(field->value, &head->content_length) || bad(r, "6.2 Content-Length");
	}
	if (slice_is_nocase(field->name, "transfer-encoding")) {
		if (head->chunked)
			return bad(r, "6.1 second Transfer-Encoding");
		if (head->has_content_length)
			return bad(r, "6.3 Content-Length with Transfer-Encoding");
		if (head->minor == 0)
			return bad(r, "6.1 Transfer-Encoding in HTTP/1.0");
		head->chunked = slice_is_nocase(field->value, "chunked");
		return head->chunked || bad(r, "6.1 transfer coding");
	}
	if (head->method.size != 0 && slice_is_nocase(field->name, "host")) {
		if (*host)
			return bad(r, "3.2 second Host");
		*host = true;
		return host_is_valid(field->value) || bad(r, "3.2 Host");
	}
	return true;
}

static bool take_field(struct reader *r, struct http1_head *head, bool *host)
{
	struct http1_field *field = &head->fields[head->count];
	uint8_t stop;

	if (!take_run(r, TCHAR, &field->name, &stop))
		return false;
	if (stop != ':')
		return bad(r, stop == ' ' || stop == '\t' ? "5.1 white space before the colon" : "5 field name");
	if (field->name.size == 0)
		return bad(r, "5 empty field name");
	r->at++;
	if (!take_run(r, VALUE, &field->value, &stop) || !end_line(r, "5.5 octet in a field value"))
		return false;
	field->value = slice_trim(field->value);
	head->count++;
	return check_field(r, head, field, host);
}

static bool take_fields(struct reader *r, struct http1_head *head)
{
	bool host = false;

	for (;;) {
		uint8_t octet;

		if (!peek(r, &octet))
			return false;
		if (octet == '\r' || octet == '\n')
			break;
		if (octet == ' ' || octet == '\t')
			return bad(r, head->count == 0 ? "2.2 white space before the first field" : "5.2 obs-fold");
		if (head->count == LIMIT_HEAD_FIELDS)
			return fail(r, HTTP1_TOO_LARGE, "5 number of fields over its limit");
		if (!take_field(r, head, &host))
			return false;
	}
	if (!end_line(r, "2.1 empty line"))
		return false;
	if (head->method.size != 0 && head->minor != 0 && !host)
		return bad(r, "3.2 no Host");
	head->size = r->at;
	return true;
}

static enum http1_result read_head(struct fw_slice bytes, struct http1_head *head, const char **reterr_rule,
				   bool (*take_first_line)(struct reader *, struct http1_head *))
{
	struct reader r = { .bytes = bytes };

	memset(head, 0, offsetof(struct http1_head, fields)); /* fields are valid up to count */
	if (take_first_line(&r, head) && take_fields(&r, head))
		r.result = HTTP1_OK;
	if (reterr_rule != NULL)
		*reterr_rule = r.rule;
	return r.result;
}

enum http1_result http1_request(struct fw_slice bytes, struct http1_head *ret_head, const char **reterr_rule)
{
	return read_head(bytes, ret_head, reterr_rule, take_request_line);
}

enum http1_result http1_response(struct fw_slice bytes, struct http1_head *ret_head, const char **reterr_rule)
{
	return read_head(bytes, ret_head, reterr_rule, take_status_line);
}

bool http1_is_token(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!(classes[text.data[i]] & TCHAR))
			return false;
	return text.size != 0;
}
