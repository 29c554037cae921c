/* Users with passwords: DATA/framewall.db keeps them, and is asked for each login. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database_parts.h"

enum { WHO = 32 };

/* ?1 is the keyed hash of the user, who is in the row himself only in a sealed value. */
static sqlite3_stmt *prepare(struct database *database, const char *sql, struct fw_slice user)
{
	sqlite3_stmt *statement;
	uint8_t who[WHO];

	if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
		return NULL;
	if (user.size != 0 && database_who(database, user, who))
		sqlite3_bind_blob(statement, 1, who, sizeof(who), SQLITE_TRANSIENT);
	return statement;
}

/* False: it could not be sealed; the statement is gone then. */
static bool seal(struct database *database, sqlite3_stmt **statement, int index, struct fw_slice user,
		 const char *column, struct fw_slice text)
{
	uint8_t who[WHO];
	struct vault_place place = { "users", column, slice(who, sizeof(who)) };

	if (*statement != NULL && database_who(database, user, who) &&
	    database_bind(database, *statement, index, &place, text))
		return true;
	sqlite3_finalize(*statement);
	*statement = NULL;
	return false;
}

/* Of a statement that changes rows: how many it did; -1: it failed. */
static int change(struct database *database, sqlite3_stmt *statement)
{
	int step = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;

	sqlite3_finalize(statement);
	return step == SQLITE_DONE ? sqlite3_changes(database->handle) : -1;
}

static enum database_found outcome(struct database *database, int changed, char ret_error[DATABASE_ERROR])
{
	if (changed > 0)
		return DATABASE_FOUND;
	if (changed == 0)
		return DATABASE_NONE;
	database_fails(database, "cannot write", ret_error);
	return DATABASE_FAILED;
}

/* A text with a NUL behind it. */
static bool read(struct database *database, sqlite3_stmt *statement, int index, const char *column, char *ret_text,
		 size_t room, size_t *ret_size)
{
	struct vault_place place = { "users", column, database_column(statement, 0) };

	if (!database_read(database, statement, index, &place, ret_text, room - 1, ret_size))
		return false;
	ret_text[*ret_size] = '\0';
	return true;
}

/* False: a row that was not written here. */
static bool read_row(struct database *database, sqlite3_stmt *statement, struct database_user *ret_user)
{
	size_t size;

	*ret_user = (struct database_user){ .created_wall_us = (uint64_t)sqlite3_column_int64(statement, 4),
					    .changed_wall_us = (uint64_t)sqlite3_column_int64(statement, 5),
					    .failed = (uint64_t)sqlite3_column_int64(statement, 6) };
	return read(database, statement, 1, "user", ret_user->name, sizeof(ret_user->name), &ret_user->name_size) &&
	       read(database, statement, 2, "hash", ret_user->hash, sizeof(ret_user->hash), &size) &&
	       read(database, statement, 3, "role", ret_user->role, sizeof(ret_user->role), &size);
}

#define COLUMNS "who, user, hash, role, created_us, changed_us, failed"

static const char unreadable[] = "a user in it cannot be read: it was changed from outside";

enum database_found database_user_find(struct database *database, struct fw_slice user, struct database_user *ret_user,
				       char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(database, "SELECT " COLUMNS " FROM users WHERE who = ?1", user);
	int step = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
	enum database_found found = DATABASE_FAILED;

	if (step == SQLITE_DONE)
		found = DATABASE_NONE;
	else if (step != SQLITE_ROW)
		database_fails(database, "cannot read", ret_error);
	else if (read_row(database, statement, ret_user))
		found = DATABASE_FOUND;
	else
		memcpy(ret_error, unreadable, sizeof(unreadable));
	sqlite3_finalize(statement);
	return found;
}

int64_t database_user_count(struct database *database)
{
	sqlite3_stmt *statement = prepare(database, "SELECT count(*) FROM users", slice(NULL, 0));
	int64_t count = -1;

	if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW)
		count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

/* Within a transaction. How many rows were changed; -1: it failed, and ret_error says why. */
static int add(struct database *database, const struct database_user *user, char ret_error[DATABASE_ERROR])
{
	struct fw_slice name = slice(user->name, user->name_size);
	sqlite3_stmt *statement = prepare(
		database, "INSERT INTO users (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
		name);
	int changed;

	if (!seal(database, &statement, 2, name, "user", name) ||
	    !seal(database, &statement, 3, name, "hash", slice_text(user->hash)) ||
	    !seal(database, &statement, 4, name, "role", slice_text(user->role))) {
		snprintf(ret_error, DATABASE_ERROR, DATABASE_NOT_SEALED);
		return -1;
	}
	sqlite3_bind_int64(statement, 5, (sqlite3_int64)user->created_wall_us);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)user->changed_wall_us);
	sqlite3_bind_int64(statement, 7, (sqlite3_int64)user->failed);
	changed = change(database, statement);
	if (changed < 0)
		database_fails(database, "cannot write", ret_error);
	return changed;
}

static enum database_found end(struct database *database, int changed, char ret_error[DATABASE_ERROR])
{
	if (!database_end(database, changed >= 0, ret_error))
		return DATABASE_FAILED;
	return changed > 0 ? DATABASE_FOUND : DATABASE_NONE;
}

enum database_found database_user_add(struct database *database, const struct database_user *user,
				      char ret_error[DATABASE_ERROR])
{
	if (!database_begin(database, ret_error))
		return DATABASE_FAILED;
	return end(database, add(database, user, ret_error), ret_error);
}

/* One sealed value, and what else the statement has to have. */
static enum database_found set(struct database *database, sqlite3_stmt *statement, struct fw_slice user,
			       const char *column, struct fw_slice text, char ret_error[DATABASE_ERROR])
{
	int changed = -1;

	if (!database_begin(database, ret_error)) {
		sqlite3_finalize(statement);
		return DATABASE_FAILED;
	}
	if (!seal(database, &statement, 2, user, column, text))
		snprintf(ret_error, DATABASE_ERROR, DATABASE_NOT_SEALED);
	else if ((changed = change(database, statement)) < 0)
		database_fails(database, "cannot write", ret_error);
	return end(database, changed, ret_error);
}

enum database_found database_user_set_password(struct database *database, struct fw_slice user, const char *hash,
					       uint64_t changed_wall_us, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement =
		prepare(database, "UPDATE users SET hash = ?2, changed_us = ?3, failed = 0 WHERE who = ?1", user);

	if (statement != NULL)
		sqlite3_bind_int64(statement, 3, (sqlite3_int64)changed_wall_us);
	return set(database, statement, user, "hash", slice_text(hash), ret_error);
}

enum database_found database_user_set_role(struct database *database, struct fw_slice user, const char *role,
					   char ret_error[DATABASE_ERROR])
{
	return set(database, prepare(database, "UPDATE users SET role = ?2 WHERE who = ?1", user), user, "role",
		   slice_text(role), ret_error);
}

enum database_found database_user_remove(struct database *database, struct fw_slice user,
					 char ret_error[DATABASE_ERROR])
{
	return outcome(database, change(database, prepare(database, "DELETE FROM users WHERE who = ?1", user)),
		       ret_error);
}

/* Whoever tries passwords must not make the disk the bottleneck: a count need not survive a power cut. */
static void change_lightly(struct database *database, sqlite3_stmt *statement)
{
	sqlite3_exec(database->handle, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	change(database, statement);
	sqlite3_exec(database->handle, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
}

void database_user_failed(struct database *database, struct fw_slice user)
{
	change_lightly(database, prepare(database, "UPDATE users SET failed = failed + 1 WHERE who = ?1", user));
}

void database_user_succeeded(struct database *database, struct fw_slice user, const char *hash)
{
	char ignored[DATABASE_ERROR];

	change_lightly(database, prepare(database, "UPDATE users SET failed = 0 WHERE who = ?1", user));
	if (hash != NULL) /* rare: the cost was changed */
		set(database, prepare(database, "UPDATE users SET hash = ?2 WHERE who = ?1", user), user, "hash",
		    slice_text(hash), ignored);
}

static bool read_clear(sqlite3_stmt *statement, struct database_user *ret_user)
{
	struct fw_slice name = database_column(statement, 0), hash = database_column(statement, 1),
			role = database_column(statement, 2);

	*ret_user = (struct database_user){ .name_size = name.size,
					    .created_wall_us = (uint64_t)sqlite3_column_int64(statement, 3),
					    .changed_wall_us = (uint64_t)sqlite3_column_int64(statement, 4),
					    .failed = (uint64_t)sqlite3_column_int64(statement, 5) };
	if (name.size >= sizeof(ret_user->name) || hash.size >= sizeof(ret_user->hash) ||
	    role.size >= sizeof(ret_user->role) || name.size == 0)
		return false;
	memcpy(ret_user->name, name.data, name.size);
	if (hash.size != 0)
		memcpy(ret_user->hash, hash.data, hash.size);
	if (role.size != 0)
		memcpy(ret_user->role, role.data, role.size);
	return true;
}

bool database_migrate_users(struct database *database, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement =
		prepare(database, "SELECT user, hash, role, created_us, changed_us, failed FROM users_in_clear",
			slice(NULL, 0));
	bool done = statement != NULL || database_fails(database, "cannot read", ret_error);
	struct database_user row;
	int step;

	while (done && (step = sqlite3_step(statement)) != SQLITE_DONE) {
		if (step != SQLITE_ROW)
			done = database_fails(database, "cannot read", ret_error);
		else if (read_clear(statement, &row))
			done = add(database, &row, ret_error) >= 0;
	}
	sqlite3_finalize(statement);
	mem_wipe(&row, sizeof(row));
	return done;
}

bool database_user_list(struct database *database, database_user_function *each, void *user,
			char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(database, "SELECT " COLUMNS " FROM users", slice(NULL, 0));
	int step = SQLITE_ERROR;
	struct database_user row;

	while (statement != NULL && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!read_row(database, statement, &row))
			break;
		each(user, &row);
	}
	if (step == SQLITE_ROW)
		memcpy(ret_error, unreadable, sizeof(unreadable));
	sqlite3_finalize(statement);
	mem_wipe(&row, sizeof(row));
	return step == SQLITE_DONE || (step != SQLITE_ROW && database_fails(database, "cannot read", ret_error));
}
