/* /api/v1/revocations: users whose credentials of before now, or all, count no more. In force at once; kept in
 * DATA/framewall.db, so that a restart gives nobody back what was taken. */
#include <string.h>

#include "base/encode.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

static void write_one(struct json_writer *w, const struct store_revocation *revocation)
{
	char when[ENCODE_RFC3339];

	encode_rfc3339(revocation->before_wall_us, when);
	json_write_open(w, '{');
	json_write_key(w, "user");
	json_write_text(w, revocation->user);
	json_write_key(w, "disabled");
	json_write_boolean(w, revocation->disabled);
	json_write_key(w, "revoked_at");
	json_write_text(w, slice(when, sizeof(when)));
	json_write_key(w, "reason");
	json_write_text(w, revocation->reason);
	json_write_close(w, '}');
}

static void list_one(void *user, const struct store_revocation *revocation)
{
	write_one(user, revocation);
}

void admin_revocations_write(struct admin_conn *conn, struct json_writer *w)
{
	json_write_open(w, '[');
	store_revocation_list(conn->admin->keeper->options.store, list_one, w);
	json_write_close(w, ']');
}

void admin_revocations_list(struct admin_conn *conn)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "revocations");
	admin_revocations_write(conn, &w);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

/* NULL, or what does not hold. The texts are in the arena. */
static const char *read_wish(struct admin_conn *conn, struct store_revocation *wish)
{
	uint32_t user, disabled, reason;
	struct json json;

	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {user, disabled, reason}";
	user = json_member(&json, 0, "user", 4);
	disabled = json_member(&json, 0, "disabled", 8);
	reason = json_member(&json, 0, "reason", 6);
	if (json.nodes[0].count != (unsigned)(user != 0) + (disabled != 0) + (reason != 0))
		return "the body has a member besides user, disabled, reason";
	if (user == 0 || !admin_text_member(conn, &json, user, STORE_NAME, &wish->user) || wish->user.size == 0)
		return "user must be a text of 1 to 128 bytes";
	if (disabled != 0 && json.nodes[disabled].kind != JSON_TRUE && json.nodes[disabled].kind != JSON_FALSE)
		return "disabled must be true or false";
	wish->disabled = disabled != 0 && json.nodes[disabled].kind == JSON_TRUE;
	wish->reason = slice_text("by an operator");
	if (!admin_text_member(conn, &json, reason, STORE_REASON, &wish->reason))
		return "reason must be a text of at most 120 bytes";
	return NULL;
}

struct state {
	struct admin *admin;
	struct fw_slice user;
	enum admin_when state;
};

static void write_state(void *user, const struct store_revocation *revocation)
{
	const struct state *state = user;
	struct json_writer w;

	if (!slice_equal(revocation->user, state->user))
		return;
	w = admin_record_state(state->admin, state->state);
	json_write_open(&w, '{');
	admin_text_write_boolean(&w, "disabled", revocation->disabled);
	admin_time_write(&w, "revoked_at", revocation->before_wall_us);
	json_write_close(&w, '}');
}

static void record_state(struct admin_conn *conn, struct fw_slice user, enum admin_when which)
{
	struct state state = { conn->admin, user, which };

	(void)admin_record_state(conn->admin, which); /* nothing of him is null */
	store_revocation_list(conn->admin->keeper->options.store, write_state, &state);
}

static void record_change(struct admin_conn *conn, const char *action, const struct store_revocation *wish,
			  const char *failed)
{
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_admin_action, action);
	admin_record_text(&record, "user", wish->user);
	if (wish->reason.size != 0)
		admin_record_text(&record, "reason", wish->reason);
	if (failed != NULL)
		admin_record_text(&record, "not_kept", slice_text(failed));
	admin_record_change(conn->admin, &record);
}

/* What was done holds until the server ends; the operator must know that it would not afterwards. */
static void answer_not_kept(struct admin_conn *conn, const char *what, const char *failed)
{
	char detail[DATABASE_ERROR + 128];

	snprintf(detail, sizeof(detail), "%s, but a restart would not know of it: framewall.db: %s", what, failed);
	admin_answer_problem(conn, 500, detail, "");
}

static const char not_told[] =
	"the user is revoked, but a worker that is busy may still have connections: say it again";

void admin_revocations_add(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct store_revocation wish = { .before_wall_us = clock_wall_us() };
	const char *wrong = read_wish(conn, &wish);
	const char *action = wish.disabled ? "user disable" : "user revoke";
	char failed[DATABASE_ERROR];
	struct json_writer w;
	uint32_t sessions;
	bool kept, told;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	record_state(conn, wish.user, ADMIN_BEFORE);
	switch (keeper_store_revoke(keeper, &wish, &sessions)) {
	case STORE_REVOKED_FULL:
		admin_answer_problem(conn, 507, "the list of revoked users is full; enable some", "");
		return;
	case STORE_REVOKED_MEMORY:
		admin_answer_problem(conn, 503, "memory is short", "");
		return;
	case STORE_REVOKED:
		break;
	}
	told = keeper_figures_end_user(&keeper->figures, wish.user);
	kept = database_revoke(keeper->database, &wish, failed);
	record_state(conn, wish.user, ADMIN_AFTER);
	record_change(conn, action, &wish, kept ? NULL : failed);
	if (!kept) {
		answer_not_kept(conn, "the user is revoked", failed);
		return;
	}
	if (!told) {
		admin_answer_problem(conn, 503, not_told, "");
		return;
	}
	w = admin_answer_json(conn);
	write_one(&w, &wish);
	admin_answer_written(conn, 201, &w);
}

void admin_revocations_remove(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	char user[STORE_NAME], failed[DATABASE_ERROR];
	struct store_revocation gone = { 0 };
	size_t size;
	bool kept;

	if (!admin_text_decode(conn->rest, user, sizeof(user), &size))
		size = 0;
	record_state(conn, slice(user, size), ADMIN_BEFORE);
	if (size == 0 || !keeper_store_restore(keeper, slice(user, size))) {
		admin_answer_problem(conn, 404, "this user is not revoked", "");
		return;
	}
	gone.user = slice(user, size);
	kept = database_restore(keeper->database, gone.user, failed);
	record_state(conn, gone.user, ADMIN_AFTER);
	record_change(conn, "user enable", &gone, kept ? NULL : failed);
	if (!kept) {
		answer_not_kept(conn, "the user is enabled", failed);
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
