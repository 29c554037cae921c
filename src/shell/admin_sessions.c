/* GET /api/v1/sessions, DELETE /api/v1/sessions/ID: who is logged in, and the end of one session. */
#include <string.h>

#include "base/encode.h"
#include "shell/admin_parts.h"

enum { SESSIONS_MOST = 1000 };

static void list_one(void *user, const struct store_session *session, bool held)
{
	struct json_writer *w = user;
	char end[ENCODE_RFC3339];

	json_write_open(w, '{');
	json_write_key(w, "session_id");
	json_write_text(w, slice(session->session_id, session->session_id_size));
	json_write_key(w, "user_id");
	json_write_text(w, slice(session->user_id, session->user_id_size));
	json_write_key(w, "role");
	json_write_text(w, slice(session->role, session->role_size));
	json_write_key(w, "connected");
	json_write_boolean(w, held);
	json_write_key(w, "expires_at");
	encode_rfc3339(session->expires_wall_us, end);
	json_write_text(w, slice(end, sizeof(end)));
	json_write_close(w, '}');
}

void admin_sessions_list(struct admin_conn *conn)
{
	struct fw_slice query = conn->head.query, text;
	struct json_writer w;
	char user[STORE_NAME];
	size_t size = 0;

	if (query.size != 0 && (!http1_query(query, "user", &text) || memchr(query.data, '&', query.size) != NULL ||
				!admin_text_decode(text, user, sizeof(user), &size) || size == 0)) {
		admin_answer_problem(conn, 400, "user must be a user id, and nothing else may be asked for", "");
		return;
	}
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	json_write_key(&w, "sessions");
	json_write_open(&w, '[');
	keeper_store_session_list(conn->admin->keeper, slice(user, size), SESSIONS_MOST, list_one, &w);
	json_write_close(&w, ']');
	json_write_key(&w, "most");
	json_write_integer(&w, SESSIONS_MOST);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static void record_state(struct admin *admin, const struct store_session *session)
{
	struct json_writer w = admin_record_state(admin, ADMIN_BEFORE);

	json_write_open(&w, '{');
	admin_text_write_slice(&w, "user_id", slice(session->user_id, session->user_id_size));
	admin_text_write_slice(&w, "role", slice(session->role, session->role_size));
	admin_time_write(&w, "expires_at", session->expires_wall_us);
	json_write_close(&w, '}');
}

void admin_sessions_end(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct ipc_end_session ended = { .reason = CLOSE_REVOKED };
	struct store_session session;
	struct fw_record record;
	size_t size;

	if (!admin_text_decode(conn->rest, ended.session_id, sizeof(ended.session_id), &size) ||
	    !keeper_store_session_revoke(keeper, slice(ended.session_id, size), &session)) {
		admin_answer_problem(conn, 404, "there is no session with this id", "");
		return;
	}
	ended.size = (uint32_t)size;
	admin_record_init(&record, conn, EVENT_admin_action, "session revoke");
	admin_record_text(&record, "session", slice(ended.session_id, size));
	record_state(conn->admin, &session);
	admin_record_change(conn->admin, &record);
	if (!keeper_figures_tell(&keeper->figures, IPC_END_SESSION, &ended, sizeof(ended))) {
		admin_answer_problem(conn, 503,
				     "the session is gone, but a worker that is busy may still have its connection: "
				     "revoke the user",
				     "");
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
