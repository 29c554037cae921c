#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shell/admin_parts.h"
#include "shell/log.h"

enum { HEAD_ROOM = 1024 };

static int append(struct admin *admin, struct buf *out, const char *text)
{
	return buf_append(out, &admin->pool, text, strlen(text));
}

/* A value with a control character would be a header of its own; such a one is left out, and so is an empty one. */
static int add_header(struct admin *admin, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return 0;
	for (const char *at = value; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return 0;
	if (append(admin, &admin->headers, name) != 0 || append(admin, &admin->headers, ": ") != 0 ||
	    append(admin, &admin->headers, value) != 0)
		return -1;
	return append(admin, &admin->headers, "\r\n");
}

int admin_answer_headers(struct admin *admin)
{
	const struct settings *settings = &admin->keeper->options.policy->settings;

	if (add_header(admin, "Content-Security-Policy", settings->csp) != 0 ||
	    add_header(admin, "X-Frame-Options", settings->x_frame_options) != 0 ||
	    add_header(admin, "X-Content-Type-Options", settings->x_content_type_options) != 0 ||
	    add_header(admin, "X-XSS-Protection", settings->x_xss_protection) != 0 ||
	    add_header(admin, "Strict-Transport-Security", settings->strict_transport_security) != 0)
		return -1;
	return add_header(admin, "Referrer-Policy", settings->referrer_policy);
}

struct json_writer admin_answer_json(struct admin_conn *conn)
{
	buf_clear(&conn->body, &conn->admin->pool);
	return (struct json_writer){ .out = &conn->body, .pool = &conn->admin->pool };
}

static int write_head(struct admin_conn *conn, unsigned status, const char *type, const char *extra)
{
	struct admin *admin = conn->admin;
	char line[HEAD_ROOM], content[HEAD_ROOM / 2] = "", date[64];
	time_t now = (time_t)(keeper_wall_us() / 1000000);
	struct tm utc;
	int size;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	if (status != 204) /* RFC 9110 8.6: there neither is */
		snprintf(content, sizeof(content), "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
			 buf_size(&conn->body));
	size = snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\nDate: %s\r\n%sCache-Control: no-store\r\n%s", status,
			http1_reason(status), date, content, conn->close_after ? "Connection: close\r\n" : "");
	if (size <= 0 || (size_t)size >= sizeof(line) || buf_append(&conn->out, &admin->pool, line, (size_t)size) != 0)
		return -1;
	if (buf_size(&admin->headers) != 0 &&
	    buf_append(&conn->out, &admin->pool, buf_data(&admin->headers), buf_size(&admin->headers)) != 0)
		return -1;
	return append(admin, &conn->out, extra) != 0 ? -1 : append(admin, &conn->out, "\r\n");
}

void admin_answer(struct admin_conn *conn, unsigned status, const char *type, const char *extra)
{
	bool no_body = slice_is(conn->head.method, "HEAD");
	struct log *log = conn->admin->keeper->options.log;
	size_t used = conn->head.size + conn->content.size;

	if (write_head(conn, status, type, extra) != 0) {
		admin_conn_close(conn);
		return;
	}
	/* The path alone: a query is not for this page. */
	log_debug(log, admin, "%.*s %.*s: %u", (int)conn->head.method.size, (const char *)conn->head.method.data,
		  (int)conn->head.path.size, (const char *)conn->head.path.data, status);
	/* RFC 9110 9.3.2: the same head, and no body. */
	if (no_body)
		buf_clear(&conn->body, &conn->admin->pool);
	/* The request is over; what stands behind it is the next one. */
	arena_reset(&conn->admin->arena);
	conn->content = slice(NULL, 0);
	conn->head = (struct http1_head){ 0 };
	if (used > buf_size(&conn->in))
		used = buf_size(&conn->in);
	if (used != 0)
		buf_consume(&conn->in, &conn->admin->pool, used);
	admin_conn_write(conn);
}

void admin_answer_written(struct admin_conn *conn, unsigned status, const struct json_writer *writer)
{
	if (writer->failed || buf_append(&conn->body, &conn->admin->pool, "\n", 1) != 0)
		admin_conn_close(conn); /* memory is short: half an answer would be a wrong one */
	else
		admin_answer(conn, status, "application/json", "");
}

void admin_answer_problem(struct admin_conn *conn, unsigned status, const char *detail, const char *extra)
{
	struct json_writer w = admin_answer_json(conn);

	/* RFC 9457: about:blank says that the status says it all. */
	json_write_open(&w, '{');
	json_write_key(&w, "type");
	json_write_string(&w, "about:blank");
	json_write_key(&w, "title");
	json_write_string(&w, http1_reason(status));
	json_write_key(&w, "status");
	json_write_integer(&w, status);
	json_write_key(&w, "detail");
	json_write_string(&w, detail);
	json_write_close(&w, '}');
	if (w.failed)
		admin_conn_close(conn);
	else
		admin_answer(conn, status, "application/problem+json", extra);
}
