/* /api/v1/responses: what is done about users and addresses, by rules and by operators; doing something, undoing it. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

enum { SECONDS_DEFAULT = 3600, SECONDS_MOST = 31536000, NET = ADDR_TEXT + 4 };

/* null where there is none. */
static void write_text(struct json_writer *w, const char *key, const char *text)
{
	if (text[0] != '\0') {
		admin_text_write(w, key, text);
		return;
	}
	json_write_key(w, key);
	json_write_null(w);
}

/* monitor: that is why nothing is done. */
static void write_one(struct json_writer *w, const struct database_response *row, bool monitor)
{
	uint64_t now = clock_wall_us();
	char address[NET];

	json_write_open(w, '{');
	write_text(w, "id", row->id);
	write_text(w, "action", row->action);
	if (row->address.family != 0) {
		size_t size = addr_format(&row->address, address);

		if (row->address.family == 6)
			memcpy(address + size, "/64", 4);
		write_text(w, "address", address);
	} else {
		admin_text_write_slice(w, "user", slice(row->user, row->user_size));
	}
	write_text(w, "rule", row->rule);
	write_text(w, "reason", row->reason);
	write_text(w, "event_id", row->event_id);
	admin_time_write(w, "since", row->since_wall_us);
	admin_time_write(w, "until", row->until_wall_us);
	admin_text_write_number(w, "seconds_left", row->until_wall_us > now ? (row->until_wall_us - now) / 1000000 : 0);
	admin_text_write_boolean(w, "dry_run", row->dry_run);
	if (monitor)
		admin_text_write(w, "cause", "mode: monitor: nothing is done, the record says what would be");
	admin_text_write_boolean(w, "was_so_before", row->not_ours);
	json_write_close(w, '}');
}

void admin_responses_list(struct admin_conn *conn)
{
	const struct keeper_responses *responses = &conn->admin->keeper->responses;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "responses");
	json_write_open(&w, '[');
	for (unsigned i = 0; i < responses->row_count; i++)
		write_one(&w, &responses->rows[i], false);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static bool is_boolean(const struct json *json, uint32_t node)
{
	return node == 0 || json->nodes[node].kind == JSON_TRUE || json->nodes[node].kind == JSON_FALSE;
}

/* NULL, or what does not hold. */
static const char *read_subject(struct admin_conn *conn, const struct json *json, uint32_t user_at, uint32_t address_at,
				struct database_response *wish)
{
	struct fw_slice user = slice(NULL, 0), address = slice(NULL, 0);

	if ((user_at != 0) == (address_at != 0))
		return "one of user and address";
	if (!admin_text_member(conn, json, user_at, STORE_NAME, &user) || (user_at != 0 && user.size == 0))
		return "user must be a text of 1 to 128 bytes";
	if (user_at != 0) {
		memcpy(wish->user, user.data, user.size);
		wish->user_size = user.size;
		return NULL;
	}
	if (!admin_text_member(conn, json, address_at, NET, &address) || !addr_parse(address, &wish->address))
		return "address must be an IPv4 or IPv6 address";
	wish->address = addr_prefix(&wish->address);
	return response_action_of_address(response_action_find(wish->action)) ? NULL : "revoke is about a user";
}

static const char *read_wish(struct admin_conn *conn, struct database_response *wish, int64_t *ret_seconds)
{
	static const char *const names[] = { "action", "user", "address", "seconds", "reason", "dry_run" };
	enum { ACTION, USER, ADDRESS, SECONDS, REASON, DRY_RUN, MEMBERS };
	struct fw_slice action = slice(NULL, 0), reason = slice(NULL, 0);
	uint32_t at[MEMBERS];
	unsigned found = 0;
	struct json json;

	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {action, user or address, seconds, reason, dry_run}";
	for (unsigned i = 0; i < MEMBERS; i++) {
		at[i] = json_member(&json, 0, names[i], strlen(names[i]));
		found += at[i] != 0;
	}
	if (json.nodes[0].count != found)
		return "the body has a member besides action, user, address, seconds, reason, dry_run";
	if (!admin_text_member(conn, &json, at[ACTION], sizeof(wish->action) - 1, &action) || action.size == 0)
		return "action must be block, revoke, slow, isolate, step_up or ticket";
	memcpy(wish->action, action.data, action.size);
	if (response_action_find(wish->action) == RESPONSE_ACTIONS)
		return "action must be block, revoke, slow, isolate, step_up or ticket";
	if (at[SECONDS] != 0 &&
	    (!json_integer(&json, at[SECONDS], ret_seconds) || *ret_seconds < 1 || *ret_seconds > SECONDS_MOST))
		return "seconds must be a whole number from 1 to 31536000";
	if (!admin_text_member(conn, &json, at[REASON], STORE_REASON, &reason) || !admin_text_is_line(reason))
		return "reason must be a line of 1 to 120 bytes";
	memcpy(wish->reason, reason.data, reason.size);
	if (!is_boolean(&json, at[DRY_RUN]))
		return "dry_run must be true or false";
	wish->dry_run = at[DRY_RUN] != 0 && json.nodes[at[DRY_RUN]].kind == JSON_TRUE;
	return read_subject(conn, &json, at[USER], at[ADDRESS], wish);
}

static void answer_not_kept(struct admin_conn *conn, const char *done, const char *failed)
{
	char text[DATABASE_ERROR + 128];

	snprintf(text, sizeof(text), "%s, but a restart would not know of it: framewall.db: %s", done, failed);
	admin_answer_problem(conn, 507, text, "");
}

void admin_responses_add(struct admin_conn *conn)
{
	struct database_response wish = { .id = "" }, made;
	int64_t seconds = SECONDS_DEFAULT;
	const char *wrong = read_wish(conn, &wish, &seconds);
	char failed[DATABASE_ERROR];
	struct json_writer w;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	switch (keeper_responses_add(&conn->admin->keeper->responses, &wish, (uint64_t)seconds, conn->access.name,
				     &made, failed)) {
	case RESPONDED_FULL:
		admin_answer_problem(conn, 507, "there are as many responses as there may be: undo some", "");
		return;
	case RESPONDED_FAILED:
		admin_answer_problem(conn, 507, "nothing was done: the list that it would stand on is full", "");
		return;
	case RESPONDED_NOT_KEPT:
		answer_not_kept(conn, "it is done", failed);
		return;
	case RESPONDED_KEPT:
		break;
	}
	w = admin_answer_json(conn);
	write_one(&w, &made, conn->admin->keeper->options.policy->settings.mode == MODE_MONITOR);
	admin_answer_written(conn, 201, &w);
}

void admin_responses_undo(struct admin_conn *conn)
{
	char id[DATABASE_RESPONSE_ID], by[DATABASE_ACCESS_NAME + 16], failed[DATABASE_ERROR] = "";
	size_t size;

	snprintf(by, sizeof(by), "undone by %s", conn->access.name);
	if (!admin_text_decode(conn->rest, id, sizeof(id), &size) || size != sizeof(id) ||
	    !keeper_responses_undo(&conn->admin->keeper->responses, slice(id, size), by, failed)) {
		admin_answer_problem(conn, 404, "there is no such response, or it is over", "");
		return;
	}
	if (failed[0] != '\0') {
		answer_not_kept(conn, "it is undone", failed);
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
