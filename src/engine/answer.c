/* answer.c: what a client is told in-band: the contract's server messages. Never the text of a rule, never an internal
 * name. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "engine/conn_state.h"
#include "engine/dialects.h"

static void write_time(struct json_writer *w, const char *key, uint64_t wall_us)
{
	char text[ENCODE_RFC3339];

	encode_rfc3339(wall_us, text);
	json_write_key(w, key);
	json_write_text(w, slice(text, sizeof(text)));
}

static void begin(struct json_writer *w, const char *type)
{
	json_write_open(w, '{');
	json_write_key(w, "type");
	json_write_string(w, type);
	json_write_key(w, "data");
	json_write_open(w, '{');
}

static void end(struct fw_conn *conn, struct json_writer *w)
{
	json_write_close(w, '}');
	json_write_close(w, '}');
	if (w->failed)
		conn->broken = true;
	else
		output_frame(conn, FW_CLIENT, WS_TEXT, engine_written(conn->engine));
}

static void write_problems(struct json_writer *w, const struct problems *problems)
{
	json_write_key(w, "errors");
	json_write_open(w, '[');
	for (unsigned i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		json_write_open(w, '{');
		json_write_key(w, "field");
		json_write_string(w, problem->field);
		json_write_key(w, "rule");
		json_write_string(w, problem->rule);
		json_write_key(w, "limit");
		if (problem->has_limit)
			json_write_integer(w, problem->limit);
		else if (problem->expected != NULL)
			json_write_string(w, problem->expected);
		else
			json_write_null(w);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
	if (problems->total > problems->count) {
		json_write_key(w, "errors_total");
		json_write_integer(w, problems->total);
	}
}

/* By which he may log in anew. */
static void write_methods(struct json_writer *w, const struct texts *methods)
{
	json_write_key(w, "auth_required");
	json_write_open(w, '[');
	for (size_t i = 0; i < methods->count; i++)
		if (__builtin_strcmp(methods->items[i], "session") != 0)
			json_write_string(w, methods->items[i]);
	json_write_close(w, ']');
}

static void write_error(struct fw_conn *conn, const struct answer *answer, struct json_writer *w)
{
	json_write_key(w, "code");
	json_write_string(w, error_code_name(answer->code));
	json_write_key(w, "message");
	json_write_string(w, answer->text != NULL ? answer->text : error_code_text(answer->code));
	write_time(w, "timestamp", conn->engine->now.wall_us);
	if (answer->problems != NULL && answer->problems->total != 0)
		write_problems(w, answer->problems);
	if (answer->retry_after_ms != 0) {
		json_write_key(w, "retry_after"); /* whole seconds, rounded up, as HTTP's Retry-After */
		json_write_integer(w, (answer->retry_after_ms + 999) / 1000);
	}
	if (answer->rule != NULL) {
		json_write_key(w, "rule");
		json_write_string(w, answer->rule);
	}
	if (answer->code == ERROR_AUTH_FAILED && conn->restricted != NULL &&
	    conn->restricted[FW_RESTRICT_STEP_UP] > conn->engine->now.monotonic_ns)
		write_methods(w, &conn->policy->settings.methods);
	if (answer->dpop_nonce.size != 0) {
		json_write_key(w, "dpop_nonce");
		json_write_text(w, answer->dpop_nonce);
	}
	if (answer->event_id != NULL) {
		json_write_key(w, "event_id");
		json_write_text(w, slice(answer->event_id, FW_EVENT_ID_SIZE));
	}
}

/* In the dialect of the client: the same data, within what the dialect has for it. */
static void answer_in_dialect(struct fw_conn *conn, const struct answer *answer)
{
	struct json_writer w = engine_writer(conn->engine);
	struct fw_slice written;
	uint8_t *data;

	json_write_open(&w, '{');
	write_error(conn, answer, &w);
	json_write_close(&w, '}');
	written = engine_written(conn->engine);
	data = w.failed ? NULL : arena_alloc(&conn->engine->arena, written.size);
	if (data == NULL) {
		conn->broken = true;
		return;
	}
	__builtin_memcpy(data, written.data, written.size);
	dialects_refuse(conn, answer, slice(data, written.size));
}

void answer_error(struct fw_conn *conn, const struct answer *answer)
{
	struct json_writer w;

	if (dialects_of(conn) != NULL) {
		answer_in_dialect(conn, answer);
		return;
	}
	w = engine_writer(conn->engine);
	begin(&w, "error");
	write_error(conn, answer, &w);
	end(conn, &w);
}

static void write_connection_id(struct json_writer *w, uint64_t id)
{
	char text[ENCODE_U64];

	json_write_key(w, "connection_id");
	json_write_text(w, slice(text, encode_u64(id, text)));
}

void answer_auth_success(struct fw_conn *conn, const char *session_token, size_t session_token_size)
{
	const struct principal *who = conn->principal;
	const struct policy_role *role = principal_role(conn);
	struct json_writer w = engine_writer(conn->engine);

	begin(&w, "auth_success");
	write_connection_id(&w, conn->id);
	json_write_key(&w, "user_id");
	json_write_text(&w, slice(who->user_id, who->user_id_size));
	json_write_key(&w, "role");
	json_write_string(&w, role->name);
	json_write_key(&w, "permissions");
	json_write_open(&w, '[');
	for (size_t i = 0; i < role->patterns.count; i++)
		json_write_string(&w, role->patterns.items[i]);
	json_write_close(&w, ']');
	json_write_key(&w, "csrf_token");
	json_write_text(&w, slice(who->csrf, who->csrf_size));
	write_time(&w, "server_time", conn->engine->now.wall_us);
	write_time(&w, "session_expires_at", who->expires_wall_us);
	if (session_token_size != 0) {
		json_write_key(&w, "session_token");
		json_write_text(&w, slice(session_token, session_token_size));
	}
	end(conn, &w);
}

void answer_csrf(struct fw_conn *conn)
{
	const struct principal *who = conn->principal;
	struct json_writer w = engine_writer(conn->engine);
	uint64_t left_ns = who->csrf_until_ns - conn->engine->now.monotonic_ns;

	begin(&w, "csrf_token");
	json_write_key(&w, "csrf_token");
	json_write_text(&w, slice(who->csrf, who->csrf_size));
	write_time(&w, "expires_at", conn->engine->now.wall_us + left_ns / 1000);
	end(conn, &w);
}

void answer_pong(struct fw_conn *conn, struct fw_slice timestamp)
{
	struct json_writer w = engine_writer(conn->engine);

	json_write_open(&w, '{'); /* the one message of the contract without data */
	json_write_key(&w, "type");
	json_write_string(&w, "pong");
	if (timestamp.size != 0) {
		json_write_key(&w, "timestamp");
		json_write_raw(&w, timestamp);
	}
	json_write_close(&w, '}');
	if (w.failed)
		conn->broken = true;
	else
		output_frame(conn, FW_CLIENT, WS_TEXT, engine_written(conn->engine));
}
