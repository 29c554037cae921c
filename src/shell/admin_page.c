#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/jwt.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"
#include "shell/web.h"

enum { CODE_LEAST = 16, HOST_MOST = 300 };

/* "/" is index.html, "/demo" demo.html, "/app.js" app.js. Only paths that are routes come here. */
static const struct web_file *find(struct fw_slice path)
{
	for (unsigned i = 0; i < web_file_count; i++) {
		const char *name = web_files[i].name;

		if (slice_is(path, "/") ? strcmp(name, "index.html") == 0 : slice_is(slice_from(path, 1), name))
			return &web_files[i];
		if (slice_is(path, "/demo") && strcmp(name, "demo.html") == 0)
			return &web_files[i];
	}
	return NULL;
}

void admin_page(struct admin_conn *conn)
{
	const struct web_file *file = find(conn->head.path);

	buf_clear(&conn->body, &conn->admin->pool);
	if (file == NULL)
		admin_answer_problem(conn, 404, "no such path", "");
	else if (buf_append(&conn->body, &conn->admin->pool, file->bytes.data, file->bytes.size) != 0)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, file->type, "");
}

/* docs/reference/openapi.json, made of the table that the routes are. */
void admin_openapi(struct admin_conn *conn)
{
	conn->head.path = slice_text("/openapi.json");
	admin_page(conn);
}

/* The code that was given out, once; NULL when there is none like it or its hour is over. */
static struct keeper_code *take_code(struct keeper *keeper, struct fw_slice text)
{
	struct keeper_code *found = NULL;

	for (unsigned i = 0; i < LIMIT_DEMO_CODES; i++) {
		struct keeper_code *code = &keeper->codes[i];

		if (code->text[0] != '\0' && code->until_ns > uv_hrtime() && secret_equal(text, slice_text(code->text)))
			found = code;
	}
	if (found != NULL)
		mem_wipe(found->text, sizeof(found->text));
	return found;
}

/* The name by which the page was reached, with the port for clients. */
static void client_url(const struct admin_conn *conn, char ret_url[HOST_MOST + 32])
{
	const struct http1_field *host = http1_find(&conn->head, "host", NULL);
	struct fw_slice name = host != NULL ? host->value : slice_text("localhost");
	const uint8_t *end;

	if (name.size != 0 && name.data[0] == '[') {
		end = memchr(name.data, ']', name.size);
		if (end != NULL)
			name.size = (size_t)(end - name.data) + 1;
	} else if (name.size != 0 && (end = memchr(name.data, ':', name.size)) != NULL) {
		name.size = (size_t)(end - name.data);
	}
	if (name.size > HOST_MOST || name.size == 0)
		name = slice_text("localhost");
	snprintf(ret_url, HOST_MOST + 32, "ws://%.*s:%u/", (int)name.size, (const char *)name.data,
		 (unsigned)conn->admin->keeper->options.demo->client_port);
}

static bool read_code(struct admin_conn *conn, struct fw_slice *ret_code)
{
	struct json json;
	uint32_t node;

	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return false;
	node = json_member(&json, 0, "code", 4);
	if (node == 0 || json.nodes[node].kind != JSON_STRING)
		return false;
	*ret_code = json_text(&json, node, &conn->admin->arena);
	return ret_code->size >= CODE_LEAST;
}

static void record_login(struct admin_conn *conn, const char *user, const char *role)
{
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_admin_action, "demo login");
	record.user_id = slice_text(user);
	admin_record_text(&record, "role", slice_text(role));
	keeper_record(conn->admin->keeper, &record);
}

void admin_page_login(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct fw_slice text, token;
	struct keeper_code *code;
	struct admin_token wanted;
	struct json_writer w;
	const char *user, *role;
	char url[HOST_MOST + 32];

	if (!read_code(conn, &text)) {
		admin_answer_problem(conn, 400, "the body must be a JSON object {code}", "");
		return;
	}
	code = take_code(keeper, text);
	if (code == NULL) {
		admin_record_refused(conn, "demo code");
		admin_answer_problem(
			conn, 403, "this login link was used already, or is too old; start the server anew for others",
			"");
		return;
	}
	user = keeper->options.demo->users[code->user].user;
	role = keeper->options.demo->users[code->user].role;
	wanted = (struct admin_token){ .user = slice_text(user),
				       .role = slice_text(role),
				       .issued_s = (int64_t)(clock_wall_us() / 1000000),
				       .hours = keeper->options.policy->settings.jwt_expiry_hours };
	if (admin_tokens_issue(conn, &wanted, &token) != FW_OK) {
		admin_answer_problem(conn, 500, "no token could be made", "");
		return;
	}
	record_login(conn, user, role);
	client_url(conn, url);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	json_write_key(&w, "token");
	json_write_text(&w, token);
	json_write_key(&w, "url");
	json_write_string(&w, url);
	json_write_key(&w, "user");
	json_write_string(&w, user);
	json_write_key(&w, "role");
	json_write_string(&w, role);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}
