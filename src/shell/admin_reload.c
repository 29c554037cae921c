/* POST /api/v1/reload: the configuration is read anew by a thread of its own, so that this loop goes on meanwhile. One
 * at a time: whoever asks while one is being done is told so. */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "shell/admin_parts.h"
#include "shell/problem.h"

struct admin_reload {
	struct admin *admin;
	struct admin_conn *conn; /* that asked; NULL: gone */
	uv_async_t done;
	uv_thread_t thread;
	bool runs;
	struct admin_access access;
	struct fw_record record;     /* who asked */
	struct reload_result result; /* of the thread, until it is joined */
};

static void run(void *user)
{
	struct admin_reload *reload = user;
	const struct keeper_options *options = &reload->admin->keeper->options;

	options->reload(options->reload_user, &reload->result);
	uv_async_send(&reload->done);
}

static void write_problems(struct json_writer *w, const struct reload_result *result)
{
	const char *at = result->problems, *end = at != NULL ? at + result->problems_size : at;

	json_write_open(w, '[');
	for (; at != end; at += strlen(at) + 1)
		problem_write(w, result->name, at);
	json_write_close(w, ']');
}

static void write_state(struct json_writer *w, const struct reload_state *state)
{
	char when[ENCODE_RFC3339];

	encode_rfc3339(state->wall_us, when);
	json_write_key(w, "generation");
	json_write_integer(w, (int64_t)state->generation);
	json_write_key(w, "digest");
	json_write_string(w, state->digest);
	json_write_key(w, "loaded_at");
	json_write_text(w, slice(when, sizeof(when)));
}

static void write_rows(struct json_writer *w, const struct reload_result *result)
{
	json_write_key(w, "changed");
	json_write_open(w, '[');
	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++)
		if (result->changed[row])
			json_write_string(w, fingerprint_path(row));
	json_write_close(w, ']');
	json_write_key(w, "needs_restart");
	json_write_open(w, '[');
	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++) {
		if (!result->restart[row])
			continue;
		json_write_open(w, '{');
		json_write_key(w, "key");
		json_write_string(w, fingerprint_path(row));
		json_write_key(w, "why");
		json_write_string(w, fingerprint_restart(row));
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

static void answer_taken(struct admin_conn *conn, const struct reload_result *result)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	write_state(&w, &result->after);
	write_rows(&w, result);
	json_write_key(&w, "in_use_everywhere");
	json_write_boolean(&w, !result->late);
	json_write_key(&w, "problems"); /* warnings */
	write_problems(&w, result);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static void answer_refused(struct admin_conn *conn, const struct reload_result *result)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "type");
	json_write_string(&w, "about:blank");
	json_write_key(&w, "title");
	json_write_string(&w, http1_reason(422));
	json_write_key(&w, "status");
	json_write_integer(&w, 422);
	json_write_key(&w, "detail");
	json_write_string(&w, result->error.text);
	write_state(&w, &result->after); /* what stays in use */
	json_write_key(&w, "problems");
	write_problems(&w, result);
	json_write_close(&w, '}');
	if (w.failed)
		admin_conn_close(conn);
	else
		admin_answer(conn, 422, "application/problem+json", "");
}

static void answer(struct admin_conn *conn, const struct reload_result *result)
{
	if (result->error.code == FW_ERR_STATE || result->error.code == FW_ERR_MEMORY)
		admin_answer_problem(conn, 503, result->error.text, "Retry-After: 5\r\n");
	else if (result->error.code != FW_OK)
		answer_refused(conn, result);
	else
		answer_taken(conn, result);
}

/* Whether or not somebody still waits for it: what was done is recorded. */
static void finish(struct admin_reload *reload)
{
	uv_thread_join(&reload->thread);
	reload->runs = false;
	if (reload->result.error.code != FW_ERR_STATE)
		reload_record(reload->admin->keeper, &reload->record, &reload->result);
	if (reload->conn != NULL)
		answer(reload->conn, &reload->result);
	reload->conn = NULL;
	reload_fini(&reload->result);
}

static void on_done(uv_async_t *handle)
{
	struct admin_reload *reload = handle->data;

	if (reload->runs)
		finish(reload);
}

void admin_reload(struct admin_conn *conn)
{
	struct admin_reload *reload = conn->admin->reload;

	if (conn->admin->keeper->options.reload == NULL) {
		admin_answer_problem(conn, 501, "this server has no configuration that could be read again", "");
		return;
	}
	if (reload->runs) {
		admin_answer_problem(conn, 409, "the configuration is being read already", "Retry-After: 1\r\n");
		return;
	}
	reload->result = (struct reload_result){ .error = { .code = FW_OK } };
	reload->runs = uv_thread_create(&reload->thread, run, reload) == 0;
	if (!reload->runs) {
		admin_answer_problem(conn, 503, "no thread to read the configuration", "Retry-After: 5\r\n");
		return;
	}
	admin_record_init(&reload->record, conn, EVENT_admin_action, "reload");
	admin_record_keep(&reload->record, conn, &reload->access);
	reload->conn = conn;
	admin_conn_wait(conn); /* it takes as long as the files take */
}

int admin_reload_init(struct admin *admin)
{
	struct admin_reload *reload = mem_zero(1, sizeof(*reload));

	if (reload == NULL)
		return -1;
	reload->admin = admin;
	if (uv_async_init(admin->keeper->options.loop, &reload->done, on_done) != 0) {
		mem_free(reload);
		return -1;
	}
	admin->keeper->handles++;
	admin->reload = reload;
	reload->done.data = reload;
	uv_unref((uv_handle_t *)&reload->done);
	return 0;
}

void admin_reload_forget(struct admin_conn *conn)
{
	struct admin_reload *reload = conn->admin->reload;

	if (reload != NULL && reload->conn == conn)
		reload->conn = NULL;
}

void admin_reload_stop(struct admin *admin)
{
	struct admin_reload *reload = admin->reload;

	if (reload == NULL)
		return;
	reload->conn = NULL;
	if (reload->runs)
		finish(reload);
	keeper_handle_close(admin->keeper, (uv_handle_t *)&reload->done);
}

void admin_reload_free(struct admin *admin)
{
	mem_free(admin->reload);
	admin->reload = NULL;
}
