#include <string.h>

#include "shell/admin_parts.h"

static void refuse(struct admin_conn *conn, unsigned status, const char *detail)
{
	conn->close_after = true;
	admin_answer_problem(conn, status, detail, "");
}

static void refuse_head(struct admin_conn *conn, enum http1_result result, const char *rule)
{
	memset(&conn->head, 0, sizeof(conn->head));
	if (result == HTTP1_TOO_LARGE)
		refuse(conn, 431, "the request head is too large");
	else if (result == HTTP1_VERSION)
		refuse(conn, 505, "HTTP/1.1 is spoken here");
	else
		refuse(conn, 400, rule != NULL ? rule : "malformed request");
}

/* RFC 9112 9.3: HTTP/1.1 stays open unless told otherwise, HTTP/1.0 does not. */
static bool closes(const struct http1_head *head)
{
	return head->minor == 0 || http1_has_token(head, "connection", "close");
}

void admin_request_next(struct admin_conn *conn)
{
	struct fw_slice bytes = slice(buf_data(&conn->in), buf_size(&conn->in));
	enum http1_result result;
	const char *rule = NULL;

	if (conn->state != ADMIN_READING || bytes.size == 0)
		return;
	result = http1_request(bytes, &conn->head, &rule);
	if (result == HTTP1_MORE)
		return;
	if (result != HTTP1_OK) {
		refuse_head(conn, result, rule);
		return;
	}
	conn->close_after = closes(&conn->head);
	if (conn->head.chunked) {
		refuse(conn, 411, "a body needs Content-Length");
	} else if (conn->head.content_length > LIMIT_ADMIN_BODY) {
		refuse(conn, 413, "the body is too large");
	} else if (http1_find(&conn->head, "expect", NULL) != NULL) {
		refuse(conn, 400, "send the body without asking (Expect)");
	} else if (bytes.size - conn->head.size >= conn->head.content_length) {
		conn->content = slice(bytes.data + conn->head.size, (size_t)conn->head.content_length);
		admin_route_request(conn);
	}
}
