/* /api/v1/users: who logs in with a password. Kept in DATA/framewall.db; asked there for each login, so that a change
 * is in force at once. A password comes in, and its hash alone is kept; none ever goes out. */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "policy/policy.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

enum { NAME_MOST = 50 }; /* contract.def, auth.user_id */

/* A password that is being hashed, for a user that is to be or to be changed. */
struct admin_change {
	struct admin *admin;
	struct admin_conn *conn; /* that asked; NULL: gone */
	struct admin_change *next, **link;
	bool adds;
	struct database_user user;
	uint64_t before_wall_us; /* when his password of before was set */
	struct fw_record record; /* who asked; its texts are the user's, and his who asked */
	struct admin_access access;
};

struct listing {
	struct json_writer *writer;
	struct store *store;
};

static void write_user(void *data, const struct database_user *user)
{
	const struct listing *listing = data;
	struct json_writer *w = listing->writer;
	bool disabled = false, revoked = store_revoked(listing->store, slice(user->name, user->name_size), &disabled);

	json_write_open(w, '{');
	json_write_key(w, "user");
	json_write_text(w, slice(user->name, user->name_size));
	json_write_key(w, "role");
	json_write_string(w, user->role);
	admin_time_write(w, "created_at", user->created_wall_us);
	admin_time_write(w, "password_changed_at", user->changed_wall_us);
	json_write_key(w, "failed_logins");
	json_write_integer(w, (int64_t)user->failed);
	json_write_key(w, "disabled");
	json_write_boolean(w, revoked && disabled);
	json_write_close(w, '}');
}

static void answer_user(struct admin_conn *conn, unsigned status, const struct database_user *user)
{
	struct json_writer w = admin_answer_json(conn);
	struct listing listing = { &w, conn->admin->keeper->options.store };

	write_user(&listing, user);
	admin_answer_written(conn, status, &w);
}

static void answer_failed(struct admin_conn *conn, const char *failed)
{
	char detail[DATABASE_ERROR + 64];

	snprintf(detail, sizeof(detail), "nothing was changed: framewall.db: %s", failed);
	admin_answer_problem(conn, 500, detail, "");
}

static void answer_none(struct admin_conn *conn)
{
	admin_answer_problem(conn, 404, "there is no user with a password of this name", "");
}

void admin_users_list(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct json_writer w = admin_answer_json(conn);
	struct listing listing = { &w, keeper->options.store };
	char failed[DATABASE_ERROR];

	json_write_open(&w, '{');
	json_write_key(&w, "users");
	json_write_open(&w, '[');
	if (!database_user_list(keeper->database, write_user, &listing, failed)) {
		buf_clear(&conn->body, &conn->admin->pool);
		answer_failed(conn, failed);
		return;
	}
	json_write_close(&w, ']');
	json_write_key(&w, "revocations");
	admin_revocations_write(conn, &w);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

/* Sessions that were opened before count no more, and their connections end: each worker forgets those of a login that
 * was just being let in. */
static bool end_sessions(struct keeper *keeper, const struct database_user *user)
{
	struct fw_slice name = slice(user->name, user->name_size);

	keeper_store_session_end_user(keeper, name);
	return keeper_figures_end_user(&keeper->figures, name);
}

static const char not_told[] =
	"done, but a worker that is busy may still have connections of the user: revoke the user";

static void record_state(struct admin *admin, enum admin_when state, const struct database_user *user,
			 uint64_t changed_wall_us)
{
	struct json_writer w = admin_record_state(admin, state);

	json_write_open(&w, '{');
	admin_text_write(&w, "role", user->role);
	admin_time_write(&w, "password_changed_at", changed_wall_us);
	json_write_close(&w, '}');
}

static void kept(struct admin_change *change, enum database_found found, const char *failed)
{
	struct admin_conn *conn = change->conn;
	bool told = true;

	if (found == DATABASE_FOUND) {
		admin_record_forget(change->admin); /* of a request between */
		if (!change->adds)
			told = end_sessions(change->admin->keeper, &change->user);
		if (!change->adds)
			record_state(change->admin, ADMIN_BEFORE, &change->user, change->before_wall_us);
		record_state(change->admin, ADMIN_AFTER, &change->user, change->user.changed_wall_us);
		admin_record_change(change->admin, &change->record);
	}
	if (conn == NULL)
		return;
	if (found == DATABASE_FAILED)
		answer_failed(conn, failed);
	else if (found == DATABASE_NONE && change->adds)
		admin_answer_problem(conn, 409, "there is a user of this name: set his password, or remove him", "");
	else if (found == DATABASE_NONE)
		answer_none(conn);
	else if (!told)
		admin_answer_problem(conn, 503, not_told, "");
	else
		answer_user(conn, change->adds ? 201 : 200, &change->user);
}

static void answer_not_made(struct admin_conn *conn, const struct password_job *job)
{
	if (job->breached == BREACHED_FOUND)
		admin_answer_problem(conn, 400,
				     "the password is on the list of those that thefts made known: take another", "");
	else if (job->breached == BREACHED_UNREADABLE)
		admin_answer_problem(
			conn, 500,
			"authentication.password_policy.breached_file cannot be read, or is not ordered by hash", "");
	else
		admin_answer_problem(conn, 503, "memory for a hash is short, or the server ends", "");
}

/* Whether or not somebody still waits for it. */
static void on_hashed(struct password_job *job)
{
	struct admin_change *change = job->user;
	struct database *database = change->admin->keeper->database;
	char failed[DATABASE_ERROR] = "";

	*change->link = change->next;
	if (change->next != NULL)
		change->next->link = change->link;
	if (!job->made) {
		if (change->conn != NULL)
			answer_not_made(change->conn, job);
	} else {
		memcpy(change->user.hash, job->hash, sizeof(change->user.hash));
		change->user.changed_wall_us = clock_wall_us();
		if (change->adds) {
			change->user.created_wall_us = change->user.changed_wall_us;
			kept(change, database_user_add(database, &change->user, failed), failed);
		} else {
			kept(change,
			     database_user_set_password(database, slice(change->user.name, change->user.name_size),
							job->hash, change->user.changed_wall_us, failed),
			     failed);
		}
	}
	mem_wipe(change, sizeof(*change));
	mem_free(change);
	password_job_free(job);
}

void admin_users_forget(struct admin_conn *conn)
{
	for (struct admin_change *change = conn->admin->changes; change != NULL; change = change->next)
		if (change->conn == conn)
			change->conn = NULL;
}

static void start(struct admin_conn *conn, const struct database_user *user, struct fw_slice password, bool adds)
{
	struct keeper *keeper = conn->admin->keeper;
	const char *list = keeper->options.policy->settings.password_breached;
	struct password_cost cost = keeper_users_cost(keeper);
	struct admin_change *change = mem_zero(1, sizeof(*change));
	struct password_job *job = change != NULL ? password_job_new(password, &cost, on_hashed, change) : NULL;

	if (job != NULL && list[0] != '\0') {
		job->list = mem_text(list, strlen(list));
		if (job->list == NULL)
			job = password_job_free(job);
	}
	if (job == NULL || !keeper_users_submit(keeper, job)) {
		password_job_free(job);
		mem_free(change);
		admin_answer_problem(conn, 503, "too many passwords are being hashed", "Retry-After: 2\r\n");
		return;
	}
	*change = (struct admin_change){ .admin = conn->admin,
					 .conn = conn,
					 .next = conn->admin->changes,
					 .link = &conn->admin->changes,
					 .adds = adds,
					 .user = *user,
					 .before_wall_us = user->changed_wall_us };
	if (change->next != NULL)
		change->next->link = &change->next;
	conn->admin->changes = change;
	admin_record_init(&change->record, conn, EVENT_admin_action, adds ? "user add" : "user password");
	admin_record_keep(&change->record, conn, &change->access);
	admin_record_text(&change->record, "user", slice(change->user.name, change->user.name_size));
	if (adds)
		admin_record_text(&change->record, "role", slice_text(change->user.role));
	admin_conn_wait(conn); /* it takes as long as a hash takes */
}

struct wish {
	struct fw_slice user, role, password;
};

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, bool adds, struct wish *ret_wish)
{
	uint32_t user, role, password;
	struct json json;

	*ret_wish = (struct wish){ .role = slice_text("user") };
	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return adds ? "the body must be a JSON object {user, role, password}"
			    : "the body must be a JSON object {password}";
	user = adds ? json_member(&json, 0, "user", 4) : 0;
	role = adds ? json_member(&json, 0, "role", 4) : 0;
	password = json_member(&json, 0, "password", 8);
	if (json.nodes[0].count != (unsigned)(user != 0) + (role != 0) + (password != 0))
		return adds ? "the body has a member besides user, role, password"
			    : "the body has a member besides password";
	if (adds && (user == 0 || !admin_text_member(conn, &json, user, NAME_MOST, &ret_wish->user) ||
		     !policy_name_can_log_in(ret_wish->user)))
		return "user must be a name of 1 to 50 letters, digits and the characters . _ - as a login has it";
	if (!admin_text_member(conn, &json, role, STORE_ROLE - 1, &ret_wish->role) || ret_wish->role.size == 0)
		return "role must be the name of a role";
	if (password == 0 || !admin_text_member(conn, &json, password, LIMIT_ADMIN_BODY, &ret_wish->password))
		return "password must be a text";
	return NULL;
}

/* The body is not looked at again, and the octets are ours. */
static void forget(struct admin_conn *conn, const struct wish *wish)
{
	if (wish->password.size != 0)
		mem_wipe((void *)(uintptr_t)wish->password.data, wish->password.size);
	if (conn->content.size != 0)
		mem_wipe((void *)(uintptr_t)conn->content.data, conn->content.size);
}

static bool copy_name(struct database_user *user, struct fw_slice name)
{
	if (name.size == 0 || name.size >= sizeof(user->name))
		return false;
	memcpy(user->name, name.data, name.size);
	user->name_size = name.size;
	return true;
}

static const char *judge(const struct fw_policy *policy, const struct wish *wish, bool adds,
			 char text[POLICY_PASSWORD_TEXT])
{
	if (adds && policy_name_is_of_issuer(policy, wish->user))
		return "a name that begins with the user_prefix of an issuer is one of its users";
	if (policy_role_find(policy, wish->role) == POLICY_NONE)
		return "there is no role of this name";
	return policy_password_holds(policy, wish->password, text) ? NULL : text;
}

void admin_users_add(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct database_user user = { .failed = 0 };
	char text[POLICY_PASSWORD_TEXT];
	struct wish wish;
	const char *wrong = read_wish(conn, true, &wish);

	if (wrong == NULL)
		wrong = judge(keeper->options.policy, &wish, true, text);
	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
	} else if (database_user_count(keeper->database) >= LIMIT_USERS) {
		admin_answer_problem(conn, 507, "there are as many users as may be; remove some", "");
	} else {
		copy_name(&user, wish.user);
		memcpy(user.role, wish.role.data, wish.role.size);
		start(conn, &user, wish.password, true);
	}
	forget(conn, &wish);
}

/* Of a user that there is: the name in the path. False: it was answered. */
static bool find(struct admin_conn *conn, struct database_user *ret_user)
{
	struct database *database = conn->admin->keeper->database;
	char name[STORE_NAME], failed[DATABASE_ERROR];
	enum database_found found = DATABASE_NONE;
	size_t size;

	if (admin_text_decode(conn->rest, name, sizeof(name), &size) && size != 0)
		found = database_user_find(database, slice(name, size), ret_user, failed);
	if (found == DATABASE_NONE)
		answer_none(conn);
	else if (found == DATABASE_FAILED)
		answer_failed(conn, failed);
	return found == DATABASE_FOUND;
}

void admin_users_set(struct admin_conn *conn)
{
	char text[POLICY_PASSWORD_TEXT];
	struct database_user user;
	struct wish wish;
	const char *wrong = read_wish(conn, false, &wish);

	if (wrong == NULL && !policy_password_holds(conn->admin->keeper->options.policy, wish.password, text))
		wrong = text;
	if (wrong != NULL)
		admin_answer_problem(conn, 400, wrong, "");
	else if (find(conn, &user))
		start(conn, &user, wish.password, false);
	forget(conn, &wish);
}

void admin_users_remove(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	char failed[DATABASE_ERROR];
	struct database_user user;
	enum database_found found;
	struct fw_record record;
	bool told;

	if (!find(conn, &user))
		return;
	found = database_user_remove(keeper->database, slice(user.name, user.name_size), failed);
	if (found != DATABASE_FOUND) {
		answer_failed(conn, failed);
		return;
	}
	told = end_sessions(keeper, &user);
	admin_record_init(&record, conn, EVENT_admin_action, "user remove");
	admin_record_text(&record, "user", slice(user.name, user.name_size));
	record_state(conn->admin, ADMIN_BEFORE, &user, user.changed_wall_us);
	admin_record_change(conn->admin, &record);
	if (!told) {
		admin_answer_problem(conn, 503, not_told, "");
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
