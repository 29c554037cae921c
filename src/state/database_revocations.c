/* database_revocations.c: users whose credentials do not count. A record is found by a keyed hash of the user. */
#include <stdio.h>

#include "base/slice.h"
#include "state/database_parts.h"

static const char table[] = "revocations";

static struct vault_place place_of(const char *column, const uint8_t who[32])
{
	return (struct vault_place){ table, column, slice(who, 32) };
}

struct row {
	char user[STORE_NAME], reason[STORE_REASON];
	struct store_revocation revocation; /* points at them */
};

static bool read_row(struct database *database, sqlite3_stmt *statement, struct row *row)
{
	struct fw_slice who = database_column(statement, 0);
	struct vault_place user = { table, "user", who }, reason = { table, "reason", who };
	uint8_t expected[32];
	size_t user_size, reason_size;

	if (who.size != sizeof(expected) ||
	    !database_read(database, statement, 1, &user, row->user, sizeof(row->user), &user_size) ||
	    !database_read(database, statement, 4, &reason, row->reason, sizeof(row->reason), &reason_size))
		return false;
	row->revocation = (struct store_revocation){ .user = slice(row->user, user_size),
						     .before_wall_us = (uint64_t)sqlite3_column_int64(statement, 2),
						     .disabled = sqlite3_column_int(statement, 3) != 0,
						     .reason = slice(row->reason, reason_size) };
	return true;
}

bool database_load(struct database *database, struct store *store, char ret_error[DATABASE_ERROR])
{
	const char *wrong = NULL;
	sqlite3_stmt *statement;
	uint32_t sessions;
	struct row row;
	int step = SQLITE_DONE;

	if (sqlite3_prepare_v2(database->handle, "SELECT who, user, before_us, disabled, reason FROM revocations", -1,
			       &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot read", ret_error);
	while (wrong == NULL && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!read_row(database, statement, &row))
			wrong = "a user in it who was revoked cannot be read: it was changed from outside";
		else if (store_revoke(store, &row.revocation, &sessions) != STORE_REVOKED)
			/* Whoever was revoked must not come back because there is no room to remember it. */
			wrong = "there is no room for all the users that were revoked";
	}
	sqlite3_finalize(statement);
	if (wrong != NULL) {
		snprintf(ret_error, DATABASE_ERROR, "%s", wrong);
		return false;
	}
	if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return database_load_keys(database, store, ret_error);
}

/* Within a transaction. */
static bool put_revocation(struct database *database, const struct store_revocation *revocation,
			   char ret_error[DATABASE_ERROR])
{
	struct vault_place user, reason;
	sqlite3_stmt *statement;
	uint8_t who[32];
	bool done;

	if (sqlite3_prepare_v2(database->handle,
			       "INSERT OR REPLACE INTO revocations (who, user, before_us, disabled, reason) "
			       "VALUES (?1, ?2, ?3, ?4, ?5)",
			       -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	done = database_who(database, revocation->user, who);
	user = place_of("user", who);
	reason = place_of("reason", who);
	sqlite3_bind_blob(statement, 1, who, sizeof(who), SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)revocation->before_wall_us);
	sqlite3_bind_int(statement, 4, revocation->disabled);
	done = done && database_bind(database, statement, 2, &user, revocation->user) &&
	       database_bind(database, statement, 5, &reason, revocation->reason);
	return database_write(database, statement, done, ret_error);
}

bool database_revoke(struct database *database, const struct store_revocation *revocation,
		     char ret_error[DATABASE_ERROR])
{
	return database_begin(database, ret_error) &&
	       database_end(database, put_revocation(database, revocation, ret_error), ret_error);
}

static bool remove_revocation(struct database *database, struct fw_slice user, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	uint8_t who[32];
	int step;

	if (!database_who(database, user, who) ||
	    sqlite3_prepare_v2(database->handle, "DELETE FROM revocations WHERE who = ?1", -1, &statement, NULL) !=
		    SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	sqlite3_bind_blob(statement, 1, who, sizeof(who), SQLITE_STATIC);
	step = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return step == SQLITE_DONE || database_fails(database, "cannot write", ret_error);
}

bool database_restore(struct database *database, struct fw_slice user, char ret_error[DATABASE_ERROR])
{
	return database_begin(database, ret_error) &&
	       database_end(database, remove_revocation(database, user, ret_error), ret_error);
}

bool database_migrate_revocations(struct database *database, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	bool done = true;
	int step;

	if (sqlite3_prepare_v2(database->handle, "SELECT user, before_us, disabled, reason FROM revocations_in_clear",
			       -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot read", ret_error);
	while (done && (step = sqlite3_step(statement)) != SQLITE_DONE)
		done = step == SQLITE_ROW
			       ? put_revocation(database,
						&(struct store_revocation){
							.user = database_column(statement, 0),
							.before_wall_us = (uint64_t)sqlite3_column_int64(statement, 1),
							.disabled = sqlite3_column_int(statement, 2) != 0,
							.reason = database_column(statement, 3) },
						ret_error)
			       : database_fails(database, "cannot read", ret_error);
	sqlite3_finalize(statement);
	return done;
}
