#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/cors.h"
#include "policy/security_headers.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"
#include "shell/log.h"

enum { HEAD_ROOM = 1024 };

static int append(struct admin *admin, struct buf *out, const char *text)
{
	return buf_append(out, &admin->pool, text, strlen(text));
}

static int append_slice(struct admin *admin, struct buf *out, struct fw_slice text)
{
	return text.size != 0 ? buf_append(out, &admin->pool, text.data, text.size) : 0;
}

/* The origin of the page that asks, where security_policies.cors lists it; else NULL. */
static const struct http1_field *listed_origin(const struct admin_conn *conn)
{
	const struct http1_field *origin;
	unsigned count = 0;

	origin = http1_find(&conn->head, "Origin", &count);
	return count == 1 && cors_allows(conn->admin->keeper->options.policy, origin->value) ? origin : NULL;
}

/* security_policies of the configuration, and the leave for a page of another origin to read the answer. */
static int append_policies(struct admin_conn *conn)
{
	struct admin *admin = conn->admin;
	const struct http1_field *origin = listed_origin(conn);

	if (append_slice(admin, &conn->out, security_headers(admin->keeper->options.policy)) != 0)
		return -1;
	if (origin == NULL)
		return 0;
	if (append(admin, &conn->out, "Access-Control-Allow-Origin: ") != 0 ||
	    append_slice(admin, &conn->out, origin->value) != 0)
		return -1;
	return append(admin, &conn->out, "\r\n");
}

struct json_writer admin_answer_json(struct admin_conn *conn)
{
	buf_clear(&conn->body, &conn->admin->pool);
	return (struct json_writer){ .out = &conn->body, .pool = &conn->admin->pool };
}

static int write_head(struct admin_conn *conn, unsigned status, const char *type, struct fw_slice extra)
{
	struct admin *admin = conn->admin;
	char line[HEAD_ROOM], content[HEAD_ROOM / 2] = "", date[64];
	time_t now = (time_t)(clock_wall_us() / 1000000);
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
	if (append_policies(conn) != 0)
		return -1;
	return append_slice(admin, &conn->out, extra) != 0 ? -1 : append(admin, &conn->out, "\r\n");
}

static void answer(struct admin_conn *conn, unsigned status, const char *type, struct fw_slice extra)
{
	bool no_body = slice_is(conn->head.method, "HEAD");
	struct log *log = conn->admin->keeper->options.log;
	size_t used = conn->head.size + conn->content.size;

	admin_again_keep(conn, status, type);
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
	admin_record_forget(conn->admin);
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

void admin_answer(struct admin_conn *conn, unsigned status, const char *type, const char *extra)
{
	answer(conn, status, type, slice_text(extra));
}

/* WHATWG Fetch 3.2.2: asked without a credential, before the request proper; what is allowed is the same everywhere. */
bool admin_answer_preflight(struct admin_conn *conn)
{
	if (!slice_is(conn->head.method, "OPTIONS") || listed_origin(conn) == NULL ||
	    http1_find(&conn->head, "Access-Control-Request-Method", NULL) == NULL)
		return false;
	buf_clear(&conn->body, &conn->admin->pool);
	answer(conn, 204, "", cors_preflight(conn->admin->keeper->options.policy));
	return true;
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
