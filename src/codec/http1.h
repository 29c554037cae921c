/* http1.h: HTTP/1.1 request and response heads (RFC 9112), strict: what two parsers could read differently is refused.
 * No I/O, no allocation: slices point into the caller's bytes. Any thread. */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H
#include <framewall/types.h>

#include "base/limits.h"

struct http1_field {
	struct fw_slice name;  /* as sent */
	struct fw_slice value; /* without surrounding white space */
};

struct http1_head {
	struct fw_slice method; /* request */
	struct fw_slice target; /* request: origin-form ("/path?query"); path and query are parts of it */
	struct fw_slice path;
	struct fw_slice query;	 /* without "?" */
	uint16_t status;	 /* response */
	uint8_t minor;		 /* HTTP/1.x */
	uint64_t content_length; /* 0 when absent */
	bool has_content_length;
	bool chunked; /* Transfer-Encoding: chunked was the only coding */
	size_t size;  /* octets of the head with its empty line */
	uint16_t count;
	struct http1_field fields[LIMIT_HEAD_FIELDS];
};

enum http1_result {
	HTTP1_OK = 0,
	HTTP1_MORE = 1,	      /* the empty line has not come yet */
	HTTP1_BAD = -1,	      /* 400 */
	HTTP1_TOO_LARGE = -2, /* 431 (414 for the request line): a limit of limits.def */
	HTTP1_VERSION = -3    /* 505: not HTTP/1.x */
};

/* Parses a head at the beginning of bytes. reterr_rule: a static text with the section that it breaks. */
enum http1_result http1_request(struct fw_slice bytes, struct http1_head *ret_head, const char **reterr_rule);
enum http1_result http1_response(struct fw_slice bytes, struct http1_head *ret_head, const char **reterr_rule);

/* The only field of this name, or NULL; ret_count (may be NULL) says how many there are. */
const struct http1_field *http1_find(const struct http1_head *head, const char *name, unsigned *ret_count);
/* Is token an element (without case) of the comma-separated list in all fields of this name? */
bool http1_has_token(const struct http1_head *head, const char *name, const char *token);
/* Next element of a comma-separated list: trims, advances *list; false at its end. */
bool http1_next_element(struct fw_slice *list, struct fw_slice *ret_element);
/* Value of a cookie in all Cookie fields; empty when absent; false when it occurs twice. */
bool http1_cookie(const struct http1_head *head, const char *name, struct fw_slice *ret_value);
/* Raw value of a query parameter ("a=b&c=d"), not percent-decoded; false when absent or twice. */
bool http1_query(struct fw_slice query, const char *name, struct fw_slice *ret_value);
/* Is every octet of a token (RFC 9110 5.6.2), and is it not empty? */
bool http1_is_token(struct fw_slice text);
const char *http1_reason(unsigned status); /* "Not Found"; "" when unknown */
#endif
