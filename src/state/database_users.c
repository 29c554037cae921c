/* Users with passwords: DATA/framewall.db keeps them, and is asked for each login. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database_parts.h"

static sqlite3_stmt *prepare(struct database *database, const char *sql, struct fw_slice user)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
		return NULL;
	if (user.size != 0)
		sqlite3_bind_blob(statement, 1, user.data, (int)user.size, SQLITE_STATIC);
	return statement;
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

static bool copy(struct fw_slice from, char *ret_text, size_t room)
{
	if (from.size >= room)
		return false;
	if (from.size != 0)
		memcpy(ret_text, from.data, from.size);
	ret_text[from.size] = '\0';
	return true;
}

/* False: a row that was not written here. */
static bool read_row(sqlite3_stmt *statement, struct database_user *ret_user)
{
	*ret_user = (struct database_user){ .created_wall_us = (uint64_t)sqlite3_column_int64(statement, 3),
					    .changed_wall_us = (uint64_t)sqlite3_column_int64(statement, 4),
					    .failed = (uint64_t)sqlite3_column_int64(statement, 5) };
	ret_user->name_size = database_column(statement, 0).size;
	return copy(database_column(statement, 0), ret_user->name, sizeof(ret_user->name)) &&
	       copy(database_column(statement, 1), ret_user->hash, sizeof(ret_user->hash)) &&
	       copy(database_column(statement, 2), ret_user->role, sizeof(ret_user->role));
}

#define COLUMNS "user, hash, role, created_us, changed_us, failed"

enum database_found database_user_find(struct database *database, struct fw_slice user, struct database_user *ret_user,
				       char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(database, "SELECT " COLUMNS " FROM users WHERE user = ?1", user);
	int step = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
	enum database_found found = DATABASE_FAILED;

	if (step == SQLITE_DONE)
		found = DATABASE_NONE;
	else if (step != SQLITE_ROW)
		database_fails(database, "cannot read", ret_error);
	else if (read_row(statement, ret_user))
		found = DATABASE_FOUND;
	else
		memcpy(ret_error, "a user that is too long", sizeof("a user that is too long"));
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

enum database_found database_user_add(struct database *database, const struct database_user *user,
				      char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(
		database, "INSERT INTO users (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT DO NOTHING",
		slice(user->name, user->name_size));

	if (statement != NULL) {
		sqlite3_bind_text(statement, 2, user->hash, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, user->role, -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 4, (sqlite3_int64)user->created_wall_us);
		sqlite3_bind_int64(statement, 5, (sqlite3_int64)user->changed_wall_us);
	}
	return outcome(database, change(database, statement), ret_error);
}

enum database_found database_user_set_password(struct database *database, struct fw_slice user, const char *hash,
					       uint64_t changed_wall_us, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement =
		prepare(database, "UPDATE users SET hash = ?2, changed_us = ?3, failed = 0 WHERE user = ?1", user);

	if (statement != NULL) {
		sqlite3_bind_text(statement, 2, hash, -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 3, (sqlite3_int64)changed_wall_us);
	}
	return outcome(database, change(database, statement), ret_error);
}

enum database_found database_user_set_role(struct database *database, struct fw_slice user, const char *role,
					   char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(database, "UPDATE users SET role = ?2 WHERE user = ?1", user);

	if (statement != NULL)
		sqlite3_bind_text(statement, 2, role, -1, SQLITE_STATIC);
	return outcome(database, change(database, statement), ret_error);
}

enum database_found database_user_remove(struct database *database, struct fw_slice user,
					 char ret_error[DATABASE_ERROR])
{
	return outcome(database, change(database, prepare(database, "DELETE FROM users WHERE user = ?1", user)),
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
	change_lightly(database, prepare(database, "UPDATE users SET failed = failed + 1 WHERE user = ?1", user));
}

void database_user_succeeded(struct database *database, struct fw_slice user, const char *hash)
{
	sqlite3_stmt *statement =
		prepare(database, "UPDATE users SET failed = 0, hash = coalesce(?2, hash) WHERE user = ?1", user);

	if (statement != NULL && hash != NULL)
		sqlite3_bind_text(statement, 2, hash, -1, SQLITE_STATIC);
	change_lightly(database, statement);
}

bool database_user_list(struct database *database, database_user_function *each, void *user,
			char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = prepare(database, "SELECT " COLUMNS " FROM users ORDER BY user", slice(NULL, 0));
	int step = SQLITE_ERROR;
	struct database_user row;

	while (statement != NULL && (step = sqlite3_step(statement)) == SQLITE_ROW)
		if (read_row(statement, &row))
			each(user, &row);
	sqlite3_finalize(statement);
	mem_wipe(&row, sizeof(row));
	return step == SQLITE_DONE || database_fails(database, "cannot read", ret_error);
}
