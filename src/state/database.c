#include "state/database_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database_parts.h"

enum { BUSY_MS = 5000 };

/* One step a version: what brings a file of the version before to this one. */
static const char *const steps[] = {
	"CREATE TABLE revocations ("
	" user BLOB PRIMARY KEY NOT NULL," /* as in the credential, octet by octet */
	" before_us INTEGER NOT NULL,"	   /* credentials issued up to then do not count; microseconds since 1970 */
	" disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),"
	" reason TEXT NOT NULL"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE api_keys ("
	" id TEXT PRIMARY KEY NOT NULL,"
	" hash BLOB NOT NULL," /* SHA-256 of the whole key */
	" name BLOB NOT NULL,"
	" role BLOB NOT NULL,"
	" scopes BLOB NOT NULL,"   /* permissions with blanks between them; empty: all of the role */
	" networks BLOB NOT NULL," /* the same; empty: from anywhere */
	" created_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL," /* 0: never, and so below */
	" revoked_us INTEGER NOT NULL,"
	" used_us INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE users (" /* who logs in with a password */
	" user BLOB PRIMARY KEY NOT NULL,"
	" hash TEXT NOT NULL," /* argon2id, a PHC string */
	" role TEXT NOT NULL,"
	" created_us INTEGER NOT NULL," /* microseconds since 1970 */
	" changed_us INTEGER NOT NULL," /* when the password was set */
	" failed INTEGER NOT NULL"	/* logins that were refused since the last one that was not */
	") STRICT, WITHOUT ROWID",
};
enum { VERSION = sizeof(steps) / sizeof(steps[0]) };

bool database_fails(const struct database *database, const char *what, char ret_error[DATABASE_ERROR])
{
	snprintf(ret_error, DATABASE_ERROR, "%s: %s", what, sqlite3_errmsg(database->handle));
	return false;
}

bool database_execute(struct database *database, const char *sql)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int version_of(struct database *database)
{
	sqlite3_stmt *statement;
	int version = -1;

	if (sqlite3_prepare_v2(database->handle, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

static bool migrate(struct database *database, char ret_error[DATABASE_ERROR])
{
	int version = version_of(database);
	char pragma[64];

	if (version < 0)
		return database_fails(database, "cannot read", ret_error);
	if (version > VERSION) {
		snprintf(ret_error, DATABASE_ERROR,
			 "it was written by a later version of framewall (%d, this one knows %d)", version,
			 (int)VERSION);
		return false;
	}
	if (version == VERSION)
		return true;
	if (!database_execute(database, "BEGIN IMMEDIATE"))
		return database_fails(database, "cannot write", ret_error);
	for (int i = version; i < VERSION; i++) {
		if (database_execute(database, steps[i]))
			continue;
		database_fails(database, "cannot bring it up to date", ret_error);
		database_execute(database, "ROLLBACK");
		return false;
	}
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", (int)VERSION);
	if (database_execute(database, pragma) && database_execute(database, "COMMIT"))
		return true;
	database_fails(database, "cannot bring it up to date", ret_error);
	database_execute(database, "ROLLBACK");
	return false;
}

/* SQLite would make the file, its log and its index by the umask. They get the mode of the file that is there. */
static bool make_file(const char *path, char ret_error[DATABASE_ERROR])
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		snprintf(ret_error, DATABASE_ERROR, "cannot open: %s", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

struct database *database_open(const char *path, char ret_error[DATABASE_ERROR])
{
	struct database *database = mem_zero(1, sizeof(*database));

	if (database == NULL) {
		snprintf(ret_error, DATABASE_ERROR, "memory is short");
		return NULL;
	}
	if (!make_file(path, ret_error))
		return database_close(database);
	if (sqlite3_open_v2(path, &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		database_fails(database, "cannot open", ret_error);
		return database_close(database);
	}
	sqlite3_busy_timeout(database->handle, BUSY_MS);
	if (!database_execute(database,
			      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
			      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")) {
		database_fails(database, "cannot open", ret_error);
		return database_close(database);
	}
	return migrate(database, ret_error) ? database : database_close(database);
}

struct database *database_close(struct database *database)
{
	if (database != NULL)
		sqlite3_close(database->handle);
	mem_free(database);
	return NULL;
}

struct fw_slice database_column(sqlite3_stmt *statement, int index)
{
	const void *octets = sqlite3_column_blob(statement, index);
	int size = sqlite3_column_bytes(statement, index);

	return slice(octets, octets != NULL && size > 0 ? (size_t)size : 0);
}

bool database_load(struct database *database, struct store *store, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	uint32_t sessions;
	int step;

	if (sqlite3_prepare_v2(database->handle, "SELECT user, before_us, disabled, reason FROM revocations", -1,
			       &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot read", ret_error);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_revocation revocation = { .user = database_column(statement, 0),
						       .before_wall_us = (uint64_t)sqlite3_column_int64(statement, 1),
						       .disabled = sqlite3_column_int(statement, 2) != 0,
						       .reason = database_column(statement, 3) };

		if (store_revoke(store, &revocation, &sessions) == STORE_REVOKED)
			continue;
		/* Whoever was revoked must not come back because there is no room to remember it. */
		snprintf(ret_error, DATABASE_ERROR, "there is no room for all the users that were revoked");
		sqlite3_finalize(statement);
		return false;
	}
	sqlite3_finalize(statement);
	if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return database_load_keys(database, store, ret_error);
}

static bool run(struct database *database, const char *sql, const struct store_revocation *revocation,
		char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	int step;

	if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	/* Sizes are at most STORE_NAME and STORE_REASON. What a statement has no place for is not bound. */
	sqlite3_bind_blob(statement, 1, revocation->user.data, (int)revocation->user.size, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)revocation->before_wall_us);
	sqlite3_bind_int(statement, 3, revocation->disabled);
	sqlite3_bind_text(statement, 4, revocation->reason.size != 0 ? (const char *)revocation->reason.data : "",
			  (int)revocation->reason.size, SQLITE_STATIC);
	step = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return step == SQLITE_DONE || database_fails(database, "cannot write", ret_error);
}

bool database_revoke(struct database *database, const struct store_revocation *revocation,
		     char ret_error[DATABASE_ERROR])
{
	return run(database,
		   "INSERT OR REPLACE INTO revocations (user, before_us, disabled, reason) VALUES (?1, ?2, ?3, ?4)",
		   revocation, ret_error);
}

bool database_restore(struct database *database, struct fw_slice user, char ret_error[DATABASE_ERROR])
{
	return run(database, "DELETE FROM revocations WHERE user = ?1", &(struct store_revocation){ .user = user },
		   ret_error);
}
